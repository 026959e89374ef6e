//! The sweep: every point at which an invocation can die, and every trouble that one call to Stripe can have.
//!
//! A scenario is run undisturbed, and once for each trouble of each call to Stripe that it makes. Undisturbed, and under
//! each trouble of a call of the victim's own, every invocation of the victim is killed at its first hop, its second, …,
//! until it lives to its end. Probes are too many for that: where the responder dies, a trouble lasts instead, meets the
//! probes and the canary of some turns, and those around it are killed. Nothing is drawn at random, and every point is an experiment like any other.
//! Two deliveries side by side are run in every order of their effects, and in each with each of their hops as the last.
//! Invariant: a point counts only if its kill and its trouble came to pass; a scenario without points proves nothing.

mod scenario;

pub use scenario::{ALL, Scenario};

use crate::checks::Evidence;
use crate::experiment::{DeadLetters, Expect, Experiment};
use crate::faults::{Family, Fault, Kind, Scope, When, Window};
use crate::parallel;
use crate::random::Chance;
use crate::report::Paint;
use crate::search::{Coverage, Place, Violation, excused};
use crate::turns::{Choice, Seat};
use crate::world::{Code, Deployed, History, World, WorldError};
use scenario::Meeting;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

/// Seed of every point: what it draws, latencies above all, is the same everywhere.
const SEED: u64 = 1;
/// A turn that never comes: whoever waits for it counts all others.
const NEVER: u64 = u64::MAX;

/// How often, with a kill, the two deliveries may take over from one another. Without one they may as often as they
/// like; with one, more would take hours, and whoever is dead takes over no more.
const SWITCHES_MAX: usize = 2;

/// How long before a trouble that lasts the kills begin, ms: two turns of the responder.
const BEFORE_MS: u64 = 120_000;
/// How long after it they end, ms: Stripe was found well again, and the next canary is under way.
const AFTER_MS: u64 = 240_000;

/// What the sweep of a scenario, or of a part of it, came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Points that came to pass.
    pub points: u64,
    /// Those of them at which nothing was violated.
    pub held: u64,
    /// Runs it took, those included that found out that there is no further point.
    pub runs: u64,
    /// What was violated, and by which experiment.
    pub violations: Vec<(Experiment, Violation)>,
}

/// What one task of a sweep is about.
#[derive(Clone, Debug)]
struct Task {
    scenario: usize,
    part: Part,
}

/// A part of a scenario.
#[derive(Clone, Debug)]
enum Part {
    /// Every kill, under one trouble or none.
    Kills(Option<Fault>),
    /// One trouble, and nobody is killed.
    Trouble(Fault),
    /// Every order of two deliveries, with a kill of the first or the second, or none.
    Orders(Option<u64>),
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
    mut see: impl FnMut(usize, u64, Swept) -> ControlFlow<()>,
) -> Result<(), WorldError> {
    let sweeper = Sweeper { deployed, code };
    let mut tasks = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let parts = sweeper.parts(scenario)?.into_iter();
        tasks.extend(parts.map(|part| Task { scenario: index, part }));
    }
    let mut broken = Ok(());
    let all = tasks.len() as u64;
    let task = |number: u64| &tasks[usize::try_from(number).unwrap_or(usize::MAX)];
    let work = |number| {
        let Task { scenario, part } = task(number);
        match part {
            Part::Kills(trouble) => sweeper.kills(&scenarios[*scenario], trouble.as_ref()),
            Part::Trouble(trouble) => sweeper.trouble(&scenarios[*scenario], trouble),
            Part::Orders(victim) => sweeper.orders(&scenarios[*scenario], *victim),
        }
    };
    parallel::each(0..all, jobs, work, |number, swept| match swept {
        Ok(swept) => see(task(number).scenario, all, swept),
        Err(error) => {
            broken = Err(error);
            ControlFlow::Break(())
        }
    });
    broken
}

impl Swept {
    /// Adds what another part came to.
    pub fn merge(&mut self, part: Self) {
        self.points += part.points;
        self.held += part.held;
        self.runs += part.runs;
        self.violations.extend(part.violations);
    }

