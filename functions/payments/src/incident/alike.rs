//! Trouble that several payments share: then it is ours, and none of them is to blame.
//!
//! The consumer holds such payments back and notes on each row what it met; here the rows are read side by side.
//! Invariant: one payment alone, or one crash that took a batch along, is no trouble of ours.

use super::recovery::Escalation;
use super::survey::Unsettled;
use crate::cause::Cause;
use crate::limits::{ALIKE_MIN, BATCH_SPREAD_MS};
use crate::payment::PaymentId;
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What several payments met alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alike {
    /// Of which kind.
    pub trouble: Trouble,
    /// In the words of whoever said so: for a refusal the operation and the code.
    pub what: String,
    /// How many were seen to have met it. There may be more.
    pub payments: u64,
    /// Some of them, by what their producer calls them.
    #[serde(default)]
    pub samples: Vec<PaymentId>,
}

/// Kinds of trouble that are ours when several share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The provider refuses them alike.
    Refused,
    /// The provider does not know their intents.
    IntentMissing,
    /// Work on them dies.
    Dying,
    /// They cannot be read as payments.
    Unreadable,
    /// The provider refuses our key or our account.
    Credentials,
}

impl Alike {
    /// What most of `rows` share, if it is enough of them. `beat` is when a payment last came through: whoever died before
    /// that died of something of its own.
    #[must_use]
    pub fn among(rows: &[Unsettled], beat: Option<UnixMs>, now: UnixMs) -> Option<Self> {
        let mut met: BTreeMap<(Trouble, &str), u64> = BTreeMap::new();
        for row in rows {
            if let Some(what) = row.met() {
                *met.entry((Trouble::Refused, what)).or_default() += 1;
            } else if row.last_error == Some(Cause::IntentMissing) {
                *met.entry((Trouble::IntentMissing, "resource_missing (intent)")).or_default() += 1;
            } else if row.last_error.is_some_and(Cause::is_refusal_of_credentials) {
                *met.entry((Trouble::Credentials, "our key or account")).or_default() += 1;
            }
        }
        let dying = crashes(rows, beat, now);
        met.extend((dying > 0).then_some(((Trouble::Dying, "no answer of our own"), dying)));
        Self::most(met)
    }

    /// What most messages share of those that cannot be read, by what is wrong with each, and the id that can be read in it
    /// all the same.
    #[must_use]
    pub fn among_unreadable(problems: &[(String, Option<PaymentId>)]) -> Option<Self> {
        let mut met: BTreeMap<(Trouble, &str), u64> = BTreeMap::new();
        for (problem, _) in problems {
            *met.entry((Trouble::Unreadable, problem)).or_default() += 1;
        }
        let most = Self::most(met)?;
        let ids =
            problems.iter().filter(|(problem, _)| *problem == most.what).filter_map(|(_, id)| id.clone());
        let mut samples: Vec<PaymentId> = ids.collect();
        samples.sort();
        samples.truncate(ALIKE_MIN);
        Some(Self { samples, ..most })
    }

    fn most(met: BTreeMap<(Trouble, &str), u64>) -> Option<Self> {
        let ((trouble, what), payments) = met.into_iter().max_by_key(|(_, payments)| *payments)?;
        let is_enough = usize::try_from(payments).unwrap_or(usize::MAX) >= ALIKE_MIN;
        is_enough.then(|| Self { trouble, what: what.to_owned(), payments, samples: Vec::new() })
    }

    /// What a human is told for it.
    #[must_use]
    pub const fn escalation(&self) -> Escalation {
        match self.trouble {
            Trouble::Refused => Escalation::RefusedInARow,
            Trouble::IntentMissing => Escalation::IntentsMissing,
            Trouble::Dying => Escalation::ConsumerDies,
            Trouble::Unreadable => Escalation::Unreadable,
            Trouble::Credentials => Escalation::CredentialsRefused,
        }
    }

    /// Messages in hand of which no row tells: the consumer dies, or cannot write, before it records anything. To be
    /// believed only where no payment has come through for as long as a delivery may take.
    #[must_use]
    pub fn unrecorded(in_flight: u64, rows: u64) -> Option<Self> {
        let payments = in_flight.saturating_sub(rows);
        let is_enough = payments > rows && payments >= ALIKE_MIN as u64;
        let what = "nothing of them is in the ledger".to_owned();
        is_enough.then(|| Self { trouble: Trouble::Dying, what, payments, samples: Vec::new() })
    }
}

