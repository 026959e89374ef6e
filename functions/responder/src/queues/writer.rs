//! The queues, for whoever acts: what is sent, deleted and moved.
//!
//! Invariant: at most one move task runs, and what it moves goes back to the queue that it came from.

use super::{Queue, Reader};
use crate::config::Config;
use crate::error::TurnError;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    Message, MessageSystemAttributeName, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};
use host::quarantine::Label;
use payments::Payment;
use payments::incident::TaskStatus;

/// The queues, with the right to change what is in them.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    reader: Reader,
    rate_max: i32,
}

impl Writer {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        Self { reader: Reader::new(client, config), rate_max: config.redrive_rate_max }
    }

    /// What looks at them.
    pub(crate) const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Starts a move task, unless one runs. Every message goes back to the queue that it came from.
    pub(crate) async fn start_move_task(&self) -> Result<(), TurnError> {
        let start = self.reader.client.start_message_move_task().source_arn(&self.reader.dead_letters_arn);
        match start.max_number_of_messages_per_second(self.rate_max).send().await {
            Ok(_) => Ok(()),
            // "Already running" comes as a generic error that differs from others in its text alone. Whether it was
            // that is asked where it is certain.
            Err(error) => match self.reader.newest_task().await? {
                Some(task) if task.is_running() => {
                    tracing::info!("a move task was running already");
                    Ok(())
                }
                Some(_) | None => Err(TurnError::of("starting a move task")(error)),
            },
        }
    }

    /// Cancels the move task that runs. One that has ended meanwhile cannot be, which is as good.
    pub(crate) async fn cancel_move_task(&self) -> Result<(), TurnError> {
        // Only a task that runs shows its handle.
        let Some(handle) = self.reader.newest_entry().await?.and_then(|task| task.task_handle) else {
            return Ok(());
        };
        match self.reader.client.cancel_message_move_task().task_handle(handle).send().await {
            Ok(_) => Ok(()),
            Err(error) => match self.reader.newest_task().await? {
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
            .reader
            .client
            .send_message()
            .queue_url(self.url(Queue::Source))
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
        let send = self.reader.client.send_message().queue_url(self.url(Queue::Source)).message_body(body);
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
        let send =
            self.reader.client.send_message().queue_url(self.url(Queue::Quarantine)).message_body(body);
        let send = send.set_message_attributes(Some(attributes.into_iter().collect()));
        let sent = send.send().await.map_err(TurnError::of(what))?;
        sent.message_id
            .ok_or_else(|| TurnError::Service { what, why: "no message id in the answer".to_owned() })
    }

    /// Deletes a message that was received.
    pub(crate) async fn delete(&self, queue: Queue, message: &Message) -> Result<(), TurnError> {
        let delete = self.reader.client.delete_message().queue_url(self.url(queue));
        let receipt = message.receipt_handle().unwrap_or_default();
        delete.receipt_handle(receipt).send().await.map_err(TurnError::of("deleting a message"))?;
        Ok(())
    }

    fn url(&self, queue: Queue) -> &str {
        self.reader.urls.of_queue(queue)
    }
}
