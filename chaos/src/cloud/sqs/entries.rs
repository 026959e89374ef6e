//! What SQS checks before it does anything: messages, ranges, and the entries of a batch.
//!
//! Invariant: nothing here changes a queue, so a refused request leaves no trace.

use super::message::{AttributeValue, MessageAttribute, NewMessage};
use super::{ATTRIBUTES_MAX, BATCH_MAX, DELAY_S_MAX, SqsError, VISIBILITY_S_MAX};
use payments::UnixMs;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Longest name of a message attribute, and longest type, bytes.
const NAME_BYTES_MAX: usize = 256;
/// Longest long poll, seconds.
const WAIT_S_MAX: u32 = 20;

const RECEIVE_RANGE: &str = "Must be between 1 and 10, if provided";

pub(super) fn check_message(message: &NewMessage, bytes_max: u32) -> Result<(), SqsError> {
    if message.body.is_empty() {
        return Err(SqsError::MissingParameter("MessageBody"));
    }
    if message.bytes() > bytes_max as usize {
        let text = format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {bytes_max} bytes."
        );
        return Err(SqsError::InvalidParameterValue(text));
    }
    if !message.body.chars().all(is_carried) {
        return Err(SqsError::InvalidMessageContents);
    }
    message.delay_s.map(|seconds| delay_s(seconds.into())).transpose()?;
    let count = message.attributes.len();
    if count > ATTRIBUTES_MAX {
        let text =
            format!("Number of message attributes [{count}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].");
        return Err(SqsError::InvalidParameterValue(text));
    }
    message.attributes.iter().try_for_each(|(name, attribute)| check_attribute(name, attribute))
}

/// What a name, a type and a value may be. The texts are those that clients were seen to get from AWS.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), SqsError> {
    let refuse = |text: String| Err(SqsError::InvalidParameterValue(text));
    if !is_attribute_name(name) {
        return refuse(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters."
        ));
    }
    let (whole, value) = (&attribute.data_type, &attribute.value);
    let kind = whole.split('.').next().unwrap_or_default();
    if !matches!(kind, "String" | "Number" | "Binary") || whole.len() > NAME_BYTES_MAX {
        return refuse(format!(
            "The type of message (user) attribute '{name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String."
        ));
    }
    let fits = matches!(value, AttributeValue::Binary(_)) == (kind == "Binary");
    if !fits || value.bytes().is_empty() {
        return refuse(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{whole}'."
        ));
    }
    match value {
        AttributeValue::Text(text) if kind == "Number" && !is_number(text) => {
            refuse(format!("Can't cast the value of message (user) attribute '{name}' to a number."))
        }
        AttributeValue::Text(text) if !text.chars().all(is_carried) => Err(SqsError::InvalidMessageContents),
        AttributeValue::Text(_) | AttributeValue::Binary(_) => Ok(()),
    }
}

fn is_attribute_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && !(name.starts_with('.') || name.ends_with('.') || name.contains(".."))
        && !(lower.starts_with("aws.") || lower.starts_with("amazon."))
}

/// Digits with a sign, a point and an exponent, as far as each is there.
fn is_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.parse::<f64>().is_ok()
}

/// A number of a request, which any may be, in the range that its parameter has.
fn within(value: i64, parameter: &str, max: u32, reason: &str) -> Result<u32, SqsError> {
    let number = u32::try_from(value).ok().filter(|number| *number <= max);
    number.ok_or_else(|| invalid(value, parameter, reason))
}

/// `VisibilityTimeout`, seconds.
pub(super) fn visibility_s(value: i64) -> Result<u32, SqsError> {
    within(value, "VisibilityTimeout", VISIBILITY_S_MAX, "Must be >= 0 and <= 43200, if provided")
}

/// `DelaySeconds`.
pub(super) fn delay_s(value: i64) -> Result<u32, SqsError> {
    within(value, "DelaySeconds", DELAY_S_MAX, "DelaySeconds must be >= 0 and <= 900")
}

/// `WaitTimeSeconds`.
pub(super) fn wait_s(value: i64) -> Result<u32, SqsError> {
    within(value, "WaitTimeSeconds", WAIT_S_MAX, "Must be >= 0 and <= 20, if provided")
}

/// `MaxNumberOfMessages`; what is below 1 is refused by the receive.
pub(super) fn messages_max(value: i64) -> Result<usize, SqsError> {
    usize::try_from(value).map_err(|_| invalid(value, "MaxNumberOfMessages", RECEIVE_RANGE))
}

pub(super) fn check_receive(max: usize, visibility_s: Option<u32>) -> Result<(), SqsError> {
    if !(1..=BATCH_MAX).contains(&max) {
        return Err(invalid(max, "MaxNumberOfMessages", RECEIVE_RANGE));
    }
    visibility_s.map_or(Ok(()), check_visibility)
}

pub(super) fn check_visibility(seconds: u32) -> Result<(), SqsError> {
    visibility_s(seconds.into()).map(drop)
}

/// A receive hides a message for at most 12 h in all. Asking for more is an error, not a shorter time.
pub(super) fn check_hidden_in_all(
    seconds: u32,
    received_at: Option<UnixMs>,
    visible_at: UnixMs,
) -> Result<(), SqsError> {
    let hidden_ms = received_at.map_or(0, |received_at| visible_at.since_ms(received_at));
    if hidden_ms > 1000 * i64::from(VISIBILITY_S_MAX) {
        let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]";
        return Err(invalid(seconds, "VisibilityTimeout", reason));
    }
    Ok(())
}

pub(super) fn not_in_flight(handle: &str) -> SqsError {
    let reason = "Message does not exist or is not available for visibility timeout change";
    invalid(handle, "ReceiptHandle", reason)
}

/// Checks the ids of a batch: 1 to 10, each well-formed, no two alike.
pub(super) fn check_batch<'a>(
    operation: &'static str,
    ids: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), SqsError> {
    match ids.len() {
        0 => return Err(SqsError::EmptyBatchRequest(operation)),
        sent if sent > BATCH_MAX => return Err(SqsError::TooManyEntriesInBatchRequest(sent)),
        _ => {}
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        if !is_batch_id(id) {
            return Err(SqsError::InvalidBatchEntryId);
        }
        if !seen.insert(id) {
            return Err(SqsError::BatchEntryIdsNotDistinct(id.to_owned()));
        }
    }
    Ok(())
}

/// The `payment_id` of a body, for the journal and for plans; other bodies have none. A byte order mark before it is
/// none of its text.
#[must_use]
pub fn payment_in(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        payment_id: String,
    }
    let body = body.trim_matches(|char: char| char.is_whitespace() || char == '\u{feff}');
    serde_json::from_str::<Named>(body).ok().map(|named| named.payment_id)
}

fn is_batch_id(id: &str) -> bool {
    (1..=80).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_carried(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn invalid(value: impl std::fmt::Display, parameter: &str, reason: &str) -> SqsError {
    SqsError::InvalidParameterValue(format!(
        "Value {value} for parameter {parameter} is invalid. Reason: {reason}."
    ))
}
