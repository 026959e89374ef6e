//! A payment is shown by a good link alone, for as long as that is good, and by no other's; no more of it than its
//! customer may know, and to be kept by nobody.
//!
//! Invariant: which links were given out, and until when, is known from whoever made them, not from the router.

use super::{Evidence, Finding, Verdict, found, is_hit, judged};
use crate::faults::Kind;
use crate::units::counted;
use crate::world::{Link, Look, Receipt};
use std::collections::BTreeMap;

/// For how long the link of a receipt is good at most, s.
const RECEIPT_LIFE_S: i64 = 30 * 86_400;

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let mut findings = BTreeMap::new();
        let (mut forged, mut expired) = (0, 0);
        for look in &edge.looks {
            match look.link {
                Link::Forged => forged += 1,
                Link::Good { .. } if !look.link.is_good(look.at) => expired += 1,
                Link::Good { .. } => {}
            }
            if let Some(what) = wrong(look) {
                findings
                    .entry((look.payment.to_string(), what))
                    .or_insert_with(|| found(look, what.to_owned()));
            }
        }
        for receipt in &edge.receipts {
            if let Some(what) = wrong_receipt(evidence, receipt) {
                findings.insert((receipt.payment.clone(), what), Finding::payment(&receipt.payment, what));
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
    if look.unguarded.is_some() {
        return Some("answered without a header that guards its reader");
    }
    if shows.is_some() && look.may_be_kept {
        return Some("shown by an answer that a browser may keep");
    }
    let is_shown = shows.is_some() || (200..300).contains(&look.status);
    match look.link {
        Link::Forged if is_shown => Some("shown by a link that nobody gave out"),
        Link::Good { .. } if is_shown && !look.link.is_good(look.at) => {
            Some("shown by a link that has expired")
        }
        Link::Forged | Link::Good { .. } => shows
            .is_some_and(|shown| *shown != *look.payment)
            .then_some("another payment was shown by its link"),
    }
}

/// What is wrong with a receipt: it has a link to its payment, for a month.
fn wrong_receipt(evidence: &Evidence<'_>, receipt: &Receipt) -> Option<&'static str> {
    let Some(link) = &receipt.link else {
        let excused = is_hit(evidence, receipt.at, |fault| fault.kind == Kind::KeysUnreadable);
        return (!excused).then_some("taken, and no link was given");
    };
    let mut parts = link.trim_start_matches("/p/").split('.');
    let (payment, until_s) = (parts.next(), parts.next().and_then(|until_s| until_s.parse::<i64>().ok()));
    if payment != Some(receipt.payment.as_str()) {
        return Some("taken, and the link of another was given");
    }
    let latest_s = receipt.at.0.div_euclid(1_000) + RECEIPT_LIFE_S;
    until_s
        .is_none_or(|until_s| until_s > latest_s)
        .then_some("taken, and the link lives for longer than a month")
}
