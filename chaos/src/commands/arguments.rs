//! What may be typed, with its help.
//!
//! Invariant: a value that was parsed makes sense; what depends on files is found out by the command.

use super::bench::Bench;
use super::fault::FaultOf;
use super::on_aws::OnAws;
use super::stripe::Stripe;
use super::up::Up;
use super::values::{
    Build, DEFAULT_SEED, Fault, Length, fault, jobs, length, payments, seed, seeds, share, speed, target,
};
use crate::experiment::{self, DEFAULT};
use crate::random::Chance;
use crate::sweep::Share;
use crate::world::Target;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::num::NonZeroUsize;
use std::path::PathBuf;

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
  70  the harness itself failed, or what it had to say could not be written
  130 ended by Ctrl-C before it was done; what was seen until then is told";

const DIFF: &str = "\
Exit codes:
  0   they were compared, whatever they say
  64  one of them is no summary of a run";

const EXAMPLES: &str = "\
Examples:
  cargo chaos run                                  Stripe is gone for half an hour
  cargo chaos run --failure-rate 0.3 --outage 1h   three calls in ten fail for an hour
  cargo chaos run steady --file payments.ndjson    your own payments, nothing goes wrong
  cargo chaos run --fault crash --fault declined=0.1
  cargo chaos run killed --target local            kill -9, in real time, of the real binaries
  cargo chaos run mine.toml --seed 42
  cargo chaos run --target aws --stack payments-staging --region eu-central-1 --account 123456789012 --dry-run";

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
    /// Make every alarm fire and clear, also with faults on its way
    Drill(Drill),
    /// Kill both functions at every network hop, the consumer under every trouble of its calls to Stripe, too
    Sweep(Sweep),
    /// Run seeds, each with faults of its own, until one violates a check
    Search(Search),
    /// Put the summaries of searches together that were run apart
    Merge(Merge),
    /// Lay two runs side by side: what was counted, and when what matters first happened
    Diff(Diff),
    /// Run one seed of the search again, and report it as `run` does
    Replay(Replay),
    /// List experiments, faults and checks
    List(List),
    /// Write an experiment file to begin with, every field in it
    Init(Init),
    /// Read template and experiments without running them, and say what is simulated
    Validate(Validate),
    /// Start the stack on this machine, in real time, with both functions as processes, until Ctrl-C
    Up(Box<Up>),
    /// Serve the fake Stripe over HTTP on this machine, until Ctrl-C
    Stripe(Stripe),
    /// List, set and clear the faults of a served fake Stripe
    Fault(FaultOf),
    /// Measure the deployed binaries and the embedded services on this machine, beside others
    Bench(Bench),
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

    /// How long each outage lasts, for example 90s, 30m, 1h30m or 2d; at most 14d
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub(super) outage: Option<Length>,

    /// A further fault, from the first outage until half an hour after it, by kind (`cargo chaos list faults`),
    /// placement and share, 0 to 1; repeatable
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

    /// Where it runs; accepted: sim, in this process and in simulated time; local, in real time, with both functions as
    /// processes; aws, in real time, on a stack that was deployed
    #[arg(long, value_name = "TARGET", value_parser = target, default_value = "sim")]
    pub(super) target: Target,

    /// With --target local: how many times as fast things are sent and go wrong, 1 to 1000; what AWS takes stays as it is, so
    /// the template bounds it
    #[arg(long, value_name = "NUMBER", value_parser = speed, allow_negative_numbers = true)]
    pub(super) speed: Option<u32>,

    /// With --target local: how the functions are built [default: debug]
    #[arg(long, value_name = "PROFILE")]
    pub(super) build: Option<Build>,

    /// Template to deploy [default: template.yaml here, or in the nearest folder above]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,

    /// Show every mail whole, not only the first
    #[arg(long)]
    pub(super) mails: bool,

    /// Leave a page of the run to look at, report.html; a run that does not pass leaves one in any case
    #[arg(long)]
    pub(super) report: bool,

    /// Folder for journal.jsonl, summary.json, junit.xml, report.html and mails [default: chaos-runs/<UTC time>-<experiment>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,

    #[command(flatten)]
    pub(super) on_aws: OnAws,
}

#[derive(Debug, Args)]
#[command(after_help = EXITS)]
pub(super) struct Drill {
    /// The alarm, as the template names it; every one when none is named
    #[arg(value_name = "ALARM")]
    pub(super) alarm: Option<String>,

    /// How many drills are run side by side, 1 to 256 [default: as many as there are cores]; the results are the same
    #[arg(long, value_name = "NUMBER", value_parser = jobs, allow_negative_numbers = true)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// Template to deploy [default: template.yaml here, or in the nearest folder above]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = EXITS)]
pub(super) struct Sweep {
    /// Sweep only the scenarios with this in their name
    #[arg(long, value_name = "TEXT")]
    pub(super) only: Option<String>,

    /// Sweep one of several shares, for example 2/3; kills of an undisturbed run belong to each
    #[arg(long, value_name = "NUMBER/OF", value_parser = share, default_value_t = Share::WHOLE)]
    pub(super) share: Share,

    /// How many points are run side by side, 1 to 256 [default: as many as there are cores]; the results are the same
    #[arg(long, value_name = "NUMBER", value_parser = jobs, allow_negative_numbers = true)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// Folder for the experiments that violate a check [default: chaos-runs/<UTC time>-sweep]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,

    /// Template to deploy [default: template.yaml here, or in the nearest folder above]
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

    /// File for what the seeds came to, which `cargo chaos merge` puts beside others
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) summary: Option<PathBuf>,

    /// Folder for the shrunk experiments [default: chaos-runs/<UTC time>-search]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,

    /// Template to deploy [default: template.yaml here, or in the nearest folder above]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = EXITS)]
pub(super) struct Merge {
    /// Files that `cargo chaos search --summary` wrote, of different seeds
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::FilePath)]
    pub(super) summaries: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = DIFF)]
pub(super) struct Diff {
    /// A run: the folder that it left, or the summary.json in there
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub(super) a: PathBuf,

    /// Another, which is held against it
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub(super) b: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = EXITS)]
pub(super) struct Replay {
    /// The seed, as `cargo chaos search` printed it
    #[arg(value_name = "SEED", value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: u64,

    /// Template to deploy [default: template.yaml here, or in the nearest folder above]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,

    /// Shrink what it violates, and save that as an experiment
    #[arg(long)]
    pub(super) shrink: bool,

    /// Show every mail whole, not only the first
    #[arg(long)]
    pub(super) mails: bool,

    /// Leave a page of the run to look at, report.html; a run that does not pass leaves one in any case
    #[arg(long)]
    pub(super) report: bool,

    /// Folder for journal.jsonl, summary.json, junit.xml, report.html and mails [default: chaos-runs/<UTC time>-seed-<SEED>]
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
    /// For every alarm, what makes it fire and clear
    Drills,
    /// What can go wrong, why it does outside, and what heals it
    Faults,
    /// What every run is held to
    Checks,
}

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where; nothing that is there is written over
    #[arg(value_name = "PATH", default_value = "experiment.toml", value_hint = ValueHint::FilePath)]
    pub(super) path: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Experiments to read, by name or path; every shipped one when none is named
    #[arg(value_name = "EXPERIMENT", value_parser = NonEmptyStringValueParser::new())]
    pub(super) experiments: Vec<String>,

    /// Template to read [default: template.yaml here, or in the nearest folder above]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) template: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
