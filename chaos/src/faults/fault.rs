//! A configured fault: what goes wrong, to whom, when and how often.
//!
//! Invariant: whether a fault is open, and how likely it then is, follows from it and the time alone.

use super::{Description, Kind, Placement, Refusal};
use crate::random::Chance;
use std::collections::BTreeSet;

/// One configured fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// Where in a call it takes effect: one of its kind's placements, `None` where the kind has none.
    pub placement: Option<Placement>,
    /// When.
    pub window: Window,
    /// To whom.
    pub scope: Scope,
    /// How often.
    pub when: When,
    /// The network hop at which whatever ends an invocation strikes, from 1; 0 is before the first; drawn when absent.
    pub hop: Option<u64>,
    /// What a Stripe that refuses says; drawn when absent, once for everybody.
    pub refusal: Option<Refusal>,
    /// How many times as long as usual a slow answer takes; without it, as long as is drawn.
    pub times: Option<u64>,
}

/// How often a fault happens while its window is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Drawn each time it could.
    Rate(Rate),
    /// The first time it could, the second, …: exactly these, counted from 1 within its window and scope, whatever other
    /// faults of its kind do.
    Nth(BTreeSet<u64>),
}

/// A chance that may change over the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rate {
    /// The same throughout.
    Steady(Chance),
    /// From the first to the second, evenly over the window.
    Ramp(Chance, Chance),
    /// One after the other, each for an equal part of the window. Never empty.
    Step(Vec<Chance>),
}

/// Whom a fault can hit; an empty list means everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// What the one who asks is about to do: `confirm`, `UpdateItem`, `consumer`; the kind's row lists them.
    pub operations: BTreeSet<String>,
    /// Ids of payments.
    pub payments: BTreeSet<String>,
}

/// What a fault could hit now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// What is about to be done: one of the operations of the kind's row; empty for a kind that has none.
    pub operation: &'a str,
    /// The payment it is for, as far as it is known.
    pub payment: Option<&'a str>,
    /// The message, invocation, intent or event it concerns; empty when the payment says enough.
    pub id: &'a str,
}

/// A stretch of the run, in ms since its start: from `from_ms` until just before `until_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First millisecond inside.
    pub from_ms: u64,
    /// First millisecond after it.
    pub until_ms: u64,
}

impl Fault {
    /// A fault of this kind in its first placement, for everybody, at one rate.
    #[must_use]
    pub fn steady(kind: Kind, chance: Chance, window: Window) -> Self {
        Self {
            kind,
            placement: kind.describe().placements.first().copied(),
            window,
            scope: Scope::default(),
            when: When::Rate(Rate::Steady(chance)),
            hop: None,
            refusal: None,
            times: None,
        }
    }

    /// The chance it has at this instant, in parts per million; 0 outside its window, and for a fault that counts
    /// instead of drawing.
    #[must_use]
    pub fn ppm_at(&self, elapsed_ms: u64) -> u32 {
        match &self.when {
            When::Rate(rate) if self.window.contains(elapsed_ms) => rate.at(self.window, elapsed_ms).ppm(),
            When::Rate(_) | When::Nth(_) => 0,
        }
    }

    /// Whether it prevents the calls to Stripe that it hits, whoever makes them: then Stripe is, to that share, down.
    #[must_use]
    pub fn prevents_calls(&self) -> bool {
        let Description { prevents_calls, operations, .. } = self.kind.describe();
        // A lock on an intent or a key in use is met by some calls alone: a probe says, rightly, that Stripe is well.
        let is_met_by_all = operations.contains(&"probe");
        let is_before = self.placement != Some(Placement::After);
        prevents_calls && is_met_by_all && is_before && self.scope == Scope::default()
    }
}

impl Rate {
    /// The chance at an instant inside the window.
    #[must_use]
    pub fn at(&self, window: Window, elapsed_ms: u64) -> Chance {
        // Below a million ms² a million each: no product here comes near 2^64, not even over fourteen days.
        let (past, length) = (elapsed_ms.saturating_sub(window.from_ms), window.length_ms().max(1));
        match self {
            Self::Steady(chance) => *chance,
            Self::Ramp(from, to) => {
                let (from, to, past, length) =
                    (i64::from(from.ppm()), i64::from(to.ppm()), signed(past), signed(length));
                Chance::from_ppm(u32::try_from(from + (to - from) * past / length).unwrap_or(0))
            }
            Self::Step(steps) => {
                let step = past.saturating_mul(steps.len() as u64) / length;
                let last = steps.len().saturating_sub(1);
                steps[usize::try_from(step).unwrap_or(last).min(last)]
            }
        }
    }

