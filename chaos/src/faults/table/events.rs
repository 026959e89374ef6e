//! What happens to Stripe's own events on their way to an event bus of AWS.
//!
//! Invariant: one row a kind, and nothing about a kind is said elsewhere.

use super::super::families::Family;
use super::super::kinds::Description;

/// What is listened to.
const HEARD: &[&str] =
    &["payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"];

pub(in super::super) const EVENTS_LOST: Description = Description {
    name: "events-lost",
    family: Family::Aws,
    default_share: 0.2,
    placements: &[],
    operations: HEARD,
    prevents_calls: false,
    does: "keeps one of Stripe's own events from ever coming to the event bus",
    cause: "an event destination that was disabled, an outage that Stripe says its events may not outlive",
    heals: "nothing needs to: the payment's own message does what the event would have hastened",
};

pub(in super::super) const EVENTS_LATE: Description = Description {
    name: "events-late",
    family: Family::Aws,
    default_share: 0.2,
    placements: &[],
    operations: HEARD,
    prevents_calls: false,
    does: "puts one of Stripe's own events on the bus 1 to 45 minutes after what it tells of",
    cause: "a queue inside Stripe or EventBridge that is behind",
    heals: "nothing needs to: what it names is settled by then, or looked up as it is",
};

pub(in super::super) const EVENTS_TWICE: Description = Description {
    name: "events-twice",
    family: Family::Aws,
    default_share: 0.2,
    placements: &[],
    operations: HEARD,
    prevents_calls: false,
    does: "puts one of Stripe's own events on the bus again, up to a minute later",
    cause: "Stripe delivers at least once, and so does EventBridge",
    heals: "nothing needs to: the second finds the row settled",
};

pub(in super::super) const EVENTS_REORDERED: Description = Description {
    name: "events-reordered",
    family: Family::Aws,
    default_share: 0.3,
    placements: &[],
    operations: HEARD,
    prevents_calls: false,
    does: "holds one of Stripe's own events back for up to two minutes, so that later ones overtake it",
    cause: "Stripe promises no order",
    heals: "nothing needs to: an event says only whom to look up",
};

pub(in super::super) const EVENTS_FORGED: Description = Description {
    name: "events-forged",
    family: Family::Aws,
    default_share: 0.3,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "puts an event on the bus, within ten minutes of an intent's creation, that says it succeeded, was declined or was canceled; now and then of other money and another account, of another intent, or of a payment that nobody knows",
    cause: "whoever can write to the queue, and whoever makes intents with other people's ids in their metadata",
    heals: "nothing needs to: an event is worth one look-up",
};
