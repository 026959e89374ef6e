//! An audit, carried on by a turn for as long as that has time.
//!
//! A page is listed, its rows are read, it is judged, and what came of it is saved, with the place where the next one
//! begins: a turn that dies loses the page it was at, and the next turn lists that page again.
//! Invariant: nothing here writes to the ledger, and at Stripe nothing but lists is asked for.

use crate::Inner;
use crate::error::TurnError;
use crate::limits::{AUDIT_MS_MAX, AUDIT_PAGES_PER_S};
use crate::turn::Turn;
use payments::audit::{Audit, Page, Phase, Round};
use payments::incident::Phase as IncidentPhase;
use payments::pace::Pace;
use payments::{Cause, UnixMs};
use std::time::Duration;
use stripe::{Ask, Listing};

/// What asking for a page came to.
enum Turned {
    Page(Page),
    /// It is larger than what is read of an answer.
    TooLarge,
    /// There is none for now.
    Hindered(Cause),
}

impl Turn<'_> {
    /// Begins the audit that is due, if one is, and carries on the one that may go on.
    pub(crate) async fn audit(
        &mut self,
        before: Audit,
        incident: &IncidentPhase,
    ) -> Result<Audit, TurnError> {
        let (inner, began) = (self.inner, self.now);
        let next = before.turned(began, incident);
        let mut audit = if next == before { before } else { self.keep(&before.outbox, next).await? };
        let mut pace = Pace::shared(AUDIT_PAGES_PER_S, 1);
        while let Some(round) = audit.may_go_on(incident)
            && inner.wait_for_page(&mut pace, began).await
        {
            let (next, go_on) = match inner.page(round).await {
                Turned::Page(page) => {
                    *self.tale.audited.get_or_insert(0) += page.counts.intents;
                    ((inner.rules.read)(&audit, page, inner.clock.now()), true)
                }
                Turned::TooLarge => match audit.shortened() {
                    Some(next) => (next, true),
                    None => (audit.hindered(Cause::ProviderUnreadable), false),
                },
                Turned::Hindered(cause) => (audit.hindered(cause), false),
            };
            let races_lost = self.tale.races_lost;
            if next != audit {
                self.tale.differences = differences(&next).or(self.tale.differences);
                let outbox = audit.outbox.clone();
                audit = self.keep(&outbox, next).await?;
            }
            // Whoever was faster goes on.
            if !go_on || self.tale.races_lost > races_lost {
                break;
            }
        }
        Ok(audit)
    }
}

impl Inner {
    async fn wait_for_page(&self, pace: &mut Pace, began: UnixMs) -> bool {
        let now = self.clock.now();
        let Some(turn) = pace.turn(now, began.plus_ms(AUDIT_MS_MAX)) else { return false };
        if let Ok(wait_ms @ 1..) = u64::try_from(turn.since_ms(now)) {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
        true
    }

    async fn page(&self, round: &Round) -> Turned {
        let ask = Ask { window: round.window, after: round.after.as_ref(), limit: round.page_intents };
        let listed_at = self.clock.now();
        let (listed, has_more) = match self.look.provider.list(&ask).await {
            Listing::Page { listed, has_more } => (listed, has_more),
            Listing::TooLarge => return Turned::TooLarge,
            Listing::Failed(cause) => {
                tracing::warn!(%cause, "an audit waits: Stripe gives it no page");
                return Turned::Hindered(cause);
            }
        };
        let ids = listed.iter().filter_map(payments::audit::Listed::payment_id).collect();
        match self.look.ledger.entries(&ids).await {
            Ok(entries) => {
                Turned::Page(Page::judged(&listed, has_more, &entries, listed_at, self.rules.compare))
            }
            Err(error) => {
                tracing::warn!(%error, "an audit waits: the rows of a page cannot be read");
                Turned::Hindered(Cause::LedgerUnavailable)
            }
        }
    }
}

/// What an audit that has just ended found; with one line for the log, whatever it was. A mail tells of differences.
fn differences(next: &Audit) -> Option<u64> {
    let (Phase::Idle, Some(report)) = (&next.phase, &next.last) else { return None };
    let counts = &report.round.counts;
    tracing::info!(
        intents = counts.intents,
        charged = counts.charged,
        not_ours = counts.not_ours,
        in_flight = counts.in_flight,
        left_over = counts.left_over,
        differences = counts.differences,
        took_ms = report.ended_at.since_ms(report.round.began_at),
        "audit"
    );
    Some(counts.differences)
}
