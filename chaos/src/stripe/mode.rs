//! Live or test: which of an account's two worlds a secret key opens.
//!
//! Source: <https://docs.stripe.com/keys>.
//! Invariant: an object keeps the mode of the key it was created with.

/// `livemode` of an object, and which keys make it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No money moves.
    Test,
    /// It does.
    Live,
}

impl Mode {
    /// The mode of a secret or a restricted key; a key that says nothing opens the test world.
    pub(super) fn of(secret_key: &str) -> Self {
        if Self::Live.opens_to(secret_key) { Self::Live } else { Self::Test }
    }

    /// Whether a key is a secret or a restricted one of this mode, as its prefix says.
    #[must_use]
    pub fn opens_to(self, secret_key: &str) -> bool {
        let prefixes = match self {
            Self::Test => ["sk_test_", "rk_test_"],
            Self::Live => ["sk_live_", "rk_live_"],
        };
        prefixes.into_iter().any(|prefix| secret_key.starts_with(prefix))
    }

    /// The value of `livemode`.
    pub(super) const fn is_live(self) -> bool {
        match self {
            Self::Live => true,
            Self::Test => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_which_world_it_opens() {
        for live in ["sk_live_1", "rk_live_1"] {
            assert_eq!(Mode::of(live), Mode::Live, "{live}");
        }
        for test in ["sk_test_1", "rk_test_1", "live", "xsk_live_1"] {
            assert_eq!(Mode::of(test), Mode::Test, "{test}");
        }
    }
}
