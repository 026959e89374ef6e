//! `schemas/payment.json` is as strict as the parser.
//!
//! The parser is held to `schemas/payment-corpus.json` here, and by `ci/schemas` the schema to the same file.
//! Invariant: whatever the corpus says of a body holds for both, but for what it lists as beyond a schema.

use payments::payment::Payment;
use serde_json::{Map, Value, json};

fn corpus() -> Value {
    serde_json::from_str(include_str!("../../../schemas/payment-corpus.json")).expect("it is JSON")
}

/// What a value of the corpus stands for; `None` for a field that is not there.
fn meant(value: &Value) -> Option<Value> {
    let Value::Object(fields) = value else { return Some(value.clone()) };
    if fields.contains_key("$absent") {
        return None;
    }
    if let Some(parts) = fields.get("$text") {
        let (part, times) = (parts[0].as_str().expect("a text"), parts[1].as_u64().expect("a number"));
        return Some(part.repeat(times as usize).into());
    }
    if let Some(count) = fields.get("$entries").and_then(Value::as_u64) {
        return Some((0..count).map(|n| (format!("k{n}"), Value::from("v"))).collect::<Map<_, _>>().into());
    }
    Some(
        fields
            .iter()
            .map(|(key, value)| (key.clone(), meant(value).expect("there")))
            .collect::<Map<_, _>>()
            .into(),
    )
}

/// The values of a field, each with whether it is taken.
fn values(of: &Value) -> impl Iterator<Item = (&Value, bool)> + Clone {
    let list = |name: &str| of[name].as_array().expect("a list").iter();
    list("taken").map(|value| (value, true)).chain(list("refused").map(|value| (value, false)))
}

fn put(body: &mut Map<String, Value>, field: &str, value: &Value) {
    match meant(value) {
        Some(value) => body.insert(field.to_owned(), value),
        None => body.remove(field),
    };
}

#[test]
fn the_parser_takes_what_the_corpus_says_it_takes() {
    let corpus = corpus();
    let base = corpus["base"].as_object().expect("an object");
    let fields = corpus["fields"].as_object().expect("an object");
    let mut seen = [0; 2];
    for (one, of_one) in fields {
        for (other, of_other) in fields.iter().filter(|(other, _)| *other > one) {
            for (value, is_taken) in values(of_one) {
                for (another, is_taken_too) in values(of_other) {
                    let mut body = base.clone();
                    put(&mut body, one, value);
                    put(&mut body, other, another);
                    let expected = is_taken && is_taken_too;
                    let said = Payment::parse(&Value::from(body).to_string());
                    assert_eq!(said.is_ok(), expected, "{one} {value} with {other} {another}: {said:?}");
                    seen[usize::from(expected)] += 1;
                }
            }
        }
    }
    assert!(seen.iter().all(|bodies| *bodies > 1_000), "{seen:?}");
}

#[test]
fn what_no_schema_can_say_is_as_the_corpus_says() {
    for case in corpus()["what_a_schema_cannot_say"].as_array().expect("a list") {
        let body = case["body"].as_str().expect("a text");
        let said = payments::payment::Body::parse(body);
        assert_eq!(json!(if said.is_ok() { "taken" } else { "refused" }), case["parser"], "{body}: {said:?}");
        assert_ne!(case["parser"], case["schema"], "then a schema can say it: {body}");
    }
}

#[test]
fn the_schemas_own_examples_are_payments_and_its_fields_are_all_there_are() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../schemas/payment.json")).expect("it is JSON");
    let examples = schema["examples"].as_array().expect("a list");
    let read = examples.iter().map(|example| Payment::parse(&example.to_string()).expect("a payment"));
    let full = read.max_by_key(|payment| serde_json::to_string(payment).expect("serialises").len());
    let written = serde_json::to_value(full.expect("there are examples")).expect("serialises");
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&written), names(&schema["properties"]), "an example with every field");
}
