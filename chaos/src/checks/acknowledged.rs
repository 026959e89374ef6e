//! Nothing is acknowledged without a record: when a message is deleted, its payment's row is settled or quarantined
//! at that moment, or, for a message no row can speak for, its copy is in quarantine already.
//!
//! `nothing-lost` looks at the end; this one looks at every instant, because between an early delete and a late write
//! a crash would lose the payment.
//! A dead letter is deleted only after the message that goes on in its place was sent.
//! Invariant: one pass over the journal in order, with the ledger as it stood at each event.

use super::evidence::{attribute, is_settled};
use super::{Evidence, Finding, Meaning, Subject, Verdict};
use crate::journal::{Event, QueueEvent, TableEvent};
use crate::units::counted;
use payments::quarantine::ORIGINAL;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let names = &evidence.history.names;
    let quarantine = evidence.history.held(&names.quarantine);
    let originals: BTreeMap<&str, &str> = quarantine
        .iter()
        .filter_map(|copy| Some((copy.content.id.as_str(), attribute(copy, ORIGINAL)?)))
        .collect();
    let mut moment = Moment {
        evidence,
        states: BTreeMap::new(),
        copied: BTreeSet::new(),
        sent_on: BTreeSet::new(),
        aside: BTreeMap::new(),
    };
    let (mut findings, mut deleted) = (Vec::new(), 0_u64);
    for record in &evidence.history.records {
        if let Event::Table(TableEvent::LedgerWritten { payment, state, .. }) = &record.event {
            moment.states.insert(payment, state);
        } else if let Event::Queue(QueueEvent::Sent { queue, message, payment }) = &record.event {
            if let Some(payment) = payment.as_deref().filter(|_| *queue == names.quarantine) {
                *moment.aside.entry(payment).or_default() += 1;
            }
            let original = originals.get(message.as_str()).filter(|_| *queue == names.quarantine);
            moment.copied.extend(original.map(|id| evidence.identities.first(id)));
            moment.sent_on.extend(evidence.identities.before(message));
        } else if let Event::Queue(QueueEvent::Deleted { queue, message }) = &record.event
            && *queue == names.source
        {
            deleted += 1;
            findings.extend(moment.wrong(message));
        } else if let Event::Queue(QueueEvent::Deleted { queue, message }) = &record.event
            && *queue == names.dead_letters
        {
            deleted += 1;
            findings.extend(moment.wrong_with_dead_letter(message));
        }
    }
    Verdict::from_findings(findings, || {
        format!("{} deleted, each after its record", counted(deleted, "message"))
    })
}

/// The world as it stands at one event.
struct Moment<'a> {
    evidence: &'a Evidence<'a>,
    /// State of each row.
    states: BTreeMap<&'a str, &'a str>,
    /// Messages with a copy in quarantine.
    copied: BTreeSet<&'a str>,
    /// Dead letters that go on as another message.
    sent_on: BTreeSet<&'a str>,
    /// How many more copies of each payment were sent to quarantine than dead letters deleted for them: one that was set
    /// aside may be taken up again, and its copy be gone at the end.
    aside: BTreeMap<&'a str, u32>,
}

