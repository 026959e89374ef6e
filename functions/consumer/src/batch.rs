//! One invocation: a batch of records, and the answer to it.
//!
//! Invariant: whatever is not acknowledged is named in the answer, and the answer is never an error, because an error
//! would make Lambda cut its concurrency.

use crate::Inner;
use crate::crew;
use crate::limits::DEADLINE_MARGIN_MS;
use crate::metrics::Tally;
use crate::record::{End, Envelope, Report};
use crate::visibility::Delay;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use payments::{Cause, UnixMs};
use std::sync::Arc;

/// Works on a batch until it is done or `deadline` is near.
pub(crate) async fn handle(inner: &Arc<Inner>, event: SqsEvent, deadline: UnixMs) -> SqsBatchResponse {
    let messages: Vec<Arc<SqsMessage>> = event.records.into_iter().map(Arc::new).collect();
    let reports = crew::work(inner, &messages, deadline.plus_ms(-DEADLINE_MARGIN_MS)).await;

    let mut response = SqsBatchResponse::default();
    let mut delays = Vec::new();
    let mut tally = Tally::default();
    for (message, report) in messages.iter().zip(&reports) {
        tell(message, report);
        tally.add(report);
        if let End::HandedBack { visible_in_s, .. } = report.end {
            // Without an id only an empty one is left to say: Lambda then keeps the whole batch, which costs
            // duplicates that the ledger knows. Leaving it out would delete the message.
            response.add_failure(message.message_id.clone().unwrap_or_default());
            delays.extend(
                message
                    .receipt_handle
                    .clone()
                    .map(|receipt_handle| Delay { receipt_handle, seconds: visible_in_s }),
            );
        }
    }
    inner.visibility.change(&delays).await;
    inner.metrics.write(&tally, inner.clock.now());
    response
}

/// One wide line a record. Bodies, keys and card data never appear in it.
fn tell(message: &SqsMessage, report: &Report) {
    let (end, cause, visible_in_s) = match &report.end {
        End::Acknowledged(why) => (why.name(), None, None),
        End::HandedBack { cause, visible_in_s } => {
            ("handed_back", cause.map(Cause::as_str), Some(visible_in_s))
        }
    };
    tracing::info!(
        message_id = message.message_id,
        receives = Envelope::of(message).receives,
        payment_id = report.payment_id,
        end,
        cause,
        visible_in_s,
        state = report.state,
        attempts = report.attempts,
        intent_id = report.intent_id,
        stripe_calls = report.calls.made,
        stripe_failures = report.calls.failed,
        stripe_spared = report.calls.spared,
        stripe_status = report.calls.last_status,
        stripe_request = report.calls.last_request,
        stripe_failure = report.calls.last_failure,
        "record"
    );
}
