//! What may be typed, with its help.
//!
//! Invariant: a value that was parsed makes sense; what depends on files is found out by the command.

use crate::experiment::{self, DEFAULT, Experiment, FaultArgument, NotAccepted};
use crate::random::Chance;
use crate::serve;
use crate::stripe as fake;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Used when no seed is typed, so that everybody's first run is the same run.
const DEFAULT_SEED: u64 = 1;

const ABOUT: &str = "\
Chaos for the payment pipeline: Stripe outages, lost answers and crashes against the real functions, in simulated \
time. Decides, with evidence, whether every payment was charged at most once, none was lost, the right people were \
told, and the backlog recovered.";

const EXITS: &str = "\
Exit codes:
  0   every check passed
  1   a safety check failed: money or a payment is wrong
  2   inconclusive: a fault never fired, or the run cannot tell
  3   a liveness check failed: something did not happen in time
  64  bad arguments or a bad file; nothing was written
  70  the harness itself failed";

const EXAMPLES: &str = "\
Examples:
  cargo chaos run                                  Stripe is gone for half an hour
  cargo chaos run --failure-rate 0.3 --outage 1h   three calls in ten fail for an hour
  cargo chaos run steady --file payments.ndjson    your own payments, nothing goes wrong
  cargo chaos run --fault crash --fault declined=0.1
  cargo chaos run mine.toml --seed 42";

#[derive(Debug, Parser)]
#[command(name = "cargo-chaos", bin_name = "cargo chaos", version, about = ABOUT, after_help = EXITS)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run an experiment and judge it
    Run(Box<Run>),
    /// Kill both functions at every network hop, the consumer under every trouble of its calls to Stripe, too
    Sweep(Sweep),
    /// Run seeds, each with faults of its own, until one violates a check
    Search(Search),
    /// Run one seed of the search again, and report it as `run` does
    Replay(Replay),
    /// List experiments, faults and checks
    List(List),
    /// Read template and experiments without running them, and say what is simulated
    Validate(Validate),
    /// Serve the fake Stripe over HTTP on this machine, until Ctrl-C
    Stripe(Stripe),
    /// List, set and clear the faults of a served fake Stripe
    Fault(FaultOf),
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXITS}"))]
pub(super) struct Run {
    /// A shipped experiment (`cargo chaos list experiments`) or the path of a .toml file
    #[arg(default_value = DEFAULT)]
    pub(super) experiment: String,

    /// Share of Stripe calls that fail during an outage, 0 to 1; an experiment without an outage gets one
    #[arg(long, value_name = "SHARE", value_parser = experiment::rate, allow_negative_numbers = true)]
    pub(super) failure_rate: Option<Chance>,

    /// How long each outage lasts, for example 90s, 30m or 1h30m; at most 336h
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub(super) outage: Option<Length>,

    /// A further fault during the first outage, by kind (`cargo chaos list faults`), placement and
    /// share, 0 to 1; repeatable
    #[arg(long = "fault", value_name = "KIND[/PLACEMENT][=SHARE]", value_parser = fault)]
    pub(super) faults: Vec<Fault>,

    /// How many made-up payments are sent, 1 to 1000000
    #[arg(long, value_name = "NUMBER", value_parser = payments, allow_negative_numbers = true)]
    pub(super) payments: Option<u32>,

    /// Send the payments of this file instead: NDJSON, one message a line, sent byte for byte
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "payments")]
    pub(super) file: Option<PathBuf>,

    /// Seed of every draw, 0 to 18446744073709551615; the same seed gives the same run, byte for byte
    /// [default: the experiment's own, or 1]
    #[arg(long, value_name = "NUMBER", value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,

    /// Where it runs; accepted: sim, in this process and in simulated time
    #[arg(long, value_name = "TARGET", value_parser = target, default_value = "sim")]
    pub(super) target: Target,

    /// Template to deploy [default: the repository's template.yaml]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,

    /// Show every mail whole, not only the first
    #[arg(long)]
    pub(super) mails: bool,

    /// Folder for journal.jsonl, summary.json and mails [default: chaos-runs/<UTC time>-<experiment>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = EXITS)]
pub(super) struct Sweep {
    /// Sweep only the scenarios with this in their name
    #[arg(long, value_name = "TEXT")]
    pub(super) only: Option<String>,

