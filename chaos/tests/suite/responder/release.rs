//! `release`: a quarantined payment is tried again because a human says so, and never charged twice by it.
//!
//! A delivery makes an intent (hops 3 and 4), records it (5 and 6), confirms it (7 and 8).

use crate::responder::town::{Town, in_town, payment};

const ORDER: &str = "order-1";
/// The intent is recorded and not yet confirmed.
const BEFORE_CONFIRM: u64 = 7;
/// Stripe has charged, and nobody noted it.
const AFTER_CONFIRM: u64 = 8;
/// Until a message whose delivery died is delivered again, and what it meets then is held against it, with nobody else to
/// compare, at the fourth time.
const UNTIL_BLAMED_S: u64 = 700;

/// A payment whose only delivery was killed at `hop`; then `happens`; then it is in quarantine.
async fn quarantined_after(town: &Town, hop: u64, happens: impl AsyncFnOnce(&Town)) {
    town.kill_the_next_delivery_at(hop);
    town.send(&payment(ORDER, 1_999));
    town.pass_s(10).await;
    happens(town).await;
    town.pass_s(UNTIL_BLAMED_S).await;
    assert_eq!((town.row(ORDER, "state").as_str(), town.quarantined().len()), ("quarantined", 1));
}

/// A payment in quarantine whose intent somebody canceled at Stripe.
async fn canceled_elsewhere(town: &Town) {
    quarantined_after(town, BEFORE_CONFIRM, async |town| town.cancel_at_stripe(ORDER)).await;
    assert_eq!(town.quarantined(), ["canceled_elsewhere"]);
}

#[test]
fn a_payment_that_stripe_had_charged_is_settled_and_nothing_is_sent() {
    in_town("[]", async |town| {
        quarantined_after(&town, AFTER_CONFIRM, async |town| town.quarantine_by_hand(ORDER).await).await;
        assert_eq!(
            town.release(ORDER).await,
            "Stripe had charged it already: its row is settled as succeeded, nothing was sent"
        );
        assert!(town.source().is_empty() && town.quarantined().is_empty());
        town.pass_s(600).await;
        assert_eq!((town.row(ORDER, "state").as_str(), town.charges().len()), ("succeeded", 1));
        assert_eq!(town.row(ORDER, "reason"), "");
    });
}

#[test]
fn a_payment_whose_intent_was_canceled_gets_another_and_is_charged_once() {
    in_town("[]", async |town| {
        canceled_elsewhere(&town).await;
        let canceled = town.row(ORDER, "intent_id");
        assert_eq!(
            town.release(ORDER).await,
            "its row is set back and its stored request was sent to the consumer; its intent was canceled and is \
             forgotten"
        );
        town.pass_s(600).await;
        assert_eq!(
            (town.row(ORDER, "state").as_str(), town.charges()),
            ("succeeded", vec![ORDER.to_owned()])
        );
        assert_ne!(town.row(ORDER, "intent_id"), canceled);
        assert_eq!(town.row(ORDER, "create_generation"), "1");
        assert!(town.source().is_empty() && town.quarantined().is_empty());
        let of_quarantine = town.mails().iter().filter(|subject| subject.contains("quarantine")).count();
        assert_eq!(of_quarantine, 2, "it filled and is empty again: {:?}", town.mails());
    });
}

#[test]
fn a_payment_whose_intent_can_still_charge_keeps_it_and_is_charged_once() {
    in_town("[]", async |town| {
        quarantined_after(&town, BEFORE_CONFIRM, async |town| town.quarantine_by_hand(ORDER).await).await;
        let intent = town.row(ORDER, "intent_id");
        assert!(town.release(ORDER).await.ends_with("its intent was kept"));
        town.pass_s(600).await;
        assert_eq!((town.row(ORDER, "state").as_str(), town.charges().len()), ("succeeded", 1));
        assert_eq!(
            (town.row(ORDER, "intent_id"), town.row(ORDER, "create_generation")),
            (intent, "0".to_owned())
        );
    });
}

#[test]
fn a_payment_that_stripe_still_refuses_is_in_quarantine_again_with_a_copy_of_its_own() {
    in_town("[]", async |town| {
        town.send(&payment(ORDER, 1));
        town.pass_s(300).await;
        let copy = town.row(ORDER, "quarantine_message_id");
        assert!(town.release(ORDER).await.ends_with("its intent was never made"));
        town.pass_s(300).await;
        assert_eq!(town.quarantined(), ["refused"]);
        assert_ne!(town.row(ORDER, "quarantine_message_id"), copy);
        assert!(town.charges().is_empty() && town.source().is_empty());
    });
}

#[test]
fn while_stripe_cannot_say_how_its_intent_stands_nothing_is_changed() {
    let outage = "[{ kind = 'stripe-unavailable', from = '5m', for = '15m' }]";
    in_town(outage, async |town| {
        town.kill_the_next_delivery_at(BEFORE_CONFIRM);
        town.send(&payment(ORDER, 1_999));
        town.pass_s(290).await;
        town.quarantine_by_hand(ORDER).await;
        town.pass_s(300).await;
        let said = town.release(ORDER).await;
        assert_eq!(
            said,
            "nothing was done: Stripe could not say how its intent stands (provider_error); try again"
        );
        assert_eq!((town.row(ORDER, "state").as_str(), town.quarantined().len()), ("quarantined", 1));
        town.pass_s(700).await;
        assert!(town.release(ORDER).await.ends_with("its intent was kept"));
        town.pass_s(60).await;
        assert_eq!(town.charges().len(), 1);
    });
}

#[test]
fn a_second_release_is_harmless_whenever_it_comes() {
    in_town("[]", async |town| {
        canceled_elsewhere(&town).await;
        let (one, other) = tokio::join!(town.release(ORDER), town.release(ORDER));
        let sent = [&one, &other].into_iter().filter(|said| said.contains("was sent")).count();
        assert!(sent >= 1, "{one} / {other}");
        let soon = town.release(ORDER).await;
        assert!(soon.contains("is harmless") || soon.contains("settled as succeeded"), "{soon}");
        town.pass_s(600).await;
        assert_eq!((town.row(ORDER, "state").as_str(), town.charges().len()), ("succeeded", 1));
        assert_eq!(town.row(ORDER, "create_generation"), "1");
        assert_eq!(town.release(ORDER).await, "nothing was done: it is settled as succeeded");
        assert!(town.source().is_empty() && town.quarantined().is_empty());
    });
}

#[test]
fn a_payment_nobody_knows_is_said_to_be_unknown() {
    in_town("[]", async |town| {
        assert_eq!(town.release(ORDER).await, "nothing was done: the ledger has no payment of this id");
    });
}
