//! The swarm: what goes wrong under a seed.
//!
//! A run in which everything goes wrong at once hides what two faults alone would show, so each seed switches most kinds
//! off and draws rates, windows, placements and scopes for the rest.
//! Invariant: every fault that is drawn ends, but for poison, which a payment is by what it is.

use super::days;
use crate::experiment::{DeadLetters, Expect, Experiment};
use crate::faults::{Description, Family, Fault, Kind, Placement, Rate, Scope, When, Window};
use crate::promises::excused;
use crate::random::{Chance, Stream};
use crate::workload::{Pace, Payments, Workload};
use std::collections::BTreeSet;
use std::path::Path;

/// Payments of a seed.
pub const PAYMENTS: u32 = 50;

const MINUTE_MS: u64 = 60_000;
/// How long the payments of a seed take to arrive.
const SPANS_MS: [u64; 3] = [2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS];
/// How long a fault lasts: a blink, a while, or an outage that dead-letters.
const LENGTHS_MS: [u64; 4] = [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 40 * MINUTE_MS];
/// How many times as long a fault lasts that would otherwise be over before there is anything for it to hit.
const RECOVERY_FACTOR: u64 = 4;
/// Shares of what a fault could hit that it hits. None near one half for long: whether a provider of which half of the
/// calls fail is well is a matter of luck, and what luck decides proves nothing.
const SHARES: [u32; 7] = [10_000, 50_000, 100_000, 200_000, 350_000, 750_000, 1_000_000];
/// Highest turn that a fault that counts waits for.
const NTH_MAX: u64 = 40;

/// How long everything may take to come to rest after the last fault, ms. Dead letters that keep dying in the hands of
/// the consumer are tried again with growing pauses, so this is far more than an outage needs.
const DRAIN_MS: u64 = 6 * 60 * MINUTE_MS;

/// Shares of a refusal, per million: of all, or of so few that hardly one is met twice by the same payment. Whether what
/// lies between is the account's or the payments' is a matter of luck.
const REFUSED_SHARES: [u32; 3] = [1_000_000, 1_000_000, 10_000];
/// Hops at which an invocation ends that ends where all do.
const HOPS: (u64, u64) = (1, 8);

/// Families of which a seed draws. No seed has an edge: it takes no part in what becomes of a payment.
const FAMILIES: [Family; 4] = [Family::Stripe, Family::Input, Family::Lambda, Family::Aws];

/// What no seed draws, and why.
pub const LEFT_OUT: [(Kind, &str); 6] = [
    (
        Kind::StripeOtherAccount,
        "a payment whose intent is another account's is stuck, and waits for a human, who never comes to a seed: until what \
         is stuck is set aside, no seed would drain; experiments and tests hold it",
    ),
    (Kind::EventsLost, NOBODY_LISTENS),
    (Kind::EventsLate, NOBODY_LISTENS),
    (Kind::EventsTwice, NOBODY_LISTENS),
    (Kind::EventsReordered, NOBODY_LISTENS),
    (Kind::EventsForged, NOBODY_LISTENS),
];

const NOBODY_LISTENS: &str = "a seed deploys the template as it is by default, and so listens to none of Stripe's events; an experiment and tests hold it";

/// Whether no seed draws it.
pub(super) fn is_left_out(kind: Kind) -> bool {
    !FAMILIES.contains(&kind.describe().family) || LEFT_OUT.iter().any(|(left_out, _)| *left_out == kind)
}

const HALF: Chance = Chance::from_ppm(500_000);
const THREE_QUARTERS: Chance = Chance::from_ppm(750_000);
const QUARTER: Chance = Chance::from_ppm(250_000);
const TENTH: Chance = Chance::from_ppm(100_000);

/// The experiment of a seed.
///
/// # Panics
/// Never: an empty file is an experiment.
#[must_use]
pub fn experiment(seed: u64) -> Experiment {
    let mut stream = Stream::new(seed, "search");
    let span_ms = *pick(&SPANS_MS, &mut stream);
    let faults = faults(span_ms, &mut stream);
    let workload = Workload { payments: Payments::Generated(PAYMENTS), pace: Pace::Over { span_ms } };
    let empty = Experiment::parse(Path::new(""), "").expect("an empty file is an experiment");
    let mut experiment = Experiment {
        name: format!("seed-{seed}"),
        title: format!("Seed {seed}"),
        workload,
        faults,
        drain_ms: DRAIN_MS,
        ..empty
    };
    days::add(&mut experiment, span_ms, &mut Stream::new(seed, "days"));
    experiment.expect = Expect {
        dead_letters: DeadLetters::Any,
        // The bound for an outage leaves no room for what dies, or loses its way back, at the end of one (seed 455).
        drained_within_ms: Some(DRAIN_MS),
        excused: excused(&experiment.faults),
        alarms: None,
    };
    experiment
}

