//! Behaviour of the real consumer, in a world built from the real template.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests pick the events they look at")]

mod bodies;
mod company;
mod erased;
mod inputs;
mod repeats;
mod sequences;
mod suspicion;
mod town;

use chaos::cloud::sqs::{MessageAttribute, NewMessage};
use chaos::faults::Kind;
use chaos::journal::{self, FailedBy, FunctionEvent};
use consumer::Protocol;
use payments::Row;
use payments::charge::{Delivery, Event, Step};
use payments::ledger::OpenDelivery;
use payments::request::Wording;
use std::collections::BTreeMap;
use std::sync::Arc;
use town::{DEAD_LETTERS, Plan, QUARANTINE, SOURCE, always, in_town, payment, until};

const VISA: &str = "pm_card_visa";

#[test]
fn a_payment_is_charged_once_settled_and_acknowledged_with_two_calls() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(60).await;
        assert_eq!(town.charges(), [("order-1".to_owned(), 1999)]);
        assert_eq!(town.states(), BTreeMap::from([("order-1".to_owned(), "succeeded".to_owned())]));
        assert_eq!(town.stripe_calls(), ["create", "confirm"]);
        assert!(town.held(SOURCE).is_empty());
        assert_eq!(town.metric("Succeeded"), 1);
    });
}

#[test]
fn the_drill_that_fails_reaches_the_dead_letters_soon_and_touches_nothing_else() {
    in_town(Plan::default(), async |town| {
        town.send("PYMT_FAILED");
        town.send("PYMT_SUCCEED");
        town.pass_s(60).await;
        let dead = town.held(DEAD_LETTERS);
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0].content.body, "PYMT_FAILED");
        assert!(town.held(SOURCE).is_empty());
        assert!(town.stripe_calls().is_empty());
        assert!(town.states().is_empty());
    });
}

#[test]
fn with_drills_off_a_drill_is_a_malformed_payment() {
    in_town(Plan { drills_off: true, ..Plan::default() }, async |town| {
        town.send("PYMT_FAILED");
        town.pass_s(60).await;
        assert_eq!(town.quarantined()[0]["quarantine_reason"], "malformed");
        assert_eq!(
            town.quarantined()[0]["quarantine_detail"],
            "fire drills are switched off (parameter Drills)"
        );
    });
}

#[test]
fn a_malformed_message_is_quarantined_with_its_reason_and_all_its_attributes() {
    in_town(Plan::default(), async |town| {
        let attributes = BTreeMap::from([("trace".to_owned(), MessageAttribute::text("abc"))]);
        let body = payment("order-1", 0, VISA);
        town.send_message(NewMessage { attributes, ..NewMessage::text(body.clone()) });
        town.pass_s(60).await;
        let copy = &town.quarantined()[0];
        assert_eq!(copy["trace"], "abc");
        assert_eq!(copy["quarantine_reason"], "malformed");
        assert_eq!(
            copy["quarantine_detail"],
            "amount is not acceptable; accepted: a positive integer, in minor units"
        );
        assert!(copy.contains_key("original_message_id"));
        assert_eq!(town.held(QUARANTINE)[0].content.body, body);
        assert!(town.held(SOURCE).is_empty() && town.states().is_empty());
    });
}

#[test]
fn an_event_of_stripes_that_nobody_listens_to_is_no_payment_and_acknowledged() {
    in_town(Plan::default(), async |town| {
        let event = serde_json::json!({
            "source": "aws.partner/stripe.com/ed_test_1",
            "detail-type": "payment_intent.succeeded",
            "detail": { "data": { "object": { "id": "pi_1", "metadata": { "payment_id": "order-1" } } } },
        });
        town.send(&event.to_string());
        town.pass_s(60).await;
        assert!(town.held(SOURCE).is_empty() && town.quarantined().is_empty());
        assert!(town.states().is_empty() && town.stripe_calls().is_empty());
    });
}

#[test]
fn a_message_that_uses_every_attribute_keeps_them_in_quarantine() {
    in_town(Plan::default(), async |town| {
        let attributes =
            (0..10).map(|n| (format!("a{n}"), MessageAttribute::text(format!("v{n}")))).collect();
        town.send_message(NewMessage { attributes, ..NewMessage::text("nonsense") });
        town.pass_s(60).await;
        let copy = &town.quarantined()[0];
        let originals: serde_json::Value = serde_json::from_str(&copy["original_attributes"]).expect("JSON");
        assert!((0..10).all(|n| originals[format!("a{n}")]["stringValue"] == format!("v{n}")));
    });
}

#[test]
fn the_same_id_with_other_money_quarantines_that_message_and_leaves_the_payment_alone() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(60).await;
        town.send(&payment("order-1", 2999, VISA));
        town.pass_s(60).await;
        assert_eq!(town.charges(), [("order-1".to_owned(), 1999)]);
        assert_eq!(town.states()["order-1"], "succeeded");
        assert_eq!(town.quarantined()[0]["quarantine_reason"], "conflicting_request");
    });
}