    fn add(&mut self, experiment: &Experiment, history: &History, came_to_pass: bool) {
        self.runs += 1;
        let violation = Violation::of(&Evidence::of(history), Paint::Plain);
        self.points += u64::from(came_to_pass);
        self.held += u64::from(came_to_pass && violation.is_none());
        self.violations.extend(violation.map(|violation| (experiment.clone(), violation)));
    }
}

struct Sweeper<'a> {
    deployed: &'a Deployed,
    code: Code<'a>,
}

impl Sweeper<'_> {
    fn parts(&self, scenario: &Scenario) -> Result<Vec<Part>, WorldError> {
        match scenario.meeting {
            Meeting::SideBySide => Ok([None, Some(1), Some(2)].map(Part::Orders).into()),
            Meeting::Never => {
                let part = |trouble| {
                    if is_of_consumer(&trouble) && scenario.victim == "consumer" {
                        Part::Kills(Some(trouble))
                    } else {
                        Part::Trouble(trouble)
                    }
                };
                let mut parts = vec![Part::Kills(None)];
                parts.extend(self.troubles(scenario)?.into_iter().map(part));
                parts.extend(scenario.relapse.into_iter().flat_map(relapses).map(Some).map(Part::Kills));
                Ok(parts)
            }
        }
    }

    /// Every trouble that a call to Stripe of this scenario can have, one at a time: each kind in each placement, at each
    /// call of each operation that the undisturbed scenario makes.
    fn troubles(&self, scenario: &Scenario) -> Result<Vec<Fault>, WorldError> {
        let history = self.run(&disturbed(scenario, &ways().flat_map(waiting).collect::<Vec<_>>()))?;
        let own = scenario.experiment().faults.len();
        let asked = history.faults.iter().skip(own);
        Ok(asked.flat_map(|tally| (1..=tally.asked).map(|nth| at_turn(&tally.fault, nth))).collect())
    }

    /// Kills each invocation of the victim at each of its hops. Under a trouble that has a window, those around it: whatever
    /// dies long before or after it does so in the run without it, too.
    fn kills(&self, scenario: &Scenario, trouble: Option<&Fault>) -> Result<Swept, WorldError> {
        let mut swept = Swept::default();
        let trouble: Vec<Fault> = trouble.cloned().into_iter().collect();
        self.point(scenario, &trouble, &mut swept)?;
        let window = trouble.first().map_or(Window::ALWAYS, |trouble| around(trouble.window));
        for invocation in 1.. {
            let mut hop = 1;
            let killed = |hop| Fault { window, ..kill(scenario.victim, invocation, hop) };
            let killed_at = |hop| [&trouble[..], &[killed(hop)]].concat();
            while self.point(scenario, &killed_at(hop), &mut swept)? {
                hop += 1;
            }
            // An invocation that is not even killed at its first hop did not take place.
            if hop == 1 {
                break;
            }
        }
        Ok(swept)
    }

    fn trouble(&self, scenario: &Scenario, trouble: &Fault) -> Result<Swept, WorldError> {
        let mut swept = Swept::default();
        self.point(scenario, std::slice::from_ref(trouble), &mut swept)?;
        Ok(swept)
    }

    /// Runs one point; whether the last of what was to disturb it came to pass.
    fn point(
        &self,
        scenario: &Scenario,
        disturbances: &[Fault],
        swept: &mut Swept,
    ) -> Result<bool, WorldError> {
        let experiment = disturbed(scenario, disturbances);
        let history = self.run(&experiment)?;
        let own = history.faults.len() - disturbances.len();
        let disturbing = &history.faults[own..];
        let came_to_pass = !disturbing.is_empty() && disturbing.iter().all(|tally| tally.fired > 0);
        swept.add(&experiment, &history, came_to_pass);
        Ok(disturbing.last().is_some_and(|tally| tally.fired > 0))
    }

    /// Runs every order of two deliveries; with a victim, once for each of its hops as the last.
    fn orders(&self, scenario: &Scenario, victim: Option<u64>) -> Result<Swept, WorldError> {
        let mut swept = Swept::default();
        let Some(victim) = victim else {
            self.orders_with(scenario, None, &mut swept)?;
            return Ok(swept);
        };
        for hop in 1.. {
            let kill = kill(scenario.victim, victim, hop);
            if !self.orders_with(scenario, Some(kill), &mut swept)? {
                break;
            }
        }
        Ok(swept)
    }

    /// Runs every order of two deliveries; whether the kill, if there is one, came to pass in any.
    ///
    /// A run follows the order it is given, and then lets the first go on as long as it can. Wherever the second could
    /// have gone instead, another order begins.
    fn orders_with(
        &self,
        scenario: &Scenario,
        kill: Option<Fault>,
        swept: &mut Swept,
    ) -> Result<bool, WorldError> {
        let kills: Vec<Fault> = kill.into_iter().collect();
        let mut ever = false;
        let mut open: Vec<Vec<Seat>> = vec![Vec::new()];
        while let Some(order) = open.pop() {
            let given = order.len();
            let experiment = in_order(disturbed(scenario, &kills), order);
            let history = self.run(&experiment)?;
            let came_to_pass = history.faults.iter().rev().take(kills.len()).all(|tally| tally.fired > 0);
            swept.add(&experiment, &history, came_to_pass);
            ever |= came_to_pass;
            let taken: Vec<Seat> = history.turns.iter().map(|turn| turn.seat).collect();
            for at in given..taken.len() {
                let other = [&taken[..at], &[taken[at].other()]].concat();
                let is_few = kills.is_empty() || switches(&other) <= SWITCHES_MAX;
                if history.turns[at].choice == Choice::Free && is_few {
                    open.push(other);
                }
            }
        }
        Ok(ever && !kills.is_empty())
    }

    fn run(&self, experiment: &Experiment) -> Result<History, WorldError> {
        World::new(self.deployed.clone(), experiment.clone(), SEED)?.run(self.code, &mut |_| {})
    }
}

