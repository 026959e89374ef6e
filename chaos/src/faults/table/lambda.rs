//! What Lambda does to containers.
//!
//! Invariant: one row a kind, and nothing about a kind is said elsewhere.

use super::super::families::{Family, Placement};
use super::super::kinds::Description;

/// The two functions of the stack.
pub(super) const FUNCTIONS: &[&str] = &["consumer", "responder"];

pub(in super::super) const CRASH: Description = Description {
    name: "crash",
    family: Family::Lambda,
    default_share: 0.05,
    placements: &[],
    operations: FUNCTIONS,
    prevents_calls: false,
    does: "kills an invocation at one of its network hops, before or after an effect",
    cause: "a host that dies, a runtime that aborts",
    heals: "the message becomes visible again and the next delivery resumes",
};

pub(in super::super) const PANIC: Description = Description {
    name: "panic",
    family: Family::Lambda,
    default_share: 0.05,
    placements: &[Placement::Before, Placement::After],
    operations: &["create", "confirm", "retrieve", "cancel"],
    prevents_calls: false,
    does: "lets the work on a record panic at a call to Stripe; before: nothing is sent, after: the answer is there",
    cause: "a deployment with a bug, an answer of a form nobody thought of",
    heals: "the message becomes visible again; the container and the others of its batch live on",
};

pub(in super::super) const FUNCTION_TIMEOUT: Description = Description {
    name: "function-timeout",
    family: Family::Lambda,
    default_share: 0.02,
    placements: &[],
    operations: FUNCTIONS,
    prevents_calls: false,
    does: "stops an invocation at one of its network hops until Lambda's own timeout kills it",
    cause: "a blocked thread, an endless loop, a dependency without a deadline",
    heals: "the message becomes visible again and the next delivery resumes",
};

pub(in super::super) const OUT_OF_MEMORY: Description = Description {
    name: "out-of-memory",
    family: Family::Lambda,
    default_share: 0.02,
    placements: &[],
    operations: FUNCTIONS,
    prevents_calls: false,
    does: "kills a container between two invocations or in the first call of one, and the next start is cold",
    cause: "a batch that was too large for the configured memory",
    heals: "the message becomes visible again; a new container starts",
};

pub(in super::super) const SLOW_START: Description = Description {
    name: "slow-start",
    family: Family::Lambda,
    default_share: 0.2,
    placements: &[],
    operations: FUNCTIONS,
    prevents_calls: false,
    does: "lets a new container take 3 to 9 s before its init begins",
    cause: "a package pulled for the first time, a zone short of capacity",
    heals: "the container is warm from then on",
};

pub(in super::super) const FUNCTION_THROTTLED: Description = Description {
    name: "function-throttled",
    family: Family::Lambda,
    default_share: 0.3,
    placements: &[],
    operations: FUNCTIONS,
    prevents_calls: false,
    does: "refuses an invocation: the account's concurrency is used up; an event is tried again, a batch until its visibility ends",
    cause: "another function of the account that takes all of it",
    heals: "Lambda tries again; a batch that it gives up has cost each of its messages a receive",
};

/// Lambda's pollers fetch more than they have concurrency for.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
pub(in super::super) const PREFETCHED: Description = Description {
    name: "prefetched",
    family: Family::Lambda,
    default_share: 0.2,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "lets a batch wait 1 to 180 s between its receive and the consumer, while its visibility runs",
    cause: "pollers that fetch more than there is concurrency for",
    heals: "the batch is handed over, with less of its visibility left",
};
