//! A payment, its recorded intent, and transports that answer from memory.

use authority::ToCharge;
use bytes::Bytes;
use http::{Request, Response};
use payments::ledger::{Change, OpenDelivery, RecordedIntent};
use payments::provider::IntentId;
use payments::request::{Request as Frozen, Wording};
use payments::{Payment, Row, UnixMs};
use std::future::ready;
use std::sync::{Arc, Mutex};
use stripe::{ApiBase, ApiKey, Charger, Mode, Reader, Transport, TransportError};
use tower::service_fn;
use tower::util::BoxCloneSyncService;

pub(crate) const KEY_TEXT: &str = "sk_test_51HsecretA";

pub(crate) fn key() -> ApiKey {
    ApiKey::parse(KEY_TEXT).unwrap()
}

pub(crate) fn payment() -> Payment {
    let body =
        r#"{"payment_id":"order-1042","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
    Payment::parse(body).unwrap()
}

/// The payment as it is put today.
pub(crate) fn frozen() -> Frozen {
    Frozen::new(payment(), Arc::new(stripe::wording(&payment())))
}

/// The payment as it was put by a version before this one.
pub(crate) fn frozen_before() -> Frozen {
    let wording = Wording {
        version: "2025-01-01.older".to_owned(),
        create: vec![("amount".to_owned(), "1999".to_owned()), ("said".to_owned(), "before".to_owned())],
        confirm: vec![("off_session".to_owned(), "recurring".to_owned())],
    };
    Frozen::new(payment(), Arc::new(wording))
}

/// Through a row, because there is no other way.
pub(crate) fn recorded(id: &str) -> RecordedIntent {
    let delivery = OpenDelivery { began_at: UnixMs(0), message: "message".to_owned() };
    let row = Row::received(Arc::new(frozen()), delivery, UnixMs(0));
    let row = row.apply(&Change::Record(IntentId(id.to_owned())), row.version, UnixMs(0)).unwrap();
    row.recorded_intent().unwrap()
}

/// Answers every call with `answer`.
pub(crate) fn answered_with(
    answer: impl Fn(Request<Bytes>) -> Result<Response<Bytes>, TransportError> + Clone + Send + Sync + 'static,
) -> Transport {
    BoxCloneSyncService::new(service_fn(move |request| ready(answer(request))))
}

/// Keeps what is sent, answered with an empty 200.
pub(crate) fn recording() -> (Transport, Arc<Mutex<Vec<Request<Bytes>>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sent);
    let transport = answered_with(move |request| {
        log.lock().unwrap().push(request);
        Ok(Response::new(Bytes::new()))
    });
    (transport, sent)
}

/// A charger over `transport`.
pub(crate) fn charger(transport: Transport) -> Charger {
    Charger::new(transport, base(), Mode::Test, ToCharge::assume())
}

/// A reader over `transport`.
pub(crate) fn reader(transport: Transport) -> Reader {
    Reader::new(transport, base(), Mode::Test)
}

fn base() -> ApiBase {
    ApiBase::parse("https://api.stripe.com").unwrap()
}
