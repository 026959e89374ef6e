//! Idempotency keys: what is stored, what is not, for how long, and what a key is bound to.

use super::*;
use crate::stripe::limits::{KEY_CHARS_MAX, KEY_KEPT_MS};
use crate::stripe::{Arrival, Ticket};

const INTENTS: &str = "/v1/payment_intents";

#[test]
fn a_repeat_gets_the_first_answer_and_is_marked_as_a_replay() {
    let mut client = Client::new();
    let first = client.post_with_key(INTENTS, VISA, "order-1:create:0");
    client.now = START.plus_ms(KEY_KEPT_MS - 1);
    let again = client.post_with_key(INTENTS, VISA, "order-1:create:0");
    assert_eq!((again.status, &again.bytes), (200, &first.bytes));
    assert_eq!((first.header("idempotent-replayed"), first.header("original-request")), (None, None));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_ne!(again.header("request-id"), first.header("request-id"));
    assert_eq!(again.header("idempotency-key"), Some("order-1:create:0"));
}

#[test]
fn a_replay_shows_the_past_not_the_present() {
    let mut client = Client::new();
    let id = client.post_with_key(INTENTS, VISA, "k").id();
    client.confirm(&id, OFF_SESSION);
    assert_eq!(client.post_with_key(INTENTS, VISA, "k").body["status"], "requires_confirmation");
    assert_eq!(client.retrieve(&id)["status"], "succeeded");
}

#[test]
fn without_a_key_every_create_makes_an_intent() {
    let mut client = Client::new();
    assert_ne!(client.create("pm_card_visa"), client.create("pm_card_visa"));
}

#[test]
fn other_parameters_under_the_same_key_are_refused() {
    let mut client = Client::new();
    client.post_with_key(INTENTS, VISA, "k");
    let other = client.post_with_key(INTENTS, &VISA.replace("1999", "2000"), "k");
    assert_eq!((other.status, &other.body["error"]["type"]), (400, &"idempotency_error".into()));
    assert_eq!(other.header("idempotent-replayed"), None);
}

#[test]
fn the_same_key_on_another_path_is_refused_and_both_paths_are_named() {
    let mut client = Client::new();
    let id = client.post_with_key(INTENTS, VISA, "k").id();
    let path = format!("{INTENTS}/{id}/confirm");
    let other = client.post_with_key(&path, OFF_SESSION, "k");
    assert_eq!((other.status, &other.body["error"]["type"]), (400, &"idempotency_error".into()));
    let message = other.body["error"]["message"].as_str().unwrap();
    assert!(message.contains(&path) && message.contains(INTENTS), "{message}");
    assert_eq!(client.retrieve(&id)["status"], "requires_confirmation");
}

#[test]
fn the_order_of_parameters_does_not_matter_to_a_key() {
    let mut client = Client::new();
    let one = client.post_with_key(INTENTS, "amount=100&currency=usd", "k");
    let two = client.post_with_key(INTENTS, "currency=usd&amount=100", "k");
    assert_eq!(one.bytes, two.bytes);
}

#[test]
fn after_a_day_the_same_key_makes_a_second_intent() {
    let mut client = Client::new();
    let first = client.post_with_key(INTENTS, VISA, "k").id();
    client.now = START.plus_ms(KEY_KEPT_MS);
    let second = client.post_with_key(INTENTS, VISA, "k");
    assert_ne!(second.id(), first);
    assert_eq!(second.header("idempotent-replayed"), None);
}

#[test]
fn a_decline_is_stored_so_another_card_needs_another_key() {
    let mut client = Client::new();
    let id = client.create("pm_card_chargeDeclined");
    let path = format!("{INTENTS}/{id}/confirm");
    let first = client.post_with_key(&path, OFF_SESSION, "k");
    let again = client.post_with_key(&path, OFF_SESSION, "k");
    assert_eq!((again.status, &again.bytes), (402, &first.bytes));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = client.post_with_key(&path, "payment_method=pm_card_visa", "k");
    assert_eq!(other.body["error"]["type"], "idempotency_error");
    assert_eq!(client.movements(), 0);
}

