//! The evidence of a run: its history, sorted by message and by payment, once.
//!
//! A message that is moved back from the dead-letter queue gets a new id; here it stays the message it was.
//! Invariant: every message the source queue accepted and every payment id that anything speaks of is in here, so a
//! check that walks it has seen everything.

use super::Subject;
use super::events_not_believed;
use super::identity::Identities;
use super::letters::Letters;
use super::outcomes::Outcomes;
use crate::cloud::sqs::{AttributeValue, Held};
use crate::journal::{Event, Operation, QueueEvent, Record, StripeEvent, TableEvent};
use crate::stripe::Movement;
use crate::world::{History, LedgerRow, Sent};
use payments::payment::{Body, Drill};
use payments::quarantine::{ORIGINAL, REASON};
use payments::{Payment, UnixMs};
use std::collections::BTreeMap;

/// A history, ready to be judged.
#[derive(Debug)]
pub struct Evidence<'h> {
    /// The history itself.
    pub history: &'h History,
    /// Every accepted message, by its SQS id.
    pub messages: BTreeMap<&'h str, Message<'h>>,
    /// Every payment, by its id: sent, in the ledger, or in the book.
    pub payments: BTreeMap<String, PaymentFile<'h>>,
    /// Which message is which, after it was moved.
    pub identities: Identities<'h>,
    /// What people were told.
    pub letters: Letters<'h>,
    /// What was told of payments that came to an outcome.
    pub(super) outcomes: Outcomes<'h>,
}

/// What is known of one message.
#[derive(Debug)]
pub struct Message<'h> {
    /// As it was sent.
    pub sent: &'h Sent,
    /// What it asks for.
    pub meaning: Meaning,
    /// How often it was received.
    pub receives: u64,
    /// When it was last deleted from the source queue.
    pub deleted: Option<UnixMs>,
    /// When it was first dead-lettered.
    pub dead_lettered: Option<UnixMs>,
    /// When it was dropped at the end of a queue's retention.
    pub expired: Option<UnixMs>,
    /// Queue that holds it at the end: the source or its dead-letter queue.
    pub held: Option<&'h str>,
    /// Its copies in quarantine.
    pub copies: Vec<&'h Held>,
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A charge.
    Payment(Payment),
    /// A fire drill.
    Drill(Drill),
    /// Nothing anybody could do.
    NoPayment,
}

/// What is known of one payment.
#[derive(Debug, Default)]
pub struct PaymentFile<'h> {
    /// Its messages, in the order they were sent; more than one when the producer repeated itself.
    pub messages: Vec<&'h str>,
    /// Its row.
    pub row: Option<&'h LedgerRow>,
    /// Every movement of money for it.
    pub movements: Vec<&'h Movement>,
    /// Stripe calls about it, but for probes, and for those that Stripe's own events led to.
    pub calls: u64,
    /// When its row first said succeeded, declined or quarantined.
    pub settled: Option<UnixMs>,
}

/// Where a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Its payment succeeded or was declined.
    Settled,
    /// A copy with a reason is in quarantine.
    Quarantined,
    /// It is in the dead-letter queue.
    DeadLettered,
    /// It is still in the source queue.
    Queued,
    /// A drill that was acknowledged, as it should be.
    Drilled,
    /// Nowhere, and what is missing.
    Lost(String),
}

impl<'h> Evidence<'h> {
    /// Sorts a history.
    #[must_use]
    pub fn of(history: &'h History) -> Self {
        let messages = history.sent.iter().map(|sent| (sent.message.as_str(), Message::sent(sent)));
        let mut evidence = Self {
            history,
            messages: messages.collect(),
            payments: BTreeMap::new(),
            identities: Identities::of(history),
            letters: Letters::of(history),
            outcomes: Outcomes::of(history),
        };
        for message in &history.sent {
            let meaning = &evidence.messages[message.message.as_str()].meaning;
            if let Meaning::Payment(payment) = meaning {
                let id = payment.payment_id.as_str().to_owned();
                evidence.payments.entry(id).or_default().messages.push(&message.message);
            }
        }
        for row in &history.ledger {
            evidence.payments.entry(row.payment.clone()).or_default().row = Some(row);
        }
        for movement in &history.book {
            let id = movement.payment.clone().unwrap_or_default();
            evidence.payments.entry(id).or_default().movements.push(movement);
        }
        evidence.read_journal();
        evidence.read_queues();
        evidence
    }

