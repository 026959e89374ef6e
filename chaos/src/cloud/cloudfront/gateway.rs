//! An HTTP API of API Gateway, which hands what it is given to a queue by itself.
//!
//! Invariant: what it says was taken is in the queue; it looks at no body.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services.html>

use super::config::{Authorization, HttpApiConfig, RouteConfig};
use super::message::{Request, Response};
use crate::bucket::Bucket;
use crate::cloud::iam::Principal;
use crate::cloud::names;
use crate::cloud::services::{Caller, Service, Services};
use crate::random::Stream;
use payments::UnixMs;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

const APIGATEWAY: &str = "apigateway.amazonaws.com";
/// How long it takes, drawn evenly: virtual ms, SQS included.
const TAKES_MS: (u64, u64) = (10, 60);

/// What is put into the queue, for whoever keeps count: when, SQS's id, the body. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct HandedIn(Arc<Mutex<Vec<(UnixMs, String, String)>>>);

impl HandedIn {
    /// Everything that was handed in since this was last asked.
    #[must_use]
    pub fn take(&self) -> Vec<(UnixMs, String, String)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, at: UnixMs, message: String, body: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((at, message, body));
    }
}

/// One HTTP API.
pub(super) struct HttpApi {
    config: HttpApiConfig,
    services: Services,
    handed_in: HandedIn,
    state: Mutex<State>,
}

struct State {
    room: Bucket,
    takes: Stream,
}

impl HttpApi {
    pub(super) fn new(config: HttpApiConfig, services: Services, handed_in: HandedIn, seed: u64) -> Self {
        let room = Bucket::full(i64::from(config.rate_per_s), i64::from(config.burst));
        let state = State { room, takes: Stream::new(seed, "latency http api") };
        Self { config, services, handed_in, state: Mutex::new(state) }
    }

    pub(super) async fn answer(&self, request: &Request) -> Response {
        let clock = *self.services.clock();
        let takes_ms = self.takes_ms();
        clock.sleep_until(clock.now().plus_ms(takes_ms)).await;
        let Some(route) = self.config.routes.get(&format!("{} {}", request.method, request.path)) else {
            return said(404, "Not Found");
        };
        if !self.has_room(clock.now()) {
            return said(429, "Too Many Requests");
        }
        if !is_authorized(&route.authorization, request) {
            return said(401, "Unauthorized");
        }
        self.hand_over(route, &request.body, clock.now()).await
    }

    async fn hand_over(&self, route: &RouteConfig, body: &str, now: UnixMs) -> Response {
        let gateway = Principal::Service { name: APIGATEWAY, source: names::api_arn(&self.config.id) };
        let assumed = self.services.iam().ask(&gateway, "sts:AssumeRole", &names::role_arn(&route.role));
        if assumed.is_err() {
            return said(500, "Internal Server Error");
        }
        let who = Principal::Function { role: route.role.clone(), function: self.config.id.clone() };
        let call = json!({ "QueueUrl": names::queue_url(&route.queue), "MessageBody": body }).to_string();
        let caller = Caller { who: Some(&who), ..Caller::default() };
        let reply = self.services.answer(Service::Sqs, "SendMessage", call.as_bytes(), caller).await;
        let told: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        match told.get("MessageId").and_then(Value::as_str) {
            Some(message) if reply.status == 200 => {
                self.handed_in.add(now, message.to_owned(), body.to_owned());
                let headers = [("content-type".to_owned(), "text/xml".to_owned())].into();
                let body =
                    format!("<SendMessageResponse><MessageId>{message}</MessageId></SendMessageResponse>");
                Response { status: 200, headers, body }
            }
            // The status of SQS is the gateway's, and so are its words.
            _ => Response::text(reply.status.max(400), &String::from_utf8_lossy(&reply.body)),
        }
    }

    /// Whether the stage's throttling lets a request in.
    fn has_room(&self, now: UnixMs) -> bool {
        let room = &mut self.state.lock().unwrap_or_else(PoisonError::into_inner).room;
        let has_room = room.has_one(now);
        if has_room {
            room.take();
        }
        has_room
    }

    fn takes_ms(&self) -> i64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        i64::try_from(state.takes.between(TAKES_MS.0, TAKES_MS.1)).unwrap_or(i64::MAX)
    }
}

/// A token of an issuer that signs nothing: who names issuer and audience is believed. Real tokens are for the gateway to
/// verify, which is not what a run is about.
#[must_use]
pub fn token(authorization: &Authorization) -> String {
    match authorization {
        Authorization::Jwt { issuer, audience } => format!("Bearer {issuer} for {}", audience.join(" ")),
        Authorization::Iam => "AWS4-HMAC-SHA256".to_owned(),
    }
}

fn is_authorized(authorization: &Authorization, request: &Request) -> bool {
    request.headers.get("authorization").is_some_and(|given| *given == token(authorization))
}

fn said(status: u16, message: &str) -> Response {
    let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
    Response { status, headers, body: json!({ "message": message }).to_string() }
}
