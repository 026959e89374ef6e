//! The page for people: `edge/page.html` with a payment in it.
//!
//! It is made here and not in the browser, so that it says the same with scripts off.
//!
//! Invariant: whatever is put into the page is our own words, a number, a time, three letters, or an id of
//! `A-Z a-z 0-9 _ -`: none of it can be markup.

use crate::words::Words;
use jiff::Timestamp;
use payments::status::Status;
use payments::{PaymentId, UnixMs, money};
use std::fmt::Write;

const PAGE: &str = include_str!("../../../edge/page.html");

/// For browsers that run no scripts; the others are more polite.
const REFRESH: &str = "<noscript><meta http-equiv=\"refresh\" content=\"20\"></noscript>\n";

/// Below the page that is shown when nobody can look. It stands in a file, so it tells no time.
#[cfg(test)]
const APART: &str = "This page is kept apart from everything else, to be shown when nothing else can. It looks again by itself.";

/// The page of a payment that has a row.
pub(crate) fn of_status(words: &Words, status: &Status, as_of: UnixMs) -> String {
    let mut facts = vec![
        ("Payment", status.payment_id.to_string()),
        ("Amount", money::written(status.currency, status.amount.get())),
        ("Received", time(status.received_at, "%-d %B %Y, %H:%M UTC")),
    ];
    facts.extend(status.settled_at.map(|at| ("Settled", time(at, "%-d %B %Y, %H:%M UTC"))));
    page(words, &facts, status.told.is_final(), &as_it_stood(as_of))
}

/// The page of a payment that has none.
pub(crate) fn of_unknown(words: &Words, payment_id: &PaymentId, as_of: UnixMs) -> String {
    page(words, &[("Payment", payment_id.to_string())], false, &as_it_stood(as_of))
}

fn as_it_stood(as_of: UnixMs) -> String {
    format!("As it stood on {}.", time(as_of, "%-d %B %Y at %H:%M:%S UTC"))
}

fn page(words: &Words, facts: &[(&str, String)], is_final: bool, as_of: &str) -> String {
    let list = facts.iter().fold(String::new(), |mut list, (name, value)| {
        let _ = writeln!(list, "<div><dt>{name}</dt><dd>{value}</dd></div>");
        list
    });
    let list = if facts.is_empty() { list } else { format!("<dl>\n{list}</dl>\n") };
    let values = [
        ("{{title}}", words.title),
        ("{{refresh}}", if is_final { "" } else { REFRESH }),
        ("{{state}}", words.state),
        ("{{final}}", if is_final { " data-final" } else { "" }),
        ("{{certain}}", words.certain),
        ("{{to_do}}", words.to_do),
        ("{{facts}}", &list),
        ("{{as_of}}", as_of),
    ];
    values.into_iter().fold(PAGE.to_owned(), |page, (name, value)| page.replace(name, value))
}

/// A time, as `format` of `strftime` puts it. One that is beyond the calendar is nobody's.
fn time(at: UnixMs, format: &str) -> String {
    Timestamp::from_millisecond(at.0)
        .map_or_else(|_| "?".to_owned(), |time| time.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::UNAVAILABLE;

    const TROUBLE: &str = include_str!("../../../edge/trouble.html");

    /// Both are what they say in the same way, and one policy lets the style and the script of both in.
    #[test]
    fn the_page_of_our_trouble_is_the_page_without_a_payment() {
        assert_eq!(TROUBLE, page(&UNAVAILABLE, &[], false, APART));
    }

    #[test]
    fn nothing_of_the_template_is_left_unsaid() {
        assert!(!TROUBLE.contains("{{") && !TROUBLE.contains("}}"));
    }
}
