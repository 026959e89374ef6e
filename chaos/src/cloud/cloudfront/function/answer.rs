//! What CloudFront checks of a function's answer before it goes on.
//!
//! Invariant: nothing is mended. An answer passes as it is, or the viewer gets an error.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html> and
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Longest path with its query, characters.
const URI_CHARS_MAX: usize = 8_191;
/// Longest body that a function answers by itself, bytes.
const BODY_BYTES_MAX: usize = 40 * 1024;

/// Headers that functions neither see nor add; those with an asterisk by how they begin.
const DISALLOWED: [&str; 27] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "upgrade",
    "x-accel-buffering",
    "x-accel-charset",
    "x-accel-limit-rate",
    "x-accel-redirect",
    "x-amz-cf-*",
    "x-amzn-auth",
    "x-amzn-cf-billing",
    "x-amzn-cf-id",
    "x-amzn-cf-xff",
    "x-amzn-errortype",
    "x-amzn-fle-profile",
    "x-amzn-header-count",
    "x-amzn-header-order",
    "x-amzn-lambda-integration-tag",
    "x-amzn-requestid",
    "x-cache",
    "x-edge-*",
    "x-forwarded-proto",
    "x-real-ip",
];
/// Headers of a request that stay as they came.
const FIXED_IN_REQUESTS: [&str; 4] = ["content-length", "host", "transfer-encoding", "via"];
/// Headers of an answer that stay as they came.
const FIXED_IN_RESPONSES: [&str; 2] = ["via", "warning"];

/// Whether CloudFront takes `answer` of `event`; why not.
pub(super) fn check(event: &Value, answer: &Value) -> Result<(), String> {
    let Some(fields) = answer.as_object() else {
        return Err(format!("it is {}, and neither a request nor a response", kind(answer)));
    };
    let is_request = event["context"]["eventType"] == "viewer-request";
    match (is_request, fields.contains_key("statusCode")) {
        (true, false) => check_request(&event["request"], fields),
        (true, true) => check_response(&Value::Null, fields, &FIXED_IN_REQUESTS),
        (false, true) => check_response(&event["response"], fields, &FIXED_IN_RESPONSES),
        (false, false) => Err("statusCode is missing".to_owned()),
    }
}

fn check_request(before: &Value, after: &Map<String, Value>) -> Result<(), String> {
    if after.get("method") != before.get("method") {
        return Err("the method of a request cannot be changed".to_owned());
    }
    let uri = text(after, "uri")?;
    if !uri.starts_with('/') {
        return Err(format!("uri is \"{uri}\": it begins with /"));
    }
    let query = named_values(after, "querystring")?;
    let mut chars = uri.chars().count();
    for (name, values) in &query {
        for value in values {
            check_query(name)?;
            check_query(value)?;
            chars += name.chars().count() + value.chars().count() + "?=".len();
        }
    }
    if chars > URI_CHARS_MAX {
        return Err(format!("uri and querystring have {chars} characters of {URI_CHARS_MAX}"));
    }
    named_values(after, "cookies")?;
    check_headers(before, after, &FIXED_IN_REQUESTS)
}

fn check_response(before: &Value, after: &Map<String, Value>, fixed: &[&str]) -> Result<(), String> {
    match after.get("statusCode").and_then(Value::as_u64) {
        Some(200..=599) => {}
        _ => return Err(format!("statusCode is {}: it is a number from 200 to 599", after["statusCode"])),
    }
    if after.contains_key("statusDescription") {
        text(after, "statusDescription")?;
    }
    named_values(after, "cookies")?;
    check_headers(before, after, fixed)?;
    after.get("body").map_or(Ok(()), check_body)
}

fn check_body(body: &Value) -> Result<(), String> {
    let bytes = match body {
        Value::String(text) => text.len(),
        Value::Object(fields) => {
            let data = text(fields, "data")?;
            match text(fields, "encoding")? {
                "text" => data.len(),
                "base64" => {
                    STANDARD.decode(data).map_err(|error| format!("body is no base64: {error}"))?.len()
                }
                other => return Err(format!("the encoding of body is \"{other}\": it is text or base64")),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return Err(format!("body is {}: it is a text, or has data and encoding", kind(body)));
        }
    };
    if bytes > BODY_BYTES_MAX {
        return Err(format!("body has {bytes} bytes of {BODY_BYTES_MAX}"));
    }
    Ok(())
}

fn check_headers(before: &Value, after: &Map<String, Value>, fixed: &[&str]) -> Result<(), String> {
    let headers = named_values(after, "headers")?;
    for (name, _) in &headers {
        if name.chars().any(|letter| letter.is_ascii_uppercase()) {
            return Err(format!("the header {name} is not in lower case"));
        }
        if DISALLOWED.iter().any(|one| is_of(name, one)) {
            return Err(format!("no function may add the header {name}"));
        }
    }
    let (before, after) = (&before["headers"], after.get("headers").unwrap_or(&Value::Null));
    match fixed.iter().find(|name| before.get(**name) != after.get(**name)) {
        Some(name) => Err(format!("no function may add, change or remove the header {name}")),
        None => Ok(()),
    }
}

fn is_of(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}

/// Headers, cookies or a query with all of their values; none when the field is missing.
fn named_values<'a>(of: &'a Map<String, Value>, field: &str) -> Result<Vec<(&'a str, Vec<&'a str>)>, String> {
    let all = match of.get(field) {
        None => return Ok(Vec::new()),
        Some(Value::Object(all)) => all,
        Some(other) => return Err(format!("{field} is {}, and no object", kind(other))),
    };
    let mut named = Vec::new();
    for (name, one) in all {
        let several = one.get("multiValue").and_then(Value::as_array);
        let values: Option<Vec<&str>> = match several {
            Some(several) => several.iter().map(|one| one.get("value").and_then(Value::as_str)).collect(),
            None => one.get("value").and_then(Value::as_str).map(|value| vec![value]),
        };
        let values = values.ok_or_else(|| format!("{field}.{name} has no value that is a text"))?;
        named.push((name.as_str(), values));
    }
    Ok(named)
}

fn check_query(text: &str) -> Result<(), String> {
    match text.chars().find(|letter| letter.is_control() || matches!(letter, ' ' | '#')) {
        Some(letter) => Err(format!("querystring holds {letter:?}")),
        None => Ok(()),
    }
}

fn text<'a>(of: &'a Map<String, Value>, field: &str) -> Result<&'a str, String> {
    of.get(field).and_then(Value::as_str).ok_or_else(|| format!("{field} is missing, or no text"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
