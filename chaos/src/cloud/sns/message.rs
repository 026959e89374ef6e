//! Messages as SNS takes them: which subjects and bodies it refuses, and what of a message an e-mail shows.
//!
//! Invariant: nothing here changes a topic, so a refused message leaves no trace.

use super::SnsError;
use serde_json::Value;

/// Largest message, bytes: a topic's default `MaximumMessageSize`.
pub const MESSAGE_BYTES_MAX: usize = 262_144;
/// Longest subject, characters: fewer than 100.
pub const SUBJECT_CHARS_MAX: usize = 99;
/// Subject of a mail whose message has none.
const SUBJECT_OF_NONE: &str = "AWS Notification Message";

/// A message to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) subject: Option<&'a str>,
    pub(super) body: &'a str,
    pub(super) structure: Structure,
}

/// `MessageStructure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Structure {
    /// The body is the message.
    Plain,
    /// The body is a JSON object with a message for each protocol, and one called `default`.
    PerProtocol,
}

impl Message<'_> {
    pub(super) fn check(&self) -> Result<(), SnsError> {
        if self.body.is_empty() {
            return Err(SnsError::invalid("Empty message"));
        }
        if self.body.len() > MESSAGE_BYTES_MAX {
            return Err(SnsError::invalid("Message too long"));
        }
        if self.subject.is_some_and(|subject| !is_subject(subject)) {
            return Err(SnsError::invalid("Subject"));
        }
        Ok(())
    }

    /// The subject of the mail it becomes.
    pub(super) fn mail_subject(&self) -> &str {
        self.subject.unwrap_or(SUBJECT_OF_NONE)
    }

    /// What it says to subscriptions of this protocol.
    pub(super) fn body_for(&self, protocol: &str) -> Result<String, SnsError> {
        match self.structure {
            Structure::Plain => Ok(self.body.to_owned()),
            Structure::PerProtocol => {
                let failed = |why| SnsError::invalid(format!("Message Structure - {why}"));
                let bodies: Value = serde_json::from_str(self.body)
                    .map_err(|_| failed("JSON message body failed to parse"))?;
                let default = bodies["default"].as_str();
                let default = default.ok_or_else(|| failed("No default entry in JSON message body"))?;
                Ok(bodies[protocol].as_str().unwrap_or(default).to_owned())
            }
        }
    }
}

/// The stricter of the two rules AWS has written down: ASCII that begins with a letter, number or punctuation mark,
/// without line breaks or control characters.
fn is_subject(subject: &str) -> bool {
    (1..=SUBJECT_CHARS_MAX).contains(&subject.len())
        && !subject.starts_with(' ')
        && subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
