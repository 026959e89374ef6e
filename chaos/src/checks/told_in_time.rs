//! Whoever must know is told in time: for every dead letter a mail that opens its incident is out, at the latest two
//! minutes after it came; and for what is in quarantine one that says so, six minutes after it filled, half an hour after
//! it held something new.
//!
//! A turn that a fault made come to nothing costs a minute more. A responder that cannot speak at all is reported by an
//! alarm that does without it, and its runbook tells where to look: then people know, too.
//! Invariant: a mail counts while its incident is open and the next one is not overdue; one about an incident that is over
//! tells nobody of the next, and one that says that it recovers tells nobody that several payments fail anew.

use super::mishaps::OTHERS_MIN;
use super::{Evidence, Finding, Verdict, quarantine};
use crate::faults::Kind;
use crate::journal::{AlarmChanged, Event, FaultFired, FunctionEvent, QueueEvent, StateValue};
use crate::units::duration_ms;
use payments::UnixMs;
use payments::limits::{FLAPPING_REMINDER_MS, REMINDER_MS};
use std::collections::{BTreeMap, BTreeSet};

/// From a dead letter to the mail about it: one turn of the responder, one publication, and one turn that is lost.
pub const MAIL_MS_MAX: i64 = 120_000;

/// From one turn of the responder to the next.
const TURN_MS: i64 = 60_000;
/// The alarm that reaches people without the responder, by the end of its name.
const RESPONDER_ALARM: &str = "ResponderFailing";
/// By how much a word that is due may be late.
const LATE_MS_MAX: i64 = 5 * TURN_MS;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    if evidence.history.alerted.responder.is_none() {
        return Verdict::Inconclusive("the template has nobody who tells".to_owned());
    }
    let words = Words::of(evidence);
    let (reported, lost) = (responder_reported(evidence), lost_turns(evidence));
    let mut slowest_ms = None;
    let mut silent = Vec::new();
    for (at, message) in dead_letters(evidence) {
        let known = words.known(at).map(|known| known.since_ms(at).max(0));
        let in_time = known.filter(|took_ms| {
            let until = at.plus_ms(*took_ms);
            let lost = lost.iter().filter(|turn| at.plus_ms(-TURN_MS) < **turn && **turn <= until).count();
            *took_ms <= MAIL_MS_MAX + TURN_MS * i64::try_from(lost.saturating_sub(1)).unwrap_or(i64::MAX)
        });
        let by_alarm = || first_known(&reported, at).map(|known| known.since_ms(at).max(0));
        match in_time.or_else(|| by_alarm().filter(|took_ms| *took_ms <= MAIL_MS_MAX)) {
            Some(took_ms) => slowest_ms = slowest_ms.max(Some(took_ms)),
            None => silent.push(finding(evidence, message)),
        }
    }
    silent.extend(silent_relapse(evidence));
    // One that was never noticed is not late: another check asks for it.
    let late = quarantine::notices(evidence).into_iter().filter(quarantine::Notice::is_late);
    silent.extend(
        late.map(|it| {
            quarantine::found(evidence, it.copy, "it is in quarantine, and no mail said so in time")
        }),
    );
    Verdict::from_findings(silent, || match slowest_ms {
        None => "there was nothing to tell".to_owned(),
        Some(0) => "people knew before the first dead letter came".to_owned(),
        Some(ms) => {
            format!("at most {} from a dead letter to the mail", duration_ms(u64::try_from(ms).unwrap_or(0)))
        }
    })
}

/// What was said of incidents, and when.
struct Words {
    /// From the mail that opened each to the one that closed it.
    open: Vec<(UnixMs, Option<UnixMs>)>,
    /// Each mail, and how long it is until the next one is due if nothing changes.
    said: BTreeMap<UnixMs, i64>,
}

impl Words {
    fn of(evidence: &Evidence<'_>) -> Self {
        let (mut said, mut every_ms) = (BTreeMap::new(), REMINDER_MS);
        for letter in evidence.letters.of_record("recovery") {
            every_ms = match letter.tells {
                "flapping" => FLAPPING_REMINDER_MS,
                "resolved" => REMINDER_MS,
                _ => every_ms,
            };
            said.extend(letter.published.map(|published| (published, every_ms)));
        }
        Self { open: evidence.letters.open("recovery", "resolved"), said }
    }

    /// When people knew of what came at `at`. While an incident is open they do as long as its last word still stands; of
    /// one that fell silent they know nothing until they hear of it again.
    fn known(&self, at: UnixMs) -> Option<UnixMs> {
        let opened = first_known(&self.open, at)?;
        let last = self.said.range(..=at).next_back();
        let is_fresh = |(said, every_ms): (&UnixMs, &i64)| at.since_ms(*said) <= every_ms + LATE_MS_MAX;
        if opened >= at || last.is_some_and(is_fresh) {
            return Some(opened);
        }
        self.said.range(at..).next().map(|(said, _)| *said)
    }
}

