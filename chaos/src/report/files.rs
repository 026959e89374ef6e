//! The files a run leaves: `journal.jsonl`, every event, `summary.json`, what it came to, `junit.xml`, the checks,
//! `report.html`, all of it to look at, and `mails`, a file each.
//!
//! Invariant: same experiment and seed, same bytes in all: none holds a wall-clock value or a path.

use super::{Figures, Marks, Report, junit, mail, page};
use crate::checks::{Finding, Outcome, Subject, Verdict};
use crate::faults::{Placement, Tally, When};
use crate::journal::Event;
use crate::random::Chance;
use crate::units;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Where the files of a run are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Every event, a JSON object a line, in order.
    pub journal: PathBuf,
    /// Figures, verdicts, faults.
    pub summary: PathBuf,
    /// A case for each check. Always there: a file that is only there when something failed cannot be told from a run that
    /// never was.
    pub junit: PathBuf,
    /// The page, if it was wanted or needed.
    pub page: Option<PathBuf>,
    /// The mails, a file each, if there were any.
    pub mails: Option<PathBuf>,
}

/// When the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Always.
    Always,
    /// When the run did not pass.
    OnFailure,
}

/// Findings of one check that the summary lists; the journal has the rest.
const FINDINGS_MAX: usize = 100;

#[derive(Serialize)]
struct Line<'a> {
    at: &'a str,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Serialize)]
struct Summary<'a> {
    experiment: &'a str,
    title: &'a str,
    target: &'static str,
    seed: u64,
    outcome: &'static str,
    began: String,
    ended: String,
    figures: &'a Figures,
    marks: Marks,
    faults: Vec<FaultSummary>,
    checks: Vec<CheckSummary<'a>>,
}

#[derive(Serialize)]
struct FaultSummary {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<&'static str>,
    /// One for a steady rate, two for a ramp, any number of steps; empty for a fault that counts.
    rates_ppm: Vec<u32>,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    asked: u64,
    fired: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
}

#[derive(Serialize)]
struct CheckSummary<'a> {
    check: &'static str,
    promise: &'static str,
    verdict: &'static str,
    /// Set where what was seen of the run says nothing about it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unseen: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingSummary<'a>>,
}

#[derive(Serialize)]
struct FindingSummary<'a> {
    subject: &'a str,
    what: &'a str,
}

/// Writes them into `folder`, which must exist.
///
/// # Errors
/// What the system says, when a file cannot be written.
pub fn write(report: &Report<'_>, folder: &Path, wanted: Page) -> std::io::Result<Files> {
    let mails = mail::write(&report.evidence.history.mails, folder)?;
    let files = Files {
        journal: folder.join("journal.jsonl"),
        summary: folder.join("summary.json"),
        junit: folder.join("junit.xml"),
        page: write_page(report, &folder.join("report.html"), wanted)?,
        mails,
    };
    let mut journal = BufWriter::new(File::create(&files.journal)?);
    write_journal(report, &mut journal)?;
    journal.flush()?;
    let mut summary = BufWriter::new(File::create(&files.summary)?);
    serde_json::to_writer_pretty(&mut summary, &summarised(report))?;
    summary.write_all(b"\n")?;
    summary.flush()?;
    let mut cases = BufWriter::new(File::create(&files.junit)?);
    junit::write(report, &mut cases)?;
    cases.flush()?;
    Ok(files)
}

/// Writes the page where it is wanted; where it is not, that of an earlier run must not be taken for this one's.
fn write_page(report: &Report<'_>, path: &Path, wanted: Page) -> std::io::Result<Option<PathBuf>> {
    if wanted == Page::Always || report.judgement.outcome() != Outcome::Passed {
        fs::write(path, page::page(report))?;
        return Ok(Some(path.to_owned()));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(None),
    }
}

/// Writes the journal, a line for each event.
pub(super) fn write_journal(report: &Report<'_>, out: &mut impl Write) -> std::io::Result<()> {
    // Many events share an instant: its text is made once.
    let (mut at, mut text) = (None, String::new());
    for record in &report.evidence.history.records {
        if at != Some(record.at) {
            (at, text) = (Some(record.at), units::instant(record.at));
        }
        serde_json::to_writer(&mut *out, &Line { at: &text, event: &record.event })?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn summarised<'a>(report: &Report<'a>) -> Summary<'a> {
    let history = report.evidence.history;
    Summary {
        experiment: &history.experiment.name,
        title: &history.experiment.title,
        target: history.target.name(),
        seed: history.seed,
        outcome: match report.judgement.outcome() {
            Outcome::Passed => "pass",
            Outcome::Unsafe => "fail-safety",
            Outcome::Stuck => "fail-liveness",
            Outcome::Inconclusive => "inconclusive",
        },
        began: units::instant(history.began),
        ended: units::instant(history.ended),
        figures: report.figures,
        marks: Marks::of(report.evidence),
        faults: history.faults.iter().map(|tally| fault(report, tally)).collect(),
        checks: report
            .judgement
            .verdicts()
            .iter()
            .map(|(check, verdict)| CheckSummary {
                check: check.name(),
                promise: check.promise().name(),
                verdict: verdict.name(),
                unseen: history.unseen.contains_key(check),
                detail: match verdict {
                    Verdict::Pass(detail) | Verdict::Inconclusive(detail) => detail,
                    Verdict::Fail(_) => "",
                },
                findings: match verdict {
                    Verdict::Fail(findings) => findings.iter().take(FINDINGS_MAX).map(finding).collect(),
                    Verdict::Pass(_) | Verdict::Inconclusive(_) => Vec::new(),
                },
            })
            .collect(),
    }
}

fn fault(report: &Report<'_>, tally: &Tally) -> FaultSummary {
    let (history, window) = (report.evidence.history, tally.fault.window);
    FaultSummary {
        kind: tally.fault.kind.name(),
        placement: tally.fault.placement.map(Placement::name),
        rates_ppm: rates_ppm(&tally.fault.when),
        from: units::instant(history.instant(window.from_ms)),
        until: (window.until_ms < u64::MAX).then(|| units::instant(history.instant(window.until_ms))),
        asked: tally.asked,
        fired: tally.fired,
        first: tally.first.map(units::instant),
        last: tally.last.map(units::instant),
    }
}

fn rates_ppm(when: &When) -> Vec<u32> {
    match when {
        When::Rate(rate) => rate.typed().into_iter().map(Chance::ppm).collect(),
        When::Nth(_) => Vec::new(),
    }
}

fn finding(finding: &Finding) -> FindingSummary<'_> {
    let subject = match &finding.subject {
        Subject::Payment(id) | Subject::Message(id) => id,
        Subject::Run => "run",
    };
    FindingSummary { subject, what: &finding.what }
}
