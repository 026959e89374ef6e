//! The event Lambda makes of received messages.
//!
//! Invariant: every system attribute is text, and the two value lists of an attribute are there and empty, as recorded.

use crate::cloud::names;
use crate::cloud::sqs::{AttributeValue, Delivery, MessageAttribute, attributes_md5};
use aws_smithy_types::base64;
use serde_json::{Map, Value, json};

/// The JSON payload for a batch received from `queue`.
#[must_use]
pub fn event(queue: &str, batch: &[Delivery]) -> Vec<u8> {
    let records: Vec<Value> = batch.iter().map(|delivery| record(queue, delivery)).collect();
    serde_json::to_vec(&json!({ "Records": records })).expect("JSON values serialise")
}

fn record(queue: &str, delivery: &Delivery) -> Value {
    let content = &delivery.content;
    let attributes: Map<String, Value> = content
        .attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), message_attribute(attribute)))
        .collect();
    let mut record = json!({
        "messageId": content.id,
        "receiptHandle": delivery.receipt_handle,
        "body": content.body,
        "attributes": delivery.system_attributes(),
        "messageAttributes": attributes,
        "md5OfBody": content.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": names::queue_arn(queue),
        "awsRegion": names::REGION,
    });
    if let Some(md5) = attributes_md5(&content.attributes) {
        record["md5OfMessageAttributes"] = json!(md5);
    }
    record
}

fn message_attribute(attribute: &MessageAttribute) -> Value {
    let (name, value) = match &attribute.value {
        AttributeValue::Text(text) => ("stringValue", text.clone()),
        AttributeValue::Binary(bytes) => ("binaryValue", base64::encode(bytes)),
    };
    json!({ name: value, "stringListValues": [], "binaryListValues": [], "dataType": attribute.data_type })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::sqs::Content;
    use payments::UnixMs;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn delivery() -> Delivery {
        let content = Content {
            id: "059f36b4-87a3-44ab-83d2-661975830a7d".to_owned(),
            body: "Test message.".to_owned(),
            body_md5: "e4e68fb7bd0e697a0ae8f1bb342846b3".to_owned(),
            attributes: BTreeMap::from([("reason".to_owned(), MessageAttribute::text("poison"))]),
            trace_header: None,
            sent_at: UnixMs(1_545_082_649_183),
        };
        Delivery {
            content: Arc::new(content),
            receipt_handle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".to_owned(),
            receives: 1,
            first_received_at: UnixMs(1_545_082_649_185),
            dead_letter_source: None,
        }
    }

    #[test]
    fn a_record_has_the_shape_that_aws_sends() {
        let event: Value = serde_json::from_slice(&event("payments", &[delivery()])).unwrap();
        let record = &event["Records"][0];
        assert_eq!(record["attributes"]["ApproximateReceiveCount"], json!("1"));
        assert_eq!(record["attributes"]["SentTimestamp"], json!("1545082649183"));
        assert_eq!(record["attributes"].get("DeadLetterQueueSourceArn"), None);
        let expected = json!({
            "stringValue": "poison", "stringListValues": [], "binaryListValues": [], "dataType": "String"
        });
        assert_eq!(record["messageAttributes"]["reason"], expected);
        assert!(record["md5OfMessageAttributes"].is_string());
        assert_eq!(record["eventSourceARN"], json!("arn:aws:sqs:eu-central-1:123456789012:payments"));
    }

    #[test]
    fn the_typed_event_of_the_lambda_crate_reads_it() {
        let payload = event("payments", &[delivery()]);
        let event: aws_lambda_events::sqs::SqsEvent = serde_json::from_slice(&payload).unwrap();
        let record = &event.records[0];
        assert_eq!(record.message_id.as_deref(), Some("059f36b4-87a3-44ab-83d2-661975830a7d"));
        assert_eq!(record.message_attributes["reason"].string_value.as_deref(), Some("poison"));
        assert_eq!(record.attributes["ApproximateFirstReceiveTimestamp"], "1545082649185");
    }
}
