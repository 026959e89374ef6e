//! What whoever deploys may answer, and what is refused before it does harm: the traps between a template that lints
//! and a stack that works.

use chaos::experiment::Experiment;
use chaos::journal::{Event, FunctionEvent};
use chaos::template::{Deployment, Stack};
use chaos::world::{self, Code, own_template};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-a1B2c3";

/// Levels that Lambda filters by, from the most to the least that is kept.
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

fn template() -> String {
    fs::read_to_string(own_template()).expect("the template is readable")
}

/// Deploys the template under a stack's name, with answers beside those that are needed.
fn deployed(stack_name: &str, answers: &[(&str, &str)]) -> Result<Stack, String> {
    let needed = [("StripeSecretArn", SECRET), ("AlertEmail", "on-call@example.com"), ("StripeMode", "test")];
    let answers = needed.iter().chain(answers);
    let parameters: BTreeMap<String, String> =
        answers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let deployment = Deployment { stack_name: stack_name.to_owned(), parameters, ..Deployment::default() };
    Stack::load(&own_template(), &deployment).map_err(|error| error.to_string())
}

fn takes(parameter: &str, answer: &str) -> bool {
    deployed("payments", &[(parameter, answer)]).is_ok()
}

/// Every value that a key of the template is given, by the text of its lines.
fn values(key: &str) -> Vec<String> {
    let values = template();
    let values = values.lines().filter_map(|line| line.trim().strip_prefix(&format!("{key}: ")));
    values.map(|value| value.split(" #").next().unwrap_or(value).trim().to_owned()).collect()
}

#[test]
fn a_number_is_whole_and_within_its_range() {
    for (parameter, least, most) in
        [("StripeRatePerSecond", 4, 100), ("RedriveRateMax", 1, 500), ("RedriveCyclesMax", 1, 20)]
    {
        let taken: Vec<u32> = (0..=600).filter(|it| takes(parameter, &it.to_string())).collect();
        assert_eq!(taken, (least..=most).collect::<Vec<_>>(), "{parameter}");
        for text in ["4.5", "4.0", "+5", "05", " 5", "5 ", "", "five", "5e0"] {
            assert!(!takes(parameter, text), "{parameter}={text:?}");
        }
    }
}

#[test]
fn the_arn_of_a_secret_is_whole() {
    assert!(takes("StripeSecretArn", SECRET));
    for arn in [
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:live/stripe-key",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-a1B2c3:AWSCURRENT",
        "stripe",
    ] {
        let refusal = deployed("payments", &[("StripeSecretArn", arn)]).expect_err(arn);
        assert!(refusal.contains("the six characters"), "{refusal}");
    }
}

#[test]
fn a_stack_whose_name_is_too_long_for_its_functions_is_refused_and_any_other_fits() {
    let longest = "p".repeat(54);
    let stack = deployed(&longest, &[]).expect("54 characters are taken");
    let functions = stack.functions.values().map(|it| (it.name.as_str(), 64));
    let rules = stack.functions.values().flat_map(|it| &it.rules).map(|it| (it.name.as_str(), 64));
    let queues = stack.queues.values().map(|it| (it.name.as_str(), 80));
    let others = stack.alarms.values().map(|it| (it.name.as_str(), 255));
    for (name, most) in functions.chain(rules).chain(queues).chain(others) {
        assert!(name.len() <= most, "{name} has {} characters", name.len());
    }
    let refusal = deployed(&format!("{longest}p"), &[]).expect_err("55 are not");
    assert!(refusal.contains("StackNameOfAtMost54Characters"), "{refusal}");
}

/// The table outlives a rollback, so it is begun only when the name was found to fit.
#[test]
fn nothing_that_outlives_a_rollback_is_made_before_the_stacks_name_was_looked_at() {
    let template = template();
    let (_, ledger) = template.split_once("\n  Ledger:\n").expect("the ledger");
    let head: Vec<&str> = ledger.lines().take(4).map(str::trim).collect();
    assert!(head.contains(&"DependsOn: StackNameOfAtMost54Characters"), "{head:?}");
    assert_eq!(values("DeletionPolicy"), ["Retain"], "the ledger alone is retained");
}

/// `sam build` sees the template and not what `sam deploy` is told, so neither may be asked.
#[test]
fn one_line_decides_for_which_processor_the_functions_are_built_and_on_which_they_run() {
    assert_eq!(values("Architectures").len(), 1, "for all functions, once");
    let [architecture] = values("Architectures").try_into().expect("one line");
    assert!(["[arm64]", "[x86_64]"].contains(&architecture.as_str()), "{architecture} is no literal");
}

/// Lambda counts a line as INFO that says no level, as metrics are; below the level it is set to keep, it drops it.
#[test]
fn lambda_keeps_the_lines_that_metrics_are_read_from() {
    let text = "[workload]\npayments = 5\nover = '5m'";
    let experiment = Experiment::parse(Path::new("short.toml"), text).expect("it is good");
    let history = world::run(experiment, 1, Code::DEPLOYED).expect("it runs");
    let lines = history.records.iter().filter_map(|record| {
        let Event::Function(FunctionEvent::Metrics { line }) = &record.event else { return None };
        Some(filed(&line.parsed()))
    });
    let filed: BTreeSet<usize> = lines.collect();
    assert!(!filed.is_empty(), "a run has lines of metrics");
    let kept = values("ApplicationLogLevel");
    assert_eq!(kept.len(), 2, "each function says what is kept of its lines");
    for level in kept {
        let least = LEVELS.iter().position(|it| *it == level).expect("a level of Lambda's");
        assert!(filed.iter().all(|it| *it >= least), "{level} drops lines of metrics");
    }
}

/// The level that Lambda files a line under: its own, if it says one and when that was.
fn filed(line: &Value) -> usize {
    let said = line["level"].as_str().filter(|_| line["timestamp"].is_string()).unwrap_or("INFO");
    LEVELS.iter().position(|level| *level == said).unwrap_or(2)
}

/// `sam deploy --config-env NAME` takes what its section says; a misspelt parameter would be told of at the account.
#[test]
fn each_environment_of_samconfig_answers_with_what_the_template_takes() {
    let file = own_template().with_file_name("samconfig.toml");
    let samconfig: toml::Table = fs::read_to_string(file).expect("it is there").parse().expect("it is TOML");
    let mut names = BTreeSet::new();
    for (environment, mode) in [("test", "test"), ("production", "live")] {
        let section = &samconfig[environment]["deploy"]["parameters"];
        let answers = section["parameter_overrides"].as_array().expect("a list");
        let answers = answers
            .iter()
            .map(|answer| answer.as_str().expect("a text").split_once('=').expect("NAME=VALUE"));
        let answers: Vec<(&str, &str)> = answers.collect();
        let stack = section["stack_name"].as_str().expect("a text");
        assert!(names.insert(stack.to_owned()), "two environments are one stack: {stack}");
        deployed(stack, &answers).unwrap_or_else(|error| panic!("{environment}: {error}"));
        assert!(answers.contains(&("StripeMode", mode)), "{environment}: {answers:?}");
        assert_eq!(section["capabilities"], samconfig["default"]["deploy"]["parameters"]["capabilities"]);
    }
    assert_eq!(samconfig["production"]["deploy"]["parameters"]["confirm_changeset"].as_bool(), Some(true));
}
