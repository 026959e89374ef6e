//! The search: seeds, each a swarm of faults of its own, run and judged side by side.
//!
//! A seed decides its experiment and the run of it, so a number is all there is to remember of a violation.
//! Invariant: what a seed comes to depends on the seed, the template and the code, never on what ran beside it.

mod coverage;
mod days;
mod draw;
mod state;
mod sum;

pub use coverage::{Coverage, Place};
pub use draw::{LEFT_OUT, PAYMENTS, experiment};
pub use state::State;
pub use sum::{Range, Sum, Twice, Violated};

use crate::checks::Evidence;
use crate::parallel;
use crate::report::Paint;
use crate::violation::Violation;
use crate::world::{Code, Deployed, World, WorldError};
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, RangeInclusive};

/// What one seed came to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// What was hit, and in which state.
    pub coverage: Coverage,
    /// Simulated time, ms.
    pub simulated_ms: u64,
    /// What is wrong, if something is.
    pub violation: Option<Violation>,
}

/// Runs seeds on so many threads, and shows what they came to in order, until `see` has seen enough.
///
/// # Errors
/// When a seed could not be run; what came before it has been seen.
pub fn search(
    deployed: &Deployed,
    seeds: RangeInclusive<u64>,
    jobs: NonZeroUsize,
    code: Code<'_>,
    paint: Paint,
    mut see: impl FnMut(Found) -> ControlFlow<()>,
) -> Result<(), WorldError> {
    let mut broken = Ok(());
    // Counted from the first, because behind the last there may be no number.
    let (first, many) = (*seeds.start(), (seeds.end() - seeds.start()).saturating_add(1));
    let work = |further| run(deployed.clone(), first + further, code, paint);
    parallel::each(0..many, jobs, work, |_, found| match found {
        Ok(found) => see(found),
        Err(error) => {
            broken = Err(error);
            ControlFlow::Break(())
        }
    });
    broken
}

fn run(deployed: Deployed, seed: u64, code: Code<'_>, paint: Paint) -> Result<Found, WorldError> {
    let experiment = experiment(seed);
    let deployed = deployed.under(&experiment.parameters)?;
    let history = World::new(deployed, experiment, seed)?.run(code, &mut |_| {})?;
    let evidence = Evidence::of(&history);
    Ok(Found {
        seed,
        coverage: Coverage::of(&history),
        simulated_ms: u64::try_from(history.ended.since_ms(history.began)).unwrap_or(0),
        violation: Violation::of(&evidence, paint),
    })
}
