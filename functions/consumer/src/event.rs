//! One event of Stripe's: from a message that names a payment to a row that may be settled sooner for it.
//!
//! Invariants: nothing that an event says is believed, so all it can cost is a look-up; it opens no delivery, counts as no
//! attempt, is never quarantined, and may be lost, because the payment's own message is in its queue all the same.

use crate::Inner;
use crate::provider::{Call, Calls, Lane};
use crate::record::{End, Envelope, Report, Why};
use crate::source::Source;
use aws_lambda_events::event::sqs::SqsMessage;
use ledger::Changed;
use payments::backoff;
use payments::ledger::{Change, Row};
use payments::limits::RECEIVES_MAX;
use payments::witness::{Event, Outcome, Step, Verdict, payment_named};
use payments::{Cause, PaymentId, UnixMs};
use std::sync::Arc;

/// The queue that Stripe's events come from.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    pub(crate) queue: Source,
}

impl Events {
    /// Whether `message` comes from this queue. What it holds does not count.
    pub(crate) fn sent(&self, message: &SqsMessage) -> bool {
        let name = message.event_source_arn.as_deref().and_then(|arn| arn.rsplit(':').next());
        name.is_some_and(|name| name == self.queue.name())
    }
}

/// Works on one event.
pub(crate) async fn process(inner: Arc<Inner>, message: Arc<SqsMessage>, deadline: UnixMs) -> Report {
    let payment = (inner.protocol.named)(message.body.as_deref().unwrap_or_default());
    let Some(payment) = payment else {
        tracing::warn!(message_id = message.message_id, "an event that names no payment");
        return overheard();
    };
    let work = Work { inner: &inner, receives: Envelope::of(&message).receives, deadline };
    let report = Report { payment_id: Some(payment.to_string()), ..overheard() };
    match inner.ledger.reader().row(&payment).await {
        Ok(Some(row)) => work.look(row, report).await,
        Ok(None) => report,
        Err(error) => {
            tracing::warn!(%error, payment_id = %payment, "row not read");
            Report { end: work.again(Cause::LedgerUnavailable, None), ..report }
        }
    }
}

/// The report of an event that was cut short.
pub(crate) fn cut_short(inner: &Inner, message: &SqsMessage, cause: Cause) -> Report {
    let work = Work { inner, receives: Envelope::of(message).receives, deadline: UnixMs(0) };
    Report { end: work.again(cause, None), ..Report::default() }
}

/// The payment that the body of an event names.
pub(crate) const NAMED: fn(&str) -> Option<PaymentId> = payment_named;

/// The report of an event after which there is nothing to do.
pub(crate) fn overheard() -> Report {
    Report { end: End::Acknowledged(Why::Overheard), ..Report::default() }
}

struct Work<'a> {
    inner: &'a Inner,
    receives: u32,
    deadline: UnixMs,
}

impl Work<'_> {
    /// Does what the witness says, and tells it what came of it.
    async fn look(&self, row: Row, mut report: Report) -> Report {
        let (mut witness, mut step) = (self.inner.protocol.witness)(row);
        let outcome = loop {
            let event = match step {
                Step::Done(outcome) => break outcome,
                Step::Retrieve(intent) => {
                    self.call(&Call::Retrieve(intent), witness.row(), &mut report.calls).await
                }
                Step::Cancel(intent) => {
                    self.call(&Call::Cancel(intent), witness.row(), &mut report.calls).await
                }
                Step::Settle(verdict) => self.settle(witness.row(), verdict).await,
            };
            step = witness.next(event);
        };
        report.end = match outcome {
            Outcome::Settled => End::Acknowledged(Why::Witnessed),
            Outcome::Left => End::Acknowledged(Why::Overheard),
            Outcome::Again { cause } => self.again(cause, report.calls.retry_after_s),
        };
        let row = witness.row();
        report.state = Some(row.state.clone());
        report.attempts = Some(row.attempts);
        report.intent_id = row.intent_id().map(ToString::to_string);
        report
    }

    async fn call(&self, call: &Call, row: &Row, calls: &mut Calls) -> Event {
        Event::Answered(self.inner.provider.call(call, row, (Lane::Events, self.deadline), calls).await)
    }

    async fn settle(&self, read: &Row, verdict: Verdict) -> Event {
        match self.inner.ledger.change(read, &Change::from(verdict), self.inner.clock.now()).await {
            Ok(Changed::Row(row)) => Event::Written(row),
            Ok(Changed::LostRace(row)) => Event::LostRace(row),
            Err(error) => {
                tracing::warn!(%error, payment_id = %read.payment().payment_id, "ledger change failed");
                Event::LedgerFailed
            }
        }
    }

    /// Pauses grow as those of a payment, but no receive is the last: the queue forgets an event when it is too old.
    fn again(&self, cause: Cause, retry_after_s: Option<u32>) -> End {
        let receives = self.receives.min(RECEIVES_MAX - 1);
        let visible_in_s = backoff::visibility_s(receives, retry_after_s, self.inner.draw());
        End::LookAgain { cause, visible_in_s }
    }
}
