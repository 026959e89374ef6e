//! A `[[fault]]` of an experiment file.
//!
//! Invariant: a fault that was read can happen: its placement and operations are those of its kind, and a rate that
//! changes has a window to change in.

use super::ExperimentError;
use super::file::Source;
use super::typed::{self, NotAccepted};
use crate::faults::{Fault, Kind, Placement, Rate, Refusal, Scope, When, Window};
use crate::random::Chance;
use serde::Deserialize;
use std::collections::BTreeSet;
use toml::Spanned;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FaultFile {
    kind: Option<Spanned<String>>,
    placement: Option<Spanned<String>>,
    from: Option<Spanned<String>>,
    #[serde(rename = "for")]
    lasts: Option<Spanned<String>>,
    rate: Option<Spanned<RateFile>>,
    nth: Option<Spanned<Vec<u64>>>,
    hop: Option<Spanned<u64>>,
    status: Option<Spanned<u16>>,
    code: Option<Spanned<String>>,
    times: Option<Spanned<u64>>,
    operations: Option<Spanned<BTreeSet<String>>>,
    payments: BTreeSet<String>,
}

/// `0.3`, `{ ramp = [0.0, 1.0] }` or `{ step = [0.3, 0.9] }`.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a share, { ramp = [FROM, TO] } or { step = [SHARE, …] }")]
enum RateFile {
    Steady(f64),
    Changing(Changing),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Changing {
    Ramp([f64; 2]),
    Step(Vec<f64>),
}

impl FaultFile {
    /// What it means.
    pub(super) fn meaning(&self, source: &Source<'_>) -> Result<Fault, ExperimentError> {
        let kind = source.read(&self.kind, Kind::StripeUnavailable, |name| typed::kind(name))?;
        let window = self.window(source)?;
        Ok(Fault {
            kind,
            placement: self.placement(source, kind)?,
            window,
            scope: Scope { operations: self.operations(source, kind)?, payments: self.payments.clone() },
            when: self.when(source, kind, window)?,
            hop: source.read(&self.hop, None, |hop| match (kind, *hop) {
                (Kind::Crash | Kind::FunctionTimeout, 1..) | (Kind::OutOfMemory, 0..=2) => Ok(Some(*hop)),
                (Kind::Crash | Kind::FunctionTimeout, 0) => Err(NotAccepted::new("hop", hop, "1 or more")),
                (Kind::OutOfMemory, _) => Err(NotAccepted::new("hop", hop, "0 to 2 for out-of-memory")),
                _ => {
                    let accepted = "for crash, function-timeout and out-of-memory alone";
                    Err(NotAccepted::new("hop", hop, accepted))
                }
            })?,
            refusal: self.refusal(source, kind)?,
            times: source.read(&self.times, None, |times| typed::times(kind, *times).map(Some))?,
        })
    }

    /// A code without a status comes with 400, like most.
    fn refusal(&self, source: &Source<'_>, kind: Kind) -> Result<Option<Refusal>, ExperimentError> {
        let status = source.read(&self.status, None, |status| typed::status(kind, *status).map(Some))?;
        let code = source.read(&self.code, None, |code| typed::code(kind, code).map(Some))?;
        Ok(match (status, code) {
            (None, None) => None,
            (status, code) => Refusal::of(status.unwrap_or(400), code),
        })
    }

    fn window(&self, source: &Source<'_>) -> Result<Window, ExperimentError> {
        let from_ms = source.read(&self.from, 0, |text| typed::duration("from", text))?;
        let until_ms = source.read(&self.lasts, u64::MAX, |text| {
            typed::duration("for", text).map(|for_ms| from_ms + for_ms)
        })?;
        Ok(Window { from_ms, until_ms })
    }

    fn placement(&self, source: &Source<'_>, kind: Kind) -> Result<Option<Placement>, ExperimentError> {
        let default = kind.describe().placements.first().copied();
        source.read(&self.placement, default, |name| typed::placement(kind, name).map(Some))
    }

    fn operations(&self, source: &Source<'_>, kind: Kind) -> Result<BTreeSet<String>, ExperimentError> {
        let known = kind.describe().operations;
        source.read(&self.operations, BTreeSet::new(), |operations| {
            let unknown = operations.iter().find(|operation| !known.contains(&operation.as_str()));
            unknown.map_or_else(|| Ok(operations.clone()), |unknown| Err(no_such_operation(unknown, known)))
        })
    }

    fn when(&self, source: &Source<'_>, kind: Kind, window: Window) -> Result<When, ExperimentError> {
        let Some(nth) = &self.nth else {
            let rate = Rate::Steady(kind.default_chance());
            return source.read(&self.rate, rate, |rate| rate.meaning(window)).map(When::Rate);
        };
        if let Some(rate) = &self.rate {
            return source.spanned(rate, |_| Err(NotAccepted::new("rate", "beside nth", "one of rate, nth")));
        }
        source.spanned(nth, |nth| {
            let counted: BTreeSet<u64> = nth.iter().copied().collect();
            let good = !counted.is_empty() && !counted.contains(&0);
            good.then_some(When::Nth(counted))
                .ok_or_else(|| NotAccepted::new("nth", format!("{nth:?}"), "a list of numbers from 1"))
        })
    }
}

impl RateFile {
    fn meaning(&self, window: Window) -> Result<Rate, NotAccepted> {
        if let (Self::Changing(_), u64::MAX) = (self, window.until_ms) {
            return Err(NotAccepted::new("rate", "that changes", "one with `for`, the time it changes in"));
        }
        match self {
            Self::Steady(share) => chance(*share).map(Rate::Steady),
            Self::Changing(Changing::Ramp([from, to])) => Ok(Rate::Ramp(chance(*from)?, chance(*to)?)),
            Self::Changing(Changing::Step(steps)) if steps.is_empty() => {
                Err(NotAccepted::new("rate", "{ step = [] }", "at least one share"))
            }
            Self::Changing(Changing::Step(steps)) => {
                steps.iter().map(|share| chance(*share)).collect::<Result<_, _>>().map(Rate::Step)
            }
        }
    }
}

fn chance(share: f64) -> Result<Chance, NotAccepted> {
    Chance::from_share(share).ok_or_else(|| NotAccepted::new("rate", share, "0 to 1"))
}

pub(super) fn no_such_operation(unknown: &str, known: &[&str]) -> NotAccepted {
    let accepted = if known.is_empty() { "none for this kind".to_owned() } else { known.join(", ") };
    NotAccepted::new("operation", unknown, accepted)
}
