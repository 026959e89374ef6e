//! Nobody is told what is not so: paid before money moved, not charged while that may still happen, or another amount.
//!
//! Invariant: what is true is read from the book and from the ledger's writes, never from what the function that answers
//! says of itself.

use super::{Evidence, Verdict, found, judged};
use crate::journal::{Event, TableEvent};
use crate::units::counted;
use crate::world::{Look, Said};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Every state there is.
const STATES: [&str; 7] = ["paid", "declined", "in_progress", "held", "unknown", "unavailable", "no_link"];
/// What says that a payment was not made. Whoever reads it pays again.
const SAYS_NO: [&str; 7] =
    ["fail", "not charged", "unsuccessful", "declined", "rejected", "cancel", "try another card"];

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let declined = declined(evidence);
        // An answer that many were given is wrong once.
        let mut judged = BTreeSet::new();
        let mut findings = Vec::new();
        for look in &edge.looks {
            let is_new = judged.insert((Arc::as_ptr(&look.said).addr(), Arc::clone(&look.payment)));
            if is_new && let Some(what) = wrong(evidence, &declined, look) {
                findings.push(found(look, what));
            }
        }
        let answers = judged.len() as u64;
        (findings, format!("{}, {}", counted(edge.looks.len() as u64, "look"), counted(answers, "answer")))
    })
}

/// When each row first said declined.
fn declined<'e>(evidence: &Evidence<'e>) -> BTreeMap<&'e str, UnixMs> {
    let mut declined = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Table(TableEvent::LedgerWritten { payment, state, .. }) = &record.event
            && state == "declined"
        {
            declined.entry(payment.as_str()).or_insert(record.at);
        }
    }
    declined
}

fn wrong(evidence: &Evidence<'_>, declined: &BTreeMap<&str, UnixMs>, look: &Look) -> Option<String> {
    let Said { state, text, .. } = look.said.as_ref();
    let of = evidence.payments.get(look.payment.as_ref());
    let charged = of.and_then(|file| file.movements.iter().map(|movement| movement.at).min());
    match state.as_str() {
        "paid" if charged.is_none() => Some("told that it is paid, and no money moved".to_owned()),
        "paid" if charged.is_some_and(|at| at > look.given_at) => {
            Some("told that it is paid before money moved".to_owned())
        }
        "declined" if charged.is_some() => Some("told that it is declined, and money moved".to_owned()),
        "declined" if declined.get(look.payment.as_ref()).is_none_or(|at| *at > look.given_at) => {
            Some("told that it is declined before its row said so: it could still be charged".to_owned())
        }
        "paid" | "declined" => other_money(evidence, look),
        state if !STATES.contains(&state) => Some(format!("told that it is {state:?}, which is no state")),
        state => {
            let no = SAYS_NO.iter().find(|no| text.contains(*no));
            let no = no.map(|no| format!("told \"{no}\" while it is {state}: it may be charged"));
            no.or_else(|| other_money(evidence, look))
        }
    }
}

/// An amount that is not the payment's.
fn other_money(evidence: &Evidence<'_>, look: &Look) -> Option<String> {
    let (amount, currency) = look.said.money.as_ref()?;
    let row = evidence.payments.get(look.payment.as_ref())?.row?;
    let is_so = (row.amount_minor, row.currency.as_deref()) == (Some(*amount), Some(currency.as_str()));
    (!is_so).then(|| format!("told of {amount} {currency}, which is not what it is over"))
}
