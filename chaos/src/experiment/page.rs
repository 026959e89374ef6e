//! The page about the file, held against the parser.
//!
//! Invariant: every field that the parser takes has a row, every row is such a field, and the examples are good.

use super::Experiment;
use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../../experiments/README.md");
/// Tables of the file, each with a section of its own.
const TABLES: [&str; 5] = ["workload", "edge", "fault", "order", "expect"];

/// The fields that the parser names when it is given one that is none.
fn parsed(header: &str) -> BTreeSet<String> {
    let said = Experiment::parse(Path::new("mine.toml"), &format!("{header}\nnone_such = 1"));
    let said = said.expect_err("there is no such field").to_string();
    let (_, accepted) = said.split_once("expected one of ").unwrap_or_else(|| panic!("{said}"));
    accepted.split('`').skip(1).step_by(2).map(str::to_owned).filter(|name| name != "none_such").collect()
}

/// The fields that a section of the page has a row for.
fn written(title: &str) -> BTreeSet<String> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(title)).expect("there is a section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`')).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_field_has_a_row_and_every_row_a_field() {
    let of_the_file: BTreeSet<String> =
        parsed("").into_iter().filter(|name| !TABLES.contains(&name.as_str())).collect();
    assert_eq!(written("The file itself"), of_the_file);
    for (title, header) in [
        ("`[workload]`", "[workload]"),
        ("`[edge]`", "[edge]"),
        ("`[[fault]]`", "[[fault]]"),
        ("`[[order]]`", "[[order]]\nat = '1m'"),
        ("`[expect]`", "[expect]"),
    ] {
        let mut fields = parsed(header);
        // TOML ends the last header's list of names with where it was; that is the table, not a field.
        fields.retain(|name| !TABLES.contains(&name.as_str()));
        assert_eq!(written(title), fields, "{title}");
    }
}

#[test]
fn every_example_is_an_experiment() {
    let examples: Vec<&str> =
        PAGE.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    assert_eq!(examples.len(), 6, "one for each section");
    for example in examples {
        Experiment::parse(Path::new("mine.toml"), example)
            .unwrap_or_else(|error| panic!("{error}: {example}"));
    }
}
