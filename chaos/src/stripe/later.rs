//! What Stripe still owes: effects that come after their answer, or without one.
//!
//! Three things come late: a request that was answered with a 500, or refused, and is rolled forward, a request whose
//! client gave up while Stripe went on, and a verdict on an intent that waits: of the bank while it is processing, of its
//! customer, or of whoever captures it.
//! Invariant: each promise is kept once, in the order and at the instants promised, whenever somebody looks.

use super::answer::Facts;
use super::book::Movement;
use super::calls::Call;
use super::cards::Bank;
use super::limits::LATE_MS;
use crate::journal::Operation;
use crate::random::Stream;
use payments::UnixMs;
use std::collections::BTreeMap;

/// One effect to come.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// A call is carried out.
    Call {
        call: Box<Call>,
        /// Where its answer is stored; absent when another answer is stored already, or none ever was to be.
        under: Option<Unanswered>,
    },
    /// Whoever an intent waits for decides.
    Verdict { intent: String, bank: Bank },
}

/// A key that is in use until its request is carried out.
#[derive(Clone, Debug)]
pub(super) struct Unanswered {
    pub(super) key: String,
    pub(super) request_id: String,
}

/// A promise that was kept: what Stripe did of its own accord.
#[derive(Clone, Debug)]
pub struct Late {
    /// When, in virtual time.
    pub at: UnixMs,
    /// What was carried out, or [`Operation::Bank`] for a verdict.
    pub operation: Operation,
    /// What it would have answered.
    pub facts: Facts,
    /// Money that moved.
    pub movement: Option<Movement>,
}

/// Promises not kept yet.
#[derive(Debug)]
pub(super) struct Later {
    due: BTreeMap<(UnixMs, u64), Due>,
    promised: u64,
    delays: Stream,
}

impl Later {
    pub(super) fn new(seed: u64) -> Self {
        Self { due: BTreeMap::new(), promised: 0, delays: Stream::new(seed, "stripe/later") }
    }

    /// Promises `due` for `at`; of two promises for one instant the older is kept first.
    pub(super) fn promise(&mut self, at: UnixMs, due: Due) {
        self.promised += 1;
        self.due.insert((at, self.promised), due);
    }

    /// Takes the oldest promise that is due.
    pub(super) fn take(&mut self, now: UnixMs) -> Option<(UnixMs, Due)> {
        let first = self.due.first_entry()?;
        let (at, _) = *first.key();
        (at <= now).then(|| (at, first.remove()))
    }

    /// When the next promise is due.
    pub(super) fn next(&self) -> Option<UnixMs> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Draws an instant at most `latest_ms` after `now`: as likely within the same delivery as long after it.
    pub(super) fn some_time_after(&mut self, now: UnixMs, latest_ms: u64) -> UnixMs {
        let scales = LATE_MS.iter().filter(|scale| **scale < latest_ms).count() as u64;
        let scale = self.delays.below(scales + 1) as usize;
        let delay_ms =
            self.delays.between(1, LATE_MS.get(scale).copied().unwrap_or(latest_ms).min(latest_ms));
        now.plus_ms(i64::try_from(delay_ms).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe::calls::Ask;
    use crate::stripe::expand::Expand;

    const NOW: UnixMs = UnixMs(1_000);

    fn probe() -> Due {
        let call = Call { ask: Ask::Probe, expand: Expand::default() };
        Due::Call { call: Box::new(call), under: None }
    }

    fn verdict(intent: &str) -> Due {
        Due::Verdict { intent: intent.to_owned(), bank: Bank::Approves }
    }

    #[test]
    fn promises_are_kept_in_their_order_and_not_before_their_time() {
        let mut later = Later::new(1);
        later.promise(NOW.plus_ms(20), probe());
        later.promise(NOW.plus_ms(10), verdict("pi_1"));
        later.promise(NOW.plus_ms(10), verdict("pi_2"));
        assert_eq!(later.next(), Some(NOW.plus_ms(10)));
        assert!(later.take(NOW.plus_ms(9)).is_none());
        for expected in ["pi_1", "pi_2"] {
            let Some((at, Due::Verdict { intent, .. })) = later.take(NOW.plus_ms(15)) else { panic!() };
            assert_eq!((at, intent.as_str()), (NOW.plus_ms(10), expected));
        }
        assert!(later.take(NOW.plus_ms(15)).is_none());
        assert!(matches!(later.take(UnixMs(i64::MAX)), Some((_, Due::Call { .. }))));
        assert_eq!(later.next(), None);
    }

    #[test]
    fn a_drawn_instant_is_soon_as_often_as_it_is_late() {
        let mut later = Later::new(1);
        let mut draw = || later.some_time_after(NOW, 60_000).since_ms(NOW);
        let delays: Vec<i64> = (0..1_000).map(|_| draw()).collect();
        let within = |ms: i64| delays.iter().filter(|delay| **delay <= ms).count();
        assert!(delays.iter().all(|delay| (1..=60_000).contains(delay)));
        assert!((330..430).contains(&within(1_000)), "{}", within(1_000));
        assert!((230..330).contains(&(1_000 - within(10_000))), "{}", 1_000 - within(10_000));
    }
}
