//! The dashboard of `alarms/template.yaml`, held against what the functions write and the stack names.
//!
//! CloudWatch accepts a dashboard of metrics that nobody publishes and shows empty graphs; no linter tells.
//! Invariant: every metric on it is one that a run publishes, and every alarm of the template is on it.

use chaos::experiment::Experiment;
use chaos::journal::{Event, FunctionEvent};
use chaos::world::{self, Code};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const SYSTEM: &str = "${SystemName}";

fn template() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../alarms/template.yaml");
    fs::read_to_string(path).expect("the template is readable")
}

fn dashboard(template: &str) -> Value {
    let (_, body) = template.split_once("DashboardBody: !Sub |\n").expect("a dashboard");
    let body: Vec<&str> =
        body.lines().take_while(|line| line.is_empty() || line.starts_with("        ")).collect();
    serde_json::from_str(&body.join("\n")).expect("the body is JSON")
}

/// Namespace and name of every metric, with CloudWatch's abbreviations written out: `.` is the field above, `...` all
/// of them but the last.
fn metrics(dashboard: &Value) -> BTreeSet<(String, String)> {
    let widgets = dashboard["widgets"].as_array().expect("widgets");
    let graphs = widgets.iter().filter_map(|widget| widget["properties"]["metrics"].as_array());
    let mut metrics = BTreeSet::new();
    for graph in graphs {
        let (mut namespace, mut name) = (String::new(), String::new());
        for metric in graph {
            let field = |at: usize| metric[at].as_str().unwrap_or_default();
            if field(0) != "..." {
                for (at, held) in [(0, &mut namespace), (1, &mut name)] {
                    if field(at) != "." {
                        field(at).clone_into(held);
                    }
                }
            }
            metrics.insert((namespace.clone(), name.clone()));
        }
    }
    metrics
}

/// The names of all metrics that the functions publish in a short run.
fn published() -> BTreeSet<String> {
    let text = "[workload]\npayments = 5\nover = '5m'";
    let experiment = Experiment::parse(Path::new("short.toml"), text).expect("it is good");
    let history = world::run(experiment, 1, Code::DEPLOYED).expect("it runs");
    let lines = history.records.iter().filter_map(|record| {
        let Event::Function(FunctionEvent::Metrics { line }) = &record.event else { return None };
        line.parsed().as_object().cloned()
    });
    lines.flat_map(|line| line.into_iter().map(|(name, _)| name)).collect()
}

#[test]
fn every_metric_of_the_stacks_own_is_one_that_its_functions_publish() {
    let (shown, published) = (metrics(&dashboard(&template())), published());
    let own: Vec<_> = shown.iter().filter(|(namespace, _)| namespace == SYSTEM).collect();
    assert!(own.len() > 10, "{own:?}");
    let unknown: Vec<_> = own.into_iter().filter(|(_, name)| !published.contains(name)).collect();
    assert!(unknown.is_empty(), "on the dashboard, and published by nobody: {unknown:?}");
    let others: BTreeSet<&str> = shown
        .iter()
        .map(|(namespace, _)| namespace.as_str())
        .filter(|namespace| *namespace != SYSTEM)
        .collect();
    assert_eq!(others, BTreeSet::from(["AWS/Lambda", "AWS/SQS"]));
}

#[test]
fn every_alarm_is_on_the_dashboard() {
    let template = template();
    let named = |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
    let lines: Vec<&str> = template.lines().collect();
    let alarms: BTreeSet<String> = lines
        .windows(2)
        .filter(|pair| named(&pair[0]) && pair[1].trim() == "Type: AWS::CloudWatch::Alarm")
        .map(|pair| format!("${{{}.Arn}}", pair[0].trim().trim_end_matches(':')))
        .collect();
    assert_eq!(alarms.len(), 11);
    let dashboard = dashboard(&template);
    let shown =
        dashboard["widgets"][0]["properties"]["alarms"].as_array().expect("the first widget shows alarms");
    let shown: BTreeSet<String> = shown.iter().filter_map(|arn| arn.as_str().map(str::to_owned)).collect();
    assert_eq!(shown, alarms);
}
