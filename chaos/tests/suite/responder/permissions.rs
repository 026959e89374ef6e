//! Every grant of the template is there because a run would have gone otherwise without it, and none is missing.
//!
//! What is missing is refused, and that fails the check nothing-denied of whatever run needs it. What is too much shows
//! here: of each grant some run must have asked for a thing that nothing else allows.
//! Invariant: an exception has its reason beside it, and is gone with what it excuses.

use crate::responder::town::{in_town, payment};
use chaos::checks::{Verdict, judge};
use chaos::cloud::iam::{Effect, Grant, Policies, Policy};
use chaos::experiment::Experiment;
use chaos::promises::Check;
use chaos::world::{Code, Deployed, History, World, WorldError, own_edge, own_template};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const DRILL: (&str, &str) = ("drill", include_str!("../../../experiments/drill.toml"));

/// Small experiments that, with a release, come to everything the stack does.
const EXPERIMENTS: [(&str, &str); 5] = [
    DRILL,
    (
        // Before one of them is blamed, the others in trouble are looked at.
        "payments that kill",
        "workload = { payments = 40, over = '10m' }
         expect = { dead_letters = 'any' }
         fault = [{ kind = 'poison', rate = 0.2, for = '15m' }]",
    ),
    (
        // A move that runs into a dead Stripe is canceled.
        "Stripe is gone again while dead letters go back",
        "parameters = { RedriveRateMax = 1 }
         workload = { payments = 200, over = '18m' }
         expect = { dead_letters = 'some' }
         fault = [
             { kind = 'stripe-unavailable', from = '1m', for = '20m' },
             { kind = 'stripe-unavailable', from = '24m', for = '10m' },
         ]",
    ),
    (
        // The alarm ConsumerFailing speaks to people itself.
        "a consumer that dies",
        "workload = { payments = 60, over = '20m' }
         expect = { dead_letters = 'any' }
         fault = [{ kind = 'crash', rate = 1.0, from = '2m', for = '15m' }]",
    ),
    (
        // What the pipe gives up leaves its place to a queue.
        "a bus that takes nothing for longer than its pipe tries",
        "workload = { payments = 14, over = '7h' }
         expect = { dead_letters = 'none' }
         fault = [{ kind = 'bus-failing', placement = 'before', rate = 1.0, for = '8h' }]",
    ),
];

/// Grants that no run needs, and why they stay.
const UNPROVED: [(&str, &str); 1] = [(
    "UndeliveredEventsPolicy.WhatTheRuleCannotDeliver: sqs:SendMessage on payments-undelivered-events",
    "an event is refused only when the responder is gone, or may not be invoked, and no fault does that; what \
     becomes of it without this grant is tested beside the embedded IAM",
)];

const LISTS: &str = "a list of CloudWatch is granted whole: what the request narrows it to is no resource";

/// Grants that allow more than one action, or reach more than one resource, and why nothing narrower will do.
const BROAD: [(&str, &str); 10] = [
    (
        "AlertsKey.Account: kms:* on *",
        "AWS's own default: without it nobody could ever change the key, or delete it",
    ),
    ("AlertsKey.AlarmsOfThisAccount: kms:GenerateDataKey* on *", TOPIC_KEY),
    (
        "ConsumerRole.consume-payments.Log: logs:CreateLogStream on log-group:/aws/lambda/payments-consumer:*",
        STREAMS,
    ),
    (
        "ConsumerRole.consume-payments.Log: logs:PutLogEvents on log-group:/aws/lambda/payments-consumer:*",
        STREAMS,
    ),
    (
        "OutcomesRole.tell-outcomes.FindTheStream: dynamodb:ListStreams on *",
        "a list of streams is granted whole, and AWS says that a pipe needs it",
    ),
    (
        "ResponderRole.respond-to-incidents.EncryptWhatTheyAreTold: kms:GenerateDataKey* on key/payments-AlertsKey",
        TOPIC_KEY,
    ),
    (
        "ResponderRole.respond-to-incidents.SeeWhatMutesThem: cloudwatch:ListAlarmMuteRules on alarm-mute-rule:*",
        LISTS,
    ),
    (
        "ResponderRole.respond-to-incidents.SeeWhichAlarmsAreSilenced: cloudwatch:DescribeAlarms on alarm:*",
        LISTS,
    ),
    (
        "ResponderRole.respond-to-incidents.Log: logs:CreateLogStream on log-group:/aws/lambda/payments-responder:*",
        STREAMS,
    ),
    (
        "ResponderRole.respond-to-incidents.Log: logs:PutLogEvents on log-group:/aws/lambda/payments-responder:*",
        STREAMS,
    ),
];

