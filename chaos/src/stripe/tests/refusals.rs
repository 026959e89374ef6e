//! Requests Stripe refuses, and the shape of every answer.

use super::*;
use crate::stripe::tests::instead::EVERY_INSTEAD;
use std::collections::BTreeSet;

const INTENTS: &str = "/v1/payment_intents";

#[test]
fn a_missing_or_wrong_api_key_is_401_and_never_repeated_back() {
    let mut client = Client::new();
    for header in [None, Some("Bearer sk_test_wrong"), Some("Bearer "), Some("Basic c2s6")] {
        let mut request = post(INTENTS, VISA, None);
        request.headers_mut().remove("authorization");
        header.map(|header| request.headers_mut().insert("authorization", header.parse().unwrap()));
        let refused = client.send(&request);
        assert_eq!((refused.status, &refused.body["error"]["type"]), (401, &"invalid_request_error".into()));
        assert!(!refused.body.to_string().contains("sk_test"), "{}", refused.body);
    }
}

#[test]
fn a_key_may_also_come_as_the_user_of_basic_authentication() {
    let mut client = Client::new();
    for (header, status) in [
        ("Basic c2tfdGVzdF9maXJzdDo=", 200),     // sk_test_first:
        ("Basic c2tfdGVzdF9vdGhlcjo=", 401),     // sk_test_other:
        ("Basic c2tfdGVzdF9maXJzdDpwdw==", 401), // sk_test_first:pw
        ("Basic !", 401),
    ] {
        let mut request = get("/v1/balance");
        request.headers_mut().insert("authorization", header.parse().unwrap());
        assert_eq!(client.send(&request).status, status, "{header}");
    }
}

#[test]
fn after_a_rotation_only_the_new_key_works() {
    let mut client = Client::new();
    client.stripe.rotate_key("sk_test_second");
    assert_eq!(client.get("/v1/balance").status, 401);
    client.stripe.rotate_key(SECRET);
    assert_eq!(client.get("/v1/balance").status, 200);
}

#[test]
fn every_refused_parameter_is_named_with_its_code() {
    for (form, code, param) in [
        ("currency=eur", "parameter_missing", "amount"),
        ("amount=1999", "parameter_missing", "currency"),
        ("amount=&currency=eur", "parameter_invalid_empty", "amount"),
        ("amount=19.99&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=-5&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=0&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=99999999999999999999&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=49&currency=eur", "amount_too_small", "amount"),
        ("amount=100000000&currency=eur", "amount_too_large", "amount"),
        ("amount=1000000000000&currency=idr", "amount_too_large", "amount"),
        ("amount=18601&currency=kwd", "none", "amount"),
        ("amount=1999&currency=euro", "none", "currency"),
        ("amount=1999&currency=eur&amuont=1", "parameter_unknown", "amuont"),
        ("amount=1999&currency=eur&metadata=x", "parameter_unknown", "metadata"),
        ("amount=1999&currency=eur&payment_method=pm_card_nobody", "resource_missing", "payment_method"),
        ("amount=1999&currency=eur&customer=alice", "resource_missing", "customer"),
        ("amount=1999&currency=eur&payment_method_types[]=cash", "none", "payment_method_types"),
        (
            "amount=1999&currency=eur&excluded_payment_method_types[]=link",
            "none",
            "excluded_payment_method_types",
        ),
        ("amount=1999&currency=eur&confirmation_method=sometimes", "none", "confirmation_method"),
        ("amount=1999&currency=eur&setup_future_usage=never", "none", "setup_future_usage"),
        ("amount=1999&currency=eur&off_session=true", "none", "off_session"),
        ("amount=1999&currency=eur&confirm=yes", "none", "confirm"),
    ] {
        let refused = Client::new().post(INTENTS, form);
        assert_eq!(refused.refusal(), (400, code, "none"), "{form}");
        assert_eq!(refused.body["error"]["param"], param, "{form}");
        assert_eq!(refused.body["error"]["type"], "invalid_request_error", "{form}");
    }
}

#[test]
fn confirm_and_cancel_refuse_unknown_parameters_and_change_nothing() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    assert_eq!(client.confirm(&id, "amount=1").refusal().1, "parameter_unknown");
    let path = format!("{INTENTS}/{id}/cancel");
    assert_eq!(client.post(&path, "reason=abandoned").refusal().1, "parameter_unknown");
    assert_eq!(client.post(&path, "cancellation_reason=expired").status, 400);
    assert_eq!(client.retrieve(&id)["status"], "requires_confirmation");
}

#[test]
fn a_method_of_a_type_the_intent_does_not_take_is_refused() {
    let refused = Client::new().post(INTENTS, &VISA.replace("[]=card", "[]=us_bank_account"));
    assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &"payment_method".into()));
}

#[test]
fn an_unknown_intent_and_an_unknown_url_are_404() {
    let mut client = Client::new();
    assert_eq!(client.get("/v1/payment_intents/pi_nobody").refusal(), (404, "resource_missing", "none"));
    assert_eq!(client.confirm("pi_nobody", "").refusal(), (404, "resource_missing", "none"));
    assert_eq!(client.cancel("pi_nobody").refusal(), (404, "resource_missing", "none"));
    assert_eq!(client.get("/v2/payment_intents").refusal(), (404, "none", "none"));
    assert_eq!(client.get("/v1/payment_intents/pi_x/confirm").status, 404);
}

#[test]
fn a_json_body_is_refused() {
    let mut client = Client::new();
    let mut json = post(INTENTS, r#"{"amount":1999}"#, None);
    json.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(client.send(&json).status, 400);
}

#[test]
fn every_answer_has_a_request_id_of_its_own_and_the_version_asked_for() {
    let mut client = Client::new();
    let created = client.post(INTENTS, VISA);
    let refused = client.post(INTENTS, "");
    let mut answers = vec![created, refused];
    answers.extend(EVERY_INSTEAD.map(|instead| client.instead(&post(INTENTS, VISA, None), instead)));
    let ids: BTreeSet<_> = answers.iter().map(|got| got.header("request-id").unwrap()).collect();
    assert_eq!(ids.len(), 2 + EVERY_INSTEAD.len());
    assert!(ids.iter().all(|id| id.starts_with("req_")));
    assert!(answers.iter().all(|got| got.header("stripe-version") == Some("2026-08-26.dahlia")));
    let mut older = post(INTENTS, VISA, None);
    older.headers_mut().insert("stripe-version", "2024-06-20".parse().unwrap());
    assert_eq!(client.send(&older).header("stripe-version"), Some("2024-06-20"));
}

#[test]
fn an_intent_shows_every_field_a_typed_client_needs() {
    let mut client = Client::new();
    let form = format!("{VISA}&customer=cus_1&description=two+CDs&metadata[k]=v%26w");
    let intent = client.post(INTENTS, &form).body;
    insta::assert_snapshot!(serde_json::to_string_pretty(&intent).unwrap());
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let ids = || {
        let mut client = Client::new();
        let intent = client.create("pm_card_visa");
        (client.confirm(&intent, OFF_SESSION).body["latest_charge"].clone(), intent)
    };
    assert_eq!(ids(), ids());
}
