//! Every request of the ledger, field by field, as DynamoDB gets it.
//!
//! A value that is written and read back by the same code proves nothing of either: what expires after hours and not days,
//! what is set once and not again, a read that is not consistent, all agree with themselves. Here no two values are alike, so
//! none can stand for another; whatever changes in a request is seen in the golden file.

mod client;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use ledger::{Ledger, Opening};
use payments::ledger::{Change, Forget, HandedBack, OpenDelivery, Reason, Row, Stored};
use payments::provider::{ChargeId, Decline, IntentId};
use payments::pulse::Beat;
use payments::request::{Request, Wording};
use payments::suspicion::Refused;
use payments::{Cause, Payment, PaymentId, UnixMs};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

const NOW: UnixMs = UnixMs(1_767_603_603_003);
const BEGAN: UnixMs = UnixMs(1_767_603_601_001);
const ENQUEUED: UnixMs = UnixMs(1_767_603_602_002);
const REFUSED: UnixMs = UnixMs(1_767_603_604_004);
const UNTIL: UnixMs = UnixMs(1_767_603_605_005);
const DIED: [UnixMs; 2] = [UnixMs(1_767_603_606_006), UnixMs(1_767_603_607_007)];

/// Answers everything with nothing, and keeps what it was asked.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<(String, Value)>>>);

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().expect("nobody panicked").push(client::asked(&request));
        HttpConnectorFuture::ready(Ok(client::answer(&json!({}))))
    }
}

impl Recorder {
    fn ledger(&self) -> Ledger {
        client::ledger(self.clone())
    }

    /// What was asked since this was last called.
    fn taken(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.0.lock().expect("nobody panicked"))
    }
}

fn wording(version: &str) -> Arc<Wording> {
    let form = |word: &str| vec![(format!("{word}-name"), format!("{word}-of-{version}"))];
    Arc::new(Wording { version: version.to_owned(), create: form("create"), confirm: form("confirm") })
}

fn request() -> Request {
    let body = r#"{"payment_id":"order-1042","amount":1999,"currency":"eur","payment_method":"pm_card_visa",
        "customer":"cus_123","description":"2 CDs","metadata":{"k":"v","l":"w"}}"#;
    Request::new(Payment::parse(body).expect("valid"), wording("2026-01-01"))
}

fn delivery() -> OpenDelivery {
    OpenDelivery { began_at: BEGAN, message: "message-1".to_owned() }
}

/// A row as it was read, with these attributes beside those that every row has.
fn row(others: &Value) -> Row {
    let mut stored = json!({
        "payment_id": "order-1042",
        "amount": 1999,
        "currency": "eur",
        "payment_method": "pm_card_visa",
        "stripe_version": "2026-01-01",
        "create_form": "[]",
        "confirm_form": "[]",
        "state": "received",
        "create_generation": 17,
        "attempts": 29,
        "version": 41,
        "received_at": 1_767_603_608_008_i64,
        "enqueued_at": 1_767_603_609_009_i64,
    });
    for (name, value) in others.as_object().expect("an object") {
        stored[name] = value.clone();
    }
    let stored: Stored = serde_json::from_value(stored).expect("it has every attribute");
    Row::read(stored).expect("it is a row")
}

/// Every change, and what is to be seen of it.
fn changes() -> Vec<(&'static str, Row, Change)> {
    let (fresh, intended) = (row(&json!({})), row(&json!({ "state": "intended", "intent_id": "pi_read" })));
    let quarantined = row(&json!({ "state": "quarantined", "reason": "poison", "intent_id": "pi_read" }));
    let without = row(&json!({ "state": "quarantined", "reason": "poison" }));
    let full = Decline {
        code: "card_declined".to_owned(),
        decline_code: Some("lost_card".to_owned()),
        advice_code: Some("do_not_try_again".to_owned()),
    };
    let bare = Decline { code: "expired_card".to_owned(), decline_code: None, advice_code: None };
    let refused = Refused { what: "confirm: no".to_owned(), since: REFUSED, times: 6 };
    let handed_back = HandedBack {
        cause: Cause::Refused,
        delivery: delivery(),
        refused: Some(refused),
        concluded: None,
        declined_charges: BTreeSet::new(),
    };
    let concluded = HandedBack {
        cause: Cause::Panicked,
        refused: None,
        concluded: Some(full.clone()),
        ..handed_back.clone()
    };
    let softly = HandedBack {
        cause: Cause::DeclinedSoftly,
        refused: None,
        declined_charges: ["ch_1", "ch_2"].map(|id| ChargeId(id.to_owned())).into(),
        ..handed_back.clone()
    };
    let died =
        DIED.map(|began_at| OpenDelivery { began_at, message: format!("message-{}", began_at.0 % 10) });
    vec![
        ("record", fresh.clone(), Change::Record(IntentId("pi_made".to_owned()))),
        ("next generation", fresh.clone(), Change::NextGeneration(wording("2026-02-02"))),
        ("succeed", intended.clone(), Change::Succeed),
        ("decline", intended.clone(), Change::Decline(full)),
        ("decline in one code", intended.clone(), Change::Decline(bare)),
        ("quarantine", intended.clone(), Change::Quarantine(Reason::Refused("no (amount)".to_owned()))),
        ("quarantine without detail", intended.clone(), Change::Quarantine(Reason::Poison)),
        ("release", quarantined.clone(), Change::Release(Forget::Nothing, wording("2026-03-03"))),
        (
            "release without its intent",
            quarantined,
            Change::Release(Forget::CanceledIntent, wording("2026-04-04")),
        ),
        ("release where none is", without.clone(), Change::Release(Forget::Nothing, wording("2026-05-05"))),
        ("quarantine sent", without, Change::QuarantineSent("copy-1".to_owned())),
        ("hand back", intended.clone(), Change::HandedBack(handed_back)),
        ("hand back, and count", intended.clone(), Change::HandedBack(concluded)),
        ("hand back, declined softly", intended.clone(), Change::HandedBack(softly)),
        ("excuse", intended.clone(), Change::Excuse(died.into())),
        ("set aside", intended, Change::SetAside(Cause::IntentMissing, "copy-2".to_owned())),
    ]
}

