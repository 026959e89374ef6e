//! A stack that was deployed, on AWS or on whatever speaks like it, under an experiment.
//!
//! It is driven through the AWS CLI, as a person would: credentials, profiles and endpoints are its business. What goes
//! wrong is set in the fake Stripe that the stack was deployed against. A run watches from outside, undoes whatever it
//! changed, and hands over a history as every run does; the checks are the same.
//! Invariant: what cannot be seen from outside is known before the run begins, and is never taken for good.

mod change;
mod cli;
mod cost;
mod ground;
mod history;
mod lines;
mod look;
mod mailbox;
mod plan;
mod seen;
mod stack;
mod stripe;
#[cfg(test)]
mod tests;
mod watch;
mod witness;

pub use cli::{Cli, CliError};
pub use plan::{Plan, Wanted};
pub use watch::{Ended, run};

use crate::serve::RemoteError;
use payments::UnixMs;

/// From one look at the stack to the next, ms. Each call of the CLI costs more than half a second of processor time.
pub const LOOK_MS: u64 = 15_000;

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum DeployedError {
    /// Nothing was changed, because something is not as it must be.
    #[error("{0}")]
    Refused(String),
    /// The AWS CLI did not do what it was asked.
    #[error(transparent)]
    Cli(#[from] CliError),
    /// Nor did the fake Stripe.
    #[error(transparent)]
    Stripe(#[from] RemoteError),
    /// Somebody ended it.
    #[error("it was interrupted")]
    Interrupted,
}

/// Real time, for whoever waits in it.
pub struct Time<'a> {
    /// What time it is.
    pub now: &'a dyn Fn() -> UnixMs,
    /// Lets so many ms pass.
    pub wait: &'a dyn Fn(u64),
    /// Whether somebody has asked for the end.
    pub interrupted: &'a dyn Fn() -> bool,
}
