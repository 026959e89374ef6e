//! The mails, each to be opened.
//!
//! Invariant: every mail has its line; texts beyond the cap are in the folder of mails, and the page says so.

use crate::report::Report;
use crate::units::{counted, time_of_day};
use maud::{Markup, html};

/// Bytes of their texts at most: an incident of weeks writes hundreds.
const TEXTS_BYTES_MAX: usize = 150_000;
/// Mails that have a line at most.
const LINES_MAX: usize = 500;

/// Their subjects, and behind each its text.
pub(super) fn list(report: &Report<'_>) -> Markup {
    let history = report.evidence.history;
    let mut bytes = 0;
    let texts = history.mails.iter().map(|mail| {
        bytes += mail.body.len();
        (mail, (bytes <= TEXTS_BYTES_MAX).then_some(mail.body.as_str()))
    });
    let texts: Vec<_> = texts.take(LINES_MAX).collect();
    let without = history.mails.len() - texts.iter().filter(|(_, text)| text.is_some()).count();
    html! {
        @if !texts.is_empty() {
            div.mails {
                h3 { (counted(history.mails.len() as u64, "mail")) }
                @for (index, (mail, text)) in texts.iter().enumerate() {
                    details #{ "mail-" (index + 1) } {
                        summary { time { (time_of_day(mail.at, history.began)) } span { (mail.subject) } }
                        pre { @if let Some(text) = text { (text) } @else { "Its text is in mails/, beside this file." } }
                    }
                }
                @if without > 0 {
                    p.quiet { "The texts of " (counted(without as u64, "mail")) " are left out here; mails/ beside this file has all." }
                }
            }
        }
    }
}
