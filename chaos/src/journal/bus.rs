//! What the event bus does.
//!
//! Invariant: an event that matched ends delivered, undelivered or lost by a fault, unless the run ends first.

use serde::Serialize;

/// What can happen to an event on the bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum BusEvent {
    /// An event on the bus matched a rule. A rule matches an event once, however often its target hears of it.
    #[serde(rename = "event-matched")]
    Matched {
        /// Rule name.
        rule: String,
        /// Event id.
        id: String,
    },
    /// Lambda accepted an event for the target of a rule or a schedule.
    #[serde(rename = "event-delivered")]
    Delivered {
        /// Rule name.
        rule: String,
        /// Event id.
        id: String,
        /// Request id of the invocation it becomes.
        request: String,
    },
    /// A queue took an event as the target of a rule.
    #[serde(rename = "event-queued")]
    Queued {
        /// Rule name.
        rule: String,
        /// Event id.
        id: String,
        /// The queue.
        queue: String,
        /// Id of the message that it is there.
        message: String,
    },
    /// EventBridge gave up delivering an event.
    #[serde(rename = "event-undelivered")]
    Undelivered {
        /// Rule name.
        rule: String,
        /// Event id.
        id: String,
        /// Why.
        why: UndeliveredFor,
        /// The queue that now holds it.
        #[serde(skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
    },
}

/// What made EventBridge give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndeliveredFor {
    /// The rule may not invoke its target.
    NoPermissions,
    /// The attempts that its retry policy allows are used up.
    RetryAttempts,
    /// The event has come to the age that its retry policy allows.
    EventAge,
}

impl UndeliveredFor {
    /// The error, or the part of the retry policy that was used up, as EventBridge writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoPermissions => "NO_PERMISSIONS",
            Self::RetryAttempts => "MaximumRetryAttempts",
            Self::EventAge => "MaximumEventAgeInSeconds",
        }
    }
}
