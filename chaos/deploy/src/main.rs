//! The fake Stripe behind a function URL. Time and environment enter here and nowhere else.
//!
//! Invariant: it takes no key but its own, so nobody's money is ever in it.

use anyhow::Context as _;
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chaos::serve::lasting::{Asked, InTable, Lasting};
use http::Request;
use lambda_runtime::{LambdaEvent, service_fn};
use payments::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;
use tokio::sync::Mutex;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let stripe = start()?;
    lambda_runtime::run(service_fn(|event| handle(&stripe, event))).await
}

struct FakeStripe {
    key: String,
    lasting: Mutex<Lasting<InTable>>,
    time: SharedTimeSource,
}

fn start() -> anyhow::Result<FakeStripe> {
    #[expect(clippy::disallowed_methods, reason = "main is where the environment enters")]
    let environment = |name: &str| std::env::var(name).ok();
    let time = SharedTimeSource::new(SystemTimeSource::new());
    let table =
        environment("REQUESTS_TABLE").context("REQUESTS_TABLE is not set; accepted: the name of a table")?;
    let key = environment("STRIPE_KEY").filter(|key| key.starts_with("sk_test_"));
    let key =
        key.context("STRIPE_KEY is no test key; accepted: sk_test_…, made up for this account alone")?;
    let sdk = host::aws::on_lambda(environment, time.clone())?;
    let memory = InTable::new(aws_sdk_dynamodb::Client::new(&sdk), table);
    Ok(FakeStripe { lasting: Mutex::new(Lasting::new(memory, key.as_str())), key, time })
}

/// What a function URL hands over, as far as it is of use here: version 2.0 of the payload. Not by `aws_lambda_events`, whose
/// feature for it changes what the AWS SDK is compiled with.
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: RequestContext,
    #[serde(default)]
    body: String,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
}

/// What it is to answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

/// An error is answered with 502 by Lambda: no answer that a client could read, as where a connection is reset.
async fn handle(stripe: &FakeStripe, event: LambdaEvent<Event>) -> Result<Answer, lambda_runtime::Error> {
    let request = request(event.payload)?;
    let now = stripe.time.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let asked = Asked::of(&request, &stripe.key, UnixMs(i64::try_from(now).unwrap_or(i64::MAX)));
    let answered = stripe.lasting.lock().await.answer(&event.context.request_id, &asked).await?;
    tokio::time::sleep(answered.after).await;
    let told = answered.response.context("the connection would be reset")?;
    let body = String::from_utf8_lossy(&told.body).into_owned();
    Ok(Answer { status_code: told.status, headers: told.headers, body })
}

fn request(event: Event) -> anyhow::Result<Request<Bytes>> {
    let Event { raw_path: path, raw_query_string: query, body, .. } = event;
    let uri = if query.is_empty() { path } else { format!("{path}?{query}") };
    let body = if event.is_base64_encoded { STANDARD.decode(body)? } else { body.into_bytes() };
    let request = Request::builder().method(event.request_context.http.method.as_str()).uri(uri);
    let request = event.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    Ok(request.body(Bytes::from(body))?)
}
