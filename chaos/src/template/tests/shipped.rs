//! The template in the repository: the numbers of the design, and the relations AWS and the protocol demand of them.

use crate::cloud::config::{FunctionConfig, ItemFailures, Measure, QueueConfig};
use crate::cloud::names;
use crate::template::{Deployment, Stack};
use payments::limits;
use serde_json::json;
use std::path::Path;

const DAY_S: u32 = 86_400;

fn shipped() -> Stack {
    shipped_with(&[])
}

/// The same, deployed with other values of these parameters.
pub(super) fn shipped_with(others: &[(&str, &str)]) -> Stack {
    let parameters = [
        ("StripeSecretArn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-a1B2c3"),
        ("AlertEmail", "on-call@example.com"),
        ("StripeMode", "test"),
    ];
    let parameters = parameters.iter().chain(others);
    let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let deployment = Deployment { parameters: parameters.collect(), ..Deployment::default() };
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml"));
    Stack::load(path, &deployment).unwrap_or_else(|error| panic!("{error}"))
}

/// The source queue, and the dead-letter queue it names.
fn source_and_dead_letters(stack: &Stack) -> (&QueueConfig, &QueueConfig) {
    let source = &stack.queues["Payments"];
    let target = &source.redrive.as_ref().expect("payments are dead-lettered").dead_letter_queue;
    let dead_letters = stack.queues.values().find(|queue| queue.name == *target);
    (source, dead_letters.expect("the dead-letter queue is part of the stack"))
}

fn consumer(stack: &Stack) -> &FunctionConfig {
    &stack.functions["Consumer"]
}

#[test]
fn the_shipped_template_has_the_numbers_of_the_design() {
    let stack = shipped();
    let (source, dead_letters) = source_and_dead_letters(&stack);
    assert_eq!((source.visibility_s, source.retention_s), (limits::VISIBILITY_TIMEOUT_S, 4 * DAY_S));
    assert_eq!(source.redrive.as_ref().map(|redrive| redrive.receives_max), Some(limits::RECEIVES_MAX));
    assert_eq!(dead_letters.retention_s, 14 * DAY_S);
    assert_eq!(stack.queues["Quarantine"].retention_s, 14 * DAY_S);

    let consumer = consumer(&stack);
    assert_eq!(consumer.timeout_s, limits::FUNCTION_TIMEOUT_S);
    let [events] = consumer.sources.as_slice() else { panic!("one queue feeds the consumer") };
    assert_eq!(events.queue, source.name);
    assert_eq!((events.batch_size, events.window_s), (limits::BATCH_SIZE, 0));
    assert_eq!(events.concurrency_max, Some(limits::CONCURRENCY_MAX));
    assert_eq!(events.reports_item_failures, ItemFailures::Reported);

    let ledger = &stack.tables["Ledger"];
    assert_eq!(ledger.ttl_attribute.as_deref(), Some("expires_at"));
    assert_eq!(ledger.create["KeySchema"][0]["AttributeName"], "payment_id");
    assert_eq!(ledger.create["GlobalSecondaryIndexes"][0]["KeySchema"][0]["AttributeName"], "unsettled");
}

#[test]
fn a_batch_never_becomes_visible_while_lambda_may_still_work_on_it() {
    let stack = shipped();
    let (source, _) = source_and_dead_letters(&stack);
    let window_s = consumer(&stack).sources[0].window_s;
    assert!(source.visibility_s >= 6 * consumer(&stack).timeout_s + window_s);
}

#[test]
fn a_payment_outlives_its_time_in_the_source_queue_wherever_it_ends() {
    let stack = shipped();
    let (source, dead_letters) = source_and_dead_letters(&stack);
    assert!(dead_letters.retention_s > source.retention_s, "expiry counts from the first send");
    assert!(stack.queues["Quarantine"].retention_s > source.retention_s);
}

#[test]
fn every_accepted_message_fits_the_queues_it_may_end_in() {
    let stack = shipped();
    let (source, dead_letters) = source_and_dead_letters(&stack);
    assert!(dead_letters.message_bytes_max >= source.message_bytes_max);
    // The quarantined copy carries a reason and a detail beside all the original attributes.
    assert!(stack.queues["Quarantine"].message_bytes_max > source.message_bytes_max);
    // One invocation takes at most 6 MB.
    let batch_bytes = consumer(&stack).sources[0].batch_size * source.message_bytes_max;
    assert!(batch_bytes < 6_000_000);
}

#[test]
fn the_consumer_is_told_where_its_queues_and_its_ledger_are() {
    let stack = shipped();
    let environment = &consumer(&stack).environment;
    assert_eq!(environment["SOURCE_QUEUE_URL"], stack.outputs["PaymentsQueueUrl"]);
    assert_eq!(environment["QUARANTINE_QUEUE_URL"], stack.outputs["QuarantineQueueUrl"]);
    assert_eq!(environment["LEDGER_TABLE"], stack.tables["Ledger"].name);
    assert_eq!(environment["DRILLS"], "on");
}

#[test]
fn a_dead_letter_raises_an_alarm_that_somebody_is_told_of() {
    let stack = shipped();
    let (_, dead_letters) = source_and_dead_letters(&stack);
    let alarm = &stack.alarms["Alarms.DeadLettersWaiting"];
    let Measure::Metric(stat) = &alarm.measure else { panic!("it looks at one metric") };
    assert_eq!(stat.metric.dimensions["QueueName"], dead_letters.name);
    assert_eq!(stat.metric.name, "ApproximateNumberOfMessagesVisible");
    // Through the rule, to the responder, which mails what it knows.
    let [rule] = stack.functions["Responder"].rules.as_slice() else { panic!("one rule") };
    let detail = json!({ "alarmName": alarm.name, "state": { "value": "ALARM" } });
    let event = json!({ "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": detail });
    assert!(rule.pattern.matches(&event));
    // Straight to the topic, for what the responder cannot tell.
    let (topic, pages) = (&stack.topics["Alerts"], &stack.topics["Pages"]);
    let failing = &stack.alarms["Alarms.ResponderFailing"];
    assert_eq!(failing.actions.alarm, [topic, pages].map(|topic| names::topic_arn(&topic.name)));
    assert!([topic, pages].iter().all(|topic| topic.publishers.contains("cloudwatch.amazonaws.com")));
    let endpoints: Vec<&str> = topic.subscriptions.iter().map(|it| it.endpoint.as_str()).collect();
    assert_eq!(endpoints, ["on-call@example.com"]);
    assert_eq!(pages.subscriptions, [], "there is no PagerEndpoint");
}
