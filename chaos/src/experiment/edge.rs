//! The `[edge]` of an experiment file: with one, the edge is deployed beside the stack, payments are handed in through it,
//! and people look at them there.
//!
//! Invariant: without it nobody comes, and no edge is there.

use super::ExperimentError;
use super::file::Source;
use super::typed::{self, NotAccepted};
use crate::random::Chance;
use crate::workload::Visits;
use serde::Deserialize;
use toml::Spanned;

/// Beyond this a run would take minutes to simulate a second.
const PER_SECOND_MAX: u32 = 100;
const PEOPLE_MAX: u32 = 100_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EdgeFile {
    impatient: Option<Spanned<f64>>,
    reloads_per_second: Option<Spanned<u32>>,
    reloading: Option<Spanned<String>>,
    again: Option<Spanned<String>>,
    shared: Option<Spanned<u32>>,
    shared_with: Option<Spanned<u32>>,
    forged_per_second: Option<Spanned<f64>>,
    keys_change: Option<Spanned<String>>,
}

impl EdgeFile {
    /// What it means.
    pub(super) fn meaning(&self, source: &Source<'_>) -> Result<Visits, ExperimentError> {
        let usual = Visits::default();
        let number = |field, most| {
            move |number: &u32| {
                let accepted = format!("1 to {most}");
                (1..=most)
                    .contains(number)
                    .then_some(*number)
                    .ok_or_else(|| NotAccepted::new(field, number, accepted))
            }
        };
        let length = |field| move |text: &String| typed::some_duration(field, text);
        let per_second = number("reloads_per_second", PER_SECOND_MAX);
        Ok(Visits {
            impatient: source.read(&self.impatient, usual.impatient, |share| {
                Chance::from_share(*share).ok_or_else(|| NotAccepted::new("impatient", share, "0 to 1"))
            })?,
            reloads_per_s: source.read(&self.reloads_per_second, usual.reloads_per_s, per_second)?,
            reloading_ms: source.read(&self.reloading, usual.reloading_ms, length("reloading"))?,
            again_ms: source.read(&self.again, usual.again_ms, length("again"))?,
            shared: source.read(&self.shared, usual.shared, number("shared", PEOPLE_MAX))?,
            shared_with: source.read(
                &self.shared_with,
                usual.shared_with,
                number("shared_with", PEOPLE_MAX),
            )?,
            forged_per_s_micros: source.read(&self.forged_per_second, usual.forged_per_s_micros, |rate| {
                typed::per_second_micros(*rate)
            })?,
            keys_change_at_ms: source.read(&self.keys_change, usual.keys_change_at_ms, |text| {
                typed::duration("keys_change", text).map(Some)
            })?,
        })
    }
}
