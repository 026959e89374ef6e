//! How a payment stands, asked as a function's URL asks it.
//!
//! Invariant: an answer counts only if it says of the payment what its row says: that it is paid.

use crate::cloud::names;
use payments::UnixMs;
use serde_json::{Value, json};

/// `GET /json/{payment}` by CloudFront, payload format 2.0.
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>
pub(super) fn request(payment: &str, now: UnixMs) -> Vec<u8> {
    let path = format!("/json/{payment}");
    let http = json!({
        "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "Amazon CloudFront",
    });
    let context = json!({
        "accountId": names::ACCOUNT, "apiId": "status", "domainName": "status.lambda-url.on.aws", "domainPrefix": "status",
        "http": http, "requestId": "bench", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": now.0,
    });
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": { "host": "status.lambda-url.on.aws", "user-agent": "Amazon CloudFront" },
        "requestContext": context, "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}

/// Whether this is the answer of a function that found the row of a payment that was charged.
///
/// # Errors
/// What it answers instead.
pub(super) fn is_told(answer: &Value) -> Result<(), String> {
    let body = answer["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
    let is_paid = body.is_some_and(|body| body["state"] == "paid");
    let is_told = answer["statusCode"] == 200 && is_paid;
    is_told.then_some(()).ok_or_else(|| format!("does not tell that a payment is paid: {answer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_that_it_is_paid_counts_as_an_answer() {
        let told = |status: u16, state: &str| {
            is_told(&json!({ "statusCode": status, "body": json!({ "state": state }).to_string() }))
        };
        assert_eq!(told(200, "paid"), Ok(()));
        for (status, state) in [(404, "unknown"), (503, "unavailable"), (200, "in_progress"), (304, "paid")] {
            let said = told(status, state).expect_err(state);
            assert!(said.starts_with("does not tell that a payment is paid: {"), "{said}");
            assert!(said.contains(&format!("\"statusCode\":{status}")), "{said}");
        }
        assert!(is_told(&json!({ "statusCode": 200, "body": "paid" })).is_err(), "no JSON");
        assert!(is_told(&json!({ "batchItemFailures": [] })).is_err(), "no answer to a request");
    }
}
