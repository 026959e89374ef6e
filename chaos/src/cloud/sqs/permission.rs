//! What an operation of SQS needs permission for, and the permissions a move task works with.
//!
//! A batch needs what its single form needs. A task receives, deletes and sends as whoever started it.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html>
//! Invariant: the queue that is asked about is the one that the operation then works on.

use super::Sqs;
use super::protocol::{Call, Operation};
use crate::cloud::iam::{Denied, Iam, Principal};
use crate::cloud::names;
use crate::journal::MoveFailure;

/// What a move task does to the queue it empties.
const TAKES: [&str; 3] = ["sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage"];

impl Call {
    /// The action, and the ARN of the queue it is taken on; `None` for a request that names no queue.
    #[must_use]
    pub fn needs(&self) -> Option<(&'static str, String)> {
        let queue = |action, url: &str| Some((action, names::queue_arn(names::queue_in_url(url))));
        let dead_letters = |action, arn: &Option<String>| Some((action, arn.clone()?));
        match &self.operation {
            Operation::SendMessage(call) => queue("sqs:SendMessage", &call.queue_url),
            Operation::SendMessageBatch(call) => queue("sqs:SendMessage", &call.queue_url),
            Operation::ReceiveMessage(call) => queue("sqs:ReceiveMessage", &call.queue_url),
            Operation::DeleteMessage(call) => queue("sqs:DeleteMessage", &call.queue_url),
            Operation::DeleteMessageBatch(call) => queue("sqs:DeleteMessage", &call.queue_url),
            Operation::ChangeMessageVisibility(call) => queue("sqs:ChangeMessageVisibility", &call.queue_url),
            Operation::ChangeMessageVisibilityBatch(call) => {
                queue("sqs:ChangeMessageVisibility", &call.queue_url)
            }
            Operation::GetQueueAttributes(call) => queue("sqs:GetQueueAttributes", &call.queue_url),
            Operation::GetQueueUrl(call) => queue("sqs:GetQueueUrl", &call.queue_name),
            Operation::StartMessageMoveTask(call) => {
                dead_letters("sqs:StartMessageMoveTask", &call.source_arn)
            }
            Operation::ListMessageMoveTasks(call) => {
                dead_letters("sqs:ListMessageMoveTasks", &call.source_arn)
            }
            Operation::CancelMessageMoveTask(call) => {
                dead_letters("sqs:CancelMessageMoveTask", &call.source_arn())
            }
        }
    }
}

impl Sqs {
    /// The same queues, whose move tasks ask `iam` whether they may.
    #[must_use]
    pub fn asking(self, iam: Iam) -> Self {
        Self { iam: Some(iam), ..self }
    }

    /// Whether a task that `who` started may move a message. The reason of a failure for want of a permission is in the
    /// console's list of failures: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-dlq.html>.
    pub(super) fn may_move(&self, who: Option<&Principal>, from: &str, to: &str) -> Result<(), MoveFailure> {
        let (Some(iam), Some(who)) = (&self.iam, who) else { return Ok(()) };
        let from = names::queue_arn(from);
        let denied = |_: Denied| MoveFailure::AccessDenied;
        TAKES.into_iter().try_for_each(|action| iam.ask(who, action, &from)).map_err(denied)?;
        iam.ask(who, "sqs:SendMessage", &names::queue_arn(to)).map_err(denied)
    }
}
