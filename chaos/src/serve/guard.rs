//! Who may ask on loopback: programs of this machine, and pages that were served here.
//!
//! Any web page that is open in a browser on this machine can send a request to a port of it, and a name that somebody else
//! owns can be made to lead here. A browser says who asks, in `Origin` and `Sec-Fetch-Site`, and by which name, in `Host`;
//! what is no browser says neither of the first two.
//! <https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site>
//! Invariant: what a foreign page asks for changes nothing, and a foreign name is told nothing.

use super::said;
use axum::body::Body;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode, header};
use std::net::IpAddr;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The refusal of a request that no program of this machine and no page of ours makes; `None` when it is welcome.
pub(crate) fn refused(method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
    let line = by_foreign_name(headers).or_else(|| by_foreign_page(method, headers))?;
    Some(said::refused(StatusCode::FORBIDDEN, &line))
}

/// An address is nobody's to lead elsewhere, and `localhost` is this machine's.
fn by_foreign_name(headers: &HeaderMap) -> Option<String> {
    let host = text(headers, &header::HOST)?;
    let is_ours = host.parse::<Authority>().is_ok_and(|authority| {
        let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
    });
    (!is_ours).then(|| format!("Host {host}; accepted: localhost, or an IP address of this machine"))
}

fn by_foreign_page(method: &Method, headers: &HeaderMap) -> Option<String> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let site = text(headers, &SEC_FETCH_SITE);
    if let Some(site) = site.filter(|site| !matches!(*site, "same-origin" | "none")) {
        return Some(format!(
            "Sec-Fetch-Site {site}; accepted: same-origin, or a program that is no browser"
        ));
    }
    let origin = text(headers, &header::ORIGIN)?;
    let is_ours = text(headers, &header::HOST).is_some_and(|host| origin == format!("http://{host}"));
    (!is_ours).then(|| format!("Origin {origin}; accepted: this server's own, or none"))
}

/// A header as text; what is no text is nobody's of ours.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("that is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn status(method: Method, headers: &[(&'static str, &'static str)]) -> Option<StatusCode> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        refused(&method, &headers.collect()).map(|response| response.status())
    }

    #[test]
    fn programs_and_our_own_pages_are_welcome() {
        for host in ["127.0.0.1:12110", "localhost:12110", "LocalHost", "[::1]:12110", "10.0.0.7:1"] {
            assert_eq!(status(Method::POST, &[("host", host)]), None, "{host}");
        }
        assert_eq!(status(Method::POST, &[]), None, "no name at all");
        let own =
            [("host", "localhost:1"), ("origin", "http://localhost:1"), ("sec-fetch-site", "same-origin")];
        assert_eq!(status(Method::DELETE, &own), None);
    }

    #[test]
    fn a_foreign_page_changes_nothing_and_may_still_lead_here() {
        for foreign in [
            ("origin", "https://example.com"),
            ("origin", "null"),
            ("origin", "http://localhost:2"),
            ("origin", "https://localhost:1"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let headers = [("host", "localhost:1"), foreign];
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
                assert_eq!(status(method, &headers), Some(StatusCode::FORBIDDEN), "{foreign:?}");
            }
            assert_eq!(status(Method::GET, &headers), None, "a link to the page");
        }
    }

    #[test]
    fn a_name_that_somebody_else_owns_is_told_nothing() {
        for host in ["example.com", "127.0.0.1.example.com:1", "localhost.example.com", "", "a b"] {
            assert_eq!(status(Method::GET, &[("host", host)]), Some(StatusCode::FORBIDDEN), "{host}");
        }
    }
}
