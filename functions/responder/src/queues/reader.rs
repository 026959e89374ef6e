//! The queues, for whoever looks: how deep they are, what moves, what is in them.
//!
//! Invariant: what is received is hidden for a while and nothing else; whoever receives shows it again, or leaves that to
//! the time that it asked for.

use super::{Queue, Urls};
use crate::config::Config;
use crate::error::TurnError;
use crate::limits::{HOLD_S, RECEIVE_WAIT_S, SQS_BATCH};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, ListMessageMoveTasksResultEntry, Message,
    MessageSystemAttributeName, QueueAttributeName,
};
use payments::UnixMs;
use payments::incident::{Depth, MoveTask, TaskStatus};

/// The queues, to look at.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(super) client: Client,
    pub(super) urls: Urls,
    pub(super) dead_letters_arn: String,
}

impl Reader {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Self { client, urls: Urls::of(config), dead_letters_arn: config.dead_letters_queue_arn.clone() }
    }

    /// How many messages a queue holds. Asking also keeps its CloudWatch metrics awake.
    pub(crate) async fn depth(&self, queue: Queue) -> Result<Depth, TurnError> {
        Ok(self.depth_and_retention(queue).await?.0)
    }

    /// The same, and how long it keeps a message, milliseconds.
    pub(crate) async fn depth_and_retention(&self, queue: Queue) -> Result<(Depth, Option<i64>), TurnError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let ask = self.client.get_queue_attributes().queue_url(self.urls.of_queue(queue));
        let all = [names.as_slice(), &[QueueAttributeName::MessageRetentionPeriod]].concat();
        let answer = ask.set_attribute_names(Some(all)).send().await;
        let attributes = answer.map_err(TurnError::of("reading the depth of a queue"))?.attributes;
        let [visible, in_flight, delayed] = names.map(|name| {
            let text = attributes.as_ref().and_then(|attributes| attributes.get(&name));
            // A count that is missing is not a zero: nothing may look calm because it could not be read.
            text.and_then(|text| text.parse().ok()).ok_or_else(|| TurnError::Service {
                what: "reading the depth of a queue",
                why: format!("{name} is missing in the answer"),
            })
        });
        let retention =
            attributes.as_ref().and_then(|all| all.get(&QueueAttributeName::MessageRetentionPeriod));
        let retention_ms = retention.and_then(|text| text.parse::<i64>().ok()).map(|seconds| seconds * 1_000);
        Ok((Depth { visible: visible?, in_flight: in_flight?, delayed: delayed? }, retention_ms))
    }

    /// The newest move task of the dead-letter queue.
    pub(crate) async fn newest_task(&self) -> Result<Option<MoveTask>, TurnError> {
        Ok(self.newest_entry().await?.map(|task| MoveTask {
            started_at: UnixMs(task.started_timestamp()),
            status: status(task.status().unwrap_or_default(), task.failure_reason()),
            moved: u64::try_from(task.approximate_number_of_messages_moved()).unwrap_or(0),
        }))
    }

    /// The same, as SQS lists it.
    pub(super) async fn newest_entry(&self) -> Result<Option<ListMessageMoveTasksResultEntry>, TurnError> {
        let ask = self.client.list_message_move_tasks().source_arn(&self.dead_letters_arn).max_results(1);
        let answer = ask.send().await.map_err(TurnError::of("listing move tasks"))?;
        Ok(answer.results.unwrap_or_default().into_iter().next())
    }

    /// Up to ten messages of a queue, hidden from others until [`HOLD_S`] is over or they are shown again.
    pub(crate) async fn receive(&self, queue: Queue) -> Result<Vec<Message>, TurnError> {
        self.receive_for(queue, HOLD_S).await
    }

    /// The same, hidden for so many seconds.
    pub(crate) async fn receive_for(&self, queue: Queue, hold_s: i32) -> Result<Vec<Message>, TurnError> {
        let ask = self
            .client
            .receive_message()
            .queue_url(self.urls.of_queue(queue))
            .max_number_of_messages(i32::try_from(SQS_BATCH).unwrap_or(10))
            .visibility_timeout(hold_s)
            .wait_time_seconds(RECEIVE_WAIT_S)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = ask.send().await.map_err(TurnError::of("receiving messages"))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Makes messages visible again at once, and says how many are; the others come back by themselves. Fails when SQS
    /// refuses a whole call: who may not do this at all must not try for ever in silence.
    pub(crate) async fn show(&self, queue: Queue, messages: &[Message]) -> Result<u64, TurnError> {
        let mut shown = 0;
        for messages in messages.chunks(SQS_BATCH) {
            let entries = messages.iter().enumerate().filter_map(|(index, message)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(message.receipt_handle()?)
                    .visibility_timeout(0)
                    .build()
                    .ok()
            });
            let change = self.client.change_message_visibility_batch().queue_url(self.urls.of_queue(queue));
            let answer = change.set_entries(Some(entries.collect())).send().await;
            let answer = answer.map_err(TurnError::of("showing messages again"))?;
            // A 200 may still hold failures, entry by entry.
            shown += answer.successful.len() as u64;
            for failed in answer.failed {
                tracing::warn!(code = failed.code, "a message stays hidden for a minute");
            }
        }
        Ok(shown)
    }

    /// Makes messages visible again at once where nothing depends on it: they come back by themselves.
    pub(crate) async fn give_back(&self, queue: Queue, messages: &[Message]) {
        if let Err(error) = self.show(queue, messages).await {
            tracing::warn!(%error, "messages stay hidden for a minute");
        }
    }
}

/// A status that did not exist when this was written counts as running: nothing is started beside what is not understood.
fn status(text: &str, reason: Option<&str>) -> TaskStatus {
    match text {
        "COMPLETED" => TaskStatus::Completed,
        "CANCELLED" => TaskStatus::Cancelled,
        "CANCELLING" => TaskStatus::Cancelling,
        "FAILED" => TaskStatus::Failed(reason.unwrap_or("no reason given").to_owned()),
        _ => TaskStatus::Running,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_the_future_occupies_the_queue() {
        let task = |text| MoveTask { started_at: UnixMs(0), status: status(text, None), moved: 0 };
        assert!(
            task("PAUSED").is_running() && task("RUNNING").is_running() && task("CANCELLING").is_running()
        );
        assert!(["COMPLETED", "CANCELLED", "FAILED"].iter().all(|text| !task(text).is_running()));
    }
}
