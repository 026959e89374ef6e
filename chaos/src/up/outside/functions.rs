//! Lambda's REST API: functions are invoked and described, their event sources enabled and disabled.
//!
//! Invariant: a function is invoked as its alarms and its schedule invoke it, through the same containers.

use super::releases::Named;
use super::{Outside, json_of};
use crate::cloud::config::FunctionConfig;
use crate::cloud::event_source::MappingState;
use crate::cloud::lambda::Failure;
use crate::cloud::names;
use crate::cloud::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// Below this path lies all of it.
pub(super) const BELOW: &str = "/2015-03-31/";

/// How much of its log an invocation shows that asks for it, bytes.
const TAIL_BYTES: usize = 4096;

const SUPPORTED: &str = "Invoke, ListFunctions, GetFunctionConfiguration, GetPolicy, ListVersionsByFunction, GetAlias, \
                         UpdateAlias, ListEventSourceMappings, GetEventSourceMapping and UpdateEventSourceMapping";

impl Outside {
    pub(super) async fn functions(&self, head: &Parts, body: Bytes) -> Reply {
        let path = percent_decode_str(head.uri.path()).decode_utf8_lossy().into_owned();
        let query = head.uri.query().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches(BELOW).trim_end_matches('/').split('/').collect();
        match (&head.method, parts.as_slice()) {
            (&Method::POST, ["functions", name, "invocations"]) => match self.named(name, query) {
                Ok(named) => self.invoke(&named, head, body).await,
                Err(reply) => reply,
            },
            (&Method::GET, ["functions"]) => {
                let all = self.functions.values().map(|function| Named { function, qualifier: None });
                Reply::ok(&json!({ "Functions": all.map(|named| described(&named)).collect::<Vec<_>>() }))
            }
            (&Method::GET, ["functions", name, "configuration"]) => {
                self.named(name, query).map_or_else(|reply| reply, |named| Reply::ok(&described(&named)))
            }
            (&Method::GET, ["functions", name, "policy"]) => {
                self.named(name, query).map_or_else(|reply| reply, |named| policy(&named))
            }
            (&Method::GET, ["functions", name, "versions"]) => self.versions(name),
            (&Method::GET, ["functions", name, "aliases", alias]) => self.alias(name, alias),
            (&Method::PUT, ["functions", name, "aliases", alias]) => self.point(name, alias, &body),
            (&Method::GET, ["event-source-mappings"]) => self.mappings(query),
            (method, ["event-source-mappings", uuid]) => self.mapping(method, uuid, &body),
            (method, _) => {
                let text = format!("No {method} {path} here; the embedded Lambda supports {SUPPORTED}.");
                refused(404, "UnknownOperationException", &text)
            }
        }
    }

    async fn invoke(&self, named: &Named<'_>, head: &Parts, body: Bytes) -> Reply {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let payload = if body.is_empty() { b"{}".to_vec() } else { body.to_vec() };
        if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
            let text = format!("Could not parse request body into json: {error}");
            return refused(400, "InvalidRequestContentException", &text);
        }
        let config = named.config();
        match header("x-amz-invocation-type").unwrap_or("RequestResponse") {
            "RequestResponse" => {}
            "Event" => {
                let request = (self.accept)(&config.logical_id, payload).unwrap_or_default();
                return Reply::json_text(202, Vec::new()).with_header("x-amzn-requestid", request);
            }
            "DryRun" => return Reply::json_text(204, Vec::new()),
            other => {
                let text = format!("invocation type {other}; accepted: RequestResponse, Event, DryRun");
                return refused(400, "InvalidParameterValueException", &text);
            }
        }
        let ended = named.function.pool.invoke(payload, Vec::new()).await;
        let reply = match &ended.outcome {
            Ok(answer) => Reply::json_text(200, answer.clone()),
            Err(failure) => Reply::json(200, &failed(failure, config, &ended.request))
                .with_header("x-amz-function-error", "Unhandled".to_owned()),
        };
        let reply = reply
            .with_header("x-amzn-requestid", ended.request)
            .with_header("x-amz-executed-version", named.version().to_owned());
        if header("x-amz-log-type") == Some("Tail") {
            return reply.with_header("x-amz-log-result", STANDARD.encode(self.tail(config)));
        }
        reply
    }

    /// The end of a function's log.
    fn tail(&self, function: &FunctionConfig) -> String {
        let text = self.logs.of(&function.log_group, |group| {
            let newest = group.lines.iter().rev().map(|line| line.text.as_str());
            let mut bytes = 0;
            let fits = newest.take_while(|text| {
                bytes += text.len() + 1;
                bytes <= TAIL_BYTES
            });
            fits.collect::<Vec<_>>().into_iter().rev().map(|text| format!("{text}\n")).collect()
        });
        text.unwrap_or_default()
    }

    fn mappings(&self, query: &str) -> Reply {
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "FunctionName");
        let named = match asked.map(|(_, name)| self.named(&name, "")).transpose() {
            Ok(named) => named,
            Err(reply) => return reply,
        };
        let is_asked = |config: &FunctionConfig| {
            named.as_ref().is_none_or(|named| named.is_invoked() && named.config().name == config.name)
        };
        let all = self.functions.values().filter(|function| is_asked(function.pool.config()));
        let rendered = all.flat_map(|function| {
            function
                .sources
                .iter()
                .map(|source| mapping(function.pool.config(), source.queue(), source.state()))
        });
        Reply::ok(&json!({ "EventSourceMappings": rendered.collect::<Vec<_>>() }))
    }

    fn mapping(&self, method: &Method, uuid: &str, body: &[u8]) -> Reply {
        let mut all = self
            .functions
            .values()
            .flat_map(|function| function.sources.iter().map(move |source| (function.pool.config(), source)));
        let Some((config, source)) = all.find(|(config, source)| uuid_of(config, source.queue()) == uuid)
        else {
            let text = "The resource you requested does not exist.";
            return refused(404, "ResourceNotFoundException", text);
        };
        if *method == Method::PUT {
            match json_of(body)["Enabled"].as_bool() {
                Some(true) => source.set(MappingState::Enabled),
                Some(false) => source.set(MappingState::Disabled),
                None => {}
            }
        }
        Reply::ok(&mapping(config, source.queue(), source.state()))
    }
}

