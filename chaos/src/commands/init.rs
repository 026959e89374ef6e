//! `init`: an experiment file to begin with, every field in it, those at their defaults as comments.
//!
//! Invariant: no file that is there is written over.

use super::arguments::Init;
use super::{Exit, Refusal, Surroundings, say};
use std::fs::File;
use std::io::{ErrorKind, Write};

/// What is written.
const TEXT: &str = include_str!("../../data/experiment.toml");

/// Writes it where there is no file yet.
pub(super) fn init(wanted: &Init, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let path = around.folder.join(&wanted.path);
    let named = wanted.path.display();
    let written = File::create_new(path).and_then(|mut file| file.write_all(TEXT.as_bytes()));
    written.map_err(|error| {
        Refusal::Bad(if error.kind() == ErrorKind::AlreadyExists {
            format!("{named} is there already; accepted: a path where there is no file")
        } else {
            format!("cannot write {named}: {error}; accepted: a path that can be written to")
        })
    })?;
    say(around.out, &format!("{named} is written; run it: cargo chaos run {named}\n"));
    Ok(Exit::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Experiment;
    use std::path::Path;

    fn parsed(text: &str) -> Experiment {
        Experiment::parse(Path::new("mine.toml"), text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_is_written_is_an_experiment() {
        assert_eq!(parsed(TEXT).faults.len(), 1);
    }

    /// Each field that is commented out, alone: some exclude each other, and some belong to kinds of their own.
    #[test]
    fn every_field_that_is_commented_out_can_be_used() {
        let (mut section, mut tried) = (String::new(), 0);
        for line in TEXT.lines() {
            let field = line.trim_start_matches("#: ");
            if field.starts_with('[') {
                section = field.to_owned();
            } else if line.starts_with("#: ") && section != "[[order]]" {
                let kind = ["hop", "status", "code", "times"].iter().position(|name| field.starts_with(name));
                let kinds = ["crash", "stripe-refusing", "stripe-refusing", "stripe-slow"];
                let kind = kind.map(|index| format!("kind = \"{}\"", kinds[index])).unwrap_or_default();
                parsed(&format!("{section}\n{kind}\n{field}"));
                tried += 1;
            }
        }
        assert_eq!(tried, 22, "all but the order");
        let order: String =
            TEXT.split_inclusive('\n').skip_while(|line| *line != "#: [[order]]\n").take(4).collect();
        assert_eq!(parsed(&order.replace("#: ", "")).orders.len(), 1);
    }
}