const STREAMS: &str = "Lambda makes up the names of the streams";
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>
const TOPIC_KEY: &str = "what SNS asks of publishers to an encrypted topic, in these words";

/// A grant without its place in the world.
fn short(grant: &Grant) -> String {
    let resource = grant.resource.splitn(6, ':').last().unwrap_or_default().to_owned();
    Grant { resource, ..grant.clone() }.to_string()
}

fn deployed() -> Deployed {
    Deployed::load(&own_template(), &BTreeMap::new()).expect("the template loads")
}

/// Runs an experiment in a stack whose permissions are altered.
fn run((title, text): (&str, &str), alter: impl Fn(&mut Policies)) -> Result<History, WorldError> {
    let experiment = Experiment::parse(Path::new(title), text).expect("it is well formed");
    let mut deployed = Deployed::load(&own_template(), &experiment.parameters)?;
    alter(&mut deployed.stack.policies);
    World::new(deployed, experiment, 1)?.run(Code::DEPLOYED, &mut |_| {})
}

/// Runs an experiment in the stack as it is.
fn run_as_it_is(experiment: (&str, &str)) -> History {
    run(experiment, |_| {}).expect("the world runs")
}

fn denied(history: &History) -> bool {
    !matches!(judge(history).of(Check::NothingDenied), Some(Verdict::Pass(_)))
}

/// What a release needs, of a payment that Stripe's books say can still be charged; and the look at how things stand.
fn needed_to_release() -> BTreeSet<Grant> {
    in_town("[]", async |town| {
        town.kill_the_next_delivery_at(7);
        town.send(&payment("order-1", 1_999));
        town.pass_s(10).await;
        town.cancel_at_stripe("order-1");
        town.blame("order-1").await;
        town.pass_s(400).await;
        let release = json!({"command": "release", "payment_id": "order-1", "who": "ada", "why": "mended"});
        town.order(release).await;
        town.pass_s(60).await;
        assert_eq!(town.charges(), ["order-1"], "the release is what it takes");
        town.status().await;
        town.needed()
    })
}

/// What is found is what is excused, no less and no more.
fn assert_excused(found: &BTreeSet<String>, excuses: &[(&str, &str)], what: &str) {
    let excused: BTreeSet<String> = excuses.iter().map(|(grant, _)| (*grant).to_owned()).collect();
    let unexcused: Vec<&String> = found.difference(&excused).collect();
    let stale: Vec<&String> = excused.difference(found).collect();
    assert!(unexcused.is_empty(), "{what}, and no reason given: {unexcused:#?}");
    assert!(stale.is_empty(), "a reason is given for what is not so, or not there: {stale:#?}");
}

#[test]
fn every_grant_is_needed_by_a_run_or_says_why_not() {
    let mut unneeded = deployed().stack.policies.grants();
    let mut needed = needed_to_release();
    for experiment in EXPERIMENTS {
        let history = run_as_it_is(experiment);
        assert!(!denied(&history), "{}: {:?}", experiment.0, judge(&history).of(Check::NothingDenied));
        needed.extend(history.grants);
    }
    unneeded.retain(|grant| !needed.contains(grant));
    assert_excused(&unneeded.iter().map(short).collect(), &UNPROVED, "needed by no run");
}

