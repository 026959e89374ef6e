//! The lanes of the picture: one under the other, on one axis, so that what happened together stands together.
//!
//! Shapes are SVG, with places in percent of the width: they fit a phone as well as paper, and text is never stretched.
//! Invariant: no meaning is in a colour alone. Every lane has its name beside it, and a text that says what it shows.

use crate::report::Report;
use crate::report::picture::{Axis, Picture, Row, Series, Span};
use crate::units::{count, counted, duration_ms, time_of_day};
use maud::{Markup, html};
use payments::UnixMs;

/// Height of a step that is as high as can be, in parts of its lane.
const FULL: u64 = 1_000;
/// Height of the lowest step that is no nothing: it must be seen.
const LOWEST: u64 = 60;
/// Rows of one kind at most: a swarm has many faults.
const ROWS_MAX: usize = 16;

/// Shapes that others refer to.
pub(super) fn shapes() -> Markup {
    html! {
        svg.shapes width="0" height="0" aria-hidden="true" {
            defs {
                pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    path d="M0 0V6" {}
                }
            }
            g #s transform="translate(0 9)" { circle r="3" {} }
            g #r transform="translate(0 9)" { path d="M0-5V5" {} }
            g #x transform="translate(0 9)" { path d="M-3-3L3 3M-3 3L3-3" {} }
            g #d transform="translate(0 9)" { path d="M-4-3H4L0 4Z" {} }
            g #b transform="translate(0 9)" { path d="M-4 3H4L0-4Z" {} }
            g #c transform="translate(0 9)" { path d="M0-4.5L4.5 0L0 4.5L-4.5 0Z" {} }
            g #n transform="translate(0 9)" { path d="M0-4L4 0L0 4L-4 0Z" {} }
            g #q transform="translate(0 9)" { path d="M-3.5-3.5H3.5V3.5H-3.5Z" {} }
            g #m { path d="M-6-4H6V4H-6ZM-6-4L0 1L6-4" {} }
        }
    }
}

/// The picture.
pub(super) fn figure(picture: &Picture, report: &Report<'_>) -> Markup {
    let Picture { axis, faults, sent, charged, queue, dead_letters, quarantine, alarms, phases, .. } =
        picture;
    let column = duration_ms(axis.column_ms().unsigned_abs());
    html! {
        figure #picture data-from=(axis.from().0) data-step=(axis.column_ms()) {
            @for row in faults.iter().take(ROWS_MAX) { (thin(picture, row, "fault")) }
            (more(faults.len()))
            (series(picture, "Sent", &format!("in {column}"), sent, "sent"))
            (series(picture, "Charged", &format!("in {column}"), charged, "charged"))
            (series(picture, "Queue", "waiting", queue, "queue"))
            (series(picture, "Dead letters", "waiting", dead_letters, "dead"))
            (series(picture, "Quarantine", "held", quarantine, "held"))
            @for row in alarms.iter().take(ROWS_MAX) { (thin(picture, row, "alarm")) }
            (more(alarms.len()))
            @for row in phases { (thin(picture, row, "phase")) }
            (mails(picture, report))
            (times(axis))
            div #cursor hidden {}
            p #dial hidden {
                label for="at" { "Look at" } input #at type="range" min="0" max=(axis.columns() - 1) value="0";
                output #at-said for="at" {}
            }
        }
    }
}

/// Where faults were on, and where the labels of the axis stand.
pub(super) fn ground(picture: &Picture) -> Markup {
    let axis = &picture.axis;
    html! {
        @for Span { from, until, .. } in &picture.trouble {
            @let x = axis.place(*from);
            rect.shade x=(x) width=(x.to(axis.place(*until))) height="100%" {}
        }
        @for (at, _) in axis.ticks() {
            @let x = axis.place(at);
            line.tick x1=(x) x2=(x) y2="100%" {}
        }
    }
}

