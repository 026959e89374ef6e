//! Mails about an audit.
//!
//! Invariant: every difference that is listed comes with both ids, and with what it means for the customer.

use super::Site;
use super::commands::command;
use super::links::Window;
use super::money::amount;
use super::sections::Body;
use super::subject::Subject;
use super::words::{cause, count, span, utc};
use payments::audit::{Difference, Kind, Round, RowSays, Sort, Story};
use payments::incident::Late;
use payments::money::Currency;
use std::collections::BTreeMap;
use std::fmt::Write;

/// An audit is no incident: it is told of once, or once a day, so it has no number.
pub(super) fn write(kind: Kind, story: &Story, late: Option<Late>, site: &Site) -> (Subject, String) {
    let (form, body) = form_and_body(kind, story, late, site);
    (Subject::new(vec![form]), body)
}

fn form_and_body(kind: Kind, story: &Story, late: Option<Late>, site: &Site) -> (String, String) {
    let window = Window { from: story.round.window.since(), until: story.round.window.until() };
    match kind {
        Kind::Differences => (
            format!("ACTION NEEDED today: books and ledger differ; {}", how_many(&story.round)),
            Body::begin(
                "YES, YOU ARE NEEDED TODAY, but not by night: what Stripe charged and what our ledger says are not the \
                 same.\nIt moves no money by itself.",
                late,
            )
            .part("WHAT HAPPENED", &happened(&story.round))
            .part("DIFFERENCES", &differences(&story.round))
            .part("WHAT THEY MEAN", &meanings(&story.round))
            .part("LOOK CLOSER", &look_closer(&story.round, site))
            .end("BooksDiffer", window, site),
        ),
        Kind::Overdue => (
            format!("ACTION NEEDED today: audit is not over after {}", span(story.at.since_ms(story.round.began_at))),
            Body::begin(
                "YES, YOU ARE NEEDED TODAY, but not by night: the audit of Stripe's books against our ledger does not \
                 come to an\nend. Payments go on.",
                late,
            )
            .part("WHAT HAPPENED", &overdue(story))
            .part("WHAT YOU MUST DO", &mend(site))
            .end("BooksDiffer", window, site),
        ),
    }
}

fn how_many(round: &Round) -> String {
    count(round.counts.differences, "difference")
}

fn happened(round: &Round) -> String {
    let counts = &round.counts;
    let mut text = format!(
        "Stripe's intents made from {} to {} were held against the ledger.\n{} looked at, {} of ours; {}.",
        utc(round.window.since()),
        utc(round.window.until()),
        count(counts.intents, "intent"),
        count(counts.charged, "charge"),
        how_many(round),
    );
    if counts.left_over > 0 {
        let _ = write!(
            text,
            "\n{} left over from creates whose answers were lost. Nothing confirms them; they are harmless.",
            count(counts.left_over, "unconfirmed intent")
        );
    }
    text
}

fn differences(round: &Round) -> String {
    let mut text = String::new();
    for difference in &round.differences {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{}: {}\n  Stripe: {}, {}, {}, made {}\n  Ledger: {}",
            difference.payment_id,
            in_short(difference.sort),
            difference.intent_id,
            difference.status,
            money(&difference.currency, difference.amount),
            utc(difference.created_at),
            ledger(difference.row.as_ref()),
        );
    }
    let listed = u64::try_from(round.differences.len()).unwrap_or(u64::MAX);
    if round.counts.differences > listed {
        let _ = writeln!(text, "and {} more", count(round.counts.differences - listed, "difference"));
    }
    text
}

fn ledger(row: Option<&RowSays>) -> String {
    let Some(RowSays { standing, intent_id, amount, currency }) = row else { return "no row".to_owned() };
    let intent = intent_id.as_ref().map_or("no intent", |id| id.0.as_str());
    let money = match (currency, amount) {
        (Some(currency), Some(amount)) => money(currency, *amount),
        (_, _) => "no amount".to_owned(),
    };
    format!("{intent}, {}, {money}", standing.name())
}

