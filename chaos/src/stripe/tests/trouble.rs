//! Every trouble that can strike a call: what its client sees, and what happened all the same.

use super::wire::{World, confirm};
use super::*;
use crate::faults::{Kind, Placement, Window};
use crate::journal::{Event, Operation, StripeEvent};
use crate::random::Chance;
use crate::stripe::limits::{ROLL_FORWARD_MS_MAX, SILENCE_MS, SLOW_MS_MAX, SLOW_MS_MIN, STALE_MS_MAX};
use ::stripe::TransportError;
use std::time::Duration;

pub(super) const INTENTS: &str = "/v1/payment_intents";

/// A fault that always strikes this operation, and no other.
pub(super) fn on(operation: &str, kind: Kind, placement: Option<Placement>) -> Vec<Fault> {
    let mut fault = Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS);
    fault.placement = placement.or(fault.placement);
    fault.scope.operations = [operation.to_owned()].into();
    vec![fault]
}

pub(super) fn create() -> Request<Bytes> {
    post(INTENTS, VISA, Some("k"))
}

pub(super) fn retrieve(id: &str) -> Request<Bytes> {
    get(&format!("{INTENTS}/{id}"))
}

pub(super) fn cancel(id: &str) -> Request<Bytes> {
    post(&format!("{INTENTS}/{id}/cancel"), "", None)
}

/// The fault of the last call in the journal, and the status it was answered with.
pub(super) fn last_call(world: &World) -> (Option<u16>, Option<Kind>) {
    let called = |event: &Event| {
        let Event::Stripe(StripeEvent::Called { status, fault, .. }) = event else { return None };
        Some((*status, *fault))
    };
    world.events().iter().rev().find_map(called).expect("a call was made")
}

