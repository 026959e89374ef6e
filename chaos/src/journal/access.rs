//! What IAM refused.
//!
//! Invariant: what is in here had no effect.

use serde::Serialize;

/// Somebody asked for something that no policy grants; whoever was asked did nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "access-denied")]
pub struct AccessDenied {
    /// ARN of the function's session, or the service that asked.
    pub who: String,
    /// The action, for example `sqs:SendMessage`.
    pub action: String,
    /// ARN of what it was to be done to.
    pub resource: String,
}
