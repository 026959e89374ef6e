//! Requests of the JSON protocol as they come in.
//!
//! Invariant: fields this world does not act on are accepted and ignored, as AWS ignores what it does not know.

use super::message::{AttributeValue, MessageAttribute, NewMessage};
use super::{SqsError, entries};
use aws_smithy_types::base64;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessage {
    pub(super) queue_url: String,
    #[serde(flatten)]
    pub(super) message: MessageFields,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MessageFields {
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: BTreeMap<String, AttributeFields>,
    #[serde(default)]
    message_system_attributes: BTreeMap<String, AttributeFields>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeFields {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<Entry> {
    pub(super) queue_url: String,
    #[serde(default = "Vec::new")]
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendEntry {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) message: MessageFields,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive {
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_system_attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_attribute_names: Vec<String>,
    #[serde(default = "one")]
    pub(super) max_number_of_messages: i64,
    pub(super) visibility_timeout: Option<i64>,
    #[serde(default)]
    pub(super) wait_time_seconds: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    pub(super) queue_url: String,
    pub(super) receipt_handle: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteEntry {
    pub(super) id: String,
    pub(super) receipt_handle: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeVisibility {
    pub(super) queue_url: String,
    pub(super) receipt_handle: String,
    pub(super) visibility_timeout: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeVisibilityEntry {
    pub(super) id: String,
    pub(super) receipt_handle: String,
    /// Optional on the wire; a change to nothing is a change to 0.
    #[serde(default)]
    pub(super) visibility_timeout: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueAttributes {
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QueueUrl {
    pub(super) queue_name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartMove {
    pub(super) source_arn: Option<String>,
    pub(super) destination_arn: Option<String>,
    pub(super) max_number_of_messages_per_second: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMoves {
    pub(super) source_arn: Option<String>,
    pub(super) max_results: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CancelMove {
    pub(super) task_handle: Option<String>,
}

impl MessageFields {
    pub(super) fn into_message(self) -> Result<NewMessage, SqsError> {
        let attributes =
            self.message_attributes.into_iter().map(|(name, fields)| Ok((name, fields.into_attribute()?)));
        let trace_header =
            self.message_system_attributes.into_iter().find(|(name, _)| name == "AWSTraceHeader");
        Ok(NewMessage {
            body: self.message_body,
            attributes: attributes.collect::<Result<_, SqsError>>()?,
            delay_s: self.delay_seconds.map(entries::delay_s).transpose()?,
            trace_header: trace_header.and_then(|(_, fields)| fields.string_value),
        })
    }
}

impl AttributeFields {
    fn into_attribute(self) -> Result<MessageAttribute, SqsError> {
        let value = match (self.string_value, self.binary_value) {
            (Some(text), _) => AttributeValue::Text(text),
            (None, Some(encoded)) => AttributeValue::Binary(
                base64::decode(encoded)
                    .map_err(|error| SqsError::Serialization(format!("BinaryValue: {error}")))?,
            ),
            // Refused with all other empty values.
            (None, None) => AttributeValue::Text(String::new()),
        };
        Ok(MessageAttribute { data_type: self.data_type, value })
    }
}

impl Receive {
    /// Whether a system attribute was asked for.
    pub(super) fn wants_system(&self, name: &str) -> bool {
        let mut asked = self.attribute_names.iter().chain(&self.message_system_attribute_names);
        asked.any(|asked| asked == "All" || asked == name)
    }

    /// Whether a message attribute was asked for: by name, by `prefix.*`, or with all others.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.message_attribute_names.iter().any(|asked| {
            asked == "All"
                || asked == name
                || asked.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
        })
    }
}

const fn one() -> i64 {
    1
}
