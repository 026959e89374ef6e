//! Several messages about one payment, and messages of any size: each ends where the design says.

use crate::consumer::VISA;
use crate::consumer::town::{DEAD_LETTERS, Plan, QUARANTINE, SOURCE, Town, in_town, payment, until};
use chaos::cloud::sqs::{MessageAttribute, NewMessage};
use chaos::faults::Kind;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

/// `MaximumMessageSize` of the source queue, bytes.
const BYTES_MAX: usize = 262_144;

fn reasons(town: &Town) -> Vec<String> {
    town.quarantined().into_iter().map(|copy| copy["quarantine_reason"].clone()).collect()
}

fn nothing_waits(town: &Town) -> bool {
    town.held(SOURCE).is_empty() && town.held(DEAD_LETTERS).is_empty()
}

#[test]
fn of_two_requests_in_one_batch_one_is_charged_and_the_other_quarantined() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.send(&payment("order-1", 2999, VISA));
        town.pass_s(60).await;
        assert_eq!(town.charges().len(), 1);
        assert_eq!(town.attributes("amount")["order-1"], town.charges()[0].1.to_string());
        assert_eq!(reasons(&town), ["conflicting_request"]);
        assert!(nothing_waits(&town));
    });
}

#[test]
fn a_conflict_leaves_a_payment_that_is_still_waiting_alone() {
    in_town(Plan { faults: until(Kind::StripeUnavailable, 60_000), ..Plan::default() }, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(20).await;
        town.send(&payment("order-1", 1999, "pm_card_mastercard"));
        town.pass_s(20).await;
        assert_eq!(town.states()["order-1"], "received");
        assert_eq!(reasons(&town), ["conflicting_request"]);
        town.pass_s(600).await;
        assert_eq!(town.charges(), [("order-1".to_owned(), 1999)]);
    });
}

#[test]
fn every_repetition_of_a_conflict_is_quarantined_too() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(10).await;
        for _ in 0..3 {
            town.send(&payment("order-1", 2999, VISA));
            town.pass_s(10).await;
        }
        assert_eq!(reasons(&town), ["conflicting_request"; 3]);
        assert_eq!(town.charges(), [("order-1".to_owned(), 1999)]);
    });
}

#[test]
fn a_repetition_of_what_is_settled_is_acknowledged_without_asking_stripe() {
    let declined = payment("order-2", 1999, "pm_card_chargeDeclined");
    let refused = payment("order-3", 1, VISA);
    in_town(Plan::default(), async |town| {
        let messages = [payment("order-1", 1999, VISA), declined, refused];
        messages.iter().for_each(|body| town.send(body));
        town.pass_s(400).await;
        let (states, calls) = (town.states(), town.stripe_calls().len());
        let ends: Vec<&str> = states.values().map(String::as_str).collect();
        assert_eq!(ends, ["succeeded", "declined", "quarantined"]);
        messages.iter().for_each(|body| town.send(body));
        town.pass_s(60).await;
        assert_eq!((town.states(), town.stripe_calls().len()), (states, calls));
        assert_eq!(town.metric("Duplicates"), 3);
        // The copy that is in quarantine is enough.
        assert_eq!(reasons(&town), ["refused"]);
        assert!(nothing_waits(&town));
    });
}

#[test]
fn the_same_payment_written_otherwise_is_the_same_payment() {
    in_town(Plan::default(), async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(10).await;
        town.send(
            r#" { "payment_method": "pm_card_visa", "currency": "eur", "amount": 1999, "payment_id": "order\u002d1" } "#,
        );
        town.pass_s(10).await;
        assert_eq!(town.charges().len(), 1);
        assert!(town.quarantined().is_empty() && nothing_waits(&town));
    });
}

#[test]
fn the_largest_payment_there_can_be_is_charged() {
    let text = "\u{1F4B6}";
    let metadata: Vec<String> =
        (0..49).map(|n| format!(r#""{n:02}{}":"{}""#, "k".repeat(38), text.repeat(500))).collect();
    let body = format!(
        r#"{{"payment_id":"{}","amount":99999999,"currency":"eur","payment_method":"{VISA}","description":"{}","metadata":{{{}}}}}"#,
        "p".repeat(128),
        text.repeat(1_000),
        metadata.join(","),
    );
    in_town(Plan::default(), async |town| {
        town.send(&body);
        town.pass_s(60).await;
        assert_eq!(town.states()[&"p".repeat(128)], "succeeded");
        assert_eq!(town.charges()[0].1, 99_999_999);
    });
}

#[test]
fn the_largest_message_there_can_be_is_quarantined_whole() {
    in_town(Plan::default(), async |town| {
        // Quotation marks double when the attributes are packed into one of their own.
        let attributes: Vec<_> =
            (0..10).map(|n| (format!("a{n}"), MessageAttribute::text("\"".repeat(10_000)))).collect();
        let mut message = NewMessage { attributes: attributes.into_iter().collect(), ..NewMessage::text("") };
        message.body = "x".repeat(BYTES_MAX - message.bytes());
        let larger = NewMessage { body: format!("{}x", message.body), ..message.clone() };
        assert!(town.try_send(larger).is_err(), "SQS takes no more than that");
        town.send_message(message.clone());
        town.pass_s(60).await;
        assert_eq!(reasons(&town), ["malformed"]);
        assert_eq!(town.held(QUARANTINE)[0].content.body, message.body);
        assert!(nothing_waits(&town) && town.states().is_empty());
    });
}

proptest! {
    #![proptest_config(Config { cases: 48, rng_seed: RngSeed::Fixed(20_151_217), failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_is_asked_under_one_id_the_first_request_alone_is_charged(
        requests in prop::collection::vec((1..4_i64, 0..40_u64), 1..12),
        healed_after_s in 0..60_u64,
    ) {
        let faults = until(Kind::StripeUnavailable, healed_after_s * 1_000);
        in_town(Plan { faults, ..Plan::default() }, async |town| {
            for (euros, pause_s) in &requests {
                town.send(&payment("order-1", 100 * euros, VISA));
                // The next one may come at the same moment; the first is given its place in the ledger.
                town.pass_s(1.max(*pause_s)).await;
            }
            town.pass_s(2 * 3_600).await;
            let first = requests[0].0;
            let others = requests.iter().filter(|(euros, _)| *euros != first).count();
            prop_assert_eq!(town.charges(), [("order-1".to_owned(), 100 * first)]);
            prop_assert_eq!(reasons(&town), vec!["conflicting_request"; others]);
            prop_assert!(town.held(SOURCE).is_empty());
            Ok(())
        })?;
    }
}
