//! SQS's JSON 1.0 protocol: what functions say through the SDK.
//!
//! Invariant: a batch answers 200 once its envelope is sound; what fails in it is listed under `Failed`.

use super::input::{
    Batch, CancelMove, ChangeVisibility, ChangeVisibilityEntry, Delete, DeleteEntry, ListMoves,
    QueueAttributes, QueueUrl, Receive, SendEntry, SendMessage, StartMove,
};
use super::message::{AttributeValue, Delivery, MessageAttribute, NewMessage, attributes_md5};
use super::{BATCH_BYTES_MAX, Sent, Sqs, SqsError, entries};
use crate::cloud::iam::Principal;
use crate::cloud::names;
use crate::cloud::reply::Reply;
use aws_smithy_types::base64;
use payments::UnixMs;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// What may be asked of `GetQueueAttributes` and is left out of the answer where a queue does not have it.
const OPTIONAL: [&str; 7] = [
    "All",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
];

/// A request that was read, ready to be answered.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) operation: Operation,
    who: Option<Principal>,
    behind_ms: i64,
}

#[derive(Clone, Debug)]
pub(super) enum Operation {
    SendMessage(SendMessage),
    SendMessageBatch(Batch<SendEntry>),
    ReceiveMessage(Receive),
    DeleteMessage(Delete),
    DeleteMessageBatch(Batch<DeleteEntry>),
    ChangeMessageVisibility(ChangeVisibility),
    ChangeMessageVisibilityBatch(Batch<ChangeVisibilityEntry>),
    GetQueueAttributes(QueueAttributes),
    GetQueueUrl(QueueUrl),
    StartMessageMoveTask(StartMove),
    ListMessageMoveTasks(ListMoves),
    CancelMessageMoveTask(CancelMove),
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The reply.
    Reply(Reply),
    /// A receive found nothing. A long poll may ask again until its time is up, and then reply with an empty answer.
    NothingYet,
}

impl Call {
    /// Reads the body of `operation`, the part of `x-amz-target` after `AmazonSQS.`.
    ///
    /// # Errors
    /// `UnsupportedOperation`, or `Serialization` for a body that is not that operation's JSON.
    pub fn read(operation: &str, body: &[u8]) -> Result<Self, SqsError> {
        let operation = match operation {
            "SendMessage" => Operation::SendMessage(parse(body)?),
            "SendMessageBatch" => Operation::SendMessageBatch(parse(body)?),
            "ReceiveMessage" => Operation::ReceiveMessage(parse(body)?),
            "DeleteMessage" => Operation::DeleteMessage(parse(body)?),
            "DeleteMessageBatch" => Operation::DeleteMessageBatch(parse(body)?),
            "ChangeMessageVisibility" => Operation::ChangeMessageVisibility(parse(body)?),
            "ChangeMessageVisibilityBatch" => Operation::ChangeMessageVisibilityBatch(parse(body)?),
            "GetQueueAttributes" => Operation::GetQueueAttributes(parse(body)?),
            "GetQueueUrl" => Operation::GetQueueUrl(parse(body)?),
            "StartMessageMoveTask" => Operation::StartMessageMoveTask(parse(body)?),
            "ListMessageMoveTasks" => Operation::ListMessageMoveTasks(parse(body)?),
            "CancelMessageMoveTask" => Operation::CancelMessageMoveTask(parse(body)?),
            other => return Err(SqsError::UnsupportedOperation(other.to_owned())),
        };
        Ok(Self { operation, who: None, behind_ms: 0 })
    }

    /// The same call, made by somebody whose permissions count.
    #[must_use]
    pub fn by(self, who: Option<&Principal>) -> Self {
        Self { who: who.cloned(), ..self }
    }

    /// The same call, which is shown counts of up to so many ms ago.
    #[must_use]
    pub const fn behind(mut self, behind_ms: i64) -> Self {
        self.behind_ms = behind_ms;
        self
    }

    /// For a long poll: the queue it waits on, and for how many seconds.
    #[must_use]
    pub fn long_poll(&self) -> Option<(&str, u32)> {
        match &self.operation {
            Operation::ReceiveMessage(receive) if receive.wait_time_seconds > 0 => {
                let wait_s = entries::wait_s(receive.wait_time_seconds).ok()?;
                Some((names::queue_in_url(&receive.queue_url), wait_s))
            }
            Operation::ReceiveMessage(_)
            | Operation::SendMessage(_)
            | Operation::SendMessageBatch(_)
            | Operation::DeleteMessage(_)
            | Operation::DeleteMessageBatch(_)
            | Operation::ChangeMessageVisibility(_)
            | Operation::ChangeMessageVisibilityBatch(_)
            | Operation::GetQueueAttributes(_)
            | Operation::GetQueueUrl(_)
            | Operation::StartMessageMoveTask(_)
            | Operation::ListMessageMoveTasks(_)
            | Operation::CancelMessageMoveTask(_) => None,
        }
    }
}

