//! Nobody loses a payment to time unwarned: two days before the first message in the payments queue expires, or half of the
//! time that it is kept, a mail has said so.
//!
//! Invariant: it counts from when the message was sent, as SQS does, whatever was received of it since.

use super::{Evidence, Finding, Verdict};
use crate::journal::{Event, QueueEvent};
use crate::units::counted;
use payments::UnixMs;
use payments::limits::EXPIRY_WARNING_MS;
use std::collections::BTreeMap;

/// How the letter is called that says so.
const EXPIRING: &str = "escalated: expiring";
/// From there to the mail, ms: how old a message is that nobody took is known to some minutes.
const TELL_MS_MAX: i64 = 600_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let alerted = &evidence.history.alerted;
    let Some(retention_ms) = alerted.source_retention_ms.filter(|_| alerted.responder.is_some()) else {
        return Verdict::Inconclusive("the template has nobody who tells".to_owned());
    };
    let warned_ms = retention_ms - EXPIRY_WARNING_MS.min(retention_ms / 2) + TELL_MS_MAX;
    let old: Vec<(&str, UnixMs)> = left(evidence, warned_ms).into_iter().collect();
    let letters = evidence.letters.of_record("recovery").filter(|letter| letter.tells == EXPIRING);
    let told: Vec<UnixMs> = letters.filter_map(|letter| letter.published).collect();
    let silent = old.iter().filter(|(_, sent)| {
        // One that was told earlier in the same incident told of it as well.
        !told.iter().any(|at| *at <= sent.plus_ms(warned_ms))
    });
    let silent = silent.map(|(message, _)| Finding {
        subject: evidence.subject(message),
        what: "its message was about to expire, and no mail said so in time".to_owned(),
    });
    Verdict::from_findings(silent.collect(), || {
        format!("{} old enough to warn of", counted(old.len() as u64, "message"))
    })
}

/// Messages that were in the payments queue for so long, and when they were sent.
fn left<'e>(evidence: &'e Evidence<'_>, ms: i64) -> BTreeMap<&'e str, UnixMs> {
    let names = &evidence.history.names;
    let (mut there, mut old) = (BTreeMap::new(), BTreeMap::new());
    let mut ended = |there: &mut BTreeMap<&'e str, UnixMs>, message: &'e str, at: UnixMs| {
        let sent = there.remove(message).filter(|sent| at.since_ms(*sent) >= ms);
        old.extend(sent.map(|sent| (message, sent)));
    };
    for record in &evidence.history.records {
        let Event::Queue(event) = &record.event else { continue };
        match event {
            QueueEvent::Sent { queue, message, .. } if *queue == names.source => {
                there.insert(message.as_str(), record.at);
            }
            QueueEvent::Deleted { message, .. }
            | QueueEvent::Expired { message, .. }
            | QueueEvent::Purged { message, .. }
            | QueueEvent::DeadLettered { message, .. } => ended(&mut there, message, record.at),
            QueueEvent::Sent { .. }
            | QueueEvent::Received { .. }
            | QueueEvent::VisibilityChanged { .. }
            | QueueEvent::Redriven { .. } => {}
        }
    }
    for message in there.keys().copied().collect::<Vec<_>>() {
        ended(&mut there, message, evidence.history.ended);
    }
    old
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Tale, body};
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    /// A message is kept for four hours; after two, this happens, and after so long it is taken.
    fn taken_after(ms: i64, then: impl FnOnce(&mut Tale)) -> Verdict {
        let mut tale = Tale::new();
        tale.history().alerted.source_retention_ms = Some(4 * HOUR_MS);
        let message = tale.send(&body("order-1", 1_999));
        tale.wait_ms(2 * HOUR_MS);
        then(&mut tale);
        tale.wait_ms(ms - 2 * HOUR_MS);
        tale.delete(&message);
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_message_that_grows_old_unwarned_is_found() {
        assert!(matches!(taken_after(3 * HOUR_MS, |_| ()), Verdict::Fail(_)));
        assert!(matches!(taken_after(3 * HOUR_MS, |tale| tale.tell("recovery", EXPIRING)), Verdict::Pass(_)));
        assert!(matches!(taken_after(2 * HOUR_MS + TELL_MS_MAX / 2, |_| ()), Verdict::Pass(_)));
    }

    #[test]
    fn what_is_kept_for_long_is_warned_of_two_days_before_it_expires() {
        let unwarned = |ms: i64| {
            let mut tale = Tale::new();
            tale.history().alerted.source_retention_ms = Some(14 * 24 * HOUR_MS);
            let message = tale.send(&body("order-1", 1_999));
            tale.wait_ms(ms);
            tale.delete(&message);
            matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_))
        };
        assert_eq!([12 * 24 * HOUR_MS, 12 * 24 * HOUR_MS + TELL_MS_MAX].map(unwarned), [false, true]);
    }

    #[test]
    fn a_warning_that_comes_late_is_found() {
        let late = |tale: &mut Tale| {
            tale.wait_ms(2 * TELL_MS_MAX);
            tale.tell("recovery", EXPIRING);
        };
        assert!(matches!(taken_after(3 * HOUR_MS, late), Verdict::Fail(_)));
    }
}