fn series(picture: &Picture, name: &str, unit: &str, series: &Series, class: &str) -> Markup {
    let axis = &picture.axis;
    let (most, last) = (series.most(), series.columns.last().map_or(0, |range| range.least));
    let note = match most {
        0 => "none".to_owned(),
        most => format!("at most {} {unit}", count(most)),
    };
    let peak = instant(axis, series.peak());
    let label = match most {
        0 => format!("{name}: none, ever."),
        most => {
            format!("{name}: at most {} {unit}, from {peak} on; {} at the end.", count(most), count(last))
        }
    };
    let of = |value: fn(&crate::report::picture::Range) -> u64| steps(&series.heights(FULL, value));
    let values: Vec<String> = series.columns.iter().map(|range| range.most.to_string()).collect();
    html! {
        div.lane.(class) {
            p.name { b { (name) } " " span.note { (note) } output.now {} }
            svg role="img" aria-label=(label) data-values=(values.join(" ")) height="46" {
                title { (label) }
                (ground(picture))
                svg viewBox=(format!("0 0 {} {FULL}", series.columns.len())) preserveAspectRatio="none" x="0" y="5" width="100%" height="40" {
                    path.most d=(of(|range| range.most)) {}
                    path.least d=(of(|range| range.least)) {}
                }
            }
        }
        "\n"
    }
}

/// The outline of steps, a unit wide each: only what changes is written.
fn steps(heights: &[u64]) -> String {
    let mut path = format!("M0 {FULL}");
    let mut height = 0;
    for (column, wanted) in heights.iter().enumerate() {
        if *wanted != height {
            let top = if *wanted == 0 { FULL } else { FULL - (*wanted).max(LOWEST) };
            path.push_str(&format!("H{column}V{top}"));
            height = *wanted;
        }
    }
    path.push_str(&format!("H{}V{FULL}Z", heights.len()));
    path
}

/// A lane of stretches: something held, or it did not.
fn thin(picture: &Picture, row: &Row, class: &str) -> Markup {
    let axis = &picture.axis;
    let within = |at: UnixMs| time_of_day(at, axis.from());
    let told = |span: &Span| format!("{}, {} to {}", span.what, within(span.from), within(span.until));
    let label: Vec<String> = row.spans.iter().map(told).collect();
    html! {
        div.lane.thin.(class) {
            p.name { b { (row.name) } " " span.note { (row.note) } output.now {} }
            svg role="img" aria-label={ (row.name) ": " (label.join("; ")) } height="22" {
                (ground(picture))
                line.base x2="100%" y1="11" y2="11" {}
                @for span in &row.spans {
                    @let x = axis.place(span.from);
                    @let width = x.to(axis.place(span.until));
                    svg.span x=(x) y="3" width=(width) height="16" data-what=(span.what) data-from=(span.from.0) data-until=(span.until.0) {
                        title { (row.name) ": " (told(span)) }
                        rect width="100%" height="16" {}
                        @if class != "alarm" && width.holds_a_word() { text x="5" y="12" { (span.what) } }
                    }
                }
            }
        }
        "\n"
    }
}

fn more(rows: usize) -> Markup {
    html! {
        @if rows > ROWS_MAX { p.quiet { (counted((rows - ROWS_MAX) as u64, "more row")) " like these: in summary.json" } }
    }
}

fn mails(picture: &Picture, report: &Report<'_>) -> Markup {
    let axis = &picture.axis;
    let mails = &report.evidence.history.mails;
    let note = counted(mails.len() as u64, "mail");
    html! {
        div.lane.thin.mail {
            p.name { b { "Mails" } " " span.note { (note) } output.now {} }
            svg role="group" aria-label={ (note) " arrived" } height="22" {
                (ground(picture))
                line.base x2="100%" y1="11" y2="11" {}
                @for (index, mail) in mails.iter().enumerate() {
                    a href={ "#mail-" (index + 1) } tabindex="-1" {
                        title { (time_of_day(mail.at, axis.from())) " " (mail.subject) }
                        use href="#m" x=(axis.place(mail.at)) y="11" {}
                    }
                }
            }
        }
        "\n"
    }
}

/// The labels of the axis.
pub(super) fn times(axis: &Axis) -> Markup {
    html! {
        div.lane.times aria-hidden="true" {
            p.name { "UTC" }
            svg height="20" {
                @for (at, label) in axis.ticks() {
                    @let x = axis.place(at);
                    @if !x.is_at_the_edge() { text x=(x) y="14" { (label) } }
                }
            }
        }
    }
}

fn instant(axis: &Axis, column: usize) -> String {
    let ms = axis.column_ms().saturating_mul(i64::try_from(column).unwrap_or(i64::MAX));
    time_of_day(axis.from().plus_ms(ms), axis.from())
}
