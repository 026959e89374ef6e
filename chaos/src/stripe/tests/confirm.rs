//! What a confirm and a cancel do in every state of an intent.

use super::*;
use crate::faults::{Kind, Window};
use crate::random::Chance;
use crate::stripe::limits::CONFIRMATIONS_MAX;

#[test]
fn a_confirmed_visa_succeeds_and_moves_money_exactly_once() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    let confirmed = client.confirm(&id, OFF_SESSION);
    assert_eq!((confirmed.status, &confirmed.body["status"]), (200, &"succeeded".into()));
    assert_eq!(confirmed.body["amount_received"], 1999);
    let [movement] = client.stripe.book().movements() else { panic!("one movement") };
    assert_eq!((movement.intent.as_str(), movement.payment.as_deref()), (id.as_str(), Some("order-1")));
    assert_eq!((movement.amount_minor, movement.currency.as_str()), (1999, "eur"));
    assert_eq!(confirmed.body["latest_charge"], movement.charge.as_str());
}

#[test]
fn a_second_confirm_of_a_succeeded_intent_moves_no_money_and_shows_the_intent() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    client.confirm(&id, OFF_SESSION);
    let again = client.confirm(&id, OFF_SESSION);
    assert_eq!(again.refusal(), (400, "payment_intent_unexpected_state", "succeeded"));
    assert_eq!(again.body["error"]["payment_intent"], client.retrieve(&id));
    assert_eq!(again.body["error"]["type"], "invalid_request_error");
    assert_eq!(client.movements(), 1);
}

#[test]
fn a_decline_changes_the_intent_and_answers_402() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa_chargeDeclined");
    let declined = client.confirm(&id, OFF_SESSION);
    assert_eq!(declined.refusal(), (402, "card_declined", "requires_payment_method"));
    let error = &declined.body["error"];
    assert_eq!((&error["type"], &error["decline_code"]), (&"card_error".into(), &"generic_decline".into()));
    assert_eq!(
        (&error["advice_code"], &error["network_decline_code"]),
        (&"try_again_later".into(), &"01".into())
    );
    let intent = client.retrieve(&id);
    assert_eq!(intent["payment_method"], Value::Null);
    assert_eq!(intent["last_payment_error"]["decline_code"], "generic_decline");
    assert_eq!(intent["last_payment_error"]["payment_method"]["object"], "payment_method");
    assert_eq!(error["payment_intent"], intent);
    assert_eq!(client.movements(), 0);
}

#[test]
fn every_declining_card_says_why() {
    for (method, code, decline_code) in [
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds".into()),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card".into()),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card".into()),
        (
            "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
            "card_declined",
            "card_velocity_exceeded".into(),
        ),
        ("pm_card_radarBlock", "card_declined", "fraudulent".into()),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", Value::Null),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", Value::Null),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", Value::Null),
    ] {
        let mut client = Client::new();
        let id = client.create(method);
        let declined = client.confirm(&id, OFF_SESSION);
        assert_eq!(declined.refusal(), (402, code, "requires_payment_method"), "{method}");
        assert_eq!(declined.body["error"]["decline_code"], decline_code, "{method}");
    }
}

#[test]
fn after_a_decline_a_confirm_needs_a_payment_method_and_may_then_succeed() {
    let mut client = Client::new();
    let id = client.create("pm_card_chargeDeclinedProcessingError");
    client.confirm(&id, OFF_SESSION);
    let bare = client.confirm(&id, OFF_SESSION);
    assert_eq!(bare.refusal(), (400, "payment_intent_unexpected_state", "requires_payment_method"));
    let confirmed = client.confirm(&id, &format!("{OFF_SESSION}&payment_method=pm_card_mastercard"));
    assert_eq!(
        (&confirmed.body["status"], &confirmed.body["last_payment_error"]),
        (&"succeeded".into(), &Value::Null)
    );
    assert_eq!(client.movements(), 1);
}

#[test]
fn an_intent_without_a_method_waits_for_one() {
    let mut client = Client::new();
    let created = client.post("/v1/payment_intents", "amount=100&currency=usd&payment_method_types[]=card");
    assert_eq!(created.body["status"], "requires_payment_method");
    let refused = client.confirm(&created.id(), OFF_SESSION);
    assert_eq!(refused.refusal(), (400, "payment_intent_unexpected_state", "requires_payment_method"));
}

#[test]
fn off_session_nobody_can_authenticate() {
    for form in [OFF_SESSION, "off_session=true", "error_on_requires_action=true"] {
        for method in ["pm_card_authenticationRequired", "pm_card_threeDSecure2Required"] {
            let mut client = Client::new();
            let id = client.create(method);
            let refused = client.confirm(&id, form);
            assert_eq!(
                refused.refusal(),
                (402, "authentication_required", "requires_payment_method"),
                "{method}"
            );
        }
    }
}

#[test]
fn on_session_the_cardholder_is_asked() {
    let mut client = Client::new();
    let id = client.create("pm_card_authenticationRequired");
    let asked = client.confirm(&id, "");
    assert_eq!((asked.status, &asked.body["status"]), (200, &"requires_action".into()));
    assert_eq!(asked.body["next_action"]["type"], "use_stripe_sdk");
    assert_eq!(client.cancel(&id).body["status"], "canceled");
}

