//! What an audit looks at: the intents that were created in a span of time.
//!
//! Invariant: a window is never empty and never reaches further back than rows live.

use crate::limits::{AUDIT_SPAN_S_MAX, SETTLED_ROW_DAYS};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far back an audit looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span {
    seconds: i64,
}

/// A text that is no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a whole number with s, m, h or d behind it, from 1s to {SETTLED_ROW_DAYS}d")]
pub struct BadSpan;

impl Span {
    /// So many seconds, at least one and at most as many as rows live.
    #[must_use]
    pub const fn of_seconds(seconds: i64) -> Option<Self> {
        if seconds >= 1 && seconds <= AUDIT_SPAN_S_MAX { Some(Self { seconds }) } else { None }
    }

    /// Reads a span, for example `48h`.
    ///
    /// # Errors
    /// [`BadSpan`] says what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadSpan> {
        let (unit, seconds) = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
            .into_iter()
            .find(|(unit, _)| text.ends_with(unit))
            .ok_or(BadSpan)?;
        let number = text.strip_suffix(unit).unwrap_or_default();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadSpan);
        }
        let number: i64 = number.parse().map_err(|_| BadSpan)?;
        number.checked_mul(seconds).and_then(Self::of_seconds).ok_or(BadSpan)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            days if days % 86_400 == 0 => write!(f, "{}d", days / 86_400),
            hours if hours % 3_600 == 0 => write!(f, "{}h", hours / 3_600),
            minutes if minutes % 60 == 0 => write!(f, "{}m", minutes / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

/// When the intents were created: from `since` on and before `until`, in whole seconds, as the provider keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    since_s: i64,
    until_s: i64,
}

impl Window {
    /// The `span` up to `now`, the second of `now` included.
    #[must_use]
    pub const fn before(now: UnixMs, span: Span) -> Self {
        let now_s = now.0.div_euclid(1_000);
        Self { since_s: now_s - span.seconds, until_s: now_s + 1 }
    }

    /// Where it begins, seconds since 1970.
    #[must_use]
    pub const fn since_s(&self) -> i64 {
        self.since_s
    }

    /// Where it ends, seconds since 1970.
    #[must_use]
    pub const fn until_s(&self) -> i64 {
        self.until_s
    }

    /// Where it begins.
    #[must_use]
    pub const fn since(&self) -> UnixMs {
        UnixMs(self.since_s * 1_000)
    }

    /// Where it ends.
    #[must_use]
    pub const fn until(&self) -> UnixMs {
        UnixMs(self.until_s * 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_whole_number_and_a_unit() {
        for (text, seconds) in [("1s", 1), ("90m", 5_400), ("48h", 172_800), ("400d", 34_560_000)] {
            assert_eq!(Span::parse(text).map(|span| span.seconds), Ok(seconds), "{text}");
        }
        for bad in
            ["", "h", "48", "0s", "-1h", "+1h", "1.5h", "401d", "9999999999999999999d", "48 h", "1w", "４h"]
        {
            assert_eq!(Span::parse(bad), Err(BadSpan), "{bad}");
        }
        let said = BadSpan.to_string();
        assert_eq!(said, "it is not a whole number with s, m, h or d behind it, from 1s to 400d");
    }

    #[test]
    fn a_span_is_shown_in_its_largest_unit() {
        let shown = ["90s", "120s", "90m", "48h"].map(|text| Span::parse(text).unwrap().to_string());
        assert_eq!(shown, ["90s", "2m", "90m", "2d"]);
    }

    #[test]
    fn a_window_ends_with_the_second_it_is_opened_in() {
        let window = Window::before(UnixMs(10_999), Span::parse("3s").unwrap());
        assert_eq!((window.since_s(), window.until_s()), (7, 11));
    }
}
