//! Ours or theirs: what a payment meets is its own only if others do not meet it.

use crate::consumer::VISA;
use crate::consumer::town::{Plan, Town, fault, in_town, payment};
use bytes::Bytes;
use chaos::faults::{Fault, Kind, Refusal, Window};
use http::{Response, StatusCode};
use serde_json::{Value, json};

const MINUTE_MS: u64 = 60_000;

fn send(town: &Town, payments: usize) {
    for n in 0..payments {
        town.send(&payment(&format!("order-{n}"), 1999, VISA));
    }
}

fn limited(kind: Kind, operation: &str, from_ms: u64, until_ms: u64) -> Fault {
    let mut limited = fault(kind, 1.0, Window { from_ms, until_ms });
    limited.scope.operations.insert(operation.to_owned());
    limited
}

/// A create is refused without a code, for a parameter that `named` finds in the intent that would have been.
fn refused(answer: Response<Bytes>, named: fn(&Value) -> String) -> Response<Bytes> {
    let Ok(intent) = serde_json::from_slice::<Value>(answer.body()) else { return answer };
    if intent["object"] != "payment_intent" {
        return answer;
    }
    let message = "Received unknown parameter";
    let error =
        json!({ "error": { "type": "invalid_request_error", "message": message, "param": named(&intent) } });
    let mut refusal = Response::new(Bytes::from(error.to_string()));
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    refusal
}

/// Details of what is in quarantine an hour after so many payments were sent that Stripe refuses so.
fn quarantined(payments: usize, heard: fn(Response<Bytes>) -> Response<Bytes>) -> Vec<String> {
    in_town(Plan { heard: Some(heard), ..Plan::default() }, async |town| {
        send(&town, payments);
        town.pass_s(3_600).await;
        town.quarantined()
            .into_iter()
            .map(|mut copy| copy.remove("quarantine_detail").unwrap_or_default())
            .collect()
    })
}

#[test]
fn refusals_for_the_same_parameter_are_ours() {
    assert_eq!(quarantined(6, |answer| refused(answer, |_| "capture_method".to_owned())), [""; 0]);
}

#[test]
fn refusals_without_a_code_that_name_different_parameters_are_different_reasons() {
    let own =
        |answer| refused(answer, |intent| intent["metadata"]["payment_id"].as_str().unwrap_or("").to_owned());
    let details = quarantined(4, own);
    assert_eq!(details.len(), 4, "{details:?}");
    for n in 0..4 {
        assert_eq!(
            details.iter().filter(|detail| detail.contains(&format!("order-{n}"))).count(),
            1,
            "{details:?}"
        );
    }
}

#[test]
fn a_key_of_another_account_makes_no_payment_poison() {
    let faults = vec![
        limited(Kind::StripeUnavailable, "confirm", 0, MINUTE_MS / 3),
        fault(Kind::StripeOtherAccount, 1.0, Window { from_ms: MINUTE_MS / 3, until_ms: 120 * MINUTE_MS }),
    ];
    in_town(Plan { faults, ..Plan::default() }, async |town| {
        send(&town, 1);
        town.pass_s(2 * 3_600).await;
        assert!(town.stripe_calls().iter().filter(|call| **call == "retrieve").count() >= 4);
        assert_eq!(town.states()["order-0"], "intended");
        send(&town, 1);
        town.pass_s(600).await;
        assert_eq!(town.states()["order-0"], "succeeded");
        assert_eq!(town.charges().len(), 1);
        assert!(town.quarantined().is_empty());
    });
}

#[test]
fn a_deployment_that_panics_on_every_create_quarantines_nobody() {
    let faults = vec![limited(Kind::Panic, "create", 0, 120 * MINUTE_MS)];
    in_town(Plan { faults, ..Plan::default() }, async |town| {
        send(&town, 40);
        town.pass_s(2 * 3_600).await;
        assert!(town.quarantined().is_empty());
        assert!(town.states().values().all(|state| state == "received"), "{:?}", town.states());
    });
}

#[test]
fn one_that_is_refused_among_others_that_are_not_is_quarantined_soon() {
    let mut refusing = fault(Kind::StripeRefusing, 1.0, Window::ALWAYS);
    refusing.refusal = Refusal::of(400, None);
    refusing.scope.payments.insert("order-3".to_owned());
    in_town(Plan { faults: vec![refusing], ..Plan::default() }, async |town| {
        send(&town, 8);
        town.pass_s(180).await;
        assert_eq!(town.states().values().filter(|state| *state == "succeeded").count(), 7);
        assert_eq!(town.states()["order-3"], "quarantined");
    });
}
