//! The router of `edge/`, on `edge/cases.json`, in the text that `edge/template.yaml` deploys.

use super::super::{EdgeFunction, FunctionError};
use payments::UnixMs;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const ROUTER: &str = include_str!("../../../../../../edge/router.js");
const TEMPLATE: &str = include_str!("../../../../../../edge/template.yaml");
const CASES: &str = include_str!("../../../../../../edge/cases.json");
const MISTAKES: &str = include_str!("../../../../../../edge/mistakes.json");

#[derive(Deserialize)]
struct Cases {
    now_s: f64,
    keys: BTreeMap<String, String>,
    kvs: BTreeMap<String, String>,
    minted: Vec<Minted>,
    requests: Vec<Request>,
    receipts: Vec<Receipt>,
}

#[derive(Deserialize)]
struct Minted {
    payment_id: String,
    key: String,
    now_ms: i64,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Request {
    name: String,
    method: String,
    uri: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    querystring: BTreeMap<String, String>,
    #[serde(default)]
    cookies: BTreeMap<String, String>,
    now_s: Option<f64>,
    kvs: Option<BTreeMap<String, String>>,
    to_origin: Option<Map<String, Value>>,
    answered: Option<Value>,
}

#[derive(Deserialize)]
struct Receipt {
    name: String,
    status: u16,
    headers: BTreeMap<String, String>,
    now_s: Option<f64>,
    kvs: Option<BTreeMap<String, String>>,
    expect: Value,
}

#[derive(Deserialize)]
struct Mistakes {
    mistakes: Vec<Mistake>,
}

#[derive(Deserialize)]
struct Mistake {
    name: String,
    edits: Vec<(String, String)>,
}

/// The code in the template: a block of YAML, which ends where a line is indented less.
fn deployed() -> String {
    let (_, after) = TEMPLATE.split_once("\n      FunctionCode: |\n").expect("the template has a function");
    let lines = after.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
    let lines: Vec<&str> = lines.map(|line| line.get(8..).unwrap_or_default()).collect();
    format!("{}\n", lines.join("\n").trim_end())
}

fn event(kind: &str, request: Value) -> Value {
    json!({ "version": "1.0", "context": { "eventType": kind }, "viewer": { "ip": "203.0.113.9" }, "request": request })
}

fn values(of: &BTreeMap<String, String>) -> Value {
    of.iter().map(|(name, value)| (name.clone(), json!({ "value": value }))).collect::<Map<_, _>>().into()
}

fn at(now_s: f64) -> UnixMs {
    UnixMs((now_s * 1_000.0) as i64)
}

impl Cases {
    fn read() -> Self {
        serde_json::from_str(CASES).expect("edge/cases.json has the form")
    }

    /// What this code does otherwise than the cases say.
    fn differences(&self, code: &str) -> Vec<String> {
        let function = match EdgeFunction::new(code) {
            Ok(function) => function,
            Err(error) => return vec![error.to_string()],
        };
        let mut words = BTreeMap::new();
        let requests = self.requests.iter().map(|one| self.request(&function, one, &mut words));
        let mut all: Vec<(&str, Value, Value)> = requests.collect();
        all.extend(self.receipts.iter().map(|one| self.receipt(&function, one)));
        all.extend(self.minted.iter().map(|one| self.minted(&function, one)));
        let differ = all.into_iter().filter(|(_, said, expected)| said != expected);
        differ.map(|(name, said, expected)| format!("{name}: {said}, and not {expected}")).collect()
    }