#[test]
fn a_confirm_that_could_redirect_needs_a_return_url() {
    let mut client = Client::new();
    let automatic = "amount=1999&currency=eur&payment_method=pm_card_visa";
    let id = client.post("/v1/payment_intents", automatic).id();
    let refused = client.confirm(&id, "");
    assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &"return_url".into()));
    let confirmed = client.confirm(&id, "return_url=https%3A%2F%2Fexample.com");
    assert_eq!(confirmed.body["status"], "succeeded");
}

#[test]
fn without_redirects_no_return_url_is_needed() {
    let mut client = Client::new();
    let never = "amount=1999&currency=eur&payment_method=pm_card_visa&automatic_payment_methods[enabled]=true\
                 &automatic_payment_methods[allow_redirects]=never";
    let id = client.post("/v1/payment_intents", never).id();
    assert_eq!(client.confirm(&id, "").body["status"], "succeeded");
}

#[test]
fn too_many_declines_cancel_the_intent() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    let declining = format!("{OFF_SESSION}&payment_method=pm_card_chargeDeclined");
    for _ in 1..CONFIRMATIONS_MAX {
        assert_eq!(client.confirm(&id, &declining).refusal().2, "requires_payment_method");
    }
    assert_eq!(client.confirm(&id, &declining).refusal(), (402, "card_declined", "canceled"));
    let intent = client.retrieve(&id);
    assert_eq!(intent["cancellation_reason"], "automatic");
    assert_eq!(intent["last_payment_error"]["code"], "card_declined");
}

#[test]
fn manual_capture_holds_money_and_moves_none() {
    let mut client = Client::new();
    let id = client.post("/v1/payment_intents", &format!("{VISA}&capture_method=manual")).id();
    let held = client.confirm(&id, OFF_SESSION);
    assert_eq!(
        (&held.body["status"], &held.body["amount_capturable"]),
        (&"requires_capture".into(), &1999.into())
    );
    assert_eq!(client.confirm(&id, OFF_SESSION).refusal().2, "requires_capture");
    assert_eq!(client.movements(), 0);
    assert_eq!(client.cancel(&id).body["status"], "canceled");
}

#[test]
fn a_bank_debit_stays_processing_and_can_be_neither_confirmed_nor_canceled() {
    let mut client = Client::new();
    let form = "amount=1999&currency=usd&payment_method=pm_usBankAccount_processing\
                &payment_method_types[]=us_bank_account";
    let id = client.post("/v1/payment_intents", form).id();
    assert_eq!(client.confirm(&id, OFF_SESSION).body["status"], "processing");
    let expected = (400, "payment_intent_unexpected_state", "processing");
    assert_eq!(client.confirm(&id, OFF_SESSION).refusal(), expected);
    assert_eq!(client.cancel(&id).refusal(), expected);
    assert_eq!(client.movements(), 0);
}

#[test]
fn a_canceled_intent_is_final() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    let canceled = client.post(&format!("/v1/payment_intents/{id}/cancel"), "cancellation_reason=abandoned");
    assert_eq!(canceled.body["canceled_at"], START.0 / 1_000);
    assert_eq!(canceled.body["cancellation_reason"], "abandoned");
    let expected = (400, "payment_intent_unexpected_state", "canceled");
    assert_eq!(client.confirm(&id, OFF_SESSION).refusal(), expected);
    assert_eq!(client.cancel(&id).refusal(), expected);
    assert_eq!(client.movements(), 0);
}

#[test]
fn a_succeeded_intent_cannot_be_canceled_and_says_so() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    client.confirm(&id, OFF_SESSION);
    assert_eq!(client.cancel(&id).refusal(), (400, "payment_intent_unexpected_state", "succeeded"));
}

#[test]
fn create_with_confirm_is_one_call() {
    let mut client = Client::new();
    let succeeded = client.post("/v1/payment_intents", &format!("{VISA}&confirm=true&{OFF_SESSION}"));
    assert_eq!(succeeded.body["status"], "succeeded");
    let declining = VISA.replace("pm_card_visa", "pm_card_chargeDeclined");
    let declined = client.post("/v1/payment_intents", &format!("{declining}&confirm=true"));
    assert_eq!(declined.refusal(), (402, "card_declined", "requires_payment_method"));
    let id = declined.body["error"]["payment_intent"]["id"].as_str().unwrap().to_owned();
    assert_eq!(client.retrieve(&id)["status"], "requires_payment_method");
    assert_eq!(client.movements(), 1);
}

#[test]
fn a_payment_method_may_be_named_by_the_id_stripe_gave_it() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    let method = client.retrieve(&id)["payment_method"].as_str().unwrap().to_owned();
    assert_ne!(method, "pm_card_visa");
    let confirmed = client.confirm(&id, &format!("payment_method={method}"));
    assert_eq!(
        (&confirmed.body["status"], &confirmed.body["payment_method"]),
        (&"succeeded".into(), &method.into())
    );
}

#[test]
fn the_declined_fault_declines_a_good_card_once_per_confirm() {
    let fault = Fault::steady(Kind::Declined, Chance::ALWAYS, Window { from_ms: 0, until_ms: 10 });
    let mut client = Client::under(&[fault]);
    let id = client.create("pm_card_visa");
    assert_eq!(client.confirm(&id, OFF_SESSION).refusal(), (402, "card_declined", "requires_payment_method"));
    client.now = START.plus_ms(10);
    let confirmed = client.confirm(&id, &format!("{OFF_SESSION}&payment_method=pm_card_visa"));
    assert_eq!(confirmed.body["status"], "succeeded");
    assert_eq!(client.movements(), 1);
}
