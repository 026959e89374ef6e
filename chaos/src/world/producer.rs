//! The producer: sends the workload in its time, and gets wrong what the experiment's faults say.
//!
//! Invariant: whatever was sent is in `sent`, and whatever SQS would not take is in `refused`; nothing is sent twice
//! but by a fault.

use super::edge::Shop;
use super::history::{Origin, Refused, Sent};
use crate::clock::Clock;
use crate::cloud::services::Services;
use crate::cloud::sqs::NewMessage;
use crate::faults::{Faults, Kind, Subject, malformed, oversized};
use crate::workload::Arrival;
use payments::{Payment, UnixMs};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// How soon a producer repeats or contradicts itself, ms.
const AGAIN_MS: (u64, u64) = (0, 60_000);

/// A producer at work.
pub(super) struct Producer<'a> {
    queue: &'a str,
    bytes_max: usize,
    services: Services,
    faults: Faults,
    arrivals: VecDeque<Arrival>,
    /// What faults have yet to send, in the order they will.
    later: BTreeMap<(UnixMs, u64), String>,
    /// Messages that faults sent or will send.
    serial: u64,
    sent: Vec<Sent>,
    refused: Vec<Refused>,
    /// Who hands in through the edge, if there is one; otherwise messages go to the queue.
    shop: Option<Shop>,
}

impl<'a> Producer<'a> {
    pub(super) fn new(
        queue: &'a str,
        services: Services,
        faults: Faults,
        (arrivals, shop): (Vec<Arrival>, Option<Shop>),
    ) -> Self {
        let bytes_max = services.sqs().config(queue).map_or(0, |config| config.message_bytes_max);
        Self {
            queue,
            bytes_max: bytes_max as usize,
            services,
            faults,
            arrivals: arrivals.into(),
            later: BTreeMap::new(),
            serial: 0,
            sent: Vec::new(),
            refused: Vec::new(),
            shop,
        }
    }

    /// Sends whatever is due.
    pub(super) fn send_due(&mut self, now: UnixMs) {
        while self.arrivals.front().is_some_and(|arrival| due(arrival, self.services.clock()) <= now) {
            let Some(Arrival { body, .. }) = self.arrivals.pop_front() else { return };
            self.send(body.clone(), Origin::Workload, now);
            self.err(&body, now);
        }
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now) {
            let body = entry.remove();
            self.send(body, Origin::Fault, now);
        }
    }

    /// When it will next send something; `None` when everything was sent.
    pub(super) fn next_due(&self) -> Option<UnixMs> {
        let arrival = self.arrivals.front().map(|arrival| due(arrival, self.services.clock()));
        let later = self.later.keys().next().map(|(at, _)| *at);
        arrival.into_iter().chain(later).min()
    }

    /// Whether everything was sent, and taken or refused for good.
    pub(super) fn is_done(&self) -> bool {
        self.next_due().is_none() && self.shop.as_ref().is_none_or(Shop::is_done)
    }

    /// Messages SQS took so far.
    pub(super) fn accepted(&self) -> u64 {
        self.shop.as_ref().map_or(self.sent.len() as u64, Shop::accepted)
    }

    /// What was sent, and what SQS would not take.
    pub(super) fn into_sent(self) -> (Vec<Sent>, Vec<Refused>) {
        self.shop.map_or((self.sent, self.refused), |shop| shop.sent())
    }

    fn send(&mut self, body: String, origin: Origin, at: UnixMs) {
        if let Some(shop) = &self.shop {
            return shop.hand_in(body, origin);
        }
        let sent = self.services.sqs().send(self.queue, NewMessage::text(body.clone()), at);
        match sent {
            Ok(sent) => self.sent.push(Sent { at, message: sent.id, body, origin }),
            Err(error) => self.refused.push(Refused { at, why: error.to_string() }),
        }
    }

    /// Gets something wrong beside the message just sent, if a fault says so.
    fn err(&mut self, body: &str, now: UnixMs) {
        let payment = Payment::parse(body).ok();
        let message = self.sent.last().map(|sent| sent.message.clone()).unwrap_or_default();
        let id = payment.as_ref().map(|payment| payment.payment_id.as_str());
        let subject = Subject { operation: "", payment: id, id: &message };
        let fires = |faults: &Faults, kind| faults.fires(kind, now, &subject).is_some();
        if fires(&self.faults, Kind::Malformed) {
            let body = malformed::body(self.next_serial());
            self.send(body, Origin::Fault, now);
        }
        if fires(&self.faults, Kind::Oversized) {
            let body = oversized::body(self.next_serial(), self.bytes_max);
            self.send(body, Origin::Fault, now);
        }
        if payment.is_none() {
            return;
        }
        if fires(&self.faults, Kind::Repeated) {
            self.send_later(Kind::Repeated, body.to_owned(), now);
        }
        if fires(&self.faults, Kind::Conflicting) {
            self.send_later(Kind::Conflicting, with_another_amount(body), now);
        }
    }

    fn send_later(&mut self, kind: Kind, body: String, now: UnixMs) {
        let again_ms = self.faults.between(kind, AGAIN_MS.0, AGAIN_MS.1);
        let at = now.plus_ms(i64::try_from(again_ms).unwrap_or(i64::MAX));
        let serial = self.next_serial();
        self.later.insert((at, serial), body);
    }

    fn next_serial(&mut self) -> u64 {
        let serial = self.serial;
        self.serial += 1;
        serial
    }
}

fn due(arrival: &Arrival, clock: &Clock) -> UnixMs {
    clock.start().plus_ms(i64::try_from(arrival.at_ms).unwrap_or(i64::MAX))
}

/// The same payment over other money: one minor unit more.
fn with_another_amount(body: &str) -> String {
    let mut payment: Value = serde_json::from_str(body).unwrap_or_default();
    if let Some(amount) = payment.get("amount").and_then(Value::as_i64) {
        payment["amount"] = Value::from(amount.saturating_add(1));
    }
    payment.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflicting_message_asks_for_the_same_payment_over_other_money() {
        let body =
            r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
        let (first, second) = (Payment::parse(body), Payment::parse(&with_another_amount(body)));
        let (first, second) = (first.expect("it is one"), second.expect("so is the other"));
        assert_eq!(first.payment_id, second.payment_id);
        assert_ne!(first.fingerprint(), second.fingerprint());
    }
}
