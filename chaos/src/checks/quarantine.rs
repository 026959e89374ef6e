//! Nothing is in quarantine without a reason and without a mail. Whether the mail came in time is for another check: it
//! depends on who was well, and that a reason is there depends on nobody.
//!
//! Invariant: every message in quarantine is looked at, whoever put it there.

use super::evidence::attribute;
use super::{Evidence, Finding, Verdict};
use crate::cloud::sqs::Held;
use crate::journal::Event;
use crate::units::counted;
use payments::UnixMs;
use payments::quarantine::{ORIGINAL, REASON};
use std::collections::BTreeMap;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let held = evidence.history.held(&evidence.history.names.quarantine);
    let unexplained = held.iter().filter(|copy| attribute(copy, REASON).is_none_or(str::is_empty));
    let unexplained = unexplained.map(|copy| found(evidence, copy, "it is in quarantine without a reason"));
    let silent = notices(evidence).into_iter().filter(|(_, took_ms)| took_ms.is_none());
    let silent = silent.map(|(copy, _)| found(evidence, copy, "it is in quarantine, and no mail said so"));
    Verdict::from_findings(unexplained.chain(silent).collect(), || match held.len() {
        0 => "nothing is in quarantine".to_owned(),
        held => format!("{} in quarantine, each with a reason and a mail", counted(held as u64, "message")),
    })
}

/// Every message in quarantine, and how many ms passed until a mail said so, if one did. Empty where nobody tells.
pub(super) fn notices<'h>(evidence: &Evidence<'h>) -> Vec<(&'h Held, Option<i64>)> {
    let history = evidence.history;
    if history.alerted.responder.is_none() {
        return Vec::new();
    }
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
    let told = |copy: &Held| {
        let at = *arrived.get(copy.content.id.as_str())?;
        let (from, _) = open.iter().find(|(_, until)| until.is_none_or(|until| until >= at))?;
        Some(from.since_ms(at).max(0))
    };
    history.held(&history.names.quarantine).iter().map(|copy| (copy, told(copy))).collect()
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
}
