//! What happens to messages in queues.
//!
//! Invariant: every event names its message by the id that it has at that moment.

use serde::Serialize;

/// What can happen to a message in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum QueueEvent {
    /// The producer, or a function, sent a message to a queue.
    Sent {
        /// Queue name.
        queue: String,
        /// Id that SQS gave the message.
        message: String,
        /// `payment_id` in the body, if the body has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment: Option<String>,
    },
    /// A consumer received a message.
    Received {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
        /// `ApproximateReceiveCount` of this receive, from 1.
        receives: u32,
    },
    /// A message's visibility was changed by request.
    VisibilityChanged {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
        /// Seconds until it is visible again.
        seconds: u32,
    },
    /// A message was deleted.
    Deleted {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
    },
    /// SQS moved a message to its dead-letter queue.
    DeadLettered {
        /// Source queue name.
        from: String,
        /// Dead-letter queue name.
        to: String,
        /// Message id, which the move keeps.
        message: String,
        /// Receives so far.
        receives: u32,
    },
    /// A message reached the end of its queue's retention and was dropped.
    Expired {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
    },
    /// Somebody took a message out of its queue for good.
    Purged {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
    },
    /// A move task copied a message to another queue and deleted it where it was.
    Redriven {
        /// Dead-letter queue name.
        from: String,
        /// Destination queue name.
        to: String,
        /// Message id until then.
        message: String,
        /// Message id from then on.
        as_message: String,
    },
}
