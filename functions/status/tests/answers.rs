//! Every answer, from the request that CloudFront makes to the response that Lambda takes, over a table that says what a test
//! wants it to.

use aws_lambda_events::event::lambda_function_urls::LambdaFunctionUrlResponse;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedAsyncSleep};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::sdk_config::SharedCredentialsProvider;
use serde_json::{Value, json};
use status::limits::LEDGER_MS;
use status::{Config, Ports, Teller};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const NOW_S: u64 = 1_767_603_700;

/// What the table does with every request, and how many there were.
#[derive(Clone, Debug)]
struct Table(Does, Arc<AtomicUsize>);

#[derive(Clone, Debug)]
enum Does {
    Answer(Value),
    Refuse(u16, &'static str),
    Hang,
}

impl HttpConnector for Table {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        self.1.fetch_add(1, Ordering::Relaxed);
        let (status, body) = match &self.0 {
            Does::Answer(body) => (200, body.clone()),
            Does::Refuse(status, kind) => (*status, json!({ "__type": kind, "message": "no" })),
            Does::Hang => return HttpConnectorFuture::new(std::future::pending()),
        };
        let response = http::Response::builder().status(status).body(SdkBody::from(body.to_string()));
        let response = HttpResponse::try_from(response.expect("it is well formed"));
        HttpConnectorFuture::ready(Ok(response.expect("it is well formed")))
    }
}

impl Table {
    fn that(does: Does) -> Self {
        Self(does, Arc::default())
    }

    fn holding(item: Value) -> Self {
        Self::that(Does::Answer(json!({ "Item": item })))
    }

    fn calls(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }

    /// A function at the time that it is `seconds` after the beginning.
    fn teller(&self, seconds: u64) -> Teller {
        let connector = SharedHttpConnector::new(self.clone());
        let credentials = Credentials::new("AKIA", "secret", None, None, "test");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        let time = SharedTimeSource::new(StaticTimeSource::from_secs(NOW_S + seconds));
        let config = Config { ledger_table: "the-table".to_owned() };
        Teller::start(config, Ports { dynamodb: status::impatient(&sdk), time })
    }

    async fn asked(&self, method: &str, path: &str, known: Option<&str>) -> LambdaFunctionUrlResponse {
        self.teller(0).answer(&request(method, path, known)).await
    }

    async fn get(&self, path: &str) -> LambdaFunctionUrlResponse {
        self.asked("GET", path, None).await
    }
}

/// A request as a function URL hands it over
/// (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>).
fn request(
    method: &str,
    path: &str,
    known: Option<&str>,
) -> aws_lambda_events::event::lambda_function_urls::LambdaFunctionUrlRequest {
    let mut headers =
        json!({ "host": "abc.lambda-url.eu-central-1.on.aws", "user-agent": "Amazon CloudFront" });
    if let Some(known) = known {
        headers["if-none-match"] = known.into();
    }
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": "abc.lambda-url.eu-central-1.on.aws",
            "domainPrefix": "abc",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9" },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "05/Jan/2026:09:00:03 +0000",
            "timeEpoch": 1_767_603_603_000_i64,
        },
        "isBase64Encoded": false,
    });
    serde_json::from_value(event).expect("it is one")
}

fn row(state: &str) -> Value {
    json!({
        "state": { "S": state },
        "amount": { "N": "199900" },
        "currency": { "S": "eur" },
        "received_at": { "N": "1767603605005" },
        "settled_at": { "N": "1767603667007" },
        "version": { "N": "7" },
    })
}

fn unsettled(state: &str) -> Value {
    let mut row = row(state);
    row.as_object_mut().expect("an object").remove("settled_at");
    row
}

fn aside() -> Value {
    let mut row = unsettled("intended");
    row["set_aside"] = json!({ "S": "intent_mismatch" });
    row
}

fn header<'a>(response: &'a LambdaFunctionUrlResponse, name: &str) -> Option<&'a str> {
    response.headers.get(name).map(|value| value.to_str().expect("a text"))
}

fn told(name: &str, response: &LambdaFunctionUrlResponse) -> String {
    let mut told = format!("{name}: {}\n", response.status_code);
    let mut headers: Vec<_> = response.headers.iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        let _ = writeln!(told, "{name}: {}", value.to_str().expect("a text"));
    }
    let _ = writeln!(told, "{}\n", response.body.as_deref().unwrap_or("(no body)"));
    told
}

#[tokio::test]
async fn every_state_is_answered_as_it_was() {
    let rows = [
        ("received", unsettled("received")),
        ("intended", unsettled("intended")),
        ("succeeded", row("succeeded")),
        ("declined", row("declined")),
        ("quarantined", row("quarantined")),
        ("set aside", aside()),
    ];
    let mut all = String::new();
    for (name, row) in rows {
        all.push_str(&told(name, &Table::holding(row).get("/json/order-1042").await));
    }
    all.push_str(&told("no row", &Table::that(Does::Answer(json!({}))).get("/json/order-1042").await));
    let gone = Table::that(Does::Refuse(500, "InternalServerError"));
    all.push_str(&told("no ledger", &gone.get("/json/order-1042").await));
    all.push_str(&told("another path", &gone.get("/p/order-1042").await));
    all.push_str(&told("another method", &gone.asked("POST", "/json/order-1042", None).await));
    insta::assert_snapshot!(all);
}

