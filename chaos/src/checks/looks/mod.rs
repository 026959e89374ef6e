//! What people were told at the edge, held to the book, to the ledger and to their patience.
//!
//! Invariant: an answer is judged by what it says and by when its origin gave it, whoever passed it on; a run without an
//! edge passes and says so.

mod answered;
mod current;
mod guarded;
mod rows;
mod spared;
mod truth;

pub(super) use answered::check as are_answered;
pub(super) use current::check as are_current;
pub(super) use guarded::check as are_guarded;
pub(super) use spared::check as are_spared;
pub(super) use truth::check as are_true;

use super::{Evidence, Finding, Verdict};
use crate::faults::{Fault, Kind};
use crate::world::{EdgeHistory, Link, Look};
use payments::UnixMs;

/// How long after a fault its traces are still met, ms: an error is kept for a second, and a look that began in it is
/// answered when CloudFront's patience is over.
const AFTERMATH_MS: i64 = 5_000;

/// In which nobody behind the edge can say how a payment stands, or the edge not who may know.
const TROUBLES: [Kind; 6] = [
    Kind::StatusUnavailable,
    Kind::StatusHanging,
    Kind::StatusThrottled,
    Kind::KeysUnreadable,
    Kind::LedgerThrottled,
    Kind::LedgerLostAnswer,
];

/// The same of Lambda's, if they hit the status function.
const OF_LAMBDA: [Kind; 5] =
    [Kind::Crash, Kind::FunctionTimeout, Kind::OutOfMemory, Kind::SlowStart, Kind::FunctionThrottled];

/// What is told of a payment that ended.
const FINAL: [&str; 2] = ["paid", "declined"];

/// A payment, at one edge, in one form.
type At<'e> = (&'e str, usize, bool);

/// Where somebody looked.
fn place(look: &Look) -> At<'_> {
    (&look.payment, look.edge, look.is_page)
}

/// Judges what was seen at the edge, if there is one.
fn judged(evidence: &Evidence<'_>, judge: impl FnOnce(&EdgeHistory) -> (Vec<Finding>, String)) -> Verdict {
    let Some(edge) = &evidence.history.edge else { return Verdict::Pass("there is no edge".to_owned()) };
    let (findings, counted) = judge(edge);
    let is_visited = edge.looks.iter().any(|look| matches!(look.link, Link::Good { .. }));
    if findings.is_empty() && !is_visited {
        return Verdict::Inconclusive("nobody looked who may".to_owned());
    }
    Verdict::from_findings(findings, || counted)
}

/// The link of a payment that was handed in, or a guess at one.
fn found(look: &Look, what: String) -> Finding {
    Finding::payment(&look.payment, what)
}

/// Whether nobody behind the edge could say how a payment stands, or the edge itself could not tell who may know.
fn is_troubled(evidence: &Evidence<'_>, at: UnixMs) -> bool {
    is_hit(evidence, at, |fault| {
        let may_hit_status = fault.scope.operations.is_empty() || fault.scope.operations.contains("status");
        TROUBLES.contains(&fault.kind) || (may_hit_status && OF_LAMBDA.contains(&fault.kind))
    })
}

/// Whether such a fault, or its traces, could be met at this instant.
fn is_hit(evidence: &Evidence<'_>, at: UnixMs, is_such: impl Fn(&Fault) -> bool) -> bool {
    let history = evidence.history;
    history.experiment.faults.iter().filter(|fault| is_such(fault)).any(|fault| {
        let (from, until) = history.span(fault);
        at >= from && at.since_ms(until) < AFTERMATH_MS
    })
}

/// Whether caches made room in between.
fn is_evicted(evidence: &Evidence<'_>, from: UnixMs, until: UnixMs) -> bool {
    let history = evidence.history;
    let mut evictions = history.experiment.faults.iter().filter(|fault| fault.kind == Kind::CopiesEvicted);
    evictions.any(|fault| {
        let (begins, ends) = history.span(fault);
        begins <= until && from <= ends
    })
}

#[cfg(test)]
mod tests;
