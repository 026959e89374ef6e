//! People are told that it is resolved only when it is: Stripe answered when it was last asked, and no payment had been
//! under way for long. And they are told soon: the calm turns that it takes follow one another, whichever container
//! takes them.
//!
//! What is aside waits for a human and holds nothing up, so it does not count.
//! Invariant: what counts is what the journal shows of that instant, not what the responder saw of it.

use super::{Evidence, Finding, Subject, Verdict};
use crate::faults::Kind;
use crate::journal::{Event, FunctionEvent, Operation, StripeEvent, TableEvent};
use crate::units::{counted, duration_ms};
use payments::UnixMs;
use payments::limits::{AT_RISK_MS, CALM_TURNS, DELAYED_MS, FLAPPING_CALM_TURNS, TURN_S_MAX};
use std::collections::BTreeMap;

/// A payment that was first written down so long before is no news to the turn that says so: a turn looks at the ledger,
/// and has as long as a turn has to say what follows.
const OVERLOOKED_MS: i64 = AT_RISK_MS + TURN_S_MAX as i64 * 1_000;

/// From one turn to the next, ms.
const TURN_EVERY_MS: i64 = 60_000;
/// From the last thing that happened to the first turn that finds everything calm, ms: how long payments wait for their
/// first delivery is taken to be so until nobody has come through for that long; then comes the next turn, and may take
/// as long as a turn may.
const CALM_BY_MS: i64 = DELAYED_MS + TURN_EVERY_MS + TURN_S_MAX as i64 * 1_000;

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
    let findings = unwell.chain(waiting).chain(late(evidence)).collect();
    Verdict::from_findings(findings, || {
        format!("{}, each when nothing waited any more", counted(resolved.len() as u64, "incident"))
    })
}

/// What was said to be resolved although nothing had happened any more for longer than that takes.
fn late(evidence: &Evidence<'_>) -> Vec<Finding> {
    let events: Vec<UnixMs> = evidence
        .history
        .records
        .iter()
        .filter(|record| holds_up(&record.event))
        .map(|record| record.at)
        .collect();
    let (mut found, mut is_flapping) = (Vec::new(), false);
    for letter in evidence.letters.of_record("recovery").filter(|letter| !letter.restates) {
        is_flapping |= letter.tells == "flapping";
        if letter.tells != "resolved" {
            continue;
        }
        let turns = if std::mem::take(&mut is_flapping) { FLAPPING_CALM_TURNS } else { CALM_TURNS };
        let bound_ms = CALM_BY_MS + i64::from(turns) * TURN_EVERY_MS;
        let last = events.partition_point(|at| *at <= letter.decided).checked_sub(1).map(|last| events[last]);
        let waited_ms = letter.decided.since_ms(last.unwrap_or(evidence.history.began));
        if waited_ms > bound_ms {
            let waited = duration_ms(u64::try_from(waited_ms).unwrap_or(0));
            found.push(said(evidence, letter.decided, &format!("{waited} after anything had held it up")));
        }
    }
    found
}

/// Whether an incident may be open for longer because of that: whatever happens to messages, rows or calls, and whatever
/// goes wrong; not what turns, alarms and mails are about.
const fn holds_up(event: &Event) -> bool {
    match event {
        Event::Queue(_) | Event::MoveTask(_) | Event::Access(_) => true,
        // Who waits for an outcome holds up no payment.
        Event::Fault(fault) => !matches!(fault.fault, Kind::BusFailing),
        Event::Table(event) => matches!(event, TableEvent::LedgerWritten { .. }),
        Event::Stripe(StripeEvent::Called { operation: Operation::Probe, status, .. }) => {
            !matches!(status, Some(200))
        }
        Event::Stripe(_) => true,
        Event::Function(event) => matches!(
            event,
            FunctionEvent::Failed { .. }
                | FunctionEvent::Dropped { .. }
                | FunctionEvent::ContainerFailed { .. }
        ),
        Event::Topic(_) | Event::Alarm(_) | Event::Bus(_) | Event::Pipe(_) | Event::Edge(_) => false,
    }
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
    use crate::faults::{Kind, Window};
    use crate::journal::{FaultFired, StateValue};

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
            tale.wait_ms(2 * OVERLOOKED_MS);
            tale.tell("recovery", "resolved");
        });
        assert_eq!(settled, [""; 0]);
        let aside = found(|tale| {
            tale.write(ORDER, "intended");
            tale.row(ORDER).quarantine_message = Some("copy-1".to_owned());
            tale.wait_ms(2 * OVERLOOKED_MS);
            tale.tell("recovery", "resolved");
        });
        assert_eq!(aside, [""; 0]);
    }

    /// A payment that was charged, and its incident that ended so long after it.
    fn resolved_late(ms: i64, tell: impl FnOnce(&mut Tale)) -> usize {
        let found = found(|tale| {
            tale.tell("recovery", "opened");
            tell(tale);
            tale.charge_as_it_should(ORDER);
            tale.wait_ms(ms);
            tale.tell("recovery", "resolved");
        });
        assert!(found.iter().all(|what| what.ends_with("after anything had held it up")), "{found:?}");
        found.len()
    }

    #[test]
    fn an_incident_that_ends_long_after_the_last_of_its_payments_is_found() {
        let calm_ms = CALM_BY_MS + i64::from(CALM_TURNS) * TURN_EVERY_MS;
        assert_eq!(resolved_late(calm_ms - 1_000, |_| ()), 0);
        assert_eq!(resolved_late(calm_ms, |_| ()), 1);
        let flapping = |tale: &mut Tale| tale.tell("recovery", "flapping");
        assert_eq!(resolved_late(calm_ms, flapping), 0, "calm for an hour is what ends that");
        assert_eq!(resolved_late(CALM_BY_MS + i64::from(FLAPPING_CALM_TURNS) * TURN_EVERY_MS, flapping), 1);
    }

    #[test]
    fn what_goes_on_or_wrong_may_hold_an_incident_up_and_what_turns_do_may_not() {
        type Happens = fn(&mut Tale);
        let after = |happen: Happens| {
            let found = found(|tale| {
                tale.tell("recovery", "opened");
                tale.wait_ms(CALM_BY_MS * 9);
                happen(tale);
                tale.tell("recovery", "resolved");
            });
            found.len()
        };
        let fired = |tale: &mut Tale| {
            tale.fault(Kind::SnsFailing, Window { from_ms: 0, until_ms: 1_000 }, 1);
            tale.happen(FaultFired { fault: Kind::SnsFailing, placement: None, on: "Publish".to_owned() });
        };
        let busy: [(&str, Happens); 4] = [
            ("a message", |tale| _ = tale.send("{}")),
            ("a row", |tale| tale.write(ORDER, "received")),
            ("a call", |tale| tale.call(ORDER, Operation::Retrieve, Some(200), None)),
            ("a fault", fired),
        ];
        for (what, happen) in busy {
            assert_eq!(after(happen), 0, "{what}");
        }
        assert_eq!(
            after(|tale| tale.call("none", Operation::Probe, Some(200), None)),
            1,
            "a probe that is well"
        );
        assert_eq!(after(|tale| tale.alarm("SomethingIsUp", StateValue::Ok)), 1, "an alarm");
        assert_eq!(after(|tale| tale.tell("quarantine", "opened")), 1, "a mail");
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
