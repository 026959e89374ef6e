//! What SQS checks before it does anything: messages, ranges, and the entries of a batch.
//!
//! Invariant: nothing here changes a queue, so a refused request leaves no trace.

use super::message::{AttributeValue, MessageAttribute, NewMessage};
use super::{ATTRIBUTES_MAX, BATCH_MAX, DELAY_S_MAX, SqsError, VISIBILITY_S_MAX};
use payments::UnixMs;
use serde::Deserialize;
use std::collections::BTreeSet;

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
    if let Some(delay_s) = message.delay_s.filter(|delay_s| *delay_s > DELAY_S_MAX) {
        return Err(invalid(delay_s, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900"));
    }
    let count = message.attributes.len();
    if count > ATTRIBUTES_MAX {
        let text =
            format!("Number of message attributes [{count}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].");
        return Err(SqsError::InvalidParameterValue(text));
    }
    message.attributes.iter().try_for_each(|(name, attribute)| check_attribute(name, attribute))
}

fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), SqsError> {
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let fits = match attribute.value {
        AttributeValue::Text(_) => matches!(kind, "String" | "Number"),
        AttributeValue::Binary(_) => kind == "Binary",
    };
    if fits && !attribute.value.bytes().is_empty() {
        return Ok(());
    }
    let kind = &attribute.data_type;
    let text = format!("The message attribute '{name}' must contain a non-empty value of its type '{kind}'.");
    Err(SqsError::InvalidParameterValue(text))
}

pub(super) fn check_receive(max: usize, visibility_s: Option<u32>) -> Result<(), SqsError> {
    if !(1..=BATCH_MAX).contains(&max) {
        return Err(invalid(max, "MaxNumberOfMessages", "Must be between 1 and 10, if provided"));
    }
    visibility_s.map_or(Ok(()), check_visibility)
}

pub(super) fn check_wait(wait_s: u32) -> Result<(), SqsError> {
    if wait_s > 20 {
        return Err(invalid(wait_s, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided"));
    }
    Ok(())
}

pub(super) fn check_visibility(seconds: u32) -> Result<(), SqsError> {
    if seconds > VISIBILITY_S_MAX {
        return Err(invalid(seconds, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided"));
    }
    Ok(())
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
