//! Values that may be typed for more than one command, and what is accepted of each.
//!
//! Invariant: a refusal is one line that names the value and what would have been accepted.

use crate::experiment::{self, FaultArgument, NotAccepted};
use std::num::NonZeroUsize;

/// Used when no seed is typed, so that everybody's first run is the same run.
pub(super) const DEFAULT_SEED: u64 = 1;

/// Where an experiment runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Simulated,
    Deployed,
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

pub(super) fn target(text: &str) -> Result<Target, String> {
    match text {
        "sim" => Ok(Target::Simulated),
        "aws" => Ok(Target::Deployed),
        "local" => Err(format!("target {text} does not exist yet; accepted: sim, aws")),
        other => Err(format!("target {other}; accepted: sim, aws")),
    }
}