#[test]
fn every_grant_for_stripes_events_is_needed_by_a_run_that_listens_to_them() {
    const LISTENS: (&str, &str) = (
        "listens",
        "parameters = { StripeEventBus = 'aws.partner/stripe.com/ed_test_1' }
         workload = { payments = 30, over = '10m' }
         expect = { dead_letters = 'any' }
         fault = [{ kind = 'stripe-lost-answer', operations = ['confirm'], rate = 1.0, for = '10m' },
                  { kind = 'stripe-unavailable', operations = ['retrieve'], rate = 0.7, for = '10m' }]",
    );
    let experiment = Experiment::parse(Path::new(LISTENS.0), LISTENS.1).expect("it is well formed");
    let listening = Deployed::load(&own_template(), &experiment.parameters).expect("it is good");
    let mut more = listening.stack.policies.grants();
    let usual = deployed().stack.policies.grants();
    more.retain(|grant| !usual.contains(grant));
    assert_eq!(more.len(), 5, "{more:#?}");
    let history = run_as_it_is(LISTENS);
    assert!(!denied(&history), "{:?}", judge(&history).of(Check::NothingDenied));
    for grant in more {
        assert!(history.grants.contains(&grant), "needed by nobody: {grant}");
        let without = run(LISTENS, |policies| take_away(policies, &grant));
        match without {
            // What Lambda would not even deploy.
            Err(WorldError::Cloud { .. }) => {}
            Err(broken) => panic!("{grant}: {broken}"),
            Ok(history) => assert!(denied(&history), "nobody misses {grant}"),
        }
    }
}

#[test]
fn every_grant_of_the_edge_is_needed_by_those_who_hand_in_and_look() {
    const VISITED: (&str, &str) = (
        "visited",
        "workload = { payments = 40, over = '20m' }
         expect = { dead_letters = 'any' }
         fault = [{ kind = 'status-unavailable', from = '2m', for = '10m', rate = 1.0 }]
         [edge]",
    );
    let run = |alter: &dyn Fn(&mut Policies)| {
        let experiment = Experiment::parse(Path::new(VISITED.0), VISITED.1).expect("it is well formed");
        let mut deployed = deployed().with_edge(&own_edge(), &BTreeMap::new()).expect("it is good");
        alter(&mut deployed.edge.as_mut().expect("it has one").stack.policies);
        World::new(deployed, experiment, 1)?.run(Code::DEPLOYED, &mut |_| {})
    };
    let all = deployed().with_edge(&own_edge(), &BTreeMap::new()).expect("it is good");
    let all = all.edge.expect("it has one").stack.policies.grants();
    let history: History = run(&|_| {}).unwrap_or_else(|error: WorldError| panic!("{error}"));
    assert!(!denied(&history), "{:?}", judge(&history).of(Check::NothingDenied));
    assert!(all.len() > 5, "{all:#?}");
    for grant in all {
        assert!(history.grants.contains(&grant), "needed by nobody: {grant}");
        match run(&|policies| take_away(policies, &grant)) {
            // What Lambda would not even deploy.
            Err(WorldError::Cloud { .. }) => {}
            Err(broken) => panic!("{grant}: {broken}"),
            Ok(history) => assert!(denied(&history), "nobody misses {grant}"),
        }
    }
}

#[test]
fn every_wildcard_says_why() {
    let Policies { roles, resources, .. } = deployed().stack.policies;
    let grants = |policy: &Policy| {
        let allowing = policy.statements.clone().into_iter().filter(|it| it.effect == Effect::Allow);
        allowing.flat_map(|statement| statement.grants().collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let wild = |text: &str| text.contains(['*', '?']);
    // In the policy of a resource, * stands for this resource.
    let of_resources = resources.values().flat_map(grants).filter(|grant| wild(&grant.action));
    let of_roles = roles.values().flat_map(grants).filter(|it| wild(&it.action) || wild(&it.resource));
    let broad = of_resources.chain(of_roles).map(|grant| short(&grant)).collect();
    assert_excused(&broad, &BROAD, "broader than one action on one resource");
}

#[test]
fn whatever_grant_of_a_drill_is_taken_away_is_missed() {
    let needed = run_as_it_is(DRILL).grants;
    assert!(needed.len() > 30, "a drill needs most of them: {needed:#?}");
    for grant in needed {
        match run(DRILL, |policies| take_away(policies, &grant)) {
            // What Lambda would not even deploy.
            Err(WorldError::Cloud { .. }) => {}
            Err(broken) => panic!("{grant}: {broken}"),
            Ok(history) => assert!(denied(&history), "nobody misses {grant}"),
        }
    }
}

fn take_away(policies: &mut Policies, grant: &Grant) {
    let Policies { roles, resources, .. } = policies;
    let statements = roles.values_mut().chain(resources.values_mut()).flat_map(|it| &mut it.statements);
    for statement in statements.filter(|it| it.name == grant.statement) {
        statement.actions.retain(|action| *action != grant.action);
    }
}
