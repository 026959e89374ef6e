//! What SNS refuses, in AWS's own words and codes.
//!
//! Invariant: every error is an `ErrorResponse` document, because the SDK reads codes from nothing else.

use super::protocol::{document, element};
use crate::cloud::iam::Denied;
use crate::cloud::reply::Reply;

/// An operation SNS refused. Texts are those recorded from AWS where a recording exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnsError {
    /// No topic has that name.
    #[error("Topic does not exist")]
    TopicNotFound,
    /// A parameter is outside what SNS accepts; which one, and why.
    #[error("Invalid parameter: {0}")]
    InvalidParameter(String),
    /// No policy lets the caller do it; the whole text.
    #[error("{0}")]
    NotAuthorized(String),
    /// The caller may not use the key that the topic is encrypted under.
    #[error("The ciphertext references a key that doesn't exist or that you don't have access to.")]
    KeyDenied,
    /// SNS itself failed.
    #[error("An internal error occurred.")]
    InternalError,
    /// The embedded SNS does not have this operation.
    #[error(
        "The embedded SNS does not support {0}; it supports Publish, Subscribe, ConfirmSubscription, ListSubscriptionsByTopic and GetTopicAttributes."
    )]
    UnsupportedOperation(String),
}

/// SNS writes its own name in capitals:
/// <https://github.com/aws-ia/terraform-aws-control_tower_account_factory/issues/151>. What it says of a key is in
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>.
impl From<Denied> for SnsError {
    fn from(denied: Denied) -> Self {
        match denied.action.strip_prefix("sns:") {
            Some(operation) => {
                let action = format!("SNS:{operation}");
                Self::NotAuthorized(denied.spelling(action).to_string())
            }
            None => Self::KeyDenied,
        }
    }
}

impl SnsError {
    /// A parameter that is refused without more words than these.
    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Self::InvalidParameter(what.into())
    }

    /// The code by which the SDK types an error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TopicNotFound => "NotFound",
            Self::InvalidParameter(_) => "InvalidParameter",
            Self::NotAuthorized(_) => "AuthorizationError",
            Self::KeyDenied => "KMSAccessDenied",
            Self::InternalError => "InternalError",
            Self::UnsupportedOperation(_) => "InvalidAction",
        }
    }

    /// The error as the query protocol sends it.
    #[must_use]
    pub fn reply(&self, request_id: &str) -> Reply {
        let (status, whose) = match self {
            Self::TopicNotFound => (404, "Sender"),
            Self::NotAuthorized(_) => (403, "Sender"),
            Self::InvalidParameter(_) | Self::UnsupportedOperation(_) | Self::KeyDenied => (400, "Sender"),
            Self::InternalError => (500, "Receiver"),
        };
        let fields = [("Type", whose), ("Code", self.code()), ("Message", &self.to_string())];
        let fields: String = fields.into_iter().map(|(name, value)| element(name, value)).collect();
        let content = format!("<Error>{fields}</Error>{}", element("RequestId", request_id));
        Reply::xml(status, document("ErrorResponse", &content))
    }
}
