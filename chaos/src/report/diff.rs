//! Two runs side by side, from the summaries that they left: what was counted, and when what matters first happened.
//!
//! Invariant: nothing is judged again; what one of them does not say is a dash, never a 0.

use super::{Marks, Paint};
use crate::units::{count, duration_ms};
use serde::Deserialize;
use std::fmt::Write as _;

/// What is in the place of what a summary does not say.
const NOTHING: &str = "-";

/// A run's summary, as far as it is compared.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    experiment: String,
    title: String,
    target: String,
    seed: u64,
    outcome: String,
    figures: Counts,
    marks: Marks,
    checks: Vec<Checked>,
}

#[derive(Clone, Debug, Deserialize)]
struct Counts {
    messages: u64,
    succeeded: u64,
    declined: u64,
    quarantined: u64,
    dead_lettered: u64,
    queued: u64,
    lost: u64,
    charges: u64,
    charged_twice: u64,
    #[serde(default)]
    stripe_calls: std::collections::BTreeMap<String, u64>,
    incident: Option<Incident>,
}

#[derive(Clone, Debug, Deserialize)]
struct Incident {
    mails: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Checked {
    check: String,
    verdict: String,
    #[serde(default)]
    unseen: bool,
}

/// A line of the table: what it is about, what each says, and by how much the second differs.
type Row = [String; 4];

/// The table, and what else differs.
#[must_use]
pub fn compared(a: &Summary, b: &Summary, paint: Paint) -> String {
    let mut out = format!("{} ({})\n", paint.bold(&a.title), a.experiment);
    if a.experiment != b.experiment {
        let _ = writeln!(
            out,
            "note: A is {}, and B is {}: what differs may be due to that",
            a.experiment, b.experiment
        );
    }
    let head = [String::new(), heading("A", a), heading("B", b), "B - A".to_owned()];
    let outcome = [("outcome".to_owned()), a.outcome.clone(), b.outcome.clone(), String::new()];
    let counts = a.figures.named().into_iter().zip(b.figures.named());
    let counts: Vec<Row> = counts.map(|((name, a), (_, b))| counted(name, a, b)).collect();
    let marks = a.marks.named().into_iter().zip(b.marks.named());
    let marks: Vec<Row> = marks.map(|((name, a), (_, b))| marked(name, a, b)).collect();
    let checks = differing(a, b);
    let rows: Vec<&Row> = [&head, &outcome].into_iter().chain(&counts).chain(&marks).chain(&checks).collect();
    let widths = [0, 1, 2, 3].map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    let mut section = |title: &str, rows: &[Row]| {
        if !rows.is_empty() {
            let _ = writeln!(out, "\n{}", paint.bold(title));
            rows.iter().for_each(|row| out.push_str(&line(row, widths)));
        }
    };
    section("Runs", &[head, outcome]);
    section("Counts", &counts);
    section("Marks, since the beginning", &marks);
    section("Checks that say something else", &checks);
    for (name, run) in [("A", a), ("B", b)] {
        let unseen: Vec<&str> =
            run.checks.iter().filter(|it| it.unseen).map(|it| it.check.as_str()).collect();
        if !unseen.is_empty() {
            let checks = crate::units::counted(unseen.len() as u64, "check");
            let _ = writeln!(out, "\n{checks} cannot be judged in {name}: {}", unseen.join(", "));
        }
    }
    out
}

fn heading(name: &str, run: &Summary) -> String {
    format!("{name}: {}, seed {}", run.target, run.seed)
}

impl Counts {
    fn named(&self) -> [(&'static str, Option<u64>); 11] {
        [
            ("sent", Some(self.messages)),
            ("succeeded", Some(self.succeeded)),
            ("declined", Some(self.declined)),
            ("quarantined", Some(self.quarantined)),
            ("dead-lettered at the end", Some(self.dead_lettered)),
            ("still queued", Some(self.queued)),
            ("lost", Some(self.lost)),
            ("charges", Some(self.charges)),
            ("charged twice", Some(self.charged_twice)),
            ("mails", Some(self.incident.as_ref().map_or(0, |incident| incident.mails))),
            ("calls to Stripe", Some(self.stripe_calls.values().sum()).filter(|calls| *calls > 0)),
        ]
    }
}

fn counted(name: &str, a: Option<u64>, b: Option<u64>) -> Row {
    row(name, a, b, count)
}

fn marked(name: &str, a: Option<u64>, b: Option<u64>) -> Row {
    row(name, a, b, duration_ms)
}

fn row(name: &str, a: Option<u64>, b: Option<u64>, told: fn(u64) -> String) -> Row {
    let said = |value: Option<u64>| value.map_or_else(|| NOTHING.to_owned(), told);
    let differs = a.zip(b).map(|(a, b)| match b.checked_sub(a) {
        Some(0) => String::new(),
        Some(more) => format!("+{}", told(more)),
        None => format!("-{}", told(a - b)),
    });
    [name.to_owned(), said(a), said(b), differs.unwrap_or_default()]
}

/// Checks of which the two do not say the same; one that a run was excused from says nothing.
fn differing(a: &Summary, b: &Summary) -> Vec<Row> {
    let verdict = |of: &Summary, check: &str| {
        let said = of.checks.iter().find(|it| it.check == check);
        said.map_or_else(|| NOTHING.to_owned(), |it| it.verdict.clone())
    };
    let only_in_b = b.checks.iter().filter(|it| a.checks.iter().all(|other| other.check != it.check));
    let both = a
        .checks
        .iter()
        .chain(only_in_b)
        .map(|it| [it.check.clone(), verdict(a, &it.check), verdict(b, &it.check), String::new()]);
    let is_seen = |check: &str| {
        let mut of_both = a.checks.iter().chain(&b.checks);
        !of_both.any(|it| it.check == check && it.unseen)
    };
    both.filter(|[check, a, b, _]| a != b && is_seen(check)).collect()
}

fn line(row: &Row, widths: [usize; 4]) -> String {
    let [name, a, b, differs] = row;
    let [first, second, third, fourth] = widths;
    let line = format!("  {name:<first$}  {a:>second$}  {b:>third$}  {differs:>fourth$}");
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn summary(change: impl FnOnce(&mut Value)) -> Summary {
        let mut summary = json!({
            "experiment": "outage-30m", "title": "Stripe is gone for half an hour", "target": "sim", "seed": 1,
            "outcome": "pass", "began": "2026-01-05T09:00:00.000Z", "ended": "2026-01-05T11:00:00.000Z",
            "figures": {
                "messages": 2000, "succeeded": 2000, "declined": 0, "quarantined": 0, "dead_lettered": 0, "queued": 0,
                "lost": 0, "charges": 2000, "charged_twice": 0, "stripe_calls": {"create": 2000, "confirm": 2010},
                "incident": {"mails": 4},
            },
            "marks": {"first_dead_letter_ms": 1_975_000, "alarm_ms": 2_100_000, "mail_ms": 2_025_000,
                      "canary_ms": 3_705_000, "drained_ms": 3_835_000},
            "checks": [
                {"check": "nothing-lost", "promise": "safety", "verdict": "pass"},
                {"check": "drained", "promise": "liveness", "verdict": "pass"},
            ],
        });
        change(&mut summary);
        serde_json::from_value(summary).expect("it is a summary")
    }

    #[test]
    fn two_runs_are_laid_side_by_side() {
        let (a, b) = (
            summary(|_| {}),
            summary(|it| {
                (it["target"], it["outcome"]) = (json!("aws"), json!("fail-liveness"));
                (it["figures"]["succeeded"], it["figures"]["dead_lettered"]) = (json!(1998), json!(2));
                (it["figures"]["incident"], it["figures"]["stripe_calls"]) = (Value::Null, json!({}));
                it["marks"] = json!({"first_dead_letter_ms": 1_990_000, "alarm_ms": null, "mail_ms": 2_020_500,
                                 "canary_ms": 3_705_000, "drained_ms": null});
                it["checks"][1]["verdict"] = json!("fail");
                let only_here =
                    json!({"check": "no-redrive-into-outage", "promise": "safety", "verdict": "pass"});
                let blind = json!({"check": "nothing-denied", "promise": "liveness", "verdict": "inconclusive", "unseen": true});
                it["checks"].as_array_mut().expect("a list").extend([only_here, blind]);
            }),
        );
        insta::assert_snapshot!(compared(&a, &b, Paint::Plain));
        let alone = compared(&a, &a, Paint::Plain);
        assert!(!alone.contains("Checks that say something else") && !alone.contains('+'), "{alone}");
    }

    #[test]
    fn runs_of_different_experiments_are_compared_with_a_word_of_it() {
        let (a, b) = (summary(|_| {}), summary(|it| it["experiment"] = json!("steady")));
        let said = compared(&a, &b, Paint::Plain);
        assert!(said.contains("note: A is outage-30m, and B is steady"), "{said}");
    }
}
