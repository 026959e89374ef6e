//! Tales: tiny histories told by hand, so that every check can be seen to fail.
//!
//! Invariant: a second passes between any two events, so order in the tale is order in time.

use super::{Evidence, Verdict};
use crate::cloud::sns::Mail;
use crate::cloud::sqs::{Content, Held, MessageAttribute, Standing};
use crate::experiment::Experiment;
use crate::faults::{Fault, Kind, Tally, Window};
use crate::journal::{
    AlarmChanged, Event, FailedBy, FunctionEvent, Letter, MoveTaskEvent, Operation, PipeEvent, QueueEvent,
    Record, StateValue, StripeEvent, TableEvent, TopicEvent,
};
use crate::random::Chance;
use crate::records::{Asked, AuditReport, AuditRound, Counts, Difference};
use crate::stripe::{Movement, Stage};
use crate::world::{Alerted, Audited, Ending, History, LedgerRow, Names, Origin, Sent, Target};
use payments::UnixMs;
use payments::quarantine::{ORIGINAL, REASON};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The topic that people read in a tale, and the second channel.
const ALERTS: &str = "alerts";
const PAGES: &str = "pages";
/// Id of the payment in most tales.
pub(crate) const ORDER: &str = "order-1";
/// The responder's logical id in a tale.
pub(crate) const RESPONDER: &str = "Responder";
/// Queue of Stripe's own events, where somebody listens to them.
pub(crate) const EVENTS: &str = "stripe-events";

/// A body that asks for this payment.
pub(crate) fn body(payment: &str, amount: i64) -> String {
    format!(
        r#"{{"payment_id":"{payment}","amount":{amount},"currency":"eur","payment_method":"pm_card_visa"}}"#
    )
}

/// A history in the making.
pub(crate) struct Tale {
    history: History,
    /// Ms to pass before the next event, beside its own second.
    waited_ms: i64,
    /// Letters written so far.
    letters: u64,
    /// What the audit at the end finds.
    differences: Vec<Difference>,
}

/// What queues and tables are called in a tale.
pub(crate) fn names() -> Names {
    Names {
        source: "payments".to_owned(),
        dead_letters: "dead-letters".to_owned(),
        quarantine: "quarantine".to_owned(),
        ledger: "ledger".to_owned(),
        incidents: Some("incidents".to_owned()),
        outcomes: Some("outcomes".to_owned()),
        stripe_events: None,
    }
}

impl Tale {
    pub(crate) fn new() -> Self {
        let experiment =
            Experiment::parse(Path::new("tale.toml"), "").expect("an empty file is an experiment");
        let began = experiment.starts;
        let names = names();
        let queues = [&names.source, &names.dead_letters, &names.quarantine];
        let queues = queues.map(|name| (name.clone(), Vec::new()));
        let alarms = [
            "CredentialsRefused",
            "DeadLettersWaiting",
            "PaymentsWaiting",
            "ProviderFailing",
            "QuarantineNotEmpty",
            "ResponderFailing",
            "EdgeFailing",
            "EdgeSlow",
        ];
        let history = History {
            experiment,
            target: Target::Simulated,
            seed: 7,
            began,
            ended: began,
            ending: Ending::Drained,
            sent: Vec::new(),
            refused: Vec::new(),
            records: Vec::new(),
            book: Vec::new(),
            intents: Vec::new(),
            ledger: Vec::new(),
            queues: BTreeMap::from(queues),
            mails: Vec::new(),
            audited: Audited::ByNobody,
            given: Vec::new(),
            sdk_calls: 0,
            grants: BTreeSet::new(),
            faults: Vec::new(),
            invocations: Vec::new(),
            turns: Vec::new(),
            alerted: Alerted {
                responder: Some(RESPONDER.to_owned()),
                alarms: alarms.map(|name| (format!("stack-{name}"), name.to_owned())).into(),
                alerts: Some(ALERTS.to_owned()),
                pages: Some(PAGES.to_owned()),
                stripe_calls_per_s: Some(20),
                source_retention_ms: Some(345_600_000),
            },
            edge: None,
            unseen: BTreeMap::new(),
            names,
        };
        Self { history, waited_ms: 0, letters: 0, differences: Vec::new() }
    }

