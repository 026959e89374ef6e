//! Every class of answer, from recorded envelopes to its meaning.

use crate::support::{answered_with, charger, frozen, key, reader, recorded};
use bytes::Bytes;
use http::Response;
use payments::Cause;
use payments::charge::Method;
use payments::limits::STRIPE_ID_CHARS_MAX;
use payments::provider::{
    Answer, ChargeId, Decline, DeclinedCharge, Intent, IntentId, IntentStatus, Refusal, Replay,
};
use stripe::limits::BODY_BYTES_MAX;
use stripe::{ApiKey, Probe, Transport, TransportError};

macro_rules! envelope {
    ($name:literal) => {
        Bytes::from_static(include_bytes!(concat!("../envelopes/", $name)))
    };
}

const NO_HEADERS: [(&str, &str); 0] = [];

fn answering<const N: usize>(
    status: u16,
    headers: [(&'static str, &'static str); N],
    body: Bytes,
) -> Transport {
    answered_with(move |_| {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        Ok(response.body(body.clone()).unwrap())
    })
}

async fn create(stripe: Transport) -> Answer {
    charger(stripe).create(&key(), &frozen(), "order-1042:create:0").await.answer
}

async fn confirm(stripe: Transport) -> Answer {
    charger(stripe).confirm(&key(), &recorded("pi_1"), Method::OfTheIntent, &frozen()).await.answer
}

async fn retrieve(stripe: Transport) -> Answer {
    charger(stripe).retrieve(&key(), &recorded("pi_1")).await.answer
}

async fn cancel(stripe: Transport) -> Answer {
    charger(stripe).cancel(&key(), &recorded("pi_1")).await.answer
}

fn unknown(cause: Cause) -> Answer {
    Answer::Unknown { cause, replay: Replay::Open }
}

fn not_done(cause: Cause) -> Answer {
    Answer::NotDone { cause }
}

fn refused(status: u16, code: &str, param: Option<&str>) -> Answer {
    Answer::Refused(Refusal { status, code: code.to_owned(), param: param.map(str::to_owned), text: None })
}

/// The same without a code of Stripe's: what it says instead, as far as it is its own words.
fn refused_in_words(status: u16, kind: &str, text: &str) -> Answer {
    let text = Some(text.to_owned());
    Answer::Refused(Refusal { status, code: kind.to_owned(), param: None, text })
}

fn declined(code: &str, decline_code: Option<&str>) -> Answer {
    let decline_code = decline_code.map(str::to_owned);
    let decline = Decline { code: code.to_owned(), decline_code, advice_code: None };
    Answer::Declined(DeclinedCharge { decline, charge: None })
}

fn intent(status: IntentStatus) -> Intent {
    Intent {
        id: IntentId("pi_1".to_owned()),
        status,
        amount: 1999,
        currency: "eur".to_owned(),
        payment_id: Some("order-1042".to_owned()),
        last_decline: None,
    }
}

#[tokio::test]
async fn a_readable_intent_is_read() {
    let body = envelope!("intent_requires_confirmation.json");
    let expected = Answer::Intent(intent(IntentStatus::RequiresConfirmation));
    assert_eq!(create(answering(200, NO_HEADERS, body.clone())).await, expected);
    assert_eq!(confirm(answering(200, NO_HEADERS, body.clone())).await, expected);
    assert_eq!(retrieve(answering(200, NO_HEADERS, body.clone())).await, expected);
    assert_eq!(cancel(answering(200, NO_HEADERS, body)).await, expected);
}

#[tokio::test]
async fn an_intent_remembers_its_last_decline() {
    let answer = retrieve(answering(200, NO_HEADERS, envelope!("intent_declined_before.json"))).await;
    let decline = Decline {
        code: "card_declined".into(),
        decline_code: Some("insufficient_funds".into()),
        advice_code: None,
    };
    let last_decline = Some(DeclinedCharge { decline, charge: Some(ChargeId("ch_2".to_owned())) });
    let expected = Intent { last_decline, ..intent(IntentStatus::RequiresPaymentMethod) };
    assert_eq!(answer, Answer::Intent(expected));
}

