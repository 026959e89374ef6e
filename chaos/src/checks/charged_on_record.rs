//! Money moves only on record: at the moment an intent charges, its payment's row is `intended`.
//!
//! That is the one rule everything else rests on, only an intent id that was read back from the ledger is ever
//! confirmed, seen from outside. Whoever breaks it gets away with it until the first crash between the two; here the
//! first charge is enough. A charge after the row said declined or quarantined is found as well.
//! Invariant: one pass over the journal in order, with the ledger as it stood at each charge.

use super::{Evidence, Finding, Verdict};
use crate::journal::{Event, StripeEvent, TableEvent};
use crate::units::counted;
use std::collections::BTreeMap;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let mut states: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut findings, mut charges) = (Vec::new(), 0_u64);
    for record in &evidence.history.records {
        if let Event::Table(TableEvent::LedgerWritten { payment, state, .. }) = &record.event {
            states.insert(payment, state);
        } else if let Event::Stripe(StripeEvent::Charged { payment, .. }) = &record.event {
            charges += 1;
            findings.extend(match states.get(payment.as_str()) {
                Some(&"intended") => None,
                Some(state) => Some(Finding::payment(payment, format!("charged while its row was {state}"))),
                None => Some(Finding::payment(payment, "charged before it had a row")),
            });
        }
    }
    Verdict::from_findings(findings, || format!("{}, each on record before", counted(charges, "charge")))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale};
    use super::*;

    fn verdict_when(state: Option<&str>) -> Verdict {
        let mut tale = Tale::new();
        if let Some(state) = state {
            tale.write(ORDER, state);
        }
        tale.charge(ORDER, 1999, "eur");
        tale.write(ORDER, "intended");
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_charge_that_is_recorded_only_afterwards_is_found() {
        let found = |what: &str| Verdict::Fail(vec![Finding::payment(ORDER, what)]);
        assert_eq!(verdict_when(None), found("charged before it had a row"));
        assert_eq!(verdict_when(Some("received")), found("charged while its row was received"));
        assert!(matches!(verdict_when(Some("intended")), Verdict::Pass(_)));
    }

    #[test]
    fn a_charge_after_the_payment_was_settled_is_found() {
        for state in ["declined", "quarantined", "succeeded"] {
            assert!(matches!(verdict_when(Some(state)), Verdict::Fail(_)), "{state}");
        }
    }
}
