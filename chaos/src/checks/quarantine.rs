//! Nothing is in quarantine without a reason and without a mail. Whether the first mail came in time is for another check:
//! it depends on who was well, and that a reason is there depends on nobody.
//!
//! A mail tells of what was there when it was sent. What comes later is told by the next: of a quarantine that is open
//! there is one a day at least.
//! Invariant: every message in quarantine is looked at, whoever put it there.

use super::evidence::attribute;
use super::{Evidence, Finding, Verdict};
use crate::cloud::sqs::Held;
use crate::journal::Event;
use crate::units::counted;
use payments::UnixMs;
use payments::limits::REMINDER_MS;
use payments::quarantine::{ORIGINAL, REASON};
use std::collections::BTreeMap;

/// From one mail about an open quarantine to the next: a day, and an hour for one that has trouble on its way.
const DAILY_MS_MAX: i64 = REMINDER_MS + 3_600_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let held = evidence.history.held(&evidence.history.names.quarantine);
    let unexplained = held.iter().filter(|copy| attribute(copy, REASON).is_none_or(str::is_empty));
    let unexplained = unexplained.map(|copy| found(evidence, copy, "it is in quarantine without a reason"));
    let silent = notices(evidence).into_iter().filter(|(_, took_ms)| took_ms.is_none());
    let silent = silent.map(|(copy, _)| found(evidence, copy, "it is in quarantine, and no mail said so"));
    let stale = untold_since(evidence).into_iter();
    let stale = stale.map(|copy| found(evidence, copy, "it is in quarantine, and no mail came since"));
    Verdict::from_findings(unexplained.chain(silent).chain(stale).collect(), || match held.len() {
        0 => "nothing is in quarantine".to_owned(),
        held => format!("{} in quarantine, each with a reason and a mail", counted(held as u64, "message")),
    })
}

/// What came to an open quarantine, and no mail about it has been sent for more than a day since.
fn untold_since<'h>(evidence: &Evidence<'h>) -> Vec<&'h Held> {
    let told: Vec<UnixMs> =
        evidence.letters.of_record("quarantine").filter_map(|letter| letter.published).collect();
    let arrived = arrived(evidence);
    let is_untold = |(copy, took_ms): &(&Held, Option<i64>)| {
        let at = took_ms.and_then(|_| arrived.get(copy.content.id.as_str()));
        at.is_some_and(|at| {
            let due = told.iter().filter(|told| *told < at).max().map(|last| last.plus_ms(DAILY_MS_MAX));
            !told.iter().any(|told| told >= at) && due.is_some_and(|due| due < evidence.history.ended)
        })
    };
    notices(evidence).into_iter().filter(is_untold).map(|(copy, _)| copy).collect()
}

/// Every message in quarantine, and how many ms passed until a mail said so, if one did. Empty where nobody tells.
pub(super) fn notices<'h>(evidence: &Evidence<'h>) -> Vec<(&'h Held, Option<i64>)> {
    let history = evidence.history;
    if history.alerted.responder.is_none() {
        return Vec::new();
    }
    let open = evidence.letters.open("quarantine", "cleared");
    let arrived = arrived(evidence);
    let told = |copy: &Held| {
        let at = *arrived.get(copy.content.id.as_str())?;
        let (from, _) = open.iter().find(|(_, until)| until.is_none_or(|until| until >= at))?;
        Some(from.since_ms(at).max(0))
    };
    history.held(&history.names.quarantine).iter().map(|copy| (copy, told(copy))).collect()
}

/// When each copy came.
fn arrived<'h>(evidence: &Evidence<'h>) -> BTreeMap<&'h str, UnixMs> {
    let history = evidence.history;
    let sent = history.records.iter().filter_map(|record| {
        if let Event::Sent { queue, message, .. } = &record.event
            && *queue == history.names.quarantine
        {
            return Some((message.as_str(), record.at));
        }
        None
    });
    sent.collect()
}

/// A finding about a message in quarantine, named for the message it is a copy of.
pub(super) fn found(evidence: &Evidence<'_>, copy: &Held, what: &str) -> Finding {
    let original = attribute(copy, ORIGINAL).unwrap_or(&copy.content.id);
    Finding { subject: evidence.subject(original), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;

    fn said(reason: &str, told: bool) -> Vec<String> {
        let mut tale = Tale::new();
        let message = tale.send("not json");
        tale.quarantine(&message, reason);
        if told {
            tale.tell("quarantine", "opened");
        }
        match check(&Evidence::of(&tale.told())) {
            Verdict::Fail(findings) => findings.into_iter().map(|finding| finding.what).collect(),
            Verdict::Pass(_) | Verdict::Inconclusive(_) => Vec::new(),
        }
    }

    #[test]
    fn quarantine_without_a_reason_or_without_a_mail_is_found() {
        assert_eq!(said("malformed", true), [""; 0]);
        assert_eq!(said("", true), ["it is in quarantine without a reason"]);
        assert_eq!(said("malformed", false), ["it is in quarantine, and no mail said so"]);
    }

    #[test]
    fn a_copy_that_comes_long_after_the_mail_is_told_by_the_next_one_of_the_day() {
        let later = |waited_ms: i64, next: bool| {
            let mut tale = Tale::new();
            let (first, second) = (tale.send("not json"), tale.send("no json either"));
            tale.quarantine(&first, "malformed");
            tale.tell("quarantine", "opened");
            tale.wait_ms(8 * 3_600_000);
            tale.quarantine(&second, "malformed");
            tale.wait_ms(waited_ms);
            if next {
                tale.tell("quarantine", "reminder");
            } else {
                tale.call("nobody", "probe", Some(200), None);
            }
            tale.found_by(check)
        };
        assert_eq!(later(60_000, false), [""; 0], "the next mail is not due yet");
        assert_eq!(later(DAILY_MS_MAX, true), [""; 0]);
        assert_eq!(later(DAILY_MS_MAX, false), ["it is in quarantine, and no mail came since"]);
    }
}
