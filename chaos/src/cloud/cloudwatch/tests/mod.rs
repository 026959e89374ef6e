mod deployed;
mod edges;
mod notices;

use super::fixtures::{alarm, minute, number, of_dead};
use super::*;
use crate::cloud::config::{
    AlarmActions, Comparison, Measure, MetricStat, MissingData, Query, ScheduleConfig, Source, Statistic,
    TargetConfig,
};
use crate::cloud::fixtures::{START, consumer, queues};
use crate::cloud::sqs::NewMessage;
use crate::journal::Journal;
use serde_json::json;

/// CloudWatch and the queues it watches, a minute at a time.
struct Account {
    cloudwatch: CloudWatch,
    sqs: Sqs,
    minutes: i64,
}

impl Account {
    fn new(alarms: &[AlarmConfig]) -> Self {
        Self::with(alarms, &[], Knobs { lag_s: (60, 60), wake_s: (600, 600) })
    }

    fn with(alarms: &[AlarmConfig], functions: &[&FunctionConfig], knobs: Knobs) -> Self {
        Self::of(Alerting { alarms: alarms.to_vec(), knobs, past: Past::Idle }, functions)
    }

    fn of(alerting: Alerting, functions: &[&FunctionConfig]) -> Self {
        let queues = queues(5);
        let sqs = Sqs::new(&queues, 1, START, Journal::default()).unwrap();
        let names: Vec<String> = queues.into_iter().map(|queue| queue.name).collect();
        let cloudwatch = CloudWatch::new(&alerting, functions, &names, 1, START);
        Self { cloudwatch, sqs, minutes: 0 }
    }

    /// Passes minutes; the transitions of each as minute, alarm and new state.
    fn pass(&mut self, minutes: i64) -> Vec<(i64, String, &'static str)> {
        let mut seen = Vec::new();
        for _ in 0..minutes {
            seen.extend(self.transitions().into_iter().map(|transition| {
                (self.minutes, transition.alarm.name.clone(), transition.state.value.name())
            }));
        }
        seen
    }

    fn transitions(&mut self) -> Vec<Transition> {
        self.minutes += 1;
        self.cloudwatch.end_minute(&mut self.sqs, minute(self.minutes))
    }

    fn send_two(&mut self) {
        for _ in 0..2 {
            self.sqs.send("dead", NewMessage::text("a"), minute(self.minutes)).unwrap();
        }
    }

    fn empty(&mut self) {
        for delivery in self.sqs.receive("dead", 10, None, minute(self.minutes)).unwrap() {
            self.sqs.delete("dead", &delivery.receipt_handle, minute(self.minutes)).unwrap();
        }
    }
}

fn waiting(at: i64, state: &'static str) -> (i64, String, &'static str) {
    (at, "waiting".to_owned(), state)
}

#[test]
fn an_alarm_begins_without_data_and_changes_when_points_arrive() {
    let mut account = Account::new(&[alarm()]);
    let state = account.cloudwatch.state("waiting").unwrap();
    assert_eq!(
        (state.value.name(), state.reason.as_str()),
        ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    );
    assert_eq!(account.pass(3), [waiting(2, "OK")], "the first minute's point is a minute late");
}

#[test]
fn an_alarm_changes_once_when_it_fires_and_once_when_it_clears() {
    let mut account = Account::new(&[alarm()]);
    account.pass(10);
    account.send_two();
    assert_eq!(account.pass(10), [waiting(12, "ALARM")], "the point of the 11th minute is seen at the 12th");
    account.empty();
    assert_eq!(account.pass(10), [waiting(22, "OK")]);
}

#[test]
fn late_points_delay_an_alarm_on_one_period_and_do_not_make_it_flap() {
    let mut account = Account::with(&[alarm()], &[], Knobs::default());
    account.pass(10);
    account.send_two();
    let changes = account.pass(600);
    let [(at, _, "ALARM")] = changes.as_slice() else { panic!("it fires once, for ten hours") };
    assert!((12..=13).contains(at), "{at}");
}

#[test]
fn points_later_than_the_range_leave_an_alarm_without_data() {
    let mut account = Account::with(&[alarm()], &[], Knobs { lag_s: (300, 300), wake_s: (0, 0) });
    assert_eq!(account.pass(60), []);
}

#[test]
fn alarms_are_evaluated_by_name() {
    let other = AlarmConfig { name: "another".to_owned(), ..alarm() };
    let mut account = Account::new(&[alarm(), other]);
    assert_eq!(account.pass(3), [(2, "another".to_owned(), "OK"), waiting(2, "OK")]);
}

#[test]
fn a_queue_gone_quiet_takes_an_alarms_data_and_its_state_depends_on_the_treatment() {
    let six_hours = 6 * 60;
    for (missing, expected) in [
        (MissingData::Missing, vec![waiting(six_hours + 3, "INSUFFICIENT_DATA")]),
        (MissingData::Ignore, vec![]),
        (MissingData::NotBreaching, vec![]),
        (MissingData::Breaching, vec![waiting(six_hours + 3, "ALARM")]),
    ] {
        let mut account = Account::new(&[AlarmConfig { missing, ..alarm() }]);
        account.pass(10);
        assert_eq!(account.pass(six_hours + 30), expected, "{missing:?}");
    }
}

