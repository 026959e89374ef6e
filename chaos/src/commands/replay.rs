//! `replay`: one seed of the search, told as `run` tells a run.
//!
//! Invariant: what is run is what the search ran under that seed, byte for byte.

use super::arguments::Replay;
use super::folder::Folder;
use super::one_run::{OneRun, Telling, Tells};
use super::{Exit, Refusal, Surroundings, shrunk, template};
use crate::report::{Mails, Page};
use crate::search::experiment;
use crate::world::World;

/// Runs a seed, reports it, and ends with its verdict.
pub(super) fn replay(wanted: &Replay, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let experiment = experiment(wanted.seed);
    let deployed = template::deployed(wanted.template.as_deref(), &experiment.parameters, around)?;
    let world = World::new(deployed.clone(), experiment, wanted.seed)?;
    let mails = if wanted.mails { Mails::All } else { Mails::First };
    let page = if wanted.report { Page::Always } else { Page::OnFailure };
    let telling = Telling { replay: &wanted.line(), mails, page, leaves: None };
    let run = OneRun { world, code: around.code, tells: Tells::Nothing, telling };
    let exit = run.carry_out(wanted.out.as_deref(), around)?;
    if wanted.shrink {
        let mut folder = Folder::new(wanted.out.as_deref(), around, "search");
        shrunk::shrunk(wanted.seed, &deployed, &mut folder, around)?;
    }
    Ok(exit)
}
