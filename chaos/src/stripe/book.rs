//! The book: every movement of money, in order.
//!
//! It is the truth the checks hold the ledger against, so nothing the functions can reach reads it.
//! Invariant: append-only, and it refuses nothing: a second charge of one payment is recorded like the first.

use payments::UnixMs;

/// Money that moved: one charge of one intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// When it moved, in virtual time.
    pub at: UnixMs,
    /// Intent id, `pi_…`.
    pub intent: String,
    /// Charge id, `ch_…`.
    pub charge: String,
    /// `metadata[payment_id]` of the intent; absent when whoever created it gave none.
    pub payment: Option<String>,
    /// Amount in minor units.
    pub amount_minor: i64,
    /// ISO currency, lower case.
    pub currency: String,
}

/// All movements of one account, oldest first.
#[derive(Debug, Default)]
pub struct Book(Vec<Movement>);

impl Book {
    /// Everything recorded so far, oldest first.
    #[must_use]
    pub fn movements(&self) -> &[Movement] {
        &self.0
    }

    pub(super) fn record(&mut self, movement: Movement) {
        self.0.push(movement);
    }
}
