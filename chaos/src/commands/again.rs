//! The line that runs the same again, for reports and for whoever reads them.
//!
//! Invariant: it names everything that decides the run, and is parsed into the same run.

use super::arguments::{Replay, Run};
use super::values::DEFAULT_SEED;
use crate::experiment::Experiment;
use crate::random::Chance;
use crate::world::Target;
use std::path::Path;

impl Replay {
    /// The line that runs the same again, wherever its output goes.
    pub(super) fn line(&self) -> String {
        replay(self.seed, self.template.as_deref())
    }
}

/// The line that runs a seed of the search again.
pub(super) fn replay(seed: u64, template: Option<&Path>) -> String {
    let template = template.map(|it| format!(" --template {}", quoted(&it.display().to_string())));
    format!("cargo chaos replay {seed}{}", template.unwrap_or_default())
}

impl Run {
    /// The seed of this experiment: what was typed, what its file says, or the first.
    pub(super) fn seed_of(&self, experiment: &Experiment) -> u64 {
        self.seed.or(experiment.seed).unwrap_or(DEFAULT_SEED)
    }

    /// The line that runs the same again under this seed, wherever its output goes.
    pub(super) fn replay(&self, seed: u64) -> String {
        let mut words = vec!["cargo chaos run".to_owned(), quoted(&self.experiment)];
        let mut option = |name: &str, value: String| words.push(format!("--{name} {}", quoted(&value)));
        if let Some(chance) = self.failure_rate {
            option("failure-rate", share(chance));
        }
        if let Some(outage) = &self.outage {
            option("outage", outage.typed.clone());
        }
        for fault in &self.faults {
            option("fault", fault.typed.clone());
        }
        if let Some(payments) = self.payments {
            option("payments", payments.to_string());
        }
        if let Some(file) = &self.file {
            option("file", file.display().to_string());
        }
        if let Some(template) = &self.template {
            option("template", template.display().to_string());
        }
        if self.target != Target::Simulated {
            option("target", self.target.name().to_owned());
        }
        if let Some(build) = self.build {
            option("build", build.name().to_owned());
        }
        if let Some(speed) = self.speed {
            option("speed", speed.to_string());
        }
        option("seed", seed.to_string());
        for (name, value) in self.on_aws.typed() {
            value.into_iter().for_each(|value| option(name, value));
        }
        words.join(" ")
    }
}

/// Parts per million as a share, exactly.
fn share(chance: Chance) -> String {
    match chance.ppm() {
        1_000_000 => "1".to_owned(),
        0 => "0".to_owned(),
        ppm => format!("0.{ppm:06}").trim_end_matches('0').to_owned(),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=,:+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::super::arguments::{Arguments, Command};
    use super::*;
    use clap::Parser;

    fn replayed(typed: &[&str]) -> String {
        let typed = ["cargo-chaos", "run"].iter().chain(typed);
        match Arguments::try_parse_from(typed) {
            Ok(Arguments { command: Command::Run(run) }) => run.replay(run.seed.unwrap_or(DEFAULT_SEED)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_replay_names_everything_that_decides_the_run() {
        assert_eq!(replayed(&[]), "cargo chaos run outage-30m --seed 1");
        let typed = [
            "mine.toml",
            "--failure-rate",
            "0.3",
            "--outage",
            "1h 30m",
            "--fault",
            "crash",
            "--fault",
            "declined=.5",
            "--file",
            "it's here.ndjson",
            "--seed",
            "42",
            "--out",
            "elsewhere",
        ];
        assert_eq!(
            replayed(&typed),
            r"cargo chaos run mine.toml --failure-rate 0.3 --outage '1h 30m' --fault crash --fault declined=.5 --file 'it'\''s here.ndjson' --seed 42"
        );
    }

    #[test]
    fn a_replay_on_a_deployed_stack_names_the_stack() {
        let typed =
            ["steady", "--target", "aws", "--account", "1", "--stack", "mine", "--region", "eu-central-1"];
        assert_eq!(
            replayed(&typed),
            "cargo chaos run steady --target aws --seed 1 --stack mine --region eu-central-1 --account 1"
        );
    }

    #[test]
    fn a_replay_is_parsed_into_the_same_replay() {
        let once = replayed(&["steady", "--failure-rate", "0.000001", "--payments", "7", "--seed", "9"]);
        let words: Vec<&str> = once.split(' ').skip(3).collect();
        assert_eq!(replayed(&words), once);
    }
}
