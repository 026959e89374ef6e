//! The sweep: every point at which an invocation can die, under every trouble one call to Stripe can have.
//!
//! A scenario is run undisturbed, and once for each trouble of each call to Stripe that it makes. In each of these runs
//! every invocation of the victim is killed at its first hop, its second, …, until it lives to its end. Nothing is drawn
//! at random, and every point is an experiment like any other.
//! Invariant: a point counts only if its kill and its trouble came to pass; a scenario without points proves nothing.

mod scenario;

pub use scenario::{ALL, Scenario};

use crate::checks::Evidence;
use crate::experiment::{DeadLetters, Expect, Experiment};
use crate::faults::{Family, Fault, Kind, Scope, When, Window};
use crate::parallel;
use crate::random::Chance;
use crate::report::Paint;
use crate::search::{Violation, excused};
use crate::world::{Code, Deployed, History, World, WorldError};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

/// Seed of every point: what it draws, latencies above all, is the same everywhere.
const SEED: u64 = 1;
/// A turn that never comes: whoever waits for it counts all others.
const NEVER: u64 = u64::MAX;

/// What the sweep of a scenario, or of a part of it, came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Points that came to pass.
    pub points: u64,
    /// Runs it took, those included that found out that there is no further point.
    pub runs: u64,
    /// What was violated, and by which experiment.
    pub violations: Vec<(Experiment, Violation)>,
}

/// What one task of a sweep is about: a scenario, under one trouble or none.
#[derive(Clone, Debug)]
struct Task {
    scenario: usize,
    trouble: Option<Fault>,
}

/// Sweeps scenarios on so many threads, and shows what each task came to, with the number of its scenario and how many
/// tasks there are, in an order that does not depend on the threads.
///
/// # Errors
/// When a point could not be run; what came before it has been seen.
pub fn sweep(
    deployed: &Deployed,
    scenarios: &[Scenario],
    jobs: NonZeroUsize,
    code: Code<'_>,
    mut see: impl FnMut(usize, u64, Swept),
) -> Result<(), WorldError> {
    let sweeper = Sweeper { deployed, code };
    let mut tasks = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let troubles = sweeper.troubles(scenario)?.into_iter().map(Some);
        let task = |trouble| Task { scenario: index, trouble };
        tasks.extend(std::iter::once(None).chain(troubles).map(task));
    }
    let mut broken = Ok(());
    let all = tasks.len() as u64;
    let task = |number: u64| &tasks[usize::try_from(number).unwrap_or(usize::MAX)];
    let work = |number| {
        let Task { scenario, trouble } = task(number);
        sweeper.sweep(&scenarios[*scenario], trouble.as_ref())
    };
    parallel::each(0..all, jobs, work, |number, swept| match swept {
        Ok(swept) => {
            see(task(number).scenario, all, swept);
            ControlFlow::Continue(())
        }
        Err(error) => {
            broken = Err(error);
            ControlFlow::Break(())
        }
    });
    broken
}

struct Sweeper<'a> {
    deployed: &'a Deployed,
    code: Code<'a>,
}

