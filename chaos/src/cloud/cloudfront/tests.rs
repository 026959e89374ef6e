//! One distribution before a function that counts how often it is asked: what each cache keeps, gives and asks for.
//!
//! Invariant: every time is virtual, and every answer says which request of the origin it comes from.

use super::config::{
    BehaviorConfig, CachePolicyConfig, DistributionConfig, EdgeFunctionConfig, ErrorConfig, HeadersConfig,
    OriginConfig, OriginKind,
};
use super::*;
use crate::clock::Clock;
use crate::cloud::config::{AsyncConfig, FunctionConfig, LoggingConfig};
use crate::cloud::container::{Container, Function, Handler, InvocationContext};
use crate::cloud::plans::Plans;
use crate::cloud::{Blueprint, Cloud};
use crate::journal::Event;
use payments::UnixMs;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// What the origin says, given how often it was asked before.
type Says = fn(u32, &Value) -> Value;

/// A function that answers its URL.
struct Origin {
    says: Says,
    asked: Arc<AtomicU32>,
}

impl Function for Origin {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let answering = Answering { says: self.says, asked: Arc::clone(&self.asked), clock: container.clock };
        Box::pin(async move { Ok(Box::new(answering) as Box<dyn Handler>) })
    }
}

struct Answering {
    says: Says,
    asked: Arc<AtomicU32>,
    clock: Clock,
}

impl Handler for Answering {
    fn invoke(&self, payload: Vec<u8>, _: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let event: Value = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
            let said = (self.says)(self.asked.fetch_add(1, Ordering::Relaxed), &event);
            let waits_ms = said["waits_ms"].as_i64().unwrap_or(5);
            self.clock.sleep_until(self.clock.now().plus_ms(waits_ms)).await;
            serde_json::to_vec(&said).map_err(|error| error.to_string())
        })
    }
}

/// An edge before such an origin.
struct Town {
    edge: CloudFront,
    asked: Arc<AtomicU32>,
    clock: Clock,
    journal: Journal,
    _cloud: Cloud,
}

const PASSES: &str = "async function handler(event) { return event.request; }";

fn function() -> FunctionConfig {
    FunctionConfig {
        logical_id: "Status".to_owned(),
        name: "status".to_owned(),
        has_url: true,
        alias: None,
        timeout_s: 10,
        role: None,
        log_group: "log".to_owned(),
        logging: LoggingConfig::default(),
        memory_mb: 128,
        environment: BTreeMap::new(),
        sources: Vec::new(),
        rules: Vec::new(),
        schedules: Vec::new(),
        asynchronous: AsyncConfig::default(),
    }
}

fn distribution() -> DistributionConfig {
    let status = OriginConfig {
        kind: OriginKind::FunctionUrl("Status".to_owned()),
        attempts: 1,
        connect_s: 1,
        read_s: 2,
        shield: Some("eu-central-1".to_owned()),
        signs: true,
    };
    let bucket =
        OriginConfig { kind: OriginKind::Bucket("pages".to_owned()), shield: None, ..status.clone() };
    let behavior = |pattern: &str, origin: &str| BehaviorConfig {
        path_pattern: pattern.to_owned(),
        origin: origin.to_owned(),
        methods: ["GET".to_owned(), "HEAD".to_owned()].into(),
        cache: CachePolicyConfig { ttl_s_min: 0, ttl_s_default: 0, ttl_s_max: 86_400 },
        forwards_headers: false,
        headers: HeadersConfig {
            set: [("cache-control".to_owned(), "no-store".to_owned())].into(),
            remove: ["x-secret".to_owned()].into(),
        },
        on_request: Some("router".to_owned()),
        on_response: None,
    };
    let page = |code: u16| (code, ErrorConfig { ttl_s_min: 1, page: Some((503, "/trouble".to_owned())) });
    DistributionConfig {
        id: "EDGE".to_owned(),
        origins: [("status".to_owned(), status), ("pages".to_owned(), bucket)].into(),
        behaviors: vec![behavior("/p/*", "status"), behavior("*", "pages")],
        errors: [page(500), page(502), page(503), page(504)].into(),
        functions: [("router".to_owned(), EdgeFunctionConfig { code: PASSES.to_owned(), store: None })]
            .into(),
    }
}

