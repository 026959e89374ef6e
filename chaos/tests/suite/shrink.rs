//! A violation is shrunk to the least that still is one, and what is saved fails by itself.

#![expect(clippy::wildcard_enum_match_arm, reason = "each names the one step it breaks")]

use chaos::checks::{Outcome as Verdict, judge};
use chaos::cloud::container::Function;
use chaos::consumer::ConsumerFunction;
use chaos::experiment::Experiment;
use chaos::faults::When;
use chaos::shrink::shrink;
use chaos::stripe::Provider;
use chaos::world::{Code, Deployed, own_template, run};
use consumer::{Ports, Protocol};
use payments::charge::{Delivery, Event, Outcome, Step};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Much goes wrong that has nothing to do with the mistake.
const ROUGH: &str = "
    title = 'Rough weather'
    workload = { payments = 40, over = '10m' }
    fault = [
        { kind = 'stripe-lost-answer', rate = 0.3, from = '1m', for = '10m' },
        { kind = 'stripe-unavailable', rate = 0.1, for = '10m' },
        { kind = 'crash', rate = 0.3, from = '1m', for = '10m' },
        { kind = 'event-lost', rate = 0.2, for = '10m' },
    ]
    expect = { excused = ['told-in-time', 'faults-fired', 'dead-letters-as-expected', 'one-move-task-at-a-time'] }";

/// Acknowledges what it should hand back.
fn hasty(delivery: &mut Delivery, event: Event) -> Step {
    match delivery.next(event) {
        Step::Done(Outcome::HandBack { .. }) => Step::Done(Outcome::Acknowledge),
        step => step,
    }
}

fn broken(provider: Provider) -> Arc<dyn Function> {
    let protocol = Protocol { next: hasty, ..Protocol::default() };
    Arc::new(ConsumerFunction::altered(provider, move |ports| Ports { protocol, ..ports }))
}

fn rough() -> Experiment {
    Experiment::parse(Path::new("rough.toml"), ROUGH).expect("it is well formed")
}

fn deployed() -> Deployed {
    Deployed::load(&own_template(), &BTreeMap::new()).expect("the repository's template is good")
}

#[test]
fn a_violation_is_shrunk_to_one_payment_and_a_handful_of_firings_and_the_file_fails_by_itself() {
    let code = Code { consumer: &broken, ..Code::DEPLOYED };
    let shrunk = shrink(&deployed(), &rough(), 1, code).expect("the world runs").expect("it is caught");
    let text = shrunk.experiment.to_toml();
    let firings: usize = shrunk
        .experiment
        .faults
        .iter()
        .map(|fault| match &fault.when {
            When::Nth(nth) => nth.len(),
            When::Rate(_) => panic!("a fault that still draws: {text}"),
        })
        .sum();
    assert_eq!(shrunk.experiment.workload.payments.count(), Some(1), "{text}");
    assert!((1..=3).contains(&firings), "{text}");

    let saved = Experiment::parse(Path::new("saved.toml"), &text).expect("what is written can be read");
    let seed = saved.seed.expect("the file holds its seed");
    let outcome = |code| judge(&run(saved.clone(), seed, code).expect("the world runs")).outcome();
    assert_eq!(outcome(code), Verdict::Unsafe);
    assert_ne!(outcome(Code::DEPLOYED), Verdict::Unsafe, "only the mistake is to blame");
}

#[test]
fn what_violates_nothing_is_not_shrunk() {
    assert!(shrink(&deployed(), &rough(), 1, Code::DEPLOYED).expect("the world runs").is_none());
}
