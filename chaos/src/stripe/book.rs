//! The book: every movement of money, in order, and every status that an intent came to.
//!
//! It is the truth the checks hold the ledger against, so nothing the functions can reach reads it.
//! Invariant: append-only, and it refuses nothing: a second charge of one payment is recorded like the first.

use payments::UnixMs;
use std::collections::BTreeMap;

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

/// A status that an intent came to, and another than it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Since when, in virtual time.
    pub at: UnixMs,
    /// Intent id, `pi_…`.
    pub intent: String,
    /// `metadata[payment_id]` of the intent; absent when whoever created it gave none.
    pub payment: Option<String>,
    /// `status`, in Stripe's words.
    pub status: &'static str,
}

/// All movements of one account, and what its intents came to, oldest first.
#[derive(Debug, Default)]
pub struct Book {
    movements: Vec<Movement>,
    stages: Vec<Stage>,
    /// What each intent came to last.
    latest: BTreeMap<String, &'static str>,
}

impl Book {
    /// Everything recorded so far, oldest first.
    #[must_use]
    pub fn movements(&self) -> &[Movement] {
        &self.movements
    }

    /// Every status that an intent came to, oldest first.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// All movements, and every status that an intent came to, oldest first.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Movement>, Vec<Stage>) {
        (self.movements, self.stages)
    }

    pub(super) fn record(&mut self, movement: Movement) {
        self.movements.push(movement);
    }

    /// An intent stands so; nothing is noted if it did before.
    pub(super) fn stand(&mut self, stage: Stage) {
        if self.latest.insert(stage.intent.clone(), stage.status) != Some(stage.status) {
            self.stages.push(stage);
        }
    }
}
