//! An audit, carried on by a turn for as long as that has time.
//!
//! A page is listed, its rows are read, it is judged, and what came of it is saved, with the place where the next one
//! begins: a turn that dies loses the page it was at, and the next turn lists that page again.
//! Invariant: nothing here writes to the ledger, and at Stripe nothing but lists is asked for.

use crate::Inner;
use crate::error::TurnError;
use crate::limits::{AUDIT_MS_MAX, AUDIT_PAGES_PER_S};
use crate::records::Saved;
use crate::tale::Tale;
use payments::audit::{Asked, Audit, Page, Phase, Round, Span};
use payments::incident::{Order, Phase as IncidentPhase};
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

impl Inner {
    /// Begins the audit that is due, if one is, and carries on the one that may go on.
    pub(crate) async fn audit(
        &self,
        before: Audit,
        incident: &IncidentPhase,
        began: UnixMs,
        tale: &mut Tale,
    ) -> Result<Audit, TurnError> {
        let next = before.turned(began, incident);
        let mut audit = if next == before { before } else { self.keep(&before.outbox, next, tale).await? };
        let mut pace = Pace::shared(AUDIT_PAGES_PER_S, 1);
        while let Some(round) = audit.may_go_on(incident)
            && self.wait_for_page(&mut pace, began).await
        {
            let (next, go_on) = match self.page(round).await {
                Turned::Page(page) => {
                    *tale.audited.get_or_insert(0) += page.counts.intents;
                    ((self.rules.read)(&audit, page, self.clock.now()), true)
                }
                Turned::TooLarge => match audit.shortened() {
                    Some(next) => (next, true),
                    None => (audit.hindered(Cause::ProviderUnreadable), false),
                },
                Turned::Hindered(cause) => (audit.hindered(cause), false),
            };
            let races_lost = tale.races_lost;
            if next != audit {
                self.tell_of_end(&next, tale);
                let outbox = audit.outbox.clone();
                audit = self.keep(&outbox, next, tale).await?;
            }
            // Whoever was faster goes on.
            if !go_on || tale.races_lost > races_lost {
                break;
            }
        }
        Ok(audit)
    }

    /// Begins an audit that was ordered, in words.
    pub(crate) async fn begin_audit(
        &self,
        order: &Order,
        span: Span,
        now: UnixMs,
    ) -> Result<String, TurnError> {
        let record: Audit = self.records.read().await?;
        let begun = match record.begun(Asked::by(&order.who), span, now) {
            Ok(begun) => begun,
            Err(under_way) => return Ok(under_way.to_string()),
        };
        Ok(match self.records.save(&begun).await? {
            Saved::Yes(_) => format!(
                "an audit of the last {span} has begun; the turns of the schedule carry it on, {AUDIT_PAGES_PER_S} \
                 pages a second. The command status shows how far it is; differences are mailed, and none is a line \
                 in the log"
            ),
            Saved::Lost(_) => "nothing was started: another turn was at work; try again".to_owned(),
        })
    }

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
        let (listed, has_more) = match self.provider.list(&ask).await {
            Listing::Page { listed, has_more } => (listed, has_more),
            Listing::TooLarge => return Turned::TooLarge,
            Listing::Failed(cause) => {
                tracing::warn!(%cause, "an audit waits: Stripe gives it no page");
                return Turned::Hindered(cause);
            }
        };
        let ids = listed.iter().filter_map(payments::audit::Listed::payment_id).collect();
        match self.ledger.entries(&ids).await {
            Ok(entries) => {
                Turned::Page(Page::judged(&listed, has_more, &entries, listed_at, self.rules.compare))
            }
            Err(error) => {
                tracing::warn!(%error, "an audit waits: the rows of a page cannot be read");
                Turned::Hindered(Cause::LedgerUnavailable)
            }
        }
    }

    /// One line for the log when an audit ends, whatever it found; a mail tells of differences.
    fn tell_of_end(&self, next: &Audit, tale: &mut Tale) {
        let (Phase::Idle, Some(report)) = (&next.phase, &next.last) else { return };
        let counts = &report.round.counts;
        tale.differences = Some(counts.differences);
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
    }
}
