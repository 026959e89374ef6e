//! An account of the fake Stripe on its wire, and everything different that it has answered.
//!
//! Invariant: an answer is kept with the request it was given to, and two that differ in ids and times only are one.

use bytes::Bytes;
use chaos::clock::Clock;
use chaos::faults::{CRASH_HOPS_DEFAULT, Fault, Faults};
use chaos::journal::Journal;
use chaos::link::Link;
use chaos::stripe::limits::{ENDPOINT_CALLS_PER_S, PROCESSING_MS_MAX};
use chaos::stripe::{Arrival, FakeStripe, Provider};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use stripe::STRIPE_VERSION;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

pub(crate) const INTENTS: &str = "/v1/payment_intents";

/// Every id that an intent shows, as the object behind it.
const EXPANDED: &str = "&expand[]=customer&expand[]=payment_method&expand[]=latest_charge.customer&expand[]=latest_charge.payment_intent";

const START: UnixMs = UnixMs(1_700_000_000_000);

/// Between two calls: no limiter minds.
const PACE: Duration = Duration::from_millis(100);

/// Longer than the fake keeps a connection silent.
const PATIENCE: Duration = Duration::from_secs(100);

/// Every different answer so far.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) lines: Vec<Value>,
    pub(crate) codes: BTreeSet<String>,
    known: BTreeSet<String>,
}

impl Answers {
    /// Keeps an answer, if it is a new one; its body.
    fn add(&mut self, request: &Request<Bytes>, response: &Response<Bytes>) -> Value {
        // What is cut short, and a proxy's page, is no answer in Stripe's words.
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let errors = [&body["error"], &body["last_payment_error"]];
        self.codes.extend(errors.into_iter().filter_map(|error| error["code"].as_str()).map(str::to_owned));
        let line = json!({
            "method": request.method().as_str(),
            "path": request.uri().path(),
            "parameters": parameters(request),
            "status": response.status().as_u16(),
            "body": body,
        });
        if !body.is_null() && self.known.insert(without_ids(&line).to_string()) {
            self.lines.push(line);
        }
        body
    }
}

/// Parameters of the query and of the body, decoded.
fn parameters(request: &Request<Bytes>) -> Vec<(String, String)> {
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    query
        .chain(form_urlencoded::parse(request.body()))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
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

/// One account, and what the world does to calls on it.
pub(crate) struct World<'a> {
    answers: &'a mut Answers,
    secret_key: &'static str,
    provider: Provider,
    faults: Faults,
    creates: u32,
}

impl<'a> World<'a> {
    /// An account under a fault, or none, whose key is `secret_key`.
    pub(crate) fn new(answers: &'a mut Answers, secret_key: &'static str, fault: Option<Fault>) -> Self {
        let (clock, journal) = (Clock::starting_at(START), Journal::default());
        let faults = Faults::new(fault.as_slice(), 1, START, CRASH_HOPS_DEFAULT, journal.clone());
        let stripe = FakeStripe::new(1, secret_key, faults.clone());
        let provider = Provider::new(stripe, 1, faults.clone(), clock, journal);
        Self { answers, secret_key, provider, faults, creates: 0 }
    }

    /// An intent from its creation to its end and beyond: every call, also when it makes no sense any longer.
    pub(crate) async fn live(&mut self, create: &str, confirm: &str) {
        let id = self.create(create).await;
        self.get(&format!("{INTENTS}/{id}")).await;
        self.end(&id, confirm).await;
        sleep(Duration::from_millis(PROCESSING_MS_MAX)).await;
        self.get(&format!("{INTENTS}/{id}?{EXPANDED}")).await;
        for (page, shown) in [("?", "data.latest_charge"), ("/search?query=amount>0&", "total_count")] {
            self.get(&format!("{INTENTS}{page}limit=1")).await;
            self.get(&format!("{INTENTS}{page}limit=1&expand[]={shown}")).await;
        }
        self.get("/v1/balance").await;
        let unconfirmed = self.create(create).await;
        self.post(&format!("{INTENTS}/{unconfirmed}/cancel"), "cancellation_reason=abandoned").await;
        self.confirm(&unconfirmed, confirm).await;
    }

    /// Confirms, looks up and cancels an intent, and once more with everything shown.
    pub(crate) async fn end(&mut self, id: &str, confirm: &str) {
        for shown in ["", EXPANDED] {
            self.confirm(id, &format!("{confirm}{shown}")).await;
            self.get(&format!("{INTENTS}/{id}?{shown}")).await;
            self.post(&format!("{INTENTS}/{id}/cancel"), shown).await;
        }
    }

    /// The id of a new intent, created under a key of its own; of none where a fault is in the way.
    pub(crate) async fn create(&mut self, form: &str) -> String {
        self.creates += 1;
        let key = format!("order:{}", self.creates);
        let body = self.send(with("idempotency-key", &key, self.request(Method::POST, INTENTS, form))).await;
        body["id"].as_str().unwrap_or("pi_none").to_owned()
    }

    pub(crate) async fn confirm(&mut self, id: &str, form: &str) {
        self.post(&format!("{INTENTS}/{id}/confirm"), form).await;
    }

    pub(crate) async fn get(&mut self, path: &str) {
        self.send(self.request(Method::GET, path, "")).await;
    }

    pub(crate) async fn post(&mut self, path: &str, form: &str) {
        self.send(self.request(Method::POST, path, form)).await;
    }

    /// What is answered, or null. Over a connection of its own, because a fault may kill whoever is at its other end.
    pub(crate) async fn send(&mut self, request: Request<Bytes>) -> Value {
        sleep(PACE).await;
        let wire = self.provider.connect(Link::default(), Arc::new(|| "contract".to_owned()));
        match timeout(PATIENCE, wire.oneshot(request.clone())).await {
            Ok(Ok(response)) => self.answers.add(&request, &response),
            Ok(Err(_)) | Err(_) => Value::Null,
        }
    }

    /// Sends a request while another one with its key is being worked on.
    pub(crate) async fn send_twice_at_once(&mut self, request: Request<Bytes>) {
        let arrived = self.provider.stripe().arrive(&request, START);
        self.send(request).await;
        if let Arrival::Admitted(ticket) = arrived {
            self.provider.stripe().abandon(ticket);
        }
    }

    /// Looks up more within an instant than the endpoint takes.
    pub(crate) fn hurry(&mut self) {
        let request = self.request(Method::GET, &format!("{INTENTS}/pi_1"), "");
        for _ in 0..=ENDPOINT_CALLS_PER_S {
            let response = self.provider.stripe().handle(&request, START);
            self.answers.add(&request, &response);
        }
    }

    /// Whether the fault has struck.
    pub(crate) fn was_struck(&self) -> bool {
        self.faults.tally().iter().any(|tally| tally.fired > 0)
    }

    pub(crate) fn request(&self, method: Method, path: &str, form: &str) -> Request<Bytes> {
        let mut request = Request::new(Bytes::copy_from_slice(form.as_bytes()));
        *request.method_mut() = method;
        *request.uri_mut() = path.replace('>', "%3E").parse().expect("it is a path");
        let bearer = format!("Bearer {}", self.secret_key);
        let request = with("authorization", &bearer, request);
        with(
            "content-type",
            "application/x-www-form-urlencoded",
            with("stripe-version", STRIPE_VERSION, request),
        )
    }
}

/// The same request with another header.
pub(crate) fn with(name: &'static str, value: &str, mut request: Request<Bytes>) -> Request<Bytes> {
    let value = HeaderValue::from_str(value).expect("it is visible ASCII");
    request.headers_mut().insert(HeaderName::from_static(name), value);
    request
}