#[tokio::test(start_paused = true)]
async fn whatever_answers_before_the_effect_prevents_it() {
    for (kind, status) in [
        (Kind::StripeUnavailable, 503),
        (Kind::StripeThrottled, 429),
        (Kind::StripeUnauthorized, 401),
        (Kind::StripeLockTimeout, 429),
        (Kind::StripeGarbage, 502),
    ] {
        let world = World::under(on("confirm", kind, None));
        let id = world.create().await;
        let got = world.call(confirm(&id)).await.unwrap();
        assert_eq!(got.status, status, "{kind}");
        assert!(got.header("request-id").is_some(), "{kind}");
        assert_eq!(last_call(&world), (Some(status), Some(kind)));
        assert_eq!((world.status(&id).as_str(), world.movements()), ("requires_confirmation", 0), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_locked_object_cannot_even_be_read() {
    let world = World::under(on("retrieve", Kind::StripeLockTimeout, None));
    let id = world.create().await;
    assert_eq!(world.call(retrieve(&id)).await.unwrap().refusal(), (429, "lock_timeout", "none"));
}

#[tokio::test(start_paused = true)]
async fn throttling_names_any_limiter_and_says_now_and_then_when_to_come_back() {
    let world = World::under(on("create", Kind::StripeThrottled, None));
    let (mut reasons, mut told) = (std::collections::BTreeSet::new(), 0);
    for _ in 0..60 {
        let got = world.call(create()).await.unwrap();
        reasons.insert(got.header("stripe-rate-limited-reason").unwrap().to_owned());
        told += usize::from(got.header("retry-after").is_some());
    }
    assert_eq!(reasons.len(), crate::stripe::Limiter::ALL.len(), "{reasons:?}");
    assert!((5..30).contains(&told), "{told}");
}

#[tokio::test(start_paused = true)]
async fn only_a_request_with_a_key_finds_its_key_in_use() {
    let world = World::under(on("create", Kind::StripeConflict, None));
    assert_eq!(world.call(create()).await.unwrap().refusal().1, "idempotency_key_in_use");
    assert_eq!(world.call(post(INTENTS, VISA, None)).await.unwrap().status, 200);
    assert_eq!(world.faults.tally()[0].asked, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_before_the_effect_prevents_it() {
    let world = World::under(on("confirm", Kind::StripeReset, None));
    let id = world.create().await;
    let error = world.call(confirm(&id)).await.err().unwrap();
    assert!(matches!(error, TransportError::Broken(_)));
    assert_eq!((world.status(&id).as_str(), world.movements()), ("requires_confirmation", 0));
    assert!(world.elapsed_ms() < 2_000);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_lost_after_the_effect_of_each_operation() {
    for (operation, request, status, effect) in [
        ("confirm", confirm as fn(&str) -> Request<Bytes>, "requires_confirmation", "succeeded"),
        ("cancel", cancel, "requires_confirmation", "canceled"),
        ("retrieve", retrieve, "requires_confirmation", "requires_confirmation"),
    ] {
        let world = World::under(on(operation, Kind::StripeLostAnswer, None));
        let id = world.create().await;
        assert_eq!(world.status(&id), status);
        assert!(world.call(request(&id)).await.is_err(), "{operation}");
        assert_eq!(world.status(&id), effect, "{operation}");
    }
    let world = World::under(on("create", Kind::StripeLostAnswer, None));
    assert!(world.call(create()).await.is_err());
    let Some(Event::Stripe(StripeEvent::Called { intent: Some(id), .. })) = world.events().pop() else {
        panic!()
    };
    assert_eq!(world.status(&id), "requires_confirmation");
}

#[tokio::test(start_paused = true)]
async fn a_body_cut_short_hides_an_effect() {
    for _ in 0..20 {
        let world = World::under(on("confirm", Kind::StripeGarbage, Some(Placement::After)));
        let id = world.create().await;
        let got = world.call(confirm(&id)).await.unwrap();
        assert_eq!((got.status, got.body), (200, Value::Null));
        assert_eq!((world.status(&id).as_str(), world.movements()), ("succeeded", 1));
        assert_eq!(last_call(&world), (Some(200), Some(Kind::StripeGarbage)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_comes_late_and_its_effect_at_once() {
    let world = World::under(on("confirm", Kind::StripeSlow, None));
    let id = world.create().await;
    let before = world.elapsed_ms();
    let slow = tokio::time::timeout(Duration::from_millis(SLOW_MS_MIN), world.call(confirm(&id))).await;
    assert!(slow.is_err());
    assert_eq!((world.status(&id).as_str(), world.movements()), ("succeeded", 1));
    let refused = world.call(confirm(&id)).await.unwrap();
    assert_eq!(refused.refusal(), (400, "payment_intent_unexpected_state", "succeeded"));
    let took = world.elapsed_ms() - before;
    assert!(took >= 2 * SLOW_MS_MIN as i64 && took <= (SLOW_MS_MIN + SLOW_MS_MAX) as i64 + 2_000, "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_stripe_may_do_meanwhile_what_was_asked() {
    let world = World::under(on("confirm", Kind::StripeTimeout, Some(Placement::After)));
    let id = world.create().await;
    let given_up = tokio::time::timeout(Duration::from_secs(10), world.call(confirm(&id))).await;
    assert!(given_up.is_err());
    tokio::time::sleep(Duration::from_millis(SILENCE_MS)).await;
    assert_eq!((world.status(&id).as_str(), world.movements()), ("succeeded", 1));
    assert_eq!(last_call(&world), (None, Some(Kind::StripeTimeout)));
}

#[tokio::test(start_paused = true)]
async fn a_request_left_with_a_silent_stripe_keeps_its_key_in_use_until_it_is_done() {
    let mut faults = on("create", Kind::StripeTimeout, Some(Placement::After));
    faults[0].when = crate::faults::When::Nth([1].into());
    let world = World::under(faults);
    let given_up = tokio::time::timeout(Duration::from_millis(500), world.call(create())).await;
    assert!(given_up.is_err());
    assert_eq!(world.call(create()).await.unwrap().refusal().1, "idempotency_key_in_use");
    tokio::time::sleep(Duration::from_millis(SILENCE_MS)).await;
    let replayed = world.call(create()).await.unwrap();
    assert_eq!((replayed.status, replayed.header("idempotent-replayed")), (200, Some("true")));
}

#[tokio::test(start_paused = true)]
async fn a_500_is_rolled_back_when_stored_and_forward_when_after() {
    for (placement, effect, movements) in
        [(Placement::Stored, "requires_confirmation", 0), (Placement::After, "succeeded", 1)]
    {
        let world = World::under(on("confirm", Kind::StripeServerError, Some(placement)));
        let id = world.create().await;
        assert_eq!(world.call(confirm(&id)).await.unwrap().status, 500);
        assert_eq!(last_call(&world), (Some(500), Some(Kind::StripeServerError)));
        assert_eq!(world.status(&id), "requires_confirmation");
        tokio::time::sleep(Duration::from_millis(ROLL_FORWARD_MS_MAX)).await;
        assert_eq!((world.status(&id).as_str(), world.movements()), (effect, movements));
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_was_admitted_can_fail_inside() {
    let world = World::under(on("create", Kind::StripeServerError, None));
    assert_eq!(world.call(post(INTENTS, "currency=eur", Some("k"))).await.unwrap().status, 400);
    assert_eq!(world.faults.tally()[0].asked, 0);
    assert_eq!(world.call(create()).await.unwrap().status, 500);
    let replayed = world.call(create()).await.unwrap();
    assert_eq!((replayed.status, replayed.header("idempotent-replayed")), (500, Some("true")));
    assert_eq!((world.faults.tally()[0].asked, world.faults.tally()[0].fired), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_stripe_does_late_is_journalled_at_its_instant_though_nobody_calls() {
    let world = World::under(on("confirm", Kind::StripeServerError, Some(Placement::After)));
    let play = async {
        let id = world.create().await;
        assert_eq!(world.call(confirm(&id)).await.unwrap().status, 500);
        tokio::time::sleep(Duration::from_millis(ROLL_FORWARD_MS_MAX)).await;
        id
    };
    let id = tokio::select! {
        biased;
        never = world.provider.keep_up() => match never {},
        id = play => id,
    };
    let records = world.records();
    let [.., charged, acted] = &records[..] else { panic!("{records:?}") };
    assert!(matches!(charged.event, Event::Stripe(StripeEvent::Charged { .. })), "{charged:?}");
    let expected = Event::Stripe(StripeEvent::Acted {
        operation: Operation::Confirm,
        intent: Some(id),
        payment: Some("order-1".to_owned()),
        said: Some("succeeded".to_owned()),
        fault: None,
    });
    assert_eq!((&acted.event, acted.at), (&expected, charged.at));
    assert_eq!(world.provider.stripe().book().movements()[0].at, charged.at);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_a_run_the_book_holds_what_stripe_still_owes() {
    let world = World::under(on("confirm", Kind::Processing, None));
    for _ in 0..4 {
        let created = world.call(post(INTENTS, VISA, None)).await.unwrap();
        assert_eq!(world.call(confirm(&created.id())).await.unwrap().body["status"], "processing");
    }
    let before = world.movements();
    world.provider.finish();
    let acted = world
        .events()
        .iter()
        .filter(|event| matches!(event, Event::Stripe(StripeEvent::Acted { .. })))
        .count();
    assert_eq!((acted, world.provider.stripe().next_due()), (4, None));
    assert!(world.movements() > before);
}

#[tokio::test(start_paused = true)]
async fn one_trouble_is_enough_for_a_call() {
    let faults = [
        on("confirm", Kind::StripeGarbage, Some(Placement::After)),
        on("confirm", Kind::StripeLostAnswer, None),
        on("confirm", Kind::StripeSlow, None),
    ];
    let world = World::under(faults.concat());
    let id = world.create().await;
    world.call(confirm(&id)).await.unwrap();
    assert_eq!(world.faults.tally().iter().map(|tally| tally.fired).collect::<Vec<_>>(), [1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lags_has_not_heard_of_the_last_change_for_a_minute() {
    let world = World::under(on("retrieve", Kind::StripeStale, None));
    let id = world.create().await;
    assert_eq!(world.call(retrieve(&id)).await.unwrap().refusal(), (404, "resource_missing", "none"));
    assert_eq!(last_call(&world), (Some(404), Some(Kind::StripeStale)));
    world.call(confirm(&id)).await.unwrap();
    let got = world.call(retrieve(&id)).await.unwrap();
    assert_eq!((got.status, &got.body["status"]), (200, &"requires_confirmation".into()));
    assert_eq!((world.status(&id).as_str(), world.movements()), ("succeeded", 1));
    tokio::time::sleep(Duration::from_millis(STALE_MS_MAX as u64)).await;
    assert_eq!(world.call(retrieve(&id)).await.unwrap().body["status"], "succeeded");
    assert_eq!(last_call(&world), (Some(200), None));
    assert_eq!((world.faults.tally()[0].asked, world.faults.tally()[0].fired), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_lags_is_read_and_never_acted_upon() {
    let world = World::under(on("retrieve", Kind::StripeStale, None));
    let id = world.create().await;
    world.call(confirm(&id)).await.unwrap();
    assert_eq!(world.call(retrieve(&id)).await.unwrap().body["status"], "requires_confirmation");
    let refused = world.call(confirm(&id)).await.unwrap();
    assert_eq!(refused.refusal(), (400, "payment_intent_unexpected_state", "succeeded"));
    assert_eq!(world.movements(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_take_so_many_times_as_long_as_usual() {
    let took_ms = async |times| {
        let mut faults = on("confirm", Kind::StripeSlow, None);
        faults[0].times = Some(times);
        let world = World::under(faults);
        let id = world.create().await;
        let before = world.elapsed_ms();
        world.call(confirm(&id)).await.unwrap();
        world.elapsed_ms() - before
    };
    let (twice, more) = (took_ms(2).await, took_ms(50).await);
    assert!((2 * 300..=2 * 1_200 + 2).contains(&twice), "{twice}");
    assert!((24..=26).contains(&(more / twice)), "{twice} {more}");
}
