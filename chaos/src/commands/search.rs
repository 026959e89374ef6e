//! `search`: seeds, until one violates a check, with what they covered.
//!
//! Invariant: but for the line about speed, the same seeds print the same, on however many threads.

use super::arguments::{Search, replay};
use super::{Exit, Refusal, Surroundings, run, say};
use crate::checks::Outcome;
use crate::report::Paint;
use crate::report::bar::Bar;
use crate::search::{self, Coverage, Found, PAYMENTS};
use crate::units::{count, counted, duration_ms, ratio};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;

/// What the seeds came to so far.
#[derive(Default)]
struct Sum {
    seeds: u64,
    violations: u64,
    coverage: Coverage,
    simulated_ms: u64,
    worst: Option<Outcome>,
}

/// Runs the seeds, tells of each violation as it is found, and at the end what was covered and how fast.
pub(super) fn search(wanted: &Search, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let deployed = run::deployed(wanted.template.as_deref(), &search::experiment(wanted.from), around)?;
    let jobs = wanted.jobs.unwrap_or(around.cores);
    let seeds = wanted.from..wanted.from.saturating_add(wanted.seeds);
    let (first, last) = (count(seeds.start), count(seeds.end - 1));
    say(around.out, &format!("Seeds {first} to {last}, {PAYMENTS} payments each\n"));

    let began = (around.elapsed)();
    let bar = Bar::counting(seeds.end - seeds.start, around.bar);
    let mut sum = Sum::default();
    search::search(&deployed, seeds, jobs, around.code, around.paint, |found| {
        sum.add(&found);
        bar.advance(sum.seeds, &counted(sum.violations, "violation"));
        let Some(violation) = &found.violation else { return ControlFlow::Continue(()) };
        bar.clear();
        let again = replay(found.seed, wanted.template.as_deref());
        let story = &violation.story;
        say(around.out, &format!("\nseed {} violates {story}again: {again}\n", found.seed));
        if wanted.keep_going { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    bar.clear();
    let wall = (around.elapsed)().saturating_sub(began);
    say(around.out, &sum.told(around.paint));
    say(around.out, &sum.speed(jobs, wall));
    Ok(sum.worst.map_or(Exit::Passed, Exit::from))
}

impl Sum {
    fn add(&mut self, found: &Found) {
        self.seeds += 1;
        self.simulated_ms += found.simulated_ms;
        self.coverage.add(&found.coverage);
        if let Some(violation) = &found.violation {
            self.violations += 1;
            // Of safety and liveness, safety is the graver.
            if self.worst != Some(Outcome::Unsafe) {
                self.worst = Some(violation.outcome);
            }
        }
    }

    fn told(&self, paint: Paint) -> String {
        let (seeds, violations) = (counted(self.seeds, "seed"), counted(self.violations, "violation"));
        let verdict = paint.bold(&format!("{seeds}, {violations}"));
        let simulated = duration_ms(self.simulated_ms);
        format!("\n{}\n{verdict}; {simulated} simulated\n", self.coverage.table(paint))
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
