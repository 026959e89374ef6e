//! Containers that come and go beside one table.

use super::*;
use crate::clock::Clock;
use crate::cloud::cloudwatch::Past;
use crate::cloud::config::TableConfig;
use crate::cloud::fixtures::{self, World};
use crate::cloud::{Alerting, Blueprint, Cloud};
use crate::journal::Journal;
use bytes::Bytes;
use http::Request;
use payments::UnixMs;
use serde_json::{Value, json};

const KEY: &str = "sk_test_lasting";
const AT: UnixMs = UnixMs(1_767_603_600_000);

fn world() -> World {
    let (clock, journal) = (Clock::starting_at(fixtures::START), Journal::default());
    let table = TableConfig {
        name: "requests".to_owned(),
        create: json!({
            "TableName": "requests",
            "AttributeDefinitions": [{ "AttributeName": "account", "AttributeType": "S" },
                                     { "AttributeName": "number", "AttributeType": "N" }],
            "KeySchema": [{ "AttributeName": "account", "KeyType": "HASH" },
                          { "AttributeName": "number", "KeyType": "RANGE" }],
            "BillingMode": "PAY_PER_REQUEST",
        }),
        ttl_attribute: None,
        streams: false,
    };
    let blueprint = Blueprint {
        queues: fixtures::queues(5),
        tables: vec![table],
        alerting: Alerting { past: Past::New, ..Alerting::default() },
        seed: 1,
        ..Blueprint::default()
    };
    let cloud = Cloud::start(blueprint, clock, &journal).expect("AWS would deploy it");
    World { cloud, journal, clock }
}

fn memory(world: &World) -> InTable {
    let (sdk, _) = fixtures::sdk(world);
    InTable::new(aws_sdk_dynamodb::Client::new(&sdk), "requests")
}

fn container(world: &World) -> Lasting<InTable> {
    Lasting::new(memory(world), KEY)
}

fn asked(at_s: i64, method: &str, path: &str, body: &str) -> Asked {
    asked_with(KEY, at_s, method, path, body)
}

fn asked_with(key: &str, at_s: i64, method: &str, path: &str, body: &str) -> Asked {
    let request =
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Bytes::from(body.to_owned())).expect("a request");
    Asked::of(&request, KEY, AT.plus_ms(1_000 * at_s))
}

fn charge(at_s: i64, payment: &str) -> Asked {
    let body = format!(
        "amount=1999&currency=eur&payment_method=pm_card_visa&confirm=true&off_session=true&metadata[payment_id]={payment}"
    );
    asked(at_s, "POST", "/v1/payment_intents", &body)
}

fn list(at_s: i64) -> Asked {
    asked(at_s, "GET", "/v1/payment_intents?limit=100", "")
}

fn json_of(answered: &Answered) -> Value {
    let told = answered.response.as_ref().expect("an answer");
    serde_json::from_slice(&told.body).unwrap_or_else(|error| panic!("{error}: {:?}", told.body))
}

