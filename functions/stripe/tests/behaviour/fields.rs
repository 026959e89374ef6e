//! An intent, field by field, with no two values alike; and an issuer's words, on every status.

use crate::support::{answered_with, charger, frozen, key, recorded};
use bytes::Bytes;
use http::Response;
use payments::Cause;
use payments::charge::Method;
use payments::provider::{
    Answer, ChargeId, Decline, DeclinedCharge, Intent, IntentId, IntentStatus, Refusal, Replay,
};
use serde_json::{Value, json};

/// What looking up `pi_1` comes to when this is answered.
async fn retrieved(body: &Value) -> Answer {
    let body = Bytes::from(body.to_string());
    let stripe = answered_with(move |_| Ok(Response::new(body.clone())));
    charger(stripe).retrieve(&key(), &recorded("pi_1")).await.answer
}

fn whole() -> Value {
    json!({
        "object": "payment_intent", "id": "pi_1", "status": "processing", "amount": 2501, "currency": "usd",
        "livemode": false, "metadata": {"payment_id": "order-7", "other": "order-8"},
        "last_payment_error": {
            "code": "card_declined", "decline_code": "lost_card", "advice_code": "do_not_try_again",
            "charge": "ch_9",
        },
    })
}

fn read() -> Intent {
    let decline = Decline {
        code: "card_declined".to_owned(),
        decline_code: Some("lost_card".to_owned()),
        advice_code: Some("do_not_try_again".to_owned()),
    };
    Intent {
        id: IntentId("pi_1".to_owned()),
        status: IntentStatus::Processing,
        amount: 2_501,
        currency: "usd".to_owned(),
        payment_id: Some("order-7".to_owned()),
        last_decline: Some(DeclinedCharge { decline, charge: Some(ChargeId("ch_9".to_owned())) }),
    }
}

#[tokio::test]
async fn every_field_of_an_intent_is_its_own() {
    assert_eq!(retrieved(&whole()).await, Answer::Intent(read()));
}

#[tokio::test]
async fn what_decides_over_money_is_there_or_nothing_is() {
    let unreadable = Answer::Unknown { cause: Cause::ProviderUnreadable, replay: Replay::Open };
    for field in ["object", "id", "status", "amount", "currency", "livemode"] {
        let mut less = whole();
        less.as_object_mut().unwrap().remove(field);
        assert_eq!(retrieved(&less).await, unreadable, "{field}");
    }
}

#[tokio::test]
async fn every_status_is_read_as_its_own() {
    for (text, status) in [
        ("requires_payment_method", IntentStatus::RequiresPaymentMethod),
        ("requires_confirmation", IntentStatus::RequiresConfirmation),
        ("requires_action", IntentStatus::RequiresAction),
        ("processing", IntentStatus::Processing),
        ("requires_capture", IntentStatus::RequiresCapture),
        ("canceled", IntentStatus::Canceled),
        ("succeeded", IntentStatus::Succeeded),
    ] {
        let mut other = whole();
        other["status"] = text.into();
        assert_eq!(retrieved(&other).await, Answer::Intent(Intent { status, ..read() }), "{text}");
    }
}

#[tokio::test]
async fn an_issuers_words_are_a_decline_on_a_402_and_on_nothing_else() {
    let error = json!({ "error": { "code": "card_declined", "decline_code": "lost_card" } }).to_string();
    let answered = async |status: u16| {
        let body = Bytes::from(error.clone());
        let stripe =
            answered_with(move |_| Ok(Response::builder().status(status).body(body.clone()).unwrap()));
        charger(stripe).confirm(&key(), &recorded("pi_1"), Method::OfTheIntent, &frozen()).await.answer
    };
    let refused = |status| {
        Answer::Refused(Refusal { status, code: "card_declined".to_owned(), param: None, text: None })
    };
    let not_done = |cause| Answer::NotDone { cause };
    let unknown = |cause| Answer::Unknown { cause, replay: Replay::Open };
    assert!(matches!(answered(402).await, Answer::Declined(_)));
    for (status, expected) in [
        (200, unknown(Cause::ProviderUnreadable)),
        (302, unknown(Cause::ProviderUnreadable)),
        (400, refused(400)),
        (401, not_done(Cause::CredentialsRefused)),
        (403, not_done(Cause::CredentialsRefused)),
        (404, refused(404)),
        (408, unknown(Cause::ProviderError)),
        (409, not_done(Cause::InFlight)),
        (424, unknown(Cause::ProviderError)),
        (429, not_done(Cause::RateLimited)),
        (500, unknown(Cause::ProviderError)),
        (503, unknown(Cause::ProviderError)),
    ] {
        assert_eq!(answered(status).await, expected, "{status}");
    }
}
