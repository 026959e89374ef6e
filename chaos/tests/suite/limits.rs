//! Limits that the code and the deployed template both state, because AWS enforces what the code counts on.

use chaos::cloud::config::{AlarmConfig, Finite, Measure};
use chaos::world::{Deployed, own_template};
use payments::limits::{
    DEAD_LETTERS_RETENTION_S, DELAYED_MS, SOURCE_RETENTION_S, TURN_GAP_MS_MAX, TURN_S_MAX,
};
use std::collections::BTreeMap;

fn deployed() -> Deployed {
    Deployed::load(&own_template(), &BTreeMap::new()).expect("the template loads")
}

/// Retention of the queue of this name, seconds.
fn retention_s(deployed: &Deployed, name: &str) -> i64 {
    let queue = deployed.stack.queues.values().find(|queue| queue.name == name);
    i64::from(queue.expect("the queue is part of the stack").retention_s)
}

fn alarm<'a>(deployed: &'a Deployed, name: &str) -> &'a AlarmConfig {
    deployed.stack.alarms.values().find(|alarm| alarm.name.ends_with(name)).expect("the stack has it")
}

#[test]
fn the_alarm_about_delayed_payments_and_the_responder_agree_on_what_is_late() {
    let deployed = deployed();
    let alarm = alarm(&deployed, "PaymentsDelayed");
    let Measure::Metric(stat) = &alarm.measure else { panic!("it looks at one metric") };
    assert_eq!(stat.metric.name, "OldestUnsettledSeconds", "the metric counts seconds");
    assert_eq!(Some(alarm.threshold), Finite::new(DELAYED_MS as f64 / 1_000.0));
}

#[test]
fn a_mail_says_when_messages_expire_as_the_queues_have_it() {
    let deployed = deployed();
    assert_eq!(retention_s(&deployed, &deployed.names.source), SOURCE_RETENTION_S);
    assert_eq!(retention_s(&deployed, &deployed.names.dead_letters), DEAD_LETTERS_RETENTION_S);
    // The mail about the quarantine reckons with the same time.
    assert_eq!(retention_s(&deployed, &deployed.names.quarantine), DEAD_LETTERS_RETENTION_S);
}

#[test]
fn nobody_takes_over_from_a_turn_that_lambda_still_lets_live() {
    let deployed = deployed();
    let responder = deployed.responder.expect("the stack has a responder");
    assert_eq!(responder.timeout_s, TURN_S_MAX);
}

#[test]
fn turns_of_the_schedule_are_in_a_row_and_one_that_is_missing_is_noticed() {
    let responder = deployed().responder.expect("the stack has a responder");
    let [schedule] = responder.schedules.as_slice() else { panic!("it has one schedule") };
    let every_ms = i64::from(schedule.every_min) * 60_000;
    assert!(every_ms < TURN_GAP_MS_MAX && TURN_GAP_MS_MAX < 2 * every_ms);
}
