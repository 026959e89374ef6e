//! Nobody is told what is not so: paid before money moved, not charged while that may still happen, or another amount.
//!
//! Invariant: what is true is read from the book and from the ledger's writes, never from what the function that answers
//! says of itself.

use super::rows::Rows;
use super::{Evidence, Verdict, found, judged};
use crate::units::counted;
use crate::world::{Look, Said};
use payments::money::{Currency, written};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Every state there is.
const STATES: [&str; 7] = ["paid", "declined", "in_progress", "held", "unknown", "unavailable", "no_link"];
/// What says that a payment was not made. Whoever reads it pays again.
const SAYS_NO: [&str; 10] = [
    "fail",
    "not charged",
    "unsuccessful",
    "declined",
    "rejected",
    "refused",
    "cancel",
    "did not go through",
    "try another card",
    "please pay again",
];
/// What whoever may be charged has to be told, or pays again.
const CERTAIN: [&str; 2] = ["charged twice", "not pay again"];
/// A read is told this much later at most, ms: CloudFront waits no longer.
const READ_MS: i64 = 2_000;

pub(in super::super) fn check(evidence: &Evidence<'_>) -> Verdict {
    judged(evidence, |edge| {
        let rows = Rows::of(evidence);
        // An answer that many were given is wrong once.
        let mut judged = BTreeSet::new();
        let mut findings = Vec::new();
        for look in &edge.looks {
            let is_new = judged.insert((Arc::as_ptr(&look.said).addr(), Arc::clone(&look.payment)));
            if is_new && let Some(what) = wrong(evidence, &rows, look) {
                findings.push(found(look, what));
            }
        }
        let answers = judged.len() as u64;
        (findings, format!("{}, {}", counted(edge.looks.len() as u64, "look"), counted(answers, "answer")))
    })
}

fn wrong(evidence: &Evidence<'_>, rows: &Rows<'_>, look: &Look) -> Option<String> {
    let Said { state, text, is_final, .. } = look.said.as_ref();
    let (payment, at) = (look.payment.as_ref(), look.given_at);
    let of = evidence.payments.get(payment);
    let charged = of.and_then(|file| file.movements.iter().map(|movement| movement.at).min());
    // What was read may be a little older than when it was told.
    let (row, before) = (rows.at(payment, at), rows.at(payment, at.plus_ms(-READ_MS)));
    let is_of_row = matches!(state.as_str(), "paid" | "declined" | "in_progress" | "held" | "unknown");
    if *is_final != matches!(state.as_str(), "paid" | "declined") {
        return Some(format!(
            "told that {state} {} it stays so",
            if *is_final { "is how" } else { "may not be how" }
        ));
    }
    if is_of_row && look.is_page != look.said.is_page {
        return Some("given in another form than was asked for".to_owned());
    }
    if is_of_row && look.said.payment.is_none() {
        return Some(format!("told that it is {state}, and not which payment"));
    }
    match state.as_str() {
        "paid" if charged.is_none() => Some("told that it is paid, and no money moved".to_owned()),
        "paid" if charged.is_some_and(|charged| charged > at) => {
            Some("told that it is paid before money moved".to_owned())
        }
        "paid" if row != Some("succeeded") => Some("told that it is paid before its row said so".to_owned()),
        "declined" if charged.is_some() => Some("told that it is declined, and money moved".to_owned()),
        "declined" if row != Some("declined") => {
            Some("told that it is declined before its row said so: it could still be charged".to_owned())
        }
        "unknown" if before.is_some() => Some("told that it is not known, while it has a row".to_owned()),
        "in_progress" if before == Some("quarantined") => {
            Some("told that we are still trying, while it waits for a person".to_owned())
        }
        "held" if row != Some("quarantined") && !rows.was_dead(payment) => {
            Some("told that it waits for a person, while we are still trying".to_owned())
        }
        "paid" | "declined" => other_money(evidence, look),
        state if !STATES.contains(&state) => Some(format!("told that it is {state:?}, which is no state")),
        state => {
            let no = SAYS_NO.iter().find(|no| text.contains(*no));
            let no = no.map(|no| format!("told \"{no}\" while it is {state}: it may be charged"));
            let unsaid = is_of_row.then(|| CERTAIN.iter().find(|certain| !text.contains(*certain))).flatten();
            let unsaid = unsaid.map(|certain| format!("not told \"{certain}\" while it is {state}"));
            no.or(unsaid).or_else(|| other_money(evidence, look))
        }
    }
}

/// An amount that is not the payment's.
fn other_money(evidence: &Evidence<'_>, look: &Look) -> Option<String> {
    let row = evidence.payments.get(look.payment.as_ref())?.row?;
    let currency = row.currency.as_deref()?;
    let is_told = |amount: &str| format!("told of {amount}, which is not what it is over");
    if let Some((amount, of)) = &look.said.money {
        let is_so = row.amount_minor == Some(*amount) && currency == of;
        return (!is_so).then(|| is_told(&format!("{amount} {of}")));
    }
    let written = written(Currency::new(currency)?, row.amount_minor?);
    look.said.written.as_ref().filter(|told| **told != written).map(|told| is_told(told))
}