    /// `order-1` over 19.99 euro: sent, charged, settled, acknowledged.
    pub(crate) fn of_one_good_payment() -> Self {
        let mut tale = Self::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.receive(&message);
        tale.charge_as_it_should(ORDER);
        tale.delete(&message);
        tale
    }

    /// Received, created, recorded, confirmed, settled.
    pub(crate) fn charge_as_it_should(&mut self, payment: &str) {
        self.write(payment, "received");
        self.call(payment, Operation::Create, Some(200), None);
        self.write(payment, "intended");
        self.charge(payment, 1999, "eur");
        self.call(payment, Operation::Confirm, Some(200), None);
        self.write(payment, "succeeded");
    }

    pub(crate) fn told(mut self) -> History {
        self.history.ended = self.now();
        self.history.audited = Audited::Finished(Box::new(self.audited()));
        self.history
    }

    /// What a check finds wrong in it, in words.
    pub(crate) fn found_by(self, check: fn(&Evidence<'_>) -> Verdict) -> Vec<String> {
        match check(&Evidence::of(&self.told())) {
            Verdict::Fail(findings) => findings.into_iter().map(|finding| finding.what).collect(),
            Verdict::Pass(_) | Verdict::Inconclusive(_) => Vec::new(),
        }
    }

    /// The audit at the end finds these.
    pub(crate) fn audit_finds(&mut self, differences: Vec<Difference>) {
        self.differences = differences;
    }

    /// An audit that saw every charge.
    fn audited(&self) -> AuditReport {
        let charged = self.history.book.len() as u64;
        let differences = self.differences.clone();
        let counts = Counts { intents: charged, charged, differences: differences.len() as u64 };
        AuditReport { round: AuditRound { began_at: self.now(), asked: Asked::Daily, counts, differences } }
    }

    pub(crate) fn history(&mut self) -> &mut History {
        &mut self.history
    }

    pub(crate) fn row(&mut self, payment: &str) -> &mut LedgerRow {
        self.history.ledger.iter_mut().find(|row| row.payment == payment).expect("the tale wrote it")
    }

    /// Sends a message to the source queue; its id is `m-1` for the first.
    pub(crate) fn send(&mut self, body: &str) -> String {
        let message = format!("m-{}", self.history.sent.len() + 1);
        let queue = self.history.names.source.clone();
        let payment = payments::Payment::parse(body).ok().map(|payment| payment.payment_id.to_string());
        self.happen(QueueEvent::Sent { queue, message: message.clone(), payment });
        let (at, body) = (self.now(), body.to_owned());
        self.history.sent.push(Sent { at, message: message.clone(), body, origin: Origin::Workload });
        message
    }

    pub(crate) fn receive(&mut self, message: &str) {
        let (queue, message) = (self.history.names.source.clone(), message.to_owned());
        self.happen(QueueEvent::Received { queue, message, receives: 1 });
    }

    pub(crate) fn delete(&mut self, message: &str) {
        let (queue, message) = (self.history.names.source.clone(), message.to_owned());
        self.happen(QueueEvent::Deleted { queue, message });
    }

    pub(crate) fn expire(&mut self, message: &str) {
        let (queue, message) = (self.history.names.source.clone(), message.to_owned());
        self.happen(QueueEvent::Expired { queue, message });
    }

    /// Leaves a message where it was sent to.
    pub(crate) fn leave(&mut self, message: &str) {
        self.hold(self.history.names.source.clone(), message, &[]);
    }

    pub(crate) fn dead_letter(&mut self, message: &str) {
        let (from, to) = (self.history.names.source.clone(), self.history.names.dead_letters.clone());
        self.happen(QueueEvent::DeadLettered {
            from,
            to: to.clone(),
            message: message.to_owned(),
            receives: 5,
        });
        self.hold(to, message, &[]);
    }

    /// `order-1`, received in vain and dead-lettered.
    pub(crate) fn of_one_dead_letter() -> Self {
        let mut tale = Self::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.receive(&message);
        tale.write(ORDER, "received");
        tale.dead_letter(&message);
        tale
    }

    /// A move task moves a dead letter back.
    pub(crate) fn redrive(&mut self, message: &str, as_message: &str) {
        let (from, to) = (self.history.names.dead_letters.clone(), self.history.names.source.clone());
        let (message, as_message) = (message.to_owned(), as_message.to_owned());
        self.take(&from, &message);
        self.happen(QueueEvent::Redriven { from, to, message, as_message });
    }

    /// The responder sends a dead letter of `order-1` back.
    pub(crate) fn send_back(&mut self, message: &str, as_message: &str) {
        let (from, to) = (self.history.names.dead_letters.clone(), self.history.names.source.clone());
        self.happen(QueueEvent::Received { queue: from, message: message.to_owned(), receives: 6 });
        let payment = Some(ORDER.to_owned());
        self.happen(QueueEvent::Sent { queue: to, message: as_message.to_owned(), payment });
    }

    pub(crate) fn delete_dead_letter(&mut self, message: &str) {
        let queue = self.history.names.dead_letters.clone();
        self.take(&queue, message);
        self.happen(QueueEvent::Deleted { queue, message: message.to_owned() });
    }

    /// Puts a copy into quarantine; its id is the message's with `-copy`.
    pub(crate) fn quarantine(&mut self, message: &str, reason: &str) {
        let (queue, copy) = (self.history.names.quarantine.clone(), format!("{message}-copy"));
        self.happen(QueueEvent::Sent { queue: queue.clone(), message: copy.clone(), payment: None });
        self.hold(queue, &copy, &[(ORIGINAL, message), (REASON, reason)]);
    }

    pub(crate) fn call(
        &mut self,
        payment: &str,
        operation: Operation,
        status: Option<u16>,
        fault: Option<Kind>,
    ) {
        self.happen(StripeEvent::Called {
            request: "request-1".to_owned(),
            operation,
            intent: Some(intent(payment)),
            payment: Some(payment.to_owned()),
            status,
            said: None,
            fault,
        });
    }

    /// A call of which this came.
    pub(crate) fn call_saying(&mut self, payment: &str, operation: Operation, said: &str) {
        self.happen(StripeEvent::Called {
            request: "request-1".to_owned(),
            operation,
            intent: Some(intent(payment)),
            payment: Some(payment.to_owned()),
            status: Some(200),
            said: Some(said.to_owned()),
            fault: None,
        });
    }

    /// One of Stripe's own events is received, and leads to the invocation that does whatever is done from now on.
    pub(crate) fn hear(&mut self, message: &str) {
        let (queue, message) = (EVENTS.to_owned(), message.to_owned());
        self.happen(QueueEvent::Received { queue, message: message.clone(), receives: 1 });
        let (function, request) = ("Consumer".to_owned(), "request-1".to_owned());
        self.happen(FunctionEvent::Invoked { function, container: 1, request, messages: vec![message] });
    }

    /// A create that made this intent.
    pub(crate) fn create(&mut self, payment: &str, intent: &str) {
        self.happen(StripeEvent::Called {
            request: "request-1".to_owned(),
            operation: Operation::Create,
            intent: Some(intent.to_owned()),
            payment: Some(payment.to_owned()),
            status: Some(200),
            said: None,
            fault: None,
        });
    }

    /// An invocation with this message fails.
    pub(crate) fn die(&mut self, message: &str, how: FailedBy) {
        self.die_together(&[message.to_owned()], how);
    }

    /// An invocation with these messages fails.
    pub(crate) fn die_together(&mut self, messages: &[String], how: FailedBy) {
        let request = format!("request-of-{}", messages.join("-"));
        self.happen(FunctionEvent::Invoked {
            function: "Consumer".to_owned(),
            container: 1,
            request: request.clone(),
            messages: messages.to_vec(),
        });
        self.happen(FunctionEvent::Failed { request, how, hops: 1, detail: None });
    }

    pub(crate) fn charge(&mut self, payment: &str, amount_minor: i64, currency: &str) {
        let charge = format!("ch_{}", self.history.book.len() + 1);
        self.happen(StripeEvent::Charged {
            payment: payment.to_owned(),
            intent: intent(payment),
            charge: charge.clone(),
            amount: amount_minor,
            currency: currency.to_owned(),
        });
        self.history.book.push(Movement {
            at: self.now(),
            intent: intent(payment),
            charge,
            payment: Some(payment.to_owned()),
            amount_minor,
            currency: currency.to_owned(),
        });
    }

    /// This is told on the bus of outcomes.
    pub(crate) fn tell_outcome(&mut self, detail: &serde_json::Value) {
        let (bus, id, source) = ("outcomes".to_owned(), "event-1".to_owned(), "payments".to_owned());
        let (detail_type, detail) = ("Payment outcome".to_owned(), detail.clone());
        self.happen(PipeEvent::Told { bus, id, source, detail_type, detail });
    }

    /// Writes the row of a payment over 19.99 euro.
    pub(crate) fn write(&mut self, payment: &str, state: &str) {
        let known = self.history.ledger.iter().position(|row| row.payment == payment);
        let index = known.unwrap_or_else(|| {
            let row = LedgerRow {
                payment: payment.to_owned(),
                amount_minor: Some(1999),
                currency: Some("eur".to_owned()),
                ..LedgerRow::default()
            };
            self.history.ledger.push(row);
            self.history.ledger.len() - 1
        });
        let row = &mut self.history.ledger[index];
        row.version += u64::from(known.is_some());
        row.state = state.to_owned();
        row.intent = (state != "received").then(|| intent(payment));
        row.is_at_risk = matches!(state, "received" | "intended");
        let (intent, version) = (row.intent.clone(), row.version);
        self.note(payment, state, version, intent);
    }

    /// Writes the row of a payment, which names this intent or none.
    pub(crate) fn note(&mut self, payment: &str, state: &str, version: u64, intent: Option<String>) {
        let (request, payment, state) = ("request-1".to_owned(), payment.to_owned(), state.to_owned());
        self.happen(TableEvent::LedgerWritten { request, payment, state, version, intent });
    }

    /// An intent comes to this status in Stripe's book, a second after what happened last.
    pub(crate) fn stand(&mut self, payment: &str, intent: &str, status: &'static str) {
        let at = self.now().plus_ms(1_000 + std::mem::take(&mut self.waited_ms));
        let (intent, payment) = (intent.to_owned(), Some(payment.to_owned()));
        self.history.intents.push(Stage { at, intent, payment, status });
        self.waited_ms = 1_000;
    }

    /// Configures a fault that fired so often.
    pub(crate) fn fault(&mut self, kind: Kind, window: Window, fired: u64) {
        let fault = Fault::steady(kind, Chance::ALWAYS, window);
        self.history.experiment.faults.push(fault.clone());
        let first = (fired > 0).then(|| self.now());
        self.history.faults.push(Tally {
            fault,
            asked: fired,
            fired,
            first,
            last: first,
            firings: Vec::new(),
        });
    }

    /// Nothing happens for so long.
    pub(crate) fn wait_ms(&mut self, ms: i64) {
        self.waited_ms += ms;
    }

    /// An alarm, by its name in the template, changes to a state.
    pub(crate) fn alarm(&mut self, name: &str, to: StateValue) {
        let (alarm, reason) = (format!("stack-{name}"), String::new());
        self.happen(AlarmChanged { alarm, from: StateValue::InsufficientData, to, reason });
    }

    pub(crate) fn start_move_task(&mut self) {
        let source = self.history.names.dead_letters.clone();
        self.happen(MoveTaskEvent::Started { task: "t-1".to_owned(), source, destination: None, to_move: 1 });
    }

    /// A record decides to tell something, and does.
    pub(crate) fn tell(&mut self, record: &str, tells: &str) {
        self.decide(record, tells);
        self.publish("request-1", tells);
    }

    /// A record is saved with a letter in its outbox.
    pub(crate) fn decide(&mut self, record: &str, tells: &str) {
        self.decide_for(record, tells, None);
    }

    /// The same in the place of what it held, as one that stands for so many.
    pub(crate) fn fold(&mut self, record: &str, tells: &str, stands_for: u64) {
        self.decide_for(record, tells, Some(stands_for));
    }

    /// An invocation saves a record without the letters that it held: they were sent.
    pub(crate) fn note_sent(&mut self, request: &str, record: &str) {
        self.happen(TableEvent::IncidentSaved {
            request: request.to_owned(),
            record: record.to_owned(),
            phase: String::new(),
            version: self.letters,
            pending: Vec::new(),
        });
    }

    /// An invocation saves a record whose letters it is to publish, because whoever decided them did not.
    pub(crate) fn claim(&mut self, request: &str, record: &str, tells: &str) {
        self.save(request, record, tells, None);
    }

    fn decide_for(&mut self, record: &str, tells: &str, stands_for: Option<u64>) {
        self.letters += 1;
        self.save("request-1", record, tells, stands_for);
    }

    fn save(&mut self, request: &str, record: &str, tells: &str, stands_for: Option<u64>) {
        let letter = Letter {
            number: self.letters,
            tells: tells.to_owned(),
            claimed_at: self.now().plus_ms(self.waited_ms),
            stands_for,
        };
        self.happen(TableEvent::IncidentSaved {
            request: request.to_owned(),
            record: record.to_owned(),
            phase: tells.to_owned(),
            version: self.letters,
            pending: vec![letter],
        });
    }

    /// An invocation of the responder publishes something, which becomes a mail.
    pub(crate) fn publish(&mut self, request: &str, subject: &str) {
        let (topic, message) = self.publish_to_nobody(request, ALERTS, subject);
        let to = "ops@example.com".to_owned();
        self.happen(TopicEvent::Mailed { topic: topic.clone(), message, to: to.clone() });
        let (at, subject, body) = (self.now(), subject.to_owned(), "You need not get up.".to_owned());
        self.history.mails.push(Mail { at, topic, to, subject, body });
    }

    /// The same to any topic, and nobody gets a mail. Topic and message id are returned.
    pub(crate) fn publish_to_nobody(
        &mut self,
        request: &str,
        topic: &str,
        subject: &str,
    ) -> (String, String) {
        self.happen(FunctionEvent::Invoked {
            function: RESPONDER.to_owned(),
            container: 1,
            request: request.to_owned(),
            messages: vec![],
        });
        let (topic, message) = (topic.to_owned(), format!("sns-{}", self.history.records.len()));
        self.happen(TopicEvent::Published {
            request: Some(request.to_owned()),
            topic: topic.clone(),
            message: message.clone(),
            subject: Some(subject.to_owned()),
        });
        (topic, message)
    }

    pub(crate) fn happen(&mut self, event: impl Into<Event>) {
        let at = self.now().plus_ms(1_000 + std::mem::take(&mut self.waited_ms));
        self.history.records.push(Record { at, event: event.into() });
    }

    fn now(&self) -> UnixMs {
        self.history.records.last().map_or(self.history.began, |record| record.at)
    }

    fn take(&mut self, queue: &str, message: &str) {
        self.history.queues.entry(queue.to_owned()).or_default().retain(|held| held.content.id != message);
    }

    fn hold(&mut self, queue: String, message: &str, attributes: &[(&str, &str)]) {
        let attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), MessageAttribute::text(*value)));
        let content = Content {
            id: message.to_owned(),
            body: String::new(),
            body_md5: String::new(),
            attributes: attributes.collect(),
            trace_header: None,
            sent_at: self.now(),
        };
        let held = Held {
            content: Arc::new(content),
            receives: 0,
            standing: Standing::Visible,
            dead_letter_source: None,
        };
        self.history.queues.entry(queue).or_default().push(held);
    }
}

/// The intent of a payment in a tale.
pub(crate) fn intent(payment: &str) -> String {
    format!("pi_{payment}")
}
