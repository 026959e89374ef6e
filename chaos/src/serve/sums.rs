//! A book in few words: what was charged, in sum, and what was charged twice.
//!
//! A payment is what its maker calls one, in `metadata[payment_id]`; without that nobody can say that two intents are the
//! same payment.
//! Invariant: every movement counts in one total.

use crate::stripe::{Book, Movement};
use crate::units::{count, counted, instant};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The sums of a book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    movements: Vec<Movement>,
}

impl Sums {
    /// Those of this book, as it is now.
    #[must_use]
    pub fn of(book: &Book) -> Self {
        Self { movements: book.movements().to_vec() }
    }

    /// Charges and minor units of each currency.
    fn totals(&self) -> BTreeMap<&str, (u64, i128)> {
        let mut totals: BTreeMap<&str, (u64, i128)> = BTreeMap::new();
        for movement in &self.movements {
            let (charges, minor) = totals.entry(movement.currency.as_str()).or_default();
            (*charges, *minor) = (*charges + 1, *minor + i128::from(movement.amount_minor));
        }
        totals
    }

    /// Payments with more than one charge, and how many each has.
    fn charged_twice(&self) -> BTreeMap<&str, u64> {
        let mut charges: BTreeMap<&str, u64> = BTreeMap::new();
        for payment in self.movements.iter().filter_map(|movement| movement.payment.as_deref()) {
            *charges.entry(payment).or_default() += 1;
        }
        charges.into_iter().filter(|(_, charges)| *charges > 1).collect()
    }

    /// Charges and minor units of each currency, for a program.
    pub(crate) fn totals_json(&self) -> Value {
        let total = |(currency, (charges, minor)): (&str, (u64, i128))| {
            // A book whose sum leaves 64 bits has been charged more money than there is.
            let amount = i64::try_from(minor).unwrap_or(i64::MAX);
            (currency.to_owned(), json!({ "charges": charges, "amount": amount }))
        };
        Value::Object(self.totals().into_iter().map(total).collect())
    }

    /// The whole book for a program.
    pub(super) fn to_json(&self) -> Value {
        let movement = |movement: &Movement| {
            json!({
                "at": instant(movement.at),
                "payment": movement.payment,
                "intent": movement.intent,
                "charge": movement.charge,
                "amount": movement.amount_minor,
                "currency": movement.currency,
            })
        };
        json!({
            "movements": self.movements.iter().map(movement).collect::<Vec<_>>(),
            "totals": self.totals_json(),
            "charged_twice": self.charged_twice(),
        })
    }

    /// The sums for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("The book: {}\n", counted(self.movements.len() as u64, "charge"));
        for (currency, (charges, minor)) in self.totals() {
            let minor = count(u64::try_from(minor).unwrap_or(u64::MAX));
            let _ = writeln!(out, "  {currency}  {}, {minor} minor units", counted(charges, "charge"));
        }
        let twice = self.charged_twice();
        if twice.is_empty() {
            out.push_str("  no payment (metadata[payment_id]) was charged twice\n");
        }
        for (payment, charges) in twice {
            let _ = writeln!(out, "  {payment} was charged {charges} times");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::UnixMs;

    fn sums(charges: &[(Option<&str>, i64, &str)]) -> Sums {
        let movement = |(payment, amount_minor, currency): &(Option<&str>, i64, &str)| Movement {
            at: UnixMs(0),
            intent: "pi_1".to_owned(),
            charge: "ch_1".to_owned(),
            payment: payment.map(str::to_owned),
            amount_minor: *amount_minor,
            currency: (*currency).to_owned(),
        };
        Sums { movements: charges.iter().map(movement).collect() }
    }

    #[test]
    fn every_currency_has_its_total_and_a_payment_charged_twice_is_named() {
        let sums = sums(&[
            (Some("order-1"), 1_999, "eur"),
            (Some("order-2"), 500, "jpy"),
            (Some("order-1"), 1_999, "eur"),
            (None, 1, "eur"),
            (None, 1, "eur"),
        ]);
        insta::assert_snapshot!(sums.text(), @r"
        The book: 5 charges
          eur  4 charges, 4,000 minor units
          jpy  1 charge, 500 minor units
          order-1 was charged 2 times
        ");
        assert_eq!(sums.to_json()["charged_twice"], json!({ "order-1": 2 }));
        assert_eq!(sums.to_json()["totals"]["eur"], json!({ "charges": 4, "amount": 4_000 }));
    }

    #[test]
    fn an_empty_book_says_so() {
        insta::assert_snapshot!(sums(&[]).text(), @r"
        The book: 0 charges
          no payment (metadata[payment_id]) was charged twice
        ");
    }
}
