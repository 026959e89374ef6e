//! One invocation: a batch of records, and the answer to it.
//!
//! Invariant: whatever is not acknowledged is named in the answer, and the answer is never an error, because an error
//! would make Lambda cut its concurrency.

use crate::Inner;
use crate::crew::{self, Ended};
use crate::event::Events;
use crate::limits::{ALONE_MS_MIN, DEADLINE_MARGIN_MS};
use crate::metrics::Tally;
use crate::record::{End, Envelope, Report};
use crate::source::{Delay, Source};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use host::{Invocation, TraceId};
use payments::Cause;
use payments::ledger::{Reason, State};
use std::sync::Arc;

/// Works on a batch until it is done or its deadline is near.
pub(crate) async fn handle(
    inner: &Arc<Inner>,
    event: SqsEvent,
    Invocation { deadline, trace }: Invocation,
) -> SqsBatchResponse {
    let messages = event.records.into_iter().map(Arc::new);
    // Lambda fills a batch from one queue, so one of the two is empty.
    let (events, messages): (Vec<Arc<SqsMessage>>, Vec<_>) =
        messages.partition(|message| inner.events.as_ref().is_some_and(|events| events.sent(message)));
    let deadline = deadline.plus_ms(-DEADLINE_MARGIN_MS);
    let mut batch = Batch { trace, ..Batch::default() };
    let (mut done, suspects) = crew::side_by_side(inner, &messages, deadline).await;
    let mut suspects = suspects.into_iter();
    while deadline.since_ms(inner.clock.now()) >= ALONE_MS_MIN
        && let Some(suspect) = suspects.next()
    {
        // It may take the container along, and with it the answer: what is done must not come back for that.
        batch.conclude(&inner.source, &done).await;
        inner.source.delete(&acknowledged(&done)).await;
        done = vec![crew::alone(inner, suspect, deadline).await];
    }
    done.extend(suspects);
    batch.conclude(&inner.source, &done).await;
    if let Some(Events { queue }) = inner.events.as_ref().filter(|_| !events.is_empty()) {
        batch.conclude(queue, &crew::listen(inner, &events, deadline).await).await;
    }
    inner.metrics.write(&batch.tally, inner.clock.now());
    batch.response
}

/// What is known of a batch.
#[derive(Default)]
struct Batch {
    response: SqsBatchResponse,
    tally: Tally,
    trace: Option<TraceId>,
}

impl Batch {
    /// Tells what became of records, and gives those that go back their visibility and a place in the answer.
    async fn conclude(&mut self, queue: &Source, ended: &[Ended]) {
        let mut delays = Vec::new();
        for Ended { message, report } in ended {
            tell(message, report, self.trace.as_ref());
            self.tally.add(report);
            if let End::HandedBack { visible_in_s, .. } | End::LookAgain { visible_in_s, .. } = report.end {
                // Without an id only an empty one is left to say: Lambda then keeps the whole batch, which costs
                // duplicates that the ledger knows. Leaving it out would delete the message.
                self.response.add_failure(message.message_id.clone().unwrap_or_default());
                let delay = |receipt_handle| Delay { receipt_handle, seconds: visible_in_s };
                delays.extend(message.receipt_handle.clone().map(delay));
            }
        }
        queue.delay(&delays).await;
    }
}

/// Receipt handles of the messages that may go.
fn acknowledged(ended: &[Ended]) -> Vec<String> {
    let may_go = ended.iter().filter(|ended| match ended.report.end {
        End::Acknowledged(_) => true,
        End::HandedBack { .. } | End::LookAgain { .. } => false,
    });
    may_go.filter_map(|ended| ended.message.receipt_handle.clone()).collect()
}

/// One wide line a record. Bodies, keys and card data never appear in it.
fn tell(message: &SqsMessage, report: &Report, trace: Option<&TraceId>) {
    let (end, cause, visible_in_s) = match &report.end {
        End::Acknowledged(why) => (why.name(), None, None),
        End::HandedBack { cause, visible_in_s } => {
            ("handed_back", cause.map(Cause::as_str), Some(visible_in_s))
        }
        End::LookAgain { cause, visible_in_s } => ("look_again", Some(cause.as_str()), Some(visible_in_s)),
    };
    tracing::info!(
        message_id = message.message_id,
        receives = Envelope::of(message).receives,
        payment_id = report.payment_id,
        end,
        cause,
        visible_in_s,
        state = report.state.as_ref().map(State::name),
        reason = report.state.as_ref().and_then(State::reason).map(Reason::name),
        detail = report.state.as_ref().and_then(State::reason).and_then(Reason::detail),
        attempts = report.attempts,
        intent_id = report.intent_id,
        stripe_calls = report.calls.made,
        stripe_failures = report.calls.failed,
        stripe_spared = report.calls.spared,
        stripe_status = report.calls.last_status,
        stripe_request = report.calls.last_request,
        stripe_failure = report.calls.last_failure,
        trace_id = trace.map(TraceId::as_str),
        "record"
    );
}
