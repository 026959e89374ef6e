//! What becomes of move tasks, which copy dead letters back.
//!
//! Invariant: a task that was started ends once, or is running when the run ends.

use serde::Serialize;

/// What can happen to a move task. What it moves is [`QueueEvent::Redriven`](super::QueueEvent::Redriven).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum MoveTaskEvent {
    /// A move task was started on a dead-letter queue.
    #[serde(rename = "move-task-started")]
    Started {
        /// Task id.
        task: String,
        /// Dead-letter queue name.
        source: String,
        /// Queue name, if the caller chose one; otherwise every message goes back to its own queue.
        #[serde(skip_serializing_if = "Option::is_none")]
        destination: Option<String>,
        /// `ApproximateNumberOfMessagesToMove`.
        to_move: u64,
    },
    /// Another move task was asked for while one was active on the queue; SQS refused.
    #[serde(rename = "move-task-refused")]
    Refused {
        /// Dead-letter queue name.
        source: String,
    },
    /// A move task ended.
    #[serde(rename = "move-task-ended")]
    Ended {
        /// Task id.
        task: String,
        /// Dead-letter queue name.
        source: String,
        /// How.
        status: MoveEnd,
        /// Messages moved.
        moved: u64,
        /// Why it failed, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<MoveFailure>,
    },
}

/// How a move task can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveEnd {
    /// It found nothing more of what it had seen.
    Completed,
    /// It was cancelled; what had been moved stays moved.
    Cancelled,
    /// It met a message it could not move; that one and the rest stay where they were.
    Failed(MoveFailure),
}

impl MoveEnd {
    /// As `ListMessageMoveTasks` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Failed(_) => "FAILED",
        }
    }

    /// Why it failed, if it did.
    #[must_use]
    pub const fn failure(self) -> Option<MoveFailure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Completed | Self::Cancelled => None,
        }
    }
}

/// Why a move task failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveFailure {
    /// The queue a message was to go to, or come from, is not there any more.
    NonExistentQueue,
    /// The message was sent to the dead-letter queue rather than moved there, and the task has no destination.
    CouldNotDetermineMessageSource,
    /// Whoever started it may not do one of the things that a task does.
    AccessDenied,
}

impl MoveFailure {
    /// `FailureReason`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NonExistentQueue => "AWS.SimpleQueueService.NonExistentQueue",
            Self::CouldNotDetermineMessageSource => "CouldNotDetermineMessageSource",
            Self::AccessDenied => "AccessDenied",
        }
    }
}
