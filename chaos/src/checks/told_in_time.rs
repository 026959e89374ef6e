//! Whoever must know is told in time: for every dead letter a mail that opens its incident is out, at the latest two
//! minutes after it came.
//!
//! Invariant: a mail counts while its incident is open; one about an incident that is over tells nobody of the next.

use super::{Evidence, Finding, Verdict};
use crate::journal::Event;
use crate::units::duration_ms;
use payments::UnixMs;

/// From a dead letter to the mail about it: one turn of the responder, one publication, and one turn that is lost.
pub const MAIL_MS_MAX: i64 = 120_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    if evidence.history.alerted.responder.is_none() {
        return Verdict::Inconclusive("the template has nobody who tells".to_owned());
    }
    let open = evidence.letters.open("recovery", "resolved");
    let mut slowest_ms = None;
    let mut silent = Vec::new();
    for (at, message) in dead_letters(evidence) {
        let known = open.iter().find(|(_, until)| until.is_none_or(|until| until >= at));
        let took_ms = known.map(|(from, _)| from.since_ms(at).max(0)).filter(|took| *took <= MAIL_MS_MAX);
        match took_ms {
            Some(took_ms) => slowest_ms = slowest_ms.max(Some(took_ms)),
            None => silent.push(finding(evidence, message)),
        }
    }
    Verdict::from_findings(silent, || match slowest_ms {
        None => "there was nothing to tell".to_owned(),
        Some(0) => "people knew before the first dead letter came".to_owned(),
        Some(ms) => {
            format!("at most {} from a dead letter to the mail", duration_ms(u64::try_from(ms).unwrap_or(0)))
        }
    })
}

fn dead_letters<'e>(evidence: &'e Evidence<'_>) -> impl Iterator<Item = (UnixMs, &'e str)> {
    evidence.history.records.iter().filter_map(|record| {
        if let Event::DeadLettered { message, .. } = &record.event {
            Some((record.at, message.as_str()))
        } else {
            None
        }
    })
}

fn finding(evidence: &Evidence<'_>, message: &str) -> Finding {
    let what = "it was dead-lettered, and no mail said so within two minutes".to_owned();
    Finding { subject: evidence.subject(message), what }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;

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
    fn a_mail_about_an_incident_that_is_over_tells_nobody_of_the_next() {
        let mut tale = Tale::new();
        tale.tell("recovery", "opened");
        tale.tell("recovery", "resolved");
        let message = tale.send("PYMT_FAILED");
        tale.dead_letter(&message);
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_)));
    }
}
