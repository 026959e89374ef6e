//! The three queues.
//!
//! Invariant: a message leaves a queue only after another holds it; attributes go along.

use crate::config::Config;
use crate::error::TurnError;
use crate::limits::{HOLD_S, RECEIVE_WAIT_S, SQS_BATCH};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, ListMessageMoveTasksResultEntry, Message,
    MessageSystemAttributeName, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    QueueAttributeName,
};
use host::quarantine::Label;
use payments::incident::{Depth, MoveTask, TaskStatus};
use payments::{Payment, UnixMs};

/// The queues, by their URLs.
#[derive(Clone, Debug)]
pub(crate) struct Queues {
    client: Client,
    pub(crate) source: String,
    pub(crate) dead_letters: String,
    pub(crate) quarantine: String,
    dead_letters_arn: String,
    rate_max: i32,
}

impl Queues {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Self {
            client,
            source: config.source_queue_url.clone(),
            dead_letters: config.dead_letters_queue_url.clone(),
            quarantine: config.quarantine_queue_url.clone(),
            dead_letters_arn: config.dead_letters_queue_arn.clone(),
            rate_max: config.redrive_rate_max,
        }
    }

    /// How many messages a queue holds. Asking also keeps its CloudWatch metrics awake.
    pub(crate) async fn depth(&self, queue_url: &str) -> Result<Depth, TurnError> {
        Ok(self.depth_and_retention(queue_url).await?.0)
    }

    /// The same, and how long it keeps a message, milliseconds.
    pub(crate) async fn depth_and_retention(
        &self,
        queue_url: &str,
    ) -> Result<(Depth, Option<i64>), TurnError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let ask = self.client.get_queue_attributes().queue_url(queue_url);
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
    async fn newest_entry(&self) -> Result<Option<ListMessageMoveTasksResultEntry>, TurnError> {
        let ask = self.client.list_message_move_tasks().source_arn(&self.dead_letters_arn).max_results(1);
        let answer = ask.send().await.map_err(TurnError::of("listing move tasks"))?;
        Ok(answer.results.unwrap_or_default().into_iter().next())
    }

    /// Starts a move task, unless one runs. Every message goes back to the queue that it came from.
    pub(crate) async fn start_move_task(&self) -> Result<(), TurnError> {
        let start = self.client.start_message_move_task().source_arn(&self.dead_letters_arn);
        match start.max_number_of_messages_per_second(self.rate_max).send().await {
            Ok(_) => Ok(()),
            // "Already running" comes as a generic error that differs from others in its text alone. Whether it was
            // that is asked where it is certain.
            Err(error) => match self.newest_task().await? {
                Some(task) if task.is_running() => {
                    tracing::info!("a move task was running already");
                    Ok(())
                }
                Some(_) | None => Err(TurnError::of("starting a move task")(error)),
            },
        }
    }

    /// Up to ten messages of a queue, hidden from others until [`HOLD_S`] is over or they are shown again.
    pub(crate) async fn receive(&self, queue_url: &str) -> Result<Vec<Message>, TurnError> {
        self.receive_for(queue_url, HOLD_S).await
    }

    /// The same, hidden for so many seconds.
    pub(crate) async fn receive_for(&self, queue_url: &str, hold_s: i32) -> Result<Vec<Message>, TurnError> {
        let ask = self
            .client
            .receive_message()
            .queue_url(queue_url)
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
    pub(crate) async fn show(&self, queue_url: &str, messages: &[Message]) -> Result<u64, TurnError> {
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
            let change = self.client.change_message_visibility_batch().queue_url(queue_url);
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
    pub(crate) async fn give_back(&self, queue_url: &str, messages: &[Message]) {
        if let Err(error) = self.show(queue_url, messages).await {
            tracing::warn!(%error, "messages stay hidden for a minute");
        }
    }

    /// Cancels the move task that runs. One that has ended meanwhile cannot be, which is as good.
    pub(crate) async fn cancel_move_task(&self) -> Result<(), TurnError> {
        // Only a task that runs shows its handle.
        let Some(handle) = self.newest_entry().await?.and_then(|task| task.task_handle) else {
            return Ok(());
        };
        match self.client.cancel_message_move_task().task_handle(handle).send().await {
            Ok(_) => Ok(()),
            Err(error) => match self.newest_task().await? {
                Some(task) if task.status == TaskStatus::Running => {
                    Err(TurnError::of("canceling a move task")(error))
                }
                Some(_) | None => Ok(()),
            },
        }
    }

    /// Sends a dead letter, as it is, to the queue that the consumer works on.
    pub(crate) async fn send_back(&self, message: &Message) -> Result<(), TurnError> {
        let mut send = self
            .client
            .send_message()
            .queue_url(&self.source)
            .message_body(message.body().unwrap_or_default())
            .set_message_attributes(message.message_attributes.clone());
        let trace = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::AwsTraceHeader));
        if let Some(trace) = trace {
            let value =
                MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build();
            let value = value.expect("the data type is set");
            send = send.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
        }
        send.send().await.map_err(TurnError::of("sending a dead letter back"))?;
        Ok(())
    }

    /// Sends a payment as its row has it.
    pub(crate) async fn send_payment(&self, payment: &Payment) -> Result<(), TurnError> {
        let what = "sending a released payment";
        let body = serde_json::to_string(payment)
            .map_err(|error| TurnError::Service { what, why: error.to_string() })?;
        let send = self.client.send_message().queue_url(&self.source).message_body(body);
        send.send().await.map_err(TurnError::of(what))?;
        Ok(())
    }

    /// Sends a copy of a message to quarantine; its id.
    pub(crate) async fn quarantine_copy(
        &self,
        message: &Message,
        label: Label<'_>,
    ) -> Result<String, TurnError> {
        let what = "sending to quarantine";
        let originals = message.message_attributes().into_iter().flatten();
        let originals = originals.map(|(name, value)| (name.clone(), value.clone()));
        let attributes = label.beside(originals.collect());
        let body = message.body().unwrap_or_default();
        let send = self.client.send_message().queue_url(&self.quarantine).message_body(body);
        let send = send.set_message_attributes(Some(attributes.into_iter().collect()));
        let sent = send.send().await.map_err(TurnError::of(what))?;
        sent.message_id
            .ok_or_else(|| TurnError::Service { what, why: "no message id in the answer".to_owned() })
    }

    /// Deletes a message that was received.
    pub(crate) async fn delete(&self, queue_url: &str, message: &Message) -> Result<(), TurnError> {
        let delete = self.client.delete_message().queue_url(queue_url);
        let receipt = message.receipt_handle().unwrap_or_default();
        delete.receipt_handle(receipt).send().await.map_err(TurnError::of("deleting a message"))?;
        Ok(())
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