#[test]
fn copies_of_a_message_charge_once_however_they_overlap() {
    in_town(Plan::default(), async |town| {
        for _ in 0..25 {
            town.send(&payment("order-1", 1999, VISA));
        }
        town.pass_s(3_600).await;
        assert_eq!(town.charges().len(), 1);
        assert!(town.held(SOURCE).is_empty() && town.held(DEAD_LETTERS).is_empty());
    });
}

#[test]
fn a_declined_card_is_settled_after_its_intent_is_canceled() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, "pm_card_chargeDeclinedInsufficientFunds"));
        town.pass_s(60).await;
        assert_eq!(town.states()["order-1"], "declined");
        assert_eq!(town.stripe_calls(), ["create", "confirm", "cancel"]);
        assert!(town.charges().is_empty() && town.held(SOURCE).is_empty());
    });
}

#[test]
fn a_card_that_wants_its_owner_is_declined() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, "pm_card_authenticationRequired"));
        town.pass_s(60).await;
        assert_eq!(town.states()["order-1"], "declined");
        assert!(town.charges().is_empty());
    });
}

#[test]
fn a_soft_decline_is_tried_three_times_in_all() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, "pm_card_chargeDeclinedProcessingError"));
        // Not at once: each time the message waits its turn in the queue.
        town.pass_s(4).await;
        assert_eq!(town.stripe_calls(), ["create", "confirm"]);
        assert_eq!(town.attributes("last_error")["order-1"], "declined_softly");
        town.pass_s(120).await;
        assert_eq!(town.states()["order-1"], "declined");
        let calls = ["create", "confirm", "retrieve", "confirm", "retrieve", "confirm", "cancel"];
        assert_eq!(town.stripe_calls(), calls);
    });
}

#[test]
fn a_payment_stripe_refuses_for_good_is_quarantined_with_stripes_code() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1, VISA));
        town.pass_s(20).await;
        // Not at once: others may be in the same trouble.
        assert_eq!(town.attributes("last_error")["order-1"], "refused");
        assert_eq!(town.states()["order-1"], "received");
        town.pass_s(300).await;
        assert_eq!(town.states()["order-1"], "quarantined");
        assert_eq!(town.stripe_calls(), ["create"; 4], "nobody else came by");
        assert_eq!(town.quarantined()[0]["quarantine_reason"], "refused");
        assert_eq!(town.quarantined()[0]["quarantine_detail"], "amount_too_small (amount)");
        assert!(town.attributes("quarantine_message_id").contains_key("order-1"));
    });
}

#[test]
fn a_payment_that_is_refused_while_others_come_through_is_blamed_at_its_second_delivery() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-0", 1, VISA));
        for n in 1..30 {
            town.send(&payment(&format!("order-{n}"), 1999, VISA));
            town.pass_s(2).await;
        }
        town.pass_s(40).await;
        assert_eq!(town.states()["order-0"], "quarantined");
        assert_eq!(town.charges().len(), 29);
    });
}

#[test]
fn when_everybody_is_refused_with_one_code_nobody_is_taken_for_hopeless() {
    in_town(Plan::default(), async |town| {
        for n in 0..20 {
            town.send(&payment(&format!("order-{n}"), 1, VISA));
            town.pass_s(2).await;
        }
        town.pass_s(600).await;
        let states = town.states();
        assert!(states.values().all(|state| state == "received"), "{states:?}");
        let causes = town.attributes("last_error");
        assert!(causes.values().all(|cause| cause == "refused_in_a_row" || cause == "refused"), "{causes:?}");
        // A minute apart in each container, after what it takes to suspect ourselves.
        assert!(town.stripe_calls().len() < 40, "{}", town.stripe_calls().len());
    });
}

#[test]
fn a_panic_costs_one_payment_not_its_batch() {
    fn begin(row: Row, this: &OpenDelivery, wording: &Arc<Wording>) -> (Delivery, Step) {
        assert!(row.payment().payment_id.as_str() != "order-3", "a bug that only this payment meets");
        Delivery::begin(row, this, wording)
    }
    let protocol = Protocol { begin, ..Protocol::default() };
    in_town(Plan { protocol, ..Plan::default() }, async |town| {
        for n in 0..6 {
            town.send(&payment(&format!("order-{n}"), 1999, VISA));
        }
        town.pass_s(30).await;
        assert_eq!(town.charges().len(), 5);
        assert_eq!(town.states()["order-3"], "received");
        assert!(town.metric("Panicked") >= 1);
    });
}

