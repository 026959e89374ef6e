//! Nothing is quarantined without a cause of its own: a human has to look at every message there, so an outage must not
//! put payments there that only had to wait.
//!
//! A cause is: the message is no payment, a drill, or at odds with its row; Stripe refused the payment in its own words
//! (a 4xx other than those that say "later" or "not with this key"), or its intent came to a state that no delivery
//! leaves; or deliveries of it died; or it came back from a redrive without ever having reached the ledger. What a fault
//! makes everybody meet is no cause, once enough have met it that it could be known.
//! Invariant: every message in quarantine is held against what happened to its own payment, never to others.

use super::evidence::attribute;
use super::mishaps::{GivenUp, MetBy, Mishap, OTHERS_MIN, mishaps, others};
use super::{Evidence, Finding, Meaning, Verdict};
use crate::faults::Kind;
use crate::journal::{Event, FaultFired, QueueEvent, StripeEvent};
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
    let mishaps = mishaps(evidence);
    let is_own = |it: &&_| is_own(evidence, &mishaps, it);
    let met = mishaps.iter().filter(is_own).map(|it| it.payment.clone());
    ends(evidence).into_iter().map(str::to_owned).chain(met).collect()
}

/// Payments whose intent came to a state that no delivery leaves, or that kill whoever works on them. An intent that we
/// canceled ourselves is canceled because its payment was given up, not the other way round.
fn ends<'e>(evidence: &'e Evidence<'_>) -> BTreeSet<&'e str> {
    let (mut ends, mut given_up) = (BTreeSet::new(), GivenUp::default());
    for record in &evidence.history.records {
        if let Event::Stripe(StripeEvent::Called {
            payment: Some(payment), intent, operation, said, ..
        }) = &record.event
        {
            let is_ours = given_up.by(*operation, intent.as_deref(), payment);
            let has_ended = match said.as_deref() {
                Some("requires_capture" | "requires_payment_method") => true,
                Some("canceled") => !is_ours,
                Some(_) | None => false,
            };
            ends.extend(has_ended.then_some(payment.as_str()));
        } else if let Event::Fault(FaultFired { fault, on, .. }) = &record.event {
            ends.extend((*fault == Kind::Poison).then_some(on.as_str()));
        }
    }
    ends
}

/// Whether a mishap speaks against its payment: it was met by this one, or by too few for anybody to know better.
fn is_own(evidence: &Evidence<'_>, mishaps: &[Mishap], mishap: &Mishap) -> bool {
    match mishap.met_by {
        MetBy::One => true,
        MetBy::Everybody(fault) => {
            let until = evidence.payments.get(&mishap.payment).and_then(|file| file.settled);
            let until = until.unwrap_or(evidence.history.ended);
            others(mishaps, &mishap.payment, fault, until) < OTHERS_MIN
        }
    }
}

