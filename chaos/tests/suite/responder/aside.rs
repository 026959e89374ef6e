//! Payments that no delivery settles: set aside, taken up again, settled by order; and whom a human blames.

use crate::responder::town::{Town, in_town, payment};
use serde_json::{Value, json};

const ORDER: &str = "order-1";
/// The intent is recorded and not yet confirmed.
const BEFORE_CONFIRM: u64 = 7;
/// Stripe has charged, and nobody noted it.
const AFTER_CONFIRM: u64 = 8;
/// The key of another account, from a minute on, for two hours.
const OTHER_ACCOUNT: &str = "[{ kind = 'stripe-other-account', from = '1m', for = '2h', rate = 1.0 }]";
/// Until whatever is stuck was moved back in vain and is set aside.
const UNTIL_SET_ASIDE_S: u64 = 4_800;

async fn set_aside(town: &Town, hop: u64) {
    town.kill_the_next_delivery_at(hop);
    town.send(&payment(ORDER, 1_999));
    town.pass_s(UNTIL_SET_ASIDE_S).await;
    assert_eq!(town.quarantined(), ["stuck"]);
    assert_eq!(
        (town.row(ORDER, "state").as_str(), town.row(ORDER, "unsettled").as_str()),
        ("intended", "set_aside")
    );
    assert!(town.dead_letters().is_empty() && town.source().is_empty());
}

async fn ordered(town: &Town, mut order: Value) -> String {
    order["who"] = json!("ada");
    order["why"] = json!("seen in the dashboard");
    let answer = town.order(order).await;
    answer["done"].as_str().or(answer["error"].as_str()).expect("it says what was done").to_owned()
}

#[test]
fn what_is_stuck_is_set_aside_by_name_and_its_incident_ends() {
    in_town(OTHER_ACCOUNT, async |town| {
        set_aside(&town, BEFORE_CONFIRM).await;
        let mails = town.mails().join("\n");
        assert!(mails.contains("resolved after"), "{mails}");
        assert!(mails.contains("1 message in quarantine"), "{mails}");
        assert_eq!(town.status().await["quarantined"]["samples"][0]["payment_id"], ORDER);
    });
}

#[test]
fn what_was_set_aside_goes_on_by_itself_once_stripe_knows_its_intent() {
    in_town(OTHER_ACCOUNT, async |town| {
        set_aside(&town, BEFORE_CONFIRM).await;
        town.pass_s(3_600).await;
        assert_eq!((town.row(ORDER, "state").as_str(), town.charges().len()), ("succeeded", 1));
        assert!(town.quarantined().is_empty() && town.source().is_empty());
        assert_eq!(
            (town.row(ORDER, "set_aside"), town.row(ORDER, "unsettled")),
            (String::new(), String::new())
        );
    });
}

#[test]
fn what_our_key_does_not_know_is_settled_by_a_humans_word_alone() {
    for (found, state) in [("charged", "succeeded"), ("not_charged", "declined")] {
        in_town(OTHER_ACCOUNT, async |town| {
            set_aside(&town, BEFORE_CONFIRM).await;
            let asked = ordered(&town, json!({"command": "reconcile", "payment_id": ORDER})).await;
            assert!(asked.starts_with("nothing was done: our key does not know its intent."), "{asked}");
            let order = json!({"command": "reconcile", "payment_id": ORDER, "found": found});
            assert_eq!(
                ordered(&town, order.clone()).await,
                format!("it is settled as {state}, by your word: Stripe does not know its intent")
            );
            assert_eq!(town.row(ORDER, "state"), state);
            assert!(town.quarantined().is_empty());
            let again = ordered(&town, order).await;
            assert_eq!(again, format!("nothing was done: it is settled as {state} already"));
        });
    }
}

#[test]
fn what_stripe_knows_is_settled_by_what_it_says_and_not_by_what_anybody_found() {
    in_town("[]", async |town| {
        town.kill_the_next_delivery_at(AFTER_CONFIRM);
        town.send(&payment(ORDER, 1_999));
        town.pass_s(10).await;
        let order = json!({"command": "reconcile", "payment_id": ORDER, "found": "not_charged"});
        assert_eq!(
            ordered(&town, order).await,
            "it is settled as succeeded, by what Stripe says of its intent"
        );
        assert_eq!((town.row(ORDER, "state").as_str(), town.charges().len()), ("succeeded", 1));
    });
}

#[test]
fn what_may_still_be_charged_is_not_settled_by_order() {
    in_town("[]", async |town| {
        town.kill_the_next_delivery_at(BEFORE_CONFIRM);
        town.send(&payment(ORDER, 1_999));
        town.pass_s(10).await;
        let said = ordered(&town, json!({"command": "reconcile", "payment_id": ORDER})).await;
        assert!(
            said.starts_with("nothing was done: its intent is requires_confirmation at Stripe"),
            "{said}"
        );
        let said = ordered(&town, json!({"command": "reconcile", "payment_id": "nobody"})).await;
        assert_eq!(said, "nothing was done: the ledger has no payment of this id");
        assert_eq!(town.row(ORDER, "state"), "intended");
    });
}

#[test]
fn a_suspicion_ends_by_a_humans_word() {
    const WHAT: &str = "create: amount_too_small (amount)";
    in_town("[]", async |town| {
        for n in 0..6 {
            town.send(&payment(&format!("order-{n}"), 10));
            town.pass_s(20).await;
        }
        town.pass_s(1_200).await;
        assert!(town.quarantined().is_empty(), "{:?}", town.quarantined());
        let mails = town.mails().join("\n");
        assert!(mails.contains("ACTION NEEDED"), "{mails}");
        let said =
            ordered(&town, json!({"command": "blame", "refused": "create: nothing_of_the_sort"})).await;
        assert!(said.starts_with("nothing was done: no such payment waits"), "{said}");
        let said = ordered(&town, json!({"command": "blame", "refused": WHAT})).await;
        assert!(said.starts_with("payments marked: 6; each that is refused"), "{said}");
        town.pass_s(3_600).await;
        assert_eq!(town.quarantined(), ["refused"; 6]);
        assert!(town.dead_letters().is_empty() && town.source().is_empty() && town.charges().is_empty());
    });
}
