//! What a message in quarantine carries, so that a human knows why it is there.
//!
//! Invariant: these names are a format that outlives deployments: messages stay in quarantine for two weeks.

/// Attribute that says why, for example `refused`.
pub const REASON: &str = "quarantine_reason";

/// Attribute with what else is known, for example Stripe's code. Absent when nothing is.
pub const DETAIL: &str = "quarantine_detail";

/// Attribute with the id of the message that this is a copy of.
pub const ORIGINAL: &str = "original_message_id";

/// Attribute that holds the original's attributes as JSON when there is no room for them beside ours.
pub const ATTRIBUTES: &str = "original_attributes";

/// Attributes of ours that a copy may carry beside the original's.
pub const OURS: usize = 3;

/// Message attributes that SQS accepts.
pub const ATTRIBUTES_MAX: usize = 10;

/// Reason of a dead letter that has no ledger row and came back after every redrive.
pub const NO_LEDGER_ROW: &str = "no_ledger_row";

/// Reason of a dead letter whose payment settles with no delivery: its row is unsettled, and it may have been charged.
pub const STUCK: &str = "stuck";

const _: () = assert!(OURS < ATTRIBUTES_MAX);
