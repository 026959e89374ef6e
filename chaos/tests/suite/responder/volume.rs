//! Many payments, charged and settled before a town began, and what auditing them takes.
//!
//! Invariant: every intent has a row, so every comparison finds one; each thousandth row says another amount.

use super::town::{START, Town};
use chaos::journal::{Event, FailedBy, FunctionEvent, Operation, StripeEvent};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// From one charge to the next, ms: as fast as Stripe lets one endpoint go.
const APART_MS: i64 = 40;
/// How often a row says another amount.
const ONE_IN: i64 = 1_000;

/// What an audit of so many came to.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) intents: i64,
    pub(crate) differences: i64,
    /// Those that are named one by one.
    pub(crate) sorts: Vec<String>,
    /// Pages asked for since the audit was ordered.
    pub(crate) pages: usize,
    /// Turns that asked for any, and how many the busiest asked for.
    pub(crate) turns: usize,
    pub(crate) pages_of_a_turn: usize,
    /// Pages in the busiest second.
    pub(crate) pages_of_a_second: usize,
    /// The longest of those turns, ms of the world's time.
    pub(crate) longest_turn_ms: i64,
    /// From the order to the end, the same.
    pub(crate) took_ms: i64,
    /// Invocations that ended in anything but an answer, and how.
    pub(crate) failed: Vec<FailedBy>,
}

/// How many differences there are among so many payments.
pub(crate) const fn differing(payments: i64) -> i64 {
    (payments + ONE_IN - 1) / ONE_IN
}

/// Charges so many payments, one after the other until the town began, and writes the row of each.
pub(crate) async fn plant(town: &Town, payments: i64) {
    for n in 0..payments {
        let at = START.plus_ms(APART_MS * (n - payments));
        let form = format!("amount=1999&currency=eur&metadata[payment_id]=order-{n}");
        let intent = town.charge_at_stripe_at(&form, at);
        let amount = if n % ONE_IN == 0 { "2999" } else { "1999" };
        let at = at.0.to_string();
        town.put_row(json!({
            "payment_id": {"S": format!("order-{n}")},
            "state": {"S": "succeeded"},
            "intent_id": {"S": intent},
            "amount": {"N": amount},
            "currency": {"S": "eur"},
            "version": {"N": "3"},
            "received_at": {"N": at},
            "enqueued_at": {"N": at},
            "settled_at": {"N": at},
        }))
        .await;
    }
}

/// Orders an audit and looks at it so many seconds later.
pub(crate) async fn audited(town: &Town, seconds: u64) -> Figures {
    let before = town.journal.records().len();
    assert!(town.order_audit("2h").await.contains("has begun"));
    town.pass_s(seconds).await;
    let audit = town.status().await["audit"]["last"].clone();
    let mut figures = Figures::of(&audit);
    figures.read(town, before);
    figures
}

impl Figures {
    fn of(audit: &Value) -> Self {
        let round = &audit["round"];
        let number = |value: &Value| value.as_i64().expect("a finished audit has numbers");
        let differences = round["differences"].as_array().expect("a list");
        let sort = |difference: &Value| difference["sort"].as_str().unwrap_or_default().to_owned();
        Self {
            intents: number(&round["counts"]["intents"]),
            differences: number(&round["counts"]["differences"]),
            sorts: differences.iter().map(sort).collect(),
            took_ms: number(&audit["ended_at"]) - number(&round["began_at"]),
            pages: 0,
            turns: 0,
            pages_of_a_turn: 0,
            pages_of_a_second: 0,
            longest_turn_ms: 0,
            failed: Vec::new(),
        }
    }

    /// Fills in what the journal says from this record on.
    fn read(&mut self, town: &Town, from: usize) {
        let mut seconds: BTreeMap<i64, usize> = BTreeMap::new();
        let mut turns: BTreeMap<String, usize> = BTreeMap::new();
        let mut began: BTreeMap<String, UnixMs> = BTreeMap::new();
        for record in town.journal.records().iter().skip(from) {
            match &record.event {
                Event::Function(FunctionEvent::Invoked { request, .. }) => {
                    began.insert(request.clone(), record.at);
                }
                Event::Stripe(StripeEvent::Called { operation: Operation::List, request, .. }) => {
                    *seconds.entry(record.at.0 / 1_000).or_default() += 1;
                    *turns.entry(request.clone()).or_default() += 1;
                }
                Event::Function(FunctionEvent::Answered { request, .. }) if turns.contains_key(request) => {
                    let took_ms = began.get(request).map_or(0, |began| record.at.since_ms(*began));
                    self.longest_turn_ms = self.longest_turn_ms.max(took_ms);
                }
                Event::Function(FunctionEvent::Failed { how, .. }) => self.failed.push(*how),
                _ => {}
            }
        }
        self.pages = turns.values().sum();
        self.turns = turns.len();
        self.pages_of_a_turn = turns.into_values().max().unwrap_or(0);
        self.pages_of_a_second = seconds.into_values().max().unwrap_or(0);
    }
}