/// Payments that were first tried after people were told that it recovers, and dead-lettered before they were told
/// otherwise, although the probes before and behind found the provider failing; of one or two, each may have trouble of
/// its own.
fn silent_relapse(evidence: &Evidence<'_>) -> Option<Finding> {
    let (first_tried, probes) = (first_tried(evidence), evidence.probes());
    let is_down = |at: UnixMs| {
        probes.range(..at).next_back().is_some_and(|(_, answered)| !answered)
            && probes.range(at..).next().is_none_or(|(_, answered)| !answered)
    };
    let letters: Vec<_> = evidence.letters.of_record("recovery").collect();
    let recovers = letters.iter().enumerate().filter(|(_, letter)| letter.tells == "recovering");
    let silent = recovers.filter_map(|(nth, recovering)| {
        let next = letters.get(nth + 1).map_or(evidence.history.ended, |next| next.decided);
        let anew = dead_letters(evidence).filter(|(at, message)| {
            let is_in_it = recovering.decided < *at && at.plus_ms(MAIL_MS_MAX) < next;
            let is_payment = matches!(evidence.subject(message), super::Subject::Payment(_));
            is_in_it
                && is_down(*at)
                && is_payment
                && first_tried.get(message).is_some_and(|tried| *tried > recovering.decided)
        });
        let mut payments = BTreeSet::new();
        anew.map(|(_, message)| message).find(|message| {
            payments.insert(evidence.subject(message));
            payments.len() >= OTHERS_MIN
        })
    });
    silent
        .map(|message| Finding {
            subject: evidence.subject(message),
            what: "it was dead-lettered like others, and the last word was that it recovers".to_owned(),
        })
        .next()
}

/// When each message was first received from a queue under its id.
fn first_tried<'e>(evidence: &'e Evidence<'_>) -> BTreeMap<&'e str, UnixMs> {
    let mut first = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Queue(QueueEvent::Received { message, .. }) = &record.event {
            first.entry(message.as_str()).or_insert(record.at);
        }
    }
    first
}

/// The beginning of the first span that reaches to `at` or beyond.
fn first_known(spans: &[(UnixMs, Option<UnixMs>)], at: UnixMs) -> Option<UnixMs> {
    spans.iter().find(|(_, until)| until.is_none_or(|until| until >= at)).map(|(from, _)| *from)
}

/// While its alarm said so: `[from, until)`.
fn responder_reported(evidence: &Evidence<'_>) -> Vec<(UnixMs, Option<UnixMs>)> {
    let mut spans: Vec<(UnixMs, Option<UnixMs>)> = Vec::new();
    for record in &evidence.history.records {
        if let Event::Alarm(AlarmChanged { alarm, to, .. }) = &record.event
            && alarm.ends_with(RESPONDER_ALARM)
        {
            if let Some((_, until)) = spans.last_mut() {
                until.get_or_insert(record.at);
            }
            spans.extend((*to == StateValue::Alarm).then_some((record.at, None)));
        }
    }
    spans
}

/// When a turn came to nothing because of a fault: it was never woken, or it failed under a fault that fails turns.
fn lost_turns(evidence: &Evidence<'_>) -> Vec<UnixMs> {
    let history = evidence.history;
    let fails_turns = |kind: Kind| kind.ends_invocations() || kind.fails_calls_to_aws();
    let failing = history.faults.iter().any(|tally| tally.fired > 0 && fails_turns(tally.fault.kind));
    let mut turns: BTreeSet<&str> = BTreeSet::new();
    let mut lost = Vec::new();
    for record in &history.records {
        if let Event::Function(FunctionEvent::Invoked { function, request, .. }) = &record.event
            && Some(function) == history.alerted.responder.as_ref()
        {
            turns.insert(request);
        } else if let Event::Fault(FaultFired { fault: Kind::EventLost, .. }) = &record.event {
            lost.push(record.at);
        } else if let Event::Function(FunctionEvent::Failed { request, .. }) = &record.event
            && failing
            && turns.contains(request.as_str())
        {
            lost.push(record.at);
        }
    }
    lost
}

fn dead_letters<'e>(evidence: &'e Evidence<'_>) -> impl Iterator<Item = (UnixMs, &'e str)> {
    evidence.history.records.iter().filter_map(|record| {
        let Event::Queue(QueueEvent::DeadLettered { message, .. }) = &record.event else { return None };
        Some((record.at, message.as_str()))
    })
}

