//! How long a failed message stays invisible.
//!
//! Full jitter between a floor and a doubling ceiling, so that the survivors of an outage come back spread out.
//! Invariant: the delay is at least [`BACKOFF_S_MIN`] and never longer than SQS accepts.

use crate::limits::{BACKOFF_S_BASE, BACKOFF_S_MAX, BACKOFF_S_MIN, RETRY_AFTER_S_MAX};

/// Seconds of invisibility after the `receives`-th receive (from 1).
///
/// `draw` is any uniformly random number. A `Retry-After` of the provider is honoured where it asks for more.
#[must_use]
pub fn visibility_s(receives: u32, retry_after_s: Option<u32>, draw: u64) -> u32 {
    let jitter_s = jitter_s(ceiling_s(receives) - BACKOFF_S_MIN, draw);
    let asked = retry_after_s.unwrap_or(0).min(RETRY_AFTER_S_MAX);
    (BACKOFF_S_MIN + jitter_s).max(asked)
}

/// Seconds of invisibility of a message that waits for others to come by: `least` of them, and up to as many more. A
/// `Retry-After` of the provider is honoured where it asks for more.
#[must_use]
pub fn spread_s(least: u32, retry_after_s: Option<u32>, draw: u64) -> u32 {
    let asked = retry_after_s.unwrap_or(0).min(RETRY_AFTER_S_MAX);
    (least + jitter_s(least, draw)).max(asked)
}

/// From 0 to `most`.
fn jitter_s(most: u32, draw: u64) -> u32 {
    // Multiply-shift maps the draw to 0..=most without a division and without a visible bias.
    u32::try_from((u128::from(draw) * u128::from(most + 1)) >> 64).unwrap_or(0)
}

fn ceiling_s(receives: u32) -> u32 {
    let doublings = receives.saturating_sub(1).min(16);
    (BACKOFF_S_BASE << doublings).min(BACKOFF_S_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_with_every_receive_until_the_cap() {
        let longest: Vec<u32> = (1..=7).map(|receives| visibility_s(receives, None, u64::MAX)).collect();
        assert_eq!(longest, [30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(visibility_s(u32::MAX, None, u64::MAX), 900);
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
        assert_eq!(visibility_s(5, Some(1), u64::MAX), 480);
    }
}
