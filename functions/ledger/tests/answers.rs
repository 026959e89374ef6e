//! Every answer that is read, field by field. No two values in it are alike, so none can stand for another: a time that is
//! read for another agrees with most of what a run looks at.

mod client;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use ledger::Reader;
use payments::{PaymentId, UnixMs};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NOW: UnixMs = UnixMs(1_767_603_603_003);

/// Answers everything with this.
#[derive(Clone, Debug)]
struct Always(Value);

impl HttpConnector for Always {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (operation, _) = client::asked(&request);
        assert!(
            ["GetItem", "BatchGetItem", "Query"].iter().any(|read| operation.ends_with(read)),
            "{operation}"
        );
        HttpConnectorFuture::ready(Ok(client::answer(&self.0)))
    }
}

fn reader(answer: Value) -> Reader {
    client::ledger(Always(answer)).reader().clone()
}

fn id() -> PaymentId {
    PaymentId::new("order-1042").expect("it has the form")
}

/// An item, with these attributes beside those that every row has.
fn item(others: &Value) -> Value {
    let mut item = json!({
        "payment_id": { "S": "order-1042" },
        "fingerprint": { "S": "of no use" },
        "amount": { "N": "1999" },
        "currency": { "S": "eur" },
        "payment_method": { "S": "pm_card_visa" },
        "customer": { "S": "cus_123" },
        "description": { "S": "2 CDs" },
        "metadata": { "M": { "k": { "S": "v" } } },
        "stripe_version": { "S": "2026-01-01" },
        "create_form": { "S": r#"[["a","b"]]"# },
        "confirm_form": { "S": r#"[["c","d"]]"# },
        "intent_id": { "S": "pi_1" },
        "create_generation": { "N": "3" },
        "attempts": { "N": "5" },
        "version": { "N": "7" },
        "open": { "SS": ["1767603601001:message-1", "1767603602002:message-2"] },
        "last_error": { "S": "refused" },
        "refused": { "M": {
            "what": { "S": "confirm: no" }, "since": { "N": "1767603604004" }, "times": { "N": "6" },
        } },
        "declined_charges": { "SS": ["ch_1", "ch_2"] },
        "received_at": { "N": "1767603605005" },
        "enqueued_at": { "N": "1767603606006" },
        "settled_at": { "N": "1767603607007" },
        "expires_at": { "N": "1802163607" },
        "quarantine_message_id": { "S": "copy-1" },
    });
    for (name, value) in others.as_object().expect("an object") {
        item[name] = value.clone();
    }
    item
}

#[tokio::test]
async fn a_row_is_read_field_by_field() {
    let decline = json!({ "M": {
        "code": { "S": "card_declined" },
        "decline_code": { "S": "lost_card" },
        "advice_code": { "S": "do_not_try_again" },
    } });
    for (name, others) in [
        ("intended", json!({ "state": { "S": "intended" }, "set_aside": { "S": "intent_missing" } })),
        ("declined", json!({ "state": { "S": "declined" }, "decline": decline })),
        (
            "quarantined",
            json!({
                "state": { "S": "quarantined" },
                "reason": { "S": "refused" },
                "detail": { "S": "no (amount)" },
                "blamed": { "S": "payment" },
            }),
        ),
    ] {
        let row = reader(json!({ "Item": item(&others) })).row(&id()).await.expect("it is a row");
        insta::assert_debug_snapshot!(format!("row_{name}"), row);
    }
    assert_eq!(reader(json!({})).row(&id()).await.expect("it is answered"), None);
}

#[tokio::test]
async fn what_an_audit_compares_is_read_field_by_field() {
    let item = item(&json!({ "state": { "S": "succeeded" } }));
    let answer = json!({ "Responses": { "the-table": [item] }, "UnprocessedKeys": {} });
    let entries = reader(answer).entries(&BTreeSet::from([id()])).await.expect("it is answered");
    insta::assert_debug_snapshot!(entries);
}

#[tokio::test]
async fn what_waits_is_read_field_by_field() {
    let answer = json!({ "Items": [item(&json!({}))], "Count": 1 });
    let page = reader(answer).unsettled(NOW, 10).await.expect("it is answered");
    insta::assert_debug_snapshot!(page);
}

#[tokio::test]
async fn a_pulse_is_read_as_it_was_written() {
    let answer = json!({ "Item": {
        "payment_id": { "S": "~pulse" },
        "pulse": { "S": json!({
            "first": 1_767_603_608_008_i64,
            "last": 1_767_603_609_009_i64,
            "gaps": [[1_767_603_610_010_i64, 1_767_603_611_011_i64]],
            "waited_ms": 43,
            "minutes": { "29460060": { "through": 31, "died": 37 } },
        }).to_string() },
    } });
    insta::assert_debug_snapshot!(reader(answer).pulse().await.expect("it is answered"));
}
