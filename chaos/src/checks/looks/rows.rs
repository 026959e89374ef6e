//! What the ledger said of each payment, and since when.
//!
//! Invariant: it is read from the ledger's writes, in their order.

use super::super::Meaning;
use super::Evidence;
use crate::journal::{Event, TableEvent};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// What each row said, and since when.
pub(super) struct Rows<'e> {
    states: BTreeMap<&'e str, Vec<(UnixMs, &'e str)>>,
    /// Payments that were dead-lettered: those alone are ever set aside.
    dead: BTreeSet<&'e str>,
}

impl<'e> Rows<'e> {
    pub(super) fn of(evidence: &Evidence<'e>) -> Self {
        let mut states: BTreeMap<&str, Vec<(UnixMs, &str)>> = BTreeMap::new();
        for record in &evidence.history.records {
            if let Event::Table(TableEvent::LedgerWritten { payment, state, .. }) = &record.event {
                states.entry(payment).or_default().push((record.at, state));
            }
        }
        let dead = evidence.messages.values().filter(|message| message.dead_lettered.is_some());
        let dead = dead.filter_map(|message| match &message.meaning {
            Meaning::Payment(payment) => evidence.payments.get_key_value(payment.payment_id.as_str()),
            Meaning::Drill(_) | Meaning::NoPayment => None,
        });
        // The keys of the evidence live as long as it does; the states' are those of the history.
        let dead: BTreeSet<&str> =
            dead.filter_map(|(id, _)| states.get_key_value(id.as_str())).map(|(id, _)| *id).collect();
        Self { states, dead }
    }

    /// What it said at an instant; nothing before it was first written.
    pub(super) fn at(&self, payment: &str, at: UnixMs) -> Option<&'e str> {
        let states = self.states.get(payment)?;
        states.iter().take_while(|(since, _)| *since <= at).last().map(|(_, state)| *state)
    }

    /// When each came to an end that is told as one.
    pub(super) fn ended(&self) -> BTreeMap<&'e str, UnixMs> {
        let ends = self.states.iter().filter_map(|(payment, states)| {
            let end = states.iter().find(|(_, state)| matches!(*state, "succeeded" | "declined"));
            end.map(|(at, _)| (*payment, *at))
        });
        ends.collect()
    }

    /// Whether a message of the payment was ever dead-lettered.
    pub(super) fn was_dead(&self, payment: &str) -> bool {
        self.dead.contains(payment)
    }
}
