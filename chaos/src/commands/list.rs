//! `list`: what there is.
//!
//! Invariant: everything is read from the tables that run it, so nothing is listed that does not exist.

use super::arguments::{List, Listed};
use super::{Exit, Surroundings, say};
use crate::drills;
use crate::experiment::{DEFAULT, SHIPPED};
use crate::faults::{Description, Family, Kind};
use crate::promises::Check;
use crate::report::Paint;
use std::fmt::Write as _;

/// Lists what was asked for.
pub(super) fn list(wanted: &List, around: &mut Surroundings<'_>) -> Exit {
    let lists = match wanted.what {
        Some(what) => vec![listed(what, around.paint)],
        None => [Listed::Experiments, Listed::Drills, Listed::Faults, Listed::Checks]
            .into_iter()
            .map(|what| format!("{}\n{}", around.paint.bold(title(what)), listed(what, around.paint)))
            .collect(),
    };
    say(around.out, &lists.join("\n"));
    Exit::Passed
}

const fn title(what: Listed) -> &'static str {
    match what {
        Listed::Experiments => "Experiments",
        Listed::Drills => "Drills",
        Listed::Faults => "Faults",
        Listed::Checks => "Checks",
    }
}

fn listed(what: Listed, paint: Paint) -> String {
    match what {
        Listed::Experiments => experiments(paint),
        Listed::Drills => drills(paint),
        Listed::Faults => faults(paint),
        Listed::Checks => checks(paint),
    }
}

fn experiments(paint: Paint) -> String {
    let mut out = String::new();
    for shipped in SHIPPED {
        let default = if shipped.name == DEFAULT { " (the default)" } else { "" };
        // A test keeps every shipped experiment readable.
        let title = shipped.experiment().map(|experiment| experiment.title).unwrap_or_default();
        let _ = writeln!(out, "  {}  {title}{default}", paint.bold(&format!("{:<20}", shipped.name)));
    }
    out
}

fn drills(paint: Paint) -> String {
    let mut out = String::new();
    for drill in drills::ALL {
        // A test keeps every drill readable.
        let title = drill.experiment().map(|experiment| experiment.title).unwrap_or_default();
        let _ = writeln!(out, "  {}  {title}", paint.bold(&format!("{:<20}", drill.alarm)));
    }
    out
}

fn faults(paint: Paint) -> String {
    let of = |family: Family| Kind::ALL.into_iter().filter(move |kind| kind.describe().family == family);
    let group = |family: Family| {
        let rows: String = of(family).map(|kind| fault(&kind.describe(), paint)).collect();
        format!("  {}\n{rows}", paint.bold(&format!("{}:", family.name())))
    };
    Family::ALL.map(group).join("\n")
}

fn fault(row: &Description, paint: Paint) -> String {
    let mut out = format!("  {}  {}\n", paint.bold(&format!("{:<24}", row.name)), row.does);
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(out, "  {:<24}  {} {text}", "", paint.dim(&format!("{label}:")));
    };
    line("cause", row.cause);
    line("heals", row.heals);
    line("rate", &format!("{} by default", row.default_share));
    if let [_, _, ..] = row.placements {
        let names: Vec<&str> = row.placements.iter().map(|placement| placement.name()).collect();
        line("placement", &format!("{}; the first by default", names.join(", ")));
    }
    if let [_, ..] = row.operations {
        line("operations", &row.operations.join(", "));
    }
    out
}

fn checks(paint: Paint) -> String {
    let mut out = String::new();
    for check in Check::ALL {
        let name = paint.bold(&format!("{:<25}", check.name()));
        let _ = writeln!(out, "  {name}  {:<8}  {}", check.promise().name(), check.demands());
    }
    out
}
