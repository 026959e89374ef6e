//! What topics do.
//!
//! Invariant: a mail names the publication it comes of.

use serde::Serialize;

/// What can happen at a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum TopicEvent {
    /// A topic accepted a message.
    Published {
        /// Request id of the Lambda invocation that published; absent when a service did.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<String>,
        /// Topic name.
        topic: String,
        /// Id that SNS gave the message.
        message: String,
        /// Subject, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
    },
    /// An e-mail reached its reader.
    Mailed {
        /// Topic name.
        topic: String,
        /// Id that SNS gave the message.
        message: String,
        /// Address.
        to: String,
    },
    /// SNS had to send too many mails in one second, and silently stopped to serve a subscription.
    SubscriptionDisabled {
        /// Topic name.
        topic: String,
        /// Address that gets no more mail.
        endpoint: String,
    },
}
