//! What an invocation of the edge's router takes, in the engine that it is run in.
//!
//! `cargo bench --profile dev --package chaos --bench edge` prints medians, microseconds of wall time on one core.

use chaos::cloud::cloudfront::function::EdgeFunction;
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const INVOCATIONS: usize = 20_000;
const ENGINES: usize = 200;
const ROUTER: &str = include_str!("../../edge/router.js");
/// 2026-01-05T09:00:03Z, a day before the link expires.
const NOW: UnixMs = UnixMs(1_767_603_603_000);
const LINK: &str =
    "/p/order-1042.1767690003.1ff996bf1ed17300ad89e7032587c98300d5d67221c6ad867bcf64297f262d78";
const KEY: &str = "6d1f0a4be2c958736d1f0a4be2c958736d1f0a4be2c958736d1f0a4be2c95873";

fn main() {
    let router = EdgeFunction::new(ROUTER).unwrap_or_else(|error| panic!("edge/router.js: {error}"));
    let values = ["key_new", "key_old"].map(|name| (name.to_owned(), KEY.to_owned()));
    let values = BTreeMap::from(values);
    let ask = |uri: &str| {
        let headers = json!({ "host": { "value": "pay.example.com" }, "accept": { "value": "text/html" } });
        let event = json!({
            "version": "1.0", "context": { "eventType": "viewer-request" }, "viewer": { "ip": "203.0.113.9" },
            "request": { "method": "GET", "uri": uri, "headers": headers, "querystring": {}, "cookies": {} },
        });
        median(INVOCATIONS, || router.run(&event, Some(&values), NOW).unwrap_or(Value::Null))
    };
    println!("a link, two signatures compared    {:>7.1} us", ask(LINK));
    println!("a path that is nobody's            {:>7.1} us", ask("/robots.txt"));
    println!(
        "the code taken, in its own engine  {:>7.1} us",
        median(ENGINES, || EdgeFunction::new(ROUTER).is_ok())
    );
}

#[expect(clippy::disallowed_methods, reason = "a bench measures wall time")]
fn median<T>(times: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            let began = std::time::Instant::now();
            std::hint::black_box(work());
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[times / 2].as_secs_f64() * 1e6
}
