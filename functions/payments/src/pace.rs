//! Pacing: one container's share of the calls that the provider allows per second.
//!
//! Invariant: turns are handed out at least one interval apart, in the order they are asked for.

use crate::time::UnixMs;

/// Hands out turns at a steady rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    interval_us: i64,
    next_us: i64,
}

impl Pace {
    /// A pace of `rate_per_s` calls in all, shared by `containers` alike. Both count at least as 1.
    #[must_use]
    pub fn shared(rate_per_s: u32, containers: u32) -> Self {
        let interval_us = 1_000_000 * i64::from(containers.max(1)) / i64::from(rate_per_s.max(1));
        Self { interval_us, next_us: 0 }
    }

    /// The same for who makes but `part` of every `whole` of these calls.
    #[must_use]
    pub fn in_part(self, part: u32, whole: u32) -> Self {
        let interval_us = self.interval_us * i64::from(whole) / i64::from(part.max(1));
        Self { interval_us, ..self }
    }

    /// The next turn, if it comes no later than `deadline`. A refused turn is not used up.
    pub fn turn(&mut self, now: UnixMs, deadline: UnixMs) -> Option<UnixMs> {
        let turn_us = self.next_us.max(now.0.saturating_mul(1_000));
        // Rounded up, so that a turn is never taken early.
        let turn = UnixMs(turn_us.saturating_add(999) / 1_000);
        (turn <= deadline).then(|| {
            self.next_us = turn_us + self.interval_us;
            turn
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: UnixMs = UnixMs(i64::MAX);

    #[test]
    fn turns_of_two_containers_add_up_to_the_rate() {
        let mut pace = Pace::shared(20, 2);
        let turns: Vec<i64> =
            (0..4).filter_map(|_| pace.turn(UnixMs(1_000), FAR)).map(|turn| turn.0).collect();
        assert_eq!(turns, [1_000, 1_100, 1_200, 1_300]);
    }

    #[test]
    fn a_fifth_and_four_fifths_of_the_calls_add_up_to_all() {
        let second =
            |mut pace: Pace| (0..100).filter(|_| pace.turn(UnixMs(0), UnixMs(999)).is_some()).count();
        let parts = [1, 4].map(|part| second(Pace::shared(20, 2).in_part(part, 5)));
        assert_eq!((parts, second(Pace::shared(20, 2))), ([2, 8], 10));
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let mut pace = Pace::shared(10, 1);
        assert_eq!(pace.turn(UnixMs(0), FAR), Some(UnixMs(0)));
        assert_eq!(pace.turn(UnixMs(60_000), FAR), Some(UnixMs(60_000)));
        assert_eq!(pace.turn(UnixMs(60_000), FAR), Some(UnixMs(60_100)));
    }

    #[test]
    fn a_turn_after_the_deadline_is_refused_and_not_used_up() {
        let mut pace = Pace::shared(1, 1);
        assert_eq!(pace.turn(UnixMs(0), FAR), Some(UnixMs(0)));
        assert_eq!(pace.turn(UnixMs(0), UnixMs(999)), None);
        assert_eq!(pace.turn(UnixMs(0), UnixMs(1_000)), Some(UnixMs(1_000)));
    }
}
