//! Values that may be typed for more than one command, and what is accepted of each.
//!
//! Invariant: a refusal is one line that names the value and what would have been accepted.

use super::{Refusal, Surroundings};
use crate::experiment::{self, FaultArgument, NotAccepted};
use crate::sweep::{BadShare, Share};
use crate::up::{self, Binaries};
use crate::world::Target;
use clap::ValueEnum;
use std::num::NonZeroUsize;

/// Used when no seed is typed, so that everybody's first run is the same run.
pub(super) const DEFAULT_SEED: u64 = 1;

/// How the functions are built that run as processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Build {
    /// As this program was: most of it is built already
    Debug,
    /// As they are deployed: takes minutes
    Release,
    /// Not at all: run those that lie beside this program
    None,
}

impl Build {
    /// As it is typed.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
            Self::None => "none",
        }
    }

    /// The binaries, built if they are to be.
    pub(super) fn binaries(self, around: &Surroundings<'_>) -> Result<Binaries, Refusal> {
        let build = match self {
            Self::Debug => up::Build::Debug,
            Self::Release => up::Build::Release,
            Self::None => up::Build::None,
        };
        let binaries = build.binaries(&around.cargo, &around.program, &around.folder);
        binaries.map_err(|error| Refusal::Bad(error.to_string()))
    }
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

pub(super) fn length(text: &str) -> Result<Length, NotAccepted> {
    Ok(Length { ms: experiment::duration_ms(text)?, typed: text.to_owned() })
}

pub(super) fn fault(text: &str) -> Result<Fault, NotAccepted> {
    Ok(Fault { meant: experiment::fault(text)?, typed: text.to_owned() })
}

pub(super) fn payments(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| format!("payments {text}; accepted: 1 to 1000000"))
}

pub(super) fn speed(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=1_000).contains(number));
    number.ok_or_else(|| format!("speed {text}; accepted: 1 to 1000, as whole numbers"))
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("port {text}; accepted: 0 to 65535"))
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("seed {text}; accepted: 0 to {}", u64::MAX))
}

pub(super) fn seeds(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (1..=1_000_000_000).contains(number));
    number.ok_or_else(|| format!("seeds {text}; accepted: 1 to 1000000000"))
}

pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 256);
    number.ok_or_else(|| format!("jobs {text}; accepted: 1 to 256"))
}

pub(super) fn share(text: &str) -> Result<Share, String> {
    text.parse().map_err(|error: BadShare| format!("share {text}; {error}"))
}

pub(super) fn target(text: &str) -> Result<Target, String> {
    match text {
        "sim" => Ok(Target::Simulated),
        "local" => Ok(Target::Local),
        "aws" => Ok(Target::Deployed),
        other => Err(format!("target {other}; accepted: sim, local, aws")),
    }
}
