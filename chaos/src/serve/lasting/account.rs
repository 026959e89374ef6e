//! The account, on a thread and in a time of its own.
//!
//! Invariant: what it answers depends on what it was asked before, and on nothing else.

use super::super::control::{self, Control};
use super::super::said::refused;
use super::memory::MemoryError;
use crate::clock::Clock;
use crate::faults::{CRASH_HOPS_DEFAULT, Faults};
use crate::journal::Journal;
use crate::link::Link;
use crate::stripe::{FakeStripe, Latency, Provider};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use payments::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::sync::oneshot;
use tower::ServiceExt;

/// Seed of ids and draws: one account, and always the same.
const SEED: u64 = 1;

/// Who calls, in a journal that nobody reads.
const CALLER: &str = "function url";

/// Headers that decide what is answered, beside the key.
const HEADERS: [&str; 3] = ["content-type", "idempotency-key", "stripe-version"];

/// A request, as it is written down. Of its key it says only whether it is the right one: any other may be somebody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When it came.
    pub at: UnixMs,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Whether it came with the key of the account.
    pub has_key: bool,
    /// Those of its headers that count.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
}

/// What comes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Status, headers and body; none where a connection would be reset.
    pub response: Option<Told>,
    /// How long it takes until then.
    pub after: Duration,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// The headers, without those of the connection.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Bytes,
}

impl Asked {
    /// A request that came `at` an instant to whoever has `key`.
    #[must_use]
    pub fn of(request: &Request<Bytes>, key: &str, at: UnixMs) -> Self {
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let mut headers = BTreeMap::new();
        headers.extend(HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?.to_owned()))));
        let mut login = HeaderMap::new();
        login.extend(
            request.headers().get(header::AUTHORIZATION).map(|it| (header::AUTHORIZATION, it.clone())),
        );
        super::super::edge::bear(&mut login);
        let bearer = login.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        Self {
            at,
            method: request.method().to_string(),
            path: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            has_key: bearer.and_then(|value| value.strip_prefix("Bearer ")) == Some(key),
            headers,
            body: String::from_utf8_lossy(request.body()).into_owned(),
        }
    }

    fn request(&self, key: &str) -> http::Result<Request<Bytes>> {
        let key = if self.has_key { key } else { "sk_test_another" };
        let request = Request::builder().method(self.method.as_str()).uri(self.path.as_str());
        let request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.body(Bytes::from(self.body.clone()))
    }
}

type Question = (Asked, oneshot::Sender<Answered>);

/// Its thread ends when this is dropped.
pub(super) struct Account(Sender<Question>);

impl Account {
    /// An empty one, whose time begins at an instant.
    pub(super) fn begin(key: String, at: UnixMs) -> Result<Self, MemoryError> {
        let (asks, asked) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime =
            runtime.map_err(|error| MemoryError(format!("the account cannot be opened: {error}")))?;
        std::thread::spawn(move || runtime.block_on(live(&key, at, &asked)));
        Ok(Self(asks))
    }

    pub(super) async fn ask(&self, asked: Asked) -> Result<Answered, MemoryError> {
        let (answer, answered) = oneshot::channel();
        let gone = || MemoryError("the account has failed".to_owned());
        self.0.send((asked, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }
}

async fn live(key: &str, at: UnixMs, asked: &Receiver<Question>) {
    let (clock, journal) = (Clock::starting_at(at), Journal::default());
    let faults = Faults::new(&[], SEED, at, CRASH_HOPS_DEFAULT, journal.clone());
    let stripe = FakeStripe::new(SEED, key, faults.clone());
    let provider = Provider::with(Latency::None, stripe, SEED, faults.clone(), clock, journal.clone());
    let control = Control::new(provider.clone(), faults, clock, journal).router();
    while let Ok((asked, answer)) = asked.recv() {
        clock.sleep_until(asked.at).await;
        let began = clock.now();
        let response = told(&provider, &control, &asked, key).await;
        let after = Duration::from_millis(u64::try_from(clock.now().since_ms(began)).unwrap_or(0));
        // Whoever asked may be gone; it is done all the same.
        let _ = answer.send(Answered { response, after });
    }
}

async fn told(provider: &Provider, control: &Router, asked: &Asked, key: &str) -> Option<Told> {
    let Ok(request) = asked.request(key) else {
        return of_body(refused(StatusCode::BAD_REQUEST, "this is no request; accepted: HTTP")).await;
    };
    if !request.uri().path().starts_with(control::BELOW) {
        let wire = provider.connect(Link::default(), Arc::new(|| CALLER.to_owned()));
        let (head, body) = wire.oneshot(request).await.ok()?.into_parts();
        return Some(Told { status: head.status.as_u16(), headers: texts(&head.headers), body });
    }
    if !asked.has_key {
        let line = "another key, or none; accepted: the key of this account, as a bearer";
        return of_body(refused(StatusCode::UNAUTHORIZED, line)).await;
    }
    match control.clone().oneshot(request.map(Body::from)).await {
        Ok(response) => of_body(response).await,
        Err(never) => match never {},
    }
}

async fn of_body(response: Response<Body>) -> Option<Told> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    Some(Told { status: head.status.as_u16(), headers: texts(&head.headers), body })
}

/// What a header cannot say in text is not said; how long a body is, the connection says.
fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let texts = headers.iter().filter(|(name, _)| **name != header::CONTENT_LENGTH);
    texts.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}
