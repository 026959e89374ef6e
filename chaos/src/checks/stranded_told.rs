//! Payments without a message are told of: six minutes after more of them are late than queues hold messages, a mail has
//! said so.
//!
//! Nobody else notices: what has no message is delivered to nobody, and makes no dead letter.
//! Invariant: a mail counts while its incident is open.

use super::depths::Depths;
use super::{Evidence, Finding, Verdict};
use crate::units::{counted, duration_ms};
use payments::UnixMs;
use payments::limits::STRANDED_TURNS;

/// How the letter is called that says so.
const STRANDED: &str = "escalated: stranded";
/// From there to the mail, ms: as many turns as it takes to believe it, one to spare, and its mail.
const TELL_MS_MAX: i64 = (STRANDED_TURNS as i64 + 2) * 60_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    if history.alerted.responder.is_none() {
        return Verdict::Inconclusive("the template has nobody who tells".to_owned());
    }
    let is_stranded = |depths: &Depths| depths.late > depths.source + depths.dead_letters;
    let told = told(evidence);
    let (lasting, silent) = Depths::untold(evidence, TELL_MS_MAX, is_stranded, &told);
    let silent = silent.into_iter().map(|from| {
        let after = duration_ms(u64::try_from(from.since_ms(history.began)).unwrap_or(0));
        Finding::run(format!(
            "payments were without a message {after} after the beginning, and no mail said so in time"
        ))
    });
    Verdict::from_findings(silent.collect(), || {
        format!("{} of payments without a message, each told", counted(lasting, "case"))
    })
}

/// From each mail that said so to the end of its incident.
fn told(evidence: &Evidence<'_>) -> Vec<(UnixMs, Option<UnixMs>)> {
    let letters: Vec<_> = evidence.letters.of_record("recovery").collect();
    let said = letters.iter().enumerate().filter(|(_, letter)| letter.tells == STRANDED);
    let said = said.filter_map(|(nth, letter)| {
        let end = letters[nth..].iter().find(|later| later.tells == "resolved");
        Some((letter.published?, end.map(|end| end.decided)))
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;
    use crate::journal::QueueEvent;
    use payments::limits::DELAYED_MS;

    /// A payment is received, its message is gone or not, and this happens once it is late.
    fn late(is_gone: bool, then: impl FnOnce(&mut Tale)) -> Verdict {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1_999));
        tale.receive(&message);
        tale.write(ORDER, "received");
        if is_gone {
            tale.happen(QueueEvent::Purged { queue: "payments".to_owned(), message });
        }
        tale.wait_ms(DELAYED_MS);
        then(&mut tale);
        tale.wait_ms(TELL_MS_MAX);
        tale.charge_as_it_should(ORDER);
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_payment_without_a_message_that_nobody_is_told_of_is_found() {
        assert!(matches!(late(true, |tale| tale.tell("recovery", "opened")), Verdict::Fail(_)));
        assert!(matches!(late(true, |tale| tale.tell("recovery", STRANDED)), Verdict::Pass(_)));
        assert!(matches!(late(false, |_| ()), Verdict::Pass(_)), "it has one");
    }

    #[test]
    fn a_mail_that_comes_late_or_is_of_an_incident_before_is_found() {
        let told_late = |tale: &mut Tale| {
            tale.wait_ms(TELL_MS_MAX);
            tale.tell("recovery", STRANDED);
        };
        assert!(matches!(late(true, told_late), Verdict::Fail(_)));
        let mut tale = Tale::new();
        tale.tell("recovery", STRANDED);
        tale.tell("recovery", "resolved");
        let message = tale.send(&body(ORDER, 1_999));
        tale.write(ORDER, "received");
        tale.happen(QueueEvent::Purged { queue: "payments".to_owned(), message });
        tale.wait_ms(DELAYED_MS + 2 * TELL_MS_MAX);
        tale.charge_as_it_should(ORDER);
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_)));
    }
}