/// What a page shows, from its title on and without style and script: `ci/edge-page` looks at the same in a browser.
fn shown(page: &str) -> String {
    let (_, rest) = page.split_once("<title>").expect("a title");
    let (title, rest) = rest.split_once("<style>").expect("a style");
    let (_, rest) = rest.split_once("<body>\n").expect("a body");
    let (body, _) = rest.split_once("<script>").expect("a script");
    format!("<title>{title}{body}")
}

#[tokio::test]
async fn people_get_the_same_as_a_page() {
    let mut all = String::new();
    for row in [unsettled("intended"), row("succeeded"), row("declined"), row("quarantined")] {
        let page = Table::holding(row).get("/page/order-1042").await;
        assert_eq!(page.status_code, 200);
        assert_eq!(header(&page, "content-type"), Some("text/html; charset=utf-8"));
        all.push_str(&shown(page.body.as_deref().expect("a page")));
    }
    let page = Table::that(Does::Answer(json!({}))).get("/page/order-1042").await;
    assert_eq!(page.status_code, 404);
    all.push_str(&shown(page.body.as_deref().expect("a page")));
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn only_what_is_final_is_kept_for_long() {
    for (row, fresh) in [
        (row("succeeded"), "s-maxage=86400"),
        (row("declined"), "s-maxage=86400"),
        (row("quarantined"), "s-maxage=2"),
        (unsettled("received"), "s-maxage=2"),
        (unsettled("intended"), "s-maxage=2"),
        (aside(), "s-maxage=2"),
    ] {
        for path in ["/json/order-1042", "/page/order-1042"] {
            let response = Table::holding(row.clone()).get(path).await;
            let cache = header(&response, "cache-control").expect("it says");
            assert!(cache.split(", ").any(|directive| directive == fresh), "{row} {path}: {cache}");
        }
    }
}

#[tokio::test]
async fn what_a_cache_has_is_confirmed_until_something_else_is_said() {
    let intended = Table::holding(unsettled("intended"));
    let first = intended.get("/json/order-1042").await;
    let tag = header(&first, "etag").expect("a tag").to_owned();
    assert!(tag.starts_with("\"7-"), "{tag}");
    let again = intended.teller(60).answer(&request("GET", "/json/order-1042", Some(&tag))).await;
    assert_eq!((again.status_code, again.body), (304, None));
    assert_eq!(again.headers.get("cache-control"), first.headers.get("cache-control"));
    assert_eq!(again.headers.get("etag"), first.headers.get("etag"));
    let changed = [
        ("settled", row("succeeded"), "/json/order-1042"),
        ("set aside, under the same version", aside(), "/json/order-1042"),
        ("asked for as a page", unsettled("intended"), "/page/order-1042"),
        ("of another payment", unsettled("intended"), "/json/order-1043"),
    ];
    for (name, row, path) in changed {
        let other = Table::holding(row).asked("GET", path, Some(&tag)).await;
        assert_eq!(other.status_code, 200, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_hangs_is_waited_for_once_and_for_a_second() {
    let table = Table::that(Does::Hang);
    let began = tokio::time::Instant::now();
    let response = table.get("/json/order-1042").await;
    assert_eq!(began.elapsed().as_secs(), Duration::from_millis(LEDGER_MS).as_secs());
    assert_eq!((response.status_code, table.calls()), (503, 1));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_ledger_that_fails_is_asked_once_and_nothing_is_said_of_the_payment() {
    let strange = json!({ "Item": row("of_the_future") });
    for does in [
        Does::Refuse(500, "InternalServerError"),
        Does::Refuse(400, "ProvisionedThroughputExceededException"),
        Does::Refuse(400, "AccessDeniedException"),
        Does::Answer(strange),
    ] {
        let table = Table::that(does.clone());
        let response = table.get("/page/order-1042").await;
        assert_eq!((response.status_code, table.calls()), (503, 1), "{does:?}");
        assert_eq!(header(&response, "cache-control"), Some("no-store"), "{does:?}");
        assert!(response.body.expect("a body").contains("\"state\":\"unavailable\""), "{does:?}");
    }
}

#[tokio::test]
async fn nothing_else_is_answered_and_for_nothing_else_the_ledger_is_asked() {
    let table = Table::holding(row("succeeded"));
    for path in [
        "/",
        "/json",
        "/json/",
        "/json/order-1042/",
        "/json/order-1042/x",
        "/json/../order-1042",
        "/json/%6frder-1042",
        "/json/~pulse",
        "/JSON/order-1042",
        "//json/order-1042",
        "/p/order-1042",
    ] {
        assert_eq!(table.get(path).await.status_code, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get", ""] {
        assert_eq!(table.asked(method, "/json/order-1042", None).await.status_code, 405, "{method}");
    }
    assert_eq!(table.calls(), 0);
    assert_eq!(table.asked("HEAD", "/json/order-1042", None).await.status_code, 200);
}
