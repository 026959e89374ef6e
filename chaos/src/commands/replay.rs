//! `replay`: one seed of the search, told as `run` tells a run.
//!
//! Invariant: what is run is what the search ran under that seed, byte for byte.

use super::arguments::Replay;
use super::{Exit, Refusal, Surroundings, run};
use crate::report::Mails;
use crate::search;
use crate::world::World;

/// Runs a seed, reports it, and ends with its verdict.
pub(super) fn replay(wanted: &Replay, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let experiment = search::experiment(wanted.seed);
    let deployed = run::deployed(wanted.template.as_deref(), &experiment, around)?;
    let world = World::new(deployed, experiment, wanted.seed)?;
    let mails = if wanted.mails { Mails::All } else { Mails::First };
    run::report(world, &wanted.line(), mails, wanted.out.as_deref(), around)
}