    /// How many points are run side by side, 1 to 256 [default: as many as there are cores]; the results are the same
    #[arg(long, value_name = "NUMBER", value_parser = jobs, allow_negative_numbers = true)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// Folder for the experiments that violate a check [default: chaos-runs/<UTC time>-sweep]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,

    /// Template to deploy [default: the repository's template.yaml]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = EXITS)]
pub(super) struct Search {
    /// How many seeds are run, 1 to 1000000000
    #[arg(long, value_name = "NUMBER", value_parser = seeds, default_value = "1000", allow_negative_numbers = true)]
    pub(super) seeds: u64,

    /// The first of them
    #[arg(long, value_name = "SEED", value_parser = seed, default_value_t = DEFAULT_SEED, allow_negative_numbers = true)]
    pub(super) from: u64,

    /// How many are run side by side, 1 to 256 [default: as many as there are cores]; the results are the same
    #[arg(long, value_name = "NUMBER", value_parser = jobs, allow_negative_numbers = true)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// Go on after a violation; the first of each check is shrunk
    #[arg(long)]
    pub(super) keep_going: bool,

    /// Folder for the shrunk experiments [default: chaos-runs/<UTC time>-search]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,

    /// Template to deploy [default: the repository's template.yaml]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = EXITS)]
pub(super) struct Replay {
    /// The seed, as `cargo chaos search` printed it
    #[arg(value_name = "SEED", value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: u64,

    /// Template to deploy [default: the repository's template.yaml]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,

    /// Shrink what it violates, and save that as an experiment
    #[arg(long)]
    pub(super) shrink: bool,

    /// Show every mail whole, not only the first
    #[arg(long)]
    pub(super) mails: bool,

    /// Folder for journal.jsonl, summary.json and mails [default: chaos-runs/<UTC time>-seed-<SEED>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// What to list; everything when nothing is named
    #[arg(value_name = "WHAT")]
    pub(super) what: Option<Listed>,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Listed {
    /// The shipped experiments
    Experiments,
    /// What can go wrong, why it does outside, and what heals it
    Faults,
    /// What every run is held to
    Checks,
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Experiments to read, by name or path; every shipped one when none is named
    #[arg(value_name = "EXPERIMENT", value_parser = NonEmptyStringValueParser::new())]
    pub(super) experiments: Vec<String>,

    /// Template to read [default: the repository's template.yaml]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,
}

const STRIPE_EXAMPLES: &str = "\
Examples:
  cargo chaos stripe                                        answers like Stripe, nothing goes wrong
  cargo chaos stripe --fault stripe-lost-answer=0.3         three answers in ten are lost, their effect is not
  cargo chaos stripe --failure-rate 0.5 --fault stripe-timeout/after=0.1
  cargo chaos fault set stripe-throttled=1 --ttl 5m --operations confirm

Exit codes:
  0   ended by Ctrl-C
  64  bad arguments, or the port is in use
  70  it could not be served";

#[derive(Debug, Args)]
#[command(after_help = STRIPE_EXAMPLES)]
pub(super) struct Stripe {
    /// Port on 127.0.0.1; 0 takes any that is free
    #[arg(long, value_name = "PORT", value_parser = port, default_value_t = serve::PORT, allow_negative_numbers = true)]
    pub(super) port: u16,

    /// Share of calls that are answered with 503, 0 to 1
    #[arg(long, value_name = "SHARE", value_parser = experiment::rate, allow_negative_numbers = true)]
    pub(super) failure_rate: Option<Chance>,

    /// What goes wrong from the beginning, by kind (those of Stripe in `cargo chaos list faults`), placement and
    /// share, 0 to 1; repeatable
    #[arg(long = "fault", value_name = "KIND[/PLACEMENT][=SHARE]", value_parser = fault)]
    pub(super) faults: Vec<Fault>,

    /// Seed of ids and of what goes wrong, 0 to 18446744073709551615
    #[arg(long, value_name = "NUMBER", value_parser = seed, default_value_t = DEFAULT_SEED, allow_negative_numbers = true)]
    pub(super) seed: u64,

    /// Which keys it takes, and what `livemode` says
    #[arg(long, value_name = "MODE", default_value = "test")]
    pub(super) mode: Mode,

