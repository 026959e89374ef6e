//! Prints every answer that the fake Stripe can give, as JSON lines: request, status and body.
//!
//! It is driven over its wire alone: every test method through the life of an intent, every fault of Stripe's on every
//! operation, and every refusal. Answers that differ in ids and times only are printed once. `ci/stripe-contract` holds
//! them to the official SDK's types.
//! Invariant: an error code, a test method or a fault that the fake knows is driven here, or this does not end well.

use bytes::Bytes;
use chaos::clock::Clock;
use chaos::faults::{CRASH_HOPS_DEFAULT, Family, Fault, Faults, Kind, Placement, Window};
use chaos::journal::Journal;
use chaos::link::Link;
use chaos::random::Chance;
use chaos::stripe::limits::{CONFIRMATIONS_MAX, ENDPOINT_CALLS_PER_S, PROCESSING_MS_MAX};
use chaos::stripe::{Arrival, ERROR_CODES, FakeStripe, Provider, test_methods};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use stripe::STRIPE_VERSION;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

const SECRET: &str = "sk_test_first";
const START: UnixMs = UnixMs(1_700_000_000_000);
const INTENTS: &str = "/v1/payment_intents";
const MONEY: &str = "amount=1999&currency=eur&metadata[payment_id]=order-1&payment_method_types[]=card";
const BANK: &str = "amount=1999&currency=usd&payment_method_types[]=us_bank_account";
const ANY_TYPE: &str = "amount=1999&currency=usd&automatic_payment_methods[enabled]=true\
                        &automatic_payment_methods[allow_redirects]=never";
const OFF_SESSION: &str = "off_session=true&error_on_requires_action=true";

/// Intents in a world with a fault: enough for everything that a fault draws to be drawn.
const INTENTS_UNDER_A_FAULT: usize = 16;

/// Between two calls: no limiter minds.
const PACE: Duration = Duration::from_millis(100);

/// Longer than the fake keeps a connection silent.
const PATIENCE: Duration = Duration::from_secs(100);

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let mut answers = Answers::default();
    without_trouble(&mut answers).await;
    in_every_trouble(&mut answers).await;
    refused(&mut answers).await;
    let missing = ERROR_CODES.iter().find(|code| !answers.codes.contains(**code));
    assert_eq!(missing, None, "an error code of the fake that no answer shows; drive it");
    answers.lines.iter().for_each(|line| println!("{line}"));
}

/// The life of an intent with every method, in every way of confirming it.
async fn without_trouble(answers: &mut Answers) {
    for method in test_methods() {
        for (create, confirm) in [
            (MONEY, OFF_SESSION),
            (BANK, OFF_SESSION),
            (ANY_TYPE, OFF_SESSION),
            (ANY_TYPE, "return_url=https://shop.example/done"),
            (ANY_TYPE, ""),
        ] {
            let mut world = World::under(answers, None);
            world.live(&format!("{create}&payment_method={method}"), confirm).await;
        }
    }
    let mut world = World::under(answers, None);
    world.live(&format!("{MONEY}&payment_method=pm_card_visa&capture_method=manual"), OFF_SESSION).await;
    let id = world.create(&format!("{MONEY}&customer=cus_1&description=d&receipt_email=a@b.example")).await;
    for _ in 0..=CONFIRMATIONS_MAX {
        world.confirm(&id, &format!("{OFF_SESSION}&payment_method=pm_card_chargeDeclined")).await;
    }
    world.get(&format!("{INTENTS}/{id}")).await;
    world.get("/v1/balance").await;
}

/// Every fault of Stripe's, in every place where it can strike, on every operation by itself.
async fn in_every_trouble(answers: &mut Answers) {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.describe().family == Family::Stripe) {
        let described = kind.describe();
        let placements: Vec<_> = described.placements.iter().copied().map(Some).collect();
        for placement in if placements.is_empty() { vec![None] } else { placements } {
            for operation in if described.operations.is_empty() { &[""] } else { described.operations } {
                let mut world = World::under(answers, Some(fault(kind, placement, operation)));
                for _ in 0..INTENTS_UNDER_A_FAULT {
                    world.live(&format!("{MONEY}&payment_method=pm_card_visa"), OFF_SESSION).await;
                }
                world.get("/v1/balance").await;
            }
        }
    }
}

fn fault(kind: Kind, placement: Option<Placement>, operation: &str) -> Fault {
    let mut fault = Fault { placement, ..Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS) };
    fault.scope.operations.extend((!operation.is_empty()).then(|| operation.to_owned()));
    fault
}

/// What is refused, or met by another request.
async fn refused(answers: &mut Answers) {
    let mut world = World::under(answers, None);
    for form in [
        "currency=eur",
        "amount=&currency=eur",
        "amount=19.99&currency=eur",
        "amount=1&currency=eur",
        "amount=100000000&currency=eur",
        "amount=1999&currency=euro",
        "amount=1999&currency=eur&amuont=1",
        "amount=1999&currency=eur&payment_method=nobody",
        "amount=1999&currency=eur&customer=alice",
        "amount=1999&currency=eur&off_session=true",
        "amount=1999&currency=eur&payment_method=pm_card_visa&confirm=true",
    ] {
        world.post(INTENTS, form).await;
    }
    for path in ["/v1/payment_intents/pi_nobody", "/v2/payment_intents", "/v1/refunds"] {
        world.get(path).await;
    }
    world.send(with("authorization", "Bearer sk_test_wrong", request(Method::GET, "/v1/balance", ""))).await;
    world.send(with("stripe-version", "latest", request(Method::POST, INTENTS, MONEY))).await;
    world.send(with("content-type", "application/json", request(Method::POST, INTENTS, MONEY))).await;
    world.send(with("idempotency-key", "", request(Method::POST, INTENTS, MONEY))).await;
    let keyed = |form: &str| with("idempotency-key", "k", request(Method::POST, INTENTS, form));
    for form in [MONEY, MONEY, ANY_TYPE] {
        world.send(keyed(form)).await;
    }
    world.meet_itself(&with("idempotency-key", "in use", request(Method::POST, INTENTS, MONEY))).await;
    world.hurry().await;
}

