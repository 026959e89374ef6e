//! The experiments that come with the program.
//!
//! Invariant: every file in `chaos/experiments` is in this table, under its own name.

use super::{Experiment, ExperimentError};
use std::path::Path;

/// What a bare `run` runs.
pub const DEFAULT: &str = "outage-30m";

/// An experiment that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// The text of its file.
    pub text: &'static str,
}

/// Every shipped experiment, in the order they are listed in.
pub const SHIPPED: &[Shipped] = &[
    Shipped { name: "outage-30m", text: include_str!("../../experiments/outage-30m.toml") },
    Shipped { name: "brownout-30-percent", text: include_str!("../../experiments/brownout-30-percent.toml") },
    Shipped { name: "lost-answers", text: include_str!("../../experiments/lost-answers.toml") },
    Shipped { name: "stripe-2019-07-10", text: include_str!("../../experiments/stripe-2019-07-10.toml") },
    Shipped { name: "stripe-2015-12-17", text: include_str!("../../experiments/stripe-2015-12-17.toml") },
    Shipped { name: "stripe-2015-10-08", text: include_str!("../../experiments/stripe-2015-10-08.toml") },
    Shipped { name: "outage-6h", text: include_str!("../../experiments/outage-6h.toml") },
    Shipped { name: "second-outage", text: include_str!("../../experiments/second-outage.toml") },
    Shipped { name: "weekend-off", text: include_str!("../../experiments/weekend-off.toml") },
    Shipped { name: "five-days", text: include_str!("../../experiments/five-days.toml") },
    Shipped { name: "sns-gone-a-day", text: include_str!("../../experiments/sns-gone-a-day.toml") },
    Shipped { name: "outage-short", text: include_str!("../../experiments/outage-short.toml") },
    Shipped { name: "killed", text: include_str!("../../experiments/killed.toml") },
    Shipped { name: "flapping", text: include_str!("../../experiments/flapping.toml") },
    Shipped { name: "poison", text: include_str!("../../experiments/poison.toml") },
    Shipped { name: "stored-500s", text: include_str!("../../experiments/stored-500s.toml") },
    Shipped { name: "credentials-revoked", text: include_str!("../../experiments/credentials-revoked.toml") },
    Shipped { name: "confirms-refused", text: include_str!("../../experiments/confirms-refused.toml") },
    Shipped {
        name: "account-may-not-charge",
        text: include_str!("../../experiments/account-may-not-charge.toml"),
    },
    Shipped { name: "consumer-panics", text: include_str!("../../experiments/consumer-panics.toml") },
    Shipped { name: "ledger-throttled", text: include_str!("../../experiments/ledger-throttled.toml") },
    Shipped { name: "gray-failure", text: include_str!("../../experiments/gray-failure.toml") },
    Shipped { name: "duplicate-storm", text: include_str!("../../experiments/duplicate-storm.toml") },
    Shipped { name: "sale", text: include_str!("../../experiments/sale.toml") },
    Shipped {
        name: "quarantine-two-weeks",
        text: include_str!("../../experiments/quarantine-two-weeks.toml"),
    },
    Shipped { name: "outcomes", text: include_str!("../../experiments/outcomes.toml") },
    Shipped { name: "frenetic-reload", text: include_str!("../../experiments/frenetic-reload.toml") },
    Shipped { name: "status-origin-down", text: include_str!("../../experiments/status-origin-down.toml") },
    Shipped { name: "edge-under-attack", text: include_str!("../../experiments/edge-under-attack.toml") },
    Shipped { name: "second-witness", text: include_str!("../../experiments/second-witness.toml") },
    Shipped { name: "drill", text: include_str!("../../experiments/drill.toml") },
    Shipped { name: "steady", text: include_str!("../../experiments/steady.toml") },
];

impl Shipped {
    /// Reads it.
    ///
    /// # Errors
    /// As for any experiment; a test keeps every shipped one free of them.
    pub fn experiment(&self) -> Result<Experiment, ExperimentError> {
        Experiment::parse(Path::new(&format!("{}.toml", self.name)), self.text)
    }
}

pub(super) fn names() -> String {
    SHIPPED.iter().map(|shipped| shipped.name).collect::<Vec<_>>().join(", ")
}
