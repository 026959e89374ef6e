//! What a stack costs in money, as `docs/costs.md` has it: counts of simulated runs, times AWS's list prices.
//!
//! Invariant: no figure of the page is typed; each is what these runs come to, within a twentieth.

use crate::logs;
use chaos::experiment::{Experiment, SHIPPED};
use chaos::journal::{Event, FunctionEvent, PipeEvent, TableEvent};
use chaos::world::{self, Code, History, own_template};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A price in US dollars, of so many units.
struct Price {
    what: &'static str,
    usd: f64,
    of: f64,
    unit: &'static str,
}

impl Price {
    const fn new(what: &'static str, usd: f64, of: f64, unit: &'static str) -> Self {
        Self { what, usd, of, unit }
    }

    fn times(&self, units: f64) -> f64 {
        self.usd * units / self.of
    }

    /// How a row of the page's table of prices begins.
    fn row(&self) -> String {
        format!("| {} | ${} {} |", self.what, self.usd, self.unit)
    }
}

const MILLION: f64 = 1e6;
const SQS: Price = Price::new("SQS, standard queue", 0.4, MILLION, "for a million requests");
const WRITES: Price = Price::new("DynamoDB, writes on demand", 0.625, MILLION, "for a million units of 1 KB");
const STORAGE: Price = Price::new("DynamoDB, storage", 0.25, 1.0, "for a GB and month");
const RECOVERY: Price = Price::new("DynamoDB, point-in-time recovery", 0.2, 1.0, "for a GB and month");
const INVOCATIONS: Price = Price::new("Lambda, requests", 0.2, MILLION, "for a million");
const GB_SECONDS: Price = Price::new("Lambda, arm64", 13.3334, MILLION, "for a million GB-seconds");
const INGESTED: Price = Price::new("CloudWatch Logs, ingestion", 0.5, 1.0, "for a GB");
const ARCHIVED: Price = Price::new("CloudWatch Logs, storage", 0.03, 1.0, "for a GB and month");
const METRIC: Price = Price::new("CloudWatch, custom metric", 0.3, 1.0, "a month");
const ALARM: Price = Price::new("CloudWatch, metric of an alarm", 0.1, 1.0, "a month");
const DASHBOARD: Price = Price::new("CloudWatch, dashboard", 3.0, 1.0, "a month");
const EVENTS: Price = Price::new("EventBridge, events of one's own", 1.0, MILLION, "for a million");
const PIPED: Price = Price::new("EventBridge Pipes", 0.4, MILLION, "for a million requests, after filtering");
const KEY: Price = Price::new("KMS, key", 1.0, 1.0, "a month");
const SECRET: Price = Price::new("Secrets Manager, secret", 0.4, 1.0, "a month");
const SECRET_READ: Price = Price::new("Secrets Manager, calls", 0.05, 10_000.0, "for ten thousand");

const EDGE: Price = Price::new("CloudFront, HTTPS requests", 0.01, 10_000.0, "for ten thousand");
const EDGE_OUT: Price = Price::new("CloudFront, to the internet", 0.085, 1.0, "for a GB");
const EDGE_CODE: Price = Price::new("CloudFront Functions", 0.1, MILLION, "for a million invocations");
const EDGE_READS: Price = Price::new("CloudFront KeyValueStore", 0.03, MILLION, "for a million reads");
const GATEWAY: Price = Price::new("API Gateway, HTTP API", 1.0, MILLION, "for a million requests");
const READS: Price = Price::new("DynamoDB, reads on demand", 0.125, MILLION, "for a million units of 4 KB");

const PRICES: [&Price; 22] = [
    &SQS,
    &WRITES,
    &STORAGE,
    &RECOVERY,
    &INVOCATIONS,
    &GB_SECONDS,
    &INGESTED,
    &ARCHIVED,
    &METRIC,
    &ALARM,
    &DASHBOARD,
    &EVENTS,
    &PIPED,
    &KEY,
    &SECRET,
    &SECRET_READ,
    &EDGE,
    &EDGE_OUT,
    &EDGE_CODE,
    &EDGE_READS,
    &GATEWAY,
    &READS,
];

