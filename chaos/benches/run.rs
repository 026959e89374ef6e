//! How long a simulated run takes, beside what its calls cost at least, measured in the same process.
//!
//! `cargo bench --profile dev --package chaos` prints medians of five runs, milliseconds of wall time on one core.

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use chaos::clock::Clock;
use chaos::cloud::wire::{CurrentRequest, Latencies, Wire};
use chaos::cloud::{Blueprint, Cloud};
use chaos::experiment::Experiment;
use chaos::journal::{Event, Journal, TableEvent};
use chaos::link::Link;
use chaos::world::{Code, Deployed, History, own_template, run};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const RUNS: usize = 5;
const CALLS: u32 = 2_000;

fn main() {
    let call = one_call();
    println!("one SDK call (SendMessage)           {:>6} us", call.as_micros());
    let (drills, _) = median("workload = { bodies = [BODIES], over = '2h' }", "PYMT_SUCCEED");
    println!("2,000 deliveries without a call      {:>6} ms", drills.as_millis());
    let (steady, history) = median("workload = { payments = 2000, over = '2h' }", "");
    println!("2,000 payments, 2 h, no fault        {:>6} ms", steady.as_millis());
    println!("  {}", beside_its_floor(steady, &history, call));
    let (outage, history) = median(OUTAGE, "");
    println!("2,000 payments, 2 h, 30 min outage   {:>6} ms", outage.as_millis());
    println!("  {}", beside_its_floor(outage, &history, call));
    println!("  ratio to the run without a fault   {:>9.2}", outage.as_secs_f64() / steady.as_secs_f64());
    let (small, history) = median(SMALL, "");
    println!(
        "50 payments, 30 min outage           {:>6} ms, {:.1} seeds a second on one core",
        small.as_millis(),
        1.0 / small.as_secs_f64()
    );
    println!("  {}", beside_its_floor(small, &history, call));
}

/// What a run takes, in what its SDK calls would take if each cost as much as one of the cheapest.
fn beside_its_floor(took: Duration, history: &History, call: Duration) -> String {
    let floor = call.as_secs_f64() * history.sdk_calls as f64;
    format!(
        "{} SDK calls, of which {} write the ledger: a floor of {:.0} ms; {:.1} times it",
        history.sdk_calls,
        ledger_writes(history),
        floor * 1e3,
        took.as_secs_f64() / floor
    )
}

/// What one call takes through the SDK, to the embedded SQS and back.
#[expect(clippy::disallowed_methods, reason = "a bench measures wall time")]
fn one_call() -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O starts").block_on(async {
        let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("the template loads");
        let clock = Clock::starting_at(UnixMs(1_767_603_600_000));
        let blueprint = Blueprint {
            queues: deployed.stack.queues.into_values().collect(),
            seed: 7,
            ..Blueprint::default()
        };
        let cloud = Cloud::start(blueprint, clock, &Journal::default()).expect("it starts");
        let services = cloud.services().clone();
        let wire = Wire::new(services, Latencies::new(7), Link::default(), CurrentRequest::default());
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "bench"))
            .http_client(SharedHttpClient::new(wire))
            .time_source(clock)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .build();
        let client = aws_sdk_sqs::Client::from_conf(config);
        let url = chaos::cloud::names::queue_url(&deployed.names.quarantine);
        let began = std::time::Instant::now();
        for _ in 0..CALLS {
            client.send_message().queue_url(&url).message_body("{}").send().await.expect("SQS takes it");
        }
        began.elapsed() / CALLS
    })
}

const SMALL: &str = "
    workload = { payments = 50, over = '30m' }
    fault = [{ kind = 'stripe-unavailable', for = '30m' }]";

const OUTAGE: &str = "
    workload = { payments = 2000, over = '2h' }
    fault = [{ kind = 'stripe-unavailable', from = '30m', for = '30m' }]";

#[expect(clippy::disallowed_methods, reason = "a bench measures wall time")]
fn median(text: &str, body: &str) -> (Duration, History) {
    let bodies = vec![format!("'{body}'"); 2_000].join(",");
    let text = text.replace("BODIES", &bodies);
    let mut runs: Vec<(Duration, History)> = (0..RUNS)
        .map(|_| {
            let experiment = Experiment::parse(Path::new("bench.toml"), &text).expect("it is well formed");
            let began = std::time::Instant::now();
            let history = run(experiment, 1, Code::DEPLOYED).expect("the world runs");
            (began.elapsed(), history)
        })
        .collect();
    runs.sort_by_key(|(took, _)| *took);
    runs.swap_remove(RUNS / 2)
}

fn ledger_writes(history: &History) -> usize {
    let is_write = |event: &Event| {
        matches!(event, Event::Table(TableEvent::LedgerWritten { .. } | TableEvent::LedgerRefused { .. }))
    };
    history.records.iter().filter(|record| is_write(&record.event)).count()
}
