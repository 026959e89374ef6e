//! Everybody is answered within a second, and not with an error while nothing behind the edge is in trouble.
//!
//! Who has no copy to give while the origin is silent can but wait until its patience is over, and says then that it
//! cannot look, and what is certain all the same. Invariant: who has a copy gives it at once, however long the trouble.

use super::{AFTERMATH_MS, At, Evidence, Verdict, found, is_evicted, is_troubled, judged, place};
use crate::journal::Source;
use crate::units::counted;
use crate::world::{EdgeHistory, Look};
use payments::UnixMs;
use std::collections::BTreeMap;

/// The longest that anybody waits, ms.
const WAITED_MS_MAX: i64 = 1_000;
/// The same where nobody has anything to give: a second to connect, two to answer, and the way.
const GIVEN_UP_MS_MAX: i64 = 4_000;
/// For how long an answer stands in for one that cannot be had, ms: a day, as the status function says.
const COPY_MS: i64 = 86_400_000;
/// What is certain, whatever cannot be looked up.
const CERTAIN: &str = "charged twice";

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let mut findings = BTreeMap::new();
        let mut copies: BTreeMap<At<'_>, UnixMs> = BTreeMap::new();
        for look in &edge.looks {
            let copy =
                copies.get(&place(look)).copied().filter(|given_at| look.at.since_ms(*given_at) < COPY_MS);
            if let Some(what) = wrong(evidence, look, copy) {
                findings.entry(look.payment.to_string()).or_insert_with(|| found(look, what));
            }
            if look.status == 200 {
                copies.insert(place(look), look.given_at);
            }
        }
        (findings.into_values().collect(), told(edge))
    })
}

/// What is wrong with a look at an edge that has an answer from then, if it has one.
fn wrong(evidence: &Evidence<'_>, look: &Look, copy: Option<UnixMs>) -> Option<String> {
    let waited_ms = look.answered.since_ms(look.at);
    let is_error = look.status >= 500 || look.status == 429;
    if waited_ms > if is_error { GIVEN_UP_MS_MAX } else { WAITED_MS_MAX } {
        return Some(format!("somebody waited {waited_ms} ms"));
    }
    if is_error && !is_troubled(evidence, look.at) {
        return Some(format!("answered with {} while nothing was wrong", look.status));
    }
    // What the router answers by itself no copy stands in for; and a copy may be gone, to make room.
    let had_copy = look.from != Source::Function
        && copy.is_some_and(|given_at| !is_evicted(evidence, given_at, look.at));
    if is_error && had_copy {
        return Some(format!("answered with {} where there was an answer of before", look.status));
    }
    // No page can stand in the place of a 429.
    if look.status >= 500 && !look.said.text.contains(CERTAIN) {
        return Some(format!("answered with {}, and not with what is certain all the same", look.status));
    }
    (look.link.is_good(look.at) && look.said.state == "no_link").then(|| "a good link was refused".to_owned())
}

/// How long they waited.
fn told(edge: &EdgeHistory) -> String {
    let slowest_ms = edge.looks.iter().map(|look| look.answered.since_ms(look.at)).max().unwrap_or(0);
    format!("{}, the slowest after {slowest_ms} ms", counted(edge.looks.len() as u64, "look"))
}

/// What a look may have been held up by that ended so long ago is not what held it up.
const _: () = assert!(GIVEN_UP_MS_MAX < AFTERMATH_MS);
