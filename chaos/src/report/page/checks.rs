//! What the run was held to, what failed first.
//!
//! Invariant: every check there is has its row, also one that the experiment excuses the run from.

use super::select::Selected;
use crate::checks::{Finding, Subject, Verdict};
use crate::promises::Check;
use crate::report::{Report, subject};
use crate::units::{count, counted};
use maud::{Markup, html};

/// Findings of one check that are shown.
const FINDINGS_MAX: usize = 25;
/// Characters of one of them.
const WORDS_MAX: usize = 400;

/// How a check stands, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Failed,
    Inconclusive,
    Passed,
    Unseen,
    Excused,
}

impl Standing {
    /// A word and a sign for it.
    const fn named(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Failed => ("fail", "✗", "harm"),
            Self::Inconclusive => ("inconclusive", "?", "care"),
            Self::Passed => ("pass", "✓", "well"),
            Self::Unseen => ("not seen", "–", "dim"),
            Self::Excused => ("excused", "–", "dim"),
        }
    }
}

/// All checks.
pub(super) fn section(report: &Report<'_>, selected: &Selected<'_>) -> Markup {
    let mut rows: Vec<(Standing, Check)> =
        Check::ALL.into_iter().map(|check| (standing(report, check), check)).collect();
    rows.sort_by_key(|(standing, _)| *standing);
    html! {
        section aria-labelledby="checks-title" {
            h2 #checks-title { "Checks" }
            ul.checks {
                @for (standing, check) in rows {
                    @let (word, sign, class) = standing.named();
                    li {
                        span.verdict.(class) { span aria-hidden="true" { (sign) } " " (word) }
                        span.check { (check.name()) " " small { (check.promise().name()) } }
                        div.evidence { (evidence(report, selected, check)) }
                    }
                }
            }
        }
        "\n"
    }
}

fn standing(report: &Report<'_>, check: Check) -> Standing {
    let unseen = report.evidence.history.unseen.contains_key(&check);
    match report.judgement.of(check) {
        None => Standing::Excused,
        Some(Verdict::Fail(_)) => Standing::Failed,
        Some(Verdict::Inconclusive(_)) if unseen => Standing::Unseen,
        Some(Verdict::Inconclusive(_)) => Standing::Inconclusive,
        Some(Verdict::Pass(_)) => Standing::Passed,
    }
}

fn evidence(report: &Report<'_>, selected: &Selected<'_>, check: Check) -> Markup {
    html! {
        @match report.judgement.of(check) {
            None => "The experiment excuses the run from it: its faults may break it.",
            Some(Verdict::Pass(counted) | Verdict::Inconclusive(counted)) => (counted),
            Some(Verdict::Fail(findings)) => {
                details open {
                    summary { "Broken " (times(findings.len())) ": " (check.demands()) }
                    ul { @for finding in findings.iter().take(FINDINGS_MAX) { li { (found(selected, finding)) } } }
                    @if findings.len() > FINDINGS_MAX {
                        p.quiet { (count((findings.len() - FINDINGS_MAX) as u64)) " more like these: in summary.json and journal.jsonl" }
                    }
                }
            }
        }
    }
}

fn found(selected: &Selected<'_>, finding: &Finding) -> Markup {
    let what = shortened(&finding.what);
    html! {
        @match (&finding.subject, selected.place(&finding.subject)) {
            (Subject::Run, _) => (what),
            (whom, Some(place)) => { a href={ "#p" (place) } { (subject::name(whom)) } ": " (what) }
            (whom, None) => { (subject::name(whom)) ": " (what) }
        }
    }
}

/// Its beginning, if it is long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn times(number: usize) -> String {
    if number == 1 { "once".to_owned() } else { counted(number as u64, "time") }
}