    fn request<'a>(
        &self,
        function: &EdgeFunction,
        one: &'a Request,
        words: &mut BTreeMap<bool, String>,
    ) -> (&'a str, Value, Value) {
        let request = json!({
            "method": one.method, "uri": one.uri, "headers": values(&one.headers),
            "querystring": values(&one.querystring), "cookies": values(&one.cookies),
        });
        let store = one.kvs.as_ref().unwrap_or(&self.kvs);
        let now = at(one.now_s.unwrap_or(self.now_s));
        let said = function.run(&event("viewer-request", request), Some(store), now);
        match (said, &one.to_origin) {
            (Err(error), _) => (&one.name, json!(error.to_string()), Value::Null),
            (Ok(said), Some(expected)) => {
                let mut expected = expected.clone();
                expected.insert("querystring".to_owned(), json!({}));
                expected.insert("cookies".to_owned(), json!({}));
                (&one.name, passed(said), expected.into())
            }
            (Ok(said), None) => {
                let expected = one.answered.clone().expect("a case goes to the origin or is answered");
                (&one.name, answered(said, words), expected)
            }
        }
    }

    fn receipt<'a>(&self, function: &EdgeFunction, one: &'a Receipt) -> (&'a str, Value, Value) {
        let request = json!({
            "method": "POST", "uri": "/payments", "headers": values(&one.headers), "querystring": {}, "cookies": {},
        });
        let mut event = event("viewer-response", request);
        event["response"] = json!({
            "statusCode": one.status, "statusDescription": "of SQS",
            "headers": { "content-type": { "value": "text/xml" } }, "cookies": {},
        });
        let store = one.kvs.as_ref().unwrap_or(&self.kvs);
        let said = function.run(&event, Some(store), at(one.now_s.unwrap_or(self.now_s)));
        (&one.name, said.map_or_else(|error| json!(error.to_string()), received), one.expect.clone())
    }

    fn minted<'a>(&self, function: &EdgeFunction, one: &'a Minted) -> (&'a str, Value, Value) {
        let uri = format!("/p/{}", one.token);
        let request = json!({ "method": "GET", "uri": uri, "headers": {}, "querystring": {}, "cookies": {} });
        let store = BTreeMap::from([("key_new".to_owned(), self.keys[&one.key].clone())]);
        // A link is good until its expiry, in whole seconds.
        let now = UnixMs(one.now_ms / 1_000 * 1_000);
        let said = function.run(&event("viewer-request", request), Some(&store), now);
        let said = said.map_or_else(|error| json!(error.to_string()), |said| said["uri"].clone());
        (&one.payment_id, said, json!(format!("/json/{}", one.payment_id)))
    }
}

/// What goes on to the cache and the origin.
fn passed(said: Value) -> Value {
    if said.get("uri").is_none() {
        return said;
    }
    let headers: Vec<&String> = said["headers"].as_object().expect("headers").keys().collect();
    json!({ "uri": said["uri"], "headers": headers, "querystring": said["querystring"], "cookies": said["cookies"] })
}

/// What the function answers by itself; a link that is not good must always get the same words.
fn answered(said: Value, words: &mut BTreeMap<bool, String>) -> Value {
    if said.get("statusCode").is_none() {
        return said;
    }
    let header = |name: &str| said["headers"][name]["value"].as_str();
    let is_text = header("content-type").is_some_and(|kind| kind.starts_with("text/plain"));
    let data = said["body"]["data"].as_str().expect("it has a body");
    let mut told = json!({ "status": said["statusCode"] });
    if is_text {
        told["text"] = true.into();
    } else {
        told["state"] = serde_json::from_str::<Value>(data).expect("the body is JSON")["state"].clone();
    }
    if header("cache-control") != Some("no-store") {
        told["kept"] = header("cache-control").into();
    }
    if told["status"] == 405 && header("allow").is_none() {
        told["without"] = "allow".into();
    }
    if told["status"] == 404 && words.entry(is_text).or_insert_with(|| data.to_owned()) != data {
        told["says"] = data.into();
    }
    told
}

fn received(said: Value) -> Value {
    let mut told = json!({ "status": said["statusCode"] });
    if let Some(data) = said["body"]["data"].as_str() {
        told["body"] = serde_json::from_str(data).expect("the body is JSON");
    }
    if let Some(location) = said["headers"].get("location") {
        told["location"] = location["value"].clone();
    }
    told
}

