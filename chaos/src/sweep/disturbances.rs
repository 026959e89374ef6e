//! What disturbs a scenario, troubles and deaths, and the experiment that this makes of it.
//!
//! Invariant: nothing is drawn: what disturbs does so at its turn, or as long as its window is open.

use super::{SEED, Scenario};
use crate::experiment::{DeadLetters, Expect, Experiment};
use crate::faults::{Family, Fault, Kind, Scope, When, Window};
use crate::promises::excused;
use crate::random::Chance;
use crate::search::{Coverage, Place};

/// A turn that never comes: whoever waits for it counts all others.
const NEVER: u64 = u64::MAX;

/// How long before a trouble that lasts the kills begin, ms: two turns of the responder.
const BEFORE_MS: u64 = 120_000;
/// How long after it they end, ms: Stripe was found well again, and the next canary is under way.
const AFTER_MS: u64 = 240_000;

/// Every way in which a call to Stripe can go wrong.
pub(super) fn ways() -> impl Iterator<Item = Place> {
    Coverage::wanted().filter(|(kind, _)| kind.describe().family == Family::Stripe)
}

/// A way at each of its operations, waiting for a turn that never comes.
pub(super) fn waiting((kind, placement): Place) -> Vec<Fault> {
    let waiting = at_turn(&Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS), NEVER);
    let fault = |scope| Fault { placement, scope, ..waiting.clone() };
    match kind.describe().reached().as_slice() {
        [] => vec![fault(Scope::default())],
        operations => operations.iter().map(|operation| fault(only(operation))).collect(),
    }
}

/// Each way for as long as the window is open, one at a time, for all calls.
pub(super) fn relapses(window: Window) -> impl Iterator<Item = Fault> {
    ways().map(move |(kind, placement)| Fault { placement, ..Fault::steady(kind, Chance::ALWAYS, window) })
}

/// Whether it is of a call that the consumer makes; the responder only probes.
pub(super) fn is_of_consumer(trouble: &Fault) -> bool {
    !trouble.scope.operations.contains("probe")
}

pub(super) fn kill(victim: &str, invocation: u64, hop: u64) -> Fault {
    let crash = Fault::steady(Kind::Crash, Chance::ALWAYS, Window::ALWAYS);
    Fault { scope: only(victim), hop: Some(hop), ..at_turn(&crash, invocation) }
}

pub(super) const fn around(Window { from_ms, until_ms }: Window) -> Window {
    Window { from_ms: from_ms.saturating_sub(BEFORE_MS), until_ms: until_ms.saturating_add(AFTER_MS) }
}

pub(super) fn at_turn(fault: &Fault, nth: u64) -> Fault {
    Fault { when: When::Nth([nth].into()), ..fault.clone() }
}

fn only(operation: &str) -> Scope {
    Scope { operations: [operation.to_owned()].into(), ..Scope::default() }
}

/// The scenario with these faults beside its own, named for them.
pub(super) fn disturbed(scenario: &Scenario, faults: &[Fault]) -> Experiment {
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
