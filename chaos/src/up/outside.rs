//! AWS as a client outside meets it: every service behind one port, told apart by what the request says.
//!
//! A caller from outside is no part of the stack, and nobody asks what it may do.
//! Invariant: what is not there is answered in its own service's form, and says what is.

mod cloudformation;
mod cloudwatch;
mod events;
mod functions;
mod logs;
mod pattern;
mod releases;

use super::door::{REQUEST_BYTES_MAX, TARGET, response};
use super::logs::Logs;
use super::page::{self, Breakers};
use crate::cloud::event_source::EventSource;
use crate::cloud::lambda::Pool;
use crate::cloud::names;
use crate::cloud::reply::Reply;
use crate::cloud::services::{Caller, Service, Services};
use crate::cloud::wire::rpc_target;
use crate::serve::control::Control;
use crate::serve::guard;
use crate::serve::said::{too_long, whole};
use crate::serve::socket::Reset;
use crate::stripe::Provider;
use crate::world::Deployed;
use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

/// What there is.
const SERVICES: &str = "SQS, SNS, DynamoDB, Lambda, CloudWatch, CloudWatch Logs, EventBridge, Secrets Manager, \
                        CloudFormation and STS";

/// Hands an event to a function, given its logical id; the id of the invocation.
pub(super) type Accept = Arc<dyn Fn(&str, Vec<u8>) -> Option<String> + Send + Sync>;

/// A function, as it is invoked from outside.
pub(super) struct Callable {
    pub(super) pool: Arc<Pool>,
    pub(super) sources: Vec<Arc<EventSource>>,
}

/// The account, seen from outside.
pub(super) struct Outside {
    pub(super) services: Services,
    pub(super) stripe: Provider,
    /// Stripe's faults and its book.
    pub(super) control: Control,
    pub(super) logs: Logs,
    /// What the logs said of the consumer's breakers.
    pub(super) breakers: Mutex<Breakers>,
    pub(super) deployed: Deployed,
    /// By name as deployed.
    pub(super) functions: BTreeMap<String, Callable>,
    pub(super) accept: Accept,
    /// Where this is, for addresses that clients are given: `http://127.0.0.1:PORT`.
    pub(super) base: String,
    /// How many payments were made up and sent.
    pub(super) sent: AtomicU32,
}

impl Outside {
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        if let Some(foreign) = guard::refused(request.method(), request.headers()) {
            return Ok(foreign);
        }
        let (head, body) = request.into_parts();
        let Some(body) = whole(body, REQUEST_BYTES_MAX).await else { return Ok(too_long(REQUEST_BYTES_MAX)) };
        let path = head.uri.path();
        if path.starts_with(page::BELOW) || head.method == Method::GET && path == page::PAGE {
            return Ok(page::answer(&self, &head, body).await);
        }
        let reply = if path.starts_with(functions::BELOW) {
            self.functions(&head, body).await
        } else {
            self.service(&head, &body).await
        };
        Ok(response(self.local(reply)))
    }

    async fn service(&self, head: &Parts, body: &Bytes) -> Reply {
        let target = head.headers.get(TARGET).and_then(|value| value.to_str().ok());
        let cbor = rpc_target(head.uri.path());
        match (target.or(cbor.as_deref()), form(body)) {
            (Some(target), _) => match target.split_once('.') {
                Some(("Logs_20140328", operation)) => self.logs(operation, body),
                Some(("AWSEvents", operation)) => self.events(operation, body),
                Some((_, operation)) if cbor.is_none() && is_cloudwatch(target) => {
                    self.cloudwatch(operation, body)
                }
                Some(("AmazonSQS", "ListQueues")) => self.queues(body),
                _ => self.embedded(Some(target), body).await,
            },
            (None, Some((cloudformation::VERSION, operation))) => self.cloudformation(&operation, body),
            (None, Some((STS_VERSION, operation))) => identity(&operation),
            (None, Some((SQS_VERSION, _))) => xml_error(
                SQS_VERSION,
                "UnsupportedOperation",
                "SQS is spoken to in JSON here, as AWS's clients have done since November 2023.",
            ),
            (None, _) => self.embedded(None, body).await,
        }
    }

    /// What the services answer that the functions call, too.
    async fn embedded(&self, target: Option<&str>, body: &[u8]) -> Reply {
        match Service::of_request(target, body) {
            Some((service, operation)) => {
                self.services.answer(service, &operation, body, Caller::default()).await
            }
            None => {
                let said = target.map_or("This request".to_owned(), str::to_owned);
                let text = format!("{said} is of no service that is here; here are {SERVICES}.");
                Reply::error(400, "UnknownOperationException", &text)
            }
        }
    }

    fn queues(&self, body: &[u8]) -> Reply {
        let prefix = json_of(body)["QueueNamePrefix"].as_str().unwrap_or_default().to_owned();
        let queues = self.deployed.stack.queues.values().filter(|queue| queue.name.starts_with(&prefix));
        let urls: Vec<String> = queues.map(|queue| names::queue_url(&queue.name)).collect();
        Reply::ok(&json!({ "QueueUrls": urls }))
    }

    /// The same reply with queue URLs that lead here: clients send to where a URL says.
    fn local(&self, mut reply: Reply) -> Reply {
        let url = names::queue_url("");
        let (account, _) = url.trim_end_matches('/').rsplit_once('/').unwrap_or((&url, ""));
        if let Ok(text) = std::str::from_utf8(&reply.body)
            && text.contains(account)
        {
            reply.body = text.replace(account, &self.base).into_bytes();
        }
        reply
    }
}

const STS_VERSION: &str = "2011-06-15";
const SQS_VERSION: &str = "2012-11-05";

fn is_cloudwatch(target: &str) -> bool {
    Service::of_target(target).is_some_and(|(service, _)| service == Service::CloudWatch)
}

fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// `Version` and `Action` of a form of the query protocol.
fn form(body: &[u8]) -> Option<(&'static str, String)> {
    let field = |name: &str| {
        form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let version = field("Version")?;
    let known = [cloudformation::VERSION, STS_VERSION, SQS_VERSION];
    Some((known.into_iter().find(|known| *known == version)?, field("Action")?))
}

/// Who outside is: nobody in particular, of this account.
fn identity(operation: &str) -> Reply {
    if operation != "GetCallerIdentity" {
        let text = format!("The embedded STS does not support {operation}; it supports GetCallerIdentity.");
        return xml_error(STS_VERSION, "InvalidAction", &text);
    }
    let account = names::ACCOUNT;
    Reply::xml(
        200,
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/{STS_VERSION}/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{account}:user/outside</Arn><UserId>AIDAOUTSIDE</UserId><Account>{account}</Account>\
             </GetCallerIdentityResult><ResponseMetadata><RequestId>outside</RequestId></ResponseMetadata>\
             </GetCallerIdentityResponse>"
        ),
    )
}

/// An error of the query protocol.
fn xml_error(version: &str, code: &str, message: &str) -> Reply {
    Reply::xml(
        400,
        format!(
            "<ErrorResponse xmlns=\"http://amazonaws.com/doc/{version}/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{}</Message></Error><RequestId>outside</RequestId></ErrorResponse>",
            escaped(message)
        ),
    )
}

/// Text as XML carries it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
