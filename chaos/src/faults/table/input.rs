//! What a producer does wrong.
//!
//! Invariant: one row a kind, and nothing about a kind is said elsewhere.

use super::super::families::Family;
use super::super::kinds::Description;

pub(in super::super) const MALFORMED: Description = Description {
    name: "malformed",
    family: Family::Input,
    default_share: 0.01,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "sends, beside a payment, a message that is no payment",
    cause: "a producer with a bug, or a second producer nobody knew of",
    heals: "the message is quarantined, the producer is mended by a human",
};

pub(in super::super) const OVERSIZED: Description = Description {
    name: "oversized",
    family: Family::Input,
    default_share: 0.01,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "sends, beside a payment, a message as large as the queue takes",
    cause: "a producer that put a whole order into a description",
    heals: "the message is quarantined whole: its copy and the reason still fit",
};

pub(in super::super) const REPEATED: Description = Description {
    name: "repeated",
    family: Family::Input,
    default_share: 0.05,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "sends a payment's message a second time, within a minute",
    cause: "a producer that retries a send whose answer it lost",
    heals: "nothing needs to: one payment_id is one payment",
};

pub(in super::super) const CONFLICTING: Description = Description {
    name: "conflicting",
    family: Family::Input,
    default_share: 0.02,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "sends a second message with the same payment_id and another amount, within a minute",
    cause: "a producer that reuses ids, or edits an order after it was sent",
    heals: "the second message is quarantined; the payment itself is untouched",
};
