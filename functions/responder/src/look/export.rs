//! `export`: what is in quarantine, written out, to be mended and sent again.
//!
//! SQS has no cursor. What was written out stays hidden while more remains, and that is how the next order finds the rest;
//! it comes back by itself. When all fits into one answer everything is shown again at once.
//! Invariant: nothing is deleted, and an answer is smaller than what Lambda takes.

use super::Look;
use super::{attribute, receipt, sent_at};
use crate::error::TurnError;
use crate::limits::{EXPORT_BYTES_MAX, EXPORT_HOLD_S, EXPORT_MS_MAX};
use crate::queues::Queue;
use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use aws_smithy_types::base64;
use jiff::Timestamp;
use payments::legible::Legible;
use payments::quarantine::{ATTRIBUTES, DETAIL, ORIGINAL, REASON};
use serde_json::{Map, Value, json};

/// What one answer holds.
#[derive(Debug, Default)]
struct Page {
    lines: Vec<Value>,
    bytes: usize,
    /// Of those that are in it.
    receipts: Vec<Message>,
    /// Received, and no room for them.
    surplus: Vec<Message>,
    rest: Rest,
}

/// Whether the quarantine holds more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rest {
    /// It was read to its end.
    #[default]
    None,
    /// It may.
    More,
}

impl Look {
    /// As much of the quarantine as one answer holds.
    pub(crate) async fn export(&self) -> Result<Value, TurnError> {
        let mut page = Page::default();
        let filled = self.fill(&mut page).await;
        self.queues.give_back(Queue::Quarantine, &page.surplus).await;
        if filled.is_err() || page.rest == Rest::None {
            self.queues.give_back(Queue::Quarantine, &page.receipts).await;
        }
        filled?;
        let (done, more) = match page.rest {
            Rest::None => ("this is all that can be read now; nothing was changed".to_owned(), false),
            Rest::More => (
                format!(
                    "more remains: give the command again within {EXPORT_HOLD_S} seconds, for so long these are hidden"
                ),
                true,
            ),
        };
        let count = page.lines.len();
        tracing::info!(messages = count, bytes = page.bytes, more, "quarantine exported");
        Ok(json!({ "command": "export", "done": done, "count": count, "more": more, "messages": page.lines }))
    }

    async fn fill(&self, page: &mut Page) -> Result<(), TurnError> {
        let until = self.clock.now().plus_ms(EXPORT_MS_MAX);
        while page.rest == Rest::None {
            let messages = self.queues.receive_for(Queue::Quarantine, EXPORT_HOLD_S).await?;
            if messages.is_empty() {
                break;
            }
            messages.into_iter().for_each(|message| page.add(message));
            if self.clock.now() >= until {
                page.rest = Rest::More;
            }
        }
        Ok(())
    }
}

impl Page {
    fn add(&mut self, message: Message) {
        let line = line(&message);
        let bytes = line.to_string().len();
        if self.bytes + bytes > EXPORT_BYTES_MAX {
            self.rest = Rest::More;
            self.surplus.push(receipt(message));
        } else {
            self.bytes += bytes;
            self.lines.push(line);
            self.receipts.push(receipt(message));
        }
    }
}

/// A message as a line: what it was when its producer sent it, and why it is here.
fn line(message: &Message) -> Value {
    let body = message.body().unwrap_or_default();
    json!({
        "message_id": message.message_id(),
        "sent_at": sent_at(message).and_then(|at| Timestamp::from_millisecond(at.0).ok()).map(|at| at.to_string()),
        "reason": attribute(message, REASON),
        "detail": attribute(message, DETAIL),
        "original_message_id": attribute(message, ORIGINAL),
        "payment_id": Legible::of(body).payment_id.map(|id| id.as_str().to_owned()),
        "body": body,
        "attributes": originals(message),
    })
}

