//! What stands in two places, because browsers, CloudFront and Lambda each enforce their part of it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use status::limits::{ANSWER_S, FINAL_S};

const TEMPLATE: &str = include_str!("../../../edge/template.yaml");

/// What stands between `<name>` and `</name>`, there being one of it.
fn inside<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("<{name}>")).expect("it begins");
    rest.split_once(&format!("</{name}>")).expect("it ends").0
}

/// A browser runs and shows nothing of a page whose digests the policy does not name
/// (<https://www.w3.org/TR/CSP3/#match-element-to-source-list>).
#[test]
fn the_policy_of_the_edge_lets_in_the_style_and_the_script_of_the_pages_and_nothing_else() {
    for page in [include_str!("../../../edge/page.html"), include_str!("../../../edge/trouble.html")] {
        for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
            let digest = BASE64_STANDARD.encode(Sha256::digest(inside(page, element)));
            let allowed = format!("{directive} 'sha256-{digest}'");
            assert!(TEMPLATE.contains(&allowed), "edge/template.yaml does not say {allowed}");
        }
        for inline in ["style=", "onclick=", "javascript:", "src=", "href="] {
            assert!(!page.contains(inline), "the policy does not let in {inline}");
        }
    }
}

#[test]
fn cloudfront_waits_and_keeps_for_as_long_as_the_function_takes_it_to() {
    for line in [
        format!("OriginReadTimeout: {ANSWER_S}"),
        format!("MaxTTL: {FINAL_S}"),
        "MinTTL: 0".to_owned(),
        "ConnectionAttempts: 1".to_owned(),
        "ConnectionTimeout: 1".to_owned(),
    ] {
        assert!(TEMPLATE.contains(&line), "edge/template.yaml does not say {line}");
    }
}
