//! Messages: what is sent, what a queue holds of it, and what a receive hands out.
//!
//! Invariant: body and attributes never change after the send; a move to the dead-letter queue shares them.

use crate::cloud::names;
use payments::UnixMs;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `SenderId` of every message: there is one account, and nobody looks closer.
const SENDER: &str = "AROACHAOSWORLD:sender";

/// One message attribute, kept exactly as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, perhaps with a label of the sender's: `Number.cents`.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// Value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// `StringValue`: strings and numbers.
    Text(String),
    /// `BinaryValue`.
    Binary(Vec<u8>),
}

impl MessageAttribute {
    /// An attribute of type `String`.
    #[must_use]
    pub fn text(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), value: AttributeValue::Text(value.into()) }
    }
}

impl AttributeValue {
    /// The bytes that count towards the size and the MD5.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// A message as its sender gives it to SQS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMessage {
    /// The body, 1 byte to the queue's maximum.
    pub body: String,
    /// Message attributes by name, at most 10.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// `DelaySeconds`, 0–900; the queue's own when absent.
    pub delay_s: Option<u32>,
    /// `AWSTraceHeader`, the one system attribute a sender may set.
    pub trace_header: Option<String>,
}

impl NewMessage {
    /// A message with nothing but a body.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// Bytes SQS counts: body, attribute names, types and values; system attributes do not count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, attribute)| name.len() + attribute.data_type.len() + attribute.value.bytes().len());
        self.body.len() + attributes.sum::<usize>()
    }
}

/// The part of a message that never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// `MessageId`; a move to the dead-letter queue keeps it.
    pub id: String,
    /// The body.
    pub body: String,
    /// MD5 of the body, hexadecimal.
    pub body_md5: String,
    /// Message attributes by name.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// `AWSTraceHeader`, if the sender set it.
    pub trace_header: Option<String>,
    /// `SentTimestamp`; retention counts from it, in the dead-letter queue too.
    pub sent_at: UnixMs,
}

impl Content {
    pub(super) fn new(id: String, message: NewMessage, sent_at: UnixMs) -> Self {
        let body_md5 = format!("{:x}", md5::compute(&message.body));
        let NewMessage { body, attributes, trace_header, delay_s: _ } = message;
        Self { id, body, body_md5, attributes, trace_header, sent_at }
    }
}

/// A message handed out by one receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Id, body, attributes.
    pub content: Arc<Content>,
    /// Valid for this receive.
    pub receipt_handle: String,
    /// `ApproximateReceiveCount`, this receive included.
    pub receives: u32,
    /// `ApproximateFirstReceiveTimestamp`.
    pub first_received_at: UnixMs,
    /// `DeadLetterQueueSourceArn`, for a message SQS moved here.
    pub dead_letter_source: Option<String>,
}

impl Delivery {
    /// System attributes by name; every value is text, as on the wire.
    #[must_use]
    pub fn system_attributes(&self) -> BTreeMap<&'static str, String> {
        let mut attributes = BTreeMap::from([
            ("ApproximateFirstReceiveTimestamp", self.first_received_at.0.to_string()),
            ("ApproximateReceiveCount", self.receives.to_string()),
            ("SenderId", SENDER.to_owned()),
            ("SentTimestamp", self.content.sent_at.0.to_string()),
        ]);
        if let Some(source) = &self.dead_letter_source {
            attributes.insert("DeadLetterQueueSourceArn", names::queue_arn(source));
        }
        if let Some(header) = &self.content.trace_header {
            attributes.insert("AWSTraceHeader", header.clone());
        }
        attributes
    }
}

/// MD5 over message attributes, as SQS computes it; `None` when there are none.
///
/// Sorted by name, each attribute adds length and text of its name and type, one byte for the kind of transport
/// (1 text, 2 binary), and length and bytes of its value; lengths are 32 bits, big endian.
#[must_use]
pub fn attributes_md5<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a MessageAttribute)>,
) -> Option<String> {
    let mut context = md5::Context::new();
    let mut seen = false;
    for (name, attribute) in attributes {
        seen = true;
        consume_sized(&mut context, name.as_bytes());
        consume_sized(&mut context, attribute.data_type.as_bytes());
        context.consume(match attribute.value {
            AttributeValue::Text(_) => [1],
            AttributeValue::Binary(_) => [2],
        });
        consume_sized(&mut context, attribute.value.bytes());
    }
    seen.then(|| format!("{:x}", context.compute()))
}

fn consume_sized(context: &mut md5::Context, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("SQS refuses messages above 1 MiB");
    context.consume(length.to_be_bytes());
    context.consume(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_md5_of_attributes_covers_name_type_kind_and_value() {
        let attributes = BTreeMap::from([("reason".to_owned(), MessageAttribute::text("poison"))]);
        // Computed independently: md5 of 00000006 "reason" 00000006 "String" 01 00000006 "poison".
        let expected = {
            let mut bytes = Vec::new();
            bytes.extend_from_slice(b"\0\0\0\x06reason\0\0\0\x06String\x01\0\0\0\x06poison");
            format!("{:x}", md5::compute(bytes))
        };
        assert_eq!(attributes_md5(&attributes), Some(expected));
        assert_eq!(attributes_md5(&BTreeMap::new()), None);
    }

    #[test]
    fn size_counts_attribute_names_types_and_values() {
        let mut message = NewMessage::text("body");
        message.attributes.insert("reason".to_owned(), MessageAttribute::text("poison"));
        assert_eq!(message.bytes(), 4 + 6 + 6 + 6);
    }
}
