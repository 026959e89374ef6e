//! Experiments: what is sent, what goes wrong and what must come of it.
//!
//! Invariant: an `Experiment` can be run as it is; whatever was typed wrong was refused when it was read, with file,
//! line, field and what is accepted.

mod edge;
mod fault;
mod file;
mod idle;
mod overrides;
mod shipped;
mod typed;
mod wanted;
mod write;

pub use overrides::Overrides;
pub use shipped::{DEFAULT, SHIPPED, Shipped};
pub use typed::{FaultArgument, NotAccepted, duration_ms, fault, rate};
pub use wanted::{TTL_S, WantedFault, served};

use crate::cloud::cloudwatch::Past;
use crate::faults::Fault;
use crate::promises::Check;
use crate::turns::Seat;
use crate::workload::{Visits, Workload};
use payments::UnixMs;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// Name of the shipped experiment, or the file's without its extension.
    pub name: String,
    /// What a reader is told it is.
    pub title: String,
    /// Where its numbers come from, and which of them are borrowed or assumed.
    pub source: Option<String>,
    /// Seed of every draw, where nobody names another.
    pub seed: Option<u64>,
    /// The instant the virtual clock starts at.
    pub starts: UnixMs,
    /// What lies behind the stack by then.
    pub past: Past,
    /// What is sent.
    pub workload: Workload,
    /// Who comes to the edge; without anybody, there is none.
    pub edge: Option<Visits>,
    /// The order in which the first two invocations of the consumer have their effects, if they are put side by side.
    pub turns: Option<Vec<Seat>>,
    /// What goes wrong, in the order of the file.
    pub faults: Vec<Fault>,
    /// Parameters the template is deployed with, beside those the world gives.
    pub parameters: BTreeMap<String, String>,
    /// What the responder is told to do, in order of time.
    pub orders: Vec<Order>,
    /// What must come of it.
    pub expect: Expect,
    /// Ms the world gets, once everything was sent and no fault is left, until the run ends whatever there is left to do.
    pub drain_ms: u64,
}

/// What must come of an experiment, beside the promises that every run is held to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// How many payments come to the dead-letter queue, whatever becomes of them there.
    pub dead_letters: DeadLetters,
    /// Alarms that must fire, by their names in the template; no other may. Absent, it follows from what happens.
    pub alarms: Option<BTreeSet<String>>,
    /// Ms from the end of the last fault until what it left behind must be settled. Absent, it follows from the
    /// backlog.
    pub drained_within_ms: Option<u64>,
    /// Liveness checks it is not held to, because its faults may break them.
    pub excused: BTreeSet<Check>,
}

/// A command that a human gives the responder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// When, in ms since the start.
    pub at_ms: u64,
    /// What it is invoked with.
    pub command: String,
    /// And what beside it, by name.
    pub with: BTreeMap<String, Word>,
}

impl Order {
    /// What the responder is invoked with, signed as a human would sign it.
    #[must_use]
    pub fn payload(&self) -> Value {
        let Self { at_ms: _, command, with } = self;
        let mut payload = json!({ "command": command, "who": "on-call", "why": "the experiment says so" });
        for (name, value) in with {
            payload[name] = json!(value);
        }
        payload
    }
}

/// What an order says of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a text, true or false")]
pub enum Word {
    /// This text.
    Text(String),
    /// That it is, or is not so.
    Flag(bool),
}

/// How many payments an experiment dead-letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadLetters {
    /// At least one: an outage that dead-letters nothing proved nothing.
    Some,
    /// Not one.
    None,
    /// As many as there are.
    #[default]
    Any,
}

/// Why there is no experiment to run.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// There is no such experiment.
    #[error("unknown experiment {name}; accepted: {}, or the path of a .toml file", shipped::names())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the experiment {}: {source}; accepted: {}, or the path of a .toml file", .file.display(), shipped::names())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A field of the file is unknown, of the wrong type, or not TOML at all.
    #[error("{file}:{line}: {message}")]
    Malformed {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What the parser said, in one line.
        message: String,
    },
    /// A field holds something that makes no sense.
    #[error("{file}:{line}: {problem}")]
    NotAccepted {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The field, what it holds and what it may hold.
        problem: NotAccepted,
    },
}

impl Experiment {
    /// Finds an experiment by its shipped name or by path.
    ///
    /// # Errors
    /// When there is none of that name, or the file is not one.
    pub fn find(name_or_path: &str) -> Result<Self, ExperimentError> {
        if let Some(shipped) = SHIPPED.iter().find(|shipped| shipped.name == name_or_path) {
            return shipped.experiment();
        }
        let path = Path::new(name_or_path);
        if path.extension().is_none() && !path.exists() {
            return Err(ExperimentError::Unknown { name: name_or_path.to_owned() });
        }
        let text = std::fs::read_to_string(path)
            .map_err(|source| ExperimentError::Unreadable { file: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Reads the text of an experiment file. A workload's file is looked for beside `path`.
    ///
    /// # Errors
    /// When the text is not TOML or a field is unknown or holds something that makes no sense.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ExperimentError> {
        file::parse(path, text)
    }

    /// Ms from the start until no fault is left whose end is known; 0 without any.
    #[must_use]
    pub fn faults_end_ms(&self) -> u64 {
        let ends = self.faults.iter().map(|fault| fault.window.until_ms);
        ends.filter(|end| *end < u64::MAX).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;