/// Payments whose last delivery died, no two of them in the same moment: a crash takes a whole batch along, of which at
/// most one is to blame.
fn crashes(rows: &[Unsettled], beat: Option<UnixMs>, now: UnixMs) -> u64 {
    let last = rows.iter().filter_map(|row| row.deaths(now).filter(|at| Some(*at) > beat).max());
    let last: BTreeSet<UnixMs> = last.collect();
    let mut crashes = 0;
    let mut before: Option<UnixMs> = None;
    for at in last {
        if before.is_none_or(|before| at.since_ms(before) > BATCH_SPREAD_MS) {
            crashes += 1;
            before = Some(at);
        }
    }
    crashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{AmountMinor, Currency};

    const NOW: UnixMs = UnixMs(1_767_603_600_000);

    fn row(n: i64, last_error: Cause) -> Unsettled {
        Unsettled {
            payment_id: PaymentId::new(&format!("order-{n}")).expect("has the form"),
            amount: AmountMinor::new(1).expect("positive"),
            currency: Currency::new("eur").expect("has the form"),
            received_at: NOW,
            enqueued_at: NOW,
            last_error: Some(last_error),
            refused: None,
            open: BTreeSet::new(),
        }
    }

    fn refused(n: i64, what: &str) -> Unsettled {
        Unsettled { refused: Some(what.to_owned()), ..row(n, Cause::Refused) }
    }

    fn died(n: i64, ago_s: i64) -> Unsettled {
        Unsettled { open: BTreeSet::from([NOW.plus_ms(-ago_s * 1_000)]), ..row(n, Cause::ProviderError) }
    }

    #[test]
    fn three_that_met_the_same_are_told_with_what_they_met() {
        let rows = [refused(1, "create: a"), refused(2, "create: b"), refused(3, "create: a")];
        assert_eq!(Alike::among(&rows, None, NOW), None);
        let rows = [rows.as_slice(), &[refused(4, "create: a")]].concat();
        let alike = Alike::among(&rows, None, NOW).expect("three");
        assert_eq!((alike.what.as_str(), alike.payments), ("create: a", 3));
        assert_eq!(alike.escalation(), Escalation::RefusedInARow);
    }

    #[test]
    fn what_an_outage_made_of_a_refusal_is_none() {
        let waits = |n| Unsettled { last_error: Some(Cause::ProviderError), ..refused(n, "create: a") };
        assert_eq!(Alike::among(&[1, 2, 3].map(waits), None, NOW), None);
    }

    #[test]
    fn a_refused_account_is_told_though_the_oldest_met_something_else() {
        let rows =
            [Cause::ProviderError, Cause::AccountRefused, Cause::AccountRefused, Cause::CredentialsRefused];
        let rows: Vec<Unsettled> = (1..).zip(rows).map(|(n, cause)| row(n, cause)).collect();
        assert_eq!(Alike::among(&rows[..3], None, NOW), None);
        let alike = Alike::among(&rows, None, NOW).expect("three");
        assert_eq!(alike.escalation(), Escalation::CredentialsRefused);
    }

    #[test]
    fn messages_in_hand_without_rows_are_trouble_when_they_are_most() {
        assert_eq!(Alike::unrecorded(2, 0), None);
        assert_eq!(Alike::unrecorded(10, 5), None, "half of them are recorded");
        assert_eq!(
            Alike::unrecorded(84, 9).map(|alike| (alike.trouble, alike.payments)),
            Some((Trouble::Dying, 75))
        );
    }

    #[test]
    fn intents_that_nobody_knows_are_told() {
        let rows = [1, 2, 3].map(|n| row(n, Cause::IntentMissing));
        assert_eq!(Alike::among(&rows, None, NOW).map(|alike| alike.trouble), Some(Trouble::IntentMissing));
    }

    #[test]
    fn three_crashes_are_told_and_one_with_a_whole_batch_is_not() {
        let batch: Vec<Unsettled> = (0..10).map(|n| died(n, 100)).collect();
        assert_eq!(Alike::among(&batch, None, NOW), None);
        let under_way = [died(1, 5), died(2, 10), died(3, 15)];
        assert_eq!(Alike::among(&under_way, None, NOW), None);
        let crashes = [died(1, 100), died(2, 200), died(3, 300)];
        assert_eq!(Alike::among(&crashes, None, NOW).map(|alike| alike.trouble), Some(Trouble::Dying));
        let among = |ago_s: i64| Alike::among(&crashes, Some(NOW.plus_ms(-ago_s * 1_000)), NOW);
        assert_eq!(among(50), None, "others have come through since");
        assert_eq!(among(150), None, "only one died since");
        assert!(among(400).is_some());
        let panics = [1, 2, 3].map(|n| Unsettled { last_error: Some(Cause::Panicked), ..died(n, 5 * n) });
        assert_eq!(Alike::among(&panics, None, NOW).map(|alike| alike.trouble), Some(Trouble::Dying));
    }

    #[test]
    fn messages_that_cannot_be_read_are_told_by_what_is_wrong_with_most() {
        let problems = ["a", "b", "a", "a"].map(|problem| (problem.to_owned(), PaymentId::new("order-1")));
        let alike = Alike::among_unreadable(&problems).expect("three");
        assert_eq!((alike.trouble, alike.what.as_str()), (Trouble::Unreadable, "a"));
        assert_eq!(alike.samples.len(), 3);
    }
}
