//! A look at everything.
//!
//! Invariant: what cannot be read fails the turn; nothing is taken for calm because it could not be seen.

use crate::Inner;
use crate::error::TurnError;
use crate::event::Wake;
use ledger::limits::UNSETTLED_ROWS_MAX;
use ledger::{Extent, LedgerError};
use payments::UnixMs;
use payments::incident::{Details, Incident, Observation, Reach, Survey, Unsettled, Verdict};
use payments::limits::AT_RISK_MS;

/// Rows that are looked at to find the oldest: a row that cannot be read must not hide those behind it.
const OLDEST_ROWS: usize = 10;

impl Inner {
    /// Everything a decision needs: eight calls; while an incident waits for the provider, its probes; and a look into a
    /// quarantine that changed.
    pub(crate) async fn observe(
        &self,
        now: UnixMs,
        wake: &Wake,
        incident: &Incident,
    ) -> Result<Observation, TurnError> {
        let (source, dead_letters, quarantine, task, oldest) = tokio::try_join!(
            self.queues.depth(&self.queues.source),
            self.queues.depth(&self.queues.dead_letters),
            self.queues.depth(&self.queues.quarantine),
            self.queues.newest_task(),
            self.oldest(now),
        )?;
        let canary = self.canary(incident).await?;
        let probes = if incident.recovery.wants_probes() { Some(self.provider.probe().await) } else { None };
        let mut seen = Observation {
            now,
            source,
            dead_letters,
            quarantine,
            task,
            oldest,
            credentials: wake.credentials(),
            probes,
            canary,
            contents: None,
            details: None,
        };
        if self.memory.wants_a_look(seen.quarantine.total(), now) {
            seen.contents = self.contents(&seen).await;
        }
        Ok(seen)
    }

    /// The oldest unsettled payment.
    pub(crate) async fn oldest(&self, now: UnixMs) -> Result<Option<Unsettled>, TurnError> {
        let page = self.ledger.unsettled(now, OLDEST_ROWS).await?;
        if page.rows.is_empty() && page.unreadable > 0 {
            let why = format!("none of the {} oldest unsettled rows can be read", page.unreadable);
            return Err(LedgerError::Unavailable(why).into());
        }
        Ok(page.rows.into_iter().next())
    }

    async fn canary(&self, incident: &Incident) -> Result<Vec<Verdict>, TurnError> {
        let mut verdicts = Vec::new();
        if let Some((members, since)) = incident.recovery.canary() {
            for member in members {
                verdicts.push(member.verdict(self.ledger.row(&member.payment_id).await?.as_ref(), since));
            }
        }
        Ok(verdicts)
    }

    /// What mails say beyond what decisions need. What cannot be read is left out: the mail goes all the same.
    pub(crate) async fn details(&self, seen: &Observation) -> Details {
        let at_risk_since = seen.now.plus_ms(-AT_RISK_MS);
        let survey = match self.ledger.unsettled(at_risk_since, UNSETTLED_ROWS_MAX).await {
            Ok(page) if page.extent == Extent::Complete && page.unreadable == 0 => {
                Survey::of(&page.rows, Reach::All)
            }
            Ok(page) => Survey::of(&page.rows, Reach::Part),
            Err(error) => {
                tracing::warn!(%error, "a mail goes without the money at risk");
                Survey::of(&[], Reach::Part)
            }
        };
        Details { survey, traffic: None }
    }
}
