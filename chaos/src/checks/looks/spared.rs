//! However many look, the ledger is read once in a while for each payment and form, and no more once it is known how it
//! ended.
//!
//! Invariant: a read is one that the origin was asked for, as the journal has it; what caches lost is nobody's fault.

use super::{Evidence, FINAL, Finding, Verdict, is_evicted, judged};
use crate::journal::Event;
use crate::units::counted;
use crate::world::EdgeHistory;
use payments::UnixMs;
use std::collections::BTreeMap;

/// From one answer to the next question, ms: an answer that may change is fresh for two seconds, an error is kept for one.
const FRESH_MS: i64 = 2_000;
const ERROR_MS: i64 = 1_000;
/// For how long it is not asked again how a payment ended, ms.
const FINAL_MS: i64 = 86_400_000;

/// A question, from when until when, and its status.
type Read = (UnixMs, UnixMs, u16);

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let (reads, ended) = (reads(evidence), ended(edge));
        let mut findings = Vec::new();
        for (path, reads) in &reads {
            let pairs = reads
                .windows(2)
                .filter(|pair| is_soon(pair[0], pair[1]) && !is_evicted(evidence, pair[0].0, pair[1].0));
            let (soon, all) = (pairs.count() as u64, counted(reads.len() as u64, "time"));
            let end = ended.get(*path);
            let again = reads.iter().filter(|(at, ..)| {
                end.is_some_and(|end| {
                    at > end && at.since_ms(*end) < FINAL_MS && !is_evicted(evidence, *end, *at)
                })
            });
            let again = again.count() as u64;
            let payment = path.rsplit('/').next().unwrap_or_default();
            if soon > 0 {
                findings.push(Finding::payment(
                    payment,
                    format!("read {all}, {soon} of them too soon after another"),
                ));
            }
            if again > 0 {
                findings.push(Finding::payment(
                    payment,
                    format!("read {all}, {again} of them when it had ended"),
                ));
            }
        }
        let all: usize = reads.values().map(Vec::len).sum();
        let most = reads.values().map(Vec::len).max().unwrap_or(0);
        let looks = counted(edge.looks.len() as u64, "look");
        (findings, format!("{looks}, {}; of one path {most} at most", counted(all as u64, "read")))
    })
}

fn is_soon((_, answered, status): Read, (next, ..): Read) -> bool {
    match status {
        // Nobody keeps it.
        429 => false,
        200 | 304 => next.since_ms(answered) < FRESH_MS,
        _ => next.since_ms(answered) < ERROR_MS,
    }
}

/// What was asked of the origin for each path, in order.
fn reads<'e>(evidence: &Evidence<'e>) -> BTreeMap<&'e str, Vec<Read>> {
    let mut reads: BTreeMap<&str, Vec<Read>> = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Edge(event) = &record.event
            && let Some((from, path, status)) = event.asked_how_a_payment_stands(record.at)
        {
            reads.entry(path).or_default().push((from, record.at, status));
        }
    }
    reads.values_mut().for_each(|reads| reads.sort_unstable());
    reads
}

/// When the origin first said, under each path, how it ended.
fn ended(edge: &EdgeHistory) -> BTreeMap<String, UnixMs> {
    let mut ended = BTreeMap::new();
    for look in edge.looks.iter().filter(|look| FINAL.contains(&look.said.state.as_str())) {
        let form = if look.said.is_page { "page" } else { "json" };
        let first: &mut UnixMs = ended.entry(format!("/{form}/{}", look.payment)).or_insert(look.given_at);
        *first = look.given_at.min(*first);
    }
    ended
}
