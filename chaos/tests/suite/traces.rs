//! The trace of an invocation, as Lambda names one: it is in every line that tells what became of something, and in mails.
//!
//! Invariant: where no trace is kept, none is named.

use crate::logs;
use chaos::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use chaos::consumer::ConsumerFunction;
use chaos::experiment::Experiment;
use chaos::responder::ResponderFunction;
use chaos::world::{self, Code, History};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// A function each of whose invocations is traced, under an id made of its request's.
struct Traced<F>(F);

impl<F: Function> Function for Traced<F> {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let started = self.0.start(container);
        Box::pin(async move { Ok(Box::new(TracedInContainer(started.await?)) as Box<dyn Handler>) })
    }
}

struct TracedInContainer(Box<dyn Handler>);

impl Handler for TracedInContainer {
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        let digits: String = context.request_id.chars().filter(char::is_ascii_hexdigit).collect();
        let header = format!("Root=1-{}-{};Sampled=1", &digits[..8], &digits[8..]);
        self.0.invoke(payload, InvocationContext { xray_header: Some(header), ..context })
    }
}

const TRACED: Code<'static> = Code {
    consumer: &|provider| Arc::new(Traced(ConsumerFunction::new(provider))),
    responder: &|provider| Arc::new(Traced(ResponderFunction::new(provider))),
    ..Code::DEPLOYED
};

/// A run with payments, and an outage that mails are sent about.
fn run(code: Code<'_>) -> (History, Vec<Value>) {
    let text =
        "workload = { payments = 20, over = '20m' }\n[[fault]]\nfrom = '2m'\nfor = '12m'\nrate = 1.0\n";
    let experiment =
        Experiment::parse(Path::new("traced.toml"), text).unwrap_or_else(|error| panic!("{error}"));
    logs::of(|| world::run(experiment, 1, code).unwrap_or_else(|error| panic!("{error}")))
}

/// Lines that tell of a record or of a turn, and the traces that they name.
fn told(lines: &[Value]) -> (usize, Vec<&str>) {
    let tells =
        |line: &&Value| ["record", "turn"].iter().any(|message| line["fields"]["message"] == *message);
    let told: Vec<&Value> = lines.iter().filter(tells).collect();
    (told.len(), told.iter().filter_map(|line| line["fields"]["trace_id"].as_str()).collect())
}

#[test]
fn what_became_of_a_payment_and_of_a_turn_names_its_trace_and_so_does_a_mail() {
    let (history, lines) = run(TRACED);
    let (number, traces) = told(&lines);
    assert!(number > 40 && traces.len() == number, "{number} lines, {} with a trace", traces.len());
    assert!(!history.mails.is_empty());
    for mail in &history.mails {
        let named = mail.body.lines().find_map(|line| line.strip_prefix("Trace:     ")).expect("it is named");
        let trace = named.strip_suffix(", of the turn that sent this").expect("whose it is");
        assert!(traces.contains(&trace), "{trace} is of no turn");
    }
}

#[test]
fn where_no_trace_is_kept_none_is_named() {
    let (history, lines) = run(Code::DEPLOYED);
    let (number, traces) = told(&lines);
    assert!(number > 40 && traces.is_empty(), "{traces:?}");
    assert!(!history.mails.is_empty() && history.mails.iter().all(|mail| !mail.body.contains("Trace:")));
}
