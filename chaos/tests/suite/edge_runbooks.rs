//! The edge's runbooks speak of what is there: outputs, log groups, policies, pages, and commands that the AWS CLI has.

use chaos::cloud::names::Region;
use chaos::template::{Deployment, Stack};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Commands of the AWS CLI that a runbook may type; each is in its reference,
/// <https://docs.aws.amazon.com/cli/latest/reference/>.
const COMMANDS: &[&str] = &["cloudformation describe-stacks", "lambda get-account-settings", "logs tail"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge")
}

/// Each runbook by its name.
fn runbooks() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder().join("runbooks")).expect("there are runbooks");
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("it can be read"))
    };
    files.map(|file| read(file.expect("it can be read").path())).collect()
}

fn loaded(template: &str, stack_name: &str, region: Region, parameters: &[(&str, &str)]) -> Stack {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let deployment = Deployment {
        stack_name: stack_name.to_owned(),
        region: region.code().to_owned(),
        parameters: parameters.collect(),
        ..Deployment::default()
    };
    Stack::load(&folder().join(template), &deployment).unwrap_or_else(|error| panic!("{error}"))
}

fn edge() -> Stack {
    let parameters = [("SystemName", "payments"), ("HandInAuthorization", "IAM")];
    loaded("template.yaml", "payments-edge", Region::Home, &parameters)
}

fn watch() -> Stack {
    let parameters = [("DistributionId", "E0123456789"), ("AlertEmail", "on-call@example.com")];
    loaded("watch.yaml", "payments-edge-watch", Region::UsEast1, &parameters)
}

/// What stands between two marks, wherever it does.
fn between<'t>(text: &'t str, before: &'t str, after: char) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).map(move |rest| rest.split(after).next().unwrap_or_default())
}

#[test]
fn there_is_a_runbook_for_each_alarm_and_no_other() {
    let of_alarms: BTreeSet<String> = watch().alarms.into_keys().collect();
    assert_eq!(runbooks().into_keys().collect::<BTreeSet<_>>(), of_alarms);
}

#[test]
fn runbooks_type_commands_that_the_aws_cli_has() {
    let mut typed = 0;
    for (name, text) in runbooks() {
        // A command is typed in a block, or stands between backticks.
        for command in text.split(['\n', '`']).filter_map(|line| line.split_once("aws ")) {
            let (before, command) = command;
            if !before.trim().is_empty() && !before.ends_with("{ ") {
                continue;
            }
            typed += 1;
            let words: Vec<&str> = command.split_whitespace().take(2).collect();
            assert!(COMMANDS.contains(&words.join(" ").as_str()), "{name}: aws {command}");
        }
    }
    assert!(typed >= 5, "only {typed} commands were found");
}

#[test]
fn runbooks_ask_for_outputs_and_log_groups_that_are_there() {
    let (edge, watch) = (edge(), watch());
    let mut asked = 0;
    for (name, text) in runbooks() {
        for output in between(&text, "$(out ", ')') {
            asked += 1;
            assert!(edge.outputs.contains_key(output), "{name}: output {output}");
        }
        for group in between(&text, "\"/aws/cloudfront/", '"') {
            asked += 1;
            let group = format!("/aws/cloudfront/{}", group.replace("$WATCH", "payments-edge-watch"));
            assert_eq!(watch.outputs["AccessLogGroup"], group, "{name}");
        }
    }
    assert!(asked >= 5, "only {asked} were found");
}

#[test]
fn runbooks_name_policies_and_pages_that_are_there() {
    let edge = edge();
    let statements = edge.policies.roles.values().flat_map(|policy| &policy.statements);
    let policies: BTreeSet<&str> = statements.filter_map(|it| it.name.split('.').nth(1)).collect();
    let (mut named, mut linked) = (0, 0);
    for (name, text) in runbooks() {
        for policy in between(&text, "he role `", '`') {
            named += 1;
            assert!(policies.contains(policy), "{name}: {policy}, which is none of {policies:?}");
        }
        for page in between(&text, "](", ')').filter(|page| !page.starts_with("https://")) {
            linked += 1;
            assert!(folder().join("runbooks").join(page).is_file(), "{name}: {page}");
        }
    }
    assert!(named >= 2 && linked >= 3, "{named} policies and {linked} pages were found");
}