const HOURS_A_MONTH: f64 = 730.0;
const MEMORY_GB: f64 = 0.25;
const GB: f64 = 1e9;
/// Lambda asks a queue that is empty with five long polls at once, of twenty seconds.
const EMPTY_RECEIVES_AN_HOUR: f64 = 5.0 * 180.0;
/// A row of a payment without description and metadata is below 1 KB, and so is its copy in the index.
const UNITS_OF_A_LEDGER_WRITE: f64 = 2.0;
/// A record of the responder is at most this large, KB.
const UNITS_OF_A_RECORD: f64 = 4.0;
/// What Lambda itself logs of an invocation: its beginning and its report.
const PLATFORM_BYTES: f64 = 700.0;
/// Days that log lines and settled rows are kept, in months.
const LOGS_KEPT_MONTHS: f64 = 3.0;
const ROWS_KEPT_MONTHS: f64 = 400.0 / 30.4;
/// Values that the router reads of a link: whether there is maintenance, and both keys.
const READS_OF_A_LOOK: f64 = 3.0;
/// Values that it reads of a payment that is handed in, and of its receipt.
const READS_OF_A_HAND_IN: f64 = 2.0;
/// Headers of an answer, bytes.
const HEADER_BYTES: f64 = 1_000.0;
/// What the status function takes: a read of DynamoDB, and little else. Assumed.
const STATUS_S: f64 = 0.02;
/// An eventually consistent read of a row below 4 KB.
const UNITS_OF_A_LOOK: f64 = 0.5;

/// What was used, by what is paid for.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    sqs: f64,
    write_units: f64,
    other_calls: f64,
    outcomes: f64,
    invocations: f64,
    gb_s: f64,
    log_bytes: f64,
    secret_reads: f64,
}

impl Usage {
    fn of(history: &History, lines: &[Value]) -> Self {
        let mut used = Self { sqs: history.sent.len() as f64, ..Self::default() };
        let mut began = BTreeMap::new();
        let (mut ledger_writes, mut record_writes) = (0.0, 0.0);
        used.log_bytes = lines.iter().map(|line| line.to_string().len() as f64 + 1.0).sum();
        for record in &history.records {
            match &record.event {
                Event::Function(FunctionEvent::Invoked { request, messages, .. }) => {
                    used.invocations += 1.0;
                    // Received and deleted as a batch each; its producer sent each of its messages alone.
                    used.sqs += if messages.is_empty() { 0.0 } else { 2.0 };
                    began.insert(request.clone(), record.at.0);
                }
                Event::Function(
                    FunctionEvent::Answered { request, .. } | FunctionEvent::Failed { request, .. },
                ) => {
                    let lasted_ms = began.remove(request).map_or(0, |began| record.at.0 - began);
                    used.gb_s += lasted_ms as f64 / 1_000.0 * MEMORY_GB;
                }
                Event::Function(FunctionEvent::ContainerStarted { .. }) => used.secret_reads += 1.0,
                Event::Function(FunctionEvent::Metrics { line }) => {
                    used.log_bytes += line.parsed().to_string().len() as f64 + 1.0;
                }
                Event::Table(TableEvent::LedgerWritten { .. } | TableEvent::LedgerRefused { .. }) => {
                    ledger_writes += 1.0
                }
                Event::Pipe(PipeEvent::Told { .. }) => used.outcomes += 1.0,
                Event::Table(TableEvent::IncidentSaved { .. }) => record_writes += 1.0,
                Event::Queue(_)
                | Event::MoveTask(_)
                | Event::Topic(_)
                | Event::Function(_)
                | Event::Stripe(_)
                | Event::Alarm(_)
                | Event::Bus(_)
                | Event::Pipe(_)
                | Event::Edge(_)
                | Event::Fault(_)
                | Event::Access(_) => {}
            }
        }
        used.write_units = ledger_writes * UNITS_OF_A_LEDGER_WRITE + record_writes * UNITS_OF_A_RECORD;
        used.other_calls = history.sdk_calls as f64 - ledger_writes - record_writes;
        used.log_bytes += used.invocations * PLATFORM_BYTES;
        used
    }

