//! Answers: status, JSON body, and the headers every answer of Stripe carries.
//!
//! Invariant: a replay has the status and the bytes of the first answer; only its headers tell it apart.

use super::errors::ApiError;
use super::expand::Expand;
use super::intent::Intent;
use super::limiter::Limiter;
use super::register::Page;
use super::versions::Version;
use crate::faults::Kind;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");
const RATE_LIMITED_REASON: HeaderName = HeaderName::from_static("stripe-rate-limited-reason");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html");

const INTENTS_URL: &str = "/v1/payment_intents";

/// What a proxy says that got no answer itself.
const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                           <center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

/// What an endpoint answered: the part that is stored under an idempotency key.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Body,
    pub(super) facts: Facts,
    /// `Content-Type`, and whatever else belongs to this answer and not to its request.
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What is in an answer.
#[derive(Clone, Debug)]
enum Body {
    /// This text.
    Text(Bytes),
    /// An intent as it is at that moment: it is written out whenever it is sent, and shared while it lies under a key.
    Intent(Arc<Intent>),
}

/// What an answer says, for the journal: a reader of the journal should not have to parse bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Intent the answer is about.
    pub intent: Option<String>,
    /// Its `metadata[payment_id]`.
    pub payment: Option<String>,
    /// `error.code` or, for a success, the intent's status.
    pub said: Option<String>,
    /// Fault that made the answer what it is.
    pub fault: Option<Kind>,
}

impl Answer {
    pub(super) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(super) fn intent(intent: &Arc<Intent>) -> Self {
        let facts = Facts { said: Some(intent.status().to_owned()), ..Facts::about(intent) };
        let (body, headers) = (Body::Intent(Arc::clone(intent)), vec![(header::CONTENT_TYPE, JSON)]);
        Self { status: StatusCode::OK, body, facts, headers }
    }

    /// The same, if it shows an intent, with what the request wants to see of it.
    pub(super) fn expanded(self, intent: &Intent, expand: &Expand) -> Self {
        if self.status == StatusCode::OK && !expand.is_empty() {
            Self { facts: self.facts, ..Self::ok(&expand.show(intent)) }
        } else {
            self
        }
    }

    /// A page of a list.
    pub(super) fn list(page: &Page<'_>, expand: &Expand) -> Self {
        Self::ok(&json!({
            "object": "list",
            "data": page.to_json(expand),
            "has_more": page.has_more,
            "url": INTENTS_URL,
        }))
    }

    /// A page of what was found; `next_page` is its last intent, to whoever takes it for more than a token.
    pub(super) fn search(page: &Page<'_>, expand: &Expand, total: Option<usize>) -> Self {
        let last = page.shown.last().filter(|_| page.has_more);
        let mut body = json!({
            "object": "search_result",
            "data": page.to_json(expand),
            "has_more": page.has_more,
            "next_page": last.map(|intent| &intent.id),
            "url": format!("{INTENTS_URL}/search"),
        });
        if let Some(total) = total {
            body["total_count"] = total.into();
        }
        Self::ok(&body)
    }

    /// A refusal that carries the intent it is about, whole.
    pub(super) fn refusal_of(intent: &Intent, error: ApiError) -> Self {
        let mut answer = Self::from(error.with_intent(intent.to_json()));
        answer.facts = Facts { said: answer.facts.said, ..Facts::about(intent) };
        answer
    }

    /// A 429 of a rate limiter that may say when to come back, seconds.
    pub(super) fn throttled(by: Limiter, retry_after_s: Option<u32>) -> Self {
        let answer = Self::from(ApiError::rate_limited(by));
        match retry_after_s {
            Some(seconds) => answer.with(header::RETRY_AFTER, HeaderValue::from(seconds)),
            None => answer,
        }
    }

    /// A failure of Stripe's own, after the endpoint had started. Most say that a repeat has no further effect, because
    /// the idempotency layer would only replay them.
    pub(super) fn failed(hint: RetryHint) -> Self {
        let answer = Self::from(ApiError::internal());
        match hint {
            RetryHint::Pointless => answer.with(SHOULD_RETRY, HeaderValue::from_static("false")),
            RetryHint::None => answer,
        }
    }

    /// A 502 that is not Stripe's.
    pub(super) fn page_of_a_proxy() -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            body: Body::Text(Bytes::from_static(BAD_GATEWAY.as_bytes())),
            facts: Facts::default(),
            headers: vec![(header::CONTENT_TYPE, HTML)],
        }
    }

    fn json(status: StatusCode, body: &Value) -> Self {
        let headers = vec![(header::CONTENT_TYPE, JSON)];
        // Not a byte more than it is long: it may be kept under a key.
        let body = body.to_string().into_boxed_str().into_boxed_bytes();
        Self { status, body: Body::Text(body.into()), facts: Facts::default(), headers }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// What a 500 says of trying again, in `Stripe-Should-Retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryHint {
    /// `false`: a repeat has no further effect.
    Pointless,
    /// No header: the server does not know.
    None,
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        let facts = Facts { said: error.code().map(str::to_owned), ..Facts::default() };
        let answer = Self { facts, ..Self::json(error.status, &error.body()) };
        match error.limiter {
            Some(by) => answer.with(RATE_LIMITED_REASON, HeaderValue::from_static(by.reason())),
            None => answer,
        }
    }
}

impl Facts {
    fn about(intent: &Intent) -> Self {
        Self {
            intent: Some(intent.id.clone()),
            payment: intent.payment().map(str::to_owned),
            ..Self::default()
        }
    }
}

/// What an answer echoes of its request.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    pub(super) request_id: String,
    pub(super) key: Option<HeaderValue>,
    /// Under which the request is answered; absent when its header names none that there is.
    pub(super) version: Option<Version>,
}

impl Envelope {
    pub(super) fn of(headers: &HeaderMap, request_id: String) -> Self {
        let version = match headers.get(STRIPE_VERSION) {
            Some(name) => name.to_str().ok().and_then(Version::named),
            None => Some(Version::DEFAULT),
        };
        Self { request_id, key: headers.get(IDEMPOTENCY_KEY).cloned(), version }
    }

    /// Wraps a first answer.
    pub(super) fn wrap(self, answer: Answer) -> Response<Bytes> {
        let mut response = Response::new(match answer.body {
            Body::Text(text) => text,
            Body::Intent(intent) => intent.to_json().to_string().into(),
        });
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.extend(answer.headers);
        headers.insert(REQUEST_ID, id_header(&self.request_id));
        let version = self.version.unwrap_or(Version::DEFAULT);
        headers.insert(STRIPE_VERSION, HeaderValue::from_static(version.name()));
        if let Some(key) = self.key {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        response
    }

    /// Wraps an answer that was first given to the request `original`.
    pub(super) fn wrap_replay(self, answer: Answer, original: &str) -> Response<Bytes> {
        let mut response = self.wrap(answer);
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        response.headers_mut().insert(ORIGINAL_REQUEST, id_header(original));
        response
    }
}

fn id_header(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).expect("ids are drawn from letters and digits")
}