    /// Let every answer take as long as Stripe's usually do, instead of none
    #[arg(long)]
    pub(super) latency: bool,
}

/// Live or test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Keys that begin with sk_test_ or rk_test_
    Test,
    /// Keys that begin with sk_live_ or rk_live_
    Live,
}

#[derive(Debug, Args)]
pub(super) struct FaultOf {
    #[command(subcommand)]
    pub(super) command: FaultCommand,

    /// Port of the running `cargo chaos stripe`
    #[arg(long, global = true, value_name = "PORT", value_parser = port, default_value_t = serve::PORT, allow_negative_numbers = true)]
    pub(super) port: u16,
}

#[derive(Debug, Subcommand)]
pub(super) enum FaultCommand {
    /// List the faults that are open, and what came of them
    List,
    /// Set one
    Set(SetFault),
    /// Clear one, or all
    Clear {
        /// Its id, as `list` shows it; all when none is named
        #[arg(value_name = "ID")]
        id: Option<u64>,
    },
}

#[derive(Debug, Args)]
pub(super) struct SetFault {
    /// What goes wrong: kind (those of Stripe in `cargo chaos list faults`), placement and share, 0 to 1
    #[arg(value_name = "KIND[/PLACEMENT][=SHARE]", value_parser = fault)]
    pub(super) fault: Fault,

    /// How long it lives, for example 90s or 5m [default: 15m]
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub(super) ttl: Option<Length>,

    /// What it is limited to, for example confirm,cancel; everything when nothing is named
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) operations: Vec<String>,

    /// Status of stripe-refusing: 400, 402, 403 or 404
    #[arg(long, value_name = "STATUS")]
    pub(super) status: Option<u16>,

    /// Code of stripe-refusing, for example testmode_charges_only
    #[arg(long, value_name = "CODE")]
    pub(super) code: Option<String>,

    /// How many times as long as usual an answer of stripe-slow takes, 2 to 1000
    #[arg(long, value_name = "NUMBER")]
    pub(super) times: Option<u64>,
}

/// Where an experiment runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Simulated,
}

/// A length of time and how it was typed.
#[derive(Clone, Debug)]
pub(super) struct Length {
    pub(super) ms: u64,
    pub(super) typed: String,
}

/// A fault and how it was typed.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) meant: FaultArgument,
    pub(super) typed: String,
}

impl Stripe {
    pub(super) const fn latency(&self) -> fake::Latency {
        if self.latency { fake::Latency::Usual } else { fake::Latency::None }
    }
}

impl Mode {
    pub(super) const fn meant(self) -> fake::Mode {
        match self {
            Self::Test => fake::Mode::Test,
            Self::Live => fake::Mode::Live,
        }
    }

    /// As keys spell it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

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
        option("seed", seed.to_string());
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

fn length(text: &str) -> Result<Length, NotAccepted> {
    Ok(Length { ms: experiment::duration_ms(text)?, typed: text.to_owned() })
}

fn fault(text: &str) -> Result<Fault, NotAccepted> {
    Ok(Fault { meant: experiment::fault(text)?, typed: text.to_owned() })
}

fn payments(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| format!("payments {text}; accepted: 1 to 1000000"))
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("port {text}; accepted: 0 to 65535"))
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("seed {text}; accepted: 0 to {}", u64::MAX))
}

fn seeds(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (1..=1_000_000_000).contains(number));
    number.ok_or_else(|| format!("seeds {text}; accepted: 1 to 1000000000"))
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 256);
    number.ok_or_else(|| format!("jobs {text}; accepted: 1 to 256"))
}

fn target(text: &str) -> Result<Target, String> {
    match text {
        "sim" => Ok(Target::Simulated),
        "local" | "aws" => Err(format!("target {text} does not exist yet; accepted: sim")),
        other => Err(format!("target {other}; accepted: sim")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(typed: &[&str]) -> String {
        let typed = ["cargo-chaos", "run"].iter().chain(typed);
        match Arguments::try_parse_from(typed) {
            Ok(Arguments { command: Command::Run(run) }) => run.replay(run.seed.unwrap_or(DEFAULT_SEED)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
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
    fn a_replay_is_parsed_into_the_same_replay() {
        let once = replayed(&["steady", "--failure-rate", "0.000001", "--payments", "7", "--seed", "9"]);
        let words: Vec<&str> = once.split(' ').skip(3).collect();
        assert_eq!(replayed(&words), once);
    }
}
