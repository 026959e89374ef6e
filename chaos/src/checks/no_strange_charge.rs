//! No strange charge: every movement of money belongs to a payment that was sent, and is what one of its messages
//! asked for.
//!
//! Invariant: judged against the messages, not the ledger: a row that is wrong cannot excuse a charge.

use super::{Evidence, Finding, Meaning, Verdict};
use crate::stripe::Movement;
use crate::units::counted;
use payments::Payment;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let strange = evidence.history.book.iter().filter_map(|movement| strange(evidence, movement));
    Verdict::from_findings(strange.collect(), || {
        format!("{}, each asked for by a message", counted(evidence.history.book.len() as u64, "charge"))
    })
}

fn strange(evidence: &Evidence<'_>, movement: &Movement) -> Option<Finding> {
    let Movement { charge, amount_minor, currency, .. } = movement;
    let Some(id) = &movement.payment else {
        return Some(Finding::run(format!(
            "charge {charge} over {amount_minor} {currency} names no payment"
        )));
    };
    let messages = evidence.payments.get(id).map_or(&[][..], |file| &file.messages);
    if messages.is_empty() {
        return Some(Finding::payment(id, format!("charge {charge}, and nobody sent this payment")));
    }
    let asked = messages.iter().any(|message| match &evidence.messages[message].meaning {
        Meaning::Payment(payment) => asks_for(payment, movement),
        Meaning::Drill(_) | Meaning::NoPayment => false,
    });
    (!asked).then(|| {
        Finding::payment(
            id,
            format!("charge {charge} over {amount_minor} {currency}, which no message asked for"),
        )
    })
}

fn asks_for(payment: &Payment, movement: &Movement) -> bool {
    payment.amount.get() == movement.amount_minor && payment.currency.as_str() == movement.currency
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale};
    use super::*;

    #[test]
    fn a_charge_nobody_asked_for_is_found() {
        let mut tale = Tale::of_one_good_payment();
        tale.charge("order-2", 1999, "eur");
        tale.charge(ORDER, 1998, "eur");
        tale.charge(ORDER, 1999, "usd");
        tale.charge(ORDER, 1999, "eur");
        tale.history().book[4].payment = None;
        let findings = vec![
            Finding::payment("order-2", "charge ch_2, and nobody sent this payment"),
            Finding::payment(ORDER, "charge ch_3 over 1998 eur, which no message asked for"),
            Finding::payment(ORDER, "charge ch_4 over 1999 usd, which no message asked for"),
            Finding::run("charge ch_5 over 1999 eur names no payment"),
        ];
        assert_eq!(check(&Evidence::of(&tale.told())), Verdict::Fail(findings));
    }
}
