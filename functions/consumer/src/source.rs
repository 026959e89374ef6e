//! The source queue: when a failed message may be seen again, and what need not wait for the answer.
//!
//! A failed record is not returned by failing: it stays invisible until its visibility ends. So each is given its
//! own, short and growing.
//! Invariant: a call that fails costs time, never a message.

use crate::limits::SQS_BATCH;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
};
use host::aws;

/// The queue this function is fed from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    client: Client,
    queue_url: String,
}

/// A message that is to be seen again after `seconds`.
#[derive(Clone, Debug)]
pub(crate) struct Delay {
    pub(crate) receipt_handle: String,
    pub(crate) seconds: u32,
}

impl Source {
    pub(crate) const fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }

    /// Applies `delays`. Those that fail keep the queue's visibility time-out, which is logged.
    pub(crate) async fn delay(&self, delays: &[Delay]) {
        for delays in delays.chunks(SQS_BATCH) {
            let entries = delays.iter().enumerate().map(|(index, delay)| changed(index, delay)).collect();
            let request = self.client.change_message_visibility_batch().queue_url(&self.queue_url);
            match request.set_entries(Some(entries)).send().await {
                Ok(answer) => tell("visibility not changed", &answer.failed),
                Err(error) => tell_all("visibility not changed", delays.len(), &aws::why(&error)),
            }
        }
    }

    /// Deletes messages by their receipt handles, before the answer would. Those that fail are left to it.
    pub(crate) async fn delete(&self, receipt_handles: &[String]) {
        for handles in receipt_handles.chunks(SQS_BATCH) {
            let entries = handles.iter().enumerate().map(|(index, handle)| deleted(index, handle)).collect();
            let request = self.client.delete_message_batch().queue_url(&self.queue_url);
            match request.set_entries(Some(entries)).send().await {
                Ok(answer) => tell("message not deleted", &answer.failed),
                Err(error) => tell_all("message not deleted", handles.len(), &aws::why(&error)),
            }
        }
    }
}

/// A 200 may still hold failures, entry by entry.
fn tell(what: &str, failed: &[BatchResultErrorEntry]) {
    for entry in failed {
        tracing::warn!(code = entry.code, message = entry.message, "{what}");
    }
}

fn tell_all(what: &str, count: usize, error: &str) {
    tracing::warn!(error, count, "{what}");
}

fn changed(index: usize, delay: &Delay) -> ChangeMessageVisibilityBatchRequestEntry {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(index.to_string())
        .receipt_handle(&delay.receipt_handle)
        .visibility_timeout(i32::try_from(delay.seconds).unwrap_or(i32::MAX))
        .build()
        .expect("id and receipt handle are set")
}

fn deleted(index: usize, receipt_handle: &str) -> DeleteMessageBatchRequestEntry {
    DeleteMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .receipt_handle(receipt_handle)
        .build()
        .expect("id and receipt handle are set")
}
