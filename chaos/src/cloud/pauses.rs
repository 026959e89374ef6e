//! Pauses between tries, where AWS says that it backs off with jitter and not from where.
//!
//! Invariant: a pause is never longer than the longest, and never shorter than half of what it grew to, however often it
//! was tried.

use crate::random::Stream;

/// Ms until the try after `attempt` (1 = the first): the shortest, twice as long each time up to the longest, of which half is
/// jitter.
pub(super) fn growing_ms(draws: &mut Stream, (shortest, longest): (u64, u64), attempt: u32) -> i64 {
    let doubled = 1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
    let most = shortest.saturating_mul(doubled).min(longest);
    i64::try_from(draws.between(most / 2, most)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_stay_there() {
        let mut draws = Stream::new(1, "pauses");
        for (attempt, most) in
            (1..=200).zip([1_000, 2_000, 4_000].into_iter().chain(std::iter::repeat(5_000)))
        {
            let pause = growing_ms(&mut draws, (1_000, 5_000), attempt);
            assert!((most / 2..=most).contains(&pause), "{attempt}: {pause}");
        }
    }
}
