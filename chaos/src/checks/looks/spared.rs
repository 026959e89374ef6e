//! However many look, the ledger is read once in a while for each payment and form.
//!
//! Invariant: a read is one that the origin was asked for, as the journal has it.

use super::{Evidence, Finding, Verdict, is_hit, judged};
use crate::faults::Kind;
use crate::journal::{EdgeEvent, Event};
use crate::units::counted;
use payments::UnixMs;
use std::collections::BTreeMap;

/// Two reads of the same are at least this far apart, ms: an answer is kept for a second at least, less the way that two
/// questions may differ by.
const APART_MS: i64 = 800;
/// The paths that the status function answers.
const PATHS: [&str; 2] = ["/json/", "/page/"];

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let reads = reads(evidence);
        let mut findings = Vec::new();
        for (path, times) in &reads {
            let is_free = |at: UnixMs| {
                !is_hit(evidence, at, |kind| matches!(kind, Kind::CopiesEvicted | Kind::StatusThrottled))
            };
            let soon =
                times.windows(2).filter(|pair| pair[1].since_ms(pair[0]) < APART_MS && is_free(pair[1]));
            let soon = soon.count() as u64;
            if soon > 0 {
                let payment = path.rsplit('/').next().unwrap_or_default();
                let all = counted(times.len() as u64, "time");
                findings.push(Finding::payment(
                    payment,
                    format!("read {all}, {soon} of them too soon after another"),
                ));
            }
        }
        let read: usize = reads.values().map(Vec::len).sum();
        let most = reads.values().map(Vec::len).max().unwrap_or(0);
        let looks = counted(edge.looks.len() as u64, "look");
        (findings, format!("{looks}, {}; of one path {most} at most", counted(read as u64, "read")))
    })
}

/// When each path was asked of the origin.
fn reads<'e>(evidence: &Evidence<'e>) -> BTreeMap<&'e str, Vec<UnixMs>> {
    let mut reads: BTreeMap<&str, Vec<UnixMs>> = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Edge(EdgeEvent::OriginAsked { path, ms, .. }) = &record.event
            && PATHS.iter().any(|prefix| path.starts_with(prefix))
        {
            reads.entry(path).or_default().push(record.at.plus_ms(-*ms));
        }
    }
    reads.values_mut().for_each(|times| times.sort_unstable());
    reads
}
