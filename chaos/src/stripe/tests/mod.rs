//! The fake's behaviour, one sentence per rule, spoken to over HTTP alone.

mod account_trouble;
mod client;
mod confirm;
mod expand;
mod golden;
mod idempotency;
mod instead;
mod later;
mod list;
mod methods;
mod properties;
mod refusals;
mod search;
mod trouble;
mod versions;
mod wire;
mod words;

use super::{FakeStripe, Instead};
use crate::faults::{CRASH_HOPS_DEFAULT, Fault, Faults};
use crate::journal::Journal;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use payments::UnixMs;
use serde_json::Value;

const SECRET: &str = "sk_test_first";
const START: UnixMs = UnixMs(1_700_000_000_000);
const VISA: &str = "amount=1999&currency=eur&payment_method=pm_card_visa&payment_method_types[]=card\
                    &metadata[payment_id]=order-1";
const OFF_SESSION: &str = "off_session=true&error_on_requires_action=true";

/// A client that knows nothing but HTTP.
struct Client {
    stripe: FakeStripe,
    now: UnixMs,
}

/// What it got back.
struct Got {
    status: u16,
    headers: HeaderMap,
    bytes: Bytes,
    body: Value,
}

impl Client {
    fn new() -> Self {
        Self::under(&[])
    }

    fn under(faults: &[Fault]) -> Self {
        let faults = Faults::new(faults, 1, START, CRASH_HOPS_DEFAULT, Journal::default());
        Self { stripe: FakeStripe::new(1, SECRET, faults), now: START }
    }

    fn send(&mut self, request: &Request<Bytes>) -> Got {
        Got::from(self.stripe.handle(request, self.now))
    }

    fn instead(&mut self, request: &Request<Bytes>, instead: Instead) -> Got {
        Got::from(self.stripe.answer_instead(request, instead).response)
    }

    fn post(&mut self, path: &str, form: &str) -> Got {
        self.send(&post(path, form, None))
    }

    fn post_with_key(&mut self, path: &str, form: &str, key: &str) -> Got {
        self.send(&post(path, form, Some(key)))
    }

    fn get(&mut self, path: &str) -> Got {
        self.send(&get(path))
    }

    /// Creates an intent with this payment method; its id.
    fn create(&mut self, method: &str) -> String {
        self.post("/v1/payment_intents", &VISA.replace("pm_card_visa", method)).id()
    }

    fn confirm(&mut self, id: &str, form: &str) -> Got {
        self.post(&format!("/v1/payment_intents/{id}/confirm"), form)
    }

    fn cancel(&mut self, id: &str) -> Got {
        self.post(&format!("/v1/payment_intents/{id}/cancel"), "")
    }

    fn retrieve(&mut self, id: &str) -> Value {
        self.get(&format!("/v1/payment_intents/{id}")).body
    }

    fn movements(&self) -> usize {
        self.stripe.book().movements().len()
    }
}

impl Got {
    fn id(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["id"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status, `error.code` and the status of the intent inside the error.
    fn refusal(&self) -> (u16, &str, &str) {
        let error = &self.body["error"];
        let intent = &error["payment_intent"];
        (self.status, error["code"].as_str().unwrap_or("none"), intent["status"].as_str().unwrap_or("none"))
    }
}

impl From<Response<Bytes>> for Got {
    fn from(response: Response<Bytes>) -> Self {
        let (parts, bytes) = response.into_parts();
        // Not every body is JSON; one that should be shows up as a null where a field is expected.
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status: parts.status.as_u16(), headers: parts.headers, bytes, body }
    }
}

fn post(path: &str, form: &str, key: Option<&str>) -> Request<Bytes> {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {SECRET}"))
        .header("stripe-version", "2026-08-26.dahlia")
        .header("content-type", "application/x-www-form-urlencoded");
    let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
    request.body(Bytes::copy_from_slice(form.as_bytes())).unwrap()
}

fn get(path: &str) -> Request<Bytes> {
    Request::get(path)
        .header("authorization", format!("Bearer {SECRET}"))
        .header("stripe-version", "2026-08-26.dahlia")
        .body(Bytes::new())
        .unwrap()
}
