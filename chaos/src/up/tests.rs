//! The Runtime API and what Lambda writes, without a process.

use super::platform::{self, End, Measured};
use super::runtime::{BELOW, Init, RESPONSE_BYTES_MAX, RuntimeApi};
use crate::cloud::config::{FunctionConfig, LogFormat, LoggingConfig};
use crate::cloud::container::InvocationContext;
use crate::cloud::fixtures;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Response};
use http_body_util::BodyExt;
use payments::UnixMs;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn context(request: &str) -> InvocationContext {
    InvocationContext {
        request_id: request.to_owned(),
        deadline: UnixMs(1_767_603_660_000),
        function_name: "consumer".to_owned(),
        function_arn: "arn:aws:lambda:eu-central-1:123456789012:function:consumer".to_owned(),
        xray_header: None,
    }
}

async fn ask(api: &RuntimeApi, method: Method, path: &str, body: &str) -> (u16, Value) {
    let answer = api.answer(&method, &format!("{BELOW}{path}"), Bytes::from(body.to_owned())).await;
    (answer.status().as_u16(), read(answer).await)
}

async fn read(answer: Response<Body>) -> Value {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn next_is_held_until_there_is_an_event_and_has_every_header() {
    let api = Arc::new(RuntimeApi::new());
    let next = format!("{BELOW}invocation/next");
    let mut asking = Box::pin(api.answer(&Method::GET, &next, Bytes::new()));
    let held = tokio::time::timeout(Duration::from_secs(86_400), &mut asking).await;
    assert!(held.is_err(), "for a day and longer");
    assert_eq!(api.init().await, Init::Done);
    let outcome = api.offer(b"{\"n\":1}".to_vec(), context("r-1"));
    let event = asking.await;
    let header = |name: &str| event.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("lambda-runtime-aws-request-id"), "r-1");
    assert_eq!(header("lambda-runtime-deadline-ms"), "1767603660000");
    assert!(header("lambda-runtime-invoked-function-arn").ends_with(":function:consumer"));
    assert!(header("lambda-runtime-trace-id").starts_with("Root=1-"));
    assert_eq!(read(event).await, json!({ "n": 1 }));
    assert_eq!(
        ask(&api, Method::POST, "invocation/r-1/response", "7").await,
        (202, json!({ "status": "OK" }))
    );
    assert_eq!(outcome.await.unwrap(), Ok(b"7".to_vec()));
    let (status, said) = ask(&api, Method::POST, "invocation/r-1/response", "8").await;
    assert_eq!((status, &said["errorType"]), (400, &json!("InvalidRequestID")), "once");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_large_fails_its_invocation_and_is_refused() {
    let api = RuntimeApi::new();
    let outcome = api.offer(vec![], context("r-1"));
    let _ = api.answer(&Method::GET, &format!("{BELOW}invocation/next"), Bytes::new()).await;
    let large = "1".repeat(RESPONSE_BYTES_MAX + 1);
    let (status, said) = ask(&api, Method::POST, "invocation/r-1/response", &large).await;
    assert_eq!((status, &said["errorType"]), (413, &json!("RequestEntityTooLarge")));
    assert!(outcome.await.unwrap().unwrap_err().starts_with("Response payload size exceeded"));
}

#[tokio::test(start_paused = true)]
async fn an_error_at_init_is_told_and_what_is_not_there_is_named() {
    let api = RuntimeApi::new();
    let posted =
        ask(&api, Method::POST, "init/error", r#"{"errorType":"E","errorMessage":"no table"}"#).await;
    assert_eq!((posted.0, api.init().await), (202, Init::Failed("no table".to_owned())));
    let (status, said) = ask(&api, Method::GET, "invocation/now", "").await;
    assert!(
        status == 404 && said["errorMessage"].as_str().unwrap().contains("accepted: GET invocation/next")
    );
}

const AT: UnixMs = UnixMs(1_767_603_600_000);
const MEASURED: Measured = Measured { took_ms: 12, init_ms: Some(30), peak_bytes: Some(20_000_000) };

fn reported(format: LogFormat, end: End, measured: Measured) -> String {
    let logging = LoggingConfig { format, level: None };
    let function = FunctionConfig { logging, ..fixtures::consumer() };
    platform::report(&function, AT, "r-1", end, measured).join("\n")
}

#[test]
fn lambda_reports_an_invocation_as_text_or_as_json() {
    let text = "END RequestId: r-1\nREPORT RequestId: r-1\tDuration: 12.00 ms\tBilled Duration: 42 ms\t\
                Memory Size: 256 MB\tMax Memory Used: 20 MB\tInit Duration: 30.00 ms";
    assert_eq!(reported(LogFormat::Text, End::Answered, MEASURED), text);
    insta::assert_snapshot!(reported(LogFormat::Json, End::Answered, MEASURED), @r#"{"time":"2026-01-05T09:00:00.000Z","type":"platform.report","record":{"metrics":{"billedDurationMs":42,"durationMs":12,"initDurationMs":30,"maxMemoryUsedMB":20,"memorySizeMB":256},"requestId":"r-1","status":"success"}}"#);
    let later = Measured { init_ms: None, peak_bytes: None, ..MEASURED };
    let text = "2026-01-05T09:00:00.000Z r-1 Task timed out after 60.00 seconds\nEND RequestId: r-1\n\
                REPORT RequestId: r-1\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 256 MB\tStatus: timeout";
    assert_eq!(reported(LogFormat::Text, End::TimedOut, later), text);
    insta::assert_snapshot!(reported(LogFormat::Json, End::Killed, later), @r#"
    {"time":"2026-01-05T09:00:00.000Z","type":"platform.runtimeDone","record":{"errorType":"Runtime.ExitError","requestId":"r-1","status":"failure"}}
    {"time":"2026-01-05T09:00:00.000Z","type":"platform.report","record":{"errorType":"Runtime.ExitError","metrics":{"billedDurationMs":12,"durationMs":12,"maxMemoryUsedMB":null,"memorySizeMB":256},"requestId":"r-1","status":"failure"}}
    "#);
}
