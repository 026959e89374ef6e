//! What the queues, the ledger, the alerting and their neighbours do wrong.
//!
//! Invariant: one row a kind, and nothing about a kind is said elsewhere.

use super::super::families::{Family, Placement};
use super::super::kinds::Description;

/// Operations on either table.
const LEDGER: &[&str] = &["GetItem", "BatchGetItem", "Query", "UpdateItem"];
/// What functions ask of SQS.
const QUEUES: &[&str] = &[
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibilityBatch",
    "GetQueueAttributes",
    "StartMessageMoveTask",
    "ListMessageMoveTasks",
    "CancelMessageMoveTask",
];
/// What functions ask of SNS, and an alarm's own notice.
const TOPICS: &[&str] = &["Publish", "ListSubscriptionsByTopic", "notice"];
/// What the responder asks of CloudWatch.
const ALARMS: &[&str] = &["DescribeAlarms", "ListAlarmMuteRules"];
/// What an event comes from.
const EVENTS: &[&str] = &["alarm", "schedule"];
/// The alarms that speak for themselves.
const SPEAKING: &[&str] =
    &["ConsumerFailing", "ResponderFailing", "NobodyListens", "AlarmsSilenced", "OutcomesUndelivered"];

pub(in super::super) const LEDGER_THROTTLED: Description = Description {
    name: "ledger-throttled",
    family: Family::Aws,
    default_share: 0.3,
    placements: &[Placement::Before],
    operations: LEDGER,
    prevents_calls: false,
    does: "answers ThrottlingException: the table or the account is over its throughput; nothing is written",
    cause: "a hot partition, an account limit, a table that has not scaled yet",
    heals: "the SDK tries again; what still fails goes back to the queue",
};

pub(in super::super) const LEDGER_LOST_ANSWER: Description = Description {
    name: "ledger-lost-answer",
    family: Family::Aws,
    default_share: 0.05,
    placements: &[Placement::After],
    operations: LEDGER,
    prevents_calls: false,
    does: "does what was asked and loses the answer; the SDK repeats the request",
    cause: "a connection that dies between effect and answer",
    heals: "the repeated write meets its own first try, and knows it; a delivery that never heard of its own closes itself",
};

pub(in super::super) const DUPLICATE_DELIVERY: Description = Description {
    name: "duplicate-delivery",
    family: Family::Aws,
    default_share: 0.05,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "hands a message out again while it is being worked on",
    cause: "a standard queue delivers at least once",
    heals: "nothing needs to: deliveries of one payment are harmless side by side",
};

pub(in super::super) const REORDERED_DELIVERY: Description = Description {
    name: "reordered-delivery",
    family: Family::Aws,
    default_share: 0.2,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "hands a later message out before earlier ones",
    cause: "a standard queue keeps order only as far as it likes",
    heals: "nothing needs to",
};

pub(in super::super) const REDELIVERED: Description = Description {
    name: "redelivered",
    family: Family::Aws,
    default_share: 0.05,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "hands a deleted message out once more, within an hour",
    cause: "a delete that missed a replica of the queue",
    heals: "nothing needs to: the row says that it is done",
};

pub(in super::super) const VISIBILITY_REFUSED: Description = Description {
    name: "visibility-refused",
    family: Family::Aws,
    default_share: 0.1,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "fails single entries of a ChangeMessageVisibilityBatch",
    cause: "an internal error of SQS for one message of ten",
    heals: "the message comes back after the queue's own visibility",
};

pub(in super::super) const SECRET_ROTATED: Description = Description {
    name: "secret-rotated",
    family: Family::Aws,
    default_share: 0.02,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "rolls the Stripe key, asked once a minute: the old one stops to work, the secret holds the new one",
    cause: "rotation, as it should happen",
    heals: "the refused key is fetched again, once",
};

pub(in super::super) const EVENT_LOST: Description = Description {
    name: "event-lost",
    family: Family::Aws,
    default_share: 0.1,
    placements: &[],
    operations: EVENTS,
    prevents_calls: false,
    does: "loses an event of a rule or a schedule between EventBridge and Lambda",
    cause: "a region in trouble; EventBridge promises to deliver, not when",
    heals: "the schedule's next event: whatever an event says, a turn finds out by itself",
};

pub(in super::super) const EVENT_TWICE: Description = Description {
    name: "event-twice",
    family: Family::Aws,
    default_share: 0.1,
    placements: &[],
    operations: EVENTS,
    prevents_calls: false,
    does: "delivers an event of a rule or a schedule twice, at the same instant",
    cause: "EventBridge delivers at least once, and so does Lambda",
    heals: "nothing needs to: of two turns that read the same record, one saves",
};

pub(in super::super) const METRICS_LATE: Description = Description {
    name: "metrics-late",
    family: Family::Aws,
    default_share: 1.0,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "holds a queue's metrics back for 15 minutes once it holds something again",
    cause: "a queue that nobody used for six hours: SQS stops to publish, and takes up to 15 minutes to begin again",
    heals: "the schedule, which asks the queues themselves",
};