/// The attributes that the original had, in the form in which `aws sqs send-message` takes them.
fn originals(message: &Message) -> Map<String, Value> {
    if let Some(packed) = attribute(message, ATTRIBUTES) {
        return unpacked(packed);
    }
    let is_ours = |name: &str| [REASON, DETAIL, ORIGINAL].contains(&name);
    let all = message.message_attributes().into_iter().flatten().filter(|(name, _)| !is_ours(name));
    all.map(|(name, value)| (name.clone(), of_command_line(value))).collect()
}

fn of_command_line(value: &MessageAttributeValue) -> Value {
    let binary = value.binary_value().map(base64::encode);
    parts(value.data_type(), value.string_value(), binary.as_deref())
}

fn parts(data_type: &str, string: Option<&str>, binary: Option<&str>) -> Value {
    let mut parts = json!({ "DataType": data_type });
    if let Some(string) = string {
        parts["StringValue"] = json!(string);
    }
    if let Some(binary) = binary {
        parts["BinaryValue"] = json!(binary);
    }
    parts
}

/// What was packed into one attribute because there was no room beside ours.
fn unpacked(json: &str) -> Map<String, Value> {
    let packed: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let one = |value: &Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        parts(text("dataType").unwrap_or("String"), text("stringValue"), text("binaryValue"))
    };
    packed.iter().map(|(name, value)| (name.clone(), one(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::primitives::Blob;
    use aws_sdk_sqs::types::MessageSystemAttributeName;

    fn text(value: &str) -> MessageAttributeValue {
        MessageAttributeValue::builder().data_type("String").string_value(value).build().expect("complete")
    }

    fn message(body: &str, attributes: &[(&str, MessageAttributeValue)]) -> Message {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let sent_at = (MessageSystemAttributeName::SentTimestamp, "1767609720000".to_owned());
        Message::builder()
            .message_id("m-1")
            .receipt_handle("r-1")
            .body(body)
            .set_message_attributes(Some(attributes.collect()))
            .set_attributes(Some([sent_at].into()))
            .build()
    }

    #[test]
    fn a_line_holds_the_original_and_why_it_is_here() {
        let blob = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([1, 2]));
        let attributes = [
            (REASON, text("malformed")),
            (DETAIL, text("amount is missing")),
            (ORIGINAL, text("m-0")),
            ("trace", text("t-1")),
            ("seal", blob.build().expect("complete")),
        ];
        let body = r#"{"payment_id":"order-1","currency":"eur"}"#;
        let expected = json!({
            "message_id": "m-1",
            "sent_at": "2026-01-05T10:42:00Z",
            "reason": "malformed",
            "detail": "amount is missing",
            "original_message_id": "m-0",
            "payment_id": "order-1",
            "body": body,
            "attributes": {
                "trace": {"DataType": "String", "StringValue": "t-1"},
                "seal": {"DataType": "Binary", "BinaryValue": "AQI="},
            },
        });
        assert_eq!(line(&message(body, &attributes)), expected);
    }

    #[test]
    fn attributes_that_were_packed_are_unpacked() {
        let packed = json!({
            "trace": {"stringValue": "t-1", "binaryValue": null, "dataType": "String"},
            "seal": {"stringValue": null, "binaryValue": "AQI=", "dataType": "Binary"},
        });
        let attributes = [(REASON, text("malformed")), (ATTRIBUTES, text(&packed.to_string()))];
        let expected = json!({
            "trace": {"DataType": "String", "StringValue": "t-1"},
            "seal": {"DataType": "Binary", "BinaryValue": "AQI="},
        });
        assert_eq!(line(&message("", &attributes))["attributes"], expected);
    }

    #[test]
    fn an_answer_stays_below_what_lambda_takes_and_the_rest_is_shown_again() {
        let mut page = Page::default();
        (0..30).for_each(|_| page.add(message(&"\"".repeat(131_072), &[])));
        assert!(page.bytes <= EXPORT_BYTES_MAX && page.lines.len() == 17, "{}", page.lines.len());
        assert_eq!((page.rest, page.surplus.len()), (Rest::More, 13));
        assert!(page.surplus.iter().all(|message| message.body().is_none()));
    }
}