/// How often each message was dead-lettered, by its first id.
fn rounds<'a>(evidence: &'a Evidence<'_>) -> BTreeMap<&'a str, u32> {
    let mut rounds = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Queue(QueueEvent::DeadLettered { message, .. }) = &record.event {
            *rounds.entry(evidence.identities.first(message)).or_default() += 1;
        }
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;
    use crate::faults::Window;
    use crate::journal::{FailedBy, Operation};

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
            assert_eq!(
                quarantined(|tale, _| tale.call(ORDER, Operation::Create, status, None)),
                found,
                "{status:?}"
            );
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
        let verdict = quarantined(|tale, _| tale.call(ORDER, Operation::Create, Some(400), None));
        assert!(matches!(verdict, Verdict::Pass(_)));
    }

    #[test]
    fn deliveries_that_died_are_a_cause() {
        let died = |how: FailedBy| quarantined(|tale, message| tale.die(message, how));
        for death in [FailedBy::Crash, FailedBy::Timeout, FailedBy::OutOfMemory] {
            assert!(matches!(died(death), Verdict::Pass(_)), "{death}");
        }
        assert!(matches!(died(FailedBy::Error), Verdict::Fail(_)), "an error is no death");
    }

    /// A payment to which this happened, as it did to so many others before, under a fault of this kind for everybody.
    fn quarantined_among(others: usize, kind: Kind, mut happens: impl FnMut(&mut Tale, &str)) -> Verdict {
        let mut tale = Tale::new();
        tale.fault(kind, Window::ALWAYS, 1);
        tale.history().experiment.faults[0].hop = Some(3);
        for other in (0..others).map(|n| format!("other-{n}")) {
            happens(&mut tale, &other);
            tale.wait_ms(5_000);
        }
        let message = tale.send(&body(ORDER, 1999));
        tale.write(ORDER, "received");
        happens(&mut tale, ORDER);
        tale.quarantine(&message, "poison");
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn what_everybody_meets_is_nobodys_cause() {
        let refuse = |tale: &mut Tale, payment: &str| {
            tale.call(payment, Operation::Confirm, Some(402), Some(Kind::StripeRefusing));
        };
        let panic = |tale: &mut Tale, payment: &str| {
            let (fault, on) = (Kind::Panic, format!("create {payment}"));
            tale.happen(FaultFired { fault, placement: None, on });
        };
        let crash = |tale: &mut Tale, payment: &str| {
            let message = tale.send(&body(payment, 1999));
            tale.die(&message, FailedBy::Crash);
        };
        for others in [OTHERS_MIN - 1, OTHERS_MIN] {
            let verdicts = [
                quarantined_among(others, Kind::StripeRefusing, refuse),
                quarantined_among(others, Kind::Panic, panic),
                quarantined_among(others, Kind::Crash, crash),
            ];
            for verdict in verdicts {
                assert_eq!(
                    matches!(verdict, Verdict::Fail(_)),
                    others == OTHERS_MIN,
                    "{others}: {verdict:?}"
                );
            }
        }
    }

    #[test]
    fn an_intent_that_we_canceled_ourselves_is_no_cause() {
        let canceled = |operation| {
            quarantined(|tale, _| {
                tale.happen(StripeEvent::Called {
                    request: "request-1".to_owned(),
                    operation,
                    intent: None,
                    payment: Some(ORDER.to_owned()),
                    status: Some(200),
                    said: Some("canceled".to_owned()),
                    fault: None,
                });
            })
        };
        assert!(matches!(canceled(Operation::Retrieve), Verdict::Pass(_)));
        assert!(matches!(canceled(Operation::Cancel), Verdict::Fail(_)));
    }

    #[test]
    fn our_own_fence_is_no_cause_whoever_hears_of_it_later() {
        let verdict = quarantined(|tale, _| {
            tale.call(ORDER, Operation::Cancel, None, None);
            tale.happen(StripeEvent::Called {
                request: "request-2".to_owned(),
                operation: Operation::Retrieve,
                intent: None,
                payment: Some(ORDER.to_owned()),
                status: Some(200),
                said: Some("canceled".to_owned()),
                fault: None,
            });
        });
        assert!(matches!(verdict, Verdict::Fail(_)), "the answer to the cancel was lost");
    }

    #[test]
    fn what_comes_of_our_own_fence_is_no_cause() {
        let after = |calls: &'static [(Operation, u16)]| {
            quarantined(|tale, _| {
                calls.iter().for_each(|(call, status)| tale.call(ORDER, *call, Some(*status), None));
            })
        };
        // Stripe refuses to cancel what is canceled, and to confirm it: payment_intent_unexpected_state.
        for refused in [Operation::Cancel, Operation::Confirm, Operation::Retrieve] {
            let verdict = quarantined(|tale, _| {
                tale.call(ORDER, Operation::Cancel, Some(200), None);
                tale.call(ORDER, refused, Some(400), None);
            });
            assert!(matches!(verdict, Verdict::Fail(_)), "{refused}: {verdict:?}");
        }
        assert!(matches!(after(&[(Operation::Cancel, 400)]), Verdict::Fail(_)), "it only tried to");
        assert!(
            matches!(after(&[(Operation::Confirm, 400), (Operation::Cancel, 200)]), Verdict::Pass(_)),
            "it came before"
        );
        assert!(
            matches!(after(&[(Operation::Cancel, 200), (Operation::Create, 400)]), Verdict::Pass(_)),
            "it is of another"
        );
    }

    #[test]
    fn what_is_drawn_for_each_is_a_cause_however_many_it_hits() {
        let crash = |tale: &mut Tale, payment: &str| {
            tale.history().experiment.faults[0].hop = None;
            let message = tale.send(&body(payment, 1999));
            tale.die(&message, FailedBy::Crash);
        };
        assert!(matches!(quarantined_among(20, Kind::Crash, crash), Verdict::Pass(_)));
    }

    #[test]
    fn what_is_no_payment_is_its_own_cause() {
        let mut tale = Tale::new();
        let message = tale.send("not json");
        tale.quarantine(&message, "malformed");
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
    }
}
