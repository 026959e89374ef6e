//! The experiment file: from TOML to what it says, and from that to what it means.
//!
//! Invariant: every field has a default, and no field is read that is not listed here.

use super::edge::EdgeFile;
use super::fault::FaultFile;
use super::typed::{self, NotAccepted};
use super::{DeadLetters, Expect, Experiment, ExperimentError, Order, Word};
use crate::cloud::cloudwatch::Past;
use crate::faults::{Fault, Kind};
use crate::workload::{Pace, Payments, Workload};
use payments::UnixMs;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::Spanned;

/// Monday 2026-01-05T09:00:00Z: the start of a working week, for whoever reads the times of a run.
const STARTS: UnixMs = UnixMs(1_767_603_600_000);
const PAYMENTS: u32 = 2_000;
const PAYMENTS_MAX: u32 = 1_000_000;
const SPAN_MS: u64 = 2 * 3_600_000;
/// Survivors of an outage sit in visibility for up to 15 minutes, the backlog behind them is paced, and an incident is
/// over only after three calm turns. Far more than all that: whether it was in time is for a check to say.
const DRAIN_MS: u64 = 2 * 3_600_000;

/// What the parser says in the words of Rust, and in those of whoever writes the file.
const TOML_WORDS: [(&str, &str); 6] = [
    ("expected i64", "expected a whole number"),
    ("expected f64", "expected a number"),
    ("invalid type: map", "invalid type: table"),
    ("expected usize", "expected a whole number"),
    ("expected u64", "expected a whole number"),
    ("expected a sequence in `fault`", "expected a list of tables, [[fault]]"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExperimentFile {
    title: Option<String>,
    source: Option<String>,
    seed: Option<u64>,
    starts: Option<Spanned<String>>,
    past: Past,
    drain: Option<Spanned<String>>,
    turns: Option<Spanned<String>>,
    workload: WorkloadFile,
    edge: Option<EdgeFile>,
    parameters: BTreeMap<String, Parameter>,
    fault: Vec<FaultFile>,
    order: Vec<OrderFile>,
    expect: ExpectFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WorkloadFile {
    payments: Option<Spanned<i64>>,
    file: Option<Spanned<String>>,
    bodies: Option<Spanned<Vec<String>>>,
    per_second: Option<Spanned<f64>>,
    over: Option<Spanned<String>>,
    at: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderFile {
    at: Spanned<String>,
    command: Spanned<String>,
    #[serde(default)]
    with: BTreeMap<String, Word>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExpectFile {
    dead_letters: Option<DeadLetters>,
    alarms: Option<BTreeSet<String>>,
    drained_within: Option<Spanned<String>>,
    excused: Option<Spanned<BTreeSet<String>>>,
}

/// A template parameter, as the deployer would type it.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a whole number")]
enum Parameter {
    Text(String),
    Number(i64),
}

impl Parameter {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Reads `text`, the contents of `path`.
pub(super) fn parse(path: &Path, text: &str) -> Result<Experiment, ExperimentError> {
    let source = Source { path, text };
    let file = toml::from_str::<ExperimentFile>(text).map_err(|error| source.malformed(error))?;
    source.meaning(file)
}

/// Where a field was typed, for whoever has to mend it.
pub(super) struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn meaning(&self, file: ExperimentFile) -> Result<Experiment, ExperimentError> {
        let name = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let faults = file.fault.iter().map(|fault| fault.meaning(self)).collect::<Result<Vec<_>, _>>()?;
        let mut orders = file.order.iter().map(|order| self.order(order)).collect::<Result<Vec<_>, _>>()?;
        orders.sort_by_key(|order| order.at_ms);
        let dead_letters = file.expect.dead_letters.unwrap_or_else(|| expected(&faults));
        Ok(Experiment {
            title: file.title.unwrap_or_else(|| name.clone()),
            name,
            source: file.source,
            seed: file.seed,
            starts: self.read(&file.starts, STARTS, |text| typed::instant("starts", text))?,
            past: file.past,
            workload: self.workload(&file.workload)?,
            edge: file.edge.as_ref().map(|edge| edge.meaning(self)).transpose()?,
            turns: self.read(&file.turns, None, |text| typed::turns(text).map(Some))?,
            faults,
            orders,
            expect: Expect {
                dead_letters,
                alarms: file.expect.alarms,
                drained_within_ms: self.read(&file.expect.drained_within, None, |text| {
                    typed::duration("drained_within", text).map(Some)
                })?,
                excused: self.read(&file.expect.excused, BTreeSet::new(), typed::excused)?,
            },
            parameters: file.parameters.iter().map(|(name, value)| (name.clone(), value.text())).collect(),
            drain_ms: self.read(&file.drain, DRAIN_MS, |text| typed::duration("drain", text))?,
        })
    }

    fn order(&self, order: &OrderFile) -> Result<Order, ExperimentError> {
        let at_ms = self.spanned(&order.at, |text| typed::duration("at", text))?;
        self.spanned(&order.command, |command| {
            typed::order(Order { at_ms, command: command.clone(), with: order.with.clone() })
        })
    }

    fn workload(&self, workload: &WorkloadFile) -> Result<Workload, ExperimentError> {
        let payments = match (&workload.payments, &workload.file, &workload.bodies) {
            (None, None, None) => Payments::Generated(PAYMENTS),
            (Some(count), None, None) => Payments::Generated(self.spanned(count, |count| {
                let accepted = format!("1 to {PAYMENTS_MAX}");
                let number = u32::try_from(*count).ok().filter(|it| (1..=PAYMENTS_MAX).contains(it));
                number.ok_or_else(|| NotAccepted::new("payments", count, accepted))
            })?),
            (None, Some(file), None) => Payments::File(self.beside(file.get_ref())),
            (None, None, Some(bodies)) => Payments::Bodies(self.spanned(bodies, |bodies| {
                let some = (!bodies.is_empty()).then(|| bodies.clone());
                some.ok_or_else(|| NotAccepted::new("bodies", "[]", "at least one text"))
            })?),
            (_, Some(file), _) => return Err(self.one_of(file, "file", "payments, file, bodies")),
            (_, None, Some(bodies)) => return Err(self.one_of(bodies, "bodies", "payments, file, bodies")),
        };
        let pace = match (&workload.over, &workload.per_second, &workload.at) {
            (None, None, None) => Pace::Over { span_ms: SPAN_MS },
            (Some(over), None, None) => {
                Pace::Over { span_ms: self.spanned(over, |text| typed::duration("over", text))? }
            }
            (None, Some(rate), None) => {
                Pace::Rate { per_second_micros: self.spanned(rate, |rate| typed::per_second_micros(*rate))? }
            }
            (None, None, Some(at)) => Pace::At(self.spanned(at, |at| typed::instants("at", at))?),
            (Some(over), ..) => return Err(self.one_of(over, "over", "over, per_second, at")),
            (None, _, Some(at)) => return Err(self.one_of(at, "at", "over, per_second, at")),
        };
        Ok(Workload { payments, pace })
    }

    fn beside(&self, file: &str) -> std::path::PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(file)
    }

    /// What a field means, or its default.
    pub(super) fn read<T, M>(
        &self,
        field: &Option<Spanned<T>>,
        default: M,
        meaning: impl FnOnce(&T) -> Result<M, NotAccepted>,
    ) -> Result<M, ExperimentError> {
        field.as_ref().map_or(Ok(default), |field| self.spanned(field, meaning))
    }

    pub(super) fn spanned<T, M>(
        &self,
        field: &Spanned<T>,
        meaning: impl FnOnce(&T) -> Result<M, NotAccepted>,
    ) -> Result<M, ExperimentError> {
        meaning(field.get_ref()).map_err(|problem| ExperimentError::NotAccepted {
            file: self.path.display().to_string(),
            line: self.line(field.span().start),
            problem,
        })
    }

    fn one_of<T>(&self, field: &Spanned<T>, name: &'static str, accepted: &str) -> ExperimentError {
        ExperimentError::NotAccepted {
            file: self.path.display().to_string(),
            line: self.line(field.span().start),
            problem: NotAccepted::new(name, "beside another of its kind", format!("one of {accepted}")),
        }
    }

    fn malformed(&self, mut error: toml::de::Error) -> ExperimentError {
        let line = error.span().map_or(1, |span| self.line(span.start));
        // Without its input the error names the keys instead of drawing the line.
        error.set_input(None);
        let said = error.to_string().trim().replace('\n', " ");
        let message = TOML_WORDS.iter().fold(said, |text, (rust, toml)| text.replace(rust, toml));
        ExperimentError::Malformed { file: self.path.display().to_string(), line, message }
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }
}

/// An outage must leave dead letters, unless its author says otherwise.
fn expected(faults: &[Fault]) -> DeadLetters {
    let outage = faults.iter().any(|fault| fault.kind == Kind::StripeUnavailable);
    if outage { DeadLetters::Some } else { DeadLetters::Any }
}