#[tokio::test]
async fn a_status_of_the_future_is_kept_by_name() {
    let answer = retrieve(answering(200, NO_HEADERS, envelope!("intent_status_of_the_future.json"))).await;
    let status = IntentStatus::Other("requires_patience".into());
    assert_eq!(answer, Answer::Intent(Intent { payment_id: None, ..intent(status) }));
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_unknown() {
    for body in [
        envelope!("truncated_intent.json"),
        envelope!("proxy_error.html"),
        envelope!("another_object.json"),
        envelope!("intent_without_id.json"),
        Bytes::new(),
    ] {
        let answering = answering(200, NO_HEADERS, body.clone());
        assert_eq!(create(answering.clone()).await, unknown(Cause::ProviderUnreadable), "{body:?}");
        assert_eq!(confirm(answering).await, unknown(Cause::ProviderUnreadable), "{body:?}");
    }
}

#[tokio::test]
async fn an_answer_about_another_intent_is_unreadable() {
    let success = answering(200, NO_HEADERS, envelope!("another_intent.json"));
    assert_eq!(confirm(success.clone()).await, unknown(Cause::ProviderUnreadable));
    assert_eq!(retrieve(success.clone()).await, unknown(Cause::ProviderUnreadable));
    assert_eq!(cancel(success).await, unknown(Cause::ProviderUnreadable));
    let refusal = answering(400, NO_HEADERS, envelope!("unexpected_state_of_another_intent.json"));
    assert_eq!(confirm(refusal).await, unknown(Cause::ProviderUnreadable));
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_unreadable_even_if_it_could_be_parsed() {
    let padded = |bytes: usize| {
        let mut body = envelope!("intent_requires_confirmation.json").to_vec();
        body.resize(bytes, b' ');
        answering(200, NO_HEADERS, Bytes::from(body))
    };
    assert!(matches!(confirm(padded(BODY_BYTES_MAX)).await, Answer::Intent(_)));
    assert_eq!(confirm(padded(BODY_BYTES_MAX + 1)).await, unknown(Cause::ProviderUnreadable));
}

#[tokio::test]
async fn a_402_is_a_decline_in_the_issuers_words() {
    let answer = confirm(answering(402, NO_HEADERS, envelope!("declined.json"))).await;
    let Answer::Declined(DeclinedCharge { decline, charge }) = &answer else { panic!("{answer:?}") };
    assert_eq!(charge.as_ref().map(ToString::to_string).as_deref(), Some("ch_1"));
    assert_eq!(
        (decline.reason(), decline.advice_code.as_deref()),
        ("generic_decline", Some("try_again_later"))
    );
    let answer = confirm(answering(402, NO_HEADERS, envelope!("declined_expired.json"))).await;
    assert_eq!(answer, declined("expired_card", None));
}

#[tokio::test]
async fn an_intent_that_does_not_fit_the_call_comes_along() {
    let answer = confirm(answering(400, NO_HEADERS, envelope!("unexpected_state_succeeded.json"))).await;
    assert_eq!(answer, Answer::UnexpectedState(intent(IntentStatus::Succeeded)));
    let bare = confirm(answering(400, NO_HEADERS, envelope!("unexpected_state_bare.json"))).await;
    assert_eq!(bare, unknown(Cause::ProviderUnreadable));
}

#[tokio::test]
async fn a_key_used_for_other_parameters_is_a_conflict_and_only_a_create_has_one() {
    let conflict = answering(400, NO_HEADERS, envelope!("idempotency_error.json"));
    assert_eq!(create(conflict.clone()).await, Answer::KeySpent);
    let text =
        "Keys for idempotent requests can only be used with the same parameters they were first used with.";
    assert_eq!(confirm(conflict).await, refused_in_words(400, "idempotency_error", text));
}

#[tokio::test]
async fn refused_credentials_are_ours_whoever_wrote_the_page() {
    for body in [envelope!("credentials_refused.json"), envelope!("proxy_error.html")] {
        for status in [401, 403] {
            let answer = confirm(answering(status, NO_HEADERS, body.clone())).await;
            assert_eq!(answer, not_done(Cause::CredentialsRefused));
        }
    }
}

#[tokio::test]
async fn only_the_intent_in_the_path_can_be_missing() {
    let missing = answering(404, NO_HEADERS, envelope!("intent_missing.json"));
    assert_eq!(retrieve(missing.clone()).await, Answer::IntentMissing);
    assert_eq!(confirm(missing.clone()).await, Answer::IntentMissing);
    assert_eq!(cancel(missing.clone()).await, Answer::IntentMissing);
    assert_eq!(create(missing).await, refused(404, "resource_missing", Some("intent")));
    for status in [400, 404] {
        let card = confirm(answering(status, NO_HEADERS, envelope!("payment_method_missing.json"))).await;
        assert_eq!(card, refused(status, "resource_missing", Some("payment_method")));
    }
    let url = retrieve(answering(404, NO_HEADERS, envelope!("unknown_url.json"))).await;
    let text = "Unrecognized request URL (POST: ...";
    assert_eq!(url, refused_in_words(404, "invalid_request_error", text));
}

#[tokio::test]
async fn what_has_no_code_is_told_apart_by_its_words_and_never_by_a_customers() {
    let said = |message: &str| {
        let body = format!(r#"{{"error":{{"type":"invalid_request_error","message":"{message}"}}}}"#);
        answering(400, NO_HEADERS, Bytes::from(body))
    };
    for (message, text) in [
        (
            "Sales abroad need the buyer\u{2019}s name, and address.",
            "Sales abroad need the ... name, and address.",
        ),
        ("No such card: 'card_1' of ada@example.com (4242 4242)", "No such card: ... of ... ... ..."),
    ] {
        assert_eq!(confirm(said(message)).await, refused_in_words(400, "invalid_request_error", text));
    }
}

#[tokio::test]
async fn a_request_that_lost_against_a_concurrent_one_was_not_done() {
    for body in [envelope!("key_in_use.json"), envelope!("conflict.json")] {
        assert_eq!(create(answering(409, NO_HEADERS, body)).await, not_done(Cause::InFlight));
    }
}

#[tokio::test]
async fn throttling_and_a_locked_object_are_told_apart() {
    let limited = answering(429, NO_HEADERS, envelope!("rate_limit.json"));
    assert_eq!(create(limited).await, not_done(Cause::RateLimited));
    let bare = answering(429, NO_HEADERS, Bytes::new());
    assert_eq!(create(bare).await, not_done(Cause::RateLimited));
    let locked = answering(429, NO_HEADERS, envelope!("lock_timeout.json"));
    assert_eq!(retrieve(locked).await, not_done(Cause::LockTimeout));
}

/// An error with these codes; an empty one is left out.
fn said(code: &str, decline_code: &str) -> Bytes {
    let mut error = serde_json::json!({ "type": "card_error", "message": "…" });
    for (name, value) in [("code", code), ("decline_code", decline_code)] {
        if !value.is_empty() {
            error[name] = value.into();
        }
    }
    Bytes::from(serde_json::json!({ "error": error }).to_string())
}

#[tokio::test]
async fn a_402_that_is_no_issuers_is_no_decline() {
    for (code, decline_code) in [("testmode_charges_only", ""), ("capability_not_active", "")] {
        for status in [400, 402] {
            let answer = confirm(answering(status, NO_HEADERS, said(code, decline_code))).await;
            assert_eq!(answer, not_done(Cause::AccountRefused), "{status} {code}");
        }
    }
    for (code, decline_code, name) in [
        ("payment_method_provider_timeout", "", "payment_method_provider_timeout"),
        ("a_code_of_the_future", "a_reason_of_the_future", "a_code_of_the_future"),
        ("card_declined", "test_mode_live_card", "card_declined"),
    ] {
        let answer = confirm(answering(402, NO_HEADERS, said(code, decline_code))).await;
        assert_eq!(answer, refused(402, name, None), "{code} {decline_code}");
    }
    for (code, decline_code) in [("card_declined", "a_reason_of_the_future"), ("", "lost_card")] {
        let answer = confirm(answering(402, NO_HEADERS, said(code, decline_code))).await;
        assert!(matches!(answer, Answer::Declined(_)), "{code} {decline_code}: {answer:?}");
    }
}

#[tokio::test]
async fn an_attempt_without_a_readable_id_is_declined_all_the_same() {
    let long = "c".repeat(STRIPE_ID_CHARS_MAX + 1);
    for charge in
        [serde_json::json!(null), serde_json::json!(""), serde_json::json!({}), serde_json::json!(long)]
    {
        let error = serde_json::json!({ "code": "processing_error", "charge": charge });
        let body = serde_json::json!({ "error": error }).to_string();
        let answer = confirm(answering(402, NO_HEADERS, Bytes::from(body))).await;
        assert_eq!(answer, declined("processing_error", None), "{charge}");
    }
}

#[tokio::test]
async fn a_last_error_that_is_no_issuers_is_no_decline_either() {
    let body = include_str!("../envelopes/intent_declined_before.json");
    let body = body.replace("card_declined", "testmode_charges_only").replace("insufficient_funds", "");
    let answer = retrieve(answering(200, NO_HEADERS, Bytes::from(body))).await;
    assert_eq!(answer, Answer::Intent(intent(IntentStatus::RequiresPaymentMethod)));
}

#[tokio::test]
async fn advice_against_another_try_outweighs_a_code_that_asks_for_one() {
    for (field, advice, is_soft) in [
        ("advice_code", "do_not_try_again", false),
        ("decline_code", "do_not_try_again", false),
        ("advice_code", "try_again_later", true),
        ("advice_code", "", true),
    ] {
        let error = serde_json::json!({ "code": "processing_error", field: advice });
        let body = serde_json::json!({ "error": error }).to_string();
        let answer = confirm(answering(402, NO_HEADERS, Bytes::from(body))).await;
        let Answer::Declined(DeclinedCharge { decline, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!(decline.is_soft(), is_soft, "{field} {advice}");
    }
}

#[tokio::test]
async fn a_refusal_that_a_key_replays_says_that_the_key_is_spent() {
    let replayed = [("Idempotent-Replayed", "true")];
    for (status, body) in [
        (400, envelope!("amount_too_small.json")),
        (402, envelope!("declined.json")),
        (403, envelope!("credentials_refused.json")),
        (404, envelope!("payment_method_missing.json")),
    ] {
        assert_eq!(create(answering(status, replayed, body.clone())).await, Answer::KeySpent, "{status}");
        // No other call has a key that could be.
        assert_ne!(confirm(answering(status, replayed, body)).await, Answer::KeySpent, "{status}");
    }
}

#[tokio::test]
async fn nothing_of_the_other_mode_is_believed() {
    let live = include_str!("../envelopes/intent_requires_confirmation.json")
        .replace(r#""livemode": false"#, r#""livemode": true"#);
    let body = Bytes::from(live);
    for answer in [
        create(answering(200, NO_HEADERS, body.clone())).await,
        confirm(answering(200, NO_HEADERS, body.clone())).await,
        retrieve(answering(200, NO_HEADERS, body.clone())).await,
        cancel(answering(200, NO_HEADERS, body)).await,
    ] {
        assert_eq!(answer, not_done(Cause::WrongMode));
    }
    let succeeded = include_str!("../envelopes/unexpected_state_succeeded.json")
        .replace(r#""livemode": false"#, r#""livemode": true"#);
    let answer = confirm(answering(400, NO_HEADERS, Bytes::from(succeeded))).await;
    assert_eq!(answer, not_done(Cause::WrongMode));
    let balance = include_str!("../envelopes/balance.json").replace("false", "true");
    let probe = reader(answering(200, NO_HEADERS, Bytes::from(balance))).probe(&key()).await.answer;
    assert_eq!(probe, Probe::Unwell(Cause::WrongMode));
}

#[tokio::test]
async fn a_key_of_the_other_mode_is_not_even_sent() {
    let unreached = answered_with(|request| panic!("{request:?}"));
    let live = ApiKey::parse("rk_live_51H").unwrap();
    let sender = charger(unreached.clone());
    let reply = sender.confirm(&live, &recorded("pi_1"), Method::OfTheIntent, &frozen()).await;
    assert_eq!((reply.answer, reply.status), (not_done(Cause::WrongMode), None));
    assert_eq!(reader(unreached).probe(&live).await.answer, Probe::Unwell(Cause::WrongMode));
    // A key whose form says nothing is tried: what it leads to says it.
    let unknown = ApiKey::parse("secret").unwrap();
    let answered = reader(answering(200, NO_HEADERS, envelope!("balance.json"))).probe(&unknown).await.answer;
    assert_eq!(answered, Probe::Well);
}

#[tokio::test]
async fn retry_after_counts_in_seconds_or_until_a_date_on_every_answer_that_carries_it() {
    let now = ("Date", "Wed, 21 Oct 2026 07:27:30 GMT");
    let cases = [
        ("7", Some(7)),
        (" 7 ", Some(7)),
        ("-1", None),
        ("99999999999", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", Some(30)),
        ("Wed, 21 Oct 2026 07:00:00 GMT", Some(0)),
        ("soon", None),
    ];
    for (sent, expected) in cases {
        for status in [200, 400, 402, 409, 429, 500, 503] {
            let answering = answering(status, [("Retry-After", sent), now], envelope!("api_error.json"));
            let reply = charger(answering).retrieve(&key(), &recorded("pi_1")).await;
            assert_eq!(reply.retry_after_s, expected, "{status} {sent}");
        }
    }
    let undated = answering(503, [("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")], Bytes::new());
    assert_eq!(charger(undated).retrieve(&key(), &recorded("pi_1")).await.retry_after_s, None);
}

#[tokio::test]
async fn a_failure_of_stripe_is_unknown_and_says_whether_its_key_is_spent() {
    let body = envelope!("api_error.json");
    for status in [408, 424, 500, 502, 503, 504, 599] {
        let answer = create(answering(status, NO_HEADERS, body.clone())).await;
        assert_eq!(answer, unknown(Cause::ProviderError), "{status}");
    }
    for (header, value, replay) in [
        ("Idempotent-Replayed", "true", Replay::Stored),
        ("Stripe-Should-Retry", "false", Replay::Stored),
        ("Stripe-Should-Retry", "true", Replay::Open),
    ] {
        let answer = create(answering(500, [(header, value)], body.clone())).await;
        assert_eq!(answer, Answer::Unknown { cause: Cause::ProviderError, replay }, "{header}: {value}");
    }
}

#[tokio::test]
async fn a_502_of_a_proxy_is_a_failure_of_the_provider() {
    let answer = confirm(answering(502, NO_HEADERS, envelope!("proxy_error.html"))).await;
    assert_eq!(answer, unknown(Cause::ProviderError));
}

#[tokio::test]
async fn any_other_refusal_is_for_good_and_names_code_and_parameter() {
    let answer = create(answering(400, NO_HEADERS, envelope!("amount_too_small.json"))).await;
    assert_eq!(answer, refused(400, "amount_too_small", Some("amount")));
}

#[tokio::test]
async fn a_refusal_that_stripe_wants_repeated_is_not_for_good() {
    let headers = [("Stripe-Should-Retry", "true")];
    let answer = create(answering(400, headers, envelope!("amount_too_small.json"))).await;
    assert_eq!(answer, unknown(Cause::ProviderError));
}

#[tokio::test]
async fn a_refusal_that_is_not_stripes_proves_nothing() {
    for body in [
        envelope!("proxy_error.html"),
        envelope!("not_an_envelope.json"),
        envelope!("error_that_says_nothing.json"),
        Bytes::new(),
    ] {
        for status in [400, 402, 404, 413] {
            let answer = confirm(answering(status, NO_HEADERS, body.clone())).await;
            assert_eq!(answer, unknown(Cause::ProviderUnreadable), "{status} {body:?}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [100, 301, 302, 307, 600] {
        let headers = [("Location", "https://elsewhere.example/")];
        let answer = create(answering(status, headers, envelope!("intent_requires_confirmation.json"))).await;
        assert_eq!(answer, unknown(Cause::ProviderUnreadable), "{status}");
    }
}

#[tokio::test]
async fn a_refusals_words_are_bounded_and_printable() {
    let body = format!(r#"{{"error":{{"code":"{}","param":"metadata[a b\u0007é]"}}}}"#, "c".repeat(500));
    let answer = create(answering(400, NO_HEADERS, Bytes::from(body))).await;
    assert_eq!(answer, refused(400, &"c".repeat(100), Some("metadata[a?b??]")));
}

#[tokio::test]
async fn nothing_sent_is_not_done_and_a_broken_connection_is_unknown() {
    let unconnected = answered_with(|_| Err(TransportError::Connect("connection refused".into())));
    assert_eq!(confirm(unconnected).await, not_done(Cause::ProviderUnreachable));
    let broken = answered_with(|_| Err(TransportError::Broken("connection reset".into())));
    assert_eq!(confirm(broken).await, unknown(Cause::ProviderUnreachable));
}

#[tokio::test]
async fn a_reply_carries_what_a_log_line_needs() {
    let headers = [("Request-Id", "req_1")];
    let well = answering(200, headers, envelope!("intent_requires_confirmation.json"));
    let reply = charger(well).retrieve(&key(), &recorded("pi_1")).await;
    assert_eq!((reply.status, reply.request_id.as_deref(), reply.failure), (Some(200), Some("req_1"), None));

    let broken = answered_with(|_| Err(TransportError::Broken("connection reset".into())));
    let reply = charger(broken).retrieve(&key(), &recorded("pi_1")).await;
    assert_eq!((reply.status, reply.request_id), (None, None));
    assert_eq!(reply.failure.as_deref(), Some("the connection to Stripe broke: connection reset"));
}

#[tokio::test]
async fn a_probe_is_well_only_with_what_it_asked_for() {
    let probe = async |stripe: Transport| reader(stripe).probe(&key()).await.answer;
    assert_eq!(probe(answering(200, NO_HEADERS, envelope!("balance.json"))).await, Probe::Well);
    for (status, body, cause) in [
        (200, envelope!("proxy_error.html"), Cause::ProviderUnreadable),
        (200, envelope!("another_intent.json"), Cause::ProviderUnreadable),
        (400, envelope!("amount_too_small.json"), Cause::ProviderUnreadable),
        (401, envelope!("credentials_refused.json"), Cause::CredentialsRefused),
        (429, envelope!("rate_limit.json"), Cause::RateLimited),
        (503, envelope!("api_error.json"), Cause::ProviderError),
    ] {
        let seen = probe(answering(status, NO_HEADERS, body)).await;
        assert_eq!(seen, Probe::Unwell(cause), "{status}");
    }
    let unconnected = answered_with(|_| Err(TransportError::Connect("refused".into())));
    assert_eq!(probe(unconnected).await, Probe::Unwell(Cause::ProviderUnreachable));
}
