//! Whatever arrives: no input panics the consumer, and every body ends settled, in quarantine, or back in the queue.

use crate::consumer::VISA;
use crate::consumer::town::{DEAD_LETTERS, Plan, QUARANTINE, SOURCE, Town, in_town, payment};
use chaos::cloud::lambda::Failure;
use chaos::cloud::sqs::{AttributeValue, MessageAttribute, NewMessage};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The same cases everywhere: a red test is red for everyone.
fn config(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(20_151_008), failure_persistence: None, ..Config::default() }
}

const FIELDS: [&str; 8] =
    ["payment_id", "amount", "currency", "payment_method", "customer", "description", "metadata", "unknown"];

/// A body: a payment, something like one, a drill, or anything at all.
fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => whole(),
        3 => (whole(), 0..FIELDS.len(), any_json()).prop_map(|(whole, field, value)| with(&whole, field, value)),
        1 => (whole(), 0..FIELDS.len()).prop_map(|(whole, field)| without(&whole, field)),
        1 => (whole(), any::<prop::sample::Index>()).prop_map(|(whole, end)| {
            whole[..end.index(whole.len())].to_owned()
        }),
        1 => (whole(), any::<prop::sample::Index>(), any::<char>()).prop_map(|(whole, at, new)| {
            let at = at.index(whole.len());
            format!("{}{new}{}", &whole[..at], &whole[at + 1..])
        }),
        1 => any_json().prop_map(|json| json.to_string()),
        1 => prop::collection::vec(any::<u8>(), 0..64).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        1 => prop::collection::vec(any::<char>(), 0..32).prop_map(String::from_iter),
        1 => prop_oneof!["PYMT_SUCCEED", "PYMT_FAILED", " PYMT_SUCCEED\n", "PYMT_FAILED "].prop_map(String::from),
    ]
}

/// A payment, ASCII alone. Few ids, so that requests repeat and conflict.
fn whole() -> impl Strategy<Value = String> {
    let amount = prop_oneof![1..3_i64, Just(1999), Just(99_999_999), Just(100_000_000), Just(i64::MAX)];
    let card = prop_oneof![3 => Just(VISA), 1 => Just("pm_card_chargeDeclined"), 1 => Just("pm_unknown")];
    (0..4_u8, amount, card).prop_map(|(id, amount, card)| payment(&format!("order-{id}"), amount, card))
}

fn with(whole: &str, field: usize, value: Value) -> String {
    let mut fields: Value = serde_json::from_str(whole).expect("it is whole");
    fields[FIELDS[field]] = value;
    fields.to_string()
}

