//! Alarms, rules, schedules and topics: what they become, and what is refused.

use super::{assembled, loaded, refusal};
use crate::cloud::config::{
    AlarmConfig, AsyncConfig, Comparison, FunctionConfig, Measure, MissingData, Source, Statistic,
};
use crate::template::{Deployment, Stack};
use serde_json::json;
use std::collections::BTreeSet;

/// A stack with these resources beside a queue for dead letters.
fn resources(text: &str) -> String {
    format!("Resources:\n  Dead:\n    Type: AWS::SQS::Queue\n{text}")
}

fn stack(text: &str) -> Stack {
    loaded(&resources(text)).unwrap_or_else(|error| panic!("{error}"))
}

/// Resources of a stack whose alarm has these properties, beside those every alarm must have.
fn alarm_text(properties: &str) -> String {
    format!(
        "  Waiting:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      EvaluationPeriods: 3\n      \
         ComparisonOperator: GreaterThanThreshold\n      Threshold: 0.5\n{properties}"
    )
}

fn alarm(properties: &str) -> AlarmConfig {
    stack(&alarm_text(properties)).alarms["Waiting"].clone()
}

fn alarm_refusal(properties: &str) -> String {
    refusal(&resources(&alarm_text(properties)))
}

const METRIC: &str = "      Namespace: AWS/SQS\n      MetricName: ApproximateNumberOfMessagesVisible\n      \
    Dimensions: [{ Name: QueueName, Value: !GetAtt Dead.QueueName }]\n      Statistic: Maximum\n      Period: 60\n";

#[test]
fn an_alarm_on_one_metric_is_read_whole() {
    let alarm = alarm(&format!(
        "{METRIC}      DatapointsToAlarm: 2\n      TreatMissingData: notBreaching\n      AlarmDescription: Payments wait.\n      \
         AlarmActions: ['arn:aws:sns:eu-central-1:123456789012:on-call']\n"
    ));
    assert_eq!(
        (alarm.name.as_str(), alarm.description.as_deref()),
        ("payments-Waiting", Some("Payments wait."))
    );
    let Measure::Metric(stat) = alarm.measure else { panic!("it looks at one metric") };
    assert_eq!(stat.metric.dimensions["QueueName"], "payments-Dead");
    assert_eq!((stat.statistic, stat.period_s), (Statistic::Maximum, 60));
    assert_eq!((alarm.periods, alarm.breaches_min), (3, Some(2)));
    assert_eq!((alarm.comparison, alarm.threshold.get()), (Comparison::GreaterThanThreshold, 0.5));
    assert_eq!(alarm.missing, MissingData::NotBreaching);
    assert_eq!(alarm.actions.alarm, ["arn:aws:sns:eu-central-1:123456789012:on-call"]);
}

#[test]
fn missing_data_is_missing_and_m_is_n_unless_the_alarm_says_otherwise() {
    let alarm = alarm(METRIC);
    assert_eq!((alarm.missing, alarm.breaches_min), (MissingData::Missing, None));
}

#[test]
fn an_alarm_runs_its_actions_unless_it_says_otherwise() {
    let enabled = |line: &str| alarm(&format!("{METRIC}{line}")).actions_enabled;
    let lines = ["", "      ActionsEnabled: true\n", "      ActionsEnabled: false\n"];
    assert_eq!(lines.map(enabled), [true, true, false]);
}

/// `Metrics` with a metric `calls`, and these further entries.
fn metrics(entries: &[&str]) -> String {
    let calls = "{ Id: calls, ReturnData: false, MetricStat: { Metric: { Namespace: payments, MetricName: StripeCalls }, Period: 60, Stat: Sum } }";
    let entries: Vec<String> =
        [calls].iter().chain(entries).map(|entry| format!("        - {entry}\n")).collect();
    format!("      Metrics:\n{}", entries.concat())
}

#[test]
fn an_alarm_may_look_at_an_expression_over_metrics() {
    let alarm = alarm(&metrics(&["{ Id: none, Label: Silence, Expression: 'FILL(calls, 0) < 1' }"]));
    let Measure::Math { queries, returned } = alarm.measure else { panic!("it looks at an expression") };
    assert_eq!((returned.as_str(), queries[1].label.as_deref()), ("none", Some("Silence")));
    let Source::Expression(expression) = &queries[1].source else { panic!("the second entry") };
    assert_eq!(expression.ids(), BTreeSet::from(["calls"]));
}