#[test]
fn a_refusal_that_came_after_the_endpoint_started_is_stored() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    client.cancel(&id);
    let path = format!("{INTENTS}/{id}/confirm");
    assert_eq!(client.post_with_key(&path, OFF_SESSION, "k").refusal().1, "payment_intent_unexpected_state");
    assert_eq!(client.post_with_key(&path, OFF_SESSION, "k").header("idempotent-replayed"), Some("true"));
}

#[test]
fn a_refused_parameter_leaves_the_key_unused() {
    let mut client = Client::new();
    assert_eq!(client.post_with_key(INTENTS, "amount=1&currency=eur", "k").status, 400);
    assert_eq!(client.post_with_key(INTENTS, "currency=eur", "k").status, 400);
    assert_eq!(client.post_with_key(INTENTS, VISA, "k").status, 200);
}

#[test]
fn a_refused_api_key_leaves_the_key_unused() {
    let mut client = Client::new();
    client.stripe.rotate_key("sk_test_second");
    assert_eq!(client.post_with_key(INTENTS, VISA, "k").status, 401);
    client.stripe.rotate_key(SECRET);
    let created = client.post_with_key(INTENTS, VISA, "k");
    assert_eq!((created.status, created.header("idempotent-replayed")), (200, None));
}

#[test]
fn keys_belong_to_the_account_and_survive_a_rotation() {
    let mut client = Client::new();
    let first = client.post_with_key(INTENTS, VISA, "k");
    client.stripe.rotate_key("sk_test_second");
    let mut request = post(INTENTS, VISA, Some("k"));
    request.headers_mut().insert("authorization", "Bearer sk_test_second".parse().unwrap());
    assert_eq!(client.send(&request).bytes, first.bytes);
}

#[test]
fn a_key_has_one_to_255_characters() {
    let mut client = Client::new();
    assert_eq!(client.post_with_key(INTENTS, VISA, &"k".repeat(KEY_CHARS_MAX)).status, 200);
    assert_eq!(client.post_with_key(INTENTS, VISA, &"k".repeat(KEY_CHARS_MAX + 1)).status, 400);
    assert_eq!(client.post_with_key(INTENTS, VISA, "").status, 400);
}

#[test]
fn a_key_has_no_effect_on_a_get() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    let mut request = get(&format!("{INTENTS}/{id}"));
    request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    assert_eq!(client.send(&request).body["status"], "requires_confirmation");
    client.confirm(&id, OFF_SESSION);
    let again = client.send(&request);
    assert_eq!((&again.body["status"], again.header("idempotent-replayed")), (&"succeeded".into(), None));
}

#[test]
fn a_key_in_use_is_a_conflict_that_is_not_stored() {
    let mut client = Client::new();
    let ticket = admitted(&mut client, "k");
    let conflict = client.post_with_key(INTENTS, VISA, "k");
    assert_eq!(conflict.refusal(), (409, "idempotency_key_in_use", "none"));
    let first = Got::from(client.stripe.perform(ticket, client.now).response);
    assert_eq!(client.post_with_key(INTENTS, VISA, "k").bytes, first.bytes);
}

#[test]
fn a_request_that_was_lost_on_the_way_leaves_its_key_unused() {
    let mut client = Client::new();
    let ticket = admitted(&mut client, "k");
    client.stripe.abandon(ticket);
    let created = client.post_with_key(INTENTS, VISA, "k");
    assert_eq!((created.status, created.header("idempotent-replayed")), (200, None));
}

fn admitted(client: &mut Client, key: &str) -> Ticket {
    match client.stripe.arrive(&post(INTENTS, VISA, Some(key)), client.now) {
        Arrival::Admitted(ticket) => ticket,
        Arrival::Answered(reply) => panic!("answered at once: {:?}", reply.response),
    }
}
