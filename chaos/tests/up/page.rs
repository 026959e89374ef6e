//! The page of a running stack, as a browser asks for it, and as a page of somebody else does.

use super::{Answer, PATIENCE, Up, wait_until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// The line that a refusal consists of.
fn line(answer: &Answer) -> String {
    let line =
        answer.value()["error"]["message"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned();
    assert!(!line.contains('\n'), "{line}");
    line
}

fn post(up: &Up, path: &str, body: &str) -> Answer {
    up.raw("POST", path, &[], body)
}

/// The first event of a new connection: its name, and its data.
fn first_event(up: &Up) -> (String, Value) {
    let address = up.standing.aws.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    write!(stream, "GET /chaos/events HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("it reads");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("it goes on"));
    let kind = "content-type: text/event-stream";
    assert!(lines.by_ref().take_while(|line| !line.is_empty()).any(|line| line == kind), "events");
    let name = lines.find_map(|line| line.strip_prefix("event: ").map(str::to_owned)).expect("a name");
    let data = lines.next().expect("a line");
    let data = data.strip_prefix("data: ").expect("data right behind it");
    (name, serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}")))
}

#[test]
fn the_page_is_served_with_its_files_and_lets_nothing_foreign_in() {
    let up = Up::new("page");
    for (path, kind, words) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/chaos/page.css", "text/css; charset=utf-8", "prefers-color-scheme"),
        ("/chaos/page.js", "text/javascript; charset=utf-8", "EventSource"),
    ] {
        let answer = up.raw("GET", path, &[], "");
        assert!(answer.status == 200 && answer.body.contains(words), "{path}: {}", answer.body);
        assert!(answer.head.contains(&format!("content-type: {kind}")), "{}", answer.head);
        for wanted in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
        ] {
            assert!(answer.head.contains(wanted), "{path}: {}", answer.head);
        }
        let foreign = answer.body.match_indices("http").filter(|(at, _)| {
            let rest = &answer.body[*at..];
            rest.starts_with("http:") && !rest.starts_with("http://www.w3.org/2000/svg")
                || rest.starts_with("https:")
        });
        assert_eq!(foreign.count(), 0, "{path} asks nobody else");
    }
    assert!(
        up.raw("GET", "/chaos/state", &[], "").head.contains("content-security-policy: default-src 'none'")
    );
}

#[test]
fn the_first_event_is_the_state() {
    let up = Up::new("events");
    let (name, state) = first_event(&up);
    assert_eq!(name, "state");
    assert_eq!(
        state["queues"]["payments-dead-letters"],
        json!({ "visible": 0, "in_flight": 0, "delayed": 0 })
    );
    assert_eq!(state["names"]["dead_letters"], "payments-dead-letters");
    assert_eq!((&state["faults"], &state["failure_rate"]), (&json!([]), &json!(0.0)));
    assert_eq!(state["breakers"], json!({ "open": 0, "calls": 0, "failed": 0, "spared": 0 }));
    assert_eq!(state["alarms"].as_object().map(serde_json::Map::len), Some(11));
}

#[test]
fn a_mail_and_a_line_are_told_to_whoever_listens() {
    let up = Up::new("told");
    up.invoke(r#"{"do":"tell"}"#);
    let topic = &up.standing.deployed.stack.outputs["AlertsTopicArn"];
    let form =
        format!("Action=Publish&Version=2010-03-31&TopicArn={topic}&Subject=hear%2C+hear&Message=a+mail");
    let published = up.raw("POST", "/", &["Content-Type: application/x-www-form-urlencoded"], &form);
    assert_eq!(published.status, 200, "{}", published.body);
    let address = up.standing.aws.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    write!(stream, "GET /chaos/events HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("it reads");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("it goes on"));
    let mut data_of = |name: &str| {
        let wanted = format!("event: {name}");
        let _ = lines.find(|line| *line == wanted);
        lines.next().expect("data")
    };
    assert!(data_of("mail").contains(r#""subject":"hear, hear""#));
    let told = data_of("lines");
    assert!(
        told.contains(r#""group":"/aws/lambda/payments-consumer""#) && told.contains("platform.start"),
        "{told}"
    );
}

#[test]
fn payments_and_drills_are_sent_and_what_is_none_is_told_in_a_line() {
    let up = Up::new("send");
    let taken = |path: &str, body: &str| {
        let answer = post(&up, path, body);
        (answer.status, answer.value()["sent"].clone())
    };
    assert_eq!(taken("/chaos/payments", r#"{"count":3}"#), (202, json!(3)));
    assert_eq!(taken("/chaos/payments", r#"{"count":2}"#), (202, json!(2)));
    assert_eq!(taken("/chaos/drills", r#"{"drill":"PYMT_FAILED"}"#), (202, json!(1)));
    // The script that stands in for the function takes them, and answers what is no answer to a batch.
    wait_until("they are in hand", || {
        let depth = &up.state()["queues"]["payments-payments"];
        ["visible", "in_flight", "delayed"].iter().filter_map(|part| depth[*part].as_u64()).sum::<u64>() == 6
    });
    for (path, body, wanted) in [
        ("/chaos/payments", r#"{"count":0}"#, "count 0; accepted: 1 to 1000"),
        (
            "/chaos/payments",
            "many",
            "not a count: expected value at line 1 column 1; accepted: {\"count\":1 to 1000}",
        ),
        ("/chaos/drills", r#"{"drill":"PYMT"}"#, "drill PYMT; accepted: PYMT_SUCCEED and PYMT_FAILED"),
    ] {
        let answer = post(&up, path, body);
        assert_eq!((answer.status, line(&answer)), (400, wanted.to_owned()));
    }
    assert!(line(&up.raw("GET", "/chaos/none", &[], "")).contains("accepted: GET /, GET /chaos/state"));
}

#[test]
fn faults_of_stripe_are_set_and_cleared_here_in_its_own_words() {
    let up = Up::new("faults");
    let kinds = up.raw("GET", "/chaos/kinds", &[], "").value();
    assert_eq!(kinds["kinds"][0]["kind"], "stripe-unavailable");
    assert!(
        kinds["kinds"].as_array().expect("a list").iter().all(|kind| kind["kind"] != "crash"),
        "Stripe's alone"
    );
    let put = |body: &str| up.raw("PUT", "/chaos/failure-rate", &[], body);
    for (rate, faults) in [(r#"{"rate":0.5}"#, 1), (r#"{"rate":1,"ttl_s":60}"#, 1), (r#"{"rate":0}"#, 0)] {
        assert_eq!(put(rate).status, 200);
        assert_eq!(
            up.state()["faults"].as_array().map(Vec::len),
            Some(faults),
            "one in the place of the other"
        );
    }
    assert_eq!(put(r#"{"rate":0.25}"#).value()["failure_rate"], 0.25);
    let set = post(&up, "/chaos/faults", r#"{"kind":"stripe-slow","rate":0.1,"ttl_s":30}"#);
    assert_eq!(set.status, 201);
    let cleared = up.raw("DELETE", &format!("/chaos/faults/{}", set.value()["id"]), &[], "");
    assert_eq!(cleared.status, 200);
    assert_eq!(up.state()["faults"][0]["kind"], "stripe-unavailable", "the other is still there");
    let refused = |answer: Answer| (answer.status, line(&answer));
    assert_eq!(refused(put(r#"{"rate":2}"#)), (400, "rate 2; accepted: 0 to 1".to_owned()));
    assert!(refused(put("half")).1.starts_with("not a share: "));
    let sleepy = post(&up, "/chaos/faults", r#"{"kind":"stripe-sleepy"}"#);
    let wanted = "fault kind stripe-sleepy; accepted: those that `cargo chaos list faults` lists";
    assert_eq!(refused(sleepy), (400, wanted.to_owned()));
    assert_eq!(up.state()["failure_rate"], 0.25, "what is refused changes nothing");
}

#[test]
fn a_foreign_page_is_refused_at_every_door_and_changes_nothing() {
    let up = Up::new("foreign");
    let publish = "Action=Publish&Version=2010-03-31&TopicArn=t&Message=m";
    for (path, body) in [
        ("/chaos/payments", r#"{"count":1}"#),
        ("/chaos/faults", r#"{"kind":"stripe-slow"}"#),
        ("/2015-03-31/functions/payments-consumer/invocations", "{}"),
        ("/", publish),
    ] {
        for header in ["Origin: https://example.com", "Origin: null", "Sec-Fetch-Site: cross-site"] {
            let answer = up.raw("POST", path, &[header], body);
            let (name, value) = header.split_once(": ").expect("a header");
            assert_eq!(answer.status, 403, "{path} {header}: {}", answer.body);
            assert!(line(&answer).starts_with(&format!("{name} {value}; accepted: ")), "{}", answer.body);
        }
    }
    assert_eq!(up.raw("PUT", "/chaos/failure-rate", &["Origin: null"], r#"{"rate":1}"#).status, 403);
    let state = up.state();
    assert_eq!((&state["faults"], &state["queues"]["payments-payments"]["visible"]), (&json!([]), &json!(0)));
    assert!(up.log().is_empty(), "nothing was invoked");
    let own = format!("Origin: {}", up.standing.aws);
    let sent = up.raw("POST", "/chaos/payments", &[&own, "Sec-Fetch-Site: same-origin"], r#"{"count":1}"#);
    assert_eq!(sent.status, 202, "its own page may");
    assert_eq!(up.raw("GET", "/", &["Sec-Fetch-Site: cross-site"], "").status, 200, "a link leads here");
}

/// Asks a port of this machine under another name, as a page does whose name was made to lead here.
fn under(name: &str, port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it answers");
    said
}

#[test]
fn a_name_that_was_made_to_lead_here_is_told_nothing() {
    let up = Up::new("rebound");
    let port = up.standing.aws.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    for (port, path) in [(port, "/chaos/state"), (port, "/"), (up.standing.stripe_port, "/chaos/faults")] {
        let said = under("evil.example", port, path);
        assert!(said.starts_with("HTTP/1.1 403 "), "{said}");
        assert!(said.contains("Host evil.example:") && said.contains("accepted: localhost"), "{said}");
        assert!(under("localhost", port, path).starts_with("HTTP/1.1 200 "), "{path}");
    }
}
