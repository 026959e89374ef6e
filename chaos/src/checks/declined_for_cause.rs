//! No payment is declined unless its issuer said no: a decline is final, its message goes, and nobody is told.
//!
//! What Stripe refuses for the account, with a 402 or otherwise, is no issuer's word.
//! Invariant: every declined row is held against what was said of its own intent, whoever heard it, and be it nobody.

use super::{Evidence, Finding, Verdict};
use crate::faults::Kind;
use crate::journal::{Event, Operation, StripeEvent};
use crate::stripe::Stage;
use crate::units::counted;
use std::collections::BTreeSet;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let said_no = evidence.history.records.iter().filter_map(|record| said_no(&record.event));
    let said_no: BTreeSet<&str> = said_no.chain(turned_down(&evidence.history.intents)).collect();
    let rows = evidence.history.ledger.iter().filter(|row| row.state == "declined");
    let declined: Vec<&str> = rows.map(|row| row.payment.as_str()).collect();
    let unsaid = declined.iter().filter(|payment| !said_no.contains(*payment));
    let findings = unsaid.map(|payment| Finding::payment(payment, "declined, and no issuer said no"));
    Verdict::from_findings(findings.collect(), || {
        format!("{} declined, each by its issuer", counted(declined.len() as u64, "payment"))
    })
}

/// Payments whose intent came to stand as an issuer's no leaves it, if only Stripe knew: the answer may be lost and a look-up
/// stale. As it was created it stands so without a payment method, which is nobody's word.
fn turned_down(stages: &[Stage]) -> impl Iterator<Item = &str> {
    let mut created = BTreeSet::new();
    stages
        .iter()
        .filter(move |stage| !created.insert(&stage.intent) && tells(stage.status))
        .filter_map(|stage| stage.payment.as_deref())
}

fn tells(status: &str) -> bool {
    matches!(status, "requires_payment_method" | "requires_action")
}

/// The payment that an issuer turned down, or wanted to see the cardholder for: as Stripe said so, as its intent tells
/// later, or as Stripe found out when nobody waited for it.
fn said_no(event: &Event) -> Option<&str> {
    let Event::Stripe(event) = event else { return None };
    match event {
        StripeEvent::Called { payment, status, said, fault, .. } => {
            let is_refused = *status == Some(402) && *fault != Some(Kind::StripeRefusing);
            payment.as_deref().filter(|_| is_refused || said.as_deref().is_some_and(tells))
        }
        StripeEvent::Acted { payment, operation: Operation::Confirm | Operation::Bank, said, .. } => {
            payment.as_deref().filter(|_| said.as_deref() != Some("succeeded"))
        }
        // An event may be forged.
        StripeEvent::Acted { .. } | StripeEvent::Charged { .. } | StripeEvent::Told { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale};
    use super::*;

    fn declined(status: Option<u16>, fault: Option<Kind>) -> Verdict {
        let mut tale = Tale::new();
        tale.write(ORDER, "received");
        tale.call(ORDER, Operation::Confirm, status, fault);
        tale.write(ORDER, "declined");
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn an_issuers_no_is_a_cause() {
        assert!(matches!(declined(Some(402), None), Verdict::Pass(_)));
        assert!(matches!(declined(Some(402), Some(Kind::Declined)), Verdict::Pass(_)));
    }

    #[test]
    fn an_intent_that_we_canceled_ourselves_says_nothing_of_its_issuer() {
        let mut tale = Tale::new();
        tale.write(ORDER, "received");
        tale.happen(StripeEvent::Called {
            request: "request-1".to_owned(),
            operation: Operation::Cancel,
            intent: None,
            payment: Some(ORDER.to_owned()),
            status: Some(200),
            said: Some("canceled".to_owned()),
            fault: None,
        });
        tale.write(ORDER, "declined");
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_)));
    }

    /// The answer to the confirm is lost, and a look-up is too early to tell; the intent came to stand so (seed 9771).
    fn unheard(stages: &[&'static str]) -> Verdict {
        let mut tale = Tale::new();
        tale.write(ORDER, "received");
        for stage in stages {
            tale.stand(ORDER, "pi_1", stage);
        }
        tale.call(ORDER, Operation::Confirm, None, Some(Kind::StripeLostAnswer));
        tale.write(ORDER, "declined");
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn an_issuers_no_that_nobody_heard_is_a_cause() {
        assert!(matches!(unheard(&["requires_confirmation", "requires_payment_method"]), Verdict::Pass(_)));
        assert!(matches!(unheard(&["requires_confirmation", "requires_action"]), Verdict::Pass(_)));
        assert!(matches!(unheard(&["requires_confirmation", "canceled"]), Verdict::Fail(_)));
        assert!(
            matches!(unheard(&["requires_payment_method", "canceled"]), Verdict::Fail(_)),
            "as it was created"
        );
    }

    #[test]
    fn a_decline_that_no_issuer_spoke_is_found() {
        let found = Verdict::Fail(vec![Finding::payment(ORDER, "declined, and no issuer said no")]);
        assert_eq!(declined(Some(402), Some(Kind::StripeRefusing)), found);
        assert_eq!(declined(None, None), found);
    }
}
