//! What holds for every sequence of calls and every sequence of bytes.

use super::*;
use crate::faults::{Kind, Window};
use crate::random::Chance;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::collections::BTreeMap;

/// The same cases everywhere: a red test is red for everyone.
fn config(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(20_190_710), failure_persistence: None, ..Config::default() }
}

/// One call; intents and keys are named by small numbers so that calls meet.
#[derive(Clone, Debug)]
enum Step {
    Create { method: usize, key: Option<u8>, confirm: bool },
    Confirm { intent: usize, method: Option<usize>, key: Option<u8> },
    Cancel { intent: usize, key: Option<u8> },
    Wait { hours: i64 },
}

const METHODS: [&str; 5] = [
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_card_chargeDeclinedProcessingError",
    "pm_card_amex",
];

fn step() -> impl Strategy<Value = Step> {
    let key = || proptest::option::of(0..3_u8);
    let method = || 0..METHODS.len();
    prop_oneof![
        (method(), key(), any::<bool>()).prop_map(|(method, key, confirm)| Step::Create {
            method,
            key,
            confirm
        }),
        (0..4_usize, proptest::option::of(method()), key()).prop_map(|(intent, method, key)| Step::Confirm {
            intent,
            method,
            key
        }),
        (0..4_usize, key()).prop_map(|(intent, key)| Step::Cancel { intent, key }),
        (1..30_i64).prop_map(|hours| Step::Wait { hours }),
    ]
}

/// Plays one step; the answer's intent joins the known ones.
fn play(client: &mut Client, known: &mut Vec<String>, step: &Step) {
    let request = match step {
        Step::Wait { hours } => {
            client.now = client.now.plus_ms(hours * 3_600_000);
            return;
        }
        Step::Create { method, key, confirm } => {
            let form = format!("{}&confirm={confirm}", VISA.replace("pm_card_visa", METHODS[*method]));
            post("/v1/payment_intents", &form, key.map(|key| format!("create-{key}")).as_deref())
        }
        Step::Confirm { intent, method, key } => {
            let id = known.get(*intent).map_or("pi_none", String::as_str);
            let form = method.map_or(String::new(), |method| format!("payment_method={}", METHODS[method]));
            let path = format!("/v1/payment_intents/{id}/confirm");
            post(&path, &form, key.map(|key| format!("confirm-{key}")).as_deref())
        }
        Step::Cancel { intent, key } => {
            let id = known.get(*intent).map_or("pi_none", String::as_str);
            post(&format!("/v1/payment_intents/{id}/cancel"), "", key.map(|key| format!("{key}")).as_deref())
        }
    };
    let got = client.send(&request);
    if let Some(id) = got.body["id"].as_str().filter(|id| !known.iter().any(|known| known == id)) {
        known.push(id.to_owned());
    }
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn whatever_is_called_an_intent_succeeds_at_most_once_and_the_book_knows(
        steps in proptest::collection::vec(step(), 0..40),
        declines in 0..3_u8,
    ) {
        let chance = Chance::from_share(f64::from(declines) / 4.0).unwrap();
        let mut client = Client::under(&[Fault::steady(Kind::Declined, chance, Window::ALWAYS)]);
        let mut known = Vec::new();
        for step in &steps {
            play(&mut client, &mut known, step);
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
