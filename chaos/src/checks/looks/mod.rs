//! What people were told at the edge, held to the book, to the ledger and to their patience.
//!
//! Invariant: an answer is judged by what it says and by when its origin gave it, whoever passed it on; a run without an
//! edge passes and says so.

mod answered;
mod current;
mod guarded;
mod spared;
mod truth;

pub(super) use answered::check as are_answered;
pub(super) use current::check as are_current;
pub(super) use guarded::check as are_guarded;
pub(super) use spared::check as are_spared;
pub(super) use truth::check as are_true;

use super::{Evidence, Finding, Verdict};
use crate::faults::{Family, Kind};
use crate::world::{EdgeHistory, Look};
use payments::UnixMs;

/// How long after a fault its traces are still met, ms: an error is kept for a second, and a look that began in it is
/// answered when CloudFront's patience is over.
const AFTERMATH_MS: i64 = 5_000;

/// What is told of a payment that ended.
const FINAL: [&str; 2] = ["paid", "declined"];

/// Judges what was seen at the edge, if there is one.
fn judged(evidence: &Evidence<'_>, judge: impl FnOnce(&EdgeHistory) -> (Vec<Finding>, String)) -> Verdict {
    match &evidence.history.edge {
        None => Verdict::Pass("there is no edge".to_owned()),
        Some(edge) if edge.looks.is_empty() => Verdict::Inconclusive("nobody looked".to_owned()),
        Some(edge) => {
            let (findings, counted) = judge(edge);
            Verdict::from_findings(findings, || counted)
        }
    }
}

/// The link of a payment that was handed in, or a guess at one.
fn found(look: &Look, what: String) -> Finding {
    Finding::payment(&look.payment, what)
}

/// Whether something behind the edge, or at it, was in trouble then.
fn is_troubled(evidence: &Evidence<'_>, at: UnixMs) -> bool {
    is_hit(evidence, at, |kind| {
        matches!(kind.describe().family, Family::Edge | Family::Lambda) || kind == Kind::LedgerThrottled
    })
}

/// Whether a fault of such a kind, or its traces, could be met at this instant.
fn is_hit(evidence: &Evidence<'_>, at: UnixMs, is_such: impl Fn(Kind) -> bool) -> bool {
    let history = evidence.history;
    history.experiment.faults.iter().filter(|fault| is_such(fault.kind)).any(|fault| {
        let (from, until) = (history.instant(fault.window.from_ms), history.instant(fault.window.until_ms));
        at >= from && at.since_ms(until) < AFTERMATH_MS
    })
}

#[cfg(test)]
mod tests;
