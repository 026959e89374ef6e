//! Outcomes, from the ledger to somebody's order: told at least once, in order, and taken over once.

use crate::faults::{assert_passes, run};
use chaos::clock::Clock;
use chaos::cloud::config::TableConfig;
use chaos::cloud::{Blueprint, Cloud};
use chaos::journal::{Event, Journal, PipeEvent};
use chaos::world::History;
use order_service::{NotTaken, Orders, Taken};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const START: UnixMs = UnixMs(1_767_603_600_000);

/// Whatever an issuer can say, whatever may be wrong with a payment, and a bus in trouble of both kinds.
const EVERYTHING: [&str; 5] = [
    "kind = 'declined', rate = 0.2",
    "kind = 'declined-softly', rate = 0.1",
    "kind = 'stripe-refusing', operations = ['create'], payments = ['order-000020'], rate = 1.0, status = 400",
    "kind = 'bus-failing', placement = 'after', rate = 0.5",
    "kind = 'duplicate-delivery', rate = 0.3",
];

/// What was told, in order.
fn told(history: &History) -> Vec<&Value> {
    let told = history.records.iter().filter_map(|record| {
        let Event::Pipe(PipeEvent::Told { detail, .. }) = &record.event else { return None };
        Some(detail)
    });
    told.collect()
}

fn states(history: &History) -> BTreeSet<&str> {
    told(history).into_iter().filter_map(|detail| detail["state"].as_str()).collect()
}

#[test]
fn every_outcome_is_told_and_a_bus_in_trouble_makes_some_of_them_come_twice() {
    let history = run(&EVERYTHING, 1);
    assert_passes(&history, "outcomes");
    assert_eq!(states(&history), BTreeSet::from(["declined", "quarantined", "succeeded"]));
    let ids: BTreeSet<&str> = told(&history).iter().filter_map(|detail| detail["id"].as_str()).collect();
    assert!(told(&history).len() > ids.len(), "some came twice");
    let quiet = run(&EVERYTHING[..3], 1);
    let ids: BTreeSet<&str> = told(&quiet).iter().filter_map(|detail| detail["id"].as_str()).collect();
    assert_eq!(told(&quiet).len(), ids.len(), "nothing comes twice for no reason");
}

/// A table of orders, over the SDK that a function would use.
fn orders() -> (Cloud, Orders) {
    let create = json!({
        "TableName": "orders",
        "AttributeDefinitions": [{ "AttributeName": "order_id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "order_id", "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    });
    let table = TableConfig { name: "orders".to_owned(), create, ttl_attribute: None, streams: false };
    let clock = Clock::starting_at(START);
    let blueprint = Blueprint { tables: vec![table], seed: 1, ..Blueprint::default() };
    let cloud = Cloud::start(blueprint, clock, &Journal::default()).expect("it starts");
    let client = crate::ledger::dynamodb(&cloud, clock);
    (cloud, Orders::new(client, "orders".to_owned()))
}

fn event(detail: &Value) -> String {
    json!({ "version": "0", "source": "payments", "detail-type": "Payment outcome", "detail": detail })
        .to_string()
}

/// Each order's status, by its payment.
fn kept(cloud: &Cloud) -> BTreeMap<String, String> {
    let text = |value: Option<&chaos::cloud::dynamodb::AttributeValue>| match value {
        Some(chaos::cloud::dynamodb::AttributeValue::S(text)) => text.clone(),
        other => panic!("no text: {other:?}"),
    };
    let items = cloud.services().dynamodb().items("orders").expect("it is there");
    items.iter().map(|item| (text(item.get("order_id")), text(item.get("status")))).collect()
}

/// What orders come to that are told all this, one after the other, and how often one was changed.
fn after<'a>(events: impl Iterator<Item = &'a Value>) -> (BTreeMap<String, String>, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O starts").block_on(async {
        let (cloud, orders) = orders();
        let mut changed = 0;
        for detail in events {
            let taken = orders.take(&event(detail)).await.expect("it is taken over");
            changed += usize::from(taken == Taken::News);
        }
        (kept(&cloud), changed)
    })
}

#[test]
fn an_order_ends_as_its_payment_did_however_often_and_in_whatever_order_it_is_told() {
    let history = run(&EVERYTHING, 1);
    let told = told(&history);
    let meant = |state: &str| match state {
        "succeeded" => "paid",
        "quarantined" => "in_review",
        other => panic!("{other} is {other}, and no other state is an outcome"),
    };
    let rows = history.ledger.iter().map(|row| {
        let state = row.state.as_str();
        (row.payment.clone(), if state == "declined" { state } else { meant(state) }.to_owned())
    });
    let rows: BTreeMap<String, String> = rows.collect();
    let (as_told, changed) = after(told.iter().copied());
    assert_eq!(as_told, rows);
    let ids: BTreeSet<&str> = told.iter().filter_map(|detail| detail["id"].as_str()).collect();
    assert_eq!(changed, ids.len(), "each outcome once");
    let (twice, changed_twice) = after(told.iter().copied().chain(told.iter().copied()));
    assert_eq!((twice, changed_twice), (as_told.clone(), changed));
    let (backwards, _) = after(told.iter().rev().copied());
    assert_eq!(backwards, as_told, "a rule may deliver in any order");
}

#[test]
fn what_is_no_outcome_changes_nothing_and_comes_again() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O starts").block_on(async {
        let (cloud, orders) = orders();
        let detail = json!({
            "payment_id": "order-1", "version": "2", "state": "succeeded", "amount": "1999", "currency": "eur",
        });
        for (field, value) in [("version", "two"), ("state", "received")] {
            let mut wrong = detail.clone();
            wrong[field] = value.into();
            assert!(matches!(orders.take(&event(&wrong)).await, Err(NotTaken::Unknown(_))), "{field}");
        }
        assert!(matches!(orders.take("PYMT_SUCCEED").await, Err(NotTaken::Unreadable(_))));
        assert_eq!(kept(&cloud), BTreeMap::new());
        let message = |id: &str, body: String| json!({ "messageId": id, "body": body });
        let batch = json!({ "Records": [message("good", event(&detail)), message("bad", "{}".to_owned())] });
        let batch = serde_json::from_value(batch).expect("it is an event of SQS");
        let failed = orders.take_all(batch).await.batch_item_failures;
        assert_eq!(failed.iter().map(|it| it.item_identifier.as_str()).collect::<Vec<_>>(), ["bad"]);
        assert_eq!(kept(&cloud), BTreeMap::from([("order-1".to_owned(), "paid".to_owned())]));
    });
}

#[test]
fn what_the_bus_does_not_take_for_six_hours_is_kept_in_a_queue_and_told_of() {
    let text = "workload = { payments = 16, over = '8h' }
        fault = [{ kind = 'bus-failing', placement = 'before', rate = 1.0, for = '7h' }]";
    let history = crate::faults::run_text(text, 1);
    assert_passes(&history, text);
    let kept = history.held("payments-undelivered-outcomes");
    assert!((1..16).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.len() + told(&history).len(), 16, "what is younger is told once the bus is well");
    let mails: Vec<&str> = history.mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(mails, [r#"ALARM: "payments-OutcomesUndelivered" in EU (Frankfurt)"#]);
}

#[test]
fn outcomes_that_are_turned_off_are_told_to_nobody() {
    let history =
        crate::faults::run_text("[parameters]\nOutcomes = 'off'\n[workload]\npayments = 5\nover = '1m'", 1);
    assert_passes(&history, "off");
    assert_eq!(told(&history), Vec::<&Value>::new());
}
