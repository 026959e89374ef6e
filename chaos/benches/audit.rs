//! What it takes to audit a hundred thousand payments, each with its row: turns against the function's limits, memory,
//! and wall time.
//!
//! `cargo bench --profile dev --package chaos --bench audit`. Memory is this process's, with the fake Stripe, the table
//! and the journal in it: what it gains from the order of the audit on bounds what the audit holds.

#![expect(clippy::wildcard_enum_match_arm, reason = "it picks the events it looks at")]

#[path = "../tests/suite/responder/town.rs"]
#[expect(dead_code, reason = "most of the town is for tests")]
mod town;
#[path = "../tests/suite/responder/volume.rs"]
mod volume;

use payments::limits::TURN_S_MAX;
use town::in_town;
use volume::{audited, differing, plant};

const PAYMENTS: i64 = 100_000;

#[expect(clippy::disallowed_methods, reason = "a bench measures wall time")]
fn main() {
    in_town("[]", async |town| {
        town.pass_s(5 * 60).await;
        let began = std::time::Instant::now();
        plant(&town, PAYMENTS).await;
        let planted = began.elapsed();
        let before_kib = peak_kib();
        let audit = audited(&town, 45 * 60).await;
        let (took, after_kib) = (began.elapsed() - planted, peak_kib());
        assert_eq!((audit.intents, audit.differences), (PAYMENTS, differing(PAYMENTS)));
        assert!(
            audit.sorts.iter().all(|sort| sort == "other_money"),
            "a comparison found no row: {:?}",
            audit.sorts
        );
        println!(
            "{} intents, {} differences, {} invocations failed",
            audit.intents,
            audit.differences,
            audit.failed.len()
        );
        println!("{} pages in {} turns, {} s in all", audit.pages, audit.turns, audit.took_ms / 1_000);
        println!(
            "longest turn {} ms of {TURN_S_MAX} s, {} pages",
            audit.longest_turn_ms, audit.pages_of_a_turn
        );
        println!("peak memory {} MiB before the audit, {} MiB after", before_kib / 1_024, after_kib / 1_024);
        println!("wall time: planting {:.1} s, auditing {:.1} s", planted.as_secs_f64(), took.as_secs_f64());
    });
}

/// The most memory that this process has held, KiB; 0 where the system does not say.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