    fn zip(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            sqs: of(self.sqs, other.sqs),
            write_units: of(self.write_units, other.write_units),
            other_calls: of(self.other_calls, other.other_calls),
            outcomes: of(self.outcomes, other.outcomes),
            invocations: of(self.invocations, other.invocations),
            gb_s: of(self.gb_s, other.gb_s),
            log_bytes: of(self.log_bytes, other.log_bytes),
            secret_reads: of(self.secret_reads, other.secret_reads),
        }
    }

    fn times(self, factor: f64) -> Self {
        self.zip(self, |one, _| one * factor)
    }

    /// In dollars, in the order of the page's rows. Calls that are neither writes nor the poller's cost no more than a request to SQS.
    fn cost(&self) -> [f64; 5] {
        [
            SQS.times(self.sqs + self.other_calls),
            EVENTS.times(self.outcomes) + PIPED.times(self.outcomes),
            INVOCATIONS.times(self.invocations) + GB_SECONDS.times(self.gb_s),
            WRITES.times(self.write_units),
            INGESTED.times(self.log_bytes / GB)
                + ARCHIVED.times(self.log_bytes / GB * LOGS_KEPT_MONTHS)
                + SECRET_READ.times(self.secret_reads),
        ]
    }
}

/// A run, what it used, and the names of the metrics that were published in it.
struct Counted {
    payments: f64,
    hours: f64,
    used: Usage,
    metrics: BTreeSet<String>,
}

