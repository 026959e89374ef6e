//! Why a command did not get as far as a verdict, and the line about it.
//!
//! Invariant: whose fault it is decides the exit code: that of whoever typed, or the harness's.

use super::{Exit, Surroundings, say};
use crate::world::WorldError;

/// Why a command did not get as far as a verdict.
#[derive(Debug)]
pub(super) enum Refusal {
    /// What was typed, or a file that was named, is wrong; the one line about it.
    Bad(String),
    /// The harness itself failed.
    Harness(String),
}

impl Refusal {
    pub(super) fn told(self, around: &mut Surroundings<'_>) -> Exit {
        let (text, exit) = match self {
            Self::Bad(text) => (text, Exit::BadInput),
            Self::Harness(text) => (text, Exit::Harness),
        };
        say(around.err, &format!("error: {text}\n"));
        exit
    }
}

impl From<WorldError> for Refusal {
    fn from(error: WorldError) -> Self {
        match error {
            WorldError::Template(_)
            | WorldError::Lacks { .. }
            | WorldError::NoSuchAlarm { .. }
            | WorldError::Workload(_)
            | WorldError::Target { .. }
            | WorldError::Cloud { .. } => Self::Bad(error.to_string()),
            WorldError::Interrupted(_) | WorldError::Harness(_) => Self::Harness(error.to_string()),
        }
    }
}
