//! Acting: what changes queues and rows, because a decision or a human says so.
//!
//! Invariant: nothing here decides that it is time to; whoever calls has saved the record that says so, or has an order.

mod aside;
mod release;
mod releases;
mod sort;
mod tally;

use crate::provider::Provider;
use crate::queues;
use host::Clock;
use ledger::Ledger;
use std::sync::Arc;

/// What is acted on.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) ledger: Ledger,
    pub(crate) queues: queues::Writer,
    pub(crate) provider: Arc<Provider>,
    pub(crate) releases_per_s: u32,
    pub(crate) clock: Clock,
}
