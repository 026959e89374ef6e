//! The payments that did not go straight through: each a lane on the axis of the picture, and behind it its story.
//!
//! Invariant: the page stays below its size, and says whom it leaves out, and where they are told of.

use super::checks::shortened;
use super::lanes;
use super::select::{Chosen, Selected, Why};
use crate::checks::Evidence;
use crate::journal::{Event, FunctionEvent, Operation, QueueEvent, Record, StripeEvent, TableEvent};
use crate::report::Report;
use crate::report::picture::{Axis, Place};
use crate::report::story::Told;
use crate::report::subject::{self, Stories};
use crate::units::{count, counted, instant_of_day};
use maud::{Markup, PreEscaped, html};

/// Bytes of all lanes, with the stories of the first. With everything else a page stays below 3 MB, which any browser opens
/// at once and any mail takes.
pub(super) const LANES_BYTES_MAX: usize = 2_300_000;
/// Bytes from which on a lane has no story any more, so that more payments have a lane.
pub(super) const STORIES_BYTES_MAX: usize = 1_000_000;
/// A lane is at most as long as what it shows of this many events.
const MARKS_MAX: usize = 60;

/// The status of an answer that says no for the card's issuer: the call itself went well.
const DECLINED: u16 = 402;

/// What each mark means, in the order of the legend.
const LEGEND: [(&str, &str); 9] = [
    ("s", "sent"),
    ("r", "delivered"),
    ("x", "a call or an invocation failed"),
    ("d", "dead letter"),
    ("b", "sent back"),
    ("q", "quarantined"),
    ("c", "charged"),
    ("n", "declined"),
    ("", "bar: among the dead letters"),
];

/// All of them.
pub(super) fn section(report: &Report<'_>, selected: &Selected<'_>, axis: &Axis) -> Markup {
    let stories = Stories::of(report.evidence, &selected.subjects);
    let (mut lanes, mut bytes, mut told) = (Vec::new(), 0, 0);
    for (place, chosen) in selected.chosen.iter().enumerate() {
        let with_story = bytes < STORIES_BYTES_MAX;
        let lane = payment(report, selected, axis, &stories, place, with_story.then(|| stories.told(place)));
        let lane = lane.into_string();
        if bytes + lane.len() > LANES_BYTES_MAX {
            break;
        }
        bytes += lane.len();
        told += usize::from(with_story);
        lanes.push((chosen.why, lane));
    }
    html! {
        section #payments aria-labelledby="payments-title" {
            h2 #payments-title { "Payments that did not go straight through" }
            (cap(selected, lanes.len(), told))
            @if !lanes.is_empty() {
                p #search hidden {
                    label for="wanted" { "Look one up" } input #wanted type="search" autocomplete="off" spellcheck="false";
                    output #found for="wanted" {}
                }
                (legend())
                (lanes::times(axis))
                @for why in Why::ALL {
                    @let of_it: Vec<&String> = lanes.iter().filter(|(it, _)| *it == why).map(|(_, lane)| lane).collect();
                    @if !of_it.is_empty() {
                        div.group {
                            h3 { (why.name()) " " span.quiet { (of(of_it.len(), selected.count(why))) } }
                            @for lane in of_it { (PreEscaped(lane)) }
                        }
                    }
                }
                p.printed { "On paper the first of each kind; the file has the others." }
            }
        }
        "\n"
    }
}

/// Who is here, and who is not.
fn cap(selected: &Selected<'_>, shown: usize, told: usize) -> Markup {
    let all = selected.chosen.len();
    html! {
        p {
            @if all == 0 {
                "Every payment was delivered once, and settled."
            } @else {
                (counted(all as u64, "payment")) " or messages were delivered more than once, quarantined, or part of a violation. "
                @if told == all {
                    "All of them are here, each with its story."
                } @else {
                    "A page holds 3 MB: " (count(shown as u64)) " of them are here, the gravest first, then those that were "
                    "delivered most; the first " (count(told as u64)) " with their stories. The others are told of in "
                    "journal.jsonl, by their ids."
                }
            }
        }
    }
}

fn of(shown: usize, all: usize) -> String {
    if shown == all { count(all as u64) } else { format!("{} of {}", count(shown as u64), count(all as u64)) }
}

fn legend() -> Markup {
    html! {
        ul.legend {
            @for (mark, what) in LEGEND {
                li {
                    svg width="16" height="16" aria-hidden="true" {
                        @if mark.is_empty() { line.dead x1="1" x2="15" y1="8" y2="8" {} }
                        @else { use href={ "#" (mark) } x="8" y="-1" {} }
                    }
                    (what)
                }
            }
        }
    }
}

