//! `release` of many: by their names or by a reason, paced, and first as a rehearsal that changes nothing.

use crate::responder::town::{Town, in_town, payment};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The intent is recorded and not yet confirmed.
const BEFORE_CONFIRM: u64 = 7;

/// Quarantines these payments for `canceled_elsewhere`: each would be charged if it were tried again.
async fn canceled_elsewhere(town: &Town, ids: &[&str]) {
    for id in ids {
        town.kill_the_next_delivery_at(BEFORE_CONFIRM);
        town.send(&payment(id, 1_999));
        town.pass_s(10).await;
        town.cancel_at_stripe(id);
        town.blame(id).await;
    }
    town.pass_s(400).await;
    assert_eq!(town.quarantined(), vec!["canceled_elsewhere"; ids.len()]);
}

async fn release(town: &Town, what: Value) -> Value {
    let mut order = json!({"command": "release", "who": "ada", "why": "mended"});
    for (name, value) in what.as_object().expect("fields") {
        order[name] = value.clone();
    }
    town.order(order).await
}

fn charged(town: &Town) -> Vec<String> {
    let mut charges = town.charges();
    charges.sort();
    charges
}

#[test]
fn a_list_is_released_and_says_which_were_not() {
    in_town("[]", async |town| {
        canceled_elsewhere(&town, &["order-1", "order-2", "order-3"]).await;
        let answer = release(&town, json!({"payment_ids": ["order-1", "order-9", "order-2"]})).await;
        assert_eq!(answer["done"], "released 2 payments (EUR 39.98); not 1, see why_not");
        assert_eq!(answer["payment_ids"], json!(["order-1", "order-2"]));
        assert_eq!(answer["left"][0]["payment_id"], "order-9");
        assert_eq!(answer["why_not"], json!({"nothing was done: the ledger has no payment of this id": 1}));
        town.pass_s(60).await;
        assert_eq!(charged(&town), ["order-1", "order-2"]);
        assert_eq!(town.quarantined(), ["canceled_elsewhere"], "their copies are gone, and no other");
        let noted = town.status().await["recovery"]["audit"].as_array().expect("orders").last().expect("one")
            ["command"]
            .clone();
        assert_eq!(noted, "release order-1 order-9 order-2");
    });
}

#[test]
fn a_reason_is_released_and_nothing_else_is() {
    in_town("[]", async |town| {
        canceled_elsewhere(&town, &["order-1", "order-2"]).await;
        town.send("not an order");
        town.send(&payment("small", 1));
        town.pass_s(300).await;
        let answer = release(&town, json!({"reason": "canceled_elsewhere"})).await;
        assert_eq!(answer["done"], "released 2 payments (EUR 39.98)");
        assert_eq!((&answer["money"], &answer["more"]), (&json!({"eur": 3_998}), &json!(false)));
        town.pass_s(60).await;
        assert_eq!(charged(&town), ["order-1", "order-2"]);
        let mut left = town.quarantined();
        left.sort();
        assert_eq!(left, ["malformed", "refused"]);
        let again = release(&town, json!({"reason": "canceled_elsewhere"})).await;
        assert_eq!(again["done"], "released 0 payments");
        assert_eq!(charged(&town).len(), 2);
    });
}

#[test]
fn a_rehearsal_says_what_would_be_released_and_changes_nothing() {
    in_town("[]", async |town| {
        canceled_elsewhere(&town, &["order-1", "order-2"]).await;
        let (version, mails) = (town.row("order-1", "version"), town.mails().len());
        for what in [
            json!({"reason": "canceled_elsewhere", "dry_run": true}),
            json!({"payment_ids": ["order-1", "order-2"], "dry_run": true}),
        ] {
            let answer = release(&town, what).await;
            assert_eq!(answer["done"], "would release 2 payments (EUR 39.98); nothing was changed");
            let ids = answer["payment_ids"].as_array().expect("ids");
            assert!(ids.contains(&json!("order-1")) && ids.contains(&json!("order-2")), "{answer}");
        }
        let one = release(&town, json!({"payment_id": "order-1", "dry_run": true})).await;
        assert_eq!(one["done"], "would release 1 payment (EUR 19.99); nothing was changed");
        town.pass_s(60).await;
        assert_eq!((town.row("order-1", "version"), town.mails().len()), (version, mails));
        assert_eq!((town.quarantined().len(), town.charges().len(), town.source().len()), (2, 0, 0));
        let orders = town.status().await["recovery"]["audit"].clone();
        let releases =
            orders.as_array().expect("orders").iter().filter(|order| {
                order["command"].as_str().is_some_and(|command| command.starts_with("release"))
            });
        assert_eq!(releases.count(), 0, "nobody has to answer for it");
        let meant = release(&town, json!({"reason": "canceled_elsewhere"})).await;
        assert_eq!(meant["released"], 2, "they were shown again at once");
    });
}

