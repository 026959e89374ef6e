//! `junit.xml`: a case for each check, for whatever shows test results.
//!
//! A check that cannot tell is an error, as it is none for the verdict either; one that nobody could see, or that the
//! experiment excuses the run from, is skipped.
//! Invariant: same run, same bytes: no time of day, and no duration but the simulated one.

use super::{Report, subject};
use crate::checks::Verdict;
use crate::promises::Check;
use crate::units::count;
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};
use std::io;
use std::time::Duration;

/// Findings of one check that its case tells of.
const FINDINGS_MAX: usize = 100;

/// Writes it.
///
/// # Errors
/// What the system says, when it cannot be written.
pub(super) fn write(report: &Report<'_>, out: impl io::Write) -> io::Result<()> {
    let history = report.evidence.history;
    let name = &history.experiment.name;
    let mut suite = TestSuite::new(name.as_str());
    suite.set_time(Duration::from_millis(report.figures.simulated_ms));
    let seed = history.seed.to_string();
    for (name, value) in
        [("seed", seed.as_str()), ("target", history.target.name()), ("again", report.replay)]
    {
        suite.add_property(Property::new(name, value));
    }
    for check in Check::ALL {
        let mut case = TestCase::new(check.name(), status(report, check));
        case.set_classname(format!("{name}.{}", check.promise().name()));
        if let Some(Verdict::Pass(counted)) = report.judgement.of(check) {
            case.set_system_out(counted.as_str());
        }
        suite.add_test_case(case);
    }
    let mut junit = quick_junit::Report::new("cargo chaos");
    junit.add_test_suite(suite);
    junit.serialize(out).map_err(io::Error::other)
}

fn status(report: &Report<'_>, check: Check) -> TestCaseStatus {
    match report.judgement.of(check) {
        Some(Verdict::Pass(_)) => TestCaseStatus::success(),
        None => skipped("the experiment excuses the run from it"),
        Some(Verdict::Inconclusive(why)) if report.evidence.history.unseen.contains_key(&check) => {
            skipped(why)
        }
        Some(Verdict::Inconclusive(why)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("inconclusive").set_message(why.as_str());
            status
        }
        Some(Verdict::Fail(findings)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let shown = findings.iter().take(FINDINGS_MAX);
            let mut lines: Vec<String> = shown
                .map(|finding| format!("{}: {}", subject::name(&finding.subject), finding.what))
                .collect();
            if findings.len() > FINDINGS_MAX {
                lines.push(format!("and {} more", count((findings.len() - FINDINGS_MAX) as u64)));
            }
            status
                .set_type(check.promise().name())
                .set_message(super::findings_in_short(findings.len(), check.demands()))
                .set_description(lines.join("\n"));
            status
        }
    }
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    status
}
