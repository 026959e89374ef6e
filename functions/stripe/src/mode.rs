//! Test mode or live mode: which of an account's two worlds is meant.
//!
//! A key belongs to one of them, and so does every object it makes; neither sees the other's. A key of the wrong one
//! charges nobody, or somebody who was to be spared.
//! Source: <https://docs.stripe.com/keys>.
//! Invariant: no payment is settled by what the other mode says.

use std::fmt;

/// One of an account's two worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing costs anything.
    Test,
    /// Money moves.
    Live,
}

impl Mode {
    /// What [`parse`](Self::parse) accepts.
    pub const FORM: &'static str = "test, live";

    /// Reads a mode.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "test" => Some(Self::Test),
            "live" => Some(Self::Live),
            _ => None,
        }
    }

    /// The mode that a key says it is for: `sk_test_…`, `rk_live_…`. Keys of another form say nothing.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        let (_, rest) = key.split_once('_')?;
        [Self::Test, Self::Live].into_iter().find(|mode| rest.starts_with(&format!("{mode}_")))
    }

    /// The mode of an object that says `livemode`.
    pub(crate) const fn of_object(livemode: Livemode) -> Self {
        if livemode.0 { Self::Live } else { Self::Test }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test",
            Self::Live => "live",
        })
    }
}

/// `livemode` of an object.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Livemode(bool);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_its_mode_after_its_kind() {
        for (key, mode) in [
            ("sk_test_51H", Some(Mode::Test)),
            ("rk_live_51H", Some(Mode::Live)),
            ("sk_live_test_1", Some(Mode::Live)),
            ("sk_org_live_1", None),
            ("sk_testing", None),
            ("key", None),
        ] {
            assert_eq!(Mode::of_key(key), mode, "{key}");
        }
    }
}
