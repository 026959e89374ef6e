//! Everybody is answered within a second, and not with an error while nothing behind the edge is in trouble.
//!
//! Who has no copy to give while the origin is silent can but wait until its patience is over, and says then that it
//! cannot look, and what is certain all the same. Invariant: who has a copy gives it at once, however long the trouble.

use super::{AFTERMATH_MS, Evidence, Verdict, found, is_hit, is_troubled, judged};
use crate::faults::Kind;
use crate::units::counted;
use crate::world::{EdgeHistory, Link, Look};
use std::collections::BTreeMap;

/// The longest that anybody waits, ms.
pub(super) const WAITED_MS_MAX: i64 = 1_000;
/// The same where nobody has anything to give: a second to connect, two to answer, and the way.
const GIVEN_UP_MS_MAX: i64 = 4_000;
/// What is certain, whatever cannot be looked up.
const CERTAIN: &str = "charged twice";

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let mut findings = BTreeMap::new();
        for look in &edge.looks {
            if let Some(what) = wrong(evidence, look) {
                findings.entry(look.payment.to_string()).or_insert_with(|| found(look, what));
            }
        }
        (findings.into_values().collect(), told(edge))
    })
}

fn wrong(evidence: &Evidence<'_>, look: &Look) -> Option<String> {
    let waited_ms = look.answered.since_ms(look.at);
    let is_error = look.status >= 500 || look.status == 429;
    if waited_ms > if is_error { GIVEN_UP_MS_MAX } else { WAITED_MS_MAX } {
        return Some(format!("somebody waited {waited_ms} ms"));
    }
    if is_error && !is_troubled(evidence, look.at) {
        return Some(format!("answered with {} while nothing was wrong", look.status));
    }
    // No page can stand in the place of a 429.
    if look.status >= 500 && !look.said.text.contains(CERTAIN) {
        return Some(format!("answered with {}, and not with what is certain all the same", look.status));
    }
    let is_good = matches!(look.link, Link::Good { until_s } if look.at.0 < until_s.saturating_mul(1_000));
    let keys_lost = || is_hit(evidence, look.at, |kind| kind == Kind::KeysUnreadable);
    (is_good && look.said.state == "no_link" && !keys_lost()).then(|| "a good link was refused".to_owned())
}

/// How long they waited.
fn told(edge: &EdgeHistory) -> String {
    let slowest_ms = edge.looks.iter().map(|look| look.answered.since_ms(look.at)).max().unwrap_or(0);
    format!("{}, the slowest after {slowest_ms} ms", counted(edge.looks.len() as u64, "look"))
}

/// What a look may have been held up by that ended so long ago is not what held it up.
const _: () = assert!(GIVEN_UP_MS_MAX < AFTERMATH_MS);
