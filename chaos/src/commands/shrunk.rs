//! The least of what a seed violates: what `search` and `replay` leave of a violation.
//!
//! Invariant: what is told is saved, as an experiment like any other.

use super::folder::Folder;
use super::{Refusal, Surroundings, say};
use crate::search;
use crate::shrink::{Shrunk, shrink};
use crate::world::Deployed;

/// Shrinks what a seed violates, tells the story of what is left, and saves it.
pub(super) fn shrunk(
    seed: u64,
    deployed: &Deployed,
    folder: &mut Folder,
    around: &mut Surroundings<'_>,
) -> Result<(), Refusal> {
    let Some(shrunk) = shrink(deployed, &search::experiment(seed), seed, around.code)? else {
        say(around.out, "nothing to shrink: it violates no check\n");
        return Ok(());
    };
    let Shrunk { experiment, violation, .. } = shrunk;
    let path = folder.make()?.join(format!("{}.toml", experiment.name));
    std::fs::write(&path, experiment.to_toml())
        .map_err(|error| Refusal::Harness(format!("cannot write {}: {error}", path.display())))?;
    let source = experiment.source.unwrap_or_default();
    let path = path.display();
    say(around.out, &format!("\n{source}:\n{}again: cargo chaos run {path}\n", violation.story));
    Ok(())
}
