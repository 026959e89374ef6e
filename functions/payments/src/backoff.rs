//! How long a failed message stays invisible.
//!
//! Full jitter between a floor and a doubling ceiling, so that the survivors of an outage come back spread out. After the
//! last receive the ceiling is the first one's again: nobody is helped by waiting for the dead-letter queue.
//! Invariant: the delay is at least [`BACKOFF_S_MIN`] and never longer than SQS accepts.

use crate::limits::{BACKOFF_S_BASE, BACKOFF_S_MAX, BACKOFF_S_MIN, RECEIVES_MAX, RETRY_AFTER_S_MAX};

/// Seconds of invisibility after the `receives`-th receive (from 1).
///
/// `draw` is any uniformly random number. A `Retry-After` of the provider is honoured where it asks for more, unless this
/// was the last receive: the next call is the responder's to time.
#[must_use]
pub fn visibility_s(receives: u32, retry_after_s: Option<u32>, draw: u64) -> u32 {
    let asked = retry_after_s.filter(|_| !is_last(receives)).unwrap_or(0).min(RETRY_AFTER_S_MAX);
    up_to_s(ceiling_s(receives), draw).max(asked)
}

/// Seconds of invisibility of a message that the ledger does not know yet: as long after the last receive as the doubling
/// goes. A dead letter without a row is known again by how often it came back, and that must not be soon.
#[must_use]
pub fn unrecorded_s(receives: u32, draw: u64) -> u32 {
    let doublings = receives.clamp(1, RECEIVES_MAX) - 1;
    up_to_s(BACKOFF_S_BASE << doublings, draw)
}

/// Seconds of invisibility of a message that waits for others to come by: `least` of them, and up to as many more. A
/// `Retry-After` of the provider is honoured where it asks for more.
#[must_use]
pub fn spread_s(least: u32, retry_after_s: Option<u32>, draw: u64) -> u32 {
    let asked = retry_after_s.unwrap_or(0).min(RETRY_AFTER_S_MAX);
    (least + jitter_s(least, draw)).max(asked)
}

/// From the floor to a ceiling.
fn up_to_s(ceiling_s: u32, draw: u64) -> u32 {
    BACKOFF_S_MIN + jitter_s(ceiling_s - BACKOFF_S_MIN, draw)
}

/// From 0 to `most`.
fn jitter_s(most: u32, draw: u64) -> u32 {
    // Multiply-shift maps the draw to 0..=most without a division and without a visible bias.
    u32::try_from((u128::from(draw) * u128::from(most + 1)) >> 64).unwrap_or(0)
}

fn ceiling_s(receives: u32) -> u32 {
    let doublings = if is_last(receives) { 0 } else { receives.saturating_sub(1) };
    (BACKOFF_S_BASE << doublings).min(BACKOFF_S_MAX)
}

/// Whether SQS dead-letters what is received once more.
const fn is_last(receives: u32) -> bool {
    receives >= RECEIVES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_with_every_receive_but_the_last() {
        let longest: Vec<u32> = (1..=6).map(|receives| visibility_s(receives, None, u64::MAX)).collect();
        assert_eq!(longest, [30, 60, 120, 240, 30, 30]);
        assert_eq!(visibility_s(u32::MAX, None, u64::MAX), 30);
        assert_eq!(visibility_s(RECEIVES_MAX - 1, None, u64::MAX), BACKOFF_S_MAX);
    }

    #[test]
    fn what_the_ledger_does_not_know_waits_after_its_last_receive_as_well() {
        let longest: Vec<u32> = (0..=6).map(|receives| unrecorded_s(receives, u64::MAX)).collect();
        assert_eq!(longest, [30, 30, 60, 120, 240, 480, 480]);
        assert_eq!(unrecorded_s(RECEIVES_MAX, 0), BACKOFF_S_MIN);
    }

    #[test]
    fn no_delay_is_below_the_floor() {
        assert!((0..=7).all(|receives| visibility_s(receives, None, 0) == BACKOFF_S_MIN));
    }

    #[test]
    fn who_waits_for_others_waits_for_once_or_twice_as_long_and_no_less_than_asked() {
        assert_eq!([0, u64::MAX].map(|draw| spread_s(30, None, draw)), [30, 60]);
        assert_eq!([Some(45), Some(86_400)].map(|asked| spread_s(30, asked, 0)), [45, RETRY_AFTER_S_MAX]);
    }

    #[test]
    fn retry_after_is_honoured_up_to_an_hour() {
        assert_eq!(visibility_s(1, Some(120), 0), 120);
        assert_eq!(visibility_s(1, Some(86_400), 0), RETRY_AFTER_S_MAX);
        assert_eq!(visibility_s(4, Some(1), u64::MAX), 240);
        assert_eq!(visibility_s(5, Some(120), u64::MAX), 30, "nobody calls Stripe after the last receive");
    }
}
