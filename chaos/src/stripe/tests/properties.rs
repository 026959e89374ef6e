//! What holds for every sequence of calls and every sequence of bytes.

use super::*;
use crate::faults::{Kind, Window};
use crate::random::Chance;
use crate::stripe::{Arrival, Fate};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::collections::BTreeMap;

/// The same cases everywhere: a red test is red for everyone.
fn config(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(20_190_710), failure_persistence: None, ..Config::default() }
}

/// One call and how it fares; intents and keys are named by small numbers so that calls meet.
#[derive(Clone, Debug)]
enum Step {
    Create { method: usize, key: Option<u8>, confirm: bool, fares: Fares },
    Confirm { intent: usize, method: Option<usize>, key: Option<u8>, fares: Fares },
    Cancel { intent: usize, key: Option<u8>, fares: Fares },
    Wait { ms: i64 },
}

/// What becomes of a call that is admitted.
#[derive(Clone, Copy, Debug)]
enum Fares {
    Well,
    RolledBack,
    RolledForwardAfter(i64),
    DoneAfter(i64),
    Abandoned,
}

const METHODS: [&str; 5] = [
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_card_chargeDeclinedProcessingError",
    "pm_card_amex",
];

fn fares() -> impl Strategy<Value = Fares> {
    let later = || 0..100_000_i64;
    prop_oneof![
        5 => Just(Fares::Well),
        1 => Just(Fares::RolledBack),
        2 => later().prop_map(Fares::RolledForwardAfter),
        2 => later().prop_map(Fares::DoneAfter),
        1 => Just(Fares::Abandoned),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let key = || proptest::option::of(0..3_u8);
    let method = || 0..METHODS.len();
    prop_oneof![
        (method(), key(), any::<bool>(), fares()).prop_map(|(method, key, confirm, fares)| Step::Create {
            method,
            key,
            confirm,
            fares
        }),
        (0..4_usize, proptest::option::of(method()), key(), fares())
            .prop_map(|(intent, method, key, fares)| Step::Confirm { intent, method, key, fares }),
        (0..4_usize, key(), fares()).prop_map(|(intent, key, fares)| Step::Cancel { intent, key, fares }),
        (1..100_000_i64).prop_map(|ms| Step::Wait { ms }),
        (1..30_i64).prop_map(|hours| Step::Wait { ms: hours * 3_600_000 }),
    ]
}

/// Sends a request that fares so; the answer, if it gets one.
fn send(client: &mut Client, request: &Request<Bytes>, fares: Fares) -> Option<Got> {
    let now = client.now;
    let ticket = match client.stripe.arrive(request, now) {
        Arrival::Answered(reply) => return Some(Got::from(reply.response)),
        Arrival::Admitted(ticket) => ticket,
    };
    let reply = match fares {
        Fares::Well => client.stripe.perform(ticket, now),
        Fares::RolledBack => client.stripe.perform_and_fail(ticket, Fate::RolledBack, now),
        Fares::RolledForwardAfter(ms) => {
            client.stripe.perform_and_fail(ticket, Fate::RolledForward { at: now.plus_ms(ms) }, now)
        }
        Fares::DoneAfter(ms) => {
            client.stripe.perform_later(ticket, now.plus_ms(ms));
            return None;
        }
        Fares::Abandoned => {
            client.stripe.abandon(ticket);
            return None;
        }
    };
    Some(Got::from(reply.response))
}

/// Plays one step; the answer's intent joins the known ones.
fn play(client: &mut Client, known: &mut Vec<String>, step: &Step) {
    let (request, fares) = match step {
        Step::Wait { ms } => {
            client.now = client.now.plus_ms(*ms);
            return;
        }
        Step::Create { method, key, confirm, fares } => {
            let form = format!("{}&confirm={confirm}", VISA.replace("pm_card_visa", METHODS[*method]));
            let key = key.map(|key| format!("create-{key}"));
            (post("/v1/payment_intents", &form, key.as_deref()), *fares)
        }
        Step::Confirm { intent, method, key, fares } => {
            let id = known.get(*intent).map_or("pi_none", String::as_str);
            let form = method.map_or(String::new(), |method| format!("payment_method={}", METHODS[method]));
            let path = format!("/v1/payment_intents/{id}/confirm");
            (post(&path, &form, key.map(|key| format!("confirm-{key}")).as_deref()), *fares)
        }
        Step::Cancel { intent, key, fares } => {
            let id = known.get(*intent).map_or("pi_none", String::as_str);
            let path = format!("/v1/payment_intents/{id}/cancel");
            (post(&path, "", key.map(|key| format!("{key}")).as_deref()), *fares)
        }
    };
    let got = send(client, &request, fares);
    meet(known, got.as_ref().and_then(|got| got.body["id"].as_str()));
}

fn meet(known: &mut Vec<String>, id: Option<&str>) {
    if let Some(id) = id.filter(|id| !known.iter().any(|known| known == id)) {
        known.push(id.to_owned());
    }
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn whatever_is_called_an_intent_succeeds_at_most_once_and_the_book_knows(
        steps in proptest::collection::vec(step(), 0..40),
        spoilt in 0..3_u8,
    ) {
        let chance = Chance::from_share(f64::from(spoilt) / 8.0).unwrap();
        let spoilers = [Kind::Declined, Kind::AuthenticationRequired, Kind::Processing, Kind::Held];
        let mut client = Client::under(&spoilers.map(|kind| Fault::steady(kind, chance, Window::ALWAYS)));
        let mut known = Vec::new();
        for step in &steps {
            play(&mut client, &mut known, step);
        }
        client.stripe.finish();
        for late in client.stripe.take_late() {
            meet(&mut known, late.facts.intent.as_deref());
        }
        let mut charges: BTreeMap<String, u32> = BTreeMap::new();
        for movement in client.stripe.book().movements() {
            *charges.entry(movement.intent.clone()).or_default() += 1;
        }
        for id in &known {
            client.now = client.now.plus_ms(1_000);
            let succeeded = client.retrieve(id)["status"] == "succeeded";
            prop_assert_eq!(charges.remove(id).unwrap_or(0), u32::from(succeeded), "{}", id);
        }
        prop_assert!(charges.is_empty(), "charged but never seen: {:?}", charges);
    }

    #[test]
    fn no_bytes_in_a_body_or_key_make_it_panic_or_move_money(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        key in proptest::collection::vec(32..=255_u8, 0..300),
        path in 0..3_usize,
    ) {
        let mut client = Client::new();
        let id = client.create("pm_card_visa");
        let path = ["/v1/payment_intents", &format!("/v1/payment_intents/{id}/cancel"), "/v1/%00/"][path].to_owned();
        let mut request = post(&path, "", None);
        *request.body_mut() = Bytes::from(body);
        if let Ok(key) = http::HeaderValue::from_bytes(&key) {
            request.headers_mut().insert("idempotency-key", key);
        }
        client.send(&request);
        prop_assert_eq!(client.movements(), 0);
    }

    #[test]
    fn no_form_makes_it_panic_or_lose_the_shape_of_an_answer(
        fields in proptest::collection::vec(("(amount|currency|metadata|payment_method|confirm|[a-z]{0,6})(\\[[a-z]{0,3}\\])?", ".{0,12}"), 0..8),
    ) {
        let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let got = Client::new().post("/v1/payment_intents", &form);
        prop_assert!(got.status == 200 || got.body["error"]["type"].is_string(), "{}", got.body);
    }
}
