//! From every alarm to a human, through the deployed template: alarm → action or rule → topic → policy → subscription,
//! and a runbook that says what to do. No linter follows that way.

use chaos::cloud::config::{AlarmConfig, RuleConfig};
use chaos::template::{Deployment, Stack};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn stack() -> Stack {
    let secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-a1B2c3";
    let parameters =
        [("StripeSecretArn", secret), ("AlertEmail", "on-call@example.com"), ("StripeMode", "test")];
    let parameters: BTreeMap<String, String> =
        parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let deployment = Deployment { parameters, ..Deployment::default() };
    Stack::load(&root().join("template.yaml"), &deployment).expect("the template loads")
}

/// The alarm's name without the stack's.
fn short(alarm: &AlarmConfig) -> &str {
    alarm.name.strip_prefix("payments-").unwrap_or(&alarm.name)
}

/// The rules of the one function that alarms wake.
fn rules(stack: &Stack) -> Vec<&RuleConfig> {
    stack.functions.values().flat_map(|function| &function.rules).collect()
}

#[test]
fn every_alarm_reaches_somebody_through_the_topic_or_through_the_responder() {
    let stack = stack();
    assert!(stack.alarms.len() >= 8, "{:?}", stack.alarms.keys());
    for alarm in stack.alarms.values() {
        let topics = stack.topics.values().filter(|topic| {
            alarm.actions.alarm.iter().any(|action| action.ends_with(&format!(":{}", topic.name)))
        });
        let told_by_mail = topics
            .filter(|topic| topic.publishers.contains("cloudwatch.amazonaws.com"))
            .any(|topic| topic.subscriptions.iter().any(|subscription| subscription.protocol == "email"));
        let wakes_the_responder = rules(&stack)
            .iter()
            .any(|rule| format!("{:?}", rule.pattern).contains(&format!("\"{}\"", alarm.name)));
        assert!(told_by_mail || wakes_the_responder, "{} reaches nobody", alarm.name);
        assert!(
            short(alarm) != "ResponderFailing" || told_by_mail,
            "the responder cannot report its own death"
        );
    }
}

#[test]
fn an_event_that_cannot_be_delivered_is_kept() {
    let stack = stack();
    let rules = rules(&stack);
    assert!(!rules.is_empty(), "the responder has a rule");
    for rule in rules {
        let queue = rule.target.dead_letter_queue.as_ref().expect("the rule has a dead-letter queue");
        assert!(stack.queues.values().any(|config| config.name == *queue), "{queue}");
    }
}

#[test]
fn every_alarm_names_a_runbook_that_is_there() {
    for alarm in stack().alarms.values() {
        let runbook = format!("alarms/runbooks/{}.md", short(alarm));
        let description = alarm.description.as_deref().unwrap_or_default();
        assert!(description.contains(&runbook), "{} does not name {runbook}: {description}", alarm.name);
        assert!(root().join(&runbook).is_file(), "{runbook} is missing");
    }
}