#[test]
fn what_is_deployed_is_the_router() {
    assert_eq!(deployed(), ROUTER, "edge/template.yaml deploys another router: ci/edge-function --write");
}

#[test]
fn the_deployed_router_does_what_each_case_says() {
    let cases = Cases::read();
    assert!(cases.requests.len() + cases.receipts.len() + cases.minted.len() >= 98);
    assert_eq!(cases.differences(&deployed()), Vec::<String>::new());
}

#[test]
fn no_mistake_in_the_router_passes_all_cases() {
    let cases = Cases::read();
    let Mistakes { mistakes } = serde_json::from_str(MISTAKES).expect("edge/mistakes.json has the form");
    assert!(mistakes.len() >= 27);
    for Mistake { name, edits } in mistakes {
        let mut mistaken = deployed();
        for (right, wrong) in edits {
            assert!(mistaken.contains(&right), "{name}: the router does not say {right}");
            mistaken = mistaken.replace(&right, &wrong);
        }
        let differences = cases.differences(&mistaken);
        assert!(!differences.is_empty(), "no case sees {name}");
    }
}

/// It says that links cannot be checked, and not that one is wrong.
#[test]
fn a_store_that_cannot_be_read_lets_no_link_pass() {
    let cases = Cases::read();
    let router = EdgeFunction::new(&deployed()).expect("it is deployed");
    let uri = format!("/p/{}", cases.minted[0].token);
    let request = json!({ "method": "GET", "uri": uri, "headers": {}, "querystring": {}, "cookies": {} });
    let event = event("viewer-request", request);
    let read = router.run(&event, Some(&cases.kvs), at(cases.now_s)).expect("it answers");
    assert_eq!(read["uri"], "/json/order-1042");
    let unread = router.run(&event, None, at(cases.now_s)).expect("it answers");
    assert_eq!(unread["statusCode"], 503);
}

#[test]
fn the_same_request_gets_the_same_answer_a_thousand_times_and_in_two_threads() {
    let cases = Cases::read();
    let ask = |router: &EdgeFunction, one: &Request| {
        let request = json!({
            "method": one.method, "uri": one.uri, "headers": values(&one.headers),
            "querystring": values(&one.querystring), "cookies": values(&one.cookies),
        });
        router.run(&event("viewer-request", request), Some(&cases.kvs), at(cases.now_s)).expect("it answers")
    };
    let a_thousand = || -> Vec<Value> {
        let router = EdgeFunction::new(&deployed()).expect("it is deployed");
        let turns = cases.requests.iter().cycle().take(1_000 + cases.requests.len());
        let answer = |one| {
            let answer = ask(&router, one);
            // To make an engine takes a hundred times as long as to ask it.
            assert!(
                router.shared.lock().expect("nobody panicked").is_some(),
                "{one:?} is not run beside others"
            );
            answer
        };
        turns.map(answer).collect()
    };
    let once: Vec<Value> = cases
        .requests
        .iter()
        .map(|one| ask(&EdgeFunction::new(&deployed()).expect("it is deployed"), one))
        .collect();
    let [here, there] = std::thread::scope(|scope| {
        let threads = [scope.spawn(a_thousand), scope.spawn(a_thousand)];
        threads.map(|thread| thread.join().expect("it ends"))
    });
    assert_eq!(here, there);
    assert!(here.iter().zip(once.iter().cycle()).all(|(later, first)| later == first));
}

#[test]
fn a_router_that_would_be_too_long_is_not_deployed() {
    let longer = format!("{}// {}\n", ROUTER, "x".repeat(10_240 - ROUTER.len() - 4));
    assert_eq!(longer.len(), 10_240);
    EdgeFunction::new(&longer).expect("it is as long as it may be");
    let refused = EdgeFunction::new(&format!("{longer}\n")).map(|_| ());
    assert_eq!(refused, Err(FunctionError::TooLarge { bytes: 10_241 }));
}
