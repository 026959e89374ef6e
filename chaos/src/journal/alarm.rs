//! How alarms stand.
//!
//! Invariant: an alarm that stays in its state is not heard of.

use serde::Serialize;

/// An alarm changed its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "alarm-changed")]
pub struct AlarmChanged {
    /// Its name.
    pub alarm: String,
    /// The state it left.
    pub from: StateValue,
    /// The state it entered.
    pub to: StateValue,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// State of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateValue {
    /// Within the threshold.
    Ok,
    /// Beyond it.
    Alarm,
    /// Nobody knows.
    InsufficientData,
}

impl StateValue {
    /// As AWS writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}