#[test]
fn a_detail_narrows_a_reason_and_what_is_refused_again_is_not_released_again() {
    in_town("[]", async |town| {
        town.send(&payment("small-1", 1));
        town.send(&payment("small-2", 2));
        town.pass_s(5).await;
        town.blame("small-1").await;
        town.blame("small-2").await;
        town.pass_s(100).await;
        let reason = |detail: &str| json!({"reason": "refused", "detail": detail});
        let other = release(&town, reason("parameter_unknown")).await;
        assert_eq!(other["done"], "released 0 payments");
        let detail = town.status().await["quarantined"]["groups"][0]["detail"].clone();
        let answer = release(&town, reason(detail.as_str().expect("a detail"))).await;
        assert_eq!((&answer["released"], &answer["more"]), (&json!(2), &json!(false)), "{answer}");
        town.pass_s(5).await;
        town.blame("small-1").await;
        town.blame("small-2").await;
        town.pass_s(100).await;
        assert_eq!(town.quarantined(), ["refused", "refused"], "each once, with a copy of its own");
    });
}

#[test]
fn what_holds_no_payment_or_another_request_stays_and_is_said_to() {
    in_town("[]", async |town| {
        town.send(&payment("order-1", 1_999));
        town.send("not an order");
        town.pass_s(10).await;
        town.send(&payment("order-1", 2_999));
        town.pass_s(10).await;
        let malformed = release(&town, json!({"reason": "malformed"})).await;
        let why = "nothing was done: its message holds no payment; mend it and send it again";
        assert_eq!(malformed["why_not"], json!({why: 1}));
        let conflict = release(&town, json!({"reason": "conflicting_request"})).await;
        assert_eq!(conflict["released"], 0, "{conflict}");
        assert!(
            conflict["left"][0]["why"].as_str().expect("a reason").contains("another request"),
            "{conflict}"
        );
        town.pass_s(60).await;
        assert_eq!((town.charges(), town.quarantined().len()), (vec!["order-1".to_owned()], 2));
        let unheard_of = release(&town, json!({"reason": "stuck"})).await;
        assert_eq!(unheard_of["done"], "released 0 payments");
    });
}

#[test]
fn many_go_at_half_the_rate_of_stripe_and_what_time_does_not_reach_is_said() {
    in_town("[]", async |town| {
        let ids: Vec<String> = (0..260).map(|n| format!("order-{n}")).collect();
        for id in &ids {
            town.send(&payment(id, 1_999));
        }
        town.pass_s(60).await;
        for id in &ids {
            town.quarantine_by_hand(id).await;
        }
        let began = Instant::now();
        let answer = release(&town, json!({"payment_ids": ids})).await;
        let took_s = began.elapsed().as_secs_f64();
        let released = answer["released"].as_f64().expect("a number");
        assert!((150.0..=220.0).contains(&released), "{answer}");
        assert!(released / took_s <= 10.5, "{released} in {took_s} s");
        assert!(answer["done"].as_str().expect("words").ends_with("more remain: give the command again"));
        assert_eq!(
            (&answer["more"], answer["payment_ids"].as_array().map(Vec::len)),
            (&json!(true), Some(50))
        );
        let rest = release(&town, json!({"payment_ids": ids})).await;
        assert_eq!(rest["released"].as_f64().map(|rest| rest + released), Some(260.0), "{rest}");
        let settled = json!({"nothing was done: it is settled as succeeded": released});
        assert_eq!(rest["why_not"].to_string(), settled.to_string().replace(".0", ""), "they took no turn");
    });
}

#[test]
fn where_stripe_does_not_answer_many_are_not_asked_for() {
    in_town("[{ kind = 'stripe-unavailable', from = '12m', for = '10m' }]", async |town| {
        canceled_elsewhere(&town, &["order-1", "order-2", "order-3"]).await;
        town.pass_s(360).await;
        let answer = release(&town, json!({"reason": "canceled_elsewhere"})).await;
        let done = answer["done"].as_str().expect("words");
        assert_eq!(
            done,
            "released 0 payments; not 1, see why_not; stopped, give the command again: Stripe does not answer"
        );
        assert_eq!(town.quarantined().len(), 3);
    });
}

#[test]
fn an_order_that_cannot_be_read_says_where_and_what_is_accepted() {
    in_town("[]", async |town| {
        let answer = release(&town, json!({"payment_ids": ["order-1", "order 2"]})).await;
        let expected = "payment_ids[1]: it is no payment id; accepted: 1 to 128 of A-Z a-z 0-9 _ -";
        assert_eq!(answer, json!({"error": expected}));
    });
}
