//! `report.html`: a run as one file that needs nothing else, no network, and no script.
//!
//! First the verdict in a sentence, then the picture, then the checks, then the payments that did not go straight through.
//! Invariant: same run, same bytes. Whatever comes from outside is escaped, and what is not ours could not run: a browser is
//! told the digests of the one style and the one script that it may use.

mod checks;
mod lanes;
mod mails;
mod payments;
mod select;
#[cfg(test)]
mod tests;

use super::picture::Picture;
use super::{Report, story};
use crate::checks::{Outcome, Verdict};
use crate::promises::{Check, Promise};
use crate::units::{count, counted, day, duration_ms, time_of_day};
use crate::world::Target;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use select::Selected;
use sha2::{Digest, Sha256};

const STYLE: &str = concat!(include_str!("../head.css"), "\n", include_str!("page.css"));
const SCRIPT: &str = include_str!("page.js");

/// Columns of the picture at most. A screen shows few more, and each costs some bytes a lane.
const COLUMNS_MAX: u32 = 300;

/// The page.
pub(super) fn page(report: &Report<'_>) -> String {
    let experiment = &report.evidence.history.experiment;
    let selected = Selected::of(report);
    let drawn = Picture::of(report.evidence, COLUMNS_MAX);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (verdict(report)) " " (experiment.title) ", seed " (report.evidence.history.seed) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (lanes::shapes())
                (head(report))
                main {
                    (picture(report, &drawn))
                    (checks::section(report, &selected))
                    (payments::section(report, &selected, &drawn.axis))
                    (again(report))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
        "\n"
    }
    .into_string()
}

/// What a browser may load and run: nothing but what is in here.
fn policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let (style, script) = (digest(STYLE), digest(SCRIPT));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}

fn verdict(report: &Report<'_>) -> &'static str {
    match report.judgement.outcome() {
        Outcome::Passed => "PASS",
        Outcome::Unsafe | Outcome::Stuck => "FAIL",
        Outcome::Inconclusive => "INCONCLUSIVE",
    }
}

fn head(report: &Report<'_>) -> Markup {
    let history = report.evidence.history;
    let class = match report.judgement.outcome() {
        Outcome::Passed => "well",
        Outcome::Inconclusive => "care",
        Outcome::Unsafe | Outcome::Stuck => "harm",
    };
    html! {
        header {
            p.masthead {
                strong class=(class) { (verdict(report)) }
                span { (history.experiment.title) }
                span { (history.experiment.name) ", seed " (history.seed) }
                span.when { (day(history.began)) ", " (time(history.target)) ", UTC" }
            }
            h1 { (sentence(report)) }
            (figures(report))
            @if let Some(source) = &history.experiment.source { p.quiet.source { (source.trim()) } }
        }
    }
}

const fn time(target: Target) -> &'static str {
    match target {
        Target::Simulated => "simulated time",
        Target::Local => "real time",
        Target::Deployed => "real time, as seen from outside",
    }
}

/// The verdict, and what became of the payments.
fn sentence(report: &Report<'_>) -> String {
    let broken = |promise| {
        let broken = report
            .judgement
            .verdicts()
            .iter()
            .filter(|(check, verdict)| check.promise() == promise && matches!(verdict, Verdict::Fail(_)));
        broken.map(|(check, _): &(Check, Verdict)| check.name()).collect::<Vec<_>>()
    };
    let passed =
        report.judgement.verdicts().iter().filter(|(_, verdict)| matches!(verdict, Verdict::Pass(_)));
    let verdict = match report.judgement.outcome() {
        Outcome::Passed => format!("Passed: {} hold.", counted(passed.count() as u64, "check")),
        Outcome::Unsafe => format!("Failed, on safety: {}.", broken(Promise::Safety).join(", ")),
        Outcome::Stuck => format!("Failed, on liveness: {}.", broken(Promise::Liveness).join(", ")),
        Outcome::Inconclusive => {
            "Inconclusive: nothing failed, but the run cannot tell everything.".to_owned()
        }
    };
    let figures = report.figures;
    let bad = [(figures.lost, "lost"), (figures.charged_twice, "charged twice")];
    let bad = bad.map(
        |(number, what)| {
            if number == 0 { format!("none {what}") } else { format!("{} {what}", count(number)) }
        },
    );
    format!("{verdict} Of {}, {}.", counted(figures.payments, "payment"), bad.join(" and "))
}

fn figures(report: &Report<'_>) -> Markup {
    let figures = report.figures;
    let dead =
        report.evidence.messages.values().filter(|message| message.dead_lettered.is_some()).count() as u64;
    let cells = [
        (figures.messages, "sent", ""),
        (figures.succeeded, "charged", "well"),
        (figures.declined, "declined", ""),
        (dead, "dead letters, in all", "harm"),
        (figures.dead_lettered, "still dead letters", "harm"),
        (figures.quarantined, "quarantined", "care"),
        (report.evidence.history.mails.len() as u64, "mails", ""),
    ];
    html! {
        dl.tiles {
            @for (number, what, class) in cells {
                div class=[(number > 0 && !class.is_empty()).then_some(class)] {
                    dt { (what) }
                    dd class=[(number == 0).then_some("none")] { (count(number)) }
                }
            }
        }
    }
}

fn picture(report: &Report<'_>, picture: &Picture) -> Markup {
    let history = report.evidence.history;
    let column = duration_ms(picture.axis.column_ms().unsigned_abs());
    html! {
        section aria-labelledby="picture-title" {
            h2 #picture-title { "What happened, on one axis" }
            (lanes::figure(picture, report))
            p.quiet {
                "Shaded: faults were on. A step is " (column) ", and shows the most there was in it, darker the least. "
                @if !picture.silent.is_empty() {
                    "Never in alarm: " (picture.silent.iter().map(String::as_str).collect::<Vec<_>>().join(", ")) ". "
                }
                @if history.target == Target::Deployed {
                    "Seen from outside, from look to look: there is no journal of a deployed stack. Deliveries are those in "
                    "the consumer’s log, charges those in the fake Stripe’s book; what came and went between two looks is "
                    "not drawn."
                }
            }
            details.words {
                summary { "The same in words" }
                ol.story {
                    @for told in story::of(report.evidence) {
                        li { time { (time_of_day(told.at, history.began)) } span { (told.text) } }
                    }
                }
            }
            (mails::list(report))
        }
        "\n"
    }
}

fn again(report: &Report<'_>) -> Markup {
    html! {
        section aria-labelledby="again-title" {
            h2 #again-title { "Again" }
            pre.line { (report.replay) }
            p.quiet {
                @if report.evidence.history.target == Target::Simulated {
                    "The same seed gives the same run, byte for byte. "
                }
                "Every event is in journal.jsonl beside this file, every finding in summary.json."
            }
            dl.rows {
                @for (name, text) in report.figures.lines() { div { dt { (name) } dd { (text) } } }
            }
        }
        "\n"
    }
}
