//! A queue that feeds the function: when a failed message may be seen again, and what need not wait for the answer.
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

    /// The queue's name: with it its URL ends.
    pub(crate) fn name(&self) -> &str {
        self.queue_url.rsplit('/').next().unwrap_or_default()
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::recorder::Recorder;
    use aws_credential_types::Credentials;
    use aws_sdk_sqs::config::{BehaviorVersion, Config, Region};
    use serde_json::Value;

    pub(crate) fn sqs(recorder: &Recorder) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(recorder.http_client());
        Client::from_conf(config.build())
    }

    fn source(recorder: &Recorder) -> Source {
        Source::new(sqs(recorder), "https://sqs/source".to_owned())
    }

    fn entries(body: &Value) -> Vec<Value> {
        body["Entries"].as_array().cloned().unwrap_or_default()
    }

    #[tokio::test]
    async fn each_message_is_delayed_by_its_own_seconds_ten_in_a_call() {
        let recorder = Recorder::default();
        let delays: Vec<Delay> =
            (0..12).map(|n| Delay { receipt_handle: format!("receipt-{n}"), seconds: 100 + n }).collect();
        source(&recorder).delay(&delays).await;
        let asked = recorder.taken();
        for (operation, body) in &asked {
            assert_eq!(
                (operation.as_str(), &body["QueueUrl"]),
                ("ChangeMessageVisibilityBatch", &"https://sqs/source".into())
            );
        }
        let entry = |n: u32| {
            serde_json::json!({
                "Id": (n % 10).to_string(),
                "ReceiptHandle": format!("receipt-{n}"),
                "VisibilityTimeout": 100 + n,
            })
        };
        let expected: Vec<Value> = (0..12).map(entry).collect();
        let sent: Vec<Vec<Value>> = asked.iter().map(|(_, body)| entries(body)).collect();
        assert_eq!(sent, [expected[..10].to_vec(), expected[10..].to_vec()]);
    }

    #[tokio::test]
    async fn messages_are_deleted_by_their_receipt_handles_ten_in_a_call() {
        let recorder = Recorder::default();
        let handles: Vec<String> = (0..12).map(|n| format!("receipt-{n}")).collect();
        source(&recorder).delete(&handles).await;
        let asked = recorder.taken();
        for (operation, body) in &asked {
            assert_eq!(
                (operation.as_str(), &body["QueueUrl"]),
                ("DeleteMessageBatch", &"https://sqs/source".into())
            );
        }
        let entry = |n: u32| serde_json::json!({ "Id": (n % 10).to_string(), "ReceiptHandle": format!("receipt-{n}") });
        let expected: Vec<Value> = (0..12).map(entry).collect();
        let sent: Vec<Vec<Value>> = asked.iter().map(|(_, body)| entries(body)).collect();
        assert_eq!(sent, [expected[..10].to_vec(), expected[10..].to_vec()]);
    }

    #[tokio::test]
    async fn nothing_is_asked_for_nobody() {
        let recorder = Recorder::default();
        source(&recorder).delay(&[]).await;
        source(&recorder).delete(&[]).await;
        assert_eq!(recorder.told(), "");
    }
}
