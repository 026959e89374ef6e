//! Nothing is in quarantine without a reason and without a mail.
//!
//! Invariant: every message in quarantine is looked at, whoever put it there.

use super::evidence::attribute;
use super::{Evidence, Finding, Verdict};
use crate::journal::Event;
use crate::units::counted;
use payments::UnixMs;
use payments::quarantine::{ORIGINAL, REASON};
use std::collections::BTreeMap;

/// From a message in quarantine to the mail about it. A quiet responder looks every fourth turn, the alarm is there a
/// little sooner, and there is no hurry: a payment in quarantine waits for office hours.
const NOTICE_MS_MAX: i64 = 360_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    let open = evidence.letters.open("quarantine", "cleared");
    let arrived: BTreeMap<&str, UnixMs> = history
        .records
        .iter()
        .filter_map(|record| {
            if let Event::Sent { queue, message, .. } = &record.event
                && *queue == history.names.quarantine
            {
                return Some((message.as_str(), record.at));
            }
            None
        })
        .collect();
    let held = history.held(&history.names.quarantine);
    let mut findings = Vec::new();
    for copy in held {
        let id = copy.content.id.as_str();
        let original = attribute(copy, ORIGINAL).unwrap_or(id);
        let mut find = |what: &str| {
            findings.push(Finding { subject: evidence.subject(original), what: what.to_owned() })
        };
        if attribute(copy, REASON).is_none_or(str::is_empty) {
            find("it is in quarantine without a reason");
        }
        let told = arrived.get(id).is_some_and(|at| {
            let mut spans = open.iter().filter(|(_, until)| until.is_none_or(|until| until >= *at));
            spans.any(|(from, _)| from.since_ms(*at) <= NOTICE_MS_MAX)
        });
        if !told && history.alerted.responder.is_some() {
            find("it is in quarantine, and no mail said so within six minutes");
        }
    }
    Verdict::from_findings(findings, || match held.len() {
        0 => "nothing is in quarantine".to_owned(),
        held => format!("{} in quarantine, each with a reason and a mail", counted(held as u64, "message")),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;

    fn found(reason: &str, told: bool) -> Vec<String> {
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
        assert_eq!(found("malformed", true), [""; 0]);
        assert_eq!(found("", true), ["it is in quarantine without a reason"]);
        assert_eq!(
            found("malformed", false),
            ["it is in quarantine, and no mail said so within six minutes"]
        );
    }
}
