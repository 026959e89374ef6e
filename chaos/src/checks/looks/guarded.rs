//! A payment is shown by a good link alone, for as long as that is good, and by no other's; no more of it than its
//! customer may know, and to be kept by nobody.
//!
//! Invariant: which links were given out, and until when, is known from whoever made them, not from the router.

use super::{Evidence, Verdict, found, judged};
use crate::units::counted;
use crate::world::{Link, Look};
use std::collections::BTreeMap;

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let mut findings = BTreeMap::new();
        let (mut forged, mut expired) = (0, 0);
        for look in &edge.looks {
            match look.link {
                Link::Forged => forged += 1,
                Link::Good { .. } if is_expired(look) => expired += 1,
                Link::Good { .. } => {}
            }
            if let Some(what) = wrong(look) {
                findings
                    .entry((look.payment.to_string(), what))
                    .or_insert_with(|| found(look, what.to_owned()));
            }
        }
        let refused = format!(
            "{} and {} showed nothing",
            counted(forged, "forged link"),
            counted(expired, "expired one")
        );
        (findings.into_values().collect(), refused)
    })
}

fn wrong(look: &Look) -> Option<&'static str> {
    let shows = look.said.payment.as_deref();
    if look.said.strange.is_some() {
        return Some("told more than its customer may know");
    }
    if shows.is_some() && look.may_be_kept {
        return Some("shown by an answer that a browser may keep");
    }
    let is_shown = shows.is_some() || (200..300).contains(&look.status);
    match look.link {
        Link::Forged if is_shown => Some("shown by a link that nobody gave out"),
        Link::Good { .. } if is_expired(look) && is_shown => Some("shown by a link that has expired"),
        Link::Forged | Link::Good { .. } => shows
            .is_some_and(|shown| *shown != *look.payment)
            .then_some("another payment was shown by its link"),
    }
}

/// At its last second a link is not good any more.
fn is_expired(look: &Look) -> bool {
    matches!(look.link, Link::Good { until_s } if look.at.0 >= until_s.saturating_mul(1_000))
}