fn without(whole: &str, field: usize) -> String {
    let mut fields: BTreeMap<String, Value> = serde_json::from_str(whole).expect("it is whole");
    fields.remove(FIELDS[field]);
    json!(fields).to_string()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::collection::vec(any::<char>(), 0..12).prop_map(|text| Value::from(String::from_iter(text))),
        "[a-z_0-9]{0,200}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,50}", inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

fn attribute() -> impl Strategy<Value = MessageAttribute> {
    let text = prop::collection::vec(any::<char>(), 1..12).prop_map(String::from_iter);
    prop_oneof![
        ("String(\\.[a-z]{1,5})?", text.prop_map(AttributeValue::Text)),
        ("Number", "[0-9]{1,5}".prop_map(AttributeValue::Text)),
        ("Binary", prop::collection::vec(any::<u8>(), 1..12).prop_map(AttributeValue::Binary)),
    ]
    .prop_map(|(data_type, value)| MessageAttribute { data_type, value })
}

fn message() -> impl Strategy<Value = NewMessage> {
    let names = prop_oneof!["[A-Za-z0-9_.-]{1,12}", Just("quarantine_reason".to_owned())];
    (body(), prop::collection::btree_map(names, attribute(), 0..=10))
        .prop_map(|(body, attributes)| NewMessage { attributes, ..NewMessage::text(body) })
}

/// One record of an event: any field may be missing, null, or of a form that no queue gives it.
fn record() -> impl Strategy<Value = Value> {
    let odd = prop_oneof![
        3 => any::<u32>().prop_map(|n| n.to_string()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => Just(String::new()),
        1 => "[ 0-9a-z.-]{0,30}",
    ];
    let attributes = prop::collection::btree_map(
        prop_oneof![Just("ApproximateReceiveCount"), Just("SentTimestamp"), Just("SenderId")],
        odd,
        0..3,
    );
    let value = || prop_oneof![any_json(), "[a-z]{0,8}".prop_map(Value::from)];
    let odd_attribute = (value(), value(), prop_oneof!["String", "Binary", "Number", ""])
        .prop_map(|(text, binary, data_type)| json!({ "stringValue": text, "binaryValue": binary, "dataType": data_type }));
    let text_attribute = "[a-z]{0,8}".prop_map(|text| json!({ "stringValue": text, "dataType": "String" }));
    let message_attributes =
        prop::collection::btree_map("[a-z]{0,8}", prop_oneof![1 => odd_attribute, 9 => text_attribute], 0..3);
    let id =
        prop_oneof![5 => "[a-f0-9]{8}".prop_map(Value::from), 1 => Just(Value::Null), 1 => Just(json!(""))];
    let handle = prop_oneof![5 => "[a-f0-9]{0,8}".prop_map(Value::from), 1 => Just(Value::Null)];
    let body = prop_oneof![9 => body().prop_map(Value::from), 1 => Just(Value::Null)];
    let left_out = prop::collection::btree_set(0..6_usize, 0..2);
    (id, handle, body, attributes, message_attributes, left_out).prop_map(
        |(id, handle, body, attributes, message_attributes, left_out)| {
            let fields = [
                ("messageId", id),
                ("receiptHandle", handle),
                ("body", body),
                ("attributes", json!(attributes)),
                ("messageAttributes", json!(message_attributes)),
                ("eventSource", json!("aws:sqs")),
            ];
            let kept = fields.into_iter().enumerate().filter(|(index, _)| !left_out.contains(index));
            json!(kept.map(|(_, field)| field).collect::<BTreeMap<_, _>>())
        },
    )
}

/// Why a message that is gone may be gone; `None` when nothing accounts for it.
fn account(town: &Town, body: &str) -> Option<&'static str> {
    if body.trim() == "PYMT_SUCCEED" {
        return Some("drill");
    }
    if town.held(QUARANTINE).iter().any(|copy| copy.content.body == body) {
        return Some("quarantined");
    }
    let fields: Value = serde_json::from_str(body).ok()?;
    let of_the_row = |name| town.attributes(name).remove(fields["payment_id"].as_str()?);
    let same_request = of_the_row("amount")?.parse().ok() == fields["amount"].as_i64()
        && ["currency", "payment_method"]
            .iter()
            .all(|name| of_the_row(name).as_deref() == fields[name].as_str());
    let state = of_the_row("state")?;
    // Of a payment in quarantine one copy is enough.
    (same_request && ["succeeded", "declined", "quarantined"].contains(&state.as_str())).then_some("settled")
}

fn panicked(failure: &Failure) -> bool {
    matches!(failure, Failure::Error(text) if text.contains("panicked"))
}

proptest! {
    #![proptest_config(config(96))]

    /// Through the queue, for as long as its receives last.
    #[test]
    fn every_message_ends_settled_in_quarantine_or_back_in_a_queue(
        messages in prop::collection::vec(message(), 1..20),
    ) {
        in_town(Plan::default(), async |town| {
            let taken: BTreeMap<String, String> = messages
                .into_iter()
                .filter_map(|message| {
                    let body = message.body.clone();
                    // What SQS refuses its producer knows of.
                    Some((town.try_send(message).ok()?, body))
                })
                .collect();
            town.pass_s(4 * 3_600).await;
            let held = |queue| town.held(queue).into_iter().map(|held| held.content.id.clone());
            let waiting: BTreeSet<String> = held(SOURCE).chain(held(DEAD_LETTERS)).collect();
            for (id, body) in &taken {
                prop_assert!(waiting.contains(id) || account(&town, body).is_some(), "{body:?} is lost");
            }
            prop_assert_eq!(town.metric("Panicked"), 0);
            Ok(())
        })?;
    }

    /// Past the queue: an event such as none ever made.
    #[test]
    fn no_event_panics_the_consumer_and_what_it_keeps_silent_about_is_accounted_for(
        records in prop::collection::vec(record(), 0..12),
    ) {
        in_town(Plan::default(), async |town| {
            let event = json!({ "Records": records }).to_string().into_bytes();
            let answer = match town.invoke(event).await {
                Ok(answer) => answer,
                // An event that cannot be read goes back whole.
                Err(failure) => {
                    prop_assert!(!panicked(&failure), "{failure:?}");
                    return Ok(());
                }
            };
            prop_assert_eq!(town.metric("Panicked"), 0);
            let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
            let failures = answer["batchItemFailures"].as_array().expect("it lists failures");
            let failed: BTreeSet<&str> =
                failures.iter().filter_map(|failure| failure["itemIdentifier"].as_str()).collect();
            for record in &records {
                let back = failed.contains(record["messageId"].as_str().unwrap_or_default());
                let body = record["body"].as_str().unwrap_or_default();
                prop_assert!(back || account(&town, body).is_some(), "{record} is lost");
            }
            Ok(())
        })?;
    }

}

proptest! {
    #![proptest_config(config(32))]

    #[test]
    fn no_bytes_panic_the_consumer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        in_town(Plan::default(), async |town| {
            if let Err(failure) = town.invoke(bytes).await {
                prop_assert!(!panicked(&failure), "{failure:?}");
            }
            Ok(())
        })?;
    }
}