impl Moment<'_> {
    /// What is wrong with deleting this message now.
    fn wrong(&self, message: &str) -> Option<Finding> {
        let message = self.evidence.identities.first(message);
        if self.copied.contains(message) {
            return None;
        }
        let subject = || Subject::Message(message.to_owned());
        match self.evidence.messages.get(message).map(|message| &message.meaning) {
            Some(Meaning::Drill(_)) => None,
            Some(Meaning::NoPayment) => {
                let what = "acknowledged without a copy in quarantine, and it is no payment".to_owned();
                Some(Finding { subject: subject(), what })
            }
            Some(Meaning::Payment(payment)) if self.evidence.conflicts(payment) => Some(Finding::payment(
                payment.payment_id.as_str(),
                "a conflicting request was acknowledged without a copy in quarantine",
            )),
            Some(Meaning::Payment(payment)) => {
                let id = payment.payment_id.as_str();
                let what = match self.states.get(id) {
                    Some(state) if is_settled(state) => return None,
                    Some(state) => format!("acknowledged while its row was {state}"),
                    None => "acknowledged before it had a row".to_owned(),
                };
                Some(Finding::payment(id, what))
            }
            None => {
                let what = "acknowledged, and nobody sent it".to_owned();
                Some(Finding { subject: subject(), what })
            }
        }
    }

    /// Whether a copy of its payment went to quarantine for this dead letter, and for no other.
    fn was_set_aside(&mut self, first: &str) -> bool {
        let meaning = self.evidence.messages.get(first).map(|message| &message.meaning);
        let Some(Meaning::Payment(payment)) = meaning else { return false };
        let copies = self.aside.get_mut(payment.payment_id.as_str()).filter(|copies| **copies > 0);
        copies.map(|copies| *copies -= 1).is_some()
    }

    /// What is wrong with deleting this dead letter now.
    fn wrong_with_dead_letter(&mut self, message: &str) -> Option<Finding> {
        let first = self.evidence.identities.first(message);
        if self.sent_on.contains(message) || self.copied.contains(first) || self.was_set_aside(first) {
            return None;
        }
        let what = "deleted from the dead-letter queue before it was sent anywhere else".to_owned();
        Some(Finding { subject: Subject::Message(first.to_owned()), what })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;

    fn wrong(tale: Tale) -> Vec<String> {
        match check(&Evidence::of(&tale.told())) {
            Verdict::Fail(findings) => findings.into_iter().map(|finding| finding.what).collect(),
            Verdict::Pass(_) | Verdict::Inconclusive(_) => Vec::new(),
        }
    }

    #[test]
    fn a_dead_letter_that_was_set_aside_may_go_once_for_each_copy() {
        assert!(matches!(set_aside_and_deleted(1), Verdict::Pass(_)));
        assert!(matches!(set_aside_and_deleted(2), Verdict::Fail(_)));
    }

    fn set_aside_and_deleted(times: usize) -> Verdict {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.write(ORDER, "intended");
        tale.dead_letter(&message);
        let dead_letters = tale.history().names.dead_letters.clone();
        let quarantine = tale.history().names.quarantine.clone();
        let delete =
            || Event::Queue(QueueEvent::Deleted { queue: dead_letters.clone(), message: message.clone() });
        let copy =
            QueueEvent::Sent { queue: quarantine, message: "m-copy".into(), payment: Some(ORDER.into()) };
        tale.happen(copy);
        (0..times).for_each(|_| tale.happen(delete()));
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_delete_before_the_row_is_settled_is_found_although_it_is_settled_later() {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.write(ORDER, "intended");
        tale.delete(&message);
        tale.write(ORDER, "succeeded");
        assert_eq!(wrong(tale), ["acknowledged while its row was intended"]);
    }

    #[test]
    fn a_delete_before_there_is_a_row_is_found() {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.delete(&message);
        tale.write(ORDER, "succeeded");
        assert_eq!(wrong(tale), ["acknowledged before it had a row"]);
    }

    #[test]
    fn a_copy_that_comes_after_the_delete_comes_too_late() {
        let mut tale = Tale::new();
        let message = tale.send("not json");
        tale.delete(&message);
        tale.quarantine(&message, "malformed");
        assert_eq!(wrong(tale), ["acknowledged without a copy in quarantine, and it is no payment"]);
    }

    #[test]
    fn a_conflicting_request_cannot_hide_behind_the_settled_row() {
        let mut tale = Tale::of_one_good_payment();
        let first = payments::Payment::parse(&body(ORDER, 1999)).unwrap();
        tale.row(ORDER).fingerprint = Some(first.fingerprint().to_string());
        let second = tale.send(&body(ORDER, 2999));
        tale.delete(&second);
        assert_eq!(wrong(tale), ["a conflicting request was acknowledged without a copy in quarantine"]);
    }

    #[test]
    fn a_message_that_was_moved_back_is_still_the_message_it_was() {
        let mut tale = Tale::of_one_dead_letter();
        tale.redrive("m-1", "m-1b");
        tale.delete("m-1b");
        assert_eq!(wrong(tale), ["acknowledged while its row was received"]);
    }

    #[test]
    fn a_dead_letter_is_deleted_only_after_it_was_sent_on() {
        let deleted = |sent_before: bool| {
            let mut tale = Tale::of_one_dead_letter();
            if sent_before {
                tale.send_back("m-1", "m-1b");
            }
            tale.delete_dead_letter("m-1");
            if !sent_before {
                tale.send_back("m-1", "m-1b");
            }
            wrong(tale)
        };
        assert_eq!(deleted(true), [""; 0]);
        assert_eq!(deleted(false), ["deleted from the dead-letter queue before it was sent anywhere else"]);
    }

    #[test]
    fn a_message_that_nobody_sent_is_acknowledged_by_mistake() {
        let mut tale = Tale::new();
        tale.delete("m-from-nowhere");
        assert_eq!(wrong(tale), ["acknowledged, and nobody sent it"]);
    }

    #[test]
    fn drills_have_no_record_and_need_none() {
        let mut tale = Tale::new();
        let drill = tale.send("PYMT_SUCCEED");
        tale.delete(&drill);
        assert_eq!(wrong(tale), [""; 0]);
    }
}
