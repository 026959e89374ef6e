//! A look at everything.
//!
//! Invariant: what cannot be read fails the turn; nothing is taken for calm because it could not be seen.

use super::Look;
use crate::error::TurnError;
use crate::queues::Queue;
use aws_sdk_sqs::types::Message;
use ledger::limits::UNSETTLED_ROWS_MAX;
use ledger::{Extent, LedgerError};
use payments::UnixMs;
use payments::incident::{
    Alike, Credentials, Depth, Incident, Observation, Reach, Survey, Unsettled, Verdict,
};
use payments::legible::Legible;
use payments::limits::{AT_RISK_MS, DELAYED_MS};
use payments::payment::Body;
use payments::pulse::Pulse;

/// Rows that are looked at from either end: enough to see what several share, and that one that cannot be read hides nothing.
const ROWS_OF_AN_END: usize = 25;

/// What the ledger says of payments that wait: the oldest of them, and behind those the newest. Hundreds may wait for what
/// is long over; the newest met what is met now.
pub(super) struct Waiting {
    rows: Vec<Unsettled>,
    /// Whether there are others between them.
    extent: Extent,
}

impl Waiting {
    pub(super) fn oldest(&self) -> Option<Unsettled> {
        self.rows.first().cloned()
    }

    /// Whether deliveries of any die, which only says something beside when others come through.
    pub(super) fn is_dying(&self, now: UnixMs) -> bool {
        self.rows.iter().any(|row| row.deaths(now).next().is_some())
    }

    /// What they share.
    pub(super) fn alike(&self, pulse: Option<&Pulse>, now: UnixMs) -> Option<Alike> {
        Alike::among(&self.rows, pulse.map(|pulse| pulse.last), now)
    }
}

/// Messages in hand of which no row tells, where nobody has come through for long.
fn unrecorded(source: Depth, waiting: &Waiting, pulse: Option<&Pulse>, now: UnixMs) -> Option<Alike> {
    let came_through = pulse.is_some_and(|pulse| now.since_ms(pulse.last) < DELAYED_MS);
    let is_known = waiting.extent == Extent::Complete && !came_through;
    is_known.then(|| Alike::unrecorded(source.in_flight, waiting.rows.len() as u64)).flatten()
}

/// How long payments wait for their first delivery, as far as that is still so.
fn waited_ms(pulse: &Pulse, now: UnixMs) -> i64 {
    if now.since_ms(pulse.last) < DELAYED_MS { pulse.waited_ms } else { 0 }
}

impl Look {
    /// Everything a decision needs: five calls, and more the more there is to know; while an incident waits for the
    /// provider, its probes; and a look into a quarantine that changed.
    pub(crate) async fn everything(
        &self,
        now: UnixMs,
        credentials: Credentials,
        incident: &Incident,
    ) -> Result<Observation, TurnError> {
        let ((source, source_retention_ms), dead_letters, quarantine, task, waiting) = tokio::try_join!(
            self.queues.depth_and_retention(Queue::Source),
            self.queues.depth(Queue::DeadLetters),
            self.queues.depth(Queue::Quarantine),
            self.queues.newest_task(),
            self.waiting(now),
        )?;
        let waits = incident.recovery.phase.is_open() || source.total() > 0 || waiting.is_dying(now);
        let pulse = if waits { self.ledger.pulse().await? } else { None };
        let alike = match waiting.alike(pulse.as_ref(), now) {
            // Dead letters without a row may be no payments at all.
            None if dead_letters.visible > waiting.rows.len() as u64 => self.unreadable().await?,
            alike @ (Some(_) | None) => alike,
        };
        let unrecorded = unrecorded(source, &waiting, pulse.as_ref(), now);
        let messages = source.total().saturating_add(dead_letters.total());
        let oldest = waiting.oldest();
        let is_stranded = self.is_stranded(oldest.as_ref(), messages, now).await?;
        let canary = self.canary(incident).await?;
        let probes = if incident.recovery.wants_probes() { Some(self.provider.probe().await) } else { None };
        let mut seen = Observation {
            now,
            source,
            dead_letters,
            quarantine,
            task,
            oldest,
            alike,
            unrecorded,
            is_stranded,
            came_through: pulse.as_ref().map(|pulse| pulse.last),
            waited_ms: pulse.as_ref().map_or(0, |pulse| waited_ms(pulse, now)),
            drain_ms: self.drain_ms(source),
            source_retention_ms,
            credentials,
            probes,
            canary,
            contents: None,
        };
        if self.memory.wants_a_look(seen.quarantine.total(), now) {
            seen.contents = self.contents(&seen).await;
        }
        Ok(seen)
    }

    /// The oldest unsettled payments, and the newest where there are more.
    pub(super) async fn waiting(&self, now: UnixMs) -> Result<Waiting, TurnError> {
        let page = self.ledger.unsettled(now, ROWS_OF_AN_END).await?;
        if page.rows.is_empty() && page.unreadable > 0 {
            let why = format!("none of the {} oldest unsettled rows can be read", page.unreadable);
            return Err(LedgerError::Unavailable(why).into());
        }
        let mut rows = page.rows;
        if page.extent == Extent::CutOff {
            let mut newest = self.ledger.newest_unsettled(now, ROWS_OF_AN_END).await?.rows;
            newest.retain(|row| rows.iter().all(|old| old.payment_id != row.payment_id));
            rows.extend(newest);
        }
        Ok(Waiting { rows, extent: page.extent })
    }

    /// How long what waits takes at the pace that Stripe's rate permits.
    pub(super) fn drain_ms(&self, source: Depth) -> i64 {
        let ms = source.total().saturating_mul(1_000) / u64::from(self.releases_per_s);
        i64::try_from(ms).unwrap_or(i64::MAX)
    }

    /// Whether more payments have been unsettled for long than there are messages. What moves between the queues while
    /// they are counted is missing in both; so it takes several turns to believe it.
    async fn is_stranded(
        &self,
        oldest: Option<&Unsettled>,
        messages: u64,
        now: UnixMs,
    ) -> Result<bool, TurnError> {
        let until = now.plus_ms(-DELAYED_MS);
        if oldest.is_none_or(|oldest| oldest.received_at > until) {
            return Ok(false);
        }
        Ok(self.ledger.more_unsettled_than(messages, until).await?)
    }

    /// What some dead letters share that cannot be read as payments.
    async fn unreadable(&self) -> Result<Option<Alike>, TurnError> {
        let messages = self.queues.receive(Queue::DeadLetters).await?;
        self.queues.show(Queue::DeadLetters, &messages).await?;
        let problem = |message: &Message| {
            let body = message.body().unwrap_or_default();
            Some((Body::parse(body).err()?.kind(), Legible::of(body).payment_id))
        };
        let problems: Vec<_> = messages.iter().filter_map(problem).collect();
        Ok(Alike::among_unreadable(&problems))
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

    /// The payments at risk. What cannot be read is left out: a mail goes all the same.
    pub(crate) async fn survey(&self, now: UnixMs) -> Survey {
        match self.ledger.unsettled(now.plus_ms(-AT_RISK_MS), UNSETTLED_ROWS_MAX).await {
            Ok(page) if page.extent == Extent::Complete && page.unreadable == 0 => {
                Survey::of(&page.rows, Reach::All)
            }
            Ok(page) => Survey::of(&page.rows, Reach::Part),
            Err(error) => {
                tracing::warn!(%error, "a mail goes without the money at risk");
                Survey::of(&[], Reach::Part)
            }
        }
    }
}