    /// Whether each probe was answered, by when it was made.
    #[must_use]
    pub fn probes(&self) -> BTreeMap<UnixMs, bool> {
        let mut probes = BTreeMap::new();
        for record in &self.history.records {
            if let Event::Stripe(StripeEvent::Called { operation: Operation::Probe, status, .. }) =
                &record.event
            {
                probes.insert(record.at, *status == Some(200));
            }
        }
        probes
    }

    /// Where a message ended. Two messages that ask for one payment end where the payment does.
    #[must_use]
    pub fn end(&self, message: &Message<'_>) -> End {
        match message.held {
            Some(queue) if *queue == *self.history.names.source => return End::Queued,
            Some(_) => return End::DeadLettered,
            None => {}
        }
        if message.is_quarantined() {
            return End::Quarantined;
        }
        if message.expired.is_some() {
            return End::Lost("it outlived its queue's retention".to_owned());
        }
        match &message.meaning {
            Meaning::Payment(payment) => self.end_of_payment(payment),
            Meaning::Drill(Drill::Succeed) => End::Drilled,
            Meaning::Drill(Drill::Fail) => End::Lost("a drill that must fail was acknowledged".to_owned()),
            Meaning::NoPayment => End::Lost("it was deleted without a copy in quarantine".to_owned()),
        }
    }

    /// What a message is about, whatever its id became: its payment, or itself.
    #[must_use]
    pub fn subject(&self, message: &str) -> Subject {
        let first = self.identities.first(message);
        match self.messages.get(first).map(|message| &message.meaning) {
            Some(Meaning::Payment(payment)) => Subject::Payment(payment.payment_id.to_string()),
            Some(Meaning::Drill(_) | Meaning::NoPayment) | None => Subject::Message(first.to_owned()),
        }
    }

    /// Whether another request than the one its row is frozen to uses this payment's id.
    #[must_use]
    pub fn conflicts(&self, payment: &Payment) -> bool {
        let file = &self.payments[payment.payment_id.as_str()];
        // A payment that was sent once cannot be at odds with itself: no digest is computed for it.
        let Some(row) = file.row.filter(|_| file.messages.len() > 1) else { return false };
        row.fingerprint.as_deref().is_some_and(|frozen| frozen != payment.fingerprint().to_string())
    }

    fn end_of_payment(&self, payment: &Payment) -> End {
        let file = &self.payments[payment.payment_id.as_str()];
        if self.conflicts(payment) {
            let what = "it conflicts with its row and was deleted without a copy in quarantine";
            return End::Lost(what.to_owned());
        }
        match file.row.map(|row| row.state.as_str()) {
            Some("succeeded" | "declined") => End::Settled,
            Some("quarantined") if self.copy_of_row(file).is_some_and(has_reason) => End::Quarantined,
            Some("quarantined") => {
                End::Lost("its row is quarantined, but no copy with a reason is".to_owned())
            }
            Some(state) => End::Lost(format!("its row is only {state}, and it is in no queue")),
            None => End::Lost("it has no row and is in no queue".to_owned()),
        }
    }

