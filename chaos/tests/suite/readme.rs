//! The documented table of faults is the program's own.
//!
//! Invariant: every row of the table is there word for word, in its order, and no other.

use chaos::faults::{Description, Family, Kind};
use std::fs;
use std::path::Path;

fn row(kind: Kind) -> String {
    let Description { name, placements, does, .. } = kind.describe();
    let placements: Vec<&str> = placements.iter().map(|placement| placement.name()).collect();
    format!("| `{name}` | {} | {does} |", placements.join(", "))
}

#[test]
fn the_docs_list_every_fault_as_the_program_does() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md");
    let page = fs::read_to_string(page).expect("the page is readable");
    let (_, table) = page.split_once("| fault | placement | what it does |\n").expect("a table of faults");
    let rows: Vec<&str> = table.lines().skip(1).take_while(|line| line.starts_with('|')).collect();
    let of = |family| Kind::ALL.into_iter().filter(move |kind| kind.describe().family == family);
    let expected: Vec<String> = Family::ALL.into_iter().flat_map(of).map(row).collect();
    assert_eq!(rows.join("\n"), expected.join("\n"));
}
