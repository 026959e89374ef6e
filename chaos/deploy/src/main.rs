//! The fake Stripe behind a function URL. Time and environment enter here and nowhere else.
//!
//! Invariant: it takes no key but its own, so nobody's money is ever in it.

use anyhow::Context as _;
use aws_lambda_events::lambda_function_urls::{LambdaFunctionUrlRequest, LambdaFunctionUrlResponse};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chaos::serve::lasting::{Asked, InTable, Lasting};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use lambda_runtime::{LambdaEvent, service_fn};
use payments::UnixMs;
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

/// An error is answered with 502 by Lambda: no answer that a client could read, as a connection that is reset.
async fn handle(
    stripe: &FakeStripe,
    event: LambdaEvent<LambdaFunctionUrlRequest>,
) -> Result<LambdaFunctionUrlResponse, lambda_runtime::Error> {
    let request = request(event.payload)?;
    let now = stripe.time.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let asked = Asked::of(&request, &stripe.key, UnixMs(i64::try_from(now).unwrap_or(i64::MAX)));
    let answered = stripe.lasting.lock().await.answer(&event.context.request_id, &asked).await?;
    tokio::time::sleep(answered.after).await;
    let told = answered.response.context("the connection would be reset")?;
    let mut headers = HeaderMap::new();
    for (name, value) in told.headers {
        headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    let mut response = LambdaFunctionUrlResponse::default();
    response.status_code = i64::from(told.status);
    response.headers = headers;
    response.body = Some(String::from_utf8_lossy(&told.body).into_owned());
    Ok(response)
}

fn request(event: LambdaFunctionUrlRequest) -> anyhow::Result<Request<Bytes>> {
    let path = event.raw_path.unwrap_or_else(|| "/".to_owned());
    let uri = match event.raw_query_string.filter(|query| !query.is_empty()) {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let body = event.body.unwrap_or_default();
    let body = if event.is_base64_encoded { STANDARD.decode(body)? } else { body.into_bytes() };
    let method = event.request_context.http.method.unwrap_or_default();
    let mut request = Request::builder().method(method.as_str()).uri(uri).body(Bytes::from(body))?;
    *request.headers_mut() = event.headers;
    Ok(request)
}