    /// The copy a quarantined row speaks of.
    fn copy_of_row(&self, file: &PaymentFile<'h>) -> Option<&'h Held> {
        let id = file.row?.quarantine_message.as_deref()?;
        let copies = file.messages.iter().flat_map(|message| &self.messages[message].copies);
        copies.copied().find(|copy| copy.content.id == id)
    }

    fn read_journal(&mut self) {
        let history = self.history;
        let of_events = events_not_believed::requests(self);
        for Record { at, event } in &history.records {
            match event {
                Event::Queue(event) => self.read_message(event, *at),
                Event::Stripe(StripeEvent::Called { request, payment: Some(payment), operation, .. })
                    if !matches!(operation, Operation::Probe | Operation::Other)
                        && !of_events.contains(request.as_str()) =>
                {
                    self.payments.entry(payment.clone()).or_default().calls += 1;
                }
                Event::Table(TableEvent::LedgerWritten { payment, state, .. }) if is_settled(state) => {
                    self.payments.entry(payment.clone()).or_default().settled.get_or_insert(*at);
                }
                Event::Stripe(_)
                | Event::Table(_)
                | Event::MoveTask(_)
                | Event::Topic(_)
                | Event::Function(_)
                | Event::Alarm(_)
                | Event::Bus(_)
                | Event::Pipe(_)
                | Event::Edge(_)
                | Event::Fault(_)
                | Event::Access(_) => {}
            }
        }
    }

    fn read_message(&mut self, event: &'h QueueEvent, at: UnixMs) {
        let Self { history, messages, identities, .. } = self;
        match event {
            QueueEvent::Received { queue, message, .. } if *queue == history.names.source => {
                messages.entry(identities.first(message)).and_modify(|it| it.receives += 1);
            }
            QueueEvent::Deleted { queue, message } if *queue == history.names.source => {
                messages.entry(identities.first(message)).and_modify(|it| it.deleted = Some(at));
            }
            QueueEvent::DeadLettered { message, .. } => {
                let message = messages.entry(identities.first(message));
                message.and_modify(|it| it.dead_lettered = it.dead_lettered.or(Some(at)));
            }
            QueueEvent::Expired { message, .. } => {
                messages.entry(identities.first(message)).and_modify(|it| it.expired = Some(at));
            }
            QueueEvent::Received { .. }
            | QueueEvent::Deleted { .. }
            | QueueEvent::Sent { .. }
            | QueueEvent::VisibilityChanged { .. }
            | QueueEvent::Purged { .. }
            | QueueEvent::Redriven { .. } => {}
        }
    }

    fn read_queues(&mut self) {
        let names = &self.history.names;
        for queue in [names.source.as_str(), names.dead_letters.as_str()] {
            for held in self.history.held(queue) {
                let first = self.identities.first(&held.content.id);
                self.messages.entry(first).and_modify(|it| it.held = Some(queue));
            }
        }
        for copy in self.history.held(&names.quarantine) {
            if let Some(original) = attribute(copy, ORIGINAL) {
                self.messages.entry(self.identities.first(original)).and_modify(|it| it.copies.push(copy));
            }
        }
    }
}

impl<'h> Message<'h> {
    fn sent(sent: &'h Sent) -> Self {
        let meaning = match Body::parse(&sent.body) {
            Ok(Body::Payment(payment)) => Meaning::Payment(payment),
            Ok(Body::Drill(drill)) => Meaning::Drill(drill),
            Err(_) => Meaning::NoPayment,
        };
        Self {
            sent,
            meaning,
            receives: 0,
            deleted: None,
            dead_lettered: None,
            expired: None,
            held: None,
            copies: Vec::new(),
        }
    }

    /// Whether a copy with a reason is in quarantine.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.copies.iter().any(|copy| has_reason(copy))
    }
}

/// Whether a row in this state is done with.
pub(super) fn is_settled(state: &str) -> bool {
    matches!(state, "succeeded" | "declined" | "quarantined")
}

pub(super) fn attribute<'h>(held: &'h Held, name: &str) -> Option<&'h str> {
    match &held.content.attributes.get(name)?.value {
        AttributeValue::Text(text) => Some(text),
        AttributeValue::Binary(_) => None,
    }
}

fn has_reason(copy: &Held) -> bool {
    attribute(copy, REASON).is_some_and(|reason| !reason.is_empty())
}
