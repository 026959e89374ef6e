//! Numbers, lengths of time and instants as people read them.
//!
//! Invariant: every instant is UTC, and integer arithmetic alone, so the same run reads the same everywhere.

use jiff::Timestamp;
use payments::UnixMs;

const DAY_MS: i64 = 86_400_000;

/// `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 payment`, `2 payments`: regular plurals only.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {what}{ending}", count(number))
}

/// `74 %`, rounded down so that 100 % means all.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    format!("{} %", ratio(100 * part, whole))
}

/// Whole times that `divisor` fits in, at least as if it were 1.
pub(crate) const fn ratio(number: u64, divisor: u64) -> u64 {
    number / if divisor == 0 { 1 } else { divisor }
}

/// `2h 14m`, `8m 40s`, `1.5 s`: two units at most.
pub(crate) fn duration_ms(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    match (hours, minutes) {
        (0, 0) if ms < 10_000 && !ms.is_multiple_of(1_000) => format!("{seconds}.{} s", ms % 1_000 / 100),
        (0, 0) => format!("{seconds}s"),
        (0, _) if seconds == 0 => format!("{minutes}m"),
        (0, _) => format!("{minutes}m {seconds}s"),
        (_, 0) => format!("{hours}h"),
        (_, _) => format!("{hours}h {minutes}m"),
    }
}

/// `09:30:00`, with the day in front once it is not the first any more.
pub(crate) fn time_of_day(at: UnixMs, began: UnixMs) -> String {
    dated(at, began, &timestamp(at).strftime("%H:%M:%S").to_string())
}

/// `09:30:00.123`.
pub(crate) fn instant_of_day(at: UnixMs, began: UnixMs) -> String {
    let text = format!("{}.{:03}", timestamp(at).strftime("%H:%M:%S"), at.0.rem_euclid(1_000));
    dated(at, began, &text)
}

/// `2026-01-05`.
pub(crate) fn day(at: UnixMs) -> String {
    timestamp(at).strftime("%Y-%m-%d").to_string()
}

/// `2026-01-05T09:30:00.123Z`.
pub(crate) fn instant(at: UnixMs) -> String {
    format!("{:.3}", timestamp(at))
}

fn dated(at: UnixMs, began: UnixMs, time: &str) -> String {
    match at.0.div_euclid(DAY_MS) - began.0.div_euclid(DAY_MS) {
        0 => time.to_owned(),
        _ => format!("{} {time}", timestamp(at).strftime("%m-%d")),
    }
}

fn timestamp(at: UnixMs) -> Timestamp {
    // Jiff's range spans twenty millennia; a run does not leave it.
    Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINE: UnixMs = UnixMs(1_767_603_600_000);

    #[test]
    fn numbers_are_grouped_and_shares_never_rounded_up() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1_000, 1_234_567].map(count));
        assert_eq!((percent(299, 300), percent(3, 0)), ("99 %".to_owned(), "300 %".to_owned()));
        assert_eq!([counted(1, "call"), counted(2_000, "call")], ["1 call", "2,000 calls"]);
    }

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        let read = [400, 2_500, 40_000, 520_000, 1_800_000, 7_200_000, 8_050_000].map(duration_ms);
        assert_eq!(read, ["0.4 s", "2.5 s", "40s", "8m 40s", "30m", "2h", "2h 14m"]);
    }

    #[test]
    fn an_instant_of_another_day_says_so() {
        assert_eq!(time_of_day(NINE, NINE), "09:00:00");
        assert_eq!(instant_of_day(NINE.plus_ms(DAY_MS + 7), NINE), "01-06 09:00:00.007");
        assert_eq!(instant(NINE.plus_ms(123)), "2026-01-05T09:00:00.123Z");
    }
}
