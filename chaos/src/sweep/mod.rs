//! The sweep: every point at which an invocation can die, and every trouble that one call to Stripe can have.
//!
//! A scenario is run undisturbed, and once for each trouble of each call to Stripe that it makes. Undisturbed, and under
//! each trouble of a call of the victim's own, every invocation of the victim is killed at its first hop, its second, …,
//! until it lives to its end. Probes are too many for that: where the responder dies, a trouble lasts instead, meets the
//! probes and the canary of some turns, and those around it are killed. Nothing is drawn at random, and every point is an experiment like any other.
//! Two deliveries side by side are run in every order of their effects, but for those that only swap what commutes (see
//! `turns`, and the test that compares), and in orders of few switches with each of their hops as the last.
//! Only hops that are crash points are tried: a death at any other is the death at the hop before it (see `link`), which a
//! test holds.
//! A sweep can be shared out: see [`Share`].
//! Invariant: a point counts only if its kill and its trouble came to pass; a scenario without points proves nothing.

mod disturbances;
mod scenario;
mod share;

pub use scenario::{ALL, Scenario};
pub use share::{BadShare, Share};

use crate::checks::Evidence;
use crate::experiment::Experiment;
use crate::faults::{Fault, Window};
use crate::parallel;
use crate::report::Paint;
use crate::turns::{Choice, Rest, Seat};
use crate::violation::Violation;
use crate::world::{Code, Deployed, History, Invocation, World, WorldError};
use disturbances::{around, at_turn, disturbed, is_of_consumer, kill, relapses, waiting, ways};
use scenario::Meeting;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

/// Seed of every point: what it draws, latencies above all, is the same everywhere.
const SEED: u64 = 1;

/// How often, with a kill, the two deliveries may take over from one another. Without one they may as often as they
/// like; with one, more would take hours, and whoever is dead takes over no more.
const SWITCHES_MAX: usize = 2;

/// Which orders of two deliveries are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Orders {
    /// One of each that come to the same.
    EachOnce,
    /// All in which they take over from one another twice at most.
    FewSwitches,
}

/// What the sweep of a scenario, or of a part of it, came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Points that came to pass.
    pub points: u64,
    /// Those of them at which nothing was violated.
    pub held: u64,
    /// Runs it took: those of points, and those in which what was to disturb them did not come to pass.
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

impl Part {
    /// Whether every share has it: what nothing but a death disturbs, and what shares out its own points.
    const fn belongs_to_every_share(&self) -> bool {
        matches!(self, Self::Kills(None) | Self::Orders(_))
    }
}

