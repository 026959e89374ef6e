//! Times, spans and causes in words.
//!
//! Invariant: every time is UTC and says so; readers sit in several zones, and the logs are in UTC too.

use super::money::grouped;
use jiff::Timestamp;
use payments::{Cause, UnixMs};

/// A time, for example `2026-01-05 10:42 UTC`.
pub(crate) fn utc(at: UnixMs) -> String {
    formatted(at, "%Y-%m-%d %H:%M UTC")
}

/// A time as machines write it, for example `2026-01-05T10:42:00.000Z`.
pub(super) fn iso(at: UnixMs) -> String {
    formatted(at, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// A time for a subject: `10:42Z`, with the day unless it is that of `now`.
pub(super) fn short(at: UnixMs, now: UnixMs) -> String {
    let is_today = formatted(at, "%F") == formatted(now, "%F");
    formatted(at, if is_today { "%H:%MZ" } else { "%b %e %H:%MZ" }).replace("  ", " ")
}

fn formatted(at: UnixMs, format: &str) -> String {
    let timestamp = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.strftime(format).to_string()
}

/// A span, for example `1 h 12 min`. Rounded down; less than a minute is that.
pub(super) fn span(ms: i64) -> String {
    let minutes = (ms / 60_000).max(0);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// So many of a thing, for example `1 payment`, `37 payments`.
pub(super) fn count(number: u64, thing: &str) -> String {
    let digits = grouped(number);
    if number == 1 { format!("{digits} {thing}") } else { format!("{digits} {thing}s") }
}

/// A cause in two or three words, for a subject.
pub(super) const fn cause_in_short(cause: Cause) -> &'static str {
    match cause {
        Cause::ProviderError => "Stripe 5xx",
        Cause::ProviderTimeout => "Stripe times out",
        Cause::ProviderUnreachable => "Stripe unreachable",
        Cause::ProviderUnreadable => "Stripe answers garbage",
        Cause::OutcomeOpen => "Stripe leaves outcomes open",
        Cause::RateLimited => "Stripe rate limit",
        Cause::LockTimeout => "Stripe lock time-outs",
        Cause::InFlight => "Stripe conflicts",
        Cause::BreakerOpen => "Stripe failing",
        Cause::Processing => "card networks pending",
        Cause::DeclinedSoftly => "cards declined for now",
        Cause::CredentialsRefused => "Stripe refuses our key",
        Cause::AccountRefused => "Stripe refuses our account",
        Cause::WrongMode => "our key is of the wrong mode",
        Cause::SecretUnavailable => "our Stripe secret unreadable",
        Cause::Refused => "Stripe refuses payments",
        Cause::RefusedInARow => "Stripe refuses every request",
        Cause::LedgerUnavailable => "our ledger fails",
        Cause::Contended => "our ledger contended",
        Cause::QuarantineUnavailable => "our quarantine fails",
        Cause::NoTurn => "our own rate limit",
        Cause::OutOfTime => "our consumer runs out of time",
        Cause::Panicked => "our consumer crashes",
        Cause::RowMissing => "ledger rows missing",
        Cause::IntentMissing => "intents missing at Stripe",
        Cause::IntentMismatch => "intents do not match",
        Cause::UnknownStatus => "unknown intent status",
    }
}

/// A cause as a sentence.
pub(super) const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::ProviderError => "Stripe answers with server errors (5xx).",
        Cause::ProviderTimeout => "Stripe does not answer in time.",
        Cause::ProviderUnreachable => "Stripe cannot be reached.",
        Cause::ProviderUnreadable => "Stripe's answers cannot be read.",
        Cause::OutcomeOpen => "Stripe loses answers to confirmations; no money has moved for these.",
        Cause::RateLimited => "Stripe says that we are too fast (429).",
        Cause::LockTimeout => "Stripe's objects are locked (lock_timeout).",
        Cause::InFlight => "Stripe says that the same request is still under way (409).",
        Cause::BreakerOpen => "Stripe fails so often that calls are spared.",
        Cause::Processing => "The card networks have not answered Stripe yet.",
        Cause::DeclinedSoftly => "Issuers decline cards for now; they are asked again after a pause.",
        Cause::AccountRefused => {
            "Stripe refuses our account, whatever is asked: it is not activated, or may not charge. This outage is ours."
        }
        Cause::WrongMode => {
            "Our Stripe key, or what it leads to, is of another mode (test or live) than StripeMode says. Nothing is \
             settled on it. This outage is ours."
        }
        Cause::CredentialsRefused => "Stripe refuses our key (401 or 403). This outage is ours.",
        Cause::SecretUnavailable => "The secret with our Stripe key cannot be read. This outage is ours.",
        Cause::Refused => {
            "Stripe refuses them, and too few others came by to say whether they or we are to blame."
        }
        Cause::RefusedInARow => {
            "Stripe refuses unrelated payments alike. Something of ours is wrong: a parameter, a restricted key, an \
             account that may not, an API version."
        }
        Cause::LedgerUnavailable => "Our ledger (DynamoDB) does not answer or throttles.",
        Cause::Contended => "Deliveries of the same payments keep getting in each other's way.",
        Cause::QuarantineUnavailable => "Our quarantine queue takes no messages.",
        Cause::NoTurn => "More payments come in than our own rate limit (StripeRatePerSecond) lets out.",
        Cause::OutOfTime => "Our consumer runs out of time.",
        Cause::Panicked => "Our consumer crashes on them.",
        Cause::RowMissing => "Rows vanished from our ledger. Somebody or something deletes them.",
        Cause::IntentMissing => "Their intents do not exist for our Stripe key. Is it another account's key?",
        Cause::IntentMismatch => "Their intents charged something else. Somebody edited them at Stripe.",
        Cause::UnknownStatus => "Their intents have a status that this version does not know.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMs = UnixMs(1_767_609_720_000);

    #[test]
    fn times_are_utc_and_carry_their_day_when_it_is_not_today() {
        assert_eq!(utc(AT), "2026-01-05 10:42 UTC");
        assert_eq!(short(AT, AT.plus_ms(3_600_000)), "10:42Z");
        assert_eq!(short(AT, AT.plus_ms(86_400_000)), "Jan 5 10:42Z");
    }

    #[test]
    fn spans_are_as_coarse_as_they_are_long() {
        let spans = [59_000, 60_000, 4_320_000, 180_000_000].map(span);
        assert_eq!(spans, ["less than a minute", "1 min", "1 h 12 min", "2 d 2 h"]);
    }
}
