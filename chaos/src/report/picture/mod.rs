//! A run on one time axis: what went wrong, what came in, what moved money, what waited, who was told.
//!
//! The page draws it, and the terminal, each in as many columns as it has room for.
//! Invariant: everything is read off the evidence; what was not seen is not drawn, and nothing is left out in between.

mod axis;
mod series;
mod spark;

pub(crate) use axis::{Axis, Place};
pub(crate) use series::{Range, Series};
pub(super) use spark::sparkline;

use super::story;
use crate::checks::{Depths, Evidence};
use crate::faults::Tally;
use crate::journal::{AlarmChanged, Event, StateValue, TableEvent};
use crate::units::{counted, duration_ms};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// Phases in which a record of the responder has nothing to do.
const AT_REST: [&str; 4] = ["quiet", "resolved", "clear", "idle"];

/// A run, drawn.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) axis: Axis,
    /// A row for each kind of fault, in the order of the experiment.
    pub(crate) faults: Vec<Row>,
    /// Stretches in which anything went wrong on purpose.
    pub(crate) trouble: Vec<Span>,
    /// Messages that the source queue accepted.
    pub(crate) sent: Series,
    /// Movements of money.
    pub(crate) charged: Series,
    /// Messages in the source queue.
    pub(crate) queue: Series,
    /// Messages in its dead-letter queue.
    pub(crate) dead_letters: Series,
    /// Messages in quarantine.
    pub(crate) quarantine: Series,
    /// A row for each alarm that went off.
    pub(crate) alarms: Vec<Row>,
    /// The others.
    pub(crate) silent: BTreeSet<String>,
    /// A row for each record of the responder that had something to do.
    pub(crate) phases: Vec<Row>,
    /// When mails arrived.
    pub(crate) mails: Vec<UnixMs>,
}

/// Something that holds now and then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) note: String,
    pub(crate) spans: Vec<Span>,
}

/// From when until when, and what there was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: UnixMs,
    pub(crate) until: UnixMs,
    pub(crate) what: String,
}

impl Picture {
    /// Draws a run in at most so many columns.
    pub(crate) fn of(evidence: &Evidence<'_>, columns_max: u32) -> Self {
        let history = evidence.history;
        let axis = Axis::of(history, columns_max);
        let depths = Depths::of(evidence);
        let deep = |depth: fn(&Depths) -> u64| {
            Series::deep(&axis, depths.iter().map(|depths| (depths.at, depth(depths))))
        };
        let alarms = alarms(evidence);
        let went_off: BTreeSet<&str> = alarms.iter().map(|row| row.name.as_str()).collect();
        let silent = history.alerted.alarms.values().filter(|name| !went_off.contains(name.as_str()));
        let faults = faults(evidence);
        Self {
            axis,
            trouble: merged(&faults),
            sent: Series::counted(&axis, history.sent.iter().map(|sent| sent.at)),
            charged: Series::counted(&axis, history.book.iter().map(|movement| movement.at)),
            queue: deep(|depths| depths.source),
            dead_letters: deep(|depths| depths.dead_letters),
            quarantine: deep(|depths| depths.quarantine),
            silent: silent.cloned().collect(),
            phases: phases(evidence),
            mails: history.mails.iter().map(|mail| mail.at).collect(),
            faults,
            alarms,
        }
    }
}

impl Row {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), note: String::new(), spans: Vec::new() }
    }

    /// How long it held, all in all, ms.
    fn held_ms(&self) -> u64 {
        self.spans.iter().map(|span| u64::try_from(span.until.since_ms(span.from)).unwrap_or(0)).sum()
    }
}

/// A row for each kind and placement, with how often it fired.
fn faults(evidence: &Evidence<'_>) -> Vec<Row> {
    let history = evidence.history;
    let mut rows: Vec<(Row, u64)> = Vec::new();
    for Tally { fault, fired, .. } in &history.faults {
        let name = story::named(fault);
        let index = rows.iter().position(|(row, _)| row.name == name).unwrap_or_else(|| {
            rows.push((Row::new(&name), 0));
            rows.len() - 1
        });
        let (row, times) = &mut rows[index];
        *times += fired;
        let (from, until) = history.span(fault);
        if from < history.ended {
            let what = story::often(&fault.when);
            row.spans.push(Span { from, until: until.min(history.ended), what });
        }
    }
    let noted = |(mut row, times): (Row, u64)| {
        row.note = format!("fired {}", counted(times, "time"));
        row
    };
    rows.into_iter().map(noted).collect()
}

/// The stretches of all rows as one.
fn merged(rows: &[Row]) -> Vec<Span> {
    let mut spans: Vec<Span> = rows.iter().flat_map(|row| row.spans.iter().cloned()).collect();
    spans.sort_by_key(|span| (span.from, span.until));
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            Some(_) | None => merged.push(span),
        }
    }
    merged
}

fn alarms(evidence: &Evidence<'_>) -> Vec<Row> {
    let history = evidence.history;
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut since: BTreeMap<&str, UnixMs> = BTreeMap::new();
    for record in &history.records {
        let Event::Alarm(AlarmChanged { alarm, to, .. }) = &record.event else { continue };
        let name = history.alerted.alarms.get(alarm).unwrap_or(alarm).as_str();
        if *to == StateValue::Alarm {
            since.entry(name).or_insert(record.at);
        } else if let Some(from) = since.remove(name) {
            let row = rows.entry(name).or_insert_with(|| Row::new(name));
            row.spans.push(Span { from, until: record.at, what: format!("ALARM, then {to}") });
        }
    }
    for (name, from) in since {
        let row = rows.entry(name).or_insert_with(|| Row::new(name));
        row.spans.push(Span { from, until: history.ended, what: "ALARM until the end".to_owned() });
    }
    let noted = |mut row: Row| {
        let times = if row.spans.len() > 1 { format!(", {} times", row.spans.len()) } else { String::new() };
        row.note = format!("in alarm {}{times}", duration_ms(row.held_ms()));
        row
    };
    let mut rows: Vec<Row> = rows.into_values().map(noted).collect();
    rows.sort_by_key(|row| row.spans[0].from);
    rows
}

fn phases(evidence: &Evidence<'_>) -> Vec<Row> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for record in &evidence.history.records {
        let Event::Table(TableEvent::IncidentSaved { record: name, phase, .. }) = &record.event else {
            continue;
        };
        // An audit is no incident: what it finds is told of in mails.
        let name = match name.as_str() {
            "recovery" => "incident",
            "quarantine" => "quarantine, told",
            _ => continue,
        };
        let row = rows.entry(name).or_insert_with(|| Row::new(name));
        if let Some(last) = row.spans.last_mut() {
            if last.what == *phase {
                continue;
            }
            last.until = record.at;
        }
        row.spans.push(Span { from: record.at, until: evidence.history.ended, what: phase.clone() });
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    for row in &mut rows {
        row.spans.retain(|span| !AT_REST.contains(&span.what.as_str()) && !span.what.is_empty());
        row.note = format!("open {}", duration_ms(row.held_ms()));
    }
    rows.retain(|row| !row.spans.is_empty());
    rows
}
