//! An experiment as a file: what was drawn or shrunk, written down so that it can be run again by itself.
//!
//! Invariant: what is written is read as the same experiment, but for its name, which is the file's.

use super::{DeadLetters, Experiment, Word};
use crate::cloud::cloudwatch::Past;
use crate::faults::{Fault, Rate, Refusal, When};
use crate::random::Chance;
use crate::units;
use crate::workload::{Pace, Payments, Visits};
use std::fmt::{self, Write as _};
use toml::Value;

/// Units a length of time is written in, the longest first, in ms.
const UNITS_MS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Experiment {
    /// The text of a file that holds it.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "title = {}", text(&self.title))?;
        if let Some(source) = &self.source {
            writeln!(out, "source = {}", text(source))?;
        }
        if let Some(seed) = self.seed {
            writeln!(out, "seed = {seed}")?;
        }
        writeln!(out, "starts = {}", text(&units::instant(self.starts)))?;
        match self.past {
            Past::Idle => {}
            Past::New => writeln!(out, "past = \"new\"")?,
        }
        writeln!(out, "drain = {}", length(self.drain_ms))?;
        if let Some(turns) = &self.turns {
            writeln!(out, "turns = {}", text(&turns.iter().map(|seat| seat.digit()).collect::<String>()))?;
        }
        self.write_workload(out)?;
        if let Some(edge) = &self.edge {
            write_edge(edge, out)?;
        }
        if !self.parameters.is_empty() {
            writeln!(out, "\n[parameters]")?;
            for (name, value) in &self.parameters {
                writeln!(out, "{name} = {}", text(value))?;
            }
        }
        for fault in &self.faults {
            write_fault(fault, out)?;
        }
        for order in &self.orders {
            writeln!(out, "\n[[order]]\nat = {}\ncommand = {}", length(order.at_ms), text(&order.command))?;
            for (name, value) in &order.with {
                let value = match value {
                    Word::Text(value) => text(value),
                    Word::Flag(is_so) => is_so.to_string(),
                };
                writeln!(out, "with.{name} = {value}")?;
            }
        }
        self.write_expectations(out)
    }

    fn write_workload(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\n[workload]")?;
        match &self.workload.payments {
            Payments::Generated(count) => writeln!(out, "payments = {count}")?,
            Payments::File(path) => writeln!(out, "file = {}", text(&path.display().to_string()))?,
            Payments::Bodies(bodies) => {
                writeln!(out, "bodies = [")?;
                for body in bodies {
                    writeln!(out, "    {},", text(body))?;
                }
                writeln!(out, "]")?;
            }
        }
        match &self.workload.pace {
            Pace::Over { span_ms } => writeln!(out, "over = {}", length(*span_ms)),
            Pace::Rate { per_second_micros } => {
                writeln!(out, "per_second = {}", millionths(*per_second_micros))
            }
            Pace::At(times) => writeln!(out, "at = {}", list(times.iter().map(|ms| length(*ms)))),
        }
    }

    fn write_expectations(&self, out: &mut String) -> fmt::Result {
        let dead_letters = match self.expect.dead_letters {
            DeadLetters::Some => "some",
            DeadLetters::None => "none",
            DeadLetters::Any => "any",
        };
        writeln!(out, "\n[expect]\ndead_letters = {}", text(dead_letters))?;
        if let Some(alarms) = &self.expect.alarms {
            writeln!(out, "alarms = {}", texts(alarms))?;
        }
        if let Some(within_ms) = self.expect.drained_within_ms {
            writeln!(out, "drained_within = {}", length(within_ms))?;
        }
        if !self.expect.excused.is_empty() {
            writeln!(out, "excused = {}", list(self.expect.excused.iter().map(|check| text(check.name()))))?;
        }
        Ok(())
    }
}

fn write_edge(edge: &Visits, out: &mut String) -> fmt::Result {
    writeln!(out, "\n[edge]\nimpatient = {}", millionths(u64::from(edge.impatient.ppm())))?;
    writeln!(out, "reloads_per_second = {}", edge.reloads_per_s)?;
    writeln!(out, "reloading = {}", length(edge.reloading_ms))?;
    writeln!(out, "again = {}", length(edge.again_ms))?;
    if edge.shared > 0 {
        writeln!(out, "shared = {}\nshared_with = {}", edge.shared, edge.shared_with)?;
    }
    if edge.forged_per_s_micros > 0 {
        writeln!(out, "forged_per_second = {}", millionths(edge.forged_per_s_micros))?;
    }
    if let Some(at_ms) = edge.keys_change_at_ms {
        writeln!(out, "keys_change = {}", length(at_ms))?;
    }
    Ok(())
}

