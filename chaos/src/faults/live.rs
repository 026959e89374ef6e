//! Faults that come and go while a world is at work, for whoever sits in front of one.
//!
//! An experiment's faults are all known when its run begins; nothing here is called by a run.
//! Invariant: a fault keeps its number, and one that was cleared is closed, not forgotten: what it did stays told.

use super::firing::Asks;
use super::{Fault, Faults, Tally, Window};
use payments::UnixMs;

impl Faults {
    /// Adds a fault that is open from now on, for `ttl_ms` or until it is cleared; its number.
    pub fn set(&self, fault: Fault, ttl_ms: Option<u64>, now: UnixMs) -> usize {
        let from_ms = self.elapsed_ms(now);
        let until_ms = ttl_ms.map_or(u64::MAX, |ttl_ms| from_ms.saturating_add(ttl_ms));
        let mut state = self.lock();
        state.tallies.push(Tally::of(Fault { window: Window { from_ms, until_ms }, ..fault }));
        state.asks.push(Asks::default());
        state.tallies.len()
    }

    /// The faults that are open now, by number, and what came of each.
    #[must_use]
    pub fn open(&self, now: UnixMs) -> Vec<(usize, Tally)> {
        let elapsed_ms = self.elapsed_ms(now);
        let all = self.tally().into_iter().enumerate();
        all.map(|(index, tally)| (index + 1, tally))
            .filter(|(_, tally)| tally.fault.window.contains(elapsed_ms))
            .collect()
    }

    /// Closes the fault of this number; whether it was open.
    pub fn clear(&self, number: usize, now: UnixMs) -> bool {
        let elapsed_ms = self.elapsed_ms(now);
        let mut state = self.lock();
        let tally = number.checked_sub(1).and_then(|index| state.tallies.get_mut(index));
        tally.is_some_and(|tally| tally.close(elapsed_ms))
    }

    /// Closes every fault; how many were open.
    pub fn clear_all(&self, now: UnixMs) -> usize {
        let elapsed_ms = self.elapsed_ms(now);
        self.lock().tallies.iter_mut().filter_map(|tally| tally.close(elapsed_ms).then_some(())).count()
    }
}

impl Tally {
    fn close(&mut self, elapsed_ms: u64) -> bool {
        let is_open = self.fault.window.contains(elapsed_ms);
        if is_open {
            self.fault.window.until_ms = elapsed_ms;
        }
        is_open
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CRASH_HOPS_DEFAULT, Kind, Subject};
    use super::*;
    use crate::journal::Journal;
    use crate::random::Chance;

    const START: UnixMs = UnixMs(1_000_000);

    fn faults() -> Faults {
        Faults::new(&[], 1, START, CRASH_HOPS_DEFAULT, Journal::default())
    }

    fn reset() -> Fault {
        Fault::steady(Kind::StripeReset, Chance::ALWAYS, Window::ALWAYS)
    }

    fn fires(faults: &Faults, at_ms: i64) -> bool {
        let subject = Subject { operation: "create", ..Subject::default() };
        faults.fires(Kind::StripeReset, START.plus_ms(at_ms), &subject).is_some()
    }

    #[test]
    fn a_fault_lives_from_when_it_is_set_for_as_long_as_was_said() {
        let faults = faults();
        assert!(!fires(&faults, 0));
        assert_eq!(faults.set(reset(), Some(100), START.plus_ms(50)), 1);
        assert_eq!([50, 149, 150].map(|at_ms| fires(&faults, at_ms)), [true, true, false]);
        assert_eq!(faults.open(START.plus_ms(149)).len(), 1);
        assert_eq!(faults.open(START.plus_ms(150)).len(), 0);
    }

    #[test]
    fn a_fault_that_was_cleared_fires_no_more_and_what_it_did_is_still_told() {
        let faults = faults();
        let numbers = [faults.set(reset(), None, START), faults.set(reset(), None, START)];
        assert!(fires(&faults, 1));
        assert!(faults.clear(numbers[0], START.plus_ms(2)) && !faults.clear(numbers[0], START.plus_ms(3)));
        assert!(fires(&faults, 3));
        assert_eq!(faults.clear_all(START.plus_ms(4)), 1);
        assert!(!fires(&faults, 5));
        assert_eq!(faults.tally().iter().map(|tally| tally.fired).collect::<Vec<_>>(), [1, 1]);
        assert!(!faults.clear(0, START) && !faults.clear(3, START));
    }
}
