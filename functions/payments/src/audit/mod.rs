//! The audit: the provider's books against the ledger, a page of intents at a time.
//!
//! Once a day, and when a human says so, the responder lists the intents of a [`Window`] and holds each against the row
//! that its `payment_id` names. How far it has come is in a record of its own, so whoever takes the next turn goes on
//! where the last page ended, also after a crash between two pages.
//!
//! What an audit cannot see: a row that names an intent which the provider does not list at all. Rows are found through
//! intents, never the other way round.
//!
//! Invariant: an audit changes neither money nor a row; it only finds, and tells.

mod compare;
mod record;
#[cfg(test)]
mod tests;
mod window;

pub use compare::{Difference, Entry, Listed, RowSays, Sort, Standing, Verdict, compare};
pub use record::{Asked, Audit, Counts, Kind, Page, Phase, Report, Round, Story, UnderWay};
pub use window::{BadSpan, Span, Window};
