//! Lambda's Runtime API, as one container sees it.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! Invariant: `next` is held until there is an event: a runtime that were told "nothing yet" would end itself. What is
//! posted for another invocation than the one in hand is refused and changes nothing.

use crate::cloud::container::InvocationContext;
use crate::serve::said::{JSON, said};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot, watch};

/// Below this path lies all of it.
pub(crate) const BELOW: &str = "/2018-06-01/runtime/";

/// Largest answer of a synchronous invocation, bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// How far the init of a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Init {
    /// It has not asked for an event yet.
    Running,
    /// It has.
    Done,
    /// It posted an error; its words.
    Failed(String),
}

/// What came of an event.
pub(crate) type Outcome = Result<Vec<u8>, String>;

/// One container's Runtime API.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    state: Mutex<State>,
    offered: Notify,
    init: watch::Sender<Init>,
}

#[derive(Debug, Default)]
struct State {
    offered: Option<Event>,
    in_hand: Option<(String, oneshot::Sender<Outcome>)>,
}

#[derive(Debug)]
struct Event {
    payload: Vec<u8>,
    context: InvocationContext,
    outcome: oneshot::Sender<Outcome>,
}

impl RuntimeApi {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), offered: Notify::new(), init: watch::Sender::new(Init::Running) }
    }

    /// How the init ended.
    pub(crate) async fn init(&self) -> Init {
        let mut init = self.init.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let ended = init.wait_for(|init| *init != Init::Running).await;
        ended.map_or(Init::Running, |init| init.clone())
    }

    /// Hands an event to the runtime, at once or when it asks next.
    pub(crate) fn offer(&self, payload: Vec<u8>, context: InvocationContext) -> oneshot::Receiver<Outcome> {
        let (outcome, awaited) = oneshot::channel();
        self.state().offered = Some(Event { payload, context, outcome });
        self.offered.notify_one();
        awaited
    }

    /// Answers a request below [`BELOW`].
    pub(crate) async fn answer(&self, method: &Method, path: &str, body: Bytes) -> Response<Body> {
        let parts: Vec<&str> = path.trim_start_matches(BELOW).split('/').collect();
        match (method, parts.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => self.response(id, body),
            (&Method::POST, ["invocation", id, "error"]) => self.posted(id, Err(words(&body))),
            (&Method::POST, ["init", "error"]) => {
                self.init.send_replace(Init::Failed(words(&body)));
                accepted()
            }
            _ => refused(StatusCode::NOT_FOUND, "InvalidRequest", format!("no {method} {path}; {PATHS}")),
        }
    }

    async fn next(&self) -> Response<Body> {
        if self.state().in_hand.is_some() {
            let said = "an invocation is in hand; accepted: its response or its error first";
            return refused(StatusCode::FORBIDDEN, "InvalidStateTransition", said.to_owned());
        }
        self.init.send_replace(Init::Done);
        loop {
            let noticed = self.offered.notified();
            if let Some(response) = self.hand_out() {
                return response;
            }
            noticed.await;
        }
    }

    fn hand_out(&self) -> Option<Response<Body>> {
        let mut state = self.state();
        let Event { payload, context, outcome } = state.offered.take()?;
        let mut response = Response::new(Body::from(payload));
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("lambda-runtime-aws-request-id", context.request_id.clone()),
            ("lambda-runtime-deadline-ms", context.deadline.0.to_string()),
            ("lambda-runtime-invoked-function-arn", context.function_arn),
            ("lambda-runtime-trace-id", trace(&context.request_id)),
        ] {
            headers.insert(name, HeaderValue::from_str(&value).ok()?);
        }
        state.in_hand = Some((context.request_id, outcome));
        Some(response)
    }

    fn response(&self, id: &str, body: Bytes) -> Response<Body> {
        if body.len() <= RESPONSE_BYTES_MAX {
            return self.posted(id, Ok(body.into()));
        }
        let said = format!(
            "Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
        );
        match self.posted(id, Err(said.clone())) {
            answer if answer.status() == StatusCode::ACCEPTED => {
                refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", said)
            }
            answer => answer,
        }
    }

    fn posted(&self, id: &str, outcome: Outcome) -> Response<Body> {
        let Some((_, awaits)) = self.state().in_hand.take_if(|(request, _)| request == id) else {
            let said = format!("no invocation {id} is in hand");
            return refused(StatusCode::BAD_REQUEST, "InvalidRequestID", said);
        };
        // Whoever invoked may have given up: then the container is about to end.
        let _ = awaits.send(outcome);
        accepted()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PATHS: &str =
    "accepted: GET invocation/next, POST invocation/ID/response, POST invocation/ID/error, POST init/error";

/// X-Ray's header, as of an invocation of which no trace is kept.
fn trace(request: &str) -> String {
    let digits: String = request.chars().filter(char::is_ascii_hexdigit).collect();
    format!("Root=1-{:0<8.8}-{:0<24.24};Parent={:0<16.16};Sampled=0", digits, digits, digits)
}

/// What an error says, which is JSON with its type and its message.
fn words(body: &[u8]) -> String {
    let said: Option<Value> = serde_json::from_slice(body).ok();
    let message = said.as_ref().and_then(|said| said["errorMessage"].as_str());
    message.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

fn accepted() -> Response<Body> {
    answer(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

fn refused(status: StatusCode, kind: &str, message: String) -> Response<Body> {
    answer(status, &json!({ "errorMessage": message, "errorType": kind }))
}

fn answer(status: StatusCode, value: &Value) -> Response<Body> {
    said(status, JSON, value.to_string().into())
}