    /// Every chance that was typed, in order.
    #[must_use]
    pub fn typed(&self) -> Vec<Chance> {
        match self {
            Self::Steady(chance) => vec![*chance],
            Self::Ramp(from, to) => vec![*from, *to],
            Self::Step(steps) => steps.clone(),
        }
    }
}

impl Scope {
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        let operation = self.operations.is_empty() || self.operations.contains(subject.operation);
        let payment =
            self.payments.is_empty() || subject.payment.is_some_and(|id| self.payments.contains(id));
        operation && payment
    }
}

impl Subject<'_> {
    /// How the journal names it: the operation and whom it is for.
    pub(super) fn name(&self) -> String {
        let whom = self.payment.unwrap_or(self.id);
        [self.operation, whom].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

impl Window {
    /// From the start to the end of the run.
    pub const ALWAYS: Self = Self { from_ms: 0, until_ms: u64::MAX };

    /// Whether `at_ms` lies inside.
    #[must_use]
    pub const fn contains(&self, at_ms: u64) -> bool {
        self.from_ms <= at_ms && at_ms < self.until_ms
    }

    /// How long it is, ms.
    #[must_use]
    pub const fn length_ms(&self) -> u64 {
        self.until_ms.saturating_sub(self.from_ms)
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { from_ms: 1_000, until_ms: 2_000 };

    fn chance(share: f64) -> Chance {
        Chance::from_share(share).expect("a share")
    }

    fn shares(rate: Rate, at: &[u64]) -> Vec<u32> {
        let fault = Fault { when: When::Rate(rate), ..Fault::steady(Kind::Declined, chance(0.0), WINDOW) };
        at.iter().map(|at_ms| fault.ppm_at(*at_ms)).collect()
    }

    #[test]
    fn a_ramp_rises_evenly_and_a_falling_one_falls() {
        let at = [999, 1_000, 1_250, 1_999, 2_000];
        assert_eq!(shares(Rate::Ramp(chance(0.2), chance(1.0)), &at), [0, 200_000, 400_000, 999_200, 0]);
        assert_eq!(shares(Rate::Ramp(chance(1.0), chance(0.2)), &at), [0, 1_000_000, 800_000, 200_800, 0]);
    }

    #[test]
    fn steps_take_equal_parts_of_the_window() {
        let steps = Rate::Step(vec![chance(0.1), chance(0.9), chance(0.5)]);
        let at = [1_000, 1_333, 1_334, 1_666, 1_667, 1_999];
        assert_eq!(shares(steps, &at), [100_000, 100_000, 900_000, 900_000, 500_000, 500_000]);
    }

    #[test]
    fn a_scope_holds_for_its_operations_and_payments_alone() {
        let named = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let scope = Scope { operations: named(&["confirm"]), payments: named(&["order-1"]) };
        let subject = |operation, payment| Subject { operation, payment, id: "" };
        assert!(scope.holds(&subject("confirm", Some("order-1"))));
        assert!(!scope.holds(&subject("create", Some("order-1"))));
        assert!(!scope.holds(&subject("confirm", Some("order-2"))));
        assert!(!scope.holds(&subject("confirm", None)));
        assert!(Scope::default().holds(&subject("", None)));
    }

    #[test]
    fn only_a_fault_for_everybody_makes_stripe_down() {
        let fault = Fault::steady(Kind::StripeTimeout, Chance::ALWAYS, WINDOW);
        assert!(fault.prevents_calls());
        assert!(!Fault { placement: Some(Placement::After), ..fault.clone() }.prevents_calls());
        let scope = Scope { operations: ["create".to_owned()].into(), ..Scope::default() };
        assert!(!Fault { scope, ..fault }.prevents_calls());
        for kind in [Kind::Declined, Kind::StripeLockTimeout, Kind::StripeConflict] {
            assert!(!Fault::steady(kind, Chance::ALWAYS, WINDOW).prevents_calls(), "{kind}");
        }
    }
}
