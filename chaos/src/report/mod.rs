//! The report: what a run was like, what came of it, and whether that is good.
//!
//! Everything is made from evidence and judgement, after the run; while it runs there is a bar.
//! Invariant: the same run is reported in the same words; only the line about wall time differs.

pub mod bar;
mod diff;
mod edge;
mod events;
mod figures;
mod files;
mod incident;
mod junit;
mod mail;
mod marks;
mod methods;
mod page;
mod paint;
mod picture;
mod story;
mod subject;
#[cfg(test)]
mod tests;

pub use diff::{Summary, compared};
pub use edge::Edge;
pub use figures::{Figures, Incident, Outage};
pub use files::{Files, Page, write};
pub use marks::Marks;
pub use methods::UnknownMethods;
pub use paint::Paint;

use crate::checks::{Evidence, Judgement, Outcome, Verdict};
use crate::promises::Check;
use crate::units::{count, counted, day, duration_ms, instant_of_day, ratio, time_of_day};
use crate::world::Target;
use std::fmt::Write as _;
use std::time::Duration;

/// Which mails are shown whole. Their subjects are in the story in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mails {
    /// The first about an incident: the one that wakes somebody.
    First,
    /// All.
    All,
}

/// Everything that is said about one run.
#[derive(Debug)]
pub struct Report<'a> {
    /// The run.
    pub evidence: &'a Evidence<'a>,
    /// What the checks say of it.
    pub judgement: &'a Judgement,
    /// Its figures.
    pub figures: &'a Figures,
    /// Which mails are shown whole.
    pub mails: Mails,
    /// The command line that runs it again.
    pub replay: &'a str,
}

