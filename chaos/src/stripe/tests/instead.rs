//! Answers in place of an execution, and the limiters, which answer so by themselves.

use super::*;
use crate::stripe::Limiter;
use crate::stripe::limits::ENDPOINT_CALLS_PER_S;

const INTENTS: &str = "/v1/payment_intents";

pub(super) const EVERY_INSTEAD: [Instead; 7] = [
    Instead::Unavailable,
    Instead::BadGateway,
    Instead::Throttled { by: Limiter::GlobalConcurrency, retry_after_s: None },
    Instead::LockTimeout,
    Instead::KeyInUse,
    Instead::Unauthorized,
    Instead::NoSuchIntent,
];

#[test]
fn whatever_answers_in_place_of_an_execution_leaves_the_key_unused() {
    for instead in EVERY_INSTEAD {
        let mut client = Client::new();
        let request = post(INTENTS, VISA, Some("k"));
        assert_ne!(client.instead(&request, instead).status, 200);
        let created = client.send(&request);
        assert_eq!((created.status, created.header("idempotent-replayed")), (200, None), "{instead:?}");
    }
}

#[test]
fn an_answer_in_place_of_an_execution_has_its_status_code_and_type() {
    for (instead, status, code, kind) in [
        (Instead::Unavailable, 503, "none", "api_error"),
        (
            Instead::Throttled { by: Limiter::GlobalRate, retry_after_s: None },
            429,
            "rate_limit",
            "invalid_request_error",
        ),
        (Instead::LockTimeout, 429, "lock_timeout", "invalid_request_error"),
        (Instead::KeyInUse, 409, "idempotency_key_in_use", "invalid_request_error"),
        (Instead::Unauthorized, 401, "none", "invalid_request_error"),
    ] {
        let got = Client::new().instead(&post(INTENTS, VISA, Some("k")), instead);
        assert_eq!(got.refusal(), (status, code, "none"), "{instead:?}");
        assert_eq!(got.body["error"]["type"], kind, "{instead:?}");
        assert_eq!(got.header("content-type"), Some("application/json"), "{instead:?}");
    }
}

#[test]
fn a_proxy_answers_with_a_page_of_html() {
    let got = Client::new().instead(&get("/v1/balance"), Instead::BadGateway);
    assert_eq!((got.status, got.header("content-type")), (502, Some("text/html")));
    assert!(got.bytes.starts_with(b"<html>") && got.body.is_null());
}

#[test]
fn a_limiter_names_itself_and_a_lock_does_not() {
    for by in Limiter::ALL {
        let throttled = Instead::Throttled { by, retry_after_s: Some(7) };
        let got = Client::new().instead(&get("/v1/balance"), throttled);
        assert_eq!(got.header("stripe-rate-limited-reason"), Some(by.reason()));
        assert_eq!(got.header("retry-after"), Some("7"));
    }
    let locked = Client::new().instead(&get("/v1/payment_intents/pi_1"), Instead::LockTimeout);
    assert_eq!(locked.header("stripe-rate-limited-reason"), None);
}

#[test]
fn beyond_its_rate_an_endpoint_answers_429_and_stores_nothing() {
    let mut client = Client::new();
    for _ in 0..ENDPOINT_CALLS_PER_S {
        assert_eq!(client.post(INTENTS, VISA).status, 200);
    }
    let throttled = client.post_with_key(INTENTS, VISA, "k");
    assert_eq!(throttled.refusal(), (429, "rate_limit", "none"));
    assert_eq!(throttled.header("stripe-rate-limited-reason"), Some("endpoint-rate"));
    client.now = START.plus_ms(1_000);
    let created = client.post_with_key(INTENTS, VISA, "k");
    assert_eq!((created.status, created.header("idempotent-replayed")), (200, None));
}

#[test]
fn all_look_ups_share_one_budget_whatever_they_look_up() {
    let mut client = Client::new();
    for number in 0..ENDPOINT_CALLS_PER_S {
        assert_eq!(client.get(&format!("{INTENTS}/pi_{number}")).status, 404);
    }
    assert_eq!(client.get(&format!("{INTENTS}/pi_other")).status, 429);
    assert_eq!(client.get("/v1/balance").status, 200);
}

#[test]
fn who_is_not_authenticated_uses_up_no_budget() {
    let mut client = Client::new();
    client.stripe.rotate_key("sk_test_second");
    for _ in 0..=ENDPOINT_CALLS_PER_S {
        assert_eq!(client.post(INTENTS, VISA).status, 401);
    }
    client.stripe.rotate_key(SECRET);
    assert_eq!(client.post(INTENTS, VISA).status, 200);
}