#[test]
fn dead_letters_in_a_queue_that_was_quiet_for_a_day_alarm_once_it_has_woken_up() {
    let mut account = Account::new(&[AlarmConfig { missing: MissingData::Ignore, ..alarm() }]);
    let day = 24 * 60;
    account.pass(day);
    account.send_two();
    assert_eq!(
        account.pass(60),
        [waiting(day + 1 + 10 + 1, "ALARM")],
        "ten minutes to wake, one for the lag"
    );
}

fn of_emf(name: &str) -> MetricStat {
    let metric =
        MetricName { namespace: "payments".to_owned(), name: name.to_owned(), dimensions: BTreeMap::new() };
    MetricStat { metric, statistic: Statistic::Sum, period_s: 60 }
}

fn query(id: &str, source: Source) -> Query {
    Query { id: id.to_owned(), label: None, source }
}

/// More than half of the calls fail, in two of three minutes.
fn failing() -> AlarmConfig {
    let ratio =
        "IF(calls + FILL(spared, 0) > 0, 100 * (failed + FILL(spared, 0)) / (calls + FILL(spared, 0)), 0)";
    let queries = vec![
        query("ratio", Source::Expression(Expression::parse("FILL(share, 0)").unwrap())),
        query("share", Source::Expression(Expression::parse(ratio).unwrap())),
        query("calls", Source::Metric(of_emf("StripeCalls"))),
        query("failed", Source::Metric(of_emf("StripeFailures"))),
        query("spared", Source::Metric(of_emf("StripeSpared"))),
    ];
    AlarmConfig {
        name: "failing".to_owned(),
        measure: Measure::Math { queries, returned: "ratio".to_owned() },
        periods: 3,
        breaches_min: Some(2),
        threshold: number(50.0),
        missing: MissingData::NotBreaching,
        ..alarm()
    }
}

fn line(at: UnixMs, calls: u64, failed: u64, spared: u64) -> serde_json::Value {
    let names = ["StripeCalls", "StripeFailures", "StripeSpared"].map(|name| json!({ "Name": name }));
    json!({
        "_aws": {
            "CloudWatchMetrics": [{ "Namespace": "payments", "Dimensions": [[]], "Metrics": names }],
            "Timestamp": at.0,
        },
        "StripeCalls": calls, "StripeFailures": failed, "StripeSpared": spared,
    })
}

#[test]
fn a_share_of_failing_calls_alarms_by_metric_math_over_the_lines_of_a_function() {
    let mut account = Account::with(&[failing()], &[], Knobs { lag_s: (0, 0), wake_s: (0, 0) });
    let mut minutes_with = |count: i64, calls, failed, spared| {
        let mut seen = Vec::new();
        for _ in 0..count {
            let at = minute(account.minutes).plus_ms(30_000);
            for _ in 0..2 {
                account.cloudwatch.log(&line(at, calls, failed, spared), at);
            }
            seen.extend(account.pass(1).into_iter().map(|(at, _, state)| (at, state)));
        }
        seen
    };
    assert_eq!(minutes_with(5, 10, 1, 0), [(1, "OK")]);
    assert_eq!(minutes_with(5, 10, 6, 0), [(7, "ALARM")], "the second of three minutes");
    assert_eq!(minutes_with(5, 1, 1, 9), [], "calls that were spared count as failures");
    assert_eq!(minutes_with(5, 10, 0, 0), [(17, "OK")]);
}

/// Fewer than one invocation in five minutes, or an error.
fn silent() -> AlarmConfig {
    let of = |name: &str| {
        let dimensions = BTreeMap::from([("FunctionName".to_owned(), "payments-consumer".to_owned())]);
        let metric = MetricName { namespace: "AWS/Lambda".to_owned(), name: name.to_owned(), dimensions };
        Source::Metric(MetricStat { metric, statistic: Statistic::Sum, period_s: 300 })
    };
    let expression = Expression::parse("IF(FILL(errors, 0) > 0 OR FILL(invocations, 0) < 1, 1, 0)").unwrap();
    let queries = vec![
        query("bad", Source::Expression(expression)),
        query("errors", of("Errors")),
        query("invocations", of("Invocations")),
    ];
    AlarmConfig {
        name: "silent".to_owned(),
        measure: Measure::Math { queries, returned: "bad".to_owned() },
        comparison: Comparison::GreaterThanThreshold,
        threshold: number(0.0),
        missing: MissingData::Breaching,
        ..alarm()
    }
}

#[test]
fn a_world_begins_as_if_its_schedules_had_always_run() {
    let every_minute =
        ScheduleConfig { name: "tick".to_owned(), every_min: 1, target: TargetConfig::default() };
    let scheduled = FunctionConfig { schedules: vec![every_minute], ..consumer() };
    let mut account = Account::with(&[silent()], &[&scheduled], Knobs::default());
    assert_eq!(account.pass(1), [(1, "silent".to_owned(), "OK")]);
    let mut unscheduled = Account::with(&[silent()], &[&consumer()], Knobs::default());
    assert_eq!(unscheduled.pass(1), [(1, "silent".to_owned(), "ALARM")]);
}