#[test]
fn an_alarm_that_the_world_cannot_honour_is_refused() {
    insta::assert_snapshot!(alarm_refusal(&format!("{METRIC}      ExtendedStatistic: p99\n")), @"template.yaml:15: Waiting.ExtendedStatistic is beside Statistic; accepted: Statistic or ExtendedStatistic");
    insta::assert_snapshot!(alarm_refusal(&METRIC.replace("Statistic: Maximum", "ExtendedStatistic: p99")), @"template.yaml:13: Waiting.ExtendedStatistic: the simulated world cannot honour percentiles of ApproximateNumberOfMessagesVisible; accepted: percentiles of AWS/CloudFront OriginLatency");
    insta::assert_snapshot!(alarm_refusal(&format!("{METRIC}      AlarmActions: ['arn:aws:sns:us-east-1:123456789012:on-call']\n")), @r#"template.yaml:15: Waiting.AlarmActions[0] is "arn:aws:sns:us-east-1:123456789012:on-call"; accepted: the ARN of a topic in eu-central-1"#);
    let warm_up =
        |fields: &str| alarm_refusal(&format!("{METRIC}      WarmUpConfiguration: {{ {fields} }}\n"));
    insta::assert_snapshot!(warm_up("WarmUpPeriodDurationInMinutes: 10"), @"template.yaml:15: Waiting.WarmUpConfiguration.OnlyStartEvaluatingAfterWarmUpPeriodEnds is missing; accepted: true");
    insta::assert_snapshot!(warm_up("WarmUpPeriodDurationInMinutes: 0, OnlyStartEvaluatingAfterWarmUpPeriodEnds: true"), @"template.yaml:15: Waiting.WarmUpConfiguration.WarmUpPeriodDurationInMinutes is 0; accepted: 1 to 2880");
    insta::assert_snapshot!(alarm_refusal(&METRIC.replace("60", "90")), @"template.yaml:14: Waiting.Period is 90; accepted: a multiple of 60 seconds");
    insta::assert_snapshot!(alarm_refusal(&METRIC.replace("60", "10")), @"template.yaml:14: Waiting.Period is 10; accepted: 60 to 86400");
    insta::assert_snapshot!(alarm_refusal(&METRIC.replace("Maximum", "p99")), @r#"template.yaml:13: Waiting.Statistic is "p99"; accepted: SampleCount, Average, Sum, Minimum, Maximum"#);
    insta::assert_snapshot!(alarm_refusal(&METRIC.replace("AWS/SQS", "AWS/Events")), @"template.yaml:11: Waiting.MetricName: the simulated world cannot honour metrics in AWS/Events; accepted: AWS/SQS, AWS/Lambda, AWS/EventBridge/Pipes, AWS/CloudFront");
    insta::assert_snapshot!(alarm_refusal(&METRIC.replace("ApproximateNumberOfMessagesVisible", "SentMessageSize")), @r#"template.yaml:11: Waiting.MetricName is "SentMessageSize"; accepted: ApproximateNumberOfMessagesVisible, ApproximateNumberOfMessagesNotVisible, ApproximateNumberOfMessagesDelayed, ApproximateAgeOfOldestMessage, NumberOfMessagesSent, NumberOfMessagesReceived, NumberOfMessagesDeleted"#);
    insta::assert_snapshot!(alarm_refusal(&METRIC.replace("QueueName,", "Queue,")), @"template.yaml:11: Waiting.MetricName is ApproximateNumberOfMessagesVisible by Queue; accepted: ApproximateNumberOfMessagesVisible by QueueName");
    insta::assert_snapshot!(alarm_refusal(&format!("{METRIC}      DatapointsToAlarm: 4\n")), @"template.yaml:15: Waiting.DatapointsToAlarm is 4; accepted: 1 to 3");
    insta::assert_snapshot!(alarm_refusal(&format!("{METRIC}      AlarmActions: ['arn:aws:lambda:eu-central-1:123456789012:function:f']\n")), @r#"template.yaml:15: Waiting.AlarmActions[0] is "arn:aws:lambda:eu-central-1:123456789012:function:f"; accepted: the ARN of a topic"#);
    insta::assert_snapshot!(alarm_refusal(&format!("{METRIC}      ActionsEnabled: never\n")), @r#"template.yaml:15: Waiting.ActionsEnabled is "never"; accepted: true, false"#);
    insta::assert_snapshot!(refusal(&resources(&alarm_text(METRIC).replace("0.5", "half"))), @r#"template.yaml:9: Waiting.Threshold is "half"; accepted: a number"#);
    insta::assert_snapshot!(refusal(&resources(&alarm_text(METRIC).replace("GreaterThanThreshold", "GreaterThanUpperThreshold"))), @r#"template.yaml:8: Waiting.ComparisonOperator is "GreaterThanUpperThreshold"; accepted: GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold"#);
}

#[test]
fn an_expression_that_the_world_cannot_honour_is_refused() {
    let with = |entries: &[&str]| alarm_refusal(&metrics(entries));
    insta::assert_snapshot!(with(&["{ Id: e, Expression: RATE(calls) }"]), @"template.yaml:12: Waiting.Metrics[1].Expression: the simulated world cannot honour the function RATE; accepted: ids, numbers, + - * /, comparisons, AND, OR, FILL, IF, MAX, MIN, SUM, AVG");
    insta::assert_snapshot!(with(&["{ Id: e, Expression: 'calls +' }"]), @r#"template.yaml:12: Waiting.Metrics[1].Expression is "calls +": a number, an id or a function expected at the end; accepted: an expression of metric math"#);
    insta::assert_snapshot!(with(&["{ Id: e, Expression: calls + failed }"]), @"template.yaml:10: Waiting.Metrics is e, which needs failed; accepted: calls, e");
    insta::assert_snapshot!(with(&["{ Id: e, Expression: calls + f }", "{ Id: f, Expression: e + 1, ReturnData: false }"]), @"template.yaml:10: Waiting.Metrics is e, which needs f; accepted: calls, e, f");
    insta::assert_snapshot!(with(&["{ Id: e, Expression: calls + 1 }", "{ Id: f, Expression: calls + 2 }"]), @"template.yaml:10: Waiting.Metrics is 2 entries with ReturnData; accepted: exactly one; ReturnData is true unless it says false");
    insta::assert_snapshot!(with(&["{ Id: calls, Expression: calls + 1 }"]), @"template.yaml:10: Waiting.Metrics is two entries of one id; accepted: an id of its own for each entry");
    insta::assert_snapshot!(with(&["{ Id: late, MetricStat: { Metric: { Namespace: a, MetricName: b }, Period: 300, Stat: Sum } }"]), @"template.yaml:10: Waiting.Metrics is metrics of 2 periods; accepted: metrics of one period");
    insta::assert_snapshot!(alarm_refusal(&format!("{METRIC}{}", metrics(&["{ Id: e, Expression: calls + 1 }"]))), @"template.yaml:10: Waiting.Namespace is beside Metrics; accepted: either Metrics or the properties of one metric");
}

/// Resources of a stack whose function has this event.
fn event_text(kind: &str, properties: &str) -> String {
    format!(
        "  Responder:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Wake:\n          \
         Type: {kind}\n          Properties: {{ {properties} }}\n"
    )
}

fn function(kind: &str, properties: &str) -> FunctionConfig {
    stack(&event_text(kind, properties)).functions["Responder"].clone()
}

fn event_refusal(kind: &str, properties: &str) -> String {
    refusal(&resources(&event_text(kind, properties)))
}

#[test]
fn a_rule_has_a_pattern_a_retry_policy_and_a_queue_for_what_it_cannot_deliver() {
    let function = function(
        "EventBridgeRule",
        "Pattern: { source: [aws.cloudwatch], detail: { alarmName: [{ prefix: !Sub '${AWS::StackName}-' }], state: { value: [ALARM, OK] } } }, \
         RetryPolicy: { MaximumRetryAttempts: 10, MaximumEventAgeInSeconds: 600 }, DeadLetterConfig: { Arn: !GetAtt Dead.Arn }",
    );
    let [rule] = function.rules.as_slice() else { panic!("one rule") };
    assert_eq!(rule.name, "payments-ResponderWake");
    assert_eq!((rule.target.retries_max, rule.target.age_s_max), (10, 600));
    assert_eq!(rule.target.dead_letter_queue.as_deref(), Some("payments-Dead"));
    let event = |alarm, value| json!({ "source": "aws.cloudwatch", "detail": { "alarmName": alarm, "state": { "value": value } } });
    assert!(rule.pattern.matches(&event("payments-DeadLettersWaiting", "OK")));
    assert!(!rule.pattern.matches(&event("other-DeadLettersWaiting", "OK")));
    assert!(!rule.pattern.matches(&event("payments-DeadLettersWaiting", "INSUFFICIENT_DATA")));
}

#[test]
fn a_schedule_is_read_in_minutes() {
    for (rate, minutes) in
        [("rate(1 minute)", 1), ("rate(5 minutes)", 5), ("rate(1 hour)", 60), ("rate(2 days)", 2_880)]
    {
        assert_eq!(function("Schedule", &format!("Schedule: {rate}")).schedules[0].every_min, minutes);
    }
    let schedule = &function("Schedule", r#"Schedule: rate(1 minute), Name: turns, Input: '{"turn":true}'"#)
        .schedules[0];
    assert_eq!(
        (schedule.name.as_str(), schedule.target.input.as_deref()),
        ("turns", Some(r#"{"turn":true}"#))
    );
    assert_eq!((schedule.target.retries_max, schedule.target.age_s_max), (185, 86_400));
}

#[test]
fn what_lambda_does_with_accepted_events_can_be_chosen() {
    let function = |config: &str| {
        let text =
            format!("  Responder:\n    Type: AWS::Serverless::Function\n    Properties:\n      {config}\n");
        stack(&text).functions["Responder"].asynchronous.clone()
    };
    let defaults = AsyncConfig { retries_max: 2, age_s_max: 21_600, on_failure: None };
    assert_eq!(function("Timeout: 3"), defaults);
    let chosen = function(
        "EventInvokeConfig: { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 120, DestinationConfig: { OnFailure: { Type: SQS, Destination: !GetAtt Dead.Arn } } }",
    );
    assert_eq!(
        chosen,
        AsyncConfig { retries_max: 1, age_s_max: 120, on_failure: Some("payments-Dead".to_owned()) }
    );
}

#[test]
fn an_event_that_the_world_cannot_honour_is_refused() {
    insta::assert_snapshot!(event_refusal("Schedule", "Schedule: cron(0 * * * ? *)"), @r#"template.yaml:10: Responder.Events.Wake.Properties.Schedule is "cron(0 * * * ? *)"; accepted: rate(N minutes), rate(N hours), rate(N days)"#);
    insta::assert_snapshot!(event_refusal("Schedule", "Schedule: rate(1 minutes)"), @r#"template.yaml:10: Responder.Events.Wake.Properties.Schedule is "rate(1 minutes)"; accepted: rate(N minutes), rate(N hours), rate(N days)"#);
    insta::assert_snapshot!(event_refusal("Schedule", "Schedule: rate(1 minute), State: DISABLED"), @r#"template.yaml:10: Responder.Events.Wake.Properties.State is "DISABLED"; accepted: ENABLED"#);
    insta::assert_snapshot!(event_refusal("Schedule", "Schedule: rate(1 minute), Input: turn"), @r#"template.yaml:10: Responder.Events.Wake.Properties.Input is "turn"; accepted: JSON in text"#);
    insta::assert_snapshot!(event_refusal("EventBridgeRule", "Pattern: { detail: { value: [{ numeric: ['>', 1] }] } }"), @"template.yaml:10: Responder.Events.Wake.Properties.Pattern: the simulated world cannot honour the operator numeric in detail.value; accepted: values, {prefix: …}, {anything-but: value, values or {prefix: …}}, {exists: true or false}");
    insta::assert_snapshot!(event_refusal("EventBridgeRule", "Pattern: { source: [a] }, InputPath: $.detail"), @"template.yaml:10: Responder.Events.Wake.Properties: the simulated world cannot honour the property InputPath; accepted: Pattern, RuleName, EventBusName, Input, RetryPolicy, DeadLetterConfig, State, Target");
    insta::assert_snapshot!(event_refusal("EventBridgeRule", "Pattern: { source: [a] }, DeadLetterConfig: { Arn: !Ref Dead }"), @r#"template.yaml:10: Responder.Events.Wake.Properties.DeadLetterConfig.Arn is "https://sqs.eu-central-1.amazonaws.com/123456789012/payments-Dead"; accepted: arn:aws:sqs:eu-central-1:123456789012:payments-Dead"#);
    insta::assert_snapshot!(event_refusal("EventBridgeRule", "Pattern: { source: [a] }, RetryPolicy: { MaximumRetryAttempts: 186 }"), @"template.yaml:10: Responder.Events.Wake.Properties.RetryPolicy.MaximumRetryAttempts is 186; accepted: 0 to 185");
    insta::assert_snapshot!(event_refusal("EventBridgeRule", "Pattern: { source: [a] }, EventBusName: other"), @r#"template.yaml:10: Responder.Events.Wake.Properties.EventBusName is "other"; accepted: default"#);
}

const TOPIC: &str = "  Alerts:\n    Type: AWS::SNS::Topic\n    Properties: { TopicName: alerts }\n";

fn policy(statement: &str) -> String {
    format!(
        "{TOPIC}  Policy:\n    Type: AWS::SNS::TopicPolicy\n    Properties:\n      Topics: [!Ref Alerts]\n      \
         PolicyDocument: {{ Version: '2012-10-17', Statement: [{statement}] }}\n"
    )
}

#[test]
fn a_topic_knows_which_services_may_publish_to_it() {
    let publishers = |statement: &str| stack(&policy(statement)).topics["Alerts"].publishers.clone();
    let allowed = publishers(
        "{ Effect: Allow, Principal: { Service: cloudwatch.amazonaws.com }, Action: sns:Publish, Resource: !Ref Alerts }",
    );
    assert_eq!(allowed, BTreeSet::from(["cloudwatch.amazonaws.com".to_owned()]));
    let other = publishers(
        "{ Effect: Allow, Principal: { Service: cloudwatch.amazonaws.com }, Action: sns:Subscribe, Resource: !Ref Alerts }",
    );
    assert!(other.is_empty());
}

#[test]
fn a_subscription_is_an_address_and_its_topic() {
    let subscription = |protocol: &str, topic: &str| {
        format!(
            "{TOPIC}  Mail:\n    Type: AWS::SNS::Subscription\n    Properties: {{ TopicArn: {topic}, Protocol: {protocol}, Endpoint: on-call@example.com }}\n"
        )
    };
    let stack = stack(&subscription("email", "!Ref Alerts"));
    let [mail] = stack.topics["Alerts"].subscriptions.as_slice() else { panic!("one subscription") };
    assert_eq!((mail.protocol.as_str(), mail.endpoint.as_str()), ("email", "on-call@example.com"));
    insta::assert_snapshot!(refusal(&resources(&subscription("sms", "!Ref Alerts"))), @r#"template.yaml:9: Mail.Protocol is "sms"; accepted: email, https"#);
    insta::assert_snapshot!(refusal(&resources(&subscription("email", "other"))), @r#"template.yaml:9: Mail.TopicArn is "other"; accepted: arn:aws:sns:eu-central-1:123456789012:alerts"#);
}

#[test]
fn alarms_of_a_nested_application_know_what_their_parent_told_them() {
    let parent = "Resources:\n  Alerts:\n    Type: AWS::SNS::Topic\n  Dead:\n    Type: AWS::SQS::Queue\n  Alarms:\n    \
        Type: AWS::Serverless::Application\n    Properties:\n      Location: alarms/template.yaml\n      \
        Parameters: { Topic: !Ref Alerts, Queue: !GetAtt Dead.QueueName }\n";
    let child = "Parameters:\n  Topic: { Type: String }\n  Queue: { Type: String }\nResources:\n  Waiting:\n    \
        Type: AWS::CloudWatch::Alarm\n    Properties:\n      Namespace: AWS/SQS\n      MetricName: NumberOfMessagesSent\n      \
        Dimensions: [{ Name: QueueName, Value: !Ref Queue }]\n      Statistic: Sum\n      Period: 60\n      \
        EvaluationPeriods: 1\n      ComparisonOperator: GreaterThanThreshold\n      Threshold: 0\n      AlarmActions: [!Ref Topic]\n";
    let files = [("template.yaml", parent), ("alarms/template.yaml", child)];
    let stack = assembled(&files, &Deployment::default()).unwrap_or_else(|error| panic!("{error}"));
    let alarm = &stack.alarms["Alarms.Waiting"];
    assert_eq!(alarm.name, "payments-Alarms-Waiting");
    assert_eq!(alarm.actions.alarm, ["arn:aws:sns:eu-central-1:123456789012:payments-Alerts"]);
    let Measure::Metric(stat) = &alarm.measure else { panic!("it looks at one metric") };
    assert_eq!(stat.metric.dimensions["QueueName"], "payments-Dead");
}
