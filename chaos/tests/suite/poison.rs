//! Poison amid an outage, over a few seeds: whoever is quarantined for it is it.
//!
//! No check of the suite says so, because a payment that is killed four times on its own, by crashes that know
//! nothing of it, is rightly taken for poison. In this experiment nothing else kills.

use chaos::checks::{Outcome, judge};
use chaos::experiment::{Experiment, SHIPPED};
use chaos::faults::Kind;
use chaos::journal::{Event, FaultFired};
use chaos::world::{Code, History, run};
use std::collections::BTreeSet;

fn experiment() -> Experiment {
    let shipped = SHIPPED.iter().find(|shipped| shipped.name == "poison").expect("it is shipped");
    shipped.experiment().expect("it is well formed")
}

/// Payments that killed whoever worked on them.
fn culprits(history: &History) -> BTreeSet<&str> {
    let killed = |event| {
        if let &Event::Fault(FaultFired { fault: Kind::Poison, ref on, .. }) = event {
            Some(on.as_str())
        } else {
            None
        }
    };
    history.records.iter().filter_map(|record| killed(&record.event)).collect()
}

#[test]
fn whoever_is_quarantined_as_poison_is_poison() {
    for seed in 1..=3 {
        let history = run(experiment(), seed, Code::DEPLOYED).expect("the world runs");
        assert_eq!(judge(&history).outcome(), Outcome::Passed, "seed {seed}");
        let culprits = culprits(&history);
        assert!(culprits.len() > 20, "seed {seed}: only {culprits:?}");
        let quarantined = history.ledger.iter().filter(|row| row.state == "quarantined");
        let quarantined: BTreeSet<&str> = quarantined.map(|row| row.payment.as_str()).collect();
        assert_eq!(quarantined, culprits, "seed {seed}");
    }
}
