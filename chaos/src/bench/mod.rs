//! What the deployed binaries cost, and what the embedded services carry, beside others on the same machine and in the same
//! run.
//!
//! Backends answer as soon as they can: no latency, no limit of calls, no faults. What is compared takes turns, round by
//! round, so that what else the machine does strikes all alike; what is told are medians.
//! Invariant: whatever is started is owned by one call, and is gone when it returns.

mod backends;
mod figures;
mod function;
mod looks;
pub mod peers;
mod queues;
mod server;
mod subject;
mod table;
#[cfg(test)]
mod tests;

pub use figures::Figure;
pub use function::Sample;
pub use peers::{Folders, Installed};
pub use queues::Rates;

use crate::up::UpError;
use crate::world::{Deployed, WorldError};
use backends::Backends;
use payments::UnixMs;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use subject::{Duties, Subject};
use tokio::sync::Notify;

/// Errors of a peer in all its rounds, before it is left out.
const REPEATS_MAX: u32 = 50;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The functions' binaries, beside peers.
    Functions,
    /// The embedded services, beside peers.
    Services,
}

/// A measurement to be made.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What of it.
    pub parts: Vec<Part>,
    /// The stack whose functions and queues are measured.
    pub deployed: Deployed,
    /// How often each is measured.
    pub runs: u32,
    /// The binaries of the consumer, of the responder, of the status function, and of a function without duties.
    pub binaries: [PathBuf; 4],
    /// Where the sources and the installations of peers are.
    pub folders: Folders,
    /// The peers that could be installed, and why the others could not.
    pub peers: BTreeMap<&'static str, Installed>,
    /// What time it is.
    pub now: UnixMs,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// How often.
    pub runs: u32,
    /// Of functions, a column each.
    pub functions: Vec<Column<Sample>>,
    /// Of services, a column each.
    pub services: Vec<Column<Rates>>,
}

/// What was measured of one of those that are compared.
#[derive(Clone, Debug, Serialize)]
pub struct Column<T> {
    /// Its name, with its version.
    pub name: String,
    /// Whether it is somebody else's.
    pub is_peer: bool,
    /// Bytes of what is deployed, unpacked, without the runtime that Lambda brings along.
    pub size_bytes: Option<u64>,
    /// Run by run.
    pub runs: Vec<T>,
    /// Why there are none.
    pub missing: Option<String>,
    /// Errors of a peer after which a call was made again, and the last of them.
    pub repeated: Option<(u32, String)>,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The template cannot be honoured.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The services cannot be served.
    #[error(transparent)]
    Up(#[from] UpError),
    /// One of ours does not do what it is measured at.
    #[error("{who}: {why}")]
    Fails {
        /// Which.
        who: String,
        /// What happened.
        why: String,
    },
    /// Somebody asked for the end.
    #[error("ended before it was done")]
    Ended,
}

/// Measures until all is measured or `stop` is rung. `told` hears how many of how many measurements are made, and which is
/// next.
///
/// # Errors
/// When one of ours cannot be measured; a peer's failure stands in its column.
pub fn bench(
    offer: &Offer,
    stop: &Notify,
    told: &mut dyn FnMut(u64, u64, &str),
) -> Result<Measured, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| BenchError::Up(UpError::System(error)))?;
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = stop.notified() => Err(BenchError::Ended),
            measured = offer.measure(told) => measured,
        }
    })
}

impl Offer {
    async fn measure(&self, told: &mut dyn FnMut(u64, u64, &str)) -> Result<Measured, BenchError> {
        let (mut functions, mut services) = (Vec::new(), Vec::new());
        for part in &self.parts {
            match part {
                Part::Functions => functions = self.functions(told).await?,
                Part::Services => services = queues::compare(self, told).await?,
            }
        }
        Ok(Measured { runs: self.runs, functions, services })
    }

    async fn functions(
        &self,
        told: &mut dyn FnMut(u64, u64, &str),
    ) -> Result<Vec<Column<Sample>>, BenchError> {
        // The same in every run: what the embedded DynamoDB has once asked its oracle, it does not ask again while
        // somebody waits. But payments would give the responder something to do.
        let (busy, idle) =
            (Backends::open(&self.deployed, self.now)?, Backends::open(&self.deployed, self.now)?);
        let subjects = Subject::all(self);
        let mut columns: Vec<Column<Sample>> = subjects.iter().map(Subject::column).collect();
        let whole = u64::from(self.runs) * subjects.len() as u64;
        let mut done = 0;
        for run in 0..self.runs {
            for (subject, column) in subjects.iter().zip(&mut columns) {
                told(done, whole, &subject.name);
                done += 1;
                if column.missing.is_some() {
                    continue;
                }
                let backends = match subject.duties {
                    Duties::Payments | Duties::Looks => &busy,
                    Duties::Turns | Duties::None => &idle,
                };
                match function::measure(subject, backends, run).await {
                    Ok(sample) => column.runs.push(sample),
                    Err(why) => column.fails(why)?,
                }
            }
        }
        Ok(columns)
    }
}

impl<T> Column<T> {
    /// One of ours that fails ends it all; a peer that fails is left out, and says why.
    fn fails(&mut self, why: String) -> Result<(), BenchError> {
        if !self.is_peer {
            return Err(BenchError::Fails { who: self.name.clone(), why });
        }
        self.runs.clear();
        self.missing = Some(why);
        Ok(())
    }

    /// Whether a call that was answered so is to be made again: a peer's is, a few times.
    fn repeats(&mut self, why: &str) -> bool {
        let so_far = self.repeated.as_ref().map_or(0, |(times, _)| *times);
        let again = self.is_peer && so_far < REPEATS_MAX;
        if again {
            self.repeated = Some((so_far + 1, why.to_owned()));
        }
        again
    }
}
