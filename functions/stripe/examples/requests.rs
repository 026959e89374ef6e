//! Prints every request that the client can send, as JSON lines: first what it is pinned to, then one request a line.
//!
//! The requests come from the client itself, over a transport that only records. `ci/stripe-contract` holds them to the
//! official SDK's types.
//! Invariant: a call of the client, or a field of a payment, that is not driven here stops this from building or running.

use authority::ToCharge;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use payments::audit::{Span, Window};
use payments::charge::Method;
use payments::ledger::{Change, OpenDelivery, RecordedIntent};
use payments::provider::IntentId;
use payments::request::Request as Frozen;
use payments::{Payment, Row, UnixMs};
use serde_json::{Value, json};
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, PoisonError};
use stripe::{ApiBase, ApiKey, Ask, Charger, Mode, Reader, STRIPE_VERSION, Transport, codes, words};
use tower::service_fn;
use tower::util::BoxCloneSyncService;

/// Where the client's calls are declared: each has to be among those that were driven.
const CAPABILITIES: [&str; 2] = [include_str!("../src/reader.rs"), include_str!("../src/charger.rs")];

const FULL: &str = r#"{"payment_id":"order-1042","amount":1999,"currency":"eur","payment_method":"pm_card_visa",
    "customer":"cus_123","description":"2 CDs","metadata":{"channel":"web"}}"#;
const LEAST: &str =
    r#"{"payment_id":"order-1043","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut recorder = Recorder::default();
    let [full, least] = [FULL, LEAST].map(|text| Payment::parse(text).expect("it is a payment"));
    assert!(has_everything(&full), "a payment's optional field that is not driven; give it in FULL");
    for payment in [full, least] {
        let wording = Arc::new(stripe::wording(&payment));
        drive(&mut recorder, Arc::new(Frozen::new(payment, wording))).await;
    }
    let missing = calls_of_the_client().find(|call| !recorder.has_driven(call));
    assert_eq!(missing, None, "a call of the client that no request is printed of; drive it");
    let codes = [codes::ALL, &words::ISSUER_CODES, &words::ACCOUNT_CODES].concat();
    println!("{}", json!({ "pin": STRIPE_VERSION, "codes": codes }));
    recorder.lines.iter().for_each(|line| println!("{line}"));
}

/// Names every field, so that a new one has to be looked at here.
fn has_everything(payment: &Payment) -> bool {
    let Payment { payment_id: _, amount: _, currency: _, payment_method: _, customer, description, metadata } =
        payment;
    customer.is_some() && description.is_some() && !metadata.is_empty()
}

/// Every call, in every form it has.
async fn drive(recorder: &mut Recorder, frozen: Arc<Frozen>) {
    let (reader, charger) = recorder.capabilities();
    let key = ApiKey::parse("sk_test_recorded").expect("it is a key");
    let intent = recorded(Arc::clone(&frozen));
    recorder.record("create", charger.create(&key, &frozen, "order-1042:create:0")).await;
    for method in [Method::OfTheIntent, Method::OfTheRequest] {
        recorder.record("confirm", charger.confirm(&key, &intent, method, &frozen)).await;
    }
    recorder.record("retrieve", charger.retrieve(&key, &intent)).await;
    recorder.record("retrieve", reader.retrieve(&key, &intent)).await;
    recorder.record("cancel", charger.cancel(&key, &intent)).await;
    for after in [None, Some(intent.id())] {
        let window = Window::before(UnixMs(1_767_609_720_000), Span::parse("48h").expect("it is a span"));
        recorder.record("list", reader.list(&key, &Ask { window, after, limit: 100 })).await;
    }
    recorder.record("probe", reader.probe(&key)).await;
    recorder.record("warm", charger.warm()).await;
}

/// What was sent.
#[derive(Default)]
struct Recorder {
    sent: Arc<Mutex<Vec<Request<Bytes>>>>,
    lines: Vec<Value>,
}

impl Recorder {
    /// Both, with requests that end here, answered with an empty 200.
    fn capabilities(&self) -> (Reader, Charger) {
        let sent = Arc::clone(&self.sent);
        let transport: Transport = BoxCloneSyncService::new(service_fn(move |request| {
            sent.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            ready(Ok(Response::new(Bytes::new())))
        }));
        let base = ApiBase::parse("https://api.stripe.com").expect("it is a base");
        let reader = Reader::new(transport.clone(), base.clone(), Mode::Test);
        (reader, Charger::new(transport, base, Mode::Test, ToCharge::assume()))
    }

    /// Makes a call; whatever it sends is printed under its name.
    async fn record(&mut self, call: &str, made: impl Future) {
        made.await;
        let sent: Vec<_> = self.sent.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        self.lines.extend(sent.iter().map(|request| line(call, request)));
    }

    fn has_driven(&self, call: &str) -> bool {
        self.lines.iter().any(|line| line["call"] == call)
    }
}

fn calls_of_the_client() -> impl Iterator<Item = &'static str> {
    let lines = CAPABILITIES.into_iter().flat_map(str::lines);
    lines.filter_map(|line| line.trim().strip_prefix("pub async fn ")?.split('(').next())
}

fn line(call: &str, request: &Request<Bytes>) -> Value {
    let body = form_urlencoded::parse(request.body());
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    json!({
        "call": call,
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "parameters": query.chain(body).collect::<Vec<_>>(),
        "authorized": request.headers().contains_key("authorization"),
        "version": header(request.headers(), "stripe-version"),
    })
}

fn header<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    headers.get(name)?.to_str().ok()
}

/// An intent as the ledger gives it back: through a row, because there is no other way.
fn recorded(frozen: Arc<Frozen>) -> RecordedIntent {
    let delivery = OpenDelivery { began_at: UnixMs(0), message: "message".to_owned() };
    let row = Row::received(frozen, delivery, UnixMs(0));
    let row = row.apply(&Change::Record(IntentId("pi_1".to_owned())), row.version, UnixMs(0));
    row.and_then(|row| row.recorded_intent()).expect("a received row takes an intent")
}
