//! Nothing is lost: every message the source queue accepted ends settled, quarantined with a copy that carries a
//! reason, or in a queue.
//!
//! Messages that ask for one payment end where the payment does; a message that uses a known id for another request
//! is on its own. Invariant: every accepted message is accounted for, one by one.

use super::{End, Evidence, Finding, Meaning, Message, Subject, Verdict};
use crate::units::counted;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let ends = evidence.messages.values().map(|message| (message, evidence.end(message)));
    let lost = ends.filter_map(|(message, end)| match end {
        End::Lost(what) => Some(Finding { subject: subject(message), what }),
        End::Settled | End::Quarantined | End::DeadLettered | End::Queued | End::Drilled => None,
    });
    Verdict::from_findings(lost.collect(), || {
        format!("{} accepted, each accounted for", counted(evidence.messages.len() as u64, "message"))
    })
}

fn subject(message: &Message<'_>) -> Subject {
    match &message.meaning {
        Meaning::Payment(payment) => Subject::Payment(payment.payment_id.to_string()),
        Meaning::Drill(_) | Meaning::NoPayment => Subject::Message(message.sent.message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;
    use crate::journal::{Event, QueueEvent, Record};

    /// What is said about the messages that were lost.
    fn lost(tale: Tale) -> Vec<String> {
        match check(&Evidence::of(&tale.told())) {
            Verdict::Fail(findings) => findings.into_iter().map(|finding| finding.what).collect(),
            Verdict::Pass(_) | Verdict::Inconclusive(_) => Vec::new(),
        }
    }

    fn payment(settle: impl FnOnce(&mut Tale, &str)) -> Tale {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        settle(&mut tale, &message);
        tale
    }

    #[test]
    fn a_message_deleted_without_a_row_is_lost() {
        assert_eq!(lost(payment(|tale, message| tale.delete(message))), ["it has no row and is in no queue"]);
    }

    #[test]
    fn a_message_deleted_over_an_unsettled_row_is_lost() {
        let tale = payment(|tale, message| {
            tale.write(ORDER, "intended");
            tale.delete(message);
        });
        assert_eq!(lost(tale), ["its row is only intended, and it is in no queue"]);
    }

    #[test]
    fn a_message_in_a_queue_is_not_lost_whatever_its_row_says() {
        assert_eq!(lost(payment(|tale, message| tale.leave(message))), [""; 0]);
        assert_eq!(lost(payment(|tale, message| tale.dead_letter(message))), [""; 0]);
    }

    #[test]
    fn a_message_that_outlived_its_retention_is_lost() {
        assert_eq!(
            lost(payment(|tale, message| tale.expire(message))),
            ["it outlived its queue's retention"]
        );
    }

    #[test]
    fn a_message_that_was_moved_back_and_deleted_unsettled_is_lost() {
        for moved in [Tale::redrive, Tale::send_back] {
            let mut tale = Tale::of_one_dead_letter();
            moved(&mut tale, "m-1", "m-1b");
            let is_send = |record: &Record| matches!(record.event, Event::Queue(QueueEvent::Sent { .. }));
            if tale.history().records.iter().any(is_send) {
                tale.delete_dead_letter("m-1");
            }
            tale.delete("m-1b");
            assert_eq!(lost(tale), ["its row is only received, and it is in no queue"]);
        }
    }

    #[test]
    fn a_quarantined_row_needs_its_copy_and_the_copy_a_reason() {
        let quarantined = |reason: Option<&str>| {
            payment(|tale, message| {
                tale.write(ORDER, "quarantined");
                if let Some(reason) = reason {
                    tale.quarantine(message, reason);
                    tale.row(ORDER).quarantine_message = Some(format!("{message}-copy"));
                }
                tale.delete(message);
            })
        };
        let what = "its row is quarantined, but no copy with a reason is";
        assert_eq!(lost(quarantined(None)), [what]);
        assert_eq!(lost(quarantined(Some(""))), [what]);
        assert_eq!(lost(quarantined(Some("poison"))), [""; 0]);
    }

    #[test]
    fn a_repetition_of_a_quarantined_payment_ends_with_it() {
        let mut tale = payment(|tale, message| {
            tale.write(ORDER, "quarantined");
            tale.quarantine(message, "poison");
            tale.row(ORDER).quarantine_message = Some(format!("{message}-copy"));
            tale.delete(message);
        });
        let again = tale.send(&body(ORDER, 1999));
        tale.delete(&again);
        assert_eq!(lost(tale), [""; 0]);
    }

    #[test]
    fn of_two_requests_under_one_id_the_second_needs_a_copy_of_its_own() {
        let two = |copied: bool| {
            let mut tale = Tale::of_one_good_payment();
            let first = payments::Payment::parse(&body(ORDER, 1999)).unwrap();
            tale.row(ORDER).fingerprint = Some(first.fingerprint().to_string());
            let second = tale.send(&body(ORDER, 2999));
            if copied {
                tale.quarantine(&second, "conflicting_request");
            }
            tale.delete(&second);
            tale
        };
        assert_eq!(
            lost(two(false)),
            ["it conflicts with its row and was deleted without a copy in quarantine"]
        );
        assert_eq!(lost(two(true)), [""; 0]);
    }

    #[test]
    fn what_is_no_payment_needs_a_copy() {
        let garbage = |copied: bool| {
            let mut tale = Tale::new();
            let message = tale.send("not json");
            if copied {
                tale.quarantine(&message, "malformed");
            }
            tale.delete(&message);
            tale
        };
        assert_eq!(lost(garbage(false)), ["it was deleted without a copy in quarantine"]);
        assert_eq!(lost(garbage(true)), [""; 0]);
    }

    #[test]
    fn a_drill_that_must_fail_may_not_be_acknowledged() {
        let mut tale = Tale::new();
        for drill in ["PYMT_SUCCEED", "PYMT_FAILED"] {
            let message = tale.send(drill);
            tale.delete(&message);
        }
        assert_eq!(lost(tale), ["a drill that must fail was acknowledged"]);
    }
}
