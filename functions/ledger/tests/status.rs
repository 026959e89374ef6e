//! What a customer may see of a row: what is asked for, and what is read, field by field.

mod client;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use ledger::LedgerError;
use payments::money::{AmountMinor, Currency};
use payments::status::{Status, Told};
use payments::{PaymentId, UnixMs};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// A table that holds one item, and gives of it what is asked for. It keeps what it was asked.
#[derive(Clone, Debug)]
struct Table {
    item: Value,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl HttpConnector for Table {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (operation, asked) = client::asked(&request);
        assert!(operation.ends_with(".GetItem"), "{operation}");
        let names = asked["ExpressionAttributeNames"].clone();
        let wanted = asked["ProjectionExpression"].as_str().unwrap_or_default().split(", ");
        let wanted: BTreeSet<&str> = wanted.filter_map(|name| names[name].as_str()).collect();
        let answer = match self.item.as_object() {
            None => json!({}),
            Some(item) => {
                let item = item.iter().filter(|(name, _)| wanted.contains(name.as_str()));
                json!({ "Item": item.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>() })
            }
        };
        self.asked.lock().expect("nobody panicked").push(asked.clone());
        HttpConnectorFuture::ready(Ok(client::answer(&answer)))
    }
}

fn id() -> PaymentId {
    PaymentId::new("order-1042").expect("it has the form")
}

/// What is told of a row with these attributes, and what was asked.
async fn told(item: Value) -> (Result<Option<Status>, LedgerError>, Value) {
    let table = Table { item, asked: Arc::default() };
    let status = client::ledger(table.clone()).reader().status(&id()).await;
    let asked = table.asked.lock().expect("nobody panicked").remove(0);
    (status, asked)
}

/// A row with everything in it that nobody outside may see. No two values are alike.
fn row(state: &str) -> Value {
    json!({
        "payment_id": { "S": "order-1042" },
        "state": { "S": state },
        "amount": { "N": "1999" },
        "currency": { "S": "eur" },
        "received_at": { "N": "1767603605005" },
        "settled_at": { "N": "1767603607007" },
        "version": { "N": "7" },
        "enqueued_at": { "N": "1767603606006" },
        "payment_method": { "S": "pm_card_visa" },
        "customer": { "S": "cus_123" },
        "description": { "S": "2 CDs" },
        "metadata": { "M": { "k": { "S": "v" } } },
        "intent_id": { "S": "pi_1" },
        "decline": { "M": { "code": { "S": "card_declined" }, "decline_code": { "S": "lost_card" } } },
        "reason": { "S": "refused" },
        "detail": { "S": "no (amount)" },
        "last_error": { "S": "refused" },
    })
}

#[tokio::test]
async fn nothing_is_asked_for_but_what_is_told() {
    let (_, asked) = told(row("succeeded")).await;
    let names = asked["ExpressionAttributeNames"].as_object().expect("names");
    let wanted: BTreeSet<&str> = names.values().filter_map(Value::as_str).collect();
    let told = ["amount", "currency", "received_at", "set_aside", "settled_at", "state", "version"];
    assert_eq!(wanted, BTreeSet::from(told));
    assert_eq!(asked["Key"], json!({ "payment_id": { "S": "order-1042" } }));
    assert_eq!(asked["TableName"], "the-table");
    assert_eq!(asked.get("ConsistentRead"), None);
}

/// A role that allows less would leave every customer without an answer, one that allows more would allow it for nothing.
#[tokio::test]
async fn the_role_of_who_asks_may_see_that_and_nothing_else() {
    let template = include_str!("../../../edge/template.yaml");
    let (_, rest) = template.split_once("dynamodb:Attributes: [").expect("the role says what it may see");
    let allowed: BTreeSet<&str> = rest.split_once(']').expect("a list").0.split(", ").collect();
    let (_, asked) = told(row("succeeded")).await;
    let names = asked["ExpressionAttributeNames"].as_object().expect("names").values();
    let wanted = names.filter_map(Value::as_str).chain(["payment_id"]).collect();
    assert_eq!(allowed, wanted);
}

#[tokio::test]
async fn each_field_that_is_told_is_the_row_s() {
    let (status, _) = told(row("succeeded")).await;
    let expected = Status {
        payment_id: id(),
        told: Told::Paid,
        amount: AmountMinor::new(1999).expect("it is positive"),
        currency: Currency::new("eur").expect("it has the form"),
        received_at: UnixMs(1_767_603_605_005),
        settled_at: Some(UnixMs(1_767_603_607_007)),
        version: 7,
    };
    assert_eq!(status.expect("it is read"), Some(expected));
    assert_eq!(told(Value::Null).await.0.expect("it is answered"), None);
}

#[tokio::test]
async fn what_waits_for_a_person_is_neither_in_progress_nor_settled() {
    let mut aside = row("intended");
    aside["set_aside"] = json!({ "S": "a_cause_of_the_future" });
    for item in [row("quarantined"), aside] {
        let status = told(item).await.0.expect("it is read").expect("it is there");
        assert_eq!((status.told, status.settled_at), (Told::Held, None));
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_as_nothing() {
    let cases = [
        ("state", Some(json!({ "S": "of_the_future" }))),
        ("amount", Some(json!({ "N": "0" }))),
        ("currency", Some(json!({ "S": "euro" }))),
        ("version", Some(json!({ "S": "7" }))),
        ("received_at", None),
    ];
    for (field, value) in cases {
        let mut item = row("succeeded");
        match value {
            None => drop(item.as_object_mut().expect("an object").remove(field)),
            Some(value) => item[field] = value,
        }
        let error = told(item).await.0.expect_err(field);
        assert!(matches!(error, LedgerError::Unreadable(_)), "{field}: {error}");
    }
}
