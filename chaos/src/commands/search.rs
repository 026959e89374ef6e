//! `search`: seeds, until one violates a check, with what they covered.
//!
//! The first violation of each check is shrunk, and saved as an experiment.
//! Invariant: but for the line about speed, the same seeds print the same, on however many threads.

use super::again::replay;
use super::arguments::Search;
use super::folder::Folder;
use super::{Exit, Refusal, Surroundings, going_on, say, shrunk, template};
use crate::report::bar::Bar;
use crate::search::{self, PAYMENTS, Sum};
use crate::units::{count, counted, ratio};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// Runs the seeds, tells of each violation as it is found, and at the end what was covered and how fast.
pub(super) fn search(wanted: &Search, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    // Each seed deploys with parameters of its own.
    let deployed = template::deployed(wanted.template.as_deref(), &BTreeMap::new(), around)?;
    template::told(&deployed.template, around);
    let jobs = wanted.jobs.unwrap_or(around.cores);
    let seeds = wanted.from..=wanted.from.saturating_add(wanted.seeds - 1);
    let (first, last) = (count(*seeds.start()), count(*seeds.end()));
    say(around.out, &format!("Seeds {first} to {last}, {PAYMENTS} payments each\n"));

    let began = (around.elapsed)();
    let bar = Bar::counting(seeds.end() - seeds.start() + 1, around.bar);
    let mut folder = Folder::new(wanted.out.as_deref(), around, "search");
    let (mut sum, mut refused, mut ended) = (Sum::default(), None, Exit::Passed);
    search::search(&deployed, seeds, jobs, around.code, around.paint, |found| {
        sum.add(&found);
        bar.advance(sum.count(), &counted(sum.violations.len() as u64, "violation"));
        let goes_on = going_on(around);
        if goes_on.is_break() {
            ended = Exit::Interrupted;
        }
        let Some(violation) = &found.violation else { return goes_on };
        bar.clear();
        let again = replay(found.seed, wanted.template.as_deref());
        let story = &violation.story;
        say(around.out, &format!("\nseed {} violates {story}again: {again}\n", found.seed));
        let times = sum.violations.iter().filter(|violated| violated.check == violation.check.name()).count();
        if times == 1 {
            refused = shrunk::shrunk(found.seed, &deployed, &mut folder, around).err();
        }
        if wanted.keep_going && refused.is_none() { goes_on } else { ControlFlow::Break(()) }
    })?;
    bar.clear();
    if let Some(refusal) = refused {
        return Err(refusal);
    }
    let wall = (around.elapsed)().saturating_sub(began);
    say(around.out, &sum.told(around.paint));
    say(around.out, &speed(sum.count(), jobs, wall));
    if let Some(path) = &wanted.summary {
        save(&sum, path)?;
    }
    if let Some((next, many)) = next(&sum, wanted) {
        say(
            around.out,
            &format!("the next ones, here or elsewhere: cargo chaos search --from {next} --seeds {many}\n"),
        );
    }
    Ok(sum.worst().map_or(ended, Exit::from))
}

/// The first seed that was not run, and how many to go on with: what is left of what was asked for, or as many again.
fn next(sum: &Sum, wanted: &Search) -> Option<(u64, u64)> {
    let done = sum.count();
    let left = wanted.seeds.saturating_sub(done);
    Some((wanted.from.checked_add(done)?, if left > 0 { left } else { wanted.seeds }))
}

/// Leaves what the seeds came to for `merge`.
fn save(sum: &Sum, path: &Path) -> Result<(), Refusal> {
    let text = serde_json::to_string(sum).map_err(|error| Refusal::Harness(error.to_string()))?;
    std::fs::write(path, text + "\n")
        .map_err(|error| Refusal::Harness(format!("cannot write {}: {error}", path.display())))
}

/// How fast that was.
fn speed(seeds: u64, jobs: NonZeroUsize, wall: Duration) -> String {
    let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
    let threads = jobs.get() as u64;
    format!(
        "{} seeds a second, {} on each of {}\n",
        count(ratio(1_000 * seeds, wall_ms)),
        count(ratio(1_000 * seeds, wall_ms.saturating_mul(threads))),
        counted(threads, "thread"),
    )
}
