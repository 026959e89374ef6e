//! `diff`: two runs side by side, from what they left.
//!
//! Invariant: nothing is run and nothing is written.

use super::arguments::Diff;
use super::{Exit, Refusal, Surroundings, say};
use crate::report::{Summary, compared};
use std::fs;
use std::path::Path;

const ACCEPTED: &str = "accepted: the folder of a run, or its summary.json";

pub(super) fn diff(wanted: &Diff, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let (a, b) = (read(&wanted.a)?, read(&wanted.b)?);
    say(around.out, &compared(&a, &b, around.paint));
    Ok(Exit::Passed)
}

fn read(named: &Path) -> Result<Summary, Refusal> {
    let path = if named.is_dir() { named.join("summary.json") } else { named.to_owned() };
    let bad = |error: &dyn std::fmt::Display| {
        Refusal::Bad(format!("cannot read {}: {error}; {ACCEPTED}", path.display()))
    };
    let text = fs::read_to_string(&path).map_err(|error| bad(&error))?;
    serde_json::from_str(&text).map_err(|error| bad(&error))
}
