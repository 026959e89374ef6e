//! The ledger agrees with the book: a row says succeeded exactly where money moved, once, on its intent and in its
//! amount and currency.
//!
//! One difference is allowed, because nobody can avoid it: money has moved and the row does not say so yet, while a
//! message of the payment is still in a queue, from where a later delivery settles it.
//! Invariant: every row and every movement is compared, also those nobody sent a message for.

use super::evidence::PaymentFile;
use super::{Evidence, Finding, Verdict};
use crate::stripe::Movement;
use crate::units::{count, counted};
use crate::world::LedgerRow;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let wrong = evidence.payments.iter().filter_map(|(id, file)| {
        let what = match file.row {
            Some(row) => wrong_row(evidence, file, row),
            None if file.movements.is_empty() => None,
            None => Some("money moved, and it has no row".to_owned()),
        };
        what.map(|what| Finding::payment(id, what))
    });
    let rows = &evidence.history.ledger;
    let succeeded = rows.iter().filter(|row| row.state == "succeeded").count() as u64;
    Verdict::from_findings(wrong.collect(), || {
        let charges = counted(evidence.history.book.len() as u64, "charge");
        format!("{}, {} succeeded, {charges}", counted(rows.len() as u64, "row"), count(succeeded))
    })
}

fn wrong_row(evidence: &Evidence<'_>, file: &PaymentFile<'_>, row: &LedgerRow) -> Option<String> {
    if file.messages.is_empty() {
        return Some("it has a row, and nobody sent it".to_owned());
    }
    match (row.state.as_str(), file.movements.as_slice()) {
        ("succeeded", [movement]) => wrong_money(row, movement),
        ("succeeded", []) => Some("its row says succeeded, and no money moved".to_owned()),
        ("succeeded", movements) => {
            Some(format!("its row says succeeded, and money moved {} times", movements.len()))
        }
        ("declined" | "quarantined" | "received" | "intended", []) => None,
        ("received" | "intended", [movement]) if is_queued(evidence, file) => wrong_money(row, movement),
        ("declined" | "quarantined" | "received" | "intended", _) => {
            Some(format!("its row says {}, and money moved", row.state))
        }
        (state, _) => Some(format!("its row has the state {state:?}, which does not exist")),
    }
}

fn wrong_money(row: &LedgerRow, movement: &Movement) -> Option<String> {
    let same = row.intent.as_deref() == Some(&*movement.intent)
        && row.amount_minor == Some(movement.amount_minor)
        && row.currency.as_deref() == Some(&*movement.currency);
    (!same).then(|| {
        let Movement { intent, amount_minor, currency, .. } = movement;
        let recorded = row.intent.as_deref().unwrap_or("no intent");
        let amount = row.amount_minor.map_or_else(|| "no amount".to_owned(), |amount| amount.to_string());
        let in_currency = row.currency.as_deref().unwrap_or("no currency");
        format!(
            "its row says {recorded}, {amount} {in_currency}, and the money that moved was {intent}, {amount_minor} {currency}"
        )
    })
}

fn is_queued(evidence: &Evidence<'_>, file: &PaymentFile<'_>) -> bool {
    file.messages.iter().any(|message| evidence.messages[message].held.is_some())
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
    fn succeeded_without_money_is_found() {
        let mut tale = Tale::of_one_good_payment();
        tale.history().book.clear();
        assert_eq!(wrong(tale), ["its row says succeeded, and no money moved"]);
    }

    #[test]
    fn money_that_moved_twice_under_one_success_is_found() {
        let mut tale = Tale::of_one_good_payment();
        tale.charge(ORDER, 1999, "eur");
        assert_eq!(wrong(tale), ["its row says succeeded, and money moved 2 times"]);
    }

    #[test]
    fn money_under_a_row_that_denies_it_is_found() {
        for state in ["declined", "quarantined", "received", "intended"] {
            let mut tale = Tale::of_one_good_payment();
            tale.row(ORDER).state = state.to_owned();
            assert_eq!(wrong(tale), [format!("its row says {state}, and money moved")]);
        }
    }

    #[test]
    fn money_may_be_ahead_of_its_row_while_the_message_is_queued() {
        for state in ["received", "intended", "declined"] {
            let mut tale = Tale::new();
            let message = tale.send(&body(ORDER, 1999));
            tale.charge_as_it_should(ORDER);
            tale.row(ORDER).state = state.to_owned();
            tale.dead_letter(&message);
            assert_eq!(wrong(tale).is_empty(), state != "declined", "{state}");
        }
    }

    #[test]
    fn another_amount_currency_or_intent_is_found() {
        let edits: [fn(&mut Movement); 3] = [
            |movement| movement.amount_minor = 1,
            |movement| movement.currency = "usd".to_owned(),
            |movement| movement.intent = "pi_other".to_owned(),
        ];
        for edit in edits {
            let mut tale = Tale::of_one_good_payment();
            edit(&mut tale.history().book[0]);
            assert_eq!(wrong(tale).len(), 1);
        }
    }

    #[test]
    fn money_without_a_row_and_a_row_without_a_message_are_found() {
        let mut tale = Tale::of_one_good_payment();
        tale.charge("order-2", 1999, "eur");
        tale.write("order-3", "received");
        assert_eq!(wrong(tale), ["money moved, and it has no row", "it has a row, and nobody sent it"]);
    }

    #[test]
    fn a_state_nobody_knows_is_found() {
        let mut tale = Tale::of_one_good_payment();
        tale.row(ORDER).state = String::new();
        assert_eq!(wrong(tale), [r#"its row has the state "", which does not exist"#]);
    }
}
