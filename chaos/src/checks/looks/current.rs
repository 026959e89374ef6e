//! Whoever looks again and again hears soon how it ended.
//!
//! A stale copy is given at once and asked for anew behind it, by each cache on the way: whoever comes first after hours is
//! told how it stood then, and by the sixth look all caches have heard.
//! Invariant: nothing that was in trouble is held against a cache.

use super::rows::Rows;
use super::{At, Evidence, FINAL, Verdict, found, is_troubled, judged, place};
use crate::units::{counted, duration_ms};
use crate::world::Look;
use payments::UnixMs;
use std::collections::BTreeMap;

/// Looks that may still be told how it stood before: one for each cache on the way, the origin's answer, and one to spare.
const LOOKS_MAX: u32 = 5;
/// Looks that are this far apart count as two, ms: what was asked for has come by then.
const APART_MS: i64 = 1_000;

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let settled = Rows::of(evidence).ended();
        let mut seen: BTreeMap<At<'_>, (u32, UnixMs)> = BTreeMap::new();
        let mut findings = BTreeMap::new();
        let mut late_ms_max = 0;
        for look in edge.looks.iter().filter(|look| tells(look)) {
            let Some(at) = settled.get(look.payment.as_ref()).filter(|at| look.at >= **at) else { continue };
            let (looks, last) = seen.entry(place(look)).or_insert((0, *at));
            if look.at.since_ms(*last) < APART_MS {
                continue;
            }
            if is_troubled(evidence, look.at) {
                *looks = 0;
                continue;
            }
            (*looks, *last) = (*looks + 1, look.at);
            if FINAL.contains(&look.said.state.as_str()) {
                continue;
            }
            let late_ms = look.at.since_ms(*at);
            late_ms_max = late_ms.max(late_ms_max);
            if *looks > LOOKS_MAX {
                findings
                    .entry(look.payment.to_string())
                    .or_insert_with(|| found(look, late(look, *looks, late_ms)));
            }
        }
        let latest = duration_ms(u64::try_from(late_ms_max).unwrap_or(0));
        let payments = counted(settled.len() as u64, "settled payment");
        (findings.into_values().collect(), format!("{payments}; told otherwise {latest} later at most"))
    })
}

/// Whether it says how a payment stands, be it that there is none.
fn tells(look: &Look) -> bool {
    !matches!(look.said.state.as_str(), "" | "no_link" | "unavailable")
}

fn late(look: &Look, looks: u32, late_ms: i64) -> String {
    let late = duration_ms(u64::try_from(late_ms).unwrap_or(0));
    format!("told that it is {} at the {looks}th look, {late} after it had ended", look.said.state)
}
