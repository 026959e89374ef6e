//! Requests and responses, as far as CloudFront looks at them.
//!
//! Invariant: names of headers are in lower case.

use std::collections::BTreeMap;

/// Headers, by name in lower case.
pub type Headers = BTreeMap<String, String>;

/// A request, of a viewer or to an origin. Neither has a query: the router takes it away, and nobody here sends one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, for example.
    pub method: String,
    /// Path, from its slash on.
    pub path: String,
    /// Headers.
    pub headers: Headers,
    /// Body.
    pub body: String,
}

/// A response, of an origin or to a viewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: Headers,
    /// Body.
    pub body: String,
}

/// What `Cache-Control` says to a cache that is shared, s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Directives {
    /// `s-maxage`, or else `max-age`.
    pub(super) max_age_s: Option<u64>,
    /// `stale-while-revalidate`.
    pub(super) while_revalidate_s: u64,
    /// `stale-if-error`.
    pub(super) if_error_s: Option<u64>,
    /// `no-store`, `no-cache` or `private`.
    pub(super) is_private: bool,
}

impl Request {
    /// One without headers and body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// The same, with this header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Whether an answer to it may be kept.
    pub(super) fn is_cacheable(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

impl Response {
    /// One that CloudFront or an origin makes up, with a line of text.
    pub(super) fn text(status: u16, text: &str) -> Self {
        let headers = [("content-type".to_owned(), "text/plain".to_owned())].into();
        Self { status, headers, body: text.to_owned() }
    }

    /// Whether the origin failed, or could not be reached.
    pub(super) const fn is_failure(&self) -> bool {
        self.status >= 500
    }

    pub(super) fn directives(&self) -> Directives {
        let mut directives = Directives::default();
        let (mut own_max_age_s, mut must_be_asked) = (None, false);
        for directive in self.headers.get("cache-control").map_or("", String::as_str).split(',') {
            let (name, value) = directive.trim().split_once('=').unwrap_or((directive.trim(), ""));
            let seconds = value.trim_matches('"').parse().ok();
            match name.to_ascii_lowercase().as_str() {
                "s-maxage" => directives.max_age_s = seconds,
                "max-age" => own_max_age_s = seconds,
                "stale-while-revalidate" => directives.while_revalidate_s = seconds.unwrap_or(0),
                "stale-if-error" => directives.if_error_s = seconds,
                "no-store" | "no-cache" | "private" => directives.is_private = true,
                "must-revalidate" | "proxy-revalidate" => must_be_asked = true,
                _ => {}
            }
        }
        directives.max_age_s = directives.max_age_s.or(own_max_age_s);
        // https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.2
        if must_be_asked {
            (directives.while_revalidate_s, directives.if_error_s) = (0, Some(0));
        }
        directives
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directives(text: &str) -> Directives {
        let headers = [("cache-control".to_owned(), text.to_owned())].into();
        Response { status: 200, headers, body: String::new() }.directives()
    }

    #[test]
    fn a_shared_cache_is_told_by_s_maxage_before_max_age() {
        let both = Directives { max_age_s: Some(2), ..Directives::default() };
        assert_eq!(directives("public, max-age=0, s-maxage=2"), both);
        assert_eq!(directives("S-MaxAge=2,max-age=9"), both);
        assert_eq!(directives("max-age=2"), both);
        assert_eq!(directives("public"), Directives::default());
        let stale = Directives { while_revalidate_s: 7, if_error_s: Some(8), ..both };
        assert_eq!(directives("s-maxage=2, stale-while-revalidate=7, stale-if-error=8"), stale);
        let asked = Directives { if_error_s: Some(0), ..both };
        assert_eq!(directives("s-maxage=2, stale-while-revalidate=7, must-revalidate"), asked);
        for private in ["no-store", "no-cache", "private"] {
            assert!(directives(private).is_private, "{private}");
        }
    }
}
