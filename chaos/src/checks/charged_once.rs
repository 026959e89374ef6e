//! No payment is charged more than once: at most one movement of money carries its id, over all intents.
//!
//! Invariant: read from the book alone, which the functions cannot reach.

use super::{Evidence, Finding, Verdict};
use crate::units::counted;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let twice = evidence.payments.iter().filter(|(_, file)| file.movements.len() > 1);
    let findings = twice.map(|(id, file)| {
        let charges: Vec<&str> = file.movements.iter().map(|movement| movement.charge.as_str()).collect();
        Finding::payment(id, format!("charged {} times: {}", charges.len(), charges.join(", ")))
    });
    Verdict::from_findings(findings.collect(), || {
        format!("{}, each of another payment", counted(evidence.history.book.len() as u64, "charge"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale};
    use super::*;

    #[test]
    fn a_second_movement_under_one_id_is_found_whatever_its_intent() {
        let mut tale = Tale::of_one_good_payment();
        tale.charge(ORDER, 1999, "eur");
        tale.history().book[1].intent = "pi_other".to_owned();
        let finding = Finding::payment(ORDER, "charged 2 times: ch_1, ch_2");
        assert_eq!(check(&Evidence::of(&tale.told())), Verdict::Fail(vec![finding]));
    }
}