fn finding(evidence: &Evidence<'_>, message: &str) -> Finding {
    let what = "it was dead-lettered, and no mail said so within two minutes".to_owned();
    Finding { subject: evidence.subject(message), what }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Tale, body};
    use super::*;
    use crate::journal::Operation;

    fn told_after(ms: i64) -> Verdict {
        let mut tale = Tale::of_one_dead_letter();
        tale.wait_ms(ms);
        tale.tell("recovery", "opened");
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_dead_letter_nobody_was_told_of_is_found() {
        assert!(matches!(check(&Evidence::of(&Tale::of_one_dead_letter().told())), Verdict::Fail(_)));
    }

    #[test]
    fn a_mail_that_comes_late_is_found() {
        assert!(matches!(told_after(100_000), Verdict::Pass(_)));
        assert!(matches!(told_after(MAIL_MS_MAX), Verdict::Fail(_)));
    }

    #[test]
    fn a_second_lost_event_costs_a_minute_and_no_more() {
        let told_after = |ms: i64, lost: usize| {
            let mut tale = Tale::of_one_dead_letter();
            for _ in 0..lost {
                let (fault, on) = (Kind::EventLost, "schedule turn".to_owned());
                tale.happen(FaultFired { fault, placement: None, on });
            }
            tale.wait_ms(ms);
            tale.tell("recovery", "opened");
            matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_))
        };
        assert_eq!([told_after(150_000, 1), told_after(150_000, 2)], [false, true]);
        assert!(!told_after(MAIL_MS_MAX + TURN_MS, 2));
    }

    /// An incident is open, this is the last word about it, and so long after something is dead-lettered.
    fn last_word(tells: &[&str], ms: i64, then: impl FnOnce(&mut Tale)) -> Verdict {
        let mut tale = Tale::new();
        tells.iter().for_each(|tells| tale.tell("recovery", tells));
        tale.wait_ms(ms);
        let message = tale.send("PYMT_FAILED");
        tale.dead_letter(&message);
        then(&mut tale);
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn an_open_incident_of_which_nothing_is_heard_for_long_tells_nobody_of_what_comes() {
        let hours_ms = 8 * 3_600_000;
        assert!(matches!(last_word(&["opened"], hours_ms, |_| ()), Verdict::Pass(_)));
        assert!(matches!(last_word(&["opened"], 4 * hours_ms, |_| ()), Verdict::Fail(_)), "no reminder");
        let reminded = |tale: &mut Tale| tale.tell("recovery", "reminder");
        assert!(matches!(last_word(&["opened"], 4 * hours_ms, reminded), Verdict::Pass(_)));
        assert!(matches!(last_word(&["opened", "flapping"], hours_ms, |_| ()), Verdict::Fail(_)));
    }

    /// So many payments are first tried, and dead-lettered, after people were told that it recovers.
    fn anew(payments: usize, then: impl FnOnce(&mut Tale)) -> Verdict {
        let mut tale = Tale::new();
        tale.tell("recovery", "opened");
        tale.tell("recovery", "recovering");
        for n in 0..payments {
            let message = tale.send(&body(&format!("order-{n}"), 1_999));
            tale.receive(&message);
            tale.call(&format!("order-{n}"), Operation::Probe, Some(503), None);
            tale.dead_letter(&message);
        }
        then(&mut tale);
        tale.wait_ms(MAIL_MS_MAX);
        tale.tell("recovery", "resolved");
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn payments_that_fail_anew_while_the_last_word_is_that_it_recovers_are_found() {
        assert!(matches!(anew(OTHERS_MIN, |_| ()), Verdict::Fail(_)));
        assert!(matches!(anew(OTHERS_MIN - 1, |_| ()), Verdict::Pass(_)), "each may have trouble of its own");
        assert!(matches!(
            anew(OTHERS_MIN, |tale| tale.tell("recovery", "back_to_waiting")),
            Verdict::Pass(_)
        ));
        let well = |tale: &mut Tale| tale.call("order-0", Operation::Probe, Some(200), None);
        assert!(matches!(anew(OTHERS_MIN, well), Verdict::Pass(_)), "the next probe finds it well");
    }

    #[test]
    fn a_responder_reported_as_failing_cannot_tell_and_people_know_why() {
        let mut tale = Tale::new();
        tale.alarm("ResponderFailing", StateValue::Alarm);
        let message = tale.send("PYMT_FAILED");
        tale.dead_letter(&message);
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
        let mut tale = Tale::new();
        tale.alarm("ResponderFailing", StateValue::Alarm);
        tale.alarm("ResponderFailing", StateValue::Ok);
        let message = tale.send("PYMT_FAILED");
        tale.dead_letter(&message);
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_)));
    }

    #[test]
    fn quarantine_that_is_told_of_late_is_found() {
        use super::quarantine::NOTICE_MS_MAX;
        let told_after = |ms| {
            let mut tale = Tale::new();
            let message = tale.send("not json");
            tale.quarantine(&message, "malformed");
            tale.wait_ms(ms);
            tale.tell("quarantine", "opened");
            check(&Evidence::of(&tale.told()))
        };
        assert!(matches!(told_after(NOTICE_MS_MAX - 5_000), Verdict::Pass(_)));
        assert!(matches!(told_after(NOTICE_MS_MAX), Verdict::Fail(_)));
    }

    #[test]
    fn a_mail_about_an_incident_that_is_over_tells_nobody_of_the_next() {
        let mut tale = Tale::new();
        tale.tell("recovery", "opened");
        tale.tell("recovery", "resolved");
        let message = tale.send("PYMT_FAILED");
        tale.dead_letter(&message);
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_)));
    }
}
