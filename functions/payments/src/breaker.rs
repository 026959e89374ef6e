//! A circuit breaker: after enough provider failures in a row, calls are spared until one probe succeeds.
//!
//! It lives in the memory of one container, so a healthy path writes nothing anywhere.
//! Invariant: while it is not closed, at most one call at a time is let through.

use crate::limits::{BREAKER_FAILURES, BREAKER_OPEN_MS, BREAKER_OPEN_MS_MAX, BREAKER_PROBE_MS};
use crate::provider::Answer;
use crate::time::UnixMs;

/// The breaker of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: UnixMs,
        open_ms: i64,
    },
    /// One probe is under way since `since`; if it fails, the breaker opens for `open_ms`.
    HalfOpen {
        since: UnixMs,
        open_ms: i64,
    },
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Make it, then tell the breaker what came of it.
    Granted,
    /// Do not: the provider is taken to be down.
    Spared,
}

/// What a call says about the provider's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered. A decline or a refusal is an answer.
    Well,
    /// It failed.
    Unwell,
    /// It says nothing: we were told to slow down, or our credentials were refused.
    Unclear,
}

impl Health {
    /// What an answer says.
    #[must_use]
    pub const fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Unknown { cause, .. } | Answer::NotDone { cause } => {
                if cause.is_provider_failure() {
                    Self::Unwell
                } else {
                    Self::Unclear
                }
            }
            Answer::Intent(_)
            | Answer::Declined(_)
            | Answer::UnexpectedState(_)
            | Answer::KeySpent
            | Answer::IntentMissing
            | Answer::Refused(_) => Self::Well,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 } }
    }
}

impl Breaker {
    /// Asks to make a call now.
    pub fn permit(&mut self, now: UnixMs) -> Permit {
        match self.state {
            State::Closed { .. } => Permit::Granted,
            State::Open { until, .. } if now < until => Permit::Spared,
            State::HalfOpen { since, .. } if now.since_ms(since) < BREAKER_PROBE_MS => Permit::Spared,
            State::Open { open_ms, .. } | State::HalfOpen { open_ms, .. } => {
                self.state = State::HalfOpen { since: now, open_ms: (open_ms * 2).min(BREAKER_OPEN_MS_MAX) };
                Permit::Granted
            }
        }
    }

    /// Reports what a call came to.
    pub fn report(&mut self, health: Health, now: UnixMs) {
        match (health, &mut self.state) {
            (Health::Well, _) => self.state = State::Closed { failures: 0 },
            (Health::Unwell, State::Closed { failures }) => {
                *failures += 1;
                if *failures >= BREAKER_FAILURES {
                    self.open(now, BREAKER_OPEN_MS);
                }
            }
            (Health::Unwell, State::HalfOpen { open_ms, .. }) => {
                let open_ms = *open_ms;
                self.open(now, open_ms);
            }
            // A probe that was told nothing must not block the next one.
            (Health::Unclear, State::HalfOpen { open_ms, .. }) => {
                let open_ms = *open_ms / 2;
                self.state = State::Open { until: now, open_ms };
            }
            // Calls that were under way when it opened tell nothing new.
            (Health::Unwell, State::Open { .. })
            | (Health::Unclear, State::Closed { .. } | State::Open { .. }) => {}
        }
    }

    fn open(&mut self, now: UnixMs, open_ms: i64) {
        self.state = State::Open { until: now.plus_ms(open_ms), open_ms };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMs = UnixMs(0);

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..BREAKER_FAILURES {
            assert_eq!(breaker.permit(START), Permit::Granted);
            breaker.report(Health::Unwell, START);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..10 * BREAKER_FAILURES {
            breaker.report(Health::Unwell, START);
            breaker.report(Health::Unclear, START);
            breaker.report(Health::Well, START);
        }
        assert_eq!(breaker.permit(START), Permit::Granted);
        assert_eq!(opened().permit(START), Permit::Spared);
    }

    #[test]
    fn after_a_while_one_probe_passes_and_its_success_closes_it() {
        let mut breaker = opened();
        let later = START.plus_ms(BREAKER_OPEN_MS);
        assert_eq!(breaker.permit(later.plus_ms(-1)), Permit::Spared);
        assert_eq!(breaker.permit(later), Permit::Granted);
        assert_eq!(breaker.permit(later), Permit::Spared, "one probe at a time");
        breaker.report(Health::Well, later);
        assert_eq!(breaker.permit(later), Permit::Granted);
        assert_eq!(breaker.permit(later), Permit::Granted);
    }

    #[test]
    fn every_failed_probe_doubles_the_wait_up_to_a_cap() {
        let mut breaker = opened();
        let mut now = START;
        let mut waits = Vec::new();
        for wait in [30_000, 60_000, 120_000, 120_000] {
            assert_eq!(breaker.permit(now.plus_ms(wait - 1)), Permit::Spared, "{wait}");
            now = now.plus_ms(wait);
            assert_eq!(breaker.permit(now), Permit::Granted, "{wait}");
            breaker.report(Health::Unwell, now);
            waits.push(wait);
        }
        assert_eq!(waits.len(), 4);
    }

    #[test]
    fn a_probe_that_never_reports_is_replaced() {
        let mut breaker = opened();
        let probe = START.plus_ms(BREAKER_OPEN_MS);
        assert_eq!(breaker.permit(probe), Permit::Granted);
        assert_eq!(breaker.permit(probe.plus_ms(BREAKER_PROBE_MS - 1)), Permit::Spared);
        assert_eq!(breaker.permit(probe.plus_ms(BREAKER_PROBE_MS)), Permit::Granted);
    }

    #[test]
    fn a_probe_that_was_told_nothing_makes_room_for_the_next() {
        let mut breaker = opened();
        let probe = START.plus_ms(BREAKER_OPEN_MS);
        assert_eq!(breaker.permit(probe), Permit::Granted);
        breaker.report(Health::Unclear, probe);
        assert_eq!(breaker.permit(probe), Permit::Granted);
    }
}