impl Sweeper<'_> {
    /// Every trouble that a call to Stripe of this scenario can have, one at a time: each kind in each placement, at each
    /// call of each operation that the undisturbed scenario makes.
    fn troubles(&self, scenario: &Scenario) -> Result<Vec<Fault>, WorldError> {
        let of_stripe = Kind::ALL.into_iter().filter(|kind| kind.describe().family == Family::Stripe);
        let waiting: Vec<Fault> = of_stripe.flat_map(placed).collect();
        let history = self.run(&disturbed(scenario, &waiting))?;
        let own = scenario.experiment().faults.len();
        let asked = history.faults.iter().skip(own);
        Ok(asked.flat_map(|tally| (1..=tally.asked).map(|nth| at_turn(&tally.fault, nth))).collect())
    }

    /// Kills each invocation of the victim at each of its hops. With trouble for the responder's probes, which are many,
    /// nobody is killed.
    fn sweep(&self, scenario: &Scenario, trouble: Option<&Fault>) -> Result<Swept, WorldError> {
        let mut swept = Swept::default();
        let disturbed_by = |kill: Option<Fault>| {
            let faults: Vec<Fault> = trouble.cloned().into_iter().chain(kill).collect();
            (disturbed(scenario, &faults), faults.len())
        };
        let alone = disturbed_by(None);
        self.point(alone, &mut swept)?;
        if scenario.victim == "responder" && trouble.is_some() {
            return Ok(swept);
        }
        for invocation in 1.. {
            let mut hop = 1;
            while self.point(disturbed_by(Some(kill(scenario.victim, invocation, hop))), &mut swept)? {
                hop += 1;
            }
            // An invocation that is not even killed at its first hop did not take place.
            if hop == 1 {
                break;
            }
        }
        Ok(swept)
    }

    /// Runs one point; whether all that was to disturb it came to pass.
    fn point(
        &self,
        (experiment, disturbances): (Experiment, usize),
        swept: &mut Swept,
    ) -> Result<bool, WorldError> {
        let history = self.run(&experiment)?;
        swept.runs += 1;
        let disturbing = history.faults.iter().rev().take(disturbances);
        let came_to_pass = disturbances > 0 && disturbing.clone().all(|tally| tally.fired > 0);
        swept.points += u64::from(came_to_pass);
        let violation = Violation::of(&Evidence::of(&history), Paint::Plain);
        swept.violations.extend(violation.map(|violation| (experiment, violation)));
        Ok(came_to_pass)
    }

    fn run(&self, experiment: &Experiment) -> Result<History, WorldError> {
        World::new(self.deployed.clone(), experiment.clone(), SEED)?.run(self.code, &mut |_| {})
    }
}

/// A kind in each of its placements and at each of its operations, waiting for a turn that never comes.
fn placed(kind: Kind) -> Vec<Fault> {
    let row = kind.describe();
    let placements: Vec<_> = match row.placements {
        [] => vec![None],
        placements => placements.iter().copied().map(Some).collect(),
    };
    let scopes: Vec<Scope> = match row.operations {
        [] => vec![Scope::default()],
        operations => operations.iter().map(|operation| only(operation)).collect(),
    };
    let fault = |placement, scope: &Scope| {
        let waiting = at_turn(&Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS), NEVER);
        Fault { placement, scope: scope.clone(), ..waiting }
    };
    placements
        .into_iter()
        .flat_map(|placement| scopes.iter().map(|scope| fault(placement, scope)).collect::<Vec<_>>())
        .collect()
}

fn kill(victim: &str, invocation: u64, hop: u64) -> Fault {
    let crash = Fault::steady(Kind::Crash, Chance::ALWAYS, Window::ALWAYS);
    Fault { scope: only(victim), hop: Some(hop), ..at_turn(&crash, invocation) }
}

fn at_turn(fault: &Fault, nth: u64) -> Fault {
    Fault { when: When::Nth([nth].into()), ..fault.clone() }
}

fn only(operation: &str) -> Scope {
    Scope { operations: [operation.to_owned()].into(), ..Scope::default() }
}

/// The scenario with these faults beside its own, named for them.
fn disturbed(scenario: &Scenario, faults: &[Fault]) -> Experiment {
    let mut experiment = scenario.experiment();
    for fault in faults {
        experiment.name = format!("{}-{}", experiment.name, named(fault));
    }
    experiment.title = experiment.name.replace('-', " ");
    experiment.seed = Some(SEED);
    experiment.faults.extend_from_slice(faults);
    let excused = excused(&experiment.faults);
    experiment.expect = Expect { dead_letters: DeadLetters::Any, excused, ..Expect::default() };
    experiment
}

/// `stripe-timeout-after-confirm-1`, `crash-2-at-7`.
fn named(fault: &Fault) -> String {
    let placement = fault.placement.map(|placement| format!("-{}", placement.name())).unwrap_or_default();
    let operations: String = fault.scope.operations.iter().map(|operation| format!("-{operation}")).collect();
    let turns: String = match &fault.when {
        When::Nth(nth) => nth.iter().map(|nth| format!("-{nth}")).collect(),
        When::Rate(_) => String::new(),
    };
    let hop = fault.hop.map(|hop| format!("-at-{hop}")).unwrap_or_default();
    format!("{}{placement}{operations}{turns}{hop}", fault.kind)
}
