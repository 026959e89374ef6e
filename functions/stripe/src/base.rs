//! Where the API is.
//!
//! Invariant: a key travels in clear text to this machine at most.

use http::uri::{Scheme, Uri};
use std::fmt;

/// The base address of the API, for example `https://api.stripe.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBase {
    /// Without a slash at its end.
    text: String,
    encryption: Encryption,
}

/// Whether calls to a base are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    Required,
    /// Clear text on the loopback interface.
    None,
}

/// Why a text is no base address. The text is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadApiBase {
    /// Not an absolute address, or neither http nor https.
    #[error("the Stripe API base is not an address; accepted: {form}", form = ApiBase::FORM)]
    NotAnAddress,
    /// A user, query or fragment.
    #[error("the Stripe API base has a user, a query or a fragment; accepted: {form}", form = ApiBase::FORM)]
    Superfluous,
    /// Clear text over a network.
    #[error("the Stripe API base would send the API key over the network in clear text; accepted: {form}", form = ApiBase::FORM)]
    ClearText,
}

impl ApiBase {
    /// What is accepted.
    pub const FORM: &'static str =
        "https://HOST[:PORT][/PATH], or http:// where HOST is 127.0.0.1, localhost or [::1]";

    /// Reads a base address; a slash at its end is ignored.
    ///
    /// # Errors
    /// [`BadApiBase`] says what is wrong and what is accepted.
    pub fn parse(text: &str) -> Result<Self, BadApiBase> {
        if text.contains(['@', '?', '#']) {
            return Err(BadApiBase::Superfluous);
        }
        let uri: Uri = text.parse().map_err(|_| BadApiBase::NotAnAddress)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(BadApiBase::NotAnAddress)?;
        let encryption = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => Encryption::Required,
            Some(scheme) if *scheme == Scheme::HTTP && is_loopback(host) => Encryption::None,
            Some(scheme) if *scheme == Scheme::HTTP => return Err(BadApiBase::ClearText),
            Some(_) | None => return Err(BadApiBase::NotAnAddress),
        };
        Ok(Self { text: text.trim_end_matches('/').to_owned(), encryption })
    }

    pub(crate) const fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// The address of `path`, which begins with a slash and holds only characters that may stand in a path.
    pub(crate) fn at(&self, path: &str) -> Uri {
        format!("{}{path}", self.text)
            .parse()
            .expect("the base was parsed, and paths are built from encoded ids")
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_loopback(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|loopback| host.eq_ignore_ascii_case(loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_goes_anywhere_and_http_stays_on_this_machine() {
        for good in [
            "https://api.stripe.com",
            "https://gateway.example:8443/stripe/",
            "http://127.0.0.1:12111",
            "http://LOCALHOST",
            "http://[::1]:80/",
        ] {
            assert!(ApiBase::parse(good).is_ok(), "{good}");
        }
        for clear in
            ["http://api.stripe.com", "http://127.0.0.1.example", "http://localhost.example", "http://[::2]"]
        {
            assert_eq!(ApiBase::parse(clear), Err(BadApiBase::ClearText), "{clear}");
        }
    }

    #[test]
    fn what_is_no_base_is_refused_with_what_is_accepted() {
        for bad in ["", "api.stripe.com", "/v1", "ftp://127.0.0.1", "https://", "https:// x"] {
            assert_eq!(ApiBase::parse(bad), Err(BadApiBase::NotAnAddress), "{bad}");
        }
        for superfluous in ["http://localhost@evil.example", "https://a:b@c", "https://a?b", "https://a#b"] {
            assert_eq!(ApiBase::parse(superfluous), Err(BadApiBase::Superfluous), "{superfluous}");
        }
        let text = ApiBase::parse("http://example").unwrap_err().to_string();
        assert!(text.contains("accepted: https://HOST") && text.contains("[::1]"), "{text}");
    }

    #[test]
    fn a_path_follows_the_base_without_a_second_slash() {
        let base = ApiBase::parse("https://gateway.example/stripe/").unwrap();
        assert_eq!(base.at("/v1/balance").to_string(), "https://gateway.example/stripe/v1/balance");
    }
}
