//! The queries that the template saves in Logs Insights, held against the lines that the functions log.
//!
//! CloudWatch accepts a query for a field that no line has, and finds nothing; no linter tells.
//! Invariant: every field of a query is one that a line of its log has.

use crate::personal_data::in_trouble;
use chaos::world::own_template;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

struct Query {
    name: String,
    /// Logical ids of the log groups.
    logs: String,
    text: String,
}

fn queries() -> Vec<Query> {
    let template = fs::read_to_string(own_template()).expect("the template is readable");
    let (_, after) = template.split_once("# --- Queries").expect("a section of queries");
    let (section, _) = after.split_once("\nOutputs:").expect("it ends");
    let blocks = section.split("    Type: AWS::Logs::QueryDefinition").skip(1);
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.trim().strip_prefix(key));
        line.unwrap_or_else(|| panic!("{key} is missing: {block}")).to_owned()
    };
    let query = |block: &str| Query {
        name: value(block, "Name: "),
        logs: value(block, "LogGroupNames: "),
        text: block.lines().filter(|line| line.starts_with("        ")).collect::<Vec<_>>().join("\n"),
    };
    blocks.map(query).collect()
}

/// Fields that a query names, without those that Logs Insights makes (`@…`) and those it makes itself (`as …`).
fn fields(query: &str) -> BTreeSet<&str> {
    let words = query.split(|char: char| !(char.is_alphanumeric() || "._@".contains(char)));
    words.filter(|word| word.starts_with("fields.") || *word == "level").collect()
}

/// Every field of every line whose message is one of these, as Logs Insights names them.
fn of_lines<'a>(lines: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let top = |line: &'a Value| line.as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let nested = |line: &'a Value| {
        line["fields"].as_object().into_iter().flatten().map(|(name, _)| format!("fields.{name}"))
    };
    lines.flat_map(|line| top(line).chain(nested(line))).collect()
}

#[test]
fn every_field_of_a_saved_query_is_one_that_the_functions_log() {
    let (_, lines) = in_trouble();
    // Both functions log in one process here; a turn is the responder's line, whatever else is a payment's.
    let is_turn = |line: &&Value| line["fields"]["message"] == "turn";
    let responders = of_lines(lines.iter().filter(is_turn));
    let consumers = of_lines(lines.iter().filter(|line| !is_turn(line)));
    let queries = queries();
    assert_eq!(queries.len(), 6);
    for Query { name, logs, text } in queries {
        let named = fields(&text);
        assert!(named.len() >= 2, "{name}: {named:?}");
        for field in named {
            let (consumer, responder) = (logs.contains("ConsumerLogs"), logs.contains("ResponderLogs"));
            assert!(consumer || responder, "{name}: {logs}");
            let is_logged =
                (consumer && consumers.contains(field)) || (responder && responders.contains(field));
            assert!(is_logged, "{name}: no line has {field}");
        }
    }
}

#[test]
fn values_that_saved_queries_look_for_are_ones_that_are_logged() {
    let (_, lines) = in_trouble();
    let text: String = lines.iter().map(Value::to_string).collect();
    for query in queries() {
        for line in
            query.text.lines().filter(|line| line.trim_start().trim_start_matches("| ").starts_with("filter"))
        {
            let values: Vec<&str> =
                line.split('"').skip(1).step_by(2).filter(|value| *value != "order-1042").collect();
            for value in values {
                assert!(
                    text.contains(&format!("\"{value}\"")),
                    "{}: nothing is logged as {value}",
                    query.name
                );
            }
        }
    }
}
