//! What a CloudFront Function is shown and what it says: requests and responses as events.
//!
//! Invariant: what it does not say it changed stays as it was.
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html>

use super::message::{Headers, Request, Response};
use crate::cloud::wildcard;
use serde_json::{Map, Value, json};

/// What reaches an origin under a policy that passes no header on.
const ALWAYS: [&str; 2] = ["host", "if-none-match"];

/// Whether a path is of a `PathPattern`.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    // A pattern need not begin with the slash that every path has.
    wildcard::matches(pattern.trim_start_matches('/'), path.trim_start_matches('/'))
}

/// The event of a viewer's request.
pub(super) fn request_event(distribution: &str, request: &Request) -> Value {
    event(distribution, "viewer-request", request)
}

/// The event of the response to it.
pub(super) fn response_event(distribution: &str, request: &Request, response: &Response) -> Value {
    let mut event = event(distribution, "viewer-response", request);
    event["response"] = json!({
        "statusCode": response.status, "statusDescription": "", "headers": shown(&response.headers), "cookies": {},
    });
    event
}

fn event(distribution: &str, kind: &str, request: &Request) -> Value {
    json!({
        "version": "1.0",
        "context": { "distributionDomainName": "edge.cloudfront.net", "distributionId": distribution, "eventType": kind, "requestId": "" },
        "viewer": { "ip": "192.0.2.1" },
        "request": {
            "method": request.method, "uri": request.path, "querystring": {}, "headers": shown(&request.headers), "cookies": {},
        },
    })
}

fn shown(headers: &Headers) -> Map<String, Value> {
    headers.iter().map(|(name, value)| (name.clone(), json!({ "value": value }))).collect()
}

/// Whether a function answered by itself.
pub(super) fn is_response(said: &Value) -> bool {
    said.get("statusCode").is_some()
}

/// The response that a function made.
pub(super) fn response(said: &Value) -> Response {
    let status = said.get("statusCode").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let body = said.get("body");
    let body = body.and_then(Value::as_str).or_else(|| body?.get("data")?.as_str()).unwrap_or_default();
    Response { status: status.unwrap_or(502), headers: headers(said), body: body.to_owned() }
}

/// The request that a function passes on; its body no function sees.
pub(super) fn passed_on(said: &Value, request: Request) -> Request {
    let path = said.get("uri").and_then(Value::as_str).unwrap_or(&request.path).to_owned();
    Request { path, headers: headers(said), ..request }
}

/// The same without what no policy passes on.
pub(super) fn bare(mut request: Request) -> Request {
    request.headers.retain(|name, _| ALWAYS.contains(&name.as_str()));
    request
}

fn headers(said: &Value) -> Headers {
    let headers = said.get("headers").and_then(Value::as_object).into_iter().flatten();
    headers
        .filter_map(|(name, header)| Some((name.clone(), header.get("value")?.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_path_with_wildcards() {
        for (pattern, path, expected) in [
            ("/p/*", "/p/token", true),
            ("/p/*", "/p/", true),
            ("/p/*", "/page", false),
            ("/payments", "/payments", true),
            ("/payments", "/payments/", false),
            ("*", "/anything/at/all", true),
            ("/*.html", "/trouble.html", true),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
