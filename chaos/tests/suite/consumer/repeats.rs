//! What is said to Stripe once more: after a crash, after a deployment, after a refusal.

use crate::consumer::VISA;
use crate::consumer::town::{Plan, SOURCE, Town, always, in_town, payment, until};
use bytes::Bytes;
use chaos::faults::Kind;
use consumer::Protocol;
use http::{HeaderValue, Request, Response, StatusCode};
use payments::Payment;
use payments::request::Wording;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// As a deployment before today's would have put it: another version, and a parameter more in each form.
fn words_of_before(payment: &Payment) -> Wording {
    let mut wording = stripe::wording(payment);
    wording.version = "2026-07-29.dahlia".to_owned();
    wording.create.push(("statement_descriptor_suffix".to_owned(), "SHOP".to_owned()));
    wording.confirm.push(("receipt_email".to_owned(), "buyer@example.com".to_owned()));
    wording
}

/// What nobody may send: that version knows no `payment_method_types` any more.
fn words_that_are_refused(payment: &Payment) -> Wording {
    Wording { version: "2026-09-30.endive".to_owned(), ..stripe::wording(payment) }
}

const BEFORE: Protocol = Protocol { wording: words_of_before, ..Protocol::DEPLOYED };
const REFUSED: Protocol = Protocol { wording: words_that_are_refused, ..Protocol::DEPLOYED };

/// Version and body of each request to `operation`, the key of a create before them.
fn said(town: &Town, operation: &str) -> Vec<(String, String, String)> {
    let requests = town.requests.lock().expect("not poisoned");
    let header = |request: &Request<Bytes>, name: &str| {
        request.headers().get(name).map_or("", |value| value.to_str().expect("ASCII")).to_owned()
    };
    let asked = requests.iter().filter(|request| request.uri().path().ends_with(operation));
    asked
        .map(|request| {
            let body = String::from_utf8(request.body().to_vec()).expect("a form");
            (header(request, "idempotency-key"), header(request, "stripe-version"), body)
        })
        .collect()
}

#[test]
fn a_payment_under_way_is_spoken_of_as_before_after_version_and_form_were_upgraded() {
    let mut repeated = 0;
    for hop in 1..=10 {
        let plan = Plan { protocol_before: Some(BEFORE), kill_first_at: Some(hop), ..Plan::default() };
        in_town(plan, async |town| {
            town.send(&payment("order-1", 1999, VISA));
            town.pass_s(3_600).await;
            assert_eq!(town.charges().len(), 1, "killed at hop {hop}");
            let mut words = BTreeMap::new();
            let creates = said(&town, "/v1/payment_intents");
            repeated += creates.len() - 1;
            for (key, version, body) in creates {
                let first = words.entry(key.clone()).or_insert_with(|| (version.clone(), body.clone()));
                assert_eq!(*first, (version, body), "{key}, killed at hop {hop}");
            }
            assert_eq!(words.len(), 1, "killed at hop {hop}: {words:?}");
            let (version, create) = &words["order-1:create:0"];
            let was_before = create.contains("statement_descriptor_suffix");
            // Step 1 is the second hop: a row that was never written is written in today's words.
            assert_eq!(was_before, hop > 1, "killed at hop {hop}");
            assert_eq!(*version, if was_before { "2026-07-29.dahlia" } else { stripe::STRIPE_VERSION });
            for (_, confirmed_under, confirm) in said(&town, "/confirm") {
                assert_eq!(confirmed_under, *version, "killed at hop {hop}");
                assert_eq!(confirm.contains("receipt_email"), was_before, "killed at hop {hop}");
            }
        });
    }
    assert!(repeated > 0, "no create was ever repeated");
}

#[test]
fn words_that_were_refused_are_put_into_todays_by_the_deployment_that_mends_them() {
    // Killed when the answer is there and nothing of it is written yet.
    let plan = Plan { protocol_before: Some(REFUSED), kill_first_at: Some(4), ..Plan::default() };
    in_town(plan, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(3_600).await;
        let creates = said(&town, "/v1/payment_intents");
        let keys_and_versions: Vec<(&str, &str)> =
            creates.iter().map(|(key, version, _)| (key.as_str(), version.as_str())).collect();
        let refused = ("order-1:create:0", "2026-09-30.endive");
        assert_eq!(keys_and_versions, [refused, refused, ("order-1:create:1", stripe::STRIPE_VERSION)]);
        assert_eq!(town.states()["order-1"], "succeeded");
        assert_eq!(town.charges().len(), 1);
    });
}