/// Sweeps a share of scenarios on so many threads, and shows what each task came to, with the number of its scenario and
/// how many tasks there are, in an order that does not depend on the threads.
///
/// # Errors
/// When a point could not be run; what came before it has been seen.
pub fn sweep(
    deployed: &Deployed,
    scenarios: &[Scenario],
    share: Share,
    jobs: NonZeroUsize,
    code: Code<'_>,
    mut see: impl FnMut(usize, u64, Swept) -> ControlFlow<()>,
) -> Result<(), WorldError> {
    let sweeper = Sweeper { deployed, share, code };
    let mut tasks = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let parts = sweeper.parts(scenario)?.into_iter();
        tasks.extend(parts.map(|part| Task { scenario: index, part }));
    }
    let tasks = share.of(tasks, |task| task.part.belongs_to_every_share());
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
    share: Share,
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
        let alive = self.point(scenario, &trouble, &mut swept)?;
        let window = trouble.first().map_or(Window::ALWAYS, |trouble| around(trouble.window));
        // Up to its death a run goes as the one in which nobody dies.
        for (number, invocation) in (1..).zip(begun(&alive, scenario.victim, window)) {
            for hop in &invocation.crash_points {
                let kill = Fault { window, ..kill(scenario.victim, number, *hop) };
                self.point(scenario, &[&trouble[..], &[kill]].concat(), &mut swept)?;
            }
        }
        Ok(swept)
    }

    fn trouble(&self, scenario: &Scenario, trouble: &Fault) -> Result<Swept, WorldError> {
        let mut swept = Swept::default();
        self.point(scenario, std::slice::from_ref(trouble), &mut swept)?;
        Ok(swept)
    }

    /// Runs one point.
    fn point(
        &self,
        scenario: &Scenario,
        disturbances: &[Fault],
        swept: &mut Swept,
    ) -> Result<History, WorldError> {
        let experiment = disturbed(scenario, disturbances);
        let history = self.run(&experiment)?;
        let own = history.faults.len() - disturbances.len();
        let disturbing = &history.faults[own..];
        let came_to_pass = !disturbing.is_empty() && disturbing.iter().all(|tally| tally.fired > 0);
        swept.add(&experiment, &history, came_to_pass);
        Ok(history)
    }

    /// Runs the orders of two deliveries; with a victim, once for each of its crash points as its end.
    fn orders(&self, scenario: &Scenario, victim: Option<u64>) -> Result<Swept, WorldError> {
        let mut swept = Swept::default();
        let Some(victim) = victim else {
            self.each_order(scenario, None, Orders::EachOnce, |experiment, history| {
                swept.add(experiment, history, true);
            })?;
            return Ok(swept);
        };
        let mut points = BTreeSet::new();
        self.each_order(scenario, None, Orders::FewSwitches, |_, history| {
            let victims = begun(history, scenario.victim, Window::ALWAYS).zip(1..);
            let dying = victims.filter(|(_, number)| *number == victim);
            points.extend(dying.flat_map(|(invocation, _)| invocation.crash_points.iter().copied()));
        })?;
        for hop in self.share.of(points, |_| false) {
            let kill = kill(scenario.victim, victim, hop);
            self.each_order(scenario, Some(&kill), Orders::FewSwitches, |experiment, history| {
                swept.add(experiment, history, history.faults.last().is_some_and(|tally| tally.fired > 0));
            })?;
        }
        Ok(swept)
    }

    /// Runs two deliveries in such orders, with a kill or without.
    ///
    /// A run follows the order it is given, and then lets the first go on as long as it can, and may. Wherever the second
    /// could have gone instead, another order begins.
    fn each_order(
        &self,
        scenario: &Scenario,
        kill: Option<&Fault>,
        orders: Orders,
        mut see: impl FnMut(&Experiment, &History),
    ) -> Result<(), WorldError> {
        let mut open: Vec<Vec<Seat>> = vec![Vec::new()];
        while let Some(order) = open.pop() {
            let given = order.len();
            let experiment = disturbed(scenario, kill.map_or(&[], std::slice::from_ref));
            let ordered = in_order(experiment.clone(), order);
            let world = World::new(self.deployed.clone(), ordered, SEED)?.resting(orders.rest());
            let history = world.run(self.code, &mut |_| {})?;
            let taken: Vec<Seat> = history.turns.iter().map(|turn| turn.seat).collect();
            for at in given..taken.len() {
                let other = [&taken[..at], &[Seat::Second]].concat();
                let turn = history.turns[at];
                if (turn.seat, turn.choice) == (Seat::First, Choice::Free) && orders.allow(&other) {
                    open.push(other);
                }
            }
            see(&in_order(experiment, taken), &history);
        }
        Ok(())
    }

    fn run(&self, experiment: &Experiment) -> Result<History, WorldError> {
        World::new(self.deployed.clone(), experiment.clone(), SEED)?.run(self.code, &mut |_| {})
    }
}

/// The invocations of a function that began in a window.
fn begun<'a>(
    history: &'a History,
    function: &'a str,
    window: Window,
) -> impl Iterator<Item = &'a Invocation> {
    let at_ms = |it: &Invocation| u64::try_from(it.began.since_ms(history.began)).unwrap_or(0);
    history.invocations.iter().filter(move |it| it.function == function && window.contains(at_ms(it)))
}

impl Orders {
    const fn rest(self) -> Rest {
        match self {
            Self::EachOnce => Rest::FirstUnlessAsleep,
            Self::FewSwitches => Rest::First,
        }
    }