/// The payments and statuses of a list, the newest first.
fn intents(answered: &Answered) -> Vec<(String, String, String)> {
    let list = json_of(answered);
    let intents = list["data"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    intents.map(|it| (text(&it["id"]), text(&it["metadata"]["payment_id"]), text(&it["status"]))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_recycled_container_forgets_no_money_and_no_fault() {
    let world = world();
    let mut first = container(&world);
    for number in 0..20 {
        first
            .answer(&format!("r-{number}"), &charge(number, &format!("order-{number}")))
            .await
            .expect("noted");
    }
    let fault = asked(30, "POST", "/chaos/faults", r#"{"kind":"declined","rate":1,"ttl_s":60}"#);
    first.answer("r-20", &fault).await.expect("noted");
    let declined = first.answer("r-21", &charge(40, "order-declined")).await.expect("noted");
    assert_eq!(json_of(&declined)["error"]["code"], "card_declined");
    let before = intents(&first.answer("r-22", &list(41)).await.expect("noted"));
    assert_eq!(before.len(), 21);
    drop(first);
    let mut second = container(&world);
    let after = intents(&second.answer("r-23", &list(42)).await.expect("noted"));
    assert_eq!(after, before, "ids, payments and statuses");
    let still = second.answer("r-24", &charge(50, "order-still")).await.expect("noted");
    assert_eq!(json_of(&still)["error"]["code"], "card_declined", "the fault lives");
    let healed = second.answer("r-25", &charge(100, "order-healed")).await.expect("noted");
    assert_eq!(json_of(&healed)["status"], "succeeded", "until its time is up");
}

#[tokio::test(start_paused = true)]
async fn containers_side_by_side_are_one_account() {
    let world = world();
    let (mut one, mut other) = (container(&world), container(&world));
    one.answer("r-1", &charge(1, "order-1")).await.expect("noted");
    other.answer("r-2", &charge(2, "order-2")).await.expect("noted");
    one.answer("r-3", &charge(3, "order-3")).await.expect("noted");
    let seen = intents(&other.answer("r-4", &list(4)).await.expect("noted"));
    assert_eq!(
        seen.iter().map(|(_, payment, _)| payment.as_str()).collect::<Vec<_>>(),
        ["order-3", "order-2", "order-1"]
    );
    assert_eq!(intents(&one.answer("r-5", &list(5)).await.expect("noted")), seen);
}

#[tokio::test(start_paused = true)]
async fn what_was_written_down_and_never_answered_is_done_once() {
    let world = world();
    let (mut memory, lost) = (memory(&world), charge(1, "order-1"));
    assert_eq!(memory.note(1, "r-1", &lost).await, Ok(Noted::Ours));
    assert_eq!(memory.note(1, "r-1", &lost).await, Ok(Noted::Ours), "it is sent again by the SDK");
    assert_eq!(memory.note(1, "r-2", &lost).await, Ok(Noted::Anothers));
    let seen = intents(&container(&world).answer("r-3", &list(2)).await.expect("noted"));
    assert_eq!(seen.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_somebody_elses_is_refused_and_not_written_down() {
    let world = world();
    let mut container = container(&world);
    for (id, path) in [("r-1", "/v1/payment_intents"), ("r-2", "/chaos/book")] {
        let asked = asked_with("sk_live_of_a_real_account", 1, "GET", path, "");
        let answered = container.answer(id, &asked).await.expect("noted");
        assert_eq!(answered.response.expect("an answer").status, 401);
    }
    let written = memory(&world).behind(0).await.expect("readable");
    assert_eq!(written.len(), 2);
    assert!(!serde_json::to_string(&written).expect("JSON").contains("real_account"));
}

#[tokio::test(start_paused = true)]
async fn a_silence_is_as_long_as_stripes_and_a_reset_is_no_answer() {
    let world = world();
    let mut container = container(&world);
    for (id, kind, long) in [("r-1", "stripe-timeout", true), ("r-3", "stripe-reset", false)] {
        let fault = format!(r#"{{"kind":"{kind}","rate":1,"ttl_s":5}}"#);
        let at_s = if long { 0 } else { 1_000 };
        container.answer(id, &asked(at_s, "POST", "/chaos/faults", &fault)).await.expect("noted");
        let answered =
            container.answer(&format!("{id}-call"), &charge(at_s + 1, "order-1")).await.expect("noted");
        assert_eq!(answered.response, None, "{kind}");
        assert_eq!(answered.after.as_secs() > 30, long, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_is_not_done() {
    let world = world();
    let (sdk, _) = fixtures::sdk(&world);
    let nowhere = InTable::new(aws_sdk_dynamodb::Client::new(&sdk), "elsewhere");
    let refused = Lasting::new(nowhere, KEY).answer("r-1", &charge(1, "order-1")).await.unwrap_err();
    assert!(
        refused.0.starts_with("the request cannot be written down: ResourceNotFoundException"),
        "{refused}"
    );
    assert_eq!(memory(&world).behind(0).await, Ok(vec![]));
}
