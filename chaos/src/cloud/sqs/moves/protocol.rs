//! Move tasks in SQS's JSON protocol.
//!
//! Invariant: a list shows `TaskHandle` only while a task runs, and destination and rate only if they were given.

use super::task::{self, MoveStatus, Task};
use super::{MoveOrder, Sqs};
use crate::cloud::iam::Principal;
use crate::cloud::names;
use crate::cloud::sqs::SqsError;
use crate::cloud::sqs::input::{CancelMove, ListMoves, StartMove};
use payments::UnixMs;
use serde_json::{Value, json};

/// Most tasks that one list returns.
const LIST_MAX: i64 = 10;

impl Sqs {
    pub(in crate::cloud::sqs) fn answer_start_move(
        &mut self,
        call: &StartMove,
        who: Option<&Principal>,
        now: UnixMs,
    ) -> Result<Value, SqsError> {
        let source = queue_in(call.source_arn.as_deref(), "SourceArn")?;
        let destination =
            call.destination_arn.as_deref().map(|arn| queue_in(Some(arn), "DestinationArn")).transpose()?;
        // 0 stands for every number outside the range: refused with the others.
        let rate = |rate: i64| u32::try_from(rate).unwrap_or(0);
        let rate_per_s = call.max_number_of_messages_per_second.map(rate);
        let order = MoveOrder { source, destination, rate_per_s };
        let handle = self.start_move_as(who, order, now)?;
        Ok(json!({ "TaskHandle": handle }))
    }

    pub(in crate::cloud::sqs) fn answer_list_moves(
        &mut self,
        call: &ListMoves,
        now: UnixMs,
    ) -> Result<Value, SqsError> {
        let source = queue_in(call.source_arn.as_deref(), "SourceArn")?;
        let queue = self.queue_mut(source).map_err(|_| SqsError::ResourceNotFound("SourceArn"))?;
        queue.meter.touched(now);
        let max = call.max_results.unwrap_or(1);
        if !(1..=LIST_MAX).contains(&max) {
            let text =
                format!("Value {max} for parameter MaxResults is invalid. Reason: Must be between 1 and 10.");
            return Err(SqsError::InvalidParameterValue(text));
        }
        let tasks = self.moves.of(source).take(usize::try_from(max).unwrap_or(1));
        Ok(json!({ "Results": tasks.map(|task| rendered_task(task, now)).collect::<Vec<Value>>() }))
    }

    pub(in crate::cloud::sqs) fn answer_cancel_move(
        &mut self,
        call: &CancelMove,
        now: UnixMs,
    ) -> Result<Value, SqsError> {
        let handle = call.task_handle.as_deref().ok_or(SqsError::MissingParameter("TaskHandle"))?;
        Ok(json!({ "ApproximateNumberOfMessagesMoved": self.cancel_move(handle, now)? }))
    }
}

impl CancelMove {
    /// ARN of the queue that the handle's task moves from.
    pub(in crate::cloud::sqs) fn source_arn(&self) -> Option<String> {
        let (_, source) = task::read_handle(self.task_handle.as_deref()?).ok()?;
        Some(names::queue_arn(&source))
    }
}

fn queue_in<'a>(arn: Option<&'a str>, parameter: &'static str) -> Result<&'a str, SqsError> {
    let arn = arn.ok_or(SqsError::MissingParameter(parameter))?;
    names::queue_in_arn(arn).ok_or_else(|| {
        SqsError::InvalidParameterValue(format!(
            "You must use this format to specify the {parameter}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        ))
    })
}

fn rendered_task(task: &Task, now: UnixMs) -> Value {
    let mut entry = json!({
        "ApproximateNumberOfMessagesMoved": task.reported(),
        "SourceArn": names::queue_arn(&task.source),
        "StartedTimestamp": task.started_at.0,
        "Status": task.status.name(),
    });
    let optional = [
        ("ApproximateNumberOfMessagesToMove", task.to_move(now).map(Value::from)),
        ("DestinationArn", task.destination.as_deref().map(|name| names::queue_arn(name).into())),
        ("FailureReason", task.status.failure().map(|failure| failure.name().into())),
        ("MaxNumberOfMessagesPerSecond", task.rate_per_s.map(Value::from)),
        ("TaskHandle", (task.status == MoveStatus::Running).then(|| task.handle().into())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            entry[name] = value;
        }
    }
    entry
}
