//! One invocation: a batch of records, each in a task of its own.
//!
//! Invariants: a panic costs one record; the batch owns its tasks, so nothing works on after the answer; whatever
//! is not acknowledged is named in the answer, and the answer is never an error, because an error would make
//! Lambda cut its concurrency.

use crate::Inner;
use crate::limits::DEADLINE_MARGIN_MS;
use crate::metrics::Tally;
use crate::record::{self, End, Envelope, Report};
use crate::visibility::Delay;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use payments::backoff;
use payments::{Cause, UnixMs};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};

/// Works on a batch until it is done or `deadline` is near.
pub(crate) async fn handle(inner: &Arc<Inner>, event: SqsEvent, deadline: UnixMs) -> SqsBatchResponse {
    let messages: Vec<Arc<SqsMessage>> = event.records.into_iter().map(Arc::new).collect();
    let reports = work(inner, &messages, deadline.plus_ms(-DEADLINE_MARGIN_MS)).await;

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

/// One report a message, in their order.
async fn work(inner: &Arc<Inner>, messages: &[Arc<SqsMessage>], deadline: UnixMs) -> Vec<Report> {
    let mut tasks = JoinSet::new();
    let mut places = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let task = record::process(Arc::clone(inner), Arc::clone(message), deadline);
        places.push((tasks.spawn(async move { (index, task.await) }).id(), index));
    }
    let mut reports: Vec<Option<Report>> = vec![None; messages.len()];
    let time_left_ms = u64::try_from(deadline.since_ms(inner.clock.now())).unwrap_or(0);
    let time_is_up = tokio::time::sleep(Duration::from_millis(time_left_ms));
    tokio::pin!(time_is_up);
    loop {
        tokio::select! {
            biased;
            joined = tasks.join_next() => match joined {
                None => break,
                Some(Ok((index, report))) => reports[index] = Some(report),
                Some(Err(error)) => if let Some(index) = place(&places, &error) {
                    reports[index] = Some(cut_short(inner, &messages[index], panicked(error)));
                },
            },
            () = &mut time_is_up => break,
        }
    }
    // Whatever is unfinished stops here; the ledger lets the next delivery resume it.
    tasks.shutdown().await;
    let out_of_time = |message| cut_short(inner, message, Cause::OutOfTime);
    reports
        .into_iter()
        .zip(messages)
        .map(|(report, message)| report.unwrap_or_else(|| out_of_time(message)))
        .collect()
}

fn place(places: &[(tokio::task::Id, usize)], error: &JoinError) -> Option<usize> {
    places.iter().find(|(id, _)| *id == error.id()).map(|(_, index)| *index)
}

fn panicked(error: JoinError) -> Cause {
    // The panic's own message was printed where it happened; it may quote the body, so it is not repeated.
    tracing::error!(panicked = error.is_panic(), "work on a record ended early");
    Cause::Panicked
}

fn cut_short(inner: &Inner, message: &SqsMessage, cause: Cause) -> Report {
    let receives = Envelope::of(message).receives;
    let visible_in_s = backoff::visibility_s(receives, None, inner.draw());
    Report { end: End::HandedBack { cause: Some(cause), visible_in_s }, ..Report::default() }
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
