//! Nothing is quarantined without a cause of its own: a human has to look at every message there, so an outage must not
//! put payments there that only had to wait.
//!
//! A cause is: the message is no payment, a drill, or at odds with its row; Stripe refused the payment in its own words
//! (a 4xx other than those that say "later" or "not with this key"), or its intent came to a state that no delivery
//! leaves; or deliveries of it died; or it came back from a redrive without ever having reached the ledger.
//! Invariant: every message in quarantine is held against what happened to its own payment, never to others.

use super::evidence::attribute;
use super::{Evidence, Finding, Meaning, Subject, Verdict};
use crate::journal::Event;
use crate::units::counted;
use payments::quarantine::ORIGINAL;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    let held = history.held(&history.names.quarantine);
    let (blamed, rounds) = (blamed(evidence), rounds(evidence));
    let innocent = held.iter().filter_map(|copy| {
        let original = evidence.identities.first(attribute(copy, ORIGINAL)?);
        let message = evidence.messages.get(original)?;
        match &message.meaning {
            Meaning::Drill(_) | Meaning::NoPayment => None,
            Meaning::Payment(payment) => {
                let id = payment.payment_id.as_str();
                let is_stranded = evidence.payments.get(id).is_none_or(|file| file.row.is_none())
                    && rounds.get(original).is_some_and(|rounds| *rounds > 1);
                let has_cause = is_stranded || blamed.contains(id) || evidence.conflicts(payment);
                let what = "quarantined although nothing was wrong with it";
                (!has_cause).then(|| Finding::payment(id, what))
            }
        }
    });
    Verdict::from_findings(innocent.collect(), || {
        format!("{} in quarantine, each with a cause", counted(held.len() as u64, "message"))
    })
}

/// Payments that something of their own happened to.
fn blamed(evidence: &Evidence<'_>) -> BTreeSet<String> {
    let mut blamed = BTreeSet::new();
    let mut batches = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::StripeCalled { payment: Some(payment), status, said, .. } = &record.event
            && is_about_the_payment(*status, said.as_deref())
        {
            blamed.insert(payment.clone());
        } else if let Event::Invoked { request, messages, .. } = &record.event {
            batches.insert(request.as_str(), messages);
        } else if let Event::Failed { request, how: "crash" | "timeout" | "out-of-memory", .. } =
            &record.event
        {
            let died = batches.get(request.as_str()).into_iter().flat_map(|messages| messages.iter());
            for message in died {
                if let Subject::Payment(payment) = evidence.subject(message) {
                    blamed.insert(payment);
                }
            }
        }
    }
    blamed
}

/// How often each message was dead-lettered, by its first id.
fn rounds<'a>(evidence: &'a Evidence<'_>) -> BTreeMap<&'a str, u32> {
    let mut rounds = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::DeadLettered { message, .. } = &record.event {
            *rounds.entry(evidence.identities.first(message)).or_default() += 1;
        }
    }
    rounds
}

fn is_about_the_payment(status: Option<u16>, said: Option<&str>) -> bool {
    let says_no = matches!(status, Some(400 | 402 | 404));
    says_no || matches!(said, Some("canceled" | "requires_capture" | "requires_payment_method"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;

    fn quarantined(before: impl FnOnce(&mut Tale, &str)) -> Verdict {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.write(ORDER, "received");
        before(&mut tale, &message);
        tale.quarantine(&message, "poison");
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_payment_that_only_met_an_outage_is_found() {
        let found =
            Verdict::Fail(vec![Finding::payment(ORDER, "quarantined although nothing was wrong with it")]);
        for status in [None, Some(401), Some(429), Some(503)] {
            assert_eq!(quarantined(|tale, _| tale.call(ORDER, "create", status, None)), found, "{status:?}");
        }
    }

    #[test]
    fn one_that_came_back_without_ever_reaching_the_ledger_is_a_cause() {
        let quarantined = |rounds: u32| {
            let mut tale = Tale::new();
            let mut message = tale.send(&body(ORDER, 1999));
            for round in 0..rounds {
                tale.dead_letter(&message);
                let next = format!("m-again-{round}");
                tale.redrive(&message, &next);
                message = next;
            }
            tale.quarantine(&message, "stranded");
            check(&Evidence::of(&tale.told()))
        };
        assert!(matches!(quarantined(1), Verdict::Fail(_)));
        assert!(matches!(quarantined(2), Verdict::Pass(_)));
    }

    #[test]
    fn a_refusal_is_a_cause() {
        let verdict = quarantined(|tale, _| tale.call(ORDER, "create", Some(400), None));
        assert!(matches!(verdict, Verdict::Pass(_)));
    }

    #[test]
    fn deliveries_that_died_are_a_cause() {
        let died = |how: &'static str| quarantined(|tale, message| tale.die(message, how));
        for death in ["crash", "timeout", "out-of-memory"] {
            assert!(matches!(died(death), Verdict::Pass(_)), "{death}");
        }
        assert!(matches!(died("error"), Verdict::Fail(_)), "an error is no death");
    }

    #[test]
    fn what_is_no_payment_is_its_own_cause() {
        let mut tale = Tale::new();
        let message = tale.send("not json");
        tale.quarantine(&message, "malformed");
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
    }
}
