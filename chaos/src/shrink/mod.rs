//! Shrinking: from a run that violates a check to the least that still does.
//!
//! Faults that were drawn are turned into faults that count, each firing on its own. Then whatever can be left out is:
//! messages, firings, windows, excuses. What is left is an experiment like any other.
//! Invariant: what is returned was run, and violates the same check.

mod case;
mod minimise;

use crate::checks::Evidence;
use crate::experiment::Experiment;
use crate::faults::{Fault, Rate, Tally, When, Window};
use crate::promises::Check;
use crate::report::Paint;
use crate::units::{count, counted};
use crate::violation::Violation;
use crate::world::{Code, Deployed, History, World, WorldError};
use case::{Case, asks_for};
use minimise::minimise;
use payments::Payment;

/// Most runs that are tried for one violation.
const RUNS_MAX: u64 = 300;

/// The least that still violates a check.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The experiment, its seed with it.
    pub experiment: Experiment,
    /// What it violates.
    pub violation: Violation,
    /// Runs that were tried.
    pub runs: u64,
}

/// Shrinks an experiment that violates a check under this seed; `None` when it violates none.
///
/// # Errors
/// When it cannot be run.
pub fn shrink(
    deployed: &Deployed,
    experiment: &Experiment,
    seed: u64,
    code: Code<'_>,
) -> Result<Option<Shrunk>, WorldError> {
    let deployed = &deployed.under(&experiment.parameters)?;
    let history = World::new(deployed.clone(), experiment.clone(), seed)?.run(code, &mut |_| {})?;
    let Some(violation) = Violation::of(&Evidence::of(&history), Paint::Plain) else { return Ok(None) };
    let arrivals = experiment.workload.arrivals(seed)?;
    let mut shrinker = Shrinker { deployed, code, check: violation.check, runs: 0 };
    let whole = Case { base: experiment.clone(), seed, arrivals, parts: experiment.faults.clone() };
    let case = shrinker.counted(&whole, &history);
    let case = shrinker.least(case);
    let mut experiment = case.experiment();
    let history = World::new(deployed.clone(), experiment.clone(), seed)?.run(code, &mut |_| {})?;
    let Some(violation) = Violation::of(&Evidence::of(&history), Paint::Plain) else { return Ok(None) };
    let (messages, faults) = (whole.arrivals.len() as u64, whole.parts.len() as u64);
    experiment.name = format!("{}-{}", whole.base.name, violation.check);
    experiment.title = format!("{} violates {}", whole.base.title, violation.check);
    experiment.source = Some(format!(
        "shrunk from {} and {} in {} runs",
        counted(messages, "message"),
        counted(faults, "fault"),
        count(shrinker.runs)
    ));
    Ok(Some(Shrunk { experiment, violation, runs: shrinker.runs }))
}

struct Shrinker<'a> {
    deployed: &'a Deployed,
    code: Code<'a>,
    check: Check,
    runs: u64,
}

impl Shrinker<'_> {
    /// Whether a case still violates the check; once too many were tried, none does.
    fn violates(&mut self, case: &Case) -> bool {
        self.runs += 1;
        if self.runs > RUNS_MAX {
            return false;
        }
        let world = World::new(self.deployed.clone(), case.experiment(), case.seed);
        let history = world.and_then(|world| world.run(self.code, &mut |_| {}));
        history.is_ok_and(|history| {
            Evidence::of(&history).judge().findings().next().is_some_and(|(check, _)| check == self.check)
        })
    }

    /// The case with faults that count, open all the time if that is enough; as it was, when a check looks at rates.
    fn counted(&mut self, whole: &Case, history: &History) -> Case {
        let of = |window: fn(&Fault) -> Window| {
            let parts = |tally: &Tally| {
                let fault = &tally.fault;
                tally.firings.iter().map(|firing| firing.counted(fault, window(fault))).collect::<Vec<_>>()
            };
            Case { parts: history.faults.iter().flat_map(parts).collect(), ..whole.clone() }
        };
        let counted = [of(|_| Window::ALWAYS), of(|fault| fault.window)];
        counted.into_iter().find(|case| self.violates(case)).unwrap_or_else(|| whole.clone())
    }

    /// Leaves out what can be left out, until nothing can.
    fn least(&mut self, mut case: Case) -> Case {
        loop {
            let before = (case.arrivals.len(), case.parts.len());
            case = self.with_one_payment(case);
            let arrivals = minimise(case.arrivals.clone(), |arrivals| self.violates(&case.sending(arrivals)));
            case = case.sending(&arrivals);
            let parts = minimise(case.parts.clone(), |parts| self.violates(&case.with(parts)));
            case = case.with(&parts);
            if before == (case.arrivals.len(), case.parts.len()) {
                break;
            }
        }
        let simpler = [Case::at_once, Case::held_to_everything];
        let case = simpler.into_iter().fold(case, |case, simplified| self.if_it_violates(case, simplified));
        (0..case.parts.len()).fold(case, |case, part| self.with_a_shorter_window(case, part))
    }

    /// Most violations are about one payment: then all the others go at once.
    fn with_one_payment(&mut self, case: Case) -> Case {
        let ids = case.arrivals.iter().filter_map(|arrival| Payment::parse(&arrival.body).ok());
        let mut ids: Vec<String> = ids.map(|payment| payment.payment_id.to_string()).collect();
        ids.dedup();
        // Faults were aimed at the payment that suffered: those hit most come first.
        ids.sort_by_key(|id| {
            std::cmp::Reverse(case.parts.iter().filter(|part| part.scope.payments.contains(id)).count())
        });
        let alone = |id: &String| {
            let arrivals = case.arrivals.iter().filter(|arrival| asks_for(&arrival.body, id));
            case.sending(&arrivals.cloned().collect::<Vec<_>>())
        };
        const TRIED: usize = 8;
        let several = ids.len() > 1;
        let mut tried = ids.iter().filter(|_| several).take(TRIED).map(alone);
        tried.find(|alone| self.violates(alone)).unwrap_or_else(|| case.clone())
    }

    fn if_it_violates(&mut self, case: Case, simplified: fn(&Case) -> Case) -> Case {
        let simpler = simplified(&case);
        if self.violates(&simpler) { simpler } else { case }
    }

    /// Halves a window as long as one half is enough, and leaves it out if it need not be there.
    fn with_a_shorter_window(&mut self, mut case: Case, part: usize) -> Case {
        /// Below a second a window tells nothing any more.
        const SHORTEST_MS: u64 = 1_000;
        loop {
            let Window { from_ms, until_ms } = case.parts[part].window;
            if from_ms == 0 && until_ms == u64::MAX || until_ms - from_ms < 2 * SHORTEST_MS {
                return case;
            }
            let middle_ms = from_ms + (until_ms - from_ms) / 2;
            let halves = [
                Window::ALWAYS,
                Window { from_ms, until_ms: middle_ms },
                Window { from_ms: middle_ms, until_ms },
            ];
            // A rate that changes needs a window to change in.
            let changes = matches!(case.parts[part].when, When::Rate(Rate::Ramp(..) | Rate::Step(_)));
            let may_be = |window: &Window| !changes || window.until_ms < u64::MAX;
            let halves = halves.into_iter().filter(may_be);
            let mut tried = halves.map(|window| case.with_window(part, window));
            let Some(shorter) = tried.find(|shorter| self.violates(shorter)) else { return case };
            case = shorter;
        }
    }
}
