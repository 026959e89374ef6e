//! Links as `edge/cases.json` has them, to which `ci/edge-function` holds the function that checks them.

use payments::link::{self, Key};
use payments::{PaymentId, UnixMs};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Cases {
    keys: BTreeMap<String, String>,
    minted: Vec<Minted>,
}

#[derive(Deserialize)]
struct Minted {
    payment_id: String,
    key: String,
    now_ms: i64,
    life_s: i64,
    token: String,
}

#[test]
fn a_token_is_made_as_the_edge_takes_it() {
    let cases: Cases = serde_json::from_str(include_str!("../../../edge/cases.json")).expect("cases");
    assert!(cases.minted.len() >= 4);
    for Minted { payment_id, key, now_ms, life_s, token } in cases.minted {
        let key = Key::new(&cases.keys[&key]).expect("it has the form");
        let payment = PaymentId::new(&payment_id).expect("it has the form");
        assert_eq!(link::token(&key, &payment, UnixMs(now_ms), life_s), token);
    }
}
