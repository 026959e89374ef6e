//! One move task: what it saw when it started, how fast it copies, how far it is and how far it says it is.
//!
//! Invariant: a task ends once, and has no next instant afterwards.

use super::MoveOrder;
use crate::cloud::iam::Principal;
use crate::cloud::names;
use crate::cloud::sqs::SqsError;
use crate::cloud::sqs::queue::{Queue, Standing, Stored};
use crate::cloud::sqs::receipt::Arrival;
use crate::journal::{MoveEnd, MoveFailure};
use aws_smithy_types::base64;
use payments::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How often a running task says how much it has moved: virtual milliseconds, an assumption.
const REPORT_MS: i64 = 2000;
/// How long a task takes that was given no rate, if SQS may choose freely: seconds, an assumption.
const CHOSEN_DURATION_S: u64 = 60;
/// Lowest and highest rate SQS chooses, messages per second: the highest is its limit, the lowest an assumption.
const CHOSEN_RATE: (u64, u64) = (10, 500);

/// What a task is doing, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveStatus {
    /// It waits for its next message.
    Running,
    /// It was cancelled and goes on until that takes effect.
    Cancelling {
        /// When it does.
        ends_at: UnixMs,
    },
    /// It is over.
    Ended(MoveEnd),
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) destination: Option<String>,
    /// Whose permissions it works with; nobody is asked about somebody who is no part of the stack.
    pub(super) who: Option<Principal>,
    /// The rate that was asked for.
    pub(super) rate_per_s: Option<u32>,
    pub(super) started_at: UnixMs,
    pub(super) status: MoveStatus,
    begins_at: UnixMs,
    pace_per_s: u64,
    seen: VecDeque<Arrival>,
    to_move: u64,
    moved: u64,
    reported: u64,
    reported_at: UnixMs,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handle {
    task_id: String,
    source_arn: String,
}

impl MoveStatus {
    /// As `ListMessageMoveTasks` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Cancelling { .. } => "CANCELLING",
            Self::Ended(end) => end.name(),
        }
    }

    /// Whether it keeps another task of the same queue from being started.
    #[must_use]
    pub const fn is_active(self) -> bool {
        match self {
            Self::Running | Self::Cancelling { .. } => true,
            Self::Ended(_) => false,
        }
    }

    /// Why it failed, if it did.
    #[must_use]
    pub const fn failure(self) -> Option<MoveFailure> {
        match self {
            Self::Ended(end) => end.failure(),
            Self::Running | Self::Cancelling { .. } => None,
        }
    }
}

impl Task {
    pub(super) fn new(
        id: String,
        order: MoveOrder<'_>,
        to_move: u64,
        seen: VecDeque<Arrival>,
        (started_at, begins_at): (UnixMs, UnixMs),
    ) -> Self {
        let chosen = || (to_move / CHOSEN_DURATION_S).clamp(CHOSEN_RATE.0, CHOSEN_RATE.1);
        Self {
            id,
            source: order.source.to_owned(),
            destination: order.destination.map(str::to_owned),
            who: None,
            rate_per_s: order.rate_per_s,
            started_at,
            status: MoveStatus::Running,
            begins_at,
            pace_per_s: order.rate_per_s.map_or_else(chosen, u64::from),
            seen,
            to_move,
            moved: 0,
            reported: 0,
            reported_at: started_at,
        }
    }

    /// Base64 of a JSON object with task id and ARN of the source, as recorded.
    pub(super) fn handle(&self) -> String {
        let handle = Handle { task_id: self.id.clone(), source_arn: names::queue_arn(&self.source) };
        base64::encode(serde_json::to_string(&handle).expect("two strings serialise"))
    }

    /// `ApproximateNumberOfMessagesToMove`, once SQS has got to the task.
    pub(super) fn to_move(&self, now: UnixMs) -> Option<u64> {
        (self.begins_at <= now).then_some(self.to_move)
    }

    /// `ApproximateNumberOfMessagesMoved`: behind the truth while the task is active.
    pub(super) const fn reported(&self) -> u64 {
        self.reported
    }

    /// When the task next has something to do. Turns are counted from the first, so the rate does not drift.
    pub(super) fn next_at(&self) -> Option<UnixMs> {
        let turn_ms = i64::try_from(1000 * self.moved / self.pace_per_s).unwrap_or(i64::MAX);
        let turn_at = self.begins_at.plus_ms(turn_ms);
        match self.status {
            MoveStatus::Running => Some(turn_at),
            MoveStatus::Cancelling { ends_at } => Some(turn_at.min(ends_at)),
            MoveStatus::Ended(_) => None,
        }
    }

    pub(super) fn cancel(&mut self, ends_at: UnixMs) -> Result<(), SqsError> {
        if self.status != MoveStatus::Running {
            // No recording shows these words.
            let text = "Only a task that is running can be cancelled.";
            return Err(SqsError::InvalidParameterValue(text.to_owned()));
        }
        self.status = MoveStatus::Cancelling { ends_at };
        Ok(())
    }

    pub(super) fn is_cancelled_by(&self, now: UnixMs) -> bool {
        matches!(self.status, MoveStatus::Cancelling { ends_at } if ends_at <= now)
    }

    /// Takes the oldest of the messages seen that can still be received. One that somebody holds may come back in time.
    pub(super) fn take_next(&mut self, queue: &Queue, now: UnixMs) -> Option<(Arrival, Stored)> {
        let visible = |arrival: &Arrival| {
            queue.get(*arrival).filter(|message| message.standing(now) == Standing::Visible)
        };
        let place = self.seen.iter().position(|arrival| visible(arrival).is_some())?;
        let arrival = self.seen.remove(place)?;
        Some((arrival, visible(&arrival)?.clone()))
    }

    /// Counts one message as moved.
    pub(super) fn count(&mut self, now: UnixMs) {
        self.moved += 1;
        if now.since_ms(self.reported_at) >= REPORT_MS {
            (self.reported, self.reported_at) = (self.moved, now);
        }
    }

    /// How the task ends that finds nothing more to move.
    pub(super) const fn ran_out(&self) -> MoveEnd {
        match self.status {
            MoveStatus::Cancelling { .. } => MoveEnd::Cancelled,
            MoveStatus::Running | MoveStatus::Ended(_) => MoveEnd::Completed,
        }
    }

    pub(super) fn end(&mut self, end: MoveEnd) {
        self.status = MoveStatus::Ended(end);
        self.reported = self.moved;
        self.seen.clear();
    }
}

/// Task id and source queue that a handle names.
pub(super) fn read_handle(handle: &str) -> Result<(String, String), SqsError> {
    let read = || {
        let handle: Handle = serde_json::from_slice(&base64::decode(handle).ok()?).ok()?;
        let source = names::queue_in_arn(&handle.source_arn)?.to_owned();
        Some((handle.task_id, source))
    };
    read().ok_or_else(|| {
        SqsError::InvalidParameterValue("Value for parameter TaskHandle is invalid.".to_owned())
    })
}
