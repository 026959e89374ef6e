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

#[cfg(test)]
mod tests {
    use super::*;
    use payments::Cause;

    fn payment(number: usize, amount: i64, currency: &str) -> Payment {
        let body = format!(
            r#"{{"payment_id":"order-{number}","amount":{amount},"currency":"{currency}","payment_method":"pm_1"}}"#
        );
        Payment::parse(&body).expect("valid")
    }

    fn with(outcomes: &[(Payment, Outcome)]) -> Tally {
        let mut tally = Tally::default();
        for (payment, outcome) in outcomes {
            tally.add(Some(&payment.payment_id), Some(payment), outcome);
        }
        tally
    }

    #[test]
    fn what_was_released_is_summed_by_currency_and_the_rest_counted_by_reason() {
        let tally = with(&[
            (payment(1, 1_999, "eur"), Outcome::Sent("kept")),
            (payment(2, 501, "usd"), Outcome::SentAgain("received")),
            (payment(3, 700, "eur"), Outcome::HadSucceeded),
            (payment(4, 11, "eur"), Outcome::Settled("declined")),
            (payment(5, 13, "eur"), Outcome::Settled("declined")),
            (payment(6, 17, "eur"), Outcome::NoAnswer(Cause::ProviderError)),
        ]);
        let released: Vec<&str> = tally.payment_ids.iter().map(PaymentId::as_str).collect();
        assert_eq!(released, ["order-1", "order-2", "order-3"]);
        let left: Vec<&str> = tally.left.iter().filter_map(|(id, _)| Some(id.as_ref()?.as_str())).collect();
        assert_eq!(left, ["order-4", "order-5", "order-6"]);
        assert_eq!(tally.why_not.values().collect::<Vec<_>>(), [&1, &2]);
        assert_eq!(
            tally.in_words(Rehearsal::Meant),
            "released 3 payments (EUR 26.99, USD 5.01); not 3, see why_not"
        );
    }

    #[test]
    fn what_is_left_to_do_is_said() {
        let one = |copies_left, end| Tally {
            copies_left,
            end,
            ..with(&[(payment(1, 1_999, "eur"), Outcome::Sent("kept"))])
        };
        let began = "released 1 payment (EUR 19.99)";
        assert_eq!(one(0, End::All).in_words(Rehearsal::Meant), began);
        assert_eq!(
            one(1, End::OutOfTime).in_words(Rehearsal::Meant),
            format!(
                "{began}; 1 copy was not found, look into the quarantine; more remain: give the command again"
            )
        );
        assert_eq!(
            one(2, End::Stopped("no".to_owned())).in_words(Rehearsal::Meant),
            format!(
                "{began}; 2 copies were not found, look into the quarantine; stopped, give the command again: no"
            )
        );
        assert_eq!(
            one(0, End::OutOfTime).in_words(Rehearsal::DryRun),
            "would release 1 payment (EUR 19.99); nothing was changed; more remain that time did not reach"
        );
    }

    #[test]
    fn only_names_are_bounded() {
        let many = RELEASE_NAMED_MAX + 3;
        let released = (0..many).map(|n| (payment(n, 1, "eur"), Outcome::Sent("kept")));
        let others = (0..many).map(|n| (payment(n, 1, "eur"), Outcome::LostRace));
        let tally = with(&released.chain(others).collect::<Vec<_>>());
        assert_eq!((tally.payment_ids.len(), tally.left.len()), (RELEASE_NAMED_MAX, RELEASE_NAMED_MAX));
        assert_eq!((tally.released, tally.not_released), (many as u64, many as u64));
    }
}
