//! The rows of the table of faults, a file for each family.
//!
//! Invariant: `Kind::describe` names every row, so the compiler misses none.

pub(super) mod aws;
pub(super) mod edge;
pub(super) mod events;
pub(super) mod input;
pub(super) mod lambda;
pub(super) mod process;
pub(super) mod stripe;

/// Operations that a run comes to by an audit alone, or not at all: a fault drawn for one of them alone would hardly ever
/// fire.
pub(super) const SELDOM_REACHED: [&str; 9] = [
    "list",
    "search",
    "BatchGetItem",
    "DeleteMessage",
    "StartMessageMoveTask",
    "CancelMessageMoveTask",
    "ListSubscriptionsByTopic",
    "DescribeAlarms",
    "ListAlarmMuteRules",
];
