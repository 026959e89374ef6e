//! Every grant of the template is there because a run would have gone otherwise without it, and none is missing.
//!
//! What is missing is refused, which fails the check nothing-denied of whatever run needs it. What is too much shows
//! here: of each grant some run must have asked for a thing that nothing else allows.
//! Invariant: an exception has its reason beside it, and is itself an exception to be held to.

use crate::town::{in_town, payment};
use chaos::checks::{Verdict, judge};
use chaos::cloud::iam::Grant;
use chaos::experiment::Experiment;
use chaos::world::{Code, Deployed, own_template, run};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Small experiments that between them come to everything the stack does.
const EXPERIMENTS: [(&str, &str); 4] = [
    ("a drill", include_str!("../../experiments/drill.toml")),
    (
        "an outage",
        "workload = { payments = 30, over = '20m' }
         expect = { dead_letters = 'some' }
         fault = [{ kind = 'stripe-unavailable', from = '2m', for = '15m' }]",
    ),
    (
        "good payments between malformed ones",
        "workload = { payments = 30, over = '5m' }
         expect = { dead_letters = 'any' }
         fault = [{ kind = 'malformed', rate = 0.3, for = '5m' }]",
    ),
    (
        "a consumer that dies",
        "workload = { payments = 30, over = '20m' }
         expect = { dead_letters = 'any' }
         fault = [{ kind = 'panic', rate = 1.0, from = '2m', for = '15m' }]",
    ),
];

/// Grants that no run shows to be needed, each as it is listed and why it stays.
const UNPROVED: [(&str, &str); 0] = [];

/// Grants with a wildcard in what they allow, and why no narrower one will do.
const BROAD: [(&str, &str); 0] = [];

/// A grant as it is listed: without the name of the stack and its place in the world.
fn listed(grant: &Grant) -> String {
    let resource = grant.resource.splitn(6, ':').last().unwrap_or_default();
    format!("{} {} {}", grant.statement, grant.action, resource)
}

fn needed() -> BTreeSet<Grant> {
    let mut needed = BTreeSet::new();
    for (title, text) in EXPERIMENTS {
        let experiment = Experiment::parse(Path::new(title), text).expect("it is well formed");
        let history = run(experiment, 1, Code::DEPLOYED).expect("the world runs");
        let verdict = judge(&history).of("nothing-denied").cloned();
        assert!(matches!(verdict, Some(Verdict::Pass(_))), "{title}: {verdict:?}");
        needed.extend(history.grants);
    }
    needed
}

#[test]
fn show() {
    let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("the template loads");
    let needed = needed();
    let all = deployed.stack.policies.grants();
    for grant in &all {
        println!("{} {}", if needed.contains(grant) { "needed " } else { "UNNEEDED" }, listed(grant));
    }
}