fn write_fault(fault: &Fault, out: &mut String) -> fmt::Result {
    let Fault { kind, placement, window, scope, when, hop, refusal, times } = fault;
    writeln!(out, "\n[[fault]]\nkind = {}", text(kind.name()))?;
    if let Some(placement) = placement {
        writeln!(out, "placement = {}", text(placement.name()))?;
    }
    if window.from_ms > 0 {
        writeln!(out, "from = {}", length(window.from_ms))?;
    }
    if window.until_ms < u64::MAX {
        writeln!(out, "for = {}", length(window.length_ms()))?;
    }
    match when {
        When::Rate(rate) => writeln!(out, "rate = {}", rated(rate))?,
        When::Nth(nth) => writeln!(out, "nth = {}", list(nth.iter().map(u64::to_string)))?,
    }
    if let Some(hop) = hop {
        writeln!(out, "hop = {hop}")?;
    }
    if let Some(refusal) = refusal {
        writeln!(out, "status = {}", refusal.status())?;
    }
    if let Some(code) = refusal.and_then(Refusal::code) {
        writeln!(out, "code = {}", text(code))?;
    }
    if let Some(times) = times {
        writeln!(out, "times = {times}")?;
    }
    if !scope.operations.is_empty() {
        writeln!(out, "operations = {}", texts(&scope.operations))?;
    }
    if !scope.payments.is_empty() {
        writeln!(out, "payments = {}", texts(&scope.payments))?;
    }
    Ok(())
}

fn rated(rate: &Rate) -> String {
    let share = |chance: &Chance| millionths(u64::from(chance.ppm()));
    match rate {
        Rate::Steady(chance) => share(chance),
        Rate::Ramp(from, to) => format!("{{ ramp = {} }}", list([from, to].map(share).into_iter())),
        Rate::Step(steps) => format!("{{ step = {} }}", list(steps.iter().map(share))),
    }
}

/// So many millionths, exactly: `0.35`.
fn millionths(number: u64) -> String {
    let digits = format!("{}.{:06}", number / 1_000_000, number % 1_000_000);
    let short = digits.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

/// `"1h 30m"`; nothing is lost.
fn length(ms: u64) -> String {
    let mut left = ms;
    let mut out = String::new();
    for (unit, unit_ms) in UNITS_MS {
        if left >= unit_ms {
            let _ = write!(out, "{}{}{unit}", if out.is_empty() { "" } else { " " }, left / unit_ms);
            left %= unit_ms;
        }
    }
    text(if out.is_empty() { "0s" } else { &out })
}

fn text(value: &str) -> String {
    Value::String(value.to_owned()).to_string()
}

fn texts<'a>(values: impl IntoIterator<Item = &'a String>) -> String {
    list(values.into_iter().map(|value| text(value)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::SHIPPED;
    use super::*;
    use crate::search;
    use std::path::Path;

    fn reread(experiment: &Experiment) -> Experiment {
        let (file, text) = (format!("{}.toml", experiment.name), experiment.to_toml());
        Experiment::parse(Path::new(&file), &text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let shipped = SHIPPED.iter().map(|shipped| shipped.experiment().expect("it is good"));
        for experiment in shipped.chain((0..300).map(search::experiment)) {
            assert_eq!(reread(&experiment), experiment);
        }
    }

    #[test]
    fn every_field_finds_its_way_into_the_file() {
        let text = r#"
            title = "It's \"all\" here"
            source = '''two
lines'''
            seed = 18446744073709551615
            starts = "2019-07-10T16:00:00Z"
            drain = "90s"
            turns = "1221"
            workload = { bodies = ['{"a":"\u00e9"}', 'PYMT_FAILED', "\t\u0000"], at = ["0s", "1m 2s 3ms", "336h"] }
            parameters = { AutoRedrive = "off" }
            past = "new"
            order = [{ at = "5m", command = "release", with = { reason = "refused" } }]
            [[fault]]
            kind = "crash"
            from = "1ms"
            for = "1h"
            nth = [3, 1]
            hop = 7
            operations = ["consumer"]
            payments = ["order-1"]
            [[fault]]
            kind = "stripe-refusing"
            status = 402
            code = "testmode_charges_only"
            [[fault]]
            kind = "stripe-slow"
            times = 25
            [expect]
            dead_letters = "none"
            alarms = []
            drained_within = "30m"
            excused = ["drained"]
        "#;
        let experiment = Experiment::parse(Path::new("whole.toml"), text).expect("it is good");
        assert_eq!(reread(&experiment), experiment);
    }
}