fn counted(name: &str, text: &str) -> Counted {
    let experiment = Experiment::parse(Path::new(name), text).unwrap_or_else(|error| panic!("{error}"));
    let (history, lines) =
        logs::of(|| world::run(experiment, 1, Code::DEPLOYED).unwrap_or_else(|error| panic!("{error}")));
    let metrics = history.records.iter().filter_map(|record| {
        let Event::Function(FunctionEvent::Metrics { line }) = &record.event else { return None };
        Some(line.parsed())
    });
    let names = metrics.flat_map(|line| {
        let declared =
            line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().cloned().unwrap_or_default();
        declared.iter().filter_map(|metric| metric["Name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    });
    Counted {
        payments: history.sent.len() as f64,
        hours: (history.ended.0 - history.began.0) as f64 / 3_600_000.0,
        used: Usage::of(&history, &lines),
        metrics: names.collect(),
    }
}

fn workload(payments: u32, over: &str) -> Counted {
    counted(
        "costs.toml",
        &format!(
            "workload = {{ payments = {payments}, over = '{over}' }}\nexpect = {{ dead_letters = 'any' }}"
        ),
    )
}

/// What is there whether or not anything is sent, in dollars a month.
fn standing(metrics: &BTreeSet<String>) -> f64 {
    let alarms = own_template().with_file_name("alarms").join("template.yaml");
    let alarms = fs::read_to_string(alarms).expect("the alarms are readable");
    let of_alarms = alarms.matches("MetricName:").count();
    METRIC.times(metrics.len() as f64)
        + ALARM.times(of_alarms as f64)
        + DASHBOARD.times(1.0)
        + KEY.times(1.0)
        + SECRET.times(1.0)
}

fn page() -> String {
    fs::read_to_string(own_template().with_file_name("docs").join("costs.md")).expect("the page is readable")
}

/// Money is compared, and everything else is the same.
fn agree(said: &str, computed: &str) -> bool {
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let (said, computed) = (cells(said), cells(computed));
    said.len() == computed.len()
        && said.iter().zip(&computed).all(|(said, computed)| match (dollars(said), dollars(computed)) {
            (Some(said), Some(computed)) => (said - computed).abs() <= (computed * 0.05).max(0.011),
            (None, None) => said == computed,
            (Some(_), None) | (None, Some(_)) => false,
        })
}

fn dollars(cell: &str) -> Option<f64> {
    cell.strip_prefix('$')?.replace(',', "").parse().ok()
}

fn held_to_the_page(table: &str) {
    let page = page();
    let lost: Vec<&str> = table.lines().filter(|row| !page.lines().any(|said| agree(said, row))).collect();
    assert!(lost.is_empty(), "docs/costs.md should say:\n{table}\nand does not say:\n{}", lost.join("\n"));
}

#[test]
fn the_page_names_every_price_that_is_reckoned_with() {
    let page = page();
    for price in PRICES {
        assert!(page.contains(&price.row()), "{}", price.row());
    }
}

#[test]
fn the_page_says_what_a_month_costs_at_each_rate() {
    let idle = workload(1, "6h");
    let an_hour = idle.used.times(1.0 / idle.hours);
    let polled = Usage { sqs: EMPTY_RECEIVES_AN_HOUR, ..Usage::default() };
    let at = |rate: f64, run: &Counted| {
        let more = run.used.zip(an_hour.times(run.hours), |all, idle| all - idle).times(rate / run.payments);
        an_hour.zip(polled, |one, other| one + other).zip(more, |one, other| one + other).times(HOURS_A_MONTH)
    };
    let runs = [(1.0, workload(6, "6h")), (100.0, workload(100, "1h")), (10_000.0, workload(500, "3m"))];
    let columns: Vec<(f64, Usage)> = runs.iter().map(|(rate, run)| (*rate, at(*rate, run))).collect();
    let standing = standing(&idle.metrics);
    let mut table = String::new();
    let rows = [
        "SQS, and what else is asked of AWS",
        "outcomes, told on the bus",
        "Lambda",
        "DynamoDB, writes",
        "logs, and reads of the secret",
    ];
    let mut row = |name: &str, of: &dyn Fn(&(f64, Usage)) -> f64| {
        let cells: Vec<String> = columns.iter().map(|column| format!("${:.2}", of(column))).collect();
        writeln!(table, "| {name} | {} |", cells.join(" | ")).expect("a text");
    };
    row("metrics, alarms, dashboard, key, secret", &|_| standing);
    for (at, name) in rows.into_iter().enumerate() {
        row(name, &|(_, used)| used.cost()[at]);
    }
    let total = |used: &Usage| standing + used.cost().iter().sum::<f64>();
    row("a month", &|(_, used)| total(used));
    row("rows of 400 days, in each month from then on", &|(rate, _)| {
        let gb = rate * HOURS_A_MONTH * ROWS_KEPT_MONTHS * 1_000.0 / GB;
        STORAGE.times(gb) + RECOVERY.times(gb)
    });
    held_to_the_page(&table);
}

/// Nothing of the edge is simulated here: these are the requests of one look-up or hand-in, as docs/edge.md counts them.
#[test]
fn the_page_says_what_the_edge_adds_at_each_rate() {
    let page = own_template().with_file_name("edge").join("page.html");
    let page_bytes = fs::metadata(page).expect("the page is there").len() as f64;
    let answered = |bytes: f64| EDGE.times(1.0) + EDGE_OUT.times((bytes + HEADER_BYTES) / GB);
    let from_cache = answered(page_bytes) + EDGE_CODE.times(1.0) + EDGE_READS.times(READS_OF_A_LOOK);
    let from_ledger = from_cache
        // The shield.
        + EDGE.times(1.0)
        + INVOCATIONS.times(1.0)
        + GB_SECONDS.times(STATUS_S * MEMORY_GB)
        + READS.times(UNITS_OF_A_LOOK)
        + (INGESTED.times(1.0) + ARCHIVED.times(LOGS_KEPT_MONTHS)) * PLATFORM_BYTES / GB;
    let hand_in =
        answered(0.0) + EDGE_CODE.times(2.0) + EDGE_READS.times(READS_OF_A_HAND_IN) + GATEWAY.times(1.0);
    let rows = [
        ("handed in", hand_in),
        ("looked up, by asking the ledger", from_ledger),
        ("looked up, by a cache", from_cache),
    ];
    let mut table = String::new();
    for (what, each) in rows {
        let cells = [1.0, 100.0, 10_000.0].map(|rate| format!("${:.2}", rate * HOURS_A_MONTH * each));
        writeln!(table, "| {what} | {} |", cells.join(" | ")).expect("a text");
    }
    held_to_the_page(&table);
}

#[test]
fn the_page_says_what_an_outage_of_six_hours_costs() {
    let shipped = SHIPPED.iter().find(|shipped| shipped.name == "outage-6h").expect("it is shipped");
    // As many as are needed to say what one costs.
    let text = shipped.text.replace("payments = 3000", "payments = 400");
    assert_ne!(text, shipped.text);
    let (outage, calm) = (counted("outage-6h.toml", &text), workload(400, "8h"));
    assert!((outage.payments - calm.payments).abs() < 0.5);
    let [with, without] =
        [&outage, &calm].map(|run| run.used.cost().iter().sum::<f64>() / run.payments * 1_000.0);
    held_to_the_page(&format!(
        "| a thousand payments, as a rule | ${without:.3} |\n| a thousand payments, six hours without Stripe among them | ${with:.3} |\n"
    ));
}