    fn allow(self, order: &[Seat]) -> bool {
        match self {
            Self::EachOnce => true,
            Self::FewSwitches => switches(order) <= SWITCHES_MAX,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Event, FaultFired, FunctionEvent};
    use crate::random::Stream;
    use crate::turns::Turn;
    use crate::world::own_template;
    use std::collections::BTreeMap;

    /// What a run with a death came to, but for the hop at which it died.
    fn come_to(sweeper: &Sweeper<'_>, scenario: &Scenario, number: u64, hop: u64) -> String {
        let history =
            sweeper.run(&disturbed(scenario, &[kill(scenario.victim, number, hop)])).expect("the world runs");
        assert_eq!(history.faults.last().map(|tally| tally.fired), Some(1), "{number} at {hop}");
        let told = history.records.iter().map(|record| {
            if let Event::Function(FunctionEvent::Failed { request, how, .. }) = &record.event {
                format!("{request} failed by {how}")
            } else if let Event::Fault(FaultFired { fault, .. }) = &record.event {
                fault.to_string()
            } else {
                format!("{:?} {:?}", record.at, record.event)
            }
        });
        let told: Vec<String> = told.collect();
        format!(
            "{told:#?} {:#?} {:#?} {:#?} {:#?}",
            history.book, history.ledger, history.queues, history.mails
        )
    }

    /// Skipping is sound: what is no crash point is no other death than the one before. And it skips no more than that.
    #[test]
    fn a_death_at_a_hop_that_is_no_crash_point_is_the_death_at_the_hop_before() {
        let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("it is good");
        let sweeper = Sweeper { deployed: &deployed, share: Share::WHOLE, code: Code::DEPLOYED };
        for name in ["good payment", "softly declined payment", "notice of quarantine"] {
            let scenario = ALL.iter().find(|it| it.name == name).expect("it is there");
            let alive = sweeper.run(&disturbed(scenario, &[])).expect("the world runs");
            let mut skipped = 0;
            for (number, invocation) in (1..).zip(begun(&alive, scenario.victim, Window::ALWAYS)).take(3) {
                let points: BTreeSet<u64> = invocation.crash_points.iter().copied().collect();
                let last = points.last().copied().unwrap_or(0);
                for hop in (2..=last).filter(|hop| !points.contains(hop)) {
                    let [before, there] = [hop - 1, hop].map(|hop| come_to(&sweeper, scenario, number, hop));
                    assert!(before == there, "{name}: invocation {number} at {hop} is a crash point");
                    skipped += 1;
                }
                // The last hop of an invocation that lives lies behind an effect.
                let beyond = [kill(scenario.victim, number, last + 1)];
                let alive = sweeper.run(&disturbed(scenario, &beyond)).expect("the world runs");
                assert_eq!(alive.faults.last().map(|tally| tally.fired), Some(0), "{name}: {number}");
            }
            assert!(skipped > 3, "{name}: {skipped}");
        }
    }

    /// The order in which no effect of the first follows one of the second that it could have gone before.
    fn normal_form(mut turns: Vec<Turn>) -> Vec<Seat> {
        let is_asleep = |pair: &[Turn]| {
            let [before, after] = pair else { return false };
            (before.seat, after.seat) == (Seat::Second, Seat::First)
                && before.effect.commutes_with(after.effect)
        };
        while let Some(at) = turns.windows(2).position(is_asleep) {
            turns.swap(at, at + 1);
        }
        turns.iter().map(|turn| turn.seat).collect()
    }

    /// Everything that happened, whenever it did.
    fn happened(history: &History) -> Vec<String> {
        // Lines and outcomes say when.
        let is_told =
            |event: &Event| !matches!(event, Event::Function(FunctionEvent::Metrics { .. }) | Event::Pipe(_));
        let events = history.records.iter().map(|record| &record.event).filter(|event| is_told(event));
        let mut events: Vec<String> = events.map(|event| format!("{event:?}")).collect();
        events.sort_unstable();
        events
    }

    /// Leaving out is sound: an order that is not run comes to what the one comes to that is run for it.
    #[test]
    fn orders_that_swap_what_commutes_come_to_the_same() {
        let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("it is good");
        let sweeper = Sweeper { deployed: &deployed, share: Share::WHOLE, code: Code::DEPLOYED };
        let mut draw = Stream::new(SEED, "orders");
        for scenario in ALL.iter().filter(|it| it.meeting == Meeting::SideBySide) {
            let mut swapped = 0;
            for _ in 0..12 {
                let seat = |_| if draw.between(0, 1) == 0 { Seat::First } else { Seat::Second };
                let order: Vec<Seat> = (0..24).map(seat).collect();
                let run = |order| sweeper.run(&in_order(disturbed(scenario, &[]), order)).expect("it runs");
                let history = run(order);
                let taken: Vec<Seat> = history.turns.iter().map(|turn| turn.seat).collect();
                let normal = normal_form(history.turns.clone());
                swapped += u32::from(normal != taken);
                assert_eq!(happened(&history), happened(&run(normal)), "{}: {taken:?}", scenario.name);
            }
            assert!(swapped > 6, "{}: {swapped}", scenario.name);
        }
    }

    #[test]
    fn two_deliveries_have_their_effects_in_the_order_that_was_chosen() {
        use Seat::{First, Second};
        let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("it is good");
        let sweeper = Sweeper { deployed: &deployed, share: Share::WHOLE, code: Code::DEPLOYED };
        let scenario = ALL.iter().find(|it| it.meeting == Meeting::SideBySide).expect("there is one");
        for order in [[First, First, First], [Second, First, Second], [Second, Second, First]] {
            let experiment = in_order(disturbed(scenario, &[]), order.to_vec());
            let history = sweeper.run(&experiment).expect("the world runs");
            let begun = history.turns.iter().take(3).map(|turn| (turn.seat, turn.choice));
            assert_eq!(begun.collect::<Vec<_>>(), order.map(|seat| (seat, Choice::Free)));
        }
    }
}
