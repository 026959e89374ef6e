//! What the consumer cannot do, by types: confirm an intent that it did not read back from the ledger. Beside each program
//! that must not compile stands one that must, so that none fails for another reason.
//!
//! An intent that was only just created has an id:
//! ```
//! use payments::provider::{Intent, IntentId};
//! fn id(created: Intent) -> IntentId {
//!     created.id
//! }
//! ```
//! It is no recorded one:
//! ```compile_fail,E0423
//! use payments::{ledger::RecordedIntent, provider::Intent};
//! fn forge(created: Intent) -> RecordedIntent {
//!     RecordedIntent(created.id)
//! }
//! ```
//! A row that was read has one:
//! ```
//! use payments::Row;
//! use payments::ledger::RecordedIntent;
//! fn read(row: &Row) -> Option<RecordedIntent> {
//!     row.recorded_intent()
//! }
//! ```
//! It cannot be given one, neither by assignment:
//! ```compile_fail,E0616
//! use payments::{Row, provider::Intent};
//! fn forge(mut row: Row, created: Intent) -> Row {
//!     row.intent_id = Some(created.id);
//!     row
//! }
//! ```
//! nor by an update of what may be updated otherwise:
//! ```compile_fail,E0451
//! use payments::{Row, ledger::State, provider::Intent};
//! fn forge(row: Row, created: Intent) -> Row {
//!     Row { state: State::Intended, intent_id: Some(created.id), ..row }
//! }
//! ```
//! ```
//! use payments::{Row, ledger::State};
//! fn touch(mut row: Row) -> Row {
//!     row.state = State::Intended;
//!     row
//! }
//! ```
//! Nor is one made of what nothing has stored:
//! ```compile_fail,E0451
//! use payments::ledger::{Row, Stored};
//! fn forge(stored: Stored) -> Stored {
//!     Stored { intent_id: None, ..stored }
//! }
//! ```
//! ```
//! use payments::ledger::{Row, Stored};
//! fn read(stored: Stored) -> Option<Row> {
//!     Row::read(stored).ok()
//! }
//! ```
