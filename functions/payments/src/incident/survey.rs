//! What waits: money and causes, and how a message in quarantine is named. For people; nothing is decided by it.
//!
//! Invariant: a sum that may be too small says so.

use crate::cause::Cause;
use crate::limits::{FUNCTION_TIMEOUT_S, QUARANTINE_SAMPLES_MAX};
use crate::money::{AmountMinor, Currency};
use crate::payment::PaymentId;
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An unsettled payment, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    /// Which.
    pub payment_id: PaymentId,
    /// How much, in minor units.
    pub amount: AmountMinor,
    /// Of what.
    pub currency: Currency,
    /// First delivery.
    pub received_at: UnixMs,
    /// When its message was sent; retention counts from here.
    pub enqueued_at: UnixMs,
    /// Why its last delivery handed it back.
    pub last_error: Option<Cause>,
    /// What that one met, where it would be held against the payment.
    #[serde(default)]
    pub refused: Option<String>,
    /// When the deliveries began that have not said how they ended.
    #[serde(default)]
    pub open: BTreeSet<UnixMs>,
}

impl Unsettled {
    /// What its last delivery met that would be held against it, if that is what keeps it.
    #[must_use]
    pub fn met(&self) -> Option<&str> {
        let is_refused = matches!(self.last_error, Some(Cause::Refused | Cause::RefusedInARow));
        self.refused.as_deref().filter(|_| is_refused)
    }

    /// When the deliveries began that must have died without a word.
    pub fn deaths(&self, now: UnixMs) -> impl Iterator<Item = UnixMs> {
        let longest_ms = i64::from(FUNCTION_TIMEOUT_S) * 1_000;
        let panicked = self.last_error == Some(Cause::Panicked);
        self.open.iter().copied().filter(move |at| panicked || now.since_ms(*at) > longest_ms)
    }
}

/// The payments that wait, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// How many.
    pub payments: u64,
    /// How much of each currency, minor units.
    pub money: BTreeMap<Currency, i64>,
    /// How many wait for which cause; those that nobody gave one are missing.
    pub causes: BTreeMap<Cause, u64>,
    /// The one that has waited longest.
    pub oldest: Option<Unsettled>,
    /// Whether more payments wait than were added up.
    pub reach: Reach,
}

/// Whether a survey saw everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It did.
    #[default]
    All,
    /// Some rows were not read, or could not be.
    Part,
}

impl Survey {
    /// Adds up `rows`, oldest first.
    #[must_use]
    pub fn of(rows: &[Unsettled], reach: Reach) -> Self {
        let mut survey = Self { oldest: rows.first().cloned(), reach, ..Self::default() };
        for row in rows {
            survey.payments += 1;
            let sum = survey.money.entry(row.currency).or_default();
            *sum = sum.saturating_add(row.amount.get());
            if let Some(cause) = row.last_error {
                *survey.causes.entry(cause).or_default() += 1;
            }
        }
        survey
    }

    /// The cause most payments wait for; nothing when most have none, because they died without a word. A spared call only
    /// repeats what an earlier call met, so it comes last.
    #[must_use]
    pub fn main_cause(&self) -> Option<Cause> {
        let said = self.causes.values().sum::<u64>();
        if said.saturating_mul(2) < self.payments {
            return None;
        }
        let weight = |(cause, count): &(&Cause, &u64)| (**cause != Cause::BreakerOpen, **count);
        self.causes.iter().max_by_key(weight).map(|(cause, _)| *cause)
    }
}

/// A message in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quarantined {
    /// Its payment, when its body has one.
    pub payment_id: Option<PaymentId>,
    /// Why it is there, for example `refused`.
    pub reason: String,
    /// What else is known, for example Stripe's code.
    pub detail: Option<String>,
}

/// A few of `messages`, of each cause at least one as far as there is room, in an order that does not depend on SQS.
pub(super) fn samples(mut messages: Vec<Quarantined>) -> Vec<Quarantined> {
    messages.sort();
    let mut causes = BTreeSet::new();
    let (mut samples, others): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|message| causes.insert(message.cause()));
    samples.extend(others);
    samples.truncate(QUARANTINE_SAMPLES_MAX);
    samples.sort();
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, currency: &str, amount: i64, cause: Option<Cause>) -> Unsettled {
        Unsettled {
            payment_id: PaymentId::new(id).unwrap(),
            amount: AmountMinor::new(amount).unwrap(),
            currency: Currency::new(currency).unwrap(),
            received_at: UnixMs(1),
            enqueued_at: UnixMs(0),
            last_error: cause,
            refused: None,
            open: BTreeSet::new(),
        }
    }

    #[test]
    fn money_is_added_up_by_currency_and_a_sum_never_wraps() {
        let rows = [row("a", "eur", 100, None), row("b", "jpy", 7, None), row("c", "eur", i64::MAX, None)];
        let survey = Survey::of(&rows, Reach::All);
        let sums: Vec<(&str, i64)> =
            survey.money.iter().map(|(currency, sum)| (currency.as_str(), *sum)).collect();
        assert_eq!(sums, [("eur", i64::MAX), ("jpy", 7)]);
        assert_eq!((survey.payments, survey.oldest.unwrap().payment_id.as_str()), (3, "a"));
    }

    #[test]
    fn of_many_messages_each_cause_is_among_the_samples() {
        let message = |id: usize, reason: &str| Quarantined {
            payment_id: PaymentId::new(&format!("order-{id:03}")),
            reason: reason.to_owned(),
            detail: None,
        };
        let mut messages: Vec<Quarantined> = (0..100).map(|id| message(id, "malformed")).collect();
        messages.push(message(999, "poison"));
        let samples = samples(messages);
        let ids: Vec<&str> =
            samples.iter().filter_map(|sample| sample.payment_id.as_ref()).map(PaymentId::as_str).collect();
        assert_eq!(
            (ids.len(), ids[0], ids[8], ids[9]),
            (QUARANTINE_SAMPLES_MAX, "order-000", "order-008", "order-999")
        );
    }

    #[test]
    fn the_few_that_say_why_do_not_speak_for_those_that_died_without_a_word() {
        let cause = Some(Cause::ProviderTimeout);
        let rows = [("a", cause), ("b", None), ("c", None)].map(|(id, cause)| row(id, "eur", 1, cause));
        assert_eq!(Survey::of(&rows[..2], Reach::All).main_cause(), cause);
        assert_eq!(Survey::of(&rows, Reach::All).main_cause(), None);
    }

    #[test]
    fn a_spared_call_is_named_only_when_nothing_else_is() {
        let spared = Some(Cause::BreakerOpen);
        let mixed = [
            row("a", "eur", 1, spared),
            row("b", "eur", 1, spared),
            row("c", "eur", 1, Some(Cause::ProviderTimeout)),
        ];
        assert_eq!(Survey::of(&mixed, Reach::All).main_cause(), Some(Cause::ProviderTimeout));
        assert_eq!(Survey::of(&mixed[..2], Reach::All).main_cause(), spared);
    }
}
