//! Arrival times.
//!
//! Customers do not know of each other, so payments arrive as a Poisson process. Once it is given how many arrive, such
//! a process places each of them independently and uniformly: plain draws, sorted, no logarithm that differs between
//! platforms. Invariant: times are ascending and below the span.

use crate::random::Stream;

/// `count` arrival times in ms, ascending, all before `span_ms`.
pub(super) fn times(count: usize, span_ms: u64, stream: &mut Stream) -> Vec<u64> {
    let mut times: Vec<u64> = (0..count).map(|_| stream.below(span_ms)).collect();
    times.sort_unstable();
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_spread_over_the_whole_span() {
        let times = times(6_000, 60_000, &mut Stream::new(1, "test"));
        assert!(times.is_sorted());
        for minute in times.chunk_by(|a, b| a / 10_000 == b / 10_000) {
            assert!((900..1_100).contains(&minute.len()), "{} in ten seconds", minute.len());
        }
    }

    #[test]
    fn without_a_span_everything_arrives_at_once() {
        assert_eq!(times(3, 0, &mut Stream::new(1, "test")), [0, 0, 0]);
    }
}
