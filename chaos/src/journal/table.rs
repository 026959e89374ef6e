//! What functions write to their tables.
//!
//! Invariant: a write is in here when its condition held, whether or not its caller ever heard so.

use payments::UnixMs;
use serde::Serialize;

/// What can happen to an item of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum TableEvent {
    /// A function wrote an item of a table (after the condition held).
    LedgerWritten {
        /// Request id of the Lambda invocation that wrote.
        request: String,
        /// `payment_id` of the row.
        payment: String,
        /// Row's state after the write.
        state: String,
        /// Row's version after the write.
        version: u64,
        /// Id of the intent that the row names after the write, if it names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
    },
    /// The responder saved one of its records.
    IncidentSaved {
        /// Request id of the Lambda invocation that saved.
        request: String,
        /// `recovery`, `quarantine` or `audit`.
        record: String,
        /// The record's phase after the save.
        phase: String,
        /// Its version after the save.
        version: u64,
        /// Mails that were written and are not known to be sent.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pending: Vec<Letter>,
    },
    /// A conditional write was refused.
    LedgerRefused {
        /// Request id of the Lambda invocation that tried.
        request: String,
        /// `payment_id` of the row.
        payment: String,
    },
}

/// A mail that a record of the responder holds until it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Its number within the record.
    pub number: u64,
    /// The transition it tells of.
    pub tells: String,
    /// When the turn that is to publish it laid claim to it.
    pub claimed_at: UnixMs,
    /// How many transitions it stands for that nobody could be told of, with its own; none when it was in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<u64>,
}
