//! What a pipe does with what it follows.
//!
//! Invariant: an event is in here as often as the bus was given it, whether or not the pipe heard so.

use serde::Serialize;
use serde_json::Value;

/// What can happen to a change that somebody is to be told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum PipeEvent {
    /// An event was put on a bus.
    #[serde(rename = "outcome-told")]
    Told {
        /// The bus's name.
        bus: String,
        /// `id` that the bus gave it: another each time.
        id: String,
        /// `source`.
        source: String,
        /// `detail-type`.
        detail_type: String,
        /// `detail`.
        detail: Value,
    },
    /// A change was given up.
    #[serde(rename = "outcome-given-up")]
    GivenUp {
        /// The pipe's name.
        pipe: String,
        /// The item's key.
        payment: String,
        /// The queue that now holds where it is in the stream.
        #[serde(skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
    },
}
