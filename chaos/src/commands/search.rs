//! `search`: seeds, until one violates a check, with what they covered.
//!
//! The first violation of each check is shrunk, and saved as an experiment.
//! Invariant: but for the line about speed, the same seeds print the same, on however many threads.

use super::again::replay;
use super::arguments::Search;
use super::folder::Folder;
use super::{Exit, Refusal, Surroundings, going_on, run, say, template};
use crate::checks::Outcome;
use crate::experiment::Experiment;
use crate::report::Paint;
use crate::report::bar::Bar;
use crate::search::{self, Coverage, Found, PAYMENTS};
use crate::shrink::{Shrunk, shrink};
use crate::units::{count, counted, duration_ms, ratio};
use crate::world::Deployed;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;

/// Whether a check was violated before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    New,
    Again,
}

/// What the seeds came to so far.
#[derive(Default)]
struct Sum {
    seeds: u64,
    violations: BTreeMap<&'static str, u64>,
    coverage: Coverage,
    simulated_ms: u64,
    worst: Option<Outcome>,
}

/// Runs the seeds, tells of each violation as it is found, and at the end what was covered and how fast.
pub(super) fn search(wanted: &Search, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    // Each seed deploys with parameters of its own.
    let plain = Experiment { parameters: BTreeMap::new(), ..search::experiment(wanted.from) };
    let deployed = run::deployed(wanted.template.as_deref(), &plain, around)?;
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
        let known = sum.add(&found);
        bar.advance(sum.seeds, &counted(sum.violations.values().sum(), "violation"));
        let goes_on = going_on(around);
        if goes_on.is_break() {
            ended = Exit::Interrupted;
        }
        let Some(violation) = &found.violation else { return goes_on };
        bar.clear();
        let again = replay(found.seed, wanted.template.as_deref());
        let story = &violation.story;
        say(around.out, &format!("\nseed {} violates {story}again: {again}\n", found.seed));
        if known == Known::New {
            refused = shrunk(found.seed, &deployed, &mut folder, around).err();
        }
        if wanted.keep_going && refused.is_none() { goes_on } else { ControlFlow::Break(()) }
    })?;
    bar.clear();
    if let Some(refusal) = refused {
        return Err(refusal);
    }
    let wall = (around.elapsed)().saturating_sub(began);
    say(around.out, &sum.told(around.paint));
    say(around.out, &sum.speed(jobs, wall));
    Ok(sum.worst.map_or(ended, Exit::from))
}

/// Shrinks what a seed violates, tells the story of what is left, and saves it.
pub(super) fn shrunk(
    seed: u64,
    deployed: &Deployed,
    folder: &mut Folder,
    around: &mut Surroundings<'_>,
) -> Result<(), Refusal> {
    let Some(shrunk) = shrink(deployed, &search::experiment(seed), seed, around.code)? else {
        say(around.out, "nothing to shrink: it violates no check\n");
        return Ok(());
    };
    let Shrunk { experiment, violation, .. } = shrunk;
    let path = folder.make()?.join(format!("{}.toml", experiment.name));
    std::fs::write(&path, experiment.to_toml())
        .map_err(|error| Refusal::Harness(format!("cannot write {}: {error}", path.display())))?;
    let source = experiment.source.unwrap_or_default();
    let path = path.display();
    say(around.out, &format!("\n{source}:\n{}again: cargo chaos run {path}\n", violation.story));
    Ok(())
}

impl Sum {
    fn add(&mut self, found: &Found) -> Known {
        self.seeds += 1;
        self.simulated_ms += found.simulated_ms;
        self.coverage.add(&found.coverage);
        let Some(violation) = &found.violation else { return Known::Again };
        // Of safety and liveness, safety is the graver.
        if self.worst != Some(Outcome::Unsafe) {
            self.worst = Some(violation.outcome);
        }
        let times = self.violations.entry(violation.check).or_default();
        *times += 1;
        if *times == 1 { Known::New } else { Known::Again }
    }

    fn told(&self, paint: Paint) -> String {
        let violations = counted(self.violations.values().sum(), "violation");
        let verdict = paint.bold(&format!("{}, {violations}", counted(self.seeds, "seed")));
        let of = |(check, times): (&&str, &u64)| format!("  {check}: {}\n", counted(*times, "seed"));
        let checks: String = self.violations.iter().map(of).collect();
        let (table, simulated) = (self.coverage.table(paint), duration_ms(self.simulated_ms));
        format!("\n{table}\n{verdict}; {simulated} simulated\n{checks}")
    }

    fn speed(&self, jobs: NonZeroUsize, wall: Duration) -> String {
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        let threads = jobs.get() as u64;
        format!(
            "{} seeds a second, {} on each of {}\n",
            count(ratio(1_000 * self.seeds, wall_ms)),
            count(ratio(1_000 * self.seeds, wall_ms.saturating_mul(threads))),
            counted(threads, "thread"),
        )
    }
}