impl Answer {
    /// The reply, now that nobody waits any longer.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        match self {
            Self::Reply(reply) => reply,
            // AWS leaves `Messages` out altogether.
            Self::NothingYet => Reply::ok(&json!({})),
        }
    }
}

impl Sqs {
    /// Carries a call out.
    pub fn answer(&mut self, call: &Call, now: UnixMs) -> Answer {
        match self.carry_out(call, now) {
            Ok(Value::Null) => Answer::NothingYet,
            Ok(answer) => Answer::Reply(Reply::ok(&answer)),
            Err(error) => Answer::Reply(error.reply()),
        }
    }

    /// `Null` stands for a receive that found nothing.
    fn carry_out(&mut self, call: &Call, now: UnixMs) -> Result<Value, SqsError> {
        let who = call.who.as_ref();
        match &call.operation {
            Operation::SendMessage(call) => self.answer_send(call, now),
            Operation::SendMessageBatch(call) => self.answer_send_batch(call, now),
            Operation::ReceiveMessage(call) => self.answer_receive(call, now),
            Operation::DeleteMessage(call) => {
                self.delete(names::queue_in_url(&call.queue_url), &call.receipt_handle, now)?;
                Ok(json!({}))
            }
            Operation::DeleteMessageBatch(call) => self.answer_delete_batch(call, now),
            Operation::ChangeMessageVisibility(call) => {
                let queue = names::queue_in_url(&call.queue_url);
                let visibility_s = entries::visibility_s(call.visibility_timeout)?;
                self.change_visibility(queue, &call.receipt_handle, visibility_s, now)?;
                Ok(json!({}))
            }
            Operation::ChangeMessageVisibilityBatch(call) => self.answer_change_batch(call, now),
            Operation::GetQueueAttributes(attributes) => {
                self.answer_attributes(attributes, call.behind_ms, now)
            }
            Operation::GetQueueUrl(call) => {
                self.config(&call.queue_name)?;
                Ok(json!({ "QueueUrl": names::queue_url(&call.queue_name) }))
            }
            Operation::StartMessageMoveTask(call) => self.answer_start_move(call, who, now),
            Operation::ListMessageMoveTasks(call) => self.answer_list_moves(call, now),
            Operation::CancelMessageMoveTask(call) => self.answer_cancel_move(call, now),
        }
    }

    fn answer_send(&mut self, call: &SendMessage, now: UnixMs) -> Result<Value, SqsError> {
        let sent =
            self.send(names::queue_in_url(&call.queue_url), call.message.clone().into_message()?, now)?;
        Ok(Value::Object(rendered_sent(sent)))
    }

    fn answer_send_batch(&mut self, call: &Batch<SendEntry>, now: UnixMs) -> Result<Value, SqsError> {
        let queue = names::queue_in_url(&call.queue_url);
        self.config(queue)?;
        entries::check_batch("SendMessageBatch", call.entries.iter().map(|entry| entry.id.as_str()))?;
        // What cannot be read at all fails the batch, what SQS does not take fails its entry.
        let read = |entry: &SendEntry| match entry.message.clone().into_message() {
            Err(unread @ SqsError::Serialization(_)) => Err(unread),
            message => Ok((entry.id.clone(), message)),
        };
        let messages = call.entries.iter().map(read).collect::<Result<Vec<_>, SqsError>>()?;
        let taken = messages.iter().filter_map(|(_, message)| message.as_ref().ok());
        let bytes = taken.map(NewMessage::bytes).sum();
        if bytes > BATCH_BYTES_MAX {
            return Err(SqsError::BatchRequestTooLong(bytes));
        }
        Ok(rendered_batch(messages.into_iter().map(|(id, message)| {
            let sent = message.and_then(|message| self.send(queue, message, now));
            (id, sent.map(rendered_sent))
        })))
    }

    fn answer_receive(&mut self, call: &Receive, now: UnixMs) -> Result<Value, SqsError> {
        entries::wait_s(call.wait_time_seconds)?;
        let queue = names::queue_in_url(&call.queue_url);
        let max = entries::messages_max(call.max_number_of_messages)?;
        let visibility_s = call.visibility_timeout.map(entries::visibility_s).transpose()?;
        let deliveries = self.receive(queue, max, visibility_s, now)?;
        if deliveries.is_empty() {
            return Ok(Value::Null);
        }
        let messages: Vec<Value> =
            deliveries.iter().map(|delivery| rendered_delivery(delivery, call)).collect();
        Ok(json!({ "Messages": messages }))
    }

