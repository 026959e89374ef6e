//! Alarms on an edge, as `edge/watch.yaml` has them, over requests to it.

use super::*;
use crate::cloud::names::{Region, topic_arn_in};

const EDGE: &str = "E0123456789";

fn of_edge(name: &str, statistic: Statistic) -> Measure {
    let dimensions = [("DistributionId", EDGE), ("Region", GLOBAL)];
    let dimensions = dimensions.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let metric = MetricName { namespace: CLOUDFRONT.to_owned(), name: name.to_owned(), dimensions };
    Measure::Metric(MetricStat { metric, statistic, period_s: 60 })
}

/// More than one in twenty fails, three minutes of five.
fn failing_edge() -> AlarmConfig {
    AlarmConfig {
        name: "failing".to_owned(),
        region: Region::UsEast1,
        measure: of_edge(ERROR_RATE, Statistic::Average),
        periods: 5,
        breaches_min: Some(3),
        threshold: number(5.0),
        missing: MissingData::NotBreaching,
        ..alarm()
    }
}

/// More than one in ten takes longer than a second, ten minutes of fifteen.
fn slow_edge() -> AlarmConfig {
    let topic = vec![topic_arn_in(Region::UsEast1, "alerts")];
    AlarmConfig {
        name: "slow".to_owned(),
        measure: of_edge(ORIGIN_LATENCY, Statistic::Percentile(900)),
        periods: 15,
        breaches_min: Some(10),
        threshold: number(1_000.0),
        actions: AlarmActions { alarm: topic, ..AlarmActions::default() },
        ..failing_edge()
    }
}

fn account(alarm: AlarmConfig) -> Account {
    Account::with(&[alarm], &[], Knobs { lag_s: (60, 60), wake_s: (0, 0) })
}

/// Passes minutes with these requests in each, and says when the alarm changed.
fn minutes(
    account: &mut Account,
    count: i64,
    requests: &[(u64, u16, Option<u32>)],
) -> Vec<(i64, &'static str)> {
    let mut seen = Vec::new();
    for _ in 0..count {
        let at = minute(account.minutes).plus_ms(30_000);
        for (times, status, origin_ms) in requests {
            for _ in 0..*times {
                account.cloudwatch.edge_request(EDGE, at, *status, *origin_ms);
            }
        }
        seen.extend(account.pass(1).into_iter().map(|(at, _, state)| (at, state)));
    }
    seen
}

/// The transition of the alarm on latency.
pub(super) fn slow() -> Transition {
    let mut account = account(slow_edge());
    minutes(&mut account, 5, &[(10, 200, Some(40))]);
    let at = |account: &Account| minute(account.minutes).plus_ms(1);
    let transitions = (0..20).find_map(|_| {
        account.cloudwatch.edge_request(EDGE, at(&account), 200, Some(2_000));
        account.transitions().pop()
    });
    transitions.expect("it fires")
}

#[test]
fn one_failed_request_in_twenty_is_borne_and_one_more_is_not() {
    let mut account = account(failing_edge());
    assert_eq!(minutes(&mut account, 20, &[(95, 200, None), (5, 503, None)]), [(1, "OK")]);
    assert_eq!(minutes(&mut account, 20, &[(94, 200, None), (6, 503, None)]), [(24, "ALARM")]);
    assert_eq!(minutes(&mut account, 20, &[(94, 404, None), (6, 304, None)]), [(44, "OK")]);
}

#[test]
fn an_edge_that_nobody_asks_lets_nobody_down() {
    let mut account = account(failing_edge());
    minutes(&mut account, 10, &[(1, 502, Some(2_000))]);
    assert_eq!(account.pass(60), [(15, "failing".to_owned(), "OK")]);
}

#[test]
fn one_slow_request_in_ten_is_borne_and_whoever_a_cache_answers_does_not_count() {
    let mut account = account(slow_edge());
    let borne = [(500, 200, None), (90, 200, Some(40)), (10, 200, Some(2_000))];
    assert_eq!(minutes(&mut account, 30, &borne), [(1, "OK")]);
    let slow = [(500, 200, None), (89, 200, Some(40)), (11, 200, Some(2_000))];
    assert_eq!(minutes(&mut account, 30, &slow), [(41, "ALARM")]);
}

#[test]
fn another_edge_is_none_of_the_alarms() {
    let mut account = account(failing_edge());
    for at in 0..20 {
        account.cloudwatch.edge_request("EANOTHER000", minute(at), 500, None);
        assert!(account.pass(1).iter().all(|(_, _, state)| *state == "OK"));
    }
}
