//! What faults of the experiment took effect.
//!
//! Invariant: what is in here happened; what was only configured is not.

use crate::faults::{Kind, Placement};
use serde::Serialize;

/// A configured fault took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "fault-fired")]
pub struct FaultFired {
    /// Its kind.
    pub fault: Kind,
    /// Where in the call; absent where a placement makes no sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// What it hit: an operation, a message, an invocation.
    pub on: String,
}