fn switches(order: &[Seat]) -> usize {
    order.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

fn in_order(experiment: Experiment, order: Vec<Seat>) -> Experiment {
    let digits: String = order.iter().map(|seat| seat.digit()).collect();
    let name = format!("{}-order-{digits}", experiment.name);
    Experiment { turns: Some(order), name, ..experiment }
}

/// Every way in which a call to Stripe can go wrong.
fn ways() -> impl Iterator<Item = Place> {
    Coverage::wanted().filter(|(kind, _)| kind.describe().family == Family::Stripe)
}

/// A way at each of its operations, waiting for a turn that never comes.
fn waiting((kind, placement): Place) -> Vec<Fault> {
    let waiting = at_turn(&Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS), NEVER);
    let fault = |scope| Fault { placement, scope, ..waiting.clone() };
    match kind.describe().reached().as_slice() {
        [] => vec![fault(Scope::default())],
        operations => operations.iter().map(|operation| fault(only(operation))).collect(),
    }
}

/// Each way for as long as the window is open, one at a time, for all calls.
fn relapses(window: Window) -> impl Iterator<Item = Fault> {
    ways().map(move |(kind, placement)| Fault { placement, ..Fault::steady(kind, Chance::ALWAYS, window) })
}

/// Whether it is of a call that the consumer makes; the responder only probes.
fn is_of_consumer(trouble: &Fault) -> bool {
    !trouble.scope.operations.contains("probe")
}

fn kill(victim: &str, invocation: u64, hop: u64) -> Fault {
    let crash = Fault::steady(Kind::Crash, Chance::ALWAYS, Window::ALWAYS);
    Fault { scope: only(victim), hop: Some(hop), ..at_turn(&crash, invocation) }
}

const fn around(Window { from_ms, until_ms }: Window) -> Window {
    Window { from_ms: from_ms.saturating_sub(BEFORE_MS), until_ms: until_ms.saturating_add(AFTER_MS) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::own_template;
    use std::collections::BTreeMap;

    #[test]
    fn two_deliveries_have_their_effects_in_the_order_that_was_chosen() {
        use Seat::{First, Second};
        let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("it is good");
        let sweeper = Sweeper { deployed: &deployed, code: Code::DEPLOYED };
        let scenario = ALL.iter().find(|it| it.meeting == Meeting::SideBySide).expect("there is one");
        for order in [[First, First, First], [Second, First, Second], [Second, Second, First]] {
            let experiment = in_order(disturbed(scenario, &[]), order.to_vec());
            let history = sweeper.run(&experiment).expect("the world runs");
            let begun = history.turns.iter().take(3).map(|turn| (turn.seat, turn.choice));
            assert_eq!(begun.collect::<Vec<_>>(), order.map(|seat| (seat, Choice::Free)));
        }
    }
}