    fn answer_delete_batch(&mut self, call: &Batch<DeleteEntry>, now: UnixMs) -> Result<Value, SqsError> {
        let queue = names::queue_in_url(&call.queue_url);
        self.config(queue)?;
        entries::check_batch("DeleteMessageBatch", call.entries.iter().map(|entry| entry.id.as_str()))?;
        Ok(rendered_batch(call.entries.iter().map(|entry| {
            let deleted = self.delete(queue, &entry.receipt_handle, now);
            (entry.id.clone(), deleted.map(|()| Map::new()))
        })))
    }

    fn answer_change_batch(
        &mut self,
        call: &Batch<ChangeVisibilityEntry>,
        now: UnixMs,
    ) -> Result<Value, SqsError> {
        let queue = names::queue_in_url(&call.queue_url);
        self.config(queue)?;
        entries::check_batch(
            "ChangeMessageVisibilityBatch",
            call.entries.iter().map(|entry| entry.id.as_str()),
        )?;
        Ok(rendered_batch(call.entries.iter().map(|entry| {
            let changed = entries::visibility_s(entry.visibility_timeout)
                .and_then(|seconds| self.change_visibility(queue, &entry.receipt_handle, seconds, now));
            (entry.id.clone(), changed.map(|()| Map::new()))
        })))
    }

    fn answer_attributes(
        &mut self,
        call: &QueueAttributes,
        behind_ms: i64,
        now: UnixMs,
    ) -> Result<Value, SqsError> {
        let known = self.attributes(names::queue_in_url(&call.queue_url), behind_ms, now)?;
        let all = call.attribute_names.iter().any(|name| name == "All");
        let asked = |name: &str| all || call.attribute_names.iter().any(|asked| asked == name);
        let unknown =
            |name: &&String| !known.contains_key(name.as_str()) && !OPTIONAL.contains(&name.as_str());
        if let Some(name) = call.attribute_names.iter().find(unknown) {
            return Err(SqsError::InvalidAttributeName(name.clone()));
        }
        let attributes: Map<String, Value> = known
            .iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        // AWS leaves an empty map out.
        Ok(if attributes.is_empty() { json!({}) } else { json!({ "Attributes": attributes }) })
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(|error| SqsError::Serialization(error.to_string()))
}

fn rendered_sent(sent: Sent) -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("MessageId".to_owned(), json!(sent.id));
    answer.insert("MD5OfMessageBody".to_owned(), json!(sent.body_md5));
    if let Some(md5) = sent.attributes_md5 {
        answer.insert("MD5OfMessageAttributes".to_owned(), json!(md5));
    }
    answer
}

/// Sorts the outcomes of a batch into `Successful` and `Failed`; AWS leaves the empty one out.
fn rendered_batch(outcomes: impl Iterator<Item = (String, Result<Map<String, Value>, SqsError>)>) -> Value {
    let mut successful = Vec::new();
    let mut failed = Vec::new();
    for (id, outcome) in outcomes {
        match outcome {
            Ok(mut entry) => {
                entry.insert("Id".to_owned(), json!(id));
                successful.push(Value::Object(entry));
            }
            Err(error) => failed.push(
                json!({ "Id": id, "SenderFault": error.is_senders(), "Code": error.code(), "Message": error.to_string() }),
            ),
        }
    }
    let lists = [("Successful", successful), ("Failed", failed)];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    Value::Object(lists.map(|(name, list)| (name.to_owned(), Value::Array(list))).collect())
}

fn rendered_delivery(delivery: &Delivery, call: &Receive) -> Value {
    let content = &delivery.content;
    let mut message = Map::new();
    message.insert("MessageId".to_owned(), json!(content.id));
    message.insert("ReceiptHandle".to_owned(), json!(delivery.receipt_handle));
    message.insert("MD5OfBody".to_owned(), json!(content.body_md5));
    message.insert("Body".to_owned(), json!(content.body));
    let mut system = delivery.system_attributes();
    system.retain(|name, _| call.wants_system(name));
    if !system.is_empty() {
        message.insert("Attributes".to_owned(), json!(system));
    }
    let attributes = || content.attributes.iter().filter(|(name, _)| call.wants(name));
    if let Some(md5) = attributes_md5(attributes()) {
        let rendered: Map<String, Value> =
            attributes().map(|(name, attribute)| (name.clone(), rendered_attribute(attribute))).collect();
        message.insert("MD5OfMessageAttributes".to_owned(), json!(md5));
        message.insert("MessageAttributes".to_owned(), Value::Object(rendered));
    }
    Value::Object(message)
}

fn rendered_attribute(attribute: &MessageAttribute) -> Value {
    match &attribute.value {
        AttributeValue::Text(text) => json!({ "DataType": attribute.data_type, "StringValue": text }),
        AttributeValue::Binary(bytes) => {
            json!({ "DataType": attribute.data_type, "BinaryValue": base64::encode(bytes) })
        }
    }
}
