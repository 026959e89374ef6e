//! The exact requests, byte for byte.

use crate::support::{KEY_TEXT, charger, frozen, frozen_before, key, reader, recorded, recording};
use bytes::Bytes;
use http::{Method as Verb, Request};
use payments::Payment;
use payments::charge::Method;
use payments::request::Request as Frozen;
use std::sync::Arc;
use stripe::STRIPE_VERSION;

const FULL: &str = r#"{"payment_id":"order-1042","amount":1999,"currency":"eur","payment_method":"pm_card_visa",
    "customer":"cus_123","description":"2 CDs & 1 Träne","metadata":{"z":"last","a key":"1+1=2"}}"#;

/// Who Stripe's logs say that it was.
const AGENT: &str = concat!("payments/", env!("CARGO_PKG_VERSION"));

fn header<'request>(request: &'request Request<Bytes>, name: &str) -> Option<&'request str> {
    request.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_create_sends_the_payment_in_one_fixed_order() {
    let (stripe, sent) = recording();
    let charger = charger(stripe);
    let full = Payment::parse(FULL).unwrap();
    let full = Frozen::new(full.clone(), Arc::new(stripe::wording(&full)));
    charger.create(&key(), &full, "order-1042:create:0").await;
    charger.create(&key(), &frozen(), "order-1042:create:0").await;
    let sent = sent.lock().unwrap();
    assert_eq!(sent[0].method(), Verb::POST);
    assert_eq!(sent[0].uri(), "https://api.stripe.com/v1/payment_intents");
    assert_eq!(
        std::str::from_utf8(sent[0].body()).unwrap(),
        "amount=1999&currency=eur&payment_method=pm_card_visa&payment_method_types%5B%5D=card&customer=cus_123\
         &description=2+CDs+%26+1+Tr%C3%A4ne&metadata%5Bpayment_id%5D=order-1042\
         &metadata%5Ba+key%5D=1%2B1%3D2&metadata%5Bz%5D=last"
    );
    assert_eq!(
        std::str::from_utf8(sent[1].body()).unwrap(),
        "amount=1999&currency=eur&payment_method=pm_card_visa&payment_method_types%5B%5D=card\
         &metadata%5Bpayment_id%5D=order-1042"
    );
}

#[tokio::test]
async fn a_create_goes_in_the_words_and_under_the_key_of_its_row() {
    let (stripe, sent) = recording();
    charger(stripe).create(&key(), &frozen_before(), "order-1042:create:3").await;
    let sent = sent.lock().unwrap();
    assert_eq!(sent[0].body(), "amount=1999&said=before");
    assert_eq!(header(&sent[0], "idempotency-key"), Some("order-1042:create:3"));
    assert_eq!(header(&sent[0], "stripe-version"), Some("2025-01-01.older"));
    assert_eq!(header(&sent[0], "content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(header(&sent[0], "authorization"), Some("Bearer sk_test_51HsecretA"));
    assert_eq!(header(&sent[0], "user-agent"), Some(AGENT));
    assert_eq!(sent[0].headers().get_all("stripe-version").iter().count(), 1);
}

#[tokio::test]
async fn a_confirm_carries_no_key_and_names_the_card_only_after_a_decline() {
    let (stripe, sent) = recording();
    let charger = charger(stripe);
    charger.confirm(&key(), &recorded("pi_1"), Method::OfTheIntent, &frozen()).await;
    charger.confirm(&key(), &recorded("pi_1"), Method::OfTheRequest, &frozen()).await;
    let sent = sent.lock().unwrap();
    for request in sent.iter() {
        assert_eq!(request.method(), Verb::POST);
        assert_eq!(request.uri(), "https://api.stripe.com/v1/payment_intents/pi_1/confirm");
        assert_eq!(header(request, "idempotency-key"), None);
        assert_eq!(header(request, "stripe-version"), Some(STRIPE_VERSION));
        assert_eq!(header(request, "content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(header(request, "authorization"), Some("Bearer sk_test_51HsecretA"));
        assert_eq!(header(request, "user-agent"), Some(AGENT));
    }
    assert_eq!(sent[0].body(), "off_session=true&error_on_requires_action=true");
    assert_eq!(sent[1].body(), "off_session=true&error_on_requires_action=true&payment_method=pm_card_visa");
}

#[tokio::test]
async fn a_confirm_goes_in_the_words_of_its_row_too() {
    let (stripe, sent) = recording();
    charger(stripe).confirm(&key(), &recorded("pi_1"), Method::OfTheRequest, &frozen_before()).await;
    let sent = sent.lock().unwrap();
    assert_eq!(header(&sent[0], "stripe-version"), Some("2025-01-01.older"));
    assert_eq!(sent[0].body(), "off_session=recurring&payment_method=pm_card_visa");
}

#[tokio::test]
async fn look_up_cancel_and_probe_send_nothing_but_where_they_go() {
    let (stripe, sent) = recording();
    let charger = charger(stripe.clone());
    charger.retrieve(&key(), &recorded("pi_1")).await;
    charger.cancel(&key(), &recorded("pi_1")).await;
    reader(stripe).probe(&key()).await;
    let sent = sent.lock().unwrap();
    let lines: Vec<String> =
        sent.iter().map(|request| format!("{} {}", request.method(), request.uri().path())).collect();
    assert_eq!(
        lines,
        ["GET /v1/payment_intents/pi_1", "POST /v1/payment_intents/pi_1/cancel", "GET /v1/balance"]
    );
    for request in sent.iter() {
        assert!(request.body().is_empty());
        assert_eq!(header(request, "idempotency-key"), None);
        assert_eq!(header(request, "stripe-version"), Some(STRIPE_VERSION));
        assert_eq!(header(request, "authorization"), Some("Bearer sk_test_51HsecretA"));
        assert_eq!(header(request, "user-agent"), Some(AGENT));
    }
}

#[tokio::test]
async fn a_warm_up_needs_no_key() {
    let (stripe, sent) = recording();
    charger(stripe).warm().await.unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!((sent[0].method(), sent[0].uri().path()), (&Verb::HEAD, "/"));
    assert!(!sent[0].headers().contains_key("authorization"));
    assert_eq!(header(&sent[0], "user-agent"), Some(AGENT));
}

#[tokio::test]
async fn an_id_cannot_leave_its_segment_of_the_path() {
    let (stripe, sent) = recording();
    charger(stripe).cancel(&key(), &recorded("../x/confirm?a=b#c d.é")).await;
    let sent = sent.lock().unwrap();
    let path = "/v1/payment_intents/%2E%2E%2Fx%2Fconfirm%3Fa%3Db%23c%20d%2E%C3%A9/cancel";
    assert_eq!((sent[0].uri().path(), sent[0].uri().query()), (path, None));
}

#[tokio::test]
async fn a_request_can_be_printed_without_its_key() {
    let (stripe, sent) = recording();
    let charger = charger(stripe);
    charger.retrieve(&key(), &recorded("pi_1")).await;
    let printed = format!("{:?} {charger:?}", sent.lock().unwrap()[0]);
    assert!(printed.contains("Sensitive") && !printed.contains(KEY_TEXT), "{printed}");
}
