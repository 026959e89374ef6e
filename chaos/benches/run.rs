//! How long a simulated run takes, beside what its calls cost at least, measured in the same process.
//!
//! `cargo bench --profile chaos --package chaos` prints medians of five runs, milliseconds of wall time on one core.

use chaos::experiment::Experiment;
use chaos::journal::Event;
use chaos::world::{Code, History, run};
use std::path::Path;
use std::time::Duration;

const RUNS: usize = 5;

fn main() {
    let (drills, _) = median("workload = { bodies = [BODIES], over = '2h' }", "PYMT_SUCCEED");
    let (copies, _) = median("workload = { bodies = [BODIES], over = '2h' }", "nonsense");
    let (steady, history) = median("workload = { payments = 2000, over = '2h' }", "");
    let (outage, broken) = median(OUTAGE, "");
    let each_us = |longer: Duration, shorter: Duration, times: usize| {
        longer.saturating_sub(shorter).as_micros() / u128::try_from(times).unwrap_or(1).max(1)
    };
    let call = copies.saturating_sub(drills) / 2_000;
    println!("2,000 deliveries without a call      {:>6} ms", drills.as_millis());
    println!(
        "  + one SDK call each (SendMessage)  {:>6} ms, {} us a call",
        copies.as_millis(),
        each_us(copies, drills, 2_000)
    );
    println!(
        "2,000 payments, 2 h, no fault        {:>6} ms, {} events",
        steady.as_millis(),
        history.records.len()
    );
    println!(
        "  ledger writes, Stripe calls        {:>6} writes, {} us a payment beyond its delivery",
        ledger_writes(&history),
        each_us(steady, drills, 2_000)
    );
    println!(
        "2,000 payments, 2 h, 30 min outage   {:>6} ms, {} events",
        outage.as_millis(),
        broken.records.len()
    );
    println!("  ledger writes                      {:>6} writes", ledger_writes(&broken));
    println!("  ratio to the run without a fault   {:>9.2}", outage.as_secs_f64() / steady.as_secs_f64());
    println!("  {}", beside_its_floor(outage, &broken, call));
    let (small, history) = median(SMALL, "");
    println!(
        "50 payments, 30 min outage           {:>6} ms, {:.1} seeds a second on one core",
        small.as_millis(),
        1.0 / small.as_secs_f64()
    );
    println!("  {}", beside_its_floor(small, &history, call));
}

/// What a run takes, in what its SDK calls would take if each cost as much as the cheapest.
fn beside_its_floor(took: Duration, history: &History, call: Duration) -> String {
    let floor = call.as_secs_f64() * history.sdk_calls as f64;
    format!(
        "floor, {} SDK calls   {:>12.0} ms; {:.2} times it",
        history.sdk_calls,
        floor * 1e3,
        took.as_secs_f64() / floor
    )
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
    let is_write = |event: &Event| matches!(event, Event::LedgerWritten { .. } | Event::LedgerRefused { .. });
    history.records.iter().filter(|record| is_write(&record.event)).count()
}