impl Report<'_> {
    /// The text for people; `wall` is how long the run took.
    #[must_use]
    pub fn text(&self, paint: Paint, wall: Duration) -> String {
        let mut out = String::new();
        self.heading(&mut out, paint);
        self.story(&mut out, paint);
        self.picture(&mut out, paint);
        self.mails(&mut out, paint);
        self.figures(&mut out, paint, wall);
        self.verdicts(&mut out, paint);
        out.push_str(&failure(self.evidence, self.judgement, paint));
        out
    }

    /// The verdict in one line, and how to get it again.
    #[must_use]
    pub fn conclusion(&self, paint: Paint) -> String {
        let verdict = match self.judgement.outcome() {
            Outcome::Passed => paint.green("PASS"),
            Outcome::Unsafe => paint.red("FAIL, a safety check"),
            Outcome::Stuck => paint.red("FAIL, a liveness check"),
            Outcome::Inconclusive => paint.yellow("INCONCLUSIVE"),
        };
        format!("{}{verdict}  seed {}; again: {}\n", self.unseen(), self.evidence.history.seed, self.replay)
    }

    /// Whether the verdict is about everything, and what it is not about; empty where everything was seen.
    fn unseen(&self) -> String {
        let unseen: Vec<&str> = self.judgement.unseen().map(Check::name).collect();
        if unseen.is_empty() {
            return String::new();
        }
        let passed =
            self.judgement.verdicts().iter().filter(|(_, verdict)| matches!(verdict, Verdict::Pass(_)));
        let (passed, others) = (counted(passed.count() as u64, "check"), count(unseen.len() as u64));
        format!(
            "{passed} passed; {others} cannot be judged here, by what can be seen: {}\n",
            unseen.join(", ")
        )
    }

    fn heading(&self, out: &mut String, paint: Paint) {
        let experiment = &self.evidence.history.experiment;
        let seed = self.evidence.history.seed;
        line(out, &format!("{} ({}, seed {seed})", paint.bold(&experiment.title), experiment.name));
        if let Some(source) = &experiment.source {
            line(out, &paint.dim(source.trim()));
        }
    }

    fn story(&self, out: &mut String, paint: Paint) {
        let began = self.evidence.history.began;
        let time = match self.evidence.history.target {
            Target::Simulated => "simulated time",
            Target::Local => "real time",
            Target::Deployed => "real time, as seen from outside",
        };
        section(out, paint, &format!("What happened, in {time} ({}, UTC)", day(began)));
        for told in story::of(self.evidence) {
            let at = time_of_day(told.at, began);
            line(out, &format!("  {}  {}", paint.dim(&at), told.text));
        }
    }

    /// A sketch of the page's picture, for whoever sits at a terminal.
    fn picture(&self, out: &mut String, paint: Paint) {
        let (title, lines) = picture::sparkline(self.evidence, paint);
        section(out, paint, &title);
        lines.iter().for_each(|text| line(out, text));
    }

    fn mails(&self, out: &mut String, paint: Paint) {
        let mails = &self.evidence.history.mails;
        let opened = self.evidence.letters.of_record("recovery").find_map(|told| told.published);
        let first = mails.iter().position(|mail| opened.is_none_or(|opened| mail.at >= opened));
        let shown = match (self.mails, first) {
            (Mails::First, Some(first)) => &mails[first..=first],
            (Mails::First, None) | (Mails::All, _) => mails.as_slice(),
        };
        for mail in shown {
            let at = instant_of_day(mail.at, self.evidence.history.began);
            section(out, paint, &format!("Mail to {}, {at}", mail.to));
            line(out, &format!("  {}", paint.bold(&mail.subject)));
            line(out, "");
            for text in mail.body.lines() {
                line(out, format!("  {text}").trim_end());
            }
        }
    }

    fn figures(&self, out: &mut String, paint: Paint, wall: Duration) {
        section(out, paint, "Figures");
        for (name, text) in self.figures.lines() {
            line(out, &format!("  {}  {text}", paint.dim(&format!("{name:<10}"))));
        }
        let simulated_ms = self.figures.simulated_ms;
        if self.evidence.history.target != Target::Simulated {
            let took = duration_ms(simulated_ms);
            return line(out, &format!("  {}  {took}, in real time", paint.dim(&format!("{:<10}", "time"))));
        }
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        let text = format!(
            "{} simulated in {}.{:02} s, {} to 1",
            duration_ms(simulated_ms),
            wall_ms / 1_000,
            wall_ms % 1_000 / 10,
            count(ratio(simulated_ms, wall_ms)),
        );
        line(out, &format!("  {}  {text}", paint.dim(&format!("{:<10}", "time"))));
    }

    fn verdicts(&self, out: &mut String, paint: Paint) {
        section(out, paint, "Checks");
        let width = self.judgement.verdicts().iter().map(|(check, _)| check.name().len()).max().unwrap_or(0);
        for (check, verdict) in self.judgement.verdicts() {
            let name = format!("{:<12}", verdict.name());
            let (name, detail) = match verdict {
                Verdict::Pass(counted) => (paint.green(&name), counted.clone()),
                Verdict::Fail(findings) => {
                    (paint.red(&name), findings_in_short(findings.len(), check.demands()))
                }
                Verdict::Inconclusive(why) => (paint.yellow(&name), why.clone()),
            };
            line(out, &format!("  {name}  {:<width$}  {detail}", check.name()));
        }
        let excused = &self.evidence.history.experiment.expect.excused;
        for check in excused {
            line(out, &paint.dim(&format!("  {:<12}  {check}", "excused")));
        }
        out.push('\n');
    }
}

/// The shortest story of what went wrong to whom, among the findings of the gravest check that failed; empty when none
/// did.
#[must_use]
pub fn failure(evidence: &Evidence<'_>, judgement: &Judgement, paint: Paint) -> String {
    let mut out = String::new();
    let Some((gravest, _)) = judgement.findings().next() else { return out };
    let of_it = judgement.findings().filter(|(check, _)| *check == gravest);
    let others = of_it.clone().count() as u64 - 1;
    let told = of_it.map(|(_, finding)| (subject::story(evidence, &finding.subject), finding));
    let Some((lines, finding)) = told.min_by_key(|(lines, _)| (lines.is_empty(), lines.len())) else {
        return out;
    };
    let whom = subject::name(&finding.subject);
    line(&mut out, &paint.bold(&format!("{}: {whom}: {}", gravest.name(), finding.what)));
    let began = evidence.history.began;
    for told in subject::shortened(lines) {
        line(&mut out, &format!("  {}  {}", paint.dim(&instant_of_day(told.at, began)), told.text));
    }
    if others > 0 {
        line(&mut out, &paint.dim(&format!("  {} more like it; summary.json names them", count(others))));
    }
    out.push('\n');
    out
}

fn findings_in_short(findings: usize, demands: &str) -> String {
    let times = if findings == 1 { "once".to_owned() } else { format!("{} times", count(findings as u64)) };
    format!("broken {times}: {demands}")
}

fn section(out: &mut String, paint: Paint, title: &str) {
    let _ = writeln!(out, "\n{}", paint.bold(title));
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}
