//! The shipped edge in front of the shipped stack: who may do what, and what is no edge of it.

use super::{Deployed, own_edge, own_template, own_watch};
use crate::clock::Clock;
use crate::cloud::cloudwatch::Past;
use crate::cloud::fixtures::{START, script};
use crate::cloud::iam::{Access, CLOUDFRONT, Iam, Principal};
use crate::cloud::names::{self, Region};
use crate::cloud::plans::Plans;
use crate::cloud::sns::Mail;
use crate::journal::{BusEvent, Event, Journal};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

const API_GATEWAY: &str = "apigateway.amazonaws.com";
const INVOKE: [&str; 2] = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];

fn edged() -> Deployed {
    let stack = Deployed::load(&own_template(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
    stack.with_edge(&own_edge(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"))
}

fn iam_without(deployed: &Deployed, statement: &str) -> Iam {
    let mut policies = deployed.policies();
    let all = policies.resources.values_mut().chain(policies.roles.values_mut());
    let mut left_out = 0;
    for policy in all {
        let before = policy.statements.len();
        policy.statements.retain(|it| it.name != statement);
        left_out += before - policy.statements.len();
    }
    assert_eq!(left_out, usize::from(!statement.is_empty()), "{statement}");
    Iam::new(Access::Under(policies), Clock::starting_at(UnixMs(0)), Journal::default())
}

fn iam(deployed: &Deployed) -> Iam {
    iam_without(deployed, "")
}

fn cloudfront(distribution: &str) -> Principal {
    Principal::Service { name: CLOUDFRONT, source: names::distribution_arn(distribution) }
}

#[test]
fn the_edge_has_what_a_run_speaks_of() {
    let deployed = edged();
    let edge = deployed.edge.as_ref().expect("it has one");
    assert_eq!(edge.status.name, "payments-edge-status");
    assert_eq!(edge.store, "payments-edge-values");
    assert_eq!(edge.trouble, "payments-edge-trouble");
    assert_eq!(edge.distribution.behaviors.len(), 3);
    let other = BTreeMap::from([("StripeRatePerSecond".to_owned(), "20".to_owned())]);
    let under = deployed.under(&other).expect("it takes them");
    assert_eq!(under.edge, deployed.edge, "the edge stays in front");
}

#[test]
fn an_edge_of_another_stack_is_none_of_this_one() {
    let stack = Deployed::load(&own_template(), &BTreeMap::new()).expect("it loads");
    let other = BTreeMap::from([("SystemName".to_owned(), "other".to_owned())]);
    let said = stack.with_edge(&own_edge(), &other).expect_err("another's ledger").to_string();
    assert!(said.ends_with("the ledger payments-ledger is missing; accepted: SystemName of the stack that it stands in front of"), "{said}");
}

#[test]
fn one_distribution_may_invoke_the_status_function_by_both_permissions() {
    let deployed = edged();
    let edge = deployed.edge.as_ref().expect("it has one");
    let (own, function) = (cloudfront(&edge.distribution.id), names::function_arn(&edge.status.name));
    let may = |iam: &Iam, who: &Principal| INVOKE.map(|action| iam.ask(who, action, &function).is_ok());
    assert_eq!(may(&iam(&deployed), &own), [true, true]);
    assert_eq!(may(&iam(&deployed), &cloudfront("EANOTHERONE00")), [false, false]);
    let another =
        Principal::Service { name: API_GATEWAY, source: names::distribution_arn(&edge.distribution.id) };
    assert_eq!(may(&iam(&deployed), &another), [false, false], "another service");
    assert_eq!(may(&iam_without(&deployed, "StatusUrlFromCloudFront"), &own), [false, true]);
    assert_eq!(may(&iam_without(&deployed, "StatusFromCloudFront"), &own), [true, false]);
    let consumer = names::function_arn(&deployed.consumer.name);
    assert!(iam(&deployed).ask(&own, INVOKE[1], &consumer).is_err(), "no other function");
}

#[test]
fn one_distribution_may_read_the_page_of_trouble_and_nobody_else() {
    let deployed = edged();
    let edge = deployed.edge.as_ref().expect("it has one");
    let page = names::object_arn(&edge.trouble, "trouble.html");
    let ask = |who: &Principal, action| iam(&deployed).ask(who, action, &page).is_ok();
    assert!(ask(&cloudfront(&edge.distribution.id), "s3:GetObject"));
    assert!(!ask(&cloudfront(&edge.distribution.id), "s3:PutObject"));
    assert!(!ask(&cloudfront("EANOTHERONE00"), "s3:GetObject"));
    let status =
        Principal::Function { role: "payments-edge-StatusRole".to_owned(), function: "f".to_owned() };
    assert!(!ask(&status, "s3:GetObject"));
}

#[test]
fn the_gateway_may_send_to_the_payments_queue_alone() {
    let deployed = edged();
    let role = "payments-edge-HandInRole".to_owned();
    let takes_on = |name, action| {
        let gateway = Principal::Service { name, source: names::api_arn("api") };
        iam(&deployed).ask(&gateway, action, &names::role_arn(&role)).is_ok()
    };
    assert!(takes_on(API_GATEWAY, "sts:AssumeRole"));
    assert!(!takes_on("lambda.amazonaws.com", "sts:AssumeRole"));
    let bearer = Principal::Function { role: role.clone(), function: "hand-in".to_owned() };
    let may = |action, queue: &str| iam(&deployed).ask(&bearer, action, &names::queue_arn(queue)).is_ok();
    assert!(may("sqs:SendMessage", &deployed.names.source));
    assert!(!may("sqs:ReceiveMessage", &deployed.names.source));
    for queue in [&deployed.names.dead_letters, &deployed.names.quarantine] {
        assert!(!may("sqs:SendMessage", queue), "{queue}");
    }
}

#[test]
fn the_status_function_reads_what_is_told_and_nothing_else() {
    let deployed = edged();
    let edge = deployed.edge.as_ref().expect("it has one");
    let role = edge.status.role.clone().expect("it has a role");
    let status = Principal::Function { role, function: edge.status.name.clone() };
    let table = names::table_arn(&deployed.names.ledger);
    let may = |action, attributes: &[&str]| {
        let attributes: BTreeSet<String> = attributes.iter().map(|it| (*it).to_owned()).collect();
        iam(&deployed).ask_for(&status, action, &table, &attributes).is_ok()
    };
    assert!(may("dynamodb:GetItem", &["state", "amount", "currency"]));
    assert!(!may("dynamodb:GetItem", &["state", "payment_intent"]), "an id of Stripe's");
    assert!(!may("dynamodb:GetItem", &[]), "all of the row");
    assert!(!may("dynamodb:Query", &["state"]));
    assert!(!may("dynamodb:UpdateItem", &[]));
    let logs = names::log_stream_arn(&edge.status.log_group, "s");
    assert!(iam(&deployed).ask(&status, "logs:PutLogEvents", &logs).is_ok());
}

fn watched() -> Deployed {
    edged().with_watch(&own_watch(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_watches_over_an_edge_needs_one() {
    let stack = Deployed::load(&own_template(), &BTreeMap::new()).expect("it loads");
    let said = stack.with_watch(&own_watch(), &BTreeMap::new()).expect_err("there is none").to_string();
    assert!(said.ends_with("watch.yaml: the edge is missing; accepted: a stack with an edge"), "{said}");
}

#[test]
fn an_alarm_of_the_edge_may_speak_to_the_topic_beside_it_and_no_other_may() {
    let iam = iam(&watched());
    let topic = names::topic_arn_in(Region::UsEast1, "payments-edge-watch-alerts");
    let may = |source: String| {
        let alarm = Principal::Service { name: "cloudwatch.amazonaws.com", source };
        iam.ask(&alarm, "sns:Publish", &topic).is_ok()
    };
    assert!(may(names::alarm_arn_in(Region::UsEast1, "payments-edge-watch-EdgeFailing")));
    assert!(!may(names::alarm_arn("payments-DeadLettersWaiting")), "of another region");
}

/// Half an hour of one request in ten seconds, each answered like this, and half an hour of others that are well: all mails
/// of it, and how many events woke the responder.
async fn mails(status: u16, origin_ms: u32) -> (Vec<Mail>, usize) {
    let deployed = watched();
    let edge = deployed.edge.as_ref().expect("it has one").distribution.id.clone();
    let idle = script(async |_, payload, _| Ok(payload));
    let blueprint = deployed.blueprint([idle.clone(), idle], Plans::default(), Past::Idle, 1);
    let (clock, journal) = (Clock::starting_at(START), Journal::default());
    let cloud = deployed.start(blueprint, "sk_test_simulated", clock, &journal).expect("it deploys");
    for tens in 0..360 {
        let (status, origin_ms) = if tens < 180 { (status, origin_ms) } else { (200, 40) };
        cloud.services().cloudwatch().edge_request(&edge, clock.now(), status, Some(origin_ms));
        clock.sleep_until(START.plus_ms(10_000 * (tens + 1))).await;
    }
    let matched = |event: &Event| matches!(event, Event::Bus(BusEvent::Matched { .. }));
    let events = journal.records().iter().filter(|record| matched(&record.event)).count();
    (cloud.services().sns().mailbox().to_vec(), events)
}

#[tokio::test(start_paused = true)]
async fn whoever_is_on_call_hears_of_an_edge_that_fails_or_is_slow_and_of_its_end() {
    let (none, of_others) = mails(200, 40).await;
    assert_eq!(none, []);
    for (status, origin_ms, alarm, minutes_max) in [(503, 40, "EdgeFailing", 6), (200, 1_900, "EdgeSlow", 13)]
    {
        let (mails, events) = mails(status, origin_ms).await;
        let subjects: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        let subject = |state| format!("{state}: \"payments-edge-watch-{alarm}\" in US East (N. Virginia)");
        assert_eq!(subjects, [subject("ALARM"), subject("OK")]);
        assert!(mails[0].at.since_ms(START) <= minutes_max * 60_000, "{}", mails[0].at.since_ms(START));
        assert!(mails.iter().all(|mail| mail.to == super::ALERT_EMAIL));
        let runbook = format!("Runbook: edge/runbooks/{alarm}.md");
        assert!(mails[0].body.contains(&runbook), "{}", mails[0].body);
        assert_eq!(events, of_others, "the rule for alarms is in another region");
    }
}