#[test]
fn an_invocation_reports_the_metrics_that_alarms_may_look_at_and_no_other() {
    let mut account = Account::new(&[]);
    let measured = MEASURED.iter().find(|(namespace, ..)| *namespace == LAMBDA);
    let (_, _, names) = measured.unwrap();
    for name in *names {
        account.cloudwatch.store.watch(&of_function("f", name, 0.0, START).metric, 600_000);
    }
    account.cloudwatch.invoked("f", START, InvocationEnd::Failed, START.plus_ms(250));
    account.pass(2);
    let sum = |name: &&str| {
        let metric = of_function("f", name, 0.0, START).metric;
        let stat = MetricStat { metric, statistic: Statistic::Sum, period_s: 60 };
        account.cloudwatch.store.series(&stat, 1, minute(1))[0]
    };
    let values: Vec<_> = names.iter().map(sum).collect();
    assert_eq!(values, [Some(1.0), Some(1.0), Some(0.0), Some(250.0)]);
}

#[test]
fn a_function_that_falls_silent_or_fails_is_noticed() {
    let every_minute =
        ScheduleConfig { name: "tick".to_owned(), every_min: 1, target: TargetConfig::default() };
    let scheduled = FunctionConfig { schedules: vec![every_minute], ..consumer() };
    let mut account = Account::with(&[silent()], &[&scheduled], Knobs { lag_s: (0, 0), wake_s: (0, 0) });
    let mut run = |minutes: i64, end: Option<InvocationEnd>| {
        let mut seen = Vec::new();
        for _ in 0..minutes {
            let at = minute(account.minutes).plus_ms(1_000);
            if let Some(end) = end {
                account.cloudwatch.invoked("payments-consumer", at, end, at.plus_ms(50));
            }
            seen.extend(account.pass(1).into_iter().map(|(at, _, state)| (at, state)));
        }
        seen
    };
    assert_eq!(run(10, Some(InvocationEnd::Answered)), [(1, "OK")]);
    assert_eq!(run(10, None), [(15, "ALARM")], "five minutes after the last invocation");
    assert_eq!(run(5, Some(InvocationEnd::Answered)), [(21, "OK")]);
    assert_eq!(run(1, Some(InvocationEnd::Failed)), [(26, "ALARM")]);
}

#[test]
fn an_alarm_of_a_new_stack_is_not_evaluated_before_it_is_warm_and_no_longer_blind_after() {
    let alerting = |past| Alerting {
        alarms: vec![AlarmConfig { warm_up_min: Some(10), ..silent() }],
        knobs: Knobs { lag_s: (0, 0), wake_s: (0, 0) },
        past,
    };
    let first_ten_of = |past, end: Option<InvocationEnd>| {
        let mut account = Account::of(alerting(past), &[]);
        let mut seen = Vec::new();
        for _ in 0..10 {
            let at = minute(account.minutes).plus_ms(1_000);
            if let Some(end) = end {
                account.cloudwatch.invoked("payments-consumer", at, end, at.plus_ms(50));
            }
            seen.extend(account.pass(1).into_iter().map(|(at, _, state)| (at, state)));
        }
        seen
    };
    assert_eq!(first_ten_of(Past::New, Some(InvocationEnd::Answered)), [(10, "OK")]);
    assert_eq!(first_ten_of(Past::New, None), [(10, "ALARM")]);
    assert_eq!(first_ten_of(Past::Idle, None), [(1, "ALARM")], "it was warm long before");
}

#[test]
fn every_operator_compares_as_it_is_called() {
    use Comparison::{
        GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanOrEqualToThreshold, LessThanThreshold,
    };
    for (comparison, expected) in [
        (GreaterThanThreshold, [false, false, true]),
        (GreaterThanOrEqualToThreshold, [false, true, true]),
        (LessThanThreshold, [true, false, false]),
        (LessThanOrEqualToThreshold, [true, true, false]),
    ] {
        let alarm = AlarmConfig { comparison, ..alarm() };
        assert_eq!([0.0, 1.0, 2.0].map(|value| alarm.breaches(value)), expected, "{comparison:?}");
    }
}

#[test]
fn one_alarm_may_look_at_two_metrics_of_a_queue() {
    let queries = vec![
        query("all", Source::Expression(Expression::parse("visible + hidden").unwrap())),
        query("visible", Source::Metric(of_dead("ApproximateNumberOfMessagesVisible"))),
        query("hidden", Source::Metric(of_dead("ApproximateNumberOfMessagesNotVisible"))),
    ];
    let measure = Measure::Math { queries, returned: "all".to_owned() };
    let mut account = Account::new(&[AlarmConfig { measure, ..alarm() }]);
    account.pass(5);
    account.send_two();
    account.sqs.receive("dead", 1, Some(3_600), minute(5)).unwrap();
    assert_eq!(account.pass(5), [waiting(7, "ALARM")]);
}