fn town_of(distribution: DistributionConfig, says: Says) -> Town {
    let (clock, journal) = (Clock::starting_at(UnixMs(1_767_603_600_000)), Journal::default());
    let asked = Arc::new(AtomicU32::new(0));
    let origin: Arc<dyn Function> = Arc::new(Origin { says, asked: Arc::clone(&asked) });
    let blueprint = Blueprint {
        functions: vec![(function(), origin)],
        edge: Some(distribution),
        plans: Plans::default(),
        seed: 1,
        ..Blueprint::default()
    };
    let cloud = Cloud::start(blueprint, clock, &journal).expect("AWS would deploy it");
    let edge = cloud.edge().expect("there is one").clone();
    Town { edge, asked, clock, journal, _cloud: cloud }
}

fn town(says: Says) -> Town {
    town_of(distribution(), says)
}

impl Town {
    async fn get(&self, edge: usize, path: &str) -> Answer {
        self.edge.answer(edge, Request::new("GET", path)).await
    }

    /// Status, body and who answered.
    async fn told(&self, edge: usize) -> (u16, String, Source) {
        let answer = self.get(edge, "/p/1").await;
        (answer.status(), answer.body().to_owned(), answer.from)
    }

    async fn pass_ms(&self, ms: i64) {
        self.clock.sleep_until(self.clock.now().plus_ms(ms)).await;
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

fn said(status: u16, cache: &str, body: &str) -> Value {
    json!({ "statusCode": status, "headers": { "Cache-Control": cache, "x-secret": "s" }, "body": body })
}

/// Its number, fresh for two seconds, and then to be asked for anew.
fn numbered(number: u32, _: &Value) -> Value {
    said(200, "s-maxage=2, stale-while-revalidate=60, stale-if-error=3600", &number.to_string())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_at_the_edge_and_near_the_origin() {
    let town = town(numbered);
    assert_eq!(town.told(0).await, (200, "0".to_owned(), Source::Origin));
    assert_eq!(town.told(0).await, (200, "0".to_owned(), Source::Edge));
    assert_eq!(town.told(2).await, (200, "0".to_owned(), Source::Regional), "an edge of the same continent");
    assert_eq!(town.told(1).await, (200, "0".to_owned(), Source::Shield), "an edge of another");
    assert_eq!(town.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_a_crowd_one_question_goes_on() {
    let town = Arc::new(town(numbered));
    let mut crowd = tokio::task::JoinSet::new();
    for viewer in 0..200 {
        let town = Arc::clone(&town);
        crowd.spawn(async move { town.told(viewer % EDGES).await.1 });
    }
    let told = crowd.join_all().await;
    assert!(told.iter().all(|body| body == "0"), "{told:?}");
    assert_eq!(town.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_copy_is_given_at_once_and_each_cache_asks_the_next() {
    let town = town(numbered);
    town.told(0).await;
    town.pass_ms(30_000).await;
    let began = town.clock.now();
    let mut told = Vec::new();
    for _ in 0..4 {
        let answer = town.get(0, "/p/1").await;
        told.push((answer.body().to_owned(), answer.is_stale));
        assert!(town.clock.now().since_ms(began) % 1_000 < 1, "at once");
        town.pass_ms(1_000).await;
    }
    let told: Vec<(&str, bool)> = told.iter().map(|(body, is_stale)| (body.as_str(), *is_stale)).collect();
    // Edge, regional cache and shield each give what they have; the fourth look meets what the origin said to the first,
    // three seconds ago.
    assert_eq!(told, [("0", true), ("0", true), ("0", true), ("1", true)]);
}

#[tokio::test(start_paused = true)]
async fn age_is_counted_from_the_origin_whatever_an_answer_passed_through() {
    let town = town(numbered);
    town.told(0).await;
    town.pass_ms(1_900).await;
    // Another edge takes it over from the shield, with a tenth of a second to live.
    town.told(1).await;
    town.pass_ms(500).await;
    assert!(town.get(1, "/p/1").await.is_stale);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_to_be_given_is_given_when_the_origin_fails() {
    fn fails_later(number: u32, event: &Value) -> Value {
        if number == 0 { numbered(number, event) } else { said(500, "", "broken") }
    }
    let town = town(fails_later);
    town.told(0).await;
    town.pass_ms(120_000).await;
    assert_eq!(town.told(0).await, (200, "0".to_owned(), Source::Shield));
    let asked = town.asked();
    town.pass_ms(500).await;
    town.told(0).await;
    assert_eq!(town.asked(), asked, "an error is kept for its second, and nobody is asked meanwhile");
    town.pass_ms(3_600_000).await;
    assert_eq!(town.told(0).await.0, 500, "beyond stale-if-error, and there is no page in this bucket");
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_copy_is_a_page_if_there_is_one() {
    let town = town(|_, _| said(500, "no-store", "broken"));
    assert_eq!(town.told(0).await, (500, "broken".to_owned(), Source::Origin));
    let page = Response { status: 200, headers: Headers::new(), body: "we cannot look".to_owned() };
    town.edge.objects().put("/trouble", page);
    town.pass_ms(60_000).await;
    assert_eq!(town.told(0).await, (503, "we cannot look".to_owned(), Source::ErrorPage));
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_does_not_answer_is_given_up_after_its_time() {
    let town = town(|_, _| json!({ "statusCode": 200, "body": "late", "waits_ms": 5_000 }));
    let began = town.clock.now();
    assert_eq!(town.told(0).await.0, 504);
    let waited_ms = town.clock.now().since_ms(began);
    assert!((2_000..2_500).contains(&waited_ms), "{waited_ms}");
    let asked = town.journal.records().into_iter().find_map(|record| {
        let Event::Edge(EdgeEvent::OriginAsked { status, ms, .. }) = record.event else { return None };
        Some((status, ms))
    });
    assert_eq!(asked, Some((504, 2_000)));
}

#[tokio::test(start_paused = true)]
async fn errors_are_kept_as_the_documentation_says() {
    /// Status, what the origin says of keeping it, and how long it is kept, s.
    const CASES: [(u16, &str, i64); 9] = [
        (404, "s-maxage=3", 10),
        (404, "s-maxage=30", 30),
        (404, "", 10),
        (404, "no-store", 0),
        (500, "no-store", 1),
        (429, "", 0),
        (429, "s-maxage=30", 0),
        (403, "", 0),
        (403, "s-maxage=30", 30),
    ];
    for (status, cache, kept_s) in CASES {
        let mut copies = copies::Copies::default();
        let errors = distribution().errors;
        let policy = CachePolicyConfig { ttl_s_min: 0, ttl_s_default: 0, ttl_s_max: 86_400 };
        let terms = copies::Terms { policy, errors: &errors };
        let headers = [("cache-control".to_owned(), cache.to_owned())].into();
        let response = Arc::new(Response { status, headers, body: String::new() });
        let now = UnixMs(1_000);
        copies.keep("/", copies::Dated { response, given_at: now }, terms, now);
        let is_kept = |after_ms| matches!(copies.find("/", now.plus_ms(after_ms)), copies::Found::Fresh(_));
        let until = (0..60).map(|s| s * 1_000).find(|ms| !is_kept(*ms));
        assert_eq!(until, Some(kept_s * 1_000), "{status} {cache:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_kept_is_asked_for_each_time() {
    let town = town(|number, _| said(200, "no-store", &number.to_string()));
    assert_eq!(town.told(0).await.1, "0");
    assert_eq!(town.told(0).await.1, "1");
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_renewed_by_its_tag() {
    fn tagged(number: u32, event: &Value) -> Value {
        let known = event["headers"]["if-none-match"] == json!("\"7\"");
        let headers = json!({ "cache-control": "s-maxage=2, stale-while-revalidate=60", "etag": "\"7\"" });
        match known {
            true => json!({ "statusCode": 304, "headers": headers }),
            false => json!({ "statusCode": 200, "headers": headers, "body": number.to_string() }),
        }
    }
    let town = town(tagged);
    for _ in 0..5 {
        assert_eq!(town.told(0).await.1, "0");
        town.pass_ms(3_000).await;
    }
    assert!(town.asked() > 1);
    // An edge that has nothing is given all of it by the shield, which asks about its own copy.
    assert_eq!(town.told(1).await.1, "0");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_gets_the_headers_of_the_policy() {
    let town = town(numbered);
    let delivered = town.get(0, "/p/1").await.delivered();
    assert_eq!(delivered.headers.get("cache-control").map(String::as_str), Some("no-store"));
    assert_eq!(delivered.headers.get("x-secret"), None);
}

#[tokio::test(start_paused = true)]
async fn a_method_that_no_behavior_has_goes_no_further() {
    let town = town(numbered);
    assert_eq!(town.edge.answer(0, Request::new("POST", "/p/1")).await.status(), 403);
    assert_eq!(town.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_signature_a_function_is_not_asked() {
    let mut distribution = distribution();
    distribution.origins.get_mut("status").expect("it is there").signs = false;
    let town = town_of(distribution, numbered);
    assert_eq!((town.told(0).await.0, town.asked()), (403, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_served_is_counted_by_the_minute() {
    let town = town(numbered);
    for _ in 0..3 {
        town.told(0).await;
    }
    town.edge.close_minute();
    let served = town.journal.records().into_iter().find_map(|record| {
        let Event::Edge(EdgeEvent::Served(served)) = record.event else { return None };
        Some(served)
    });
    let served = served.expect("it was written down");
    assert_eq!((served.requests, served.stale, served.failed), (3, 0, 0));
    assert_eq!(served.by, [(Source::Edge, 2), (Source::Origin, 1)].into());
}

#[tokio::test(start_paused = true)]
async fn an_origin_is_tried_as_often_as_is_configured_and_a_hand_in_once() {
    let mut distribution = distribution();
    distribution.origins.get_mut("status").expect("it is there").attempts = 3;
    let town = town_of(distribution, |_, _| json!({ "statusCode": 200, "body": "late", "waits_ms": 9_000 }));
    let began = town.clock.now();
    assert_eq!(town.told(0).await.0, 504);
    let waited_ms = town.clock.now().since_ms(began);
    assert!((6_000..6_500).contains(&waited_ms), "{waited_ms}");
}

#[tokio::test(start_paused = true)]
async fn what_was_evicted_while_it_was_asked_about_is_asked_for_whole() {
    fn slow(_: u32, event: &Value) -> Value {
        let headers = json!({ "cache-control": "s-maxage=2, stale-while-revalidate=60", "etag": "\"7\"" });
        if event["headers"]["if-none-match"] == json!("\"7\"") {
            json!({ "statusCode": 304, "headers": headers, "waits_ms": 500 })
        } else {
            json!({ "statusCode": 200, "headers": headers, "body": "whole", "waits_ms": 5 })
        }
    }
    let town = Arc::new(town(slow));
    town.told(0).await;
    town.pass_ms(3_000).await;
    // Stale: a question about its tag is on its way, when every cache makes room.
    assert_eq!(town.told(0).await.1, "whole");
    town.pass_ms(200).await;
    for behavior in &town.edge.0.behaviors {
        behavior
            .edges
            .iter()
            .chain(&behavior.regionals)
            .chain(&behavior.shield)
            .for_each(|cache| cache.evict("/p/1"));
    }
    let (status, body, _) = town.told(0).await;
    assert_eq!((status, body.as_str()), (200, "whole"));
}