/// Half of the families are off, and most kinds of the others.
fn faults(span_ms: u64, stream: &mut Stream) -> Vec<Fault> {
    let families: BTreeSet<Family> = FAMILIES.into_iter().filter(|_| stream.happens(HALF)).collect();
    let mut faults = Vec::new();
    let drawn: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| !is_left_out(*kind) && !days::draws(*kind)).collect();
    for kind in drawn.iter().copied() {
        if families.contains(&kind.describe().family) && stream.happens(QUARTER) {
            faults.push(fault(kind, span_ms, stream));
            // Now and then two of a kind, which differ in everything else.
            if stream.happens(TENTH) {
                faults.push(fault(kind, span_ms, stream));
            }
        }
    }
    if faults.is_empty() {
        let kind = *pick(&drawn, stream);
        faults.push(fault(kind, span_ms, stream));
    }
    faults
}

fn fault(kind: Kind, span_ms: u64, stream: &mut Stream) -> Fault {
    let Description { placements, .. } = kind.describe();
    let placement = (!placements.is_empty()).then(|| *pick(placements, stream));
    let from_ms = stream.below(span_ms);
    let length_ms = *pick(&LENGTHS_MS, stream) * if hits_recovery(kind) { RECOVERY_FACTOR } else { 1 };
    let window = Window { from_ms, until_ms: from_ms + length_ms };
    let (scope, hop) = (scope(kind, stream), hop(kind, stream));
    let when = if hits_a_few(kind, placement) {
        When::Nth((0..stream.between(1, 3)).map(|_| stream.between(1, NTH_MAX)).collect())
    } else if kind == Kind::StripeRefusing {
        When::Rate(Rate::Steady(Chance::from_ppm(*pick(&REFUSED_SHARES, stream))))
    } else if kind == Kind::Poison {
        // Where several are poison it is the deployment, and waits for a human.
        When::Nth([stream.between(1, NTH_MAX)].into())
    } else if hop.is_some() {
        When::Rate(Rate::Steady(Chance::ALWAYS))
    } else {
        when(stream)
    };
    Fault { placement, scope, when, hop, ..Fault::steady(kind, HALF, window) }
}

/// Whether it is drawn for a few, and hits each of them surely. What is refused and done all the same soon looks like
/// nobody's fault; and where every intent is left with its money held, somebody changed a setting, and all that waits waits
/// for a human, who never comes to a seed.
fn hits_a_few(kind: Kind, placement: Option<Placement>) -> bool {
    kind == Kind::Held || (kind == Kind::StripeRefusing && placement == Some(Placement::After))
}

/// Now and then whatever ends invocations ends all of them at the same hop, as a deployment would that is broken.
fn hop(kind: Kind, stream: &mut Stream) -> Option<u64> {
    let ends = matches!(kind, Kind::Crash | Kind::FunctionTimeout);
    (ends && stream.happens(QUARTER)).then(|| stream.between(HOPS.0, HOPS.1))
}

/// Whether what it hits happens late in a run, and seldom.
fn hits_recovery(kind: Kind) -> bool {
    matches!(kind, Kind::MoveTaskMisses | Kind::SnsFailing)
}

fn scope(kind: Kind, stream: &mut Stream) -> Scope {
    let operations = kind.describe().reached();
    // What refuses every operation is an outage, and drawn often enough.
    let share = if kind == Kind::StripeRefusing { THREE_QUARTERS } else { QUARTER };
    let narrow = !operations.is_empty() && stream.happens(share);
    let operations = narrow.then(|| (*pick(&operations, stream)).to_owned());
    Scope { operations: operations.into_iter().collect(), ..Scope::default() }
}

fn when(stream: &mut Stream) -> When {
    let chance = |stream: &mut Stream| Chance::from_ppm(*pick(&SHARES, stream));
    match stream.below(8) {
        0 => When::Nth((0..stream.between(1, 3)).map(|_| stream.between(1, NTH_MAX)).collect()),
        1 => When::Rate(Rate::Ramp(chance(stream), chance(stream))),
        2 => When::Rate(Rate::Step((0..3).map(|_| chance(stream)).collect())),
        _ => When::Rate(Rate::Steady(chance(stream))),
    }
}

pub(super) fn pick<'a, T>(choices: &'a [T], stream: &mut Stream) -> &'a T {
    &choices[stream.below(choices.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_hundred_seeds_draw_every_kind_in_every_placement() {
        let mut drawn = BTreeSet::new();
        for seed in 0..400 {
            drawn.extend(experiment(seed).faults.iter().map(|fault| (fault.kind, fault.placement)));
        }
        assert_eq!(drawn, super::super::Coverage::wanted().collect());
    }

    #[test]
    fn every_fault_ends_and_every_seed_has_one() {
        for seed in 0..200 {
            let faults = experiment(seed).faults;
            assert!(!faults.is_empty());
            let is_short = |fault: &Fault| fault.window.until_ms < 6 * 60 * MINUTE_MS;
            assert!(faults.iter().all(is_short));
        }
    }

    #[test]
    fn most_kinds_are_off_under_any_seed() {
        let on = |seed| experiment(seed).faults.iter().map(|fault| fault.kind).collect::<BTreeSet<_>>().len();
        assert!((0..200).map(on).sum::<usize>() / 200 < Kind::ALL.len() / 4);
    }
}