/// Every different answer so far.
#[derive(Default)]
struct Answers {
    lines: Vec<Value>,
    known: BTreeSet<String>,
    codes: BTreeSet<String>,
}

impl Answers {
    fn add(&mut self, request: &Request<Bytes>, response: &Response<Bytes>) -> Value {
        // What is cut short or a proxy's page is no answer in Stripe's words.
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let errors = [&body["error"], &body["last_payment_error"]];
        self.codes.extend(errors.into_iter().filter_map(|error| error["code"].as_str()).map(str::to_owned));
        let (method, path) = (request.method().as_str(), request.uri().path());
        let line =
            json!({ "method": method, "path": path, "status": response.status().as_u16(), "body": body });
        if !body.is_null() && self.known.insert(without_ids(&line).to_string()) {
            self.lines.push(line);
        }
        body
    }
}

/// The same for every id and every instant.
fn without_ids(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let same = |(name, value): (&String, &Value)| {
                let is_time = ["created", "canceled_at"].contains(&name.as_str()) && value.is_number();
                (name.clone(), if is_time { Value::from(0) } else { without_ids(value) })
            };
            fields.iter().map(same).collect()
        }
        Value::Array(items) => items.iter().map(without_ids).collect(),
        Value::String(text) => {
            let has_id = ["pi_", "ch_", "pm_"].iter().any(|prefix| text.contains(prefix));
            Value::from(if has_id { "id" } else { text.as_str() })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// An account on a wire.
struct World<'a> {
    answers: &'a mut Answers,
    provider: Provider,
}

impl<'a> World<'a> {
    fn under(answers: &'a mut Answers, fault: Option<Fault>) -> Self {
        let (clock, journal) = (Clock::starting_at(START), Journal::default());
        let faults = Faults::new(fault.as_slice(), 1, START, CRASH_HOPS_DEFAULT, journal.clone());
        let stripe = FakeStripe::new(1, SECRET, faults.clone());
        Self { answers, provider: Provider::new(stripe, 1, faults, clock, journal) }
    }

    /// From its creation to its end, and beyond: every call once more when it makes no sense any longer.
    async fn live(&mut self, create: &str, confirm: &str) {
        let id = self.create(create).await;
        self.get(&format!("{INTENTS}/{id}")).await;
        for _ in 0..2 {
            self.confirm(&id, confirm).await;
            self.get(&format!("{INTENTS}/{id}")).await;
            self.post(&format!("{INTENTS}/{id}/cancel"), "").await;
        }
        sleep(Duration::from_millis(PROCESSING_MS_MAX)).await;
        self.get(&format!("{INTENTS}/{id}")).await;
        let unconfirmed = self.create(create).await;
        self.post(&format!("{INTENTS}/{unconfirmed}/cancel"), "cancellation_reason=abandoned").await;
        self.confirm(&unconfirmed, confirm).await;
    }

    /// The id of a new intent; of none where a fault is in the way.
    async fn create(&mut self, form: &str) -> String {
        let body = self.post(INTENTS, form).await;
        body["id"].as_str().unwrap_or("pi_none").to_owned()
    }

    async fn confirm(&mut self, id: &str, form: &str) {
        self.post(&format!("{INTENTS}/{id}/confirm"), form).await;
    }

    async fn get(&mut self, path: &str) {
        self.send(request(Method::GET, path, "")).await;
    }

    async fn post(&mut self, path: &str, form: &str) -> Value {
        self.send(request(Method::POST, path, form)).await
    }

    /// What is answered, or null. Over a connection of its own, because a fault may kill whoever is at its other end.
    async fn send(&mut self, request: Request<Bytes>) -> Value {
        sleep(PACE).await;
        let wire = self.provider.connect(Link::default(), Arc::new(|| "contract".to_owned()));
        match timeout(PATIENCE, wire.oneshot(request.clone())).await {
            Ok(Ok(response)) => self.answers.add(&request, &response),
            Ok(Err(_)) | Err(_) => Value::Null,
        }
    }

    /// A request that is sent while one with the same key is still being worked on.
    async fn meet_itself(&mut self, request: &Request<Bytes>) {
        let arrived = self.provider.stripe().arrive(request, START.plus_ms(1_000_000));
        self.send(request.clone()).await;
        if let Arrival::Admitted(ticket) = arrived {
            self.provider.stripe().abandon(ticket);
        }
    }

    /// More look-ups within an instant than an endpoint takes.
    async fn hurry(&mut self) {
        let request = request(Method::GET, &format!("{INTENTS}/pi_1"), "");
        let now = START.plus_ms(2_000_000);
        for _ in 0..=ENDPOINT_CALLS_PER_S {
            let response = self.provider.stripe().handle(&request, now);
            self.answers.add(&request, &response);
        }
    }
}

fn request(method: Method, path: &str, form: &str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::copy_from_slice(form.as_bytes()));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().expect("it is a path");
    for (name, value) in [
        ("authorization", format!("Bearer {SECRET}")),
        ("stripe-version", STRIPE_VERSION.to_owned()),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
    ] {
        request = with(name, &value, request);
    }
    request
}

fn with(name: &'static str, value: &str, mut request: Request<Bytes>) -> Request<Bytes> {
    let value = HeaderValue::from_str(value).expect("it is a header");
    request.headers_mut().insert(HeaderName::from_static(name), value);
    request
}
