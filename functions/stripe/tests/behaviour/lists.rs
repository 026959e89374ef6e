//! A page of intents: what is asked for, and what its answers mean.

use crate::support::{answered_with, key, reader, recording};
use bytes::Bytes;
use http::Response;
use payments::audit::{Span, Window};
use payments::provider::{IntentId, IntentStatus};
use payments::{Cause, UnixMs};
use serde_json::{Value, json};
use stripe::limits::BODY_BYTES_MAX;
use stripe::{Ask, Listing};

fn ask(after: Option<&IntentId>) -> Ask<'_> {
    let window = Window::before(UnixMs(1_767_609_720_000), Span::parse("48h").unwrap());
    Ask { window, after, limit: 100 }
}

async fn answered(status: u16, body: String) -> Listing {
    let stripe = answered_with(move |_| {
        let mut response = Response::new(Bytes::from(body.clone()));
        *response.status_mut() = status.try_into().unwrap();
        Ok(response)
    });
    reader(stripe).list(&key(), &ask(None)).await.answer
}

fn intent(id: &str) -> Value {
    json!({
        "object": "payment_intent", "id": id, "status": "succeeded", "amount": 1999, "currency": "eur",
        "created": 1_767_609_000, "livemode": false, "metadata": {"payment_id": "order-1"},
    })
}

fn page(intents: Value) -> String {
    json!({"object": "list", "url": "/v1/payment_intents", "has_more": true, "data": intents}).to_string()
}

#[tokio::test]
async fn a_list_asks_for_a_window_and_for_what_follows_the_last_page() {
    let (stripe, sent) = recording();
    let reader = reader(stripe);
    reader.list(&key(), &ask(None)).await;
    reader.list(&key(), &ask(Some(&IntentId("pi_1&x=y".to_owned())))).await;
    let sent = sent.lock().unwrap();
    let query = |at: usize| sent[at].uri().query().unwrap().to_owned();
    let window = "limit=100&created%5Bgte%5D=1767436920&created%5Blt%5D=1767609721";
    assert_eq!(sent[0].uri().path(), "/v1/payment_intents");
    assert_eq!((query(0), query(1)), (window.to_owned(), format!("{window}&starting_after=pi_1%26x%3Dy")));
    assert_eq!(sent[0].method(), http::Method::GET);
    for request in sent.iter() {
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("authorization"), Some("Bearer sk_test_51HsecretA"));
        assert_eq!(header("stripe-version"), Some(stripe::STRIPE_VERSION));
        assert_eq!(header("idempotency-key"), None);
        assert!(request.body().is_empty());
    }
}

#[tokio::test]
async fn a_page_is_read_in_its_order() {
    let Listing::Page { listed, has_more } =
        answered(200, page(json!([intent("pi_2"), intent("pi_1")]))).await
    else {
        panic!("a page")
    };
    let ids: Vec<&str> = listed.iter().map(|listed| listed.intent.id.0.as_str()).collect();
    assert_eq!((ids, has_more), (vec!["pi_2", "pi_1"], true));
    assert_eq!(listed[0].created_at, UnixMs(1_767_609_000_000));
    assert_eq!(listed[0].intent.status, IntentStatus::Succeeded);
    assert_eq!(listed[0].intent.payment_id.as_deref(), Some("order-1"));
}

#[tokio::test]
async fn a_page_that_cannot_be_read_whole_is_none() {
    let mut nameless = intent("pi_1");
    nameless["id"] = "".into();
    let mut timeless = intent("pi_1");
    timeless.as_object_mut().unwrap().remove("created");
    let bodies = [
        page(json!([intent("pi_2"), nameless])),
        page(json!([timeless])),
        page(json!([{"object": "charge", "id": "ch_1"}])),
        intent("pi_1").to_string(),
        json!({"object": "list", "data": []}).to_string(),
        String::new(),
    ];
    for body in bodies {
        assert_eq!(answered(200, body.clone()).await, Listing::Failed(Cause::ProviderUnreadable), "{body}");
    }
}

#[tokio::test]
async fn a_page_beyond_what_is_read_is_too_large() {
    assert_eq!(answered(200, "x".repeat(BODY_BYTES_MAX + 1)).await, Listing::TooLarge);
}

#[tokio::test]
async fn an_intent_of_the_other_mode_spoils_its_page() {
    let mut live = intent("pi_1");
    live["livemode"] = true.into();
    let listing = answered(200, page(json!([intent("pi_2"), live]))).await;
    assert_eq!(listing, Listing::Failed(Cause::WrongMode));
}

#[tokio::test]
async fn whatever_else_is_answered_is_a_cause_to_wait() {
    let error = |code: &str| json!({"error": {"type": "invalid_request_error", "code": code}}).to_string();
    let cases = [
        (401, error("x"), Cause::CredentialsRefused),
        (403, error("x"), Cause::CredentialsRefused),
        (429, error("rate_limit"), Cause::RateLimited),
        (400, error("parameter_unknown"), Cause::RefusedInARow),
        (404, error("resource_missing"), Cause::RefusedInARow),
        (503, String::new(), Cause::ProviderError),
        (302, String::new(), Cause::ProviderUnreadable),
    ];
    for (status, body, cause) in cases {
        assert_eq!(answered(status, body).await, Listing::Failed(cause), "{status}");
    }
}
