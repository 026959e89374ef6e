//! Known-bad implementations, each broken in one way that people do break such systems. The suite's checks must notice
//! every one of them, and the same experiments must pass with the code as it is deployed: otherwise neither says
//! anything.
//!
//! A mutant comes in from here, through the world's own seams; nothing of it is compiled into what is deployed.

mod answers;
pub(crate) mod article;
mod audit;
mod aws;
mod batch;
pub(crate) mod calls;
mod edge;
mod incident;
mod item;
mod ledger;
mod looks;
mod mutant;
mod outcomes;
mod permissions;
mod protocol;
mod provider;
mod queues;
mod responder;
mod suspicion;
mod telling;
mod weather;
mod witness;

use chaos::checks::Outcome;
use chaos::sweep::{self, Scenario, Share, Swept};
use chaos::world::{Code, Deployed, own_template};
use mutant::{Mutant, Run, seeds_needed};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use weather::Weather;

/// Every mutant, by the place where it is broken.
const FAMILIES: [&[Mutant]; 16] = [
    &article::MUTANTS,
    &protocol::MUTANTS,
    &suspicion::MUTANTS,
    &provider::MUTANTS,
    &edge::MUTANTS,
    &ledger::MUTANTS,
    &queues::MUTANTS,
    &batch::MUTANTS,
    &responder::MUTANTS,
    &telling::MUTANTS,
    &incident::MUTANTS,
    &audit::MUTANTS,
    &permissions::MUTANTS,
    &outcomes::MUTANTS,
    &looks::MUTANTS,
    &witness::MUTANTS,
];

/// Their names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.into_iter().flatten().map(|mutant| mutant.name)
}

/// The check that must notice the mutant of this name.
pub(crate) fn caught_by(name: &str) -> Option<&'static str> {
    FAMILIES.into_iter().flatten().find(|mutant| mutant.name == name).map(|mutant| mutant.caught_by)
}

#[test]
fn handlers_as_articles_show_them_are_caught() {
    each_is_caught(&article::MUTANTS);
}

#[test]
fn mutants_of_the_protocol_are_caught() {
    each_is_caught(&protocol::MUTANTS);
}

#[test]
fn mutants_of_the_suspicion_are_caught() {
    each_is_caught(&suspicion::MUTANTS);
}

#[test]
fn mutants_that_talk_to_stripe_in_their_own_way_are_caught() {
    each_is_caught(&provider::MUTANTS);
}

#[test]
fn mutants_at_the_adapters_edges_are_caught() {
    each_is_caught(&edge::MUTANTS);
}

#[test]
fn mutants_that_write_the_ledger_in_their_own_way_are_caught() {
    each_is_caught(&ledger::MUTANTS);
}

#[test]
fn mutants_that_use_the_queues_in_their_own_way_are_caught() {
    each_is_caught(&queues::MUTANTS);
}

#[test]
fn mutants_that_answer_for_a_batch_in_their_own_way_are_caught() {
    each_is_caught(&batch::MUTANTS);
}

#[test]
fn mutants_of_the_responder_are_caught() {
    each_is_caught(&responder::MUTANTS);
}

#[test]
fn mutants_of_what_people_are_told_are_caught() {
    each_is_caught(&telling::MUTANTS);
}

#[test]
fn mutants_of_the_rules_of_incidents_are_caught() {
    each_is_caught(&incident::MUTANTS);
}

#[test]
fn mutants_of_the_audit_are_caught() {
    each_is_caught(&audit::MUTANTS);
}

#[test]
fn mutants_of_the_permissions_are_caught() {
    each_is_caught(&permissions::MUTANTS);
}

#[test]
fn mutants_of_the_pipe_that_tells_outcomes_are_caught() {
    each_is_caught(&outcomes::MUTANTS);
}

#[test]
fn mutants_of_the_edge_are_caught() {
    each_is_caught(&looks::MUTANTS);
}

#[test]
fn mutants_that_believe_stripes_events_are_caught() {
    each_is_caught(&witness::MUTANTS);
}

#[test]
fn the_deployed_code_passes_every_experiment_that_a_mutant_fails() {
    for weather in Weather::ALL {
        for seed in weather.seeds() {
            let run = Run::deployed(weather, *seed);
            assert_eq!(run.outcome, Outcome::Passed, "{weather:?} {seed}: {run:#?}");
        }
    }
}

#[test]
fn a_sweep_finds_the_points_at_which_mutants_do_wrong() {
    // Undisturbed, both do right.
    for (scenario, mutant) in [
        ("good payment", "a new create key on every delivery"),
        ("notice of quarantine", "saves without the version that was read"),
    ] {
        let mutant = FAMILIES.concat().into_iter().find(|it| it.name == mutant).expect("there is one");
        let Swept { held, points, .. } = mutant.with_code(|code| swept(scenario, code));
        assert!(0 < held && held < points, "{scenario}, {}: {held} of {points}", mutant.name);
    }
    let deployed = swept("notice of quarantine", Code::DEPLOYED);
    assert_eq!((deployed.held, deployed.violations.len()), (deployed.points, 0));
}

fn swept(scenario: &str, code: Code<'_>) -> Swept {
    let scenarios: Vec<Scenario> = sweep::ALL.into_iter().filter(|it| it.name == scenario).collect();
    let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("it is good");
    let (mut whole, threads) = (Swept::default(), NonZeroUsize::new(2).expect("above 0"));
    let seen = sweep::sweep(&deployed, &scenarios, Share::WHOLE, threads, code, |_, _, part| {
        whole.merge(part);
        ControlFlow::Continue(())
    });
    seen.expect("every point runs");
    whole
}

#[test]
fn the_report_names_every_mutant_its_mistake_and_its_check() {
    let mut table = String::from("| mutant | where it comes from | caught by |\n| --- | --- | --- |\n");
    for Mutant { name, story, caught_by, .. } in FAMILIES.concat() {
        writeln!(table, "| {name} | {story} | `{caught_by}` |").expect("a text");
    }
    insta::assert_snapshot!(table);
}

/// Tries each mutant with every seed of its weather, and says how many it took. That is no promise, so no snapshot holds it.
fn each_is_caught(mutants: &[Mutant]) {
    let mut figures = String::new();
    let mut survivors = Vec::new();
    for mutant in mutants {
        let runs: Vec<Run> = mutant.weather.seeds().iter().map(|seed| mutant.run(*seed)).collect();
        let caught: Vec<bool> = runs.iter().map(|run| run.fails(mutant.caught_by)).collect();
        match seeds_needed(&caught) {
            Some(needed) => {
                let Mutant { name, caught_by, .. } = mutant;
                writeln!(figures, "{name:45} {caught_by:26} {needed}").expect("a text");
            }
            None => survivors.push((mutant.name, mutant.caught_by, runs)),
        }
    }
    println!("{:45} {:26} seeds, median\n{figures}", "mutant", "caught by");
    assert!(survivors.is_empty(), "not caught by the check they name: {survivors:#?}");
}
