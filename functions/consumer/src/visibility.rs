//! When a failed message may be seen again.
//!
//! A failed record is not returned by failing: it stays invisible until its visibility ends. So each is given its
//! own, short and growing.
//! Invariant: a change that fails costs time, never a message.

use crate::limits::SQS_BATCH;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;

/// Changes the visibility of messages of the source queue.
#[derive(Clone, Debug)]
pub(crate) struct Visibility {
    client: Client,
    queue_url: String,
}

/// A message that is to be seen again after `seconds`.
#[derive(Clone, Debug)]
pub(crate) struct Delay {
    pub(crate) receipt_handle: String,
    pub(crate) seconds: u32,
}

impl Visibility {
    pub(crate) const fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }

    /// Applies `delays`. Those that fail keep the queue's visibility time-out, which is logged.
    pub(crate) async fn change(&self, delays: &[Delay]) {
        for delays in delays.chunks(SQS_BATCH) {
            self.change_batch(delays).await;
        }
    }

    async fn change_batch(&self, delays: &[Delay]) {
        let entries = delays.iter().enumerate().map(|(index, delay)| entry(index, delay)).collect();
        let request = self.client.change_message_visibility_batch().queue_url(&self.queue_url);
        match request.set_entries(Some(entries)).send().await {
            // A 200 may still hold failures, entry by entry.
            Ok(answer) => {
                for failed in answer.failed {
                    tracing::warn!(code = failed.code, message = failed.message, "visibility not changed");
                }
            }
            Err(error) => {
                tracing::warn!(error = %DisplayErrorContext(error), count = delays.len(), "visibility not changed");
            }
        }
    }
}

fn entry(index: usize, delay: &Delay) -> ChangeMessageVisibilityBatchRequestEntry {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(index.to_string())
        .receipt_handle(&delay.receipt_handle)
        .visibility_timeout(i32::try_from(delay.seconds).unwrap_or(i32::MAX))
        .build()
        .expect("id and receipt handle are set")
}
