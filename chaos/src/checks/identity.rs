//! Which message is which: SQS gives a message a new id when it is moved back, and so does the responder when it sends
//! a dead letter back by hand.
//!
//! Invariant: every id leads to one first id, that of the message the producer sent.

use crate::journal::{Event, QueueEvent};
use crate::world::History;
use std::collections::{BTreeMap, BTreeSet};

/// From every id that a message got on its way to the one before.
#[derive(Clone, Debug, Default)]
pub struct Identities<'h> {
    before: BTreeMap<&'h str, &'h str>,
}

impl<'h> Identities<'h> {
    /// Follows every message of a history.
    #[must_use]
    pub fn of(history: &'h History) -> Self {
        let names = &history.names;
        let sent: BTreeSet<&str> = history.sent.iter().map(|sent| sent.message.as_str()).collect();
        let mut following = Following::default();
        for record in &history.records {
            let Event::Queue(event) = &record.event else { continue };
            match event {
                QueueEvent::Sent { queue, message, payment } if *queue == names.source => {
                    if sent.contains(message.as_str()) {
                        following.sent(payment.as_deref(), message);
                    } else {
                        following.sent_on(payment.as_deref(), message);
                    }
                }
                QueueEvent::Received { queue, message, .. } if *queue == names.dead_letters => {
                    following.in_hand.push(message);
                }
                QueueEvent::Deleted { queue, message } if *queue == names.dead_letters => {
                    following.deleted(message);
                }
                QueueEvent::Redriven { message, as_message, .. } => following.moved(message, as_message),
                QueueEvent::Sent { .. }
                | QueueEvent::Received { .. }
                | QueueEvent::Deleted { .. }
                | QueueEvent::VisibilityChanged { .. }
                | QueueEvent::DeadLettered { .. }
                | QueueEvent::Expired { .. }
                | QueueEvent::Purged { .. } => {}
            }
        }
        Self { before: following.before }
    }

    /// The id under which a message was sent.
    #[must_use]
    pub fn first<'a>(&self, id: &'a str) -> &'a str
    where
        'h: 'a,
    {
        let mut first = id;
        while let Some(before) = self.before.get(first) {
            first = before;
        }
        first
    }

    /// The id before this one, if it is not the first.
    #[must_use]
    pub fn before(&self, id: &str) -> Option<&'h str> {
        self.before.get(id).copied()
    }

    /// The ids that a message had after its first.
    pub fn later(&self, first: &str) -> impl Iterator<Item = &'h str> {
        self.before.keys().copied().filter(move |id| self.first(id) == first)
    }
}

#[derive(Default)]
struct Following<'h> {
    before: BTreeMap<&'h str, &'h str>,
    /// The payment that an id asks for.
    payments: BTreeMap<&'h str, &'h str>,
    /// The first message of a payment.
    firsts: BTreeMap<&'h str, &'h str>,
    /// Dead letters that somebody received, in order.
    in_hand: Vec<&'h str>,
    /// Messages that were sent on, each with the dead letter it is taken for, until that one is deleted.
    sent_on: Vec<(&'h str, &'h str)>,
}

impl<'h> Following<'h> {
    fn sent(&mut self, payment: Option<&'h str>, message: &'h str) {
        if let Some(payment) = payment {
            self.payments.insert(message, payment);
            self.firsts.entry(payment).or_insert(message);
        }
    }

    /// Sent by a function: the dead letter of this payment that was received last goes on as this message. Without one
    /// it is a payment that was released.
    fn sent_on(&mut self, payment: Option<&'h str>, message: &'h str) {
        let Some(payment) = payment else { return };
        let held = self.in_hand.iter().rposition(|id| self.payments.get(id) == Some(&payment));
        let before = match held {
            Some(held) => Some(self.in_hand.remove(held)),
            None => self.firsts.get(payment).copied(),
        };
        if let Some(before) = before {
            self.sent_on.push((message, before));
            self.moved(before, message);
        }
    }

    /// A dead letter is deleted once it was sent on. Of two of one payment only that tells which one was.
    fn deleted(&mut self, letter: &'h str) {
        let known = self.sent_on.iter().position(|(_, before)| *before == letter);
        if let Some(known) = known {
            self.sent_on.remove(known);
            return;
        }
        let payment = self.payments.get(letter).copied();
        let of_payment = |before: &&str| payment.is_some() && self.payments.get(before).copied() == payment;
        // Not what the letter itself goes back to: that was sent before the letter was one.
        let other = self
            .sent_on
            .iter()
            .rposition(|(message, before)| of_payment(before) && !self.goes_back_to(letter, message));
        let Some(other) = other else { return };
        let (message, mistaken) = self.sent_on.remove(other);
        self.in_hand.retain(|id| *id != letter);
        self.in_hand.push(mistaken);
        self.moved(letter, message);
    }

    fn goes_back_to(&self, id: &str, earlier: &str) -> bool {
        let mut ids = std::iter::successors(Some(id), |id| self.before.get(id).copied());
        ids.any(|id| id == earlier)
    }

    fn moved(&mut self, message: &'h str, as_message: &'h str) {
        self.before.insert(as_message, message);
        if let Some(payment) = self.payments.get(message) {
            self.payments.insert(as_message, payment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;

    #[test]
    fn of_two_dead_letters_of_one_payment_the_one_deleted_is_the_one_that_was_sent_on() {
        let mut tale = Tale::new();
        for letter in ["m-1", "m-2"] {
            tale.send(&body(ORDER, 1999));
            tale.dead_letter(letter);
        }
        let (from, to) = (tale.history().names.dead_letters.clone(), tale.history().names.source.clone());
        for letter in ["m-1", "m-2"] {
            let (queue, message) = (from.clone(), letter.to_owned());
            tale.happen(QueueEvent::Received { queue, message, receives: 6 });
        }
        for letter in ["m-1", "m-2"] {
            let (queue, message, payment) = (to.clone(), format!("{letter}b"), Some(ORDER.to_owned()));
            tale.happen(QueueEvent::Sent { queue, message, payment });
            tale.delete_dead_letter(letter);
        }
        let history = tale.told();
        let identities = Identities::of(&history);
        assert_eq!(["m-1b", "m-2b"].map(|id| identities.first(id)), ["m-1", "m-2"]);
    }

    #[test]
    fn a_letter_that_was_sent_on_without_an_answer_is_never_taken_for_its_own_past() {
        let mut tale = Tale::new();
        tale.send(&body(ORDER, 1999));
        tale.dead_letter("m-1");
        let (from, to) = (tale.history().names.dead_letters.clone(), tale.history().names.source.clone());
        tale.happen(QueueEvent::Received { queue: from.clone(), message: "m-1".to_owned(), receives: 6 });
        let (message, payment) = ("m-2".to_owned(), Some(ORDER.to_owned()));
        tale.happen(QueueEvent::Sent { queue: to, message, payment });
        tale.dead_letter("m-2");
        tale.happen(QueueEvent::Received { queue: from, message: "m-2".to_owned(), receives: 6 });
        tale.delete_dead_letter("m-2");
        let history = tale.told();
        assert_eq!(Identities::of(&history).before("m-2"), Some("m-1"));
    }
}
