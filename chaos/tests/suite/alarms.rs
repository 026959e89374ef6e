//! From every alarm to a human, through the deployed template: alarm → action or rule → topic → policy → subscription,
//! and a runbook that says what to do. No linter follows that way.

use chaos::cloud::config::{AlarmConfig, RuleConfig};
use chaos::cloud::names::{self, Region};
use chaos::drills;
use chaos::experiment::Experiment;
use chaos::journal::{AlarmChanged, Event, StateValue};
use chaos::template::{Deployment, Stack};
use chaos::world::{self, Code};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What watches over the edge, which is another stack, in another region.
fn watch() -> Stack {
    let parameters = [("DistributionId", "E0123456789"), ("AlertEmail", "on-call@example.com")];
    let deployment = Deployment {
        stack_name: "payments-edge-watch".to_owned(),
        region: Region::UsEast1.code().to_owned(),
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Deployment::default()
    };
    Stack::load(&root().join("edge/watch.yaml"), &deployment).expect("the template loads")
}

fn stack() -> Stack {
    let secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-a1B2c3";
    let parameters = [
        ("StripeSecretArn", secret),
        ("AlertEmail", "on-call@example.com"),
        ("StripeMode", "test"),
        ("PagerEndpoint", "https://pager.example.com/payments"),
    ];
    let parameters: BTreeMap<String, String> =
        parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let deployment = Deployment { parameters, ..Deployment::default() };
    Stack::load(&root().join("template.yaml"), &deployment).expect("the template loads")
}

/// The alarm's name without the stack's.
fn short(alarm: &AlarmConfig) -> &str {
    let name = alarm.name.strip_prefix("payments-").unwrap_or(&alarm.name);
    name.strip_prefix("edge-watch-").unwrap_or(name)
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
        let spoken_to: BTreeSet<&str> = topics
            .filter(|topic| topic.publishers.contains("cloudwatch.amazonaws.com"))
            .flat_map(|topic| topic.subscriptions.iter().map(|subscription| subscription.protocol.as_str()))
            .collect();
        let told_by_mail = spoken_to.contains("email");
        let wakes_the_responder = rules(&stack)
            .iter()
            .any(|rule| format!("{:?}", rule.pattern).contains(&format!("\"{}\"", alarm.name)));
        // That the mails reach nobody is for the second channel to say, and for no mail.
        let is_of_the_mails = short(alarm) == "NobodyListens";
        let is_paged = spoken_to.contains("https");
        assert!(told_by_mail || wakes_the_responder || is_of_the_mails, "{} reaches nobody", alarm.name);
        assert_eq!(
            is_paged,
            is_of_the_mails || ["ConsumerFailing", "ResponderFailing"].contains(&short(alarm))
        );
        assert!(
            short(alarm) != "ResponderFailing" || told_by_mail,
            "the responder cannot report its own death"
        );
    }
}

#[test]
fn every_alarm_of_the_edge_mails_by_itself_when_it_fires_and_when_it_clears() {
    let watch = watch();
    assert_eq!(watch.alarms.len(), 2, "{:?}", watch.alarms.keys());
    for alarm in watch.alarms.values() {
        for actions in [&alarm.actions.alarm, &alarm.actions.ok] {
            let arn = |name: &str| names::topic_arn_in(alarm.region, name);
            let told = watch.topics.values().filter(|topic| actions.contains(&arn(&topic.name)));
            let told = told.filter(|topic| topic.publishers.contains("cloudwatch.amazonaws.com"));
            let told: Vec<_> = told.flat_map(|topic| &topic.subscriptions).collect();
            let mailed = told.iter().any(|it| it.protocol == "email" && it.endpoint == "on-call@example.com");
            assert!(mailed, "{}: {told:?}", alarm.name);
        }
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
    let (stack, watch) = (stack(), watch());
    let of_stack = stack.alarms.values().map(|alarm| (alarm, "alarms"));
    for (alarm, folder) in of_stack.chain(watch.alarms.values().map(|alarm| (alarm, "edge"))) {
        let runbook = format!("{folder}/runbooks/{}.md", short(alarm));
        let description = alarm.description.as_deref().unwrap_or_default();
        assert!(description.contains(&runbook), "{} does not name {runbook}: {description}", alarm.name);
        assert!(root().join(&runbook).is_file(), "{runbook} is missing");
    }
}

#[test]
fn every_alarm_has_a_drill_and_every_drill_an_alarm_and_a_file() {
    let (stack, watch) = (stack(), watch());
    let alarms: BTreeSet<&str> = stack.alarms.values().chain(watch.alarms.values()).map(short).collect();
    let drilled: BTreeSet<&str> = drills::ALL.iter().map(|drill| drill.alarm).collect();
    assert_eq!(alarms, drilled);
    let files = std::fs::read_dir(root().join("chaos/drills")).expect("the drills are there");
    let files: BTreeSet<String> =
        files.map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(files, drilled.iter().map(|alarm| format!("{alarm}.toml")).collect());
    for drill in drills::ALL {
        let experiment = drill.experiment().unwrap_or_else(|error| panic!("{error}"));
        let fires = experiment.expect.alarms.unwrap_or_default();
        assert!(fires.contains(drill.alarm), "the drill of {} does not expect it", drill.alarm);
    }
}

/// When alarms of a stack that was deployed just now went off, in minutes.
fn went_off_in_a_new_stack(faults: &str) -> Vec<(String, i64)> {
    let text = format!("past = 'new'\ndrain = '30m'\n[workload]\npayments = 20\nover = '40m'\n{faults}");
    let experiment = Experiment::parse(Path::new("new.toml"), &text).expect("it is good");
    let history = world::run(experiment, 1, Code::DEPLOYED).expect("it runs");
    let changes = history.records.iter().filter_map(|record| {
        let Event::Alarm(AlarmChanged { alarm, to: StateValue::Alarm, .. }) = &record.event else {
            return None;
        };
        let name = alarm.strip_prefix("payments-").unwrap_or(alarm);
        Some((name.to_owned(), record.at.since_ms(history.began) / 60_000))
    });
    changes.collect()
}

#[test]
fn no_alarm_goes_off_because_a_stack_is_new() {
    assert_eq!(went_off_in_a_new_stack(""), []);
}

#[test]
fn a_responder_that_never_takes_a_turn_is_told_of_ten_minutes_after_the_deployment() {
    let nothing_wakes_it = "[[fault]]\nkind = 'event-lost'\nrate = 1.0\nfor = '30m'";
    assert_eq!(went_off_in_a_new_stack(nothing_wakes_it), [("ResponderFailing".to_owned(), 10)]);
}
