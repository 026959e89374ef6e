//! Known-bad implementations, each broken in one way that people do break such systems. The suite's checks must notice
//! every one of them, and the same experiments must pass with the code as it is deployed: otherwise neither says
//! anything.
//!
//! A mutant comes in from here, through the world's own seams; nothing of it is compiled into what is deployed.

mod answers;
mod article;
mod aws;
mod batch;
mod calls;
mod item;
mod ledger;
mod mutant;
mod protocol;
mod provider;
mod queues;
mod responder;
mod weather;

use chaos::checks::Outcome;
use mutant::{Mutant, Run, SEEDS, seeds_needed};
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use weather::Weather;

/// Where the figures are left: how many seeds it took is no promise, so no snapshot holds them.
const REPORT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/mutants.txt");

/// Every mutant.
fn mutants() -> Vec<Mutant> {
    [
        &article::MUTANTS[..],
        &protocol::MUTANTS,
        &provider::MUTANTS,
        &ledger::MUTANTS,
        &queues::MUTANTS,
        &batch::MUTANTS,
        &responder::MUTANTS,
    ]
    .concat()
}

#[test]
fn every_mutant_is_caught_by_the_check_it_names() {
    let mutants = mutants();
    let jobs: Vec<(&Mutant, u64)> =
        mutants.iter().flat_map(|mutant| SEEDS.map(|seed| (mutant, seed))).collect();
    let runs = in_parallel(&jobs, |(mutant, seed)| mutant.run(*seed));
    let mut figures = String::new();
    let mut survivors = Vec::new();
    for (mutant, runs) in mutants.iter().zip(runs.chunks(SEEDS.len())) {
        let caught: Vec<bool> = runs.iter().map(|run| run.fails(mutant.caught_by)).collect();
        match seeds_needed(&caught) {
            Some(needed) => {
                writeln!(figures, "{:55} {:26} {needed}", mutant.name, mutant.caught_by).expect("a text");
            }
            None => survivors.push((mutant.name, mutant.caught_by, runs)),
        }
    }
    let report = format!("{:55} {:26} seeds needed, median\n{figures}", "mutant", "caught by");
    println!("{report}");
    std::fs::write(REPORT, report).expect("cargo made the folder for it");
    assert!(survivors.is_empty(), "not caught by the check they name: {survivors:#?}");
}

#[test]
fn the_deployed_code_passes_every_experiment_that_a_mutant_fails() {
    let jobs: Vec<(Weather, u64)> =
        Weather::ALL.iter().flat_map(|weather| SEEDS.map(|seed| (*weather, seed))).collect();
    let runs = in_parallel(&jobs, |(weather, seed)| Run::deployed(*weather, *seed));
    let bad: Vec<_> = jobs.iter().zip(&runs).filter(|(_, run)| run.outcome != Outcome::Passed).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn the_report_names_every_mutant_its_mistake_and_its_check() {
    let mut table = String::from("| mutant | where it comes from | caught by |\n| --- | --- | --- |\n");
    for Mutant { name, story, caught_by, .. } in mutants() {
        writeln!(table, "| {name} | {story} | `{caught_by}` |").expect("a text");
    }
    insta::assert_snapshot!(table);
}

/// Does the jobs on every core there is; results come in the order of the jobs.
fn in_parallel<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let result = work(job);
                    done.lock().expect("nobody panics while holding it").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics while holding it");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
