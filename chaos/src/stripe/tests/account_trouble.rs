//! An account that refuses, and a key that is another account's: what its client sees, and what is remembered of it.

use super::trouble::{INTENTS, cancel, create, last_call, on, retrieve};
use super::wire::{World, confirm};
use super::*;
use crate::faults::{Kind, Placement, Refusal, When, Window};
use crate::random::Chance;
use crate::stripe::limits::ROLL_FORWARD_MS_MAX;
use std::time::Duration;

/// A fault that refuses like this, at creates.
fn refusing(placement: Placement, refusal: Option<Refusal>) -> Vec<Fault> {
    let mut faults = on("create", Kind::StripeRefusing, Some(placement));
    faults[0].refusal = refusal;
    faults
}

#[tokio::test(start_paused = true)]
async fn an_account_is_refused_in_the_words_that_were_chosen() {
    let refusal = Refusal::of(402, Some("testmode_charges_only"));
    let world = World::under(refusing(Placement::Before, refusal));
    let got = world.call(create()).await.unwrap();
    assert_eq!(got.refusal(), (402, "testmode_charges_only", "none"));
    assert_eq!(last_call(&world), (Some(402), Some(Kind::StripeRefusing)));
    assert_eq!(world.call(get("/v1/balance")).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn everybody_is_refused_alike_when_nothing_was_chosen() {
    let world = World::under(refusing(Placement::Before, None));
    let first = world.call(create()).await.unwrap();
    assert!([400, 402, 403, 404].contains(&first.status));
    for _ in 0..20 {
        let got = world.call(create()).await.unwrap();
        assert_eq!((got.status, &got.body), (first.status, &first.body));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_replayed_where_it_was_stored_and_forgotten_where_it_was_not() {
    for (placement, again) in [(Placement::Stored, (402, Some("true"))), (Placement::Before, (200, None))] {
        let mut faults = refusing(placement, Refusal::of(402, None));
        faults[0].when = When::Nth([1].into());
        let world = World::under(faults);
        assert_eq!(world.call(create()).await.unwrap().status, 402);
        assert_eq!(last_call(&world), (Some(402), Some(Kind::StripeRefusing)), "{placement:?}");
        let got = world.call(create()).await.unwrap();
        assert_eq!((got.status, got.header("idempotent-replayed")), again, "{placement:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_asked_for_in_its_own_place_alone() {
    for placement in [Placement::Before, Placement::Stored, Placement::After] {
        let mut faults = refusing(placement, Refusal::of(402, None));
        faults[0].when = When::Nth([2].into());
        let world = World::under(faults);
        let mut statuses = Vec::new();
        for key in ["first", "second", "third"] {
            statuses.push(world.call(post(INTENTS, VISA, Some(key))).await.unwrap().status);
        }
        assert_eq!(statuses, [200, 402, 200], "{placement:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_was_stored_is_trouble_enough_for_its_call() {
    let faults = [
        refusing(Placement::Stored, Refusal::of(402, None)),
        on("create", Kind::StripeLostAnswer, None),
        on("create", Kind::StripeSlow, None),
    ];
    let world = World::under(faults.concat());
    assert_eq!(world.call(create()).await.unwrap().status, 402);
    assert_eq!(world.faults.tally().iter().map(|tally| tally.fired).collect::<Vec<_>>(), [1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_may_be_done_all_the_same_and_late() {
    let mut faults = on("confirm", Kind::StripeRefusing, Some(Placement::After));
    faults[0].refusal = Refusal::of(400, None);
    let world = World::under(faults);
    let id = world.create().await;
    assert_eq!(world.call(confirm(&id)).await.unwrap().status, 400);
    assert_eq!(last_call(&world), (Some(400), Some(Kind::StripeRefusing)));
    assert_eq!((world.status(&id).as_str(), world.movements()), ("requires_confirmation", 0));
    tokio::time::sleep(Duration::from_millis(ROLL_FORWARD_MS_MAX)).await;
    assert_eq!((world.status(&id).as_str(), world.movements()), ("succeeded", 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_and_canceled_then_is_done_no_more() {
    let world = World::under(on("confirm", Kind::StripeRefusing, Some(Placement::After)));
    let id = world.create().await;
    assert!(world.call(confirm(&id)).await.unwrap().status >= 400);
    assert_eq!(world.call(cancel(&id)).await.unwrap().body["status"], "canceled");
    world.provider.finish();
    assert_eq!((world.status(&id).as_str(), world.movements()), ("canceled", 0));
}

#[tokio::test(start_paused = true)]
async fn another_account_has_the_intents_that_were_made_with_its_key_alone() {
    let fault = Fault::steady(
        Kind::StripeOtherAccount,
        Chance::ALWAYS,
        Window { from_ms: 60_000, until_ms: 120_000 },
    );
    let world = World::under(vec![fault]);
    let before = world.create().await;
    tokio::time::sleep(Duration::from_millis(60_000)).await;
    for request in [confirm(&before), retrieve(&before), cancel(&before)] {
        let got = world.call(request).await.unwrap();
        assert_eq!(got.refusal(), (404, "resource_missing", "none"));
        assert_eq!(got.body["error"]["param"], "intent");
        assert_eq!(last_call(&world), (Some(404), Some(Kind::StripeOtherAccount)));
    }
    let meanwhile = world.call(post(INTENTS, VISA, Some("another"))).await.unwrap().id();
    assert_eq!(world.call(confirm(&meanwhile)).await.unwrap().status, 200);
    tokio::time::sleep(Duration::from_millis(60_000)).await;
    assert_eq!(world.call(confirm(&before)).await.unwrap().status, 200);
}
