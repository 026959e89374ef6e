//! The API key.
//!
//! It is passed with every call and not held by the client, because a rotated key is fetched again in the middle
//! of a batch.
//! Invariant: no text that can end up in a log contains the key.

use crate::mode::Mode;
use http::HeaderValue;
use std::fmt;

/// A secret or restricted key of Stripe (`sk_…`, `rk_…`), ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    bearer: HeaderValue,
    mode: Option<Mode>,
}

/// The secret does not hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret does not hold a Stripe API key; accepted: one word of visible ASCII characters, such as sk_live_…"
)]
pub struct BadApiKey;

impl ApiKey {
    /// Reads a key. White space around it is ignored: a pasted secret often ends with a line break.
    ///
    /// # Errors
    /// When it is empty or cannot stand in a header. The error does not repeat it.
    pub fn parse(secret: &str) -> Result<Self, BadApiKey> {
        let key = secret.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadApiKey);
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| BadApiKey)?;
        bearer.set_sensitive(true);
        Ok(Self { bearer, mode: Mode::of_key(key) })
    }

    /// The value of `Authorization`, marked sensitive.
    pub(crate) fn bearer(&self) -> HeaderValue {
        self.bearer.clone()
    }

    /// Whether it says that it is for the other mode.
    pub(crate) fn contradicts(&self, mode: Mode) -> bool {
        self.mode.is_some_and(|of_key| of_key != mode)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(redacted)")
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_nor_the_header_shows_the_key() {
        let key = ApiKey::parse("sk_test_51H").unwrap();
        let shown = format!("{key} {key:?} {:?}", key.bearer());
        assert!(!shown.contains("51H"), "{shown}");
        assert_eq!(key.bearer().as_bytes(), b"Bearer sk_test_51H");
    }

    #[test]
    fn white_space_around_a_key_is_ignored_and_inside_it_refused() {
        assert_eq!(ApiKey::parse(" sk_test_1\n"), ApiKey::parse("sk_test_1"));
        for bad in ["", " \n", "sk test", "sk\r\nx: y", "sk_tést"] {
            assert_eq!(ApiKey::parse(bad), Err(BadApiKey), "{bad:?}");
        }
    }
}