fn payment(
    report: &Report<'_>,
    selected: &Selected<'_>,
    axis: &Axis,
    stories: &Stories<'_>,
    place: usize,
    told: Option<Vec<Told>>,
) -> Markup {
    let (whom, Chosen { deliveries, ended, .. }) = (&selected.subjects[place], &selected.chosen[place]);
    let head = html! {
        b { (shortened(subject::name(whom))) }
        span { (ended) ", " (deliveries_of(*deliveries)) }
        (lane(report.evidence, axis, stories.records(place)))
    };
    let began = report.evidence.history.began;
    html! {
        @match told {
            None => div.payment #{ "p" (place) } { (head) },
            Some(told) => details.payment #{ "p" (place) } {
                summary { (head) }
                @for (check, what) in selected.found.get(whom).into_iter().flatten() {
                    p.harm { (check.name()) ": " (shortened(what)) }
                }
                pre {
                    @for told in subject::shortened(told) {
                        (instant_of_day(told.at, began)) "  " (shortened(&told.text)) "\n"
                    }
                }
            },
        }
        "\n"
    }
}

fn deliveries_of(number: u64) -> String {
    if number == 1 { "1 delivery".to_owned() } else { format!("{} deliveries", count(number)) }
}

/// What happened to it, on the axis of the picture.
fn lane(evidence: &Evidence<'_>, axis: &Axis, records: &[&Record]) -> Markup {
    let mut marks: Vec<(Place, &str)> = Vec::new();
    let mut dead: Vec<(Place, Place)> = Vec::new();
    let mut since = None;
    let ended = axis.place(axis.ended());
    for record in records {
        let place = axis.place(record.at);
        let Some(mark) = mark(evidence, &record.event) else { continue };
        if mark == "d" {
            since = Some(place);
        } else if mark == "b" {
            dead.extend(since.take().map(|since| (since, place)));
        }
        if !marks.contains(&(place, mark)) {
            marks.push((place, mark));
        }
    }
    dead.extend(since.map(|since| (since, ended)));
    let first = marks.first().map(|(place, _)| *place);
    let last = marks.last().map(|(place, _)| *place);
    html! {
        svg height="18" aria-hidden="true" {
            @if let Some((first, last)) = first.zip(last) { line x1=(first) x2=(last) y1="9" y2="9" {} }
            @for (from, until) in dead { line.dead x1=(from) x2=(until) y1="9" y2="9" {} }
            @for (place, mark) in marks.into_iter().take(MARKS_MAX) { use href={ "#" (mark) } x=(place) {} }
        }
    }
}

/// The mark of an event, if it has one.
fn mark(evidence: &Evidence<'_>, event: &Event) -> Option<&'static str> {
    let names = &evidence.history.names;
    match event {
        Event::Queue(QueueEvent::Sent { queue, .. }) if *queue == names.quarantine => Some("q"),
        Event::Queue(QueueEvent::Sent { message, .. }) => {
            Some(if evidence.identities.before(message).is_some() { "b" } else { "s" })
        }
        Event::Queue(QueueEvent::Received { queue, .. }) => (*queue == names.source).then_some("r"),
        Event::Queue(QueueEvent::DeadLettered { .. }) => Some("d"),
        Event::Queue(QueueEvent::Redriven { .. }) => Some("b"),
        Event::Queue(QueueEvent::Expired { .. } | QueueEvent::Purged { .. })
        | Event::Function(FunctionEvent::Failed { .. }) => Some("x"),
        Event::Stripe(StripeEvent::Called { operation, status, .. }) => {
            let failed = *operation != Operation::Probe
                && status.is_none_or(|status| status >= 400 && status != DECLINED);
            failed.then_some("x")
        }
        Event::Stripe(StripeEvent::Charged { .. }) => Some("c"),
        Event::Table(TableEvent::LedgerWritten { state, .. }) => (state == "declined").then_some("n"),
        Event::Queue(QueueEvent::VisibilityChanged { .. } | QueueEvent::Deleted { .. })
        | Event::Function(
            FunctionEvent::ContainerStarted { .. }
            | FunctionEvent::ContainerFailed { .. }
            | FunctionEvent::Invoked { .. }
            | FunctionEvent::Answered { .. }
            | FunctionEvent::Dropped { .. }
            | FunctionEvent::Metrics { .. },
        )
        | Event::Stripe(StripeEvent::Acted { .. } | StripeEvent::Told { .. })
        | Event::Table(TableEvent::IncidentSaved { .. } | TableEvent::LedgerRefused { .. })
        | Event::MoveTask(_)
        | Event::Topic(_)
        | Event::Alarm(_)
        | Event::Bus(_)
        | Event::Pipe(_)
        | Event::Edge(_)
        | Event::Fault(_)
        | Event::Access(_) => None,
    }
}
