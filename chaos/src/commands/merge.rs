//! `merge`: the summaries of searches that were run apart, as one.
//!
//! Invariant: nothing is counted twice, and what is missing between the ranges is said.

use super::again::replay;
use super::arguments::Merge;
use super::{Exit, Refusal, Surroundings, say};
use crate::search::Sum;
use crate::units::count;
use std::fs;
use std::path::Path;

/// Violations that are named one by one.
const NAMED_MAX: usize = 20;

pub(super) fn merge(wanted: &Merge, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let mut sum = Sum::default();
    for path in &wanted.summaries {
        let twice = |twice| Refusal::Bad(format!("{}: {twice}", path.display()));
        sum.merge(&read(path)?).map_err(twice)?;
    }
    say(around.out, &format!("Seeds {}\n", sum.ranges()));
    say(around.out, &sum.told(around.paint));
    if let [first, .., last] = sum.seeds.as_slice() {
        let gaps = (last.last - first.first).saturating_add(1) - sum.count();
        say(around.out, &format!("{} seeds between them were not run\n", count(gaps)));
    }
    for violated in sum.violations.iter().take(NAMED_MAX) {
        let again = replay(violated.seed, None);
        say(around.out, &format!("seed {} violates {}; again: {again}\n", violated.seed, violated.check));
    }
    if let Some(more) = sum.violations.len().checked_sub(NAMED_MAX + 1) {
        say(around.out, &format!("and {} more\n", more + 1));
    }
    Ok(sum.worst().map_or(Exit::Passed, Exit::from))
}

fn read(path: &Path) -> Result<Sum, Refusal> {
    let accepted = "accepted: a file that `cargo chaos search --summary` wrote";
    let bad = |error: &dyn std::fmt::Display| {
        Refusal::Bad(format!("cannot read {}: {error}; {accepted}", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|error| bad(&error))?;
    serde_json::from_str(&text).map_err(|error| bad(&error))
}
