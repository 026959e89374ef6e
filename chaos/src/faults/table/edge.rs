//! Faults of the edge and of what stands behind it.

use super::super::families::{Family, Placement};
use super::super::kinds::Description;

pub(in super::super) const STATUS_UNAVAILABLE: Description = Description {
    name: "status-unavailable",
    family: Family::Edge,
    default_share: 1.0,
    placements: &[Placement::Before],
    operations: &[],
    prevents_calls: false,
    does: "closes the connection that CloudFront asks the status function on",
    cause: "Lambda in trouble, or its URL gone with a deployment",
    heals: "CloudFront asks again when an error was kept for its second",
};

pub(in super::super) const STATUS_HANGING: Description = Description {
    name: "status-hanging",
    family: Family::Edge,
    default_share: 1.0,
    placements: &[Placement::After, Placement::Before],
    operations: &[],
    prevents_calls: false,
    does: "leaves CloudFront waiting for the status function until it gives up; before: for a connection; after: for an answer",
    cause: "a network that drops packets, or a service that accepts everything and does nothing",
    heals: "as for status-unavailable",
};

pub(in super::super) const STATUS_THROTTLED: Description = Description {
    name: "status-throttled",
    family: Family::Edge,
    default_share: 0.5,
    placements: &[Placement::Before],
    operations: &[],
    prevents_calls: false,
    does: "answers 429 for the status function, which CloudFront neither keeps nor hides behind a copy",
    cause: "another function of the account has used up its concurrency",
    heals: "whoever asks next may be luckier",
};

pub(in super::super) const COPIES_EVICTED: Description = Description {
    name: "copies-evicted",
    family: Family::Edge,
    default_share: 0.1,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "empties every cache of what is just asked for",
    cause: "a cache makes room for what is asked for more often",
    heals: "the status function is asked",
};

pub(in super::super) const GATEWAY_FAILING: Description = Description {
    name: "gateway-failing",
    family: Family::Edge,
    default_share: 0.5,
    placements: &[Placement::Before, Placement::After],
    operations: &[],
    prevents_calls: false,
    does: "fails a hand-in; before: nothing was taken; after: it is in the queue, and CloudFront gives up on the answer",
    cause: "API Gateway in trouble, or the way to it",
    heals: "the shop hands the same payment in again, under the same id",
};

pub(in super::super) const KEYS_UNREADABLE: Description = Description {
    name: "keys-unreadable",
    family: Family::Edge,
    default_share: 1.0,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "lets the router find nothing in its KeyValueStore",
    cause: "a key taken away by mistake, or a store that no edge can read",
    heals: "links are checked again as soon as there is a key",
};