#[test]
fn a_refusal_that_the_key_replays_is_asked_anew_under_another() {
    // The customer is looked up after the endpoint started: that refusal is stored.
    let body = r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa","customer":"nobody"}"#;
    in_town(Plan { kill_first_at: Some(4), ..Plan::default() }, async |town| {
        town.send(body);
        town.pass_s(3_600).await;
        let keys: Vec<String> = said(&town, "/v1/payment_intents").into_iter().map(|(key, ..)| key).collect();
        let asked = ["order-1:create:0", "order-1:create:0", "order-1:create:1"];
        assert_eq!(keys[..3], asked, "and so each time, until nobody else comes by for long enough");
        assert_eq!(town.quarantined()[0]["quarantine_detail"], "resource_missing (customer)");
    });
}

#[test]
fn a_refused_repeat_does_not_unsay_what_the_issuer_said() {
    // Without a customer, a payment method is spent by its first attempt.
    let (ours, theirs) = ("pm_1Zz0000AbCdEfGhIjKl", r#""customer":"cus_1","#);
    for (customer, confirms) in [("", 2), (theirs, 3)] {
        in_town(Plan { faults: always(Kind::DeclinedSoftly), ..Plan::default() }, async |town| {
            let body = payment("order-1", 1999, ours).replacen('{', &format!("{{{customer}"), 1);
            town.send(&body);
            town.pass_s(300).await;
            assert_eq!(town.states()["order-1"], "declined", "{customer}");
            assert_eq!(said(&town, "/confirm").len(), confirms, "{customer}");
            assert!(town.quarantined().is_empty() && town.held(SOURCE).is_empty());
        });
    }
}

#[test]
fn a_step_1_that_the_sdk_repeats_is_one_delivery() {
    in_town(Plan { first_write_unheard: true, ..Plan::default() }, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(60).await;
        assert_eq!(town.states()["order-1"], "succeeded");
        assert_eq!(town.attributes("attempts")["order-1"], "1");
        assert_eq!(town.stripe_calls(), ["create", "confirm"]);
    });
}

#[test]
fn a_pause_that_a_5xx_asks_for_is_kept() {
    fn asks(mut answer: Response<Bytes>) -> Response<Bytes> {
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert("retry-after", HeaderValue::from_static("600"));
        }
        answer
    }
    let faults = until(Kind::StripeUnavailable, 30_000);
    in_town(Plan { faults, heard: Some(asks), ..Plan::default() }, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(595).await;
        assert_eq!(town.stripe_calls(), ["create"]);
        town.pass_s(60).await;
        assert_eq!(town.charges().len(), 1);
    });
}

#[test]
fn a_key_of_the_other_mode_charges_nobody_and_blames_nobody() {
    in_town(Plan::default(), async |town| {
        town.set_secret("sk_live_simulated");
        for n in 0..12 {
            town.send(&payment(&format!("order-{n}"), 1999, VISA));
        }
        town.pass_s(120).await;
        assert!(town.stripe_calls().is_empty(), "{:?}", town.stripe_calls());
        assert!(town.attributes("last_error").values().all(|cause| cause == "wrong_mode"));
        assert!(town.quarantined().is_empty() && town.metric("CredentialsRefused") > 0);
        town.set_secret("sk_test_simulated");
        town.pass_s(1_200).await;
        assert_eq!(town.charges().len(), 12);
    });
}

#[test]
fn an_intent_of_the_other_mode_settles_nothing() {
    fn live(answer: Response<Bytes>) -> Response<Bytes> {
        static LIVE: AtomicUsize = AtomicUsize::new(0);
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        if body.contains(r#""status":"succeeded""#) && LIVE.fetch_add(1, Ordering::Relaxed) < 2 {
            let body = body.replace(r#""livemode":false"#, r#""livemode":true"#);
            return answer.map(|_| Bytes::from(body));
        }
        answer
    }
    in_town(Plan { heard: Some(live), ..Plan::default() }, async |town| {
        town.send(&payment("order-1", 1999, VISA));
        town.pass_s(4).await;
        assert_eq!(town.states()["order-1"], "intended");
        assert_eq!(town.attributes("last_error")["order-1"], "wrong_mode");
        town.pass_s(300).await;
        assert_eq!(town.states()["order-1"], "succeeded");
        assert_eq!(town.charges().len(), 1);
    });
}