/// What Stripe says may be in a form that no payment of ours has.
fn money(currency: &str, minor: i64) -> String {
    Currency::new(currency).map_or_else(|| format!("{minor} {currency}"), |currency| amount(currency, minor))
}

const fn in_short(sort: Sort) -> &'static str {
    match sort {
        Sort::ChargedNotSettled => "charged, not settled as such",
        Sort::SettledNotCharged => "settled as succeeded, not charged",
        Sort::ChargedTwice => "charged twice",
        Sort::ChargedUnnamed => "charged by an intent that the ledger does not name",
        Sort::OtherMoney => "charged in another amount or currency",
        Sort::ChargedWithoutRow => "charged, and the ledger has no row",
    }
}

fn meanings(round: &Round) -> String {
    let sorts: BTreeMap<Sort, &Difference> =
        round.differences.iter().map(|difference| (difference.sort, difference)).collect();
    let meant = sorts.keys().map(|sort| format!("- {}:\n  {}", in_short(*sort), meaning(*sort)));
    meant.collect::<Vec<_>>().join("\n")
}

const fn meaning(sort: Sort) -> &'static str {
    match sort {
        Sort::ChargedNotSettled => {
            "the customer paid, and we say that they did not. If it is quarantined, the command release settles it\n  as \
             succeeded; if it is unsettled, release sends it once more, which charges nothing; if it is declined, \
             refund\n  it, or deliver."
        }
        Sort::SettledNotCharged => {
            "we say that the customer paid, and they did not. Ask who changed the row; charge anew under another\n  \
             payment_id, if at all."
        }
        Sort::ChargedTwice => {
            "the customer paid twice. Refund the intent that the ledger does not name, in Stripe's dashboard."
        }
        Sort::ChargedUnnamed => {
            "somebody or something else charged in this payment's name. Find out who (the log of its requests in\n  \
             Stripe's dashboard); refund it unless it is what the customer wanted, and then do not release it."
        }
        Sort::OtherMoney => "somebody edited the intent or the row. Settle the difference with the customer.",
        Sort::ChargedWithoutRow => {
            "the customer paid, and we know nothing of it: a row was deleted, or another system uses our payment_id.\n  \
             If it is ours, restore the row from the table's point-in-time recovery."
        }
    }
}

fn look_closer(round: &Round, site: &Site) -> String {
    let mut text = String::new();
    if let Some(first) = round.differences.first() {
        let _ = write!(
            text,
            "What the ledger knows of the first (the table's name is the stack's output LedgerTable):\n  aws dynamodb \
             get-item --region {} --table-name LEDGER_TABLE --consistent-read \\\n    --key \
             '{{\"payment_id\":{{\"S\":\"{}\"}}}}' --output json\nWhat Stripe knows of it: \
             https://dashboard.stripe.com/payments/{}\n",
            site.region, first.payment_id, first.intent_id
        );
    }
    let audit =
        r#"{"command":"audit","since":"48h","who":"YOUR NAME","why":"see whether they still differ"}"#;
    let _ = write!(
        text,
        "All that was found:\n{}Once they are mended, audit again:\n{}A difference that is still there tomorrow is \
         mailed once more.",
        command(site, r#"{"command":"status"}"#),
        command(site, audit)
    );
    text
}

fn overdue(story: &Story) -> String {
    let Story { at, round } = story;
    let mut text = format!(
        "It began at {} ({} ago), and has looked at {} so far.",
        utc(round.began_at),
        span(at.since_ms(round.began_at)),
        count(round.counts.intents, "intent")
    );
    match round.hindered_by {
        Some(found) => {
            let _ = write!(text, "\nThe last page could not be read: {}", cause(found));
        }
        None => text.push_str("\nPages can be read. It waits while an incident is open."),
    }
    text
}

fn mend(site: &Site) -> String {
    format!(
        "Set right what that names. If payments go through and only the audit is refused: the key is a restricted one \
         that\nmay not list payment intents; allow it to. If an incident is open, end that first. It goes on by itself \
         then.\nSee how far it is:\n{}",
        command(site, r#"{"command":"status"}"#)
    )
}
