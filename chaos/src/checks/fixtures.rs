//! Tales: tiny histories told by hand, so that every check can be seen to fail.
//!
//! Invariant: a second passes between any two events, so order in the tale is order in time.

use super::evidence::{ORIGINAL, REASON};
use crate::cloud::sqs::{Content, Held, MessageAttribute, Standing};
use crate::experiment::Experiment;
use crate::faults::{Fault, Kind, Tally, Window};
use crate::journal::{Event, Record};
use crate::random::Chance;
use crate::stripe::Movement;
use crate::world::{Ending, History, LedgerRow, Names, Origin, Sent};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Id of the payment in most tales.
pub(crate) const ORDER: &str = "order-1";

/// A body that asks for this payment.
pub(crate) fn body(payment: &str, amount: i64) -> String {
    format!(
        r#"{{"payment_id":"{payment}","amount":{amount},"currency":"eur","payment_method":"pm_card_visa"}}"#
    )
}

/// A history in the making.
pub(crate) struct Tale(History);

impl Tale {
    pub(crate) fn new() -> Self {
        let experiment =
            Experiment::parse(Path::new("tale.toml"), "").expect("an empty file is an experiment");
        let began = experiment.starts;
        let names = Names {
            source: "payments".to_owned(),
            dead_letters: "dead-letters".to_owned(),
            quarantine: "quarantine".to_owned(),
            ledger: "ledger".to_owned(),
        };
        let queues = [&names.source, &names.dead_letters, &names.quarantine];
        let queues = queues.map(|name| (name.clone(), Vec::new()));
        Self(History {
            experiment,
            seed: 7,
            began,
            ended: began,
            ending: Ending::Drained,
            sent: Vec::new(),
            refused: Vec::new(),
            records: Vec::new(),
            book: Vec::new(),
            ledger: Vec::new(),
            queues: BTreeMap::from(queues),
            faults: Vec::new(),
            names,
        })
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
        self.call(payment, "create", Some(200), None);
        self.write(payment, "intended");
        self.charge(payment, 1999, "eur");
        self.call(payment, "confirm", Some(200), None);
        self.write(payment, "succeeded");
    }

    pub(crate) fn told(mut self) -> History {
        self.0.ended = self.now();
        self.0
    }

    pub(crate) fn history(&mut self) -> &mut History {
        &mut self.0
    }

    pub(crate) fn row(&mut self, payment: &str) -> &mut LedgerRow {
        self.0.ledger.iter_mut().find(|row| row.payment == payment).expect("the tale wrote it")
    }

    /// Sends a message to the source queue; its id is `m-1` for the first.
    pub(crate) fn send(&mut self, body: &str) -> String {
        let message = format!("m-{}", self.0.sent.len() + 1);
        let queue = self.0.names.source.clone();
        self.happen(Event::Sent { queue, message: message.clone(), payment: None });
        let (at, body) = (self.now(), body.to_owned());
        self.0.sent.push(Sent { at, message: message.clone(), body, origin: Origin::Workload });
        message
    }

    pub(crate) fn receive(&mut self, message: &str) {
        let (queue, message) = (self.0.names.source.clone(), message.to_owned());
        self.happen(Event::Received { queue, message, receives: 1 });
    }

    pub(crate) fn delete(&mut self, message: &str) {
        let (queue, message) = (self.0.names.source.clone(), message.to_owned());
        self.happen(Event::Deleted { queue, message });
    }

    pub(crate) fn expire(&mut self, message: &str) {
        let (queue, message) = (self.0.names.source.clone(), message.to_owned());
        self.happen(Event::Expired { queue, message });
    }

    /// Leaves a message where it was sent to.
    pub(crate) fn leave(&mut self, message: &str) {
        self.hold(self.0.names.source.clone(), message, &[]);
    }

    pub(crate) fn dead_letter(&mut self, message: &str) {
        let (from, to) = (self.0.names.source.clone(), self.0.names.dead_letters.clone());
        self.happen(Event::DeadLettered { from, to: to.clone(), message: message.to_owned(), receives: 5 });
        self.hold(to, message, &[]);
    }

    /// Puts a copy into quarantine; its id is the message's with `-copy`.
    pub(crate) fn quarantine(&mut self, message: &str, reason: &str) {
        let (queue, copy) = (self.0.names.quarantine.clone(), format!("{message}-copy"));
        self.happen(Event::Sent { queue: queue.clone(), message: copy.clone(), payment: None });
        self.hold(queue, &copy, &[(ORIGINAL, message), (REASON, reason)]);
    }

    pub(crate) fn call(
        &mut self,
        payment: &str,
        operation: &'static str,
        status: Option<u16>,
        fault: Option<&'static str>,
    ) {
        self.happen(Event::StripeCalled {
            request: "request-1".to_owned(),
            operation,
            intent: Some(intent(payment)),
            payment: Some(payment.to_owned()),
            status,
            said: None,
            fault,
        });
    }

    pub(crate) fn charge(&mut self, payment: &str, amount_minor: i64, currency: &str) {
        let charge = format!("ch_{}", self.0.book.len() + 1);
        self.happen(Event::Charged {
            payment: payment.to_owned(),
            intent: intent(payment),
            charge: charge.clone(),
            amount: amount_minor,
            currency: currency.to_owned(),
        });
        self.0.book.push(Movement {
            at: self.now(),
            intent: intent(payment),
            charge,
            payment: Some(payment.to_owned()),
            amount_minor,
            currency: currency.to_owned(),
        });
    }

    /// Writes the row of a payment over 19.99 euro.
    pub(crate) fn write(&mut self, payment: &str, state: &str) {
        let known = self.0.ledger.iter().position(|row| row.payment == payment);
        let index = known.unwrap_or_else(|| {
            let row = LedgerRow {
                payment: payment.to_owned(),
                amount_minor: Some(1999),
                currency: Some("eur".to_owned()),
                ..LedgerRow::default()
            };
            self.0.ledger.push(row);
            self.0.ledger.len() - 1
        });
        let row = &mut self.0.ledger[index];
        row.version += u64::from(known.is_some());
        row.state = state.to_owned();
        row.intent = (state != "received").then(|| intent(payment));
        let (payment, state, version) = (payment.to_owned(), state.to_owned(), row.version);
        self.happen(Event::LedgerWritten { request: "request-1".to_owned(), payment, state, version });
    }

    /// Configures a fault that fired so often.
    pub(crate) fn fault(&mut self, kind: Kind, window: Window, fired: u64) {
        let fault = Fault { kind, chance: Chance::ALWAYS, window };
        self.0.experiment.faults.push(fault);
        let first = (fired > 0).then(|| self.now());
        self.0.faults.push(Tally { fault, asked: fired, fired, first, last: first });
    }

    pub(crate) fn happen(&mut self, event: Event) {
        let at = self.now().plus_ms(1_000);
        self.0.records.push(Record { at, event });
    }

    fn now(&self) -> UnixMs {
        self.0.records.last().map_or(self.0.began, |record| record.at)
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
        self.0.queues.entry(queue).or_default().push(held);
    }
}

fn intent(payment: &str) -> String {
    format!("pi_{payment}")
}