/// Every request that can be made, with its name.
async fn requests() -> Vec<(&'static str, String, Value)> {
    let recorder = Recorder::default();
    let (ledger, request) = (recorder.ledger(), request());
    let mut all = Vec::new();
    let mut keep = |name: &'static str| {
        all.extend(recorder.taken().into_iter().map(|(target, body)| (name, target, body)));
    };
    // Whatever comes of them: nothing is answered.
    let _ = ledger.receive(&request, &delivery(), ENQUEUED, Opening::Always).await;
    keep("receive");
    let _ = ledger.receive(&request, &delivery(), ENQUEUED, Opening::IfNoneIsOpen).await;
    keep("receive if none is open");
    let _ = ledger.close(&request, &delivery(), Cause::LedgerUnavailable).await;
    keep("close");
    let _ = ledger.note(&request.payment, Cause::RowMissing).await;
    keep("note");
    let id = &request.payment.payment_id;
    let _ = ledger.blame(id).await;
    keep("blame");
    for (name, read, change) in changes() {
        let _ = ledger.change(&read, &change, NOW).await;
        keep(name);
    }
    let _ = ledger.beat(Beat { through: 31, died: 37 }, 43, NOW).await;
    keep("beat");
    ledger.warm_up().await;
    keep("warm up");
    let reader = ledger.reader();
    let _ = reader.row(id).await;
    keep("row");
    let _ = reader.pulse().await;
    keep("pulse");
    let ids = ["order-1", "order-2"].iter().filter_map(|id| PaymentId::new(id)).collect();
    let _ = reader.entries(&ids).await;
    keep("entries");
    let _ = reader.unsettled(UNTIL, 47).await;
    keep("unsettled");
    let _ = reader.newest_unsettled(UNTIL, 53).await;
    keep("newest unsettled");
    let _ = reader.set_aside(UNTIL, 59).await;
    keep("set aside ones");
    let _ = reader.more_unsettled_than(61, UNTIL).await;
    keep("more unsettled than");
    all
}

#[tokio::test]
async fn every_request_is_what_it_was() {
    let mut golden = String::new();
    for (name, target, body) in requests().await {
        // Requests come out of hash maps; what is parsed is in the order of its names, and can be compared.
        let body = serde_json::to_string_pretty(&body).expect("JSON");
        writeln!(golden, "{name}: {target}\n{body}\n").expect("a text");
    }
    insta::assert_snapshot!(golden);
}

#[tokio::test]
async fn every_read_that_decides_over_money_is_consistent() {
    // The index cannot be read so, and of a warm-up nothing is read.
    let eventual = ["warm up", "unsettled", "newest unsettled", "set aside ones", "more unsettled than"];
    for (name, target, body) in requests().await {
        let is_read = ["GetItem", "BatchGetItem", "Query"].iter().any(|read| target.ends_with(read));
        let is_consistent =
            body["ConsistentRead"] == true || body["RequestItems"]["the-table"]["ConsistentRead"] == true;
        assert_eq!(is_read && !is_consistent, eventual.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn no_two_values_of_a_request_are_alike() {
    // What is alike on purpose: a counter begins at zero and goes up by one, and an open delivery is also `:this`.
    let allowed = [":none", ":one", ":this", ":create_generation", ":version", ":attempts"];
    for (name, _, body) in requests().await {
        let values = body["ExpressionAttributeValues"].as_object().cloned().unwrap_or_default();
        let values = values.iter().filter(|(placeholder, _)| !allowed.contains(&placeholder.as_str()));
        let texts: Vec<String> = values.map(|(_, value)| value.to_string()).collect();
        let distinct: BTreeSet<&String> = texts.iter().collect();
        assert_eq!(distinct.len(), texts.len(), "{name}: {texts:?}");
    }
}