pub(in super::super) const ALARM_MUTED: Description = Description {
    name: "alarm-muted",
    family: Family::Aws,
    default_share: 1.0,
    placements: &[],
    operations: SPEAKING,
    prevents_calls: false,
    does: "mutes an alarm, asked once a minute: it changes its state and sends events, and tells nobody",
    cause: "an alarm mute rule of CloudWatch from a maintenance that nobody ended",
    heals: "a human, whom the alarm AlarmsSilenced tells; of that one itself, the order status and the log",
};

pub(in super::super) const MOVE_TASK_MISSES: Description = Description {
    name: "move-task-misses",
    family: Family::Aws,
    default_share: 0.2,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "lets a move task end as COMPLETED with messages left behind",
    cause: "a copy that runs asynchronously over a distributed queue",
    heals: "looking again after COMPLETED",
};

pub(in super::super) const SNS_FAILING: Description = Description {
    name: "sns-failing",
    family: Family::Aws,
    default_share: 0.5,
    placements: &[Placement::Before, Placement::After],
    operations: TOPICS,
    prevents_calls: false,
    does: "before: answers 500 and sends nothing, and an alarm's own notice is lost; after: it is sent and the answer is lost",
    cause: "a region in trouble",
    heals: "the pending mail is sent by a later turn; at worst twice",
};

pub(in super::super) const UNSUBSCRIBED: Description = Description {
    name: "unsubscribed",
    family: Family::Aws,
    default_share: 1.0,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "takes every e-mail address off the alerts topic, asked once a minute; when it does not, they are back",
    cause: "a link scanner that follows the link to unsubscribe in each mail, a reader who does",
    heals: "a human, whom the alarm NobodyListens tells on the second channel",
};

pub(in super::super) const MAPPING_DISABLED: Description = Description {
    name: "mapping-disabled",
    family: Family::Aws,
    default_share: 1.0,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "disables the consumer's event source mapping, asked once a minute: nothing is received; when it does not, it is enabled",
    cause: "somebody who stopped payments for a while, a script that disables every trigger before a deployment",
    heals: "a human who enables it, told that no function takes what waits",
};

pub(in super::super) const MESSAGE_PURGED: Description = Description {
    name: "message-purged",
    family: Family::Aws,
    default_share: 0.1,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "takes a payment's message out of its queue for good, as the consumer hands it back",
    cause: "somebody who purges a queue, or deletes in the console what looks stuck",
    heals: "a human who has the stored request sent once more, told that no queue holds a message",
};

pub(in super::super) const SQS_FAILING: Description = Description {
    name: "sqs-failing",
    family: Family::Aws,
    default_share: 0.2,
    placements: &[Placement::Before, Placement::After],
    operations: QUEUES,
    prevents_calls: false,
    does: "before: a function's call answers 500 and nothing is done; after: it is done and the answer is lost",
    cause: "a region in trouble",
    heals: "the SDK tries again; what still fails is done by a later delivery or turn, at worst twice",
};

pub(in super::super) const SECRETS_FAILING: Description = Description {
    name: "secrets-failing",
    family: Family::Aws,
    default_share: 0.5,
    placements: &[Placement::Before],
    operations: &[],
    prevents_calls: false,
    does: "answers 500 instead of the secret that holds the Stripe key",
    cause: "a region in trouble",
    heals: "the secret is asked for again, at most once a minute; until then payments go back",
};

pub(in super::super) const CLOUDWATCH_FAILING: Description = Description {
    name: "cloudwatch-failing",
    family: Family::Aws,
    default_share: 0.5,
    placements: &[Placement::Before],
    operations: ALARMS,
    prevents_calls: false,
    does: "answers 500 instead of how the alarms stand",
    cause: "a region in trouble",
    heals: "the responder looks again an hour later",
};

pub(in super::super) const BUS_FAILING: Description = Description {
    name: "bus-failing",
    family: Family::Aws,
    default_share: 0.5,
    placements: &[Placement::Before, Placement::After],
    operations: &[],
    prevents_calls: false,
    does: "fails what the pipe puts on the bus of outcomes; before: nothing is told; after: it is told, and the pipe does not hear so",
    cause: "a region in trouble, or a quota of events",
    heals: "the pipe tries again, shard by shard, in order; what was told already is told twice",
};

pub(in super::super) const INDEX_BEHIND: Description = Description {
    name: "index-behind",
    family: Family::Aws,
    default_share: 0.5,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "answers a query of an index as it stood up to a minute ago",
    cause: "an index is written after its table, usually within a second; a throttled one falls behind",
    heals: "nothing needs to: what is acted upon is read from the table first",
};

pub(in super::super) const COUNTS_BEHIND: Description = Description {
    name: "counts-behind",
    family: Family::Aws,
    default_share: 0.5,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "answers the counts of a queue as they were at the last full minute",
    cause: "the counts are approximate: they settle about a minute after the queue comes to rest",
    heals: "looking again",
};

pub(in super::super) const SHORT_RECEIVE: Description = Description {
    name: "short-receive",
    family: Family::Aws,
    default_share: 0.3,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "hands out fewer messages than are there and were asked for, but one at least",
    cause: "a receive asks some of the servers that hold a queue, not all",
    heals: "the next receive",
};
