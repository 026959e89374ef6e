//! People are told that it is resolved only when it is: Stripe answered when it was last asked, and no payment had been
//! under way for long.
//!
//! What is aside waits for a human and holds nothing up, so it does not count.
//! Invariant: what counts is what the journal shows of that instant, not what the responder saw of it.

use super::{Evidence, Finding, Subject, Verdict};
use crate::journal::{Event, TableEvent};
use crate::units::{counted, duration_ms};
use payments::UnixMs;
use payments::limits::{AT_RISK_MS, TURN_S_MAX};
use std::collections::BTreeMap;

/// A payment that was first written down so long before is no news to the turn that says so: a turn looks at the ledger,
/// and has as long as a turn has to say what follows.
const OVERLOOKED_MS: i64 = AT_RISK_MS + TURN_S_MAX as i64 * 1_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let letters = evidence.letters.of_record("recovery");
    let resolved: Vec<UnixMs> = letters
        .filter(|letter| letter.tells == "resolved" && !letter.restates)
        .map(|letter| letter.decided)
        .collect();
    let (probes, written) = (evidence.probes(), first_written(evidence));
    let unwell = resolved.iter().filter(|at| probes.range(..**at).next_back().is_some_and(|(_, well)| !well));
    let unwell = unwell.map(|at| said(evidence, *at, "although Stripe had just failed a probe"));
    let waiting = resolved.iter().filter_map(|at| waiting(evidence, &written, *at));
    let findings = unwell.chain(waiting).collect();
    Verdict::from_findings(findings, || {
        format!("{}, each when nothing waited any more", counted(resolved.len() as u64, "incident"))
    })
}

/// A payment that waited for all that.
fn waiting(evidence: &Evidence<'_>, written: &BTreeMap<&str, UnixMs>, at: UnixMs) -> Option<Finding> {
    let mut files = evidence.payments.iter().filter(|(id, file)| {
        let is_old = written.get(id.as_str()).is_some_and(|first| at.since_ms(*first) > OVERLOOKED_MS);
        let is_aside = file.row.is_some_and(|row| row.quarantine_message.is_some());
        is_old && !is_aside && file.settled.is_none_or(|settled| settled > at)
    });
    files.next().map(|(id, _)| Finding {
        subject: Subject::Payment(id.clone()),
        ..said(evidence, at, "while it waited")
    })
}

fn said(evidence: &Evidence<'_>, at: UnixMs, wrong: &str) -> Finding {
    let after = duration_ms(u64::try_from(at.since_ms(evidence.history.began)).unwrap_or(0));
    Finding::run(format!("it was said to be resolved, {after} after the beginning, {wrong}"))
}

/// When each row was first written.
fn first_written<'e>(evidence: &'e Evidence<'_>) -> BTreeMap<&'e str, UnixMs> {
    let mut first = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Table(TableEvent::LedgerWritten { payment, .. }) = &record.event {
            first.entry(payment.as_str()).or_insert(record.at);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;
    use crate::journal::Operation;

    fn found(tell: impl FnOnce(&mut Tale)) -> Vec<String> {
        let mut tale = Tale::new();
        tell(&mut tale);
        tale.found_by(check)
    }

    /// A payment that was first tried so long before its incident was said to be over.
    fn resolved_after(ms: i64) -> Vec<String> {
        found(|tale| {
            let message = tale.send(&body(ORDER, 1999));
            tale.receive(&message);
            tale.write(ORDER, "received");
            tale.wait_ms(ms);
            tale.tell("recovery", "resolved");
        })
    }

    #[test]
    fn a_payment_that_waited_when_it_was_said_to_be_over_is_found_unless_it_came_a_moment_ago() {
        let [what] = resolved_after(OVERLOOKED_MS).try_into().expect("one finding");
        assert!(what.ends_with("while it waited"), "{what}");
        assert_eq!(resolved_after(OVERLOOKED_MS - 1_000), [""; 0]);
    }

    #[test]
    fn what_was_settled_before_or_is_aside_is_nothing_that_waits() {
        let settled = found(|tale| {
            let message = tale.send(&body(ORDER, 1999));
            tale.receive(&message);
            tale.charge_as_it_should(ORDER);
            tale.wait_ms(10 * OVERLOOKED_MS);
            tale.tell("recovery", "resolved");
        });
        assert_eq!(settled, [""; 0]);
        let aside = found(|tale| {
            tale.write(ORDER, "intended");
            tale.row(ORDER).quarantine_message = Some("copy-1".to_owned());
            tale.wait_ms(10 * OVERLOOKED_MS);
            tale.tell("recovery", "resolved");
        });
        assert_eq!(aside, [""; 0]);
    }

    #[test]
    fn a_provider_that_had_just_failed_is_found_and_one_that_answered_since_is_not() {
        for (answers, findings) in [(&[Some(200), None][..], 1), (&[None, Some(200)], 0), (&[], 0)] {
            let found = found(|tale| {
                answers.iter().for_each(|status| tale.call("none", Operation::Probe, *status, None));
                tale.tell("recovery", "resolved");
            });
            assert_eq!(found.len(), findings, "{answers:?}: {found:?}");
        }
    }
}
