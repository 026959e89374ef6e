//! What SQS refuses, in AWS's own words and codes.
//!
//! Invariant: every error carries the query code, because the Rust SDK types errors by it and by nothing else.

use crate::cloud::iam::Denied;
use crate::cloud::reply::Reply;

const SUPPORTED: &str = "SendMessage, ReceiveMessage, DeleteMessage and ChangeMessageVisibility, each also as a batch, \
                         GetQueueAttributes, GetQueueUrl, StartMessageMoveTask, ListMessageMoveTasks and \
                         CancelMessageMoveTask";

/// An operation SQS refused. Texts are those recorded from AWS where a recording exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqsError {
    /// No queue has that name.
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    /// The text is no receipt handle of that queue.
    #[error("The input receipt handle \"{0}\" is not a valid receipt handle.")]
    ReceiptHandleIsInvalid(String),
    /// A parameter is outside what SQS accepts; the whole text.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// A required parameter is absent or empty.
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(&'static str),
    /// The body holds characters SQS does not carry.
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidMessageContents,
    /// A queue that an ARN names is not there; the parameter that held the ARN.
    #[error("The resource that you specified for the {0} parameter doesn't exist.")]
    ResourceNotFound(&'static str),
    /// No move task has that handle.
    #[error("Task does not exist.")]
    TaskNotFound,
    /// No queue attribute has that name.
    #[error("Unknown Attribute {0}.")]
    InvalidAttributeName(String),
    /// A batch without entries; the operation's name.
    #[error("There should be at least one {0}RequestEntry in the request.")]
    EmptyBatchRequest(&'static str),
    /// More than 10 entries; how many.
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    /// More than 1 MiB in one batch; how many bytes.
    #[error("Batch requests cannot be longer than 1048576 bytes. You have sent {0} bytes.")]
    BatchRequestTooLong(usize),
    /// Two entries share an id; which.
    #[error("Id {0} repeated.")]
    BatchEntryIdsNotDistinct(String),
    /// An entry's id has other characters, or more than 80.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    /// No policy lets the caller do it; the whole text.
    #[error("{0}")]
    AccessDenied(String),
    /// SQS itself failed.
    #[error("We encountered an internal error. Please try again.")]
    InternalError,
    /// The embedded SQS does not have this operation.
    #[error("The embedded SQS does not support {0}; it supports {supported}.", supported = SUPPORTED)]
    UnsupportedOperation(String),
    /// The request is not the JSON this operation takes.
    #[error("{0}")]
    Serialization(String),
}

/// SQS writes actions in small letters: <https://github.com/microsoft/aspire/pull/3333>. Code and status are those of
/// <https://github.com/aws/aws-sdk-php/issues/188>.
impl From<Denied> for SqsError {
    fn from(denied: Denied) -> Self {
        let action = denied.action.to_ascii_lowercase();
        Self::AccessDenied(denied.spelling(action).to_string())
    }
}

impl SqsError {
    /// The code of the query protocol, which is also the code of a failed batch entry.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Self::ReceiptHandleIsInvalid(_) => "ReceiptHandleIsInvalid",
            Self::InvalidParameterValue(_) => "InvalidParameterValue",
            Self::MissingParameter(_) => "MissingParameter",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::ResourceNotFound(_) | Self::TaskNotFound => "ResourceNotFoundException",
            Self::InvalidAttributeName(_) => "InvalidAttributeName",
            Self::EmptyBatchRequest(_) => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::TooManyEntriesInBatchRequest(_) => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            Self::BatchRequestTooLong(_) => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::BatchEntryIdsNotDistinct(_) => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Self::AccessDenied(_) => "AccessDenied",
            Self::InternalError => "InternalError",
            Self::UnsupportedOperation(_) => "AWS.SimpleQueueService.UnsupportedOperation",
            Self::Serialization(_) => "SerializationException",
        }
    }

    /// Whether the sender is to blame, and need not try again.
    #[must_use]
    pub const fn is_senders(&self) -> bool {
        !matches!(self, Self::InternalError)
    }

    /// The error as the JSON protocol sends it: status 400, 403, 404 or 500, `__type`, and the query code in a header.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let kind = format!("{}#{}", self.namespace(), self.shape());
        let whose = if self.is_senders() { "Sender" } else { "Receiver" };
        Reply::error(self.status(), &kind, &self.to_string())
            .with_header("x-amzn-query-error", format!("{};{whose}", self.code()))
    }

    const fn status(&self) -> u16 {
        if matches!(self, Self::ResourceNotFound(_) | Self::TaskNotFound) {
            404
        } else if matches!(self, Self::AccessDenied(_)) {
            403
        } else if self.is_senders() {
            400
        } else {
            500
        }
    }

    const fn shape(&self) -> &'static str {
        match self {
            Self::QueueDoesNotExist => "QueueDoesNotExist",
            Self::ReceiptHandleIsInvalid(_) => "ReceiptHandleIsInvalid",
            Self::InvalidParameterValue(_) => "InvalidParameterValueException",
            Self::MissingParameter(_) => "MissingRequiredParameterException",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::ResourceNotFound(_) | Self::TaskNotFound => "ResourceNotFoundException",
            Self::InvalidAttributeName(_) => "InvalidAttributeName",
            Self::EmptyBatchRequest(_) => "EmptyBatchRequest",
            Self::TooManyEntriesInBatchRequest(_) => "TooManyEntriesInBatchRequest",
            Self::BatchRequestTooLong(_) => "BatchRequestTooLong",
            Self::BatchEntryIdsNotDistinct(_) => "BatchEntryIdsNotDistinct",
            Self::InvalidBatchEntryId => "InvalidBatchEntryId",
            Self::AccessDenied(_) => "AccessDeniedException",
            Self::InternalError => "InternalError",
            Self::UnsupportedOperation(_) => "UnsupportedOperation",
            Self::Serialization(_) => "SerializationException",
        }
    }

    const fn namespace(&self) -> &'static str {
        if matches!(self, Self::Serialization(_) | Self::AccessDenied(_)) {
            "com.amazon.coral.service"
        } else {
            "com.amazonaws.sqs"
        }
    }
}