fn described(named: &Named<'_>) -> Value {
    let function = named.config();
    json!({
        "FunctionName": function.name,
        "FunctionArn": named.arn(),
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": function.role.as_ref().map(|role| names::role_arn(role)),
        "Timeout": function.timeout_s,
        "MemorySize": function.memory_mb,
        "Version": named.version(),
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Environment": { "Variables": function.environment },
        "LoggingConfig": { "LogGroup": function.log_group },
    })
}

/// Who may invoke it: the rules that do. An alias has a policy of its own.
fn policy(named: &Named<'_>) -> Reply {
    let function = named.config();
    if !named.is_invoked() {
        return refused(404, "ResourceNotFoundException", "The resource you requested does not exist.");
    }
    let rules = function.rules.iter().map(|rule| &rule.name);
    let statements = rules.chain(function.schedules.iter().map(|schedule| &schedule.name)).map(|rule| {
        json!({
            "Sid": rule, "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
            "Action": "lambda:InvokeFunction", "Resource": named.arn(),
            "Condition": { "ArnLike": { "AWS:SourceArn": names::rule_arn(rule) } },
        })
    });
    let policy =
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements.collect::<Vec<_>>() });
    Reply::ok(&json!({ "Policy": policy.to_string() }))
}

fn mapping(function: &FunctionConfig, queue: &str, state: MappingState) -> Value {
    let state = match state {
        MappingState::Enabled => "Enabled",
        MappingState::Disabled => "Disabled",
    };
    json!({
        "UUID": uuid_of(function, queue),
        "EventSourceArn": names::queue_arn(queue),
        "FunctionArn": function.invoked_arn(),
        "State": state,
        "StateTransitionReason": "USER_INITIATED",
    })
}

/// An id made of the names alone, so that it is the same at every start.
fn uuid_of(function: &FunctionConfig, queue: &str) -> String {
    let digest = format!("{:x}", md5::compute(format!("{} {queue}", function.name)));
    let parts = [&digest[..8], &digest[8..12], &digest[12..16], &digest[16..20], &digest[20..]];
    parts.join("-")
}

/// What a caller gets in the place of an answer.
fn failed(failure: &Failure, function: &FunctionConfig, request: &str) -> Value {
    let (kind, message) = match failure {
        Failure::Error(said) => ("Unhandled", said.clone()),
        Failure::Crash => {
            ("Runtime.ExitError", format!("RequestId: {request} Error: Runtime exited with error"))
        }
        Failure::OutOfMemory => (
            "Runtime.OutOfMemory",
            format!("RequestId: {request} Error: Runtime exited with error: signal: killed"),
        ),
        Failure::Timeout => (
            "Sandbox.Timedout",
            format!("RequestId: {request} Error: Task timed out after {}.00 seconds", function.timeout_s),
        ),
        Failure::Init(said) => ("Runtime.ExitError", format!("RequestId: {request} Error: {said}")),
        Failure::Throttled => ("TooManyRequestsException", "Rate Exceeded.".to_owned()),
    };
    json!({ "errorType": kind, "errorMessage": message })
}

pub(super) fn refused(status: u16, kind: &'static str, message: &str) -> Reply {
    Reply::json(status, &json!({ "Type": "User", "Message": message }))
        .with_header("x-amzn-errortype", kind.to_owned())
}
