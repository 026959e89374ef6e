//! What stands behind the caches: a function's URL, an HTTP API, a bucket.
//!
//! Invariant: CloudFront waits for an origin no longer than its configuration says; what it began there goes on.

use super::config::OriginConfig;
use super::gateway::HttpApi;
use super::message::{Headers, Request, Response};
use super::plan::{EdgePlan, OriginFate};
use crate::clock::Clock;
use crate::cloud::crew::Crew;
use crate::cloud::iam::Principal;
use crate::cloud::lambda::{Failure, Pool};
use crate::cloud::names;
use crate::cloud::services::Services;
use crate::journal::{EdgeEvent, Journal};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Who CloudFront is, when it signs.
const CLOUDFRONT: &str = "cloudfront.amazonaws.com";
/// What a function's URL asks of whoever is signed, since October 2025.
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
const INVOKES: [&str; 2] = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];
/// An origin that fails says so soon, ms.
const FAILS_MS: i64 = 20;

/// The objects of a bucket, by path. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Objects(Arc<Mutex<BTreeMap<String, Arc<Response>>>>);

impl Objects {
    /// Puts an object there.
    pub fn put(&self, path: &str, object: Response) {
        let mut objects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        objects.insert(path.to_owned(), Arc::new(object));
    }

    fn get(&self, path: &str) -> Option<Response> {
        let objects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        objects.get(path).map(|object| object.as_ref().clone())
    }
}

/// What answers at an origin.
pub(super) enum Answers {
    Function(Arc<Pool>),
    Api(Arc<HttpApi>),
    Bucket { name: String, objects: Objects },
}

/// One origin.
pub(super) struct Origin {
    pub(super) id: String,
    pub(super) config: OriginConfig,
    pub(super) answers: Answers,
    /// ARN of the distribution that asks.
    pub(super) distribution: String,
    pub(super) services: Services,
    pub(super) plan: Arc<dyn EdgePlan>,
    pub(super) crew: Crew,
    pub(super) journal: Journal,
}

impl Origin {
    /// Asks it, and gives it no longer than it may take.
    pub(super) async fn ask(self: &Arc<Self>, request: Request) -> Response {
        let began = self.clock().now();
        let path = request.path.clone();
        let fate = self.fate(&request, began);
        let response = match fate {
            OriginFate::Fails => {
                self.sleep_ms(FAILS_MS).await;
                Response::text(502, "The origin closed the connection.")
            }
            OriginFate::Throttles => {
                self.sleep_ms(FAILS_MS).await;
                Response::text(429, "Rate Exceeded.")
            }
            OriginFate::Unreachable => {
                self.sleep_ms(self.patience_ms(&request, self.config.connect_s)).await;
                Response::text(504, "The origin could not be connected to.")
            }
            OriginFate::Hangs => self.give_up(&request).await,
            OriginFate::AnswerLost => {
                self.crew.start(Arc::clone(self).answer_nobody(request.clone()));
                self.give_up(&request).await
            }
            OriginFate::Answers => self.ask_patiently(request).await,
        };
        let (status, ms) = (response.status, self.clock().now().since_ms(began));
        let origin = self.id.clone();
        self.journal.record(self.clock().now(), EdgeEvent::OriginAsked { origin, path, status, ms });
        response
    }

    fn fate(&self, request: &Request, now: UnixMs) -> OriginFate {
        match &self.answers {
            Answers::Function(_) => self.plan.of_look(&request.path, now),
            Answers::Api(_) => {
                let payment = request.headers.get("payment-id").map_or("", String::as_str);
                self.plan.of_hand_in(payment, now)
            }
            Answers::Bucket { .. } => OriginFate::Answers,
        }
    }

    /// What was begun is not ended by whoever waits no longer for it.
    async fn ask_patiently(self: &Arc<Self>, request: Request) -> Response {
        let (sender, receiver) = oneshot::channel();
        let (asked, given) = (Arc::clone(self), request.clone());
        self.crew.start(async move {
            let response = asked.answer(given).await;
            // Whoever does not wait any more has gone.
            let _ = sender.send(response);
        });
        tokio::select! {
            biased;
            Ok(response) = receiver => response,
            response = self.give_up(&request) => response,
        }
    }

    async fn answer_nobody(self: Arc<Self>, request: Request) {
        self.answer(request).await;
    }

    async fn give_up(&self, request: &Request) -> Response {
        self.sleep_ms(self.patience_ms(request, self.config.read_s)).await;
        Response::text(504, "The origin did not answer in time.")
    }

    async fn answer(&self, request: Request) -> Response {
        match &self.answers {
            Answers::Function(pool) => self.invoke(pool, &request).await,
            Answers::Api(api) => api.answer(&request).await,
            Answers::Bucket { name, objects } => {
                let arn = names::object_arn(name, request.path.trim_start_matches('/'));
                if !self.may(["s3:GetObject"], &arn) {
                    return Response::text(403, "AccessDenied");
                }
                // To whoever may not list a bucket, what is not there looks like what is forbidden.
                objects.get(&request.path).unwrap_or_else(|| Response::text(403, "AccessDenied"))
            }
        }
    }

    async fn invoke(&self, pool: &Arc<Pool>, request: &Request) -> Response {
        if !self.may(INVOKES, &names::function_arn(&pool.config().name)) {
            return Response::text(403, r#"{"Message":"Forbidden"}"#);
        }
        let ended = pool.invoke(event(request, self.clock().now()), Vec::new()).await;
        match ended.outcome {
            Ok(answer) => answered(&answer).unwrap_or_else(|| Response::text(502, "Internal Server Error")),
            Err(Failure::Throttled) => {
                Response::text(429, r#"{"Reason":"ConcurrentInvocationLimitExceeded"}"#)
            }
            Err(_) => Response::text(502, "Internal Server Error"),
        }
    }

    fn may<const N: usize>(&self, actions: [&'static str; N], resource: &str) -> bool {
        let who = Principal::Service { name: CLOUDFRONT, source: self.distribution.clone() };
        let asks = |action| self.services.iam().ask(&who, action, resource).is_ok();
        self.config.signs && actions.into_iter().all(asks)
    }

    /// How long it is waited for, ms, if each try may take so long: as often as is configured, but for what may not be
    /// done twice.
    /// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html>
    fn patience_ms(&self, request: &Request, each_s: u32) -> i64 {
        let tries = if request.is_cacheable() { self.config.attempts } else { 1 };
        1_000 * i64::from(each_s) * i64::from(tries)
    }

    async fn sleep_ms(&self, ms: i64) {
        self.clock().sleep_until(self.clock().now().plus_ms(ms)).await;
    }

    fn clock(&self) -> &Clock {
        self.services.clock()
    }
}

/// A request as a function's URL hands it on, payload format 2.0.
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>
fn event(request: &Request, now: UnixMs) -> Vec<u8> {
    let Request { method, path, headers, .. } = request;
    let http = json!({
        "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "Amazon CloudFront",
    });
    let context = json!({
        "accountId": names::ACCOUNT, "apiId": "status", "domainName": "status.lambda-url.on.aws", "domainPrefix": "status",
        "http": http, "requestId": "", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": now.0,
    });
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": context, "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}

/// A function's answer; `None` for one that its URL does not understand.
fn answered(answer: &[u8]) -> Option<Response> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let status = u16::try_from(answer.get("statusCode")?.as_u64()?).ok()?;
    let headers = answer.get("headers").and_then(Value::as_object);
    let headers: Headers = headers
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned())))
        .collect();
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Response { status, headers, body })
}
