//! Amounts as people write them, and sums of them.
//!
//! Invariant: without exchange rates nothing is added across currencies.

pub(super) use payments::money::{grouped, written as amount};

use payments::money::Currency;
use std::collections::BTreeMap;

/// Sums of several currencies. Without exchange rates none of them is the largest, so the alphabet decides.
pub(crate) fn sums(money: &BTreeMap<Currency, i64>) -> Vec<String> {
    money.iter().map(|(currency, sum)| amount(*currency, *sum)).collect()
}
