//! One container's way to the services: the HTTP client its AWS SDK is given.
//!
//! A call passes a hop of the container's link, waits out a latency, takes effect, and passes a second hop. A plan may
//! refuse it before the effect, or lose its answer after it.
//! Invariant: a call that a dead container had not sent never takes effect, and every call costs at least a virtual
//! millisecond. (One it had sent may: its latency and the kill can end at the same instant.)

#[cfg(test)]
mod tests;

use super::iam::Principal;
use super::plans::Faultless;
use super::reply::Reply;
use super::services::{Caller, Service, Services};
use crate::link::Link;
use crate::random::Stream;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use payments::UnixMs;
use std::sync::{Arc, Mutex, PoisonError};

/// Latency of a call, drawn evenly from this range: SQS, virtual milliseconds.
const SQS_MS: (u64, u64) = (4, 12);
/// The same for DynamoDB, whose single-digit milliseconds are its selling point.
const DYNAMODB_MS: (u64, u64) = (2, 8);
/// The same for Secrets Manager.
const SECRETS_MS: (u64, u64) = (8, 30);
/// The same for SNS.
const SNS_MS: (u64, u64) = (10, 40);
/// The same for CloudWatch.
const CLOUDWATCH_MS: (u64, u64) = (10, 40);

/// The id of the invocation a container is working on; shared by all of its wires, empty during init.
#[derive(Clone, Debug, Default)]
pub struct CurrentRequest(Arc<Mutex<Arc<str>>>);

impl CurrentRequest {
    /// The current id.
    #[must_use]
    pub fn get(&self) -> Arc<str> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on the container works on `request`.
    pub fn set(&self, request: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::from(request);
    }
}

/// Latencies of one world, a stream for each service, so that a call to one never shifts another's draws.
#[derive(Clone, Debug)]
pub struct Latencies(Arc<Mutex<Draws>>);

#[derive(Debug)]
struct Draws {
    sqs: Stream,
    dynamodb: Stream,
    secrets: Stream,
    sns: Stream,
    cloudwatch: Stream,
}

impl Latencies {
    /// The latencies of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Draws {
            sqs: Stream::new(seed, "latency sqs"),
            dynamodb: Stream::new(seed, "latency dynamodb"),
            secrets: Stream::new(seed, "latency secrets"),
            sns: Stream::new(seed, "latency sns"),
            cloudwatch: Stream::new(seed, "latency cloudwatch"),
        })))
    }

    fn draw_ms(&self, service: Service) -> i64 {
        let mut draws = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (stream, (low, high)) = match service {
            Service::Sqs => (&mut draws.sqs, SQS_MS),
            Service::DynamoDb => (&mut draws.dynamodb, DYNAMODB_MS),
            Service::Secrets => (&mut draws.secrets, SECRETS_MS),
            Service::Sns => (&mut draws.sns, SNS_MS),
            Service::CloudWatch => (&mut draws.cloudwatch, CLOUDWATCH_MS),
        };
        i64::try_from(stream.between(low, high)).unwrap_or(i64::MAX)
    }
}

/// A call that has reached its service.
#[derive(Clone, Copy, Debug)]
pub struct ServiceCall<'a> {
    /// The service.
    pub service: Service,
    /// `UpdateItem`, `Publish`, …
    pub operation: &'a str,
    /// The request's body: JSON, or a form.
    pub body: &'a [u8],
    /// The invocation that is calling; empty during init.
    pub request: &'a str,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFate {
    /// Its service answers it.
    Answered,
    /// Its service answers it, and shows how things stood so many ms ago where it promises no more.
    AnsweredLate(i64),
    /// Its service is overloaded, and does nothing.
    Refused,
    /// Its service does what was asked, and the connection is reset before the answer arrives.
    AnswerLost,
}

/// Decides what becomes of calls.
pub trait CallPlan: Send + Sync {
    /// What becomes of this call.
    fn of_call(&self, call: &ServiceCall<'_>, now: UnixMs) -> CallFate;
}

/// The AWS services as one container sees them. Cheap to clone.
#[derive(Clone)]
pub struct Wire {
    services: Services,
    latencies: Latencies,
    link: Link,
    request: CurrentRequest,
    plan: Arc<dyn CallPlan>,
    /// Whose permissions count.
    who: Option<Arc<Principal>>,
}

impl Wire {
    /// A wire that counts its hops on `link` and journals under `request`.
    #[must_use]
    pub fn new(services: Services, latencies: Latencies, link: Link, request: CurrentRequest) -> Self {
        Self { services, latencies, link, request, plan: Arc::new(Faultless), who: None }
    }

    /// The same wire, for somebody whose permissions count.
    #[must_use]
    pub fn of(self, who: Option<Arc<Principal>>) -> Self {
        Self { who, ..self }
    }

    /// The same wire, under a plan for its calls.
    #[must_use]
    pub fn under(self, plan: Arc<dyn CallPlan>) -> Self {
        Self { plan, ..self }
    }

    /// Carries a request there and its answer back.
    ///
    /// # Errors
    /// When the connection is reset.
    pub async fn carry(self, target: Option<&str>, body: &[u8]) -> Result<Reply, ConnectorError> {
        let Some((service, operation)) = Service::of_request(target, body) else {
            return Ok(unknown_target(target));
        };
        let away = self.link.leave(service.effect()).await;
        let clock = self.services.clock();
        clock.sleep_until(clock.now().plus_ms(self.latencies.draw_ms(service))).await;
        let request = self.request.get();
        let call = ServiceCall { service, operation: &operation, body, request: &request };
        let fate = self.plan.of_call(&call, clock.now());
        let reply = match fate {
            CallFate::Answered | CallFate::AnswerLost | CallFate::AnsweredLate(_) => {
                let behind_ms = if let CallFate::AnsweredLate(ms) = fate { ms } else { 0 };
                let caller = Caller { who: self.who.as_deref(), request: &request, behind_ms };
                self.services.answer(service, &operation, body, caller).await
            }
            CallFate::Refused => service.overloaded(),
        };
        away.back().await;
        match fate {
            CallFate::Answered | CallFate::AnsweredLate(_) | CallFate::Refused => Ok(reply),
            CallFate::AnswerLost => Err(ConnectorError::io("connection reset by peer".into())),
        }
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Wire").field("link", &self.link).finish_non_exhaustive()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").map(str::to_owned);
        let target = target.or_else(|| rpc_target(request.uri()));
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            // What the SDK sends is in memory; a streaming body would be of a protocol none of these services speaks.
            let body = request.body().bytes().unwrap_or_default();
            response(wire.carry(target.as_deref(), body).await?)
        })
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The target that the path of an RPC v2 request names: `/service/SERVICE/operation/OPERATION`.
#[must_use]
pub fn rpc_target(uri: &str) -> Option<String> {
    let (_, path) = uri.split_once("/service/")?;
    let (service, operation) = path.split_once("/operation/")?;
    Some(format!("{service}.{operation}"))
}

fn unknown_target(target: Option<&str>) -> Reply {
    let text = match target {
        Some(target) => format!("No embedded service answers to {target}."),
        None => {
            "No embedded service answers a request with neither x-amz-target nor a form for SNS.".to_owned()
        }
    };
    Reply::error(400, "UnknownOperationException", &text)
}

fn response(reply: Reply) -> Result<HttpResponse, ConnectorError> {
    let mut response =
        http::Response::builder().status(reply.status).header("content-type", reply.content_type);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let response = response
        .body(SdkBody::from(reply.body))
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}
