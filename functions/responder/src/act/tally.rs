//! What an order to release many came to.
//!
//! Invariant: whatever was selected and tried is counted once, released or not; only names are bounded.

use super::release::Outcome;
use crate::limits::RELEASE_NAMED_MAX;
use crate::mail::sums;
use payments::incident::Rehearsal;
use payments::money::Currency;
use payments::{Payment, PaymentId};
use std::collections::BTreeMap;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) released: u64,
    pub(crate) money: BTreeMap<Currency, i64>,
    pub(crate) payment_ids: Vec<PaymentId>,
    pub(crate) not_released: u64,
    /// How many were not, for which reason.
    pub(crate) why_not: BTreeMap<String, u64>,
    /// Those that were not, as far as they are named.
    pub(crate) left: Vec<(Option<PaymentId>, String)>,
    /// Copies that may still be in quarantine.
    pub(crate) copies_left: usize,
    pub(crate) end: End,
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// All that were selected were tried.
    #[default]
    All,
    /// Time was up.
    OutOfTime,
    /// This was in the way.
    Stopped(String),
}

impl Tally {
    pub(crate) fn add(&mut self, id: Option<&PaymentId>, payment: Option<&Payment>, outcome: &Outcome) {
        if !outcome.is_release() {
            let why = outcome.to_string();
            self.not_released += 1;
            *self.why_not.entry(why.clone()).or_default() += 1;
            if self.left.len() < RELEASE_NAMED_MAX {
                self.left.push((id.cloned(), why));
            }
            return;
        }
        self.released += 1;
        if let Some(payment) = payment {
            let sum = self.money.entry(payment.currency).or_default();
            *sum = sum.saturating_add(payment.amount.get());
        }
        if self.payment_ids.len() < RELEASE_NAMED_MAX {
            self.payment_ids.extend(id.cloned());
        }
    }

    /// For whoever gave the order.
    pub(crate) fn in_words(&self, rehearsal: Rehearsal) -> String {
        let payments = if self.released == 1 { "payment" } else { "payments" };
        let money = match sums(&self.money).join(", ") {
            none if none.is_empty() => none,
            sums => format!(" ({sums})"),
        };
        let mut text = match rehearsal {
            Rehearsal::Meant => format!("released {} {payments}{money}", self.released),
            Rehearsal::DryRun => {
                format!("would release {} {payments}{money}; nothing was changed", self.released)
            }
        };
        if self.not_released > 0 {
            text.push_str(&format!("; not {}, see why_not", self.not_released));
        }
        if self.copies_left > 0 {
            let copies = if self.copies_left == 1 { "copy was" } else { "copies were" };
            text.push_str(&format!("; {} {copies} not found, look into the quarantine", self.copies_left));
        }
        match (&self.end, rehearsal) {
            (End::All, _) => {}
            (End::OutOfTime, Rehearsal::Meant) => text.push_str("; more remain: give the command again"),
            (End::OutOfTime, Rehearsal::DryRun) => text.push_str("; more remain that time did not reach"),
            (End::Stopped(why), _) => text.push_str(&format!("; stopped, give the command again: {why}")),
        }
        text
    }
}