#[test]
fn a_payment_that_always_dies_while_nobody_comes_through_is_held_for_a_while_and_then_quarantined() {
    fn next(delivery: &mut Delivery, event: Event) -> Step {
        assert!(!matches!(event, Event::Answered(_)), "a bug that every delivery meets");
        delivery.next(event)
    }
    let protocol = Protocol { next, ..Protocol::default() };
    in_town(Plan { protocol, ..Plan::default() }, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        // Nobody else comes through, so nothing tells whether it is the payment: for a while it may be us.
        town.pass_s(1_800).await;
        assert_eq!((town.states()["order-1"].as_str(), town.held(DEAD_LETTERS).len()), ("received", 1));
        town.pass_s(7_200).await;
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(1_800).await;
        assert_eq!(town.states()["order-1"], "quarantined");
        assert_eq!(town.quarantined()[0]["quarantine_reason"], "poison");
        assert!(town.held(SOURCE).is_empty());
    });
}

#[test]
fn an_outage_hands_payments_back_and_leaves_its_cause_on_the_row() {
    in_town(Plan { faults: until(Kind::StripeUnavailable, 120_000), ..Plan::default() }, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(100).await;
        assert_eq!(town.states()["order-1"], "received");
        assert_eq!(town.attributes("last_error")["order-1"], "provider_error");
        town.pass_s(1_200).await;
        assert_eq!(town.states()["order-1"], "succeeded");
        assert_eq!(town.charges().len(), 1);
    });
}

#[test]
fn a_silent_stripe_is_given_up_on_in_time_and_the_breaker_spares_it() {
    in_town(Plan { faults: always(Kind::StripeTimeout), ..Plan::default() }, async |town| {
        for n in 0..40 {
            town.send(&payment(&format!("order-{n}"), 1999, VISA));
        }
        town.pass_s(3_600).await;
        assert_eq!(town.held(DEAD_LETTERS).len(), 40);
        assert!(town.metric("StripeSpared") > 100);
        assert!(town.stripe_calls().len() < 60, "{}", town.stripe_calls().len());
        let ended_badly =
            |event: &journal::Event| matches!(event, journal::Event::Function(FunctionEvent::Failed { .. }));
        assert!(!town.journal.records().iter().any(|record| ended_badly(&record.event)));
    });
}

#[test]
fn a_lost_answer_is_looked_up_before_any_repeat() {
    in_town(Plan { faults: until(Kind::StripeLostAnswer, 3_000), ..Plan::default() }, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(1_800).await;
        assert_eq!(town.charges().len(), 1);
        assert_eq!(town.states()["order-1"], "succeeded");
    });
}

#[test]
fn a_rotated_key_is_fetched_once_and_used() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(60).await;
        town.provider.stripe().rotate_key("sk_test_rotated");
        town.set_secret("sk_test_rotated");
        town.send(&payment("order-2", 1999, VISA));
        town.pass_s(4).await;
        assert_eq!(town.charges().len(), 2);
        assert_eq!(town.metric("CredentialsRefused"), 1);
    });
}

#[test]
fn revoked_credentials_keep_every_payment_and_name_the_cause() {
    in_town(Plan::default(), async |town| {
        town.provider.stripe().rotate_key("sk_test_unknown_to_us");
        for n in 0..10 {
            town.send(&payment(&format!("order-{n}"), 1999, VISA));
        }
        town.pass_s(60).await;
        assert!(town.attributes("last_error").values().all(|cause| cause == "credentials_refused"));
        assert!(town.quarantined().is_empty());
        assert_eq!(town.attributes("last_error").len(), 10);
    });
}

#[test]
fn a_missing_secret_delays_payments_and_loses_none() {
    in_town(Plan { no_secret: true, ..Plan::default() }, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(10).await;
        assert_eq!(town.attributes("last_error")["order-1"], "secret_unavailable");
        town.set_secret("sk_test_simulated");
        town.pass_s(600).await;
        assert_eq!(town.charges().len(), 1);
    });
}

#[test]
fn wherever_the_first_delivery_is_killed_the_payment_is_charged_exactly_once() {
    for (card, state) in [(VISA, "succeeded"), ("pm_card_chargeDeclined", "declined")] {
        let mut points = 0;
        for hop in 1.. {
            let plan = Plan { kill_first_at: Some(hop), ..Plan::default() };
            let crashed = in_town(plan, async |town| {
                town.send(&payment("order-1", 1999, card));
                town.pass_s(3_600).await;
                assert_eq!(town.states()["order-1"], state, "killed at hop {hop}");
                assert_eq!(town.charges().len(), usize::from(state == "succeeded"), "killed at hop {hop}");
                assert!(town.held(SOURCE).is_empty(), "killed at hop {hop}");
                let is_crash = |event: &journal::Event| {
                    let journal::Event::Function(event) = event else { return false };
                    matches!(event, FunctionEvent::Failed { how: FailedBy::Crash, .. })
                };
                town.journal.records().iter().any(|record| is_crash(&record.event))
            });
            if !crashed {
                break;
            }
            points = hop;
        }
        // Receive, create, record, confirm, settle, and the pulse, which is read and written: two hops each; a decline has
        // its cancel as well.
        assert_eq!(points, if state == "succeeded" { 14 } else { 16 }, "{card}");
    }
}
