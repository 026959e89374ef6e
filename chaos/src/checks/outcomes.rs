//! Outcomes: every payment that came to one is told of, and nothing is told of any that its row did not say.
//!
//! Whoever ships goods by an event trusts it as we trust the ledger, so each event is held to the write it is made from.
//! Invariant: an event that comes twice is no fault; one that says something else, or something older for the first time,
//! is.

use super::{Evidence, Finding, Verdict};
use crate::faults::Kind;
use crate::journal::{Event, PipeEvent, TableEvent};
use crate::units::{counted, duration_ms};
use crate::world::{History, LedgerRow};
use payments::UnixMs;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// From a write to the event that tells of it, ms, or from the end of a trouble of the bus: a quarter of a second on an
/// ordinary day, the longest pause of the pipe after a trouble.
const TOLD_MS_MAX: i64 = 90_000;

/// What an event may say, and nothing else: no id of Stripe's is any subscriber's business.
const FIELDS: [&str; 11] = [
    "amount",
    "code",
    "currency",
    "decline_code",
    "id",
    "payment_id",
    "reason",
    "received_at",
    "settled_at",
    "state",
    "version",
];

/// A version of a row.
type Version<'e> = (&'e str, u64);

/// What was written and what was told, by payment and version.
#[derive(Debug)]
pub(super) struct Outcomes<'e> {
    /// When a row came to a state that is an outcome, and to which.
    written: BTreeMap<Version<'e>, (UnixMs, &'e str)>,
    /// When each was first told.
    told: BTreeMap<Version<'e>, UnixMs>,
    /// Every event, in order.
    events: Vec<(UnixMs, &'e Value)>,
    /// Payments of which something was given up, and is kept in a queue.
    kept: BTreeSet<&'e str>,
}

impl<'e> Outcomes<'e> {
    /// Of what a history says.
    pub(super) fn of(history: &'e History) -> Self {
        let mut states: BTreeMap<&str, &str> = BTreeMap::new();
        let mut outcomes = Self {
            written: BTreeMap::new(),
            told: BTreeMap::new(),
            events: Vec::new(),
            kept: BTreeSet::new(),
        };
        for record in &history.records {
            if let Event::Table(TableEvent::LedgerWritten { payment, state, version, .. }) = &record.event {
                let is_news = states.insert(payment, state) != Some(state.as_str());
                if is_news && matches!(state.as_str(), "succeeded" | "declined" | "quarantined") {
                    outcomes.written.insert((payment, *version), (record.at, state));
                }
            } else if let Event::Pipe(PipeEvent::Told { detail, .. }) = &record.event {
                if let Some(version) = version(detail) {
                    outcomes.told.entry(version).or_insert(record.at);
                }
                outcomes.events.push((record.at, detail));
            } else if let Event::Pipe(PipeEvent::GivenUp { payment, queue: Some(_), .. }) = &record.event {
                outcomes.kept.insert(payment);
            }
        }
        outcomes
    }
}

fn version(detail: &Value) -> Option<Version<'_>> {
    Some((detail["payment_id"].as_str()?, detail["version"].as_str()?.parse().ok()?))
}

pub(super) fn are_told(evidence: &Evidence<'_>) -> Verdict {
    if evidence.history.names.outcomes.is_none() {
        return Verdict::Pass("outcomes are told to nobody here".to_owned());
    }
    let outcomes = &evidence.outcomes;
    let mut findings = Vec::new();
    for (version, (at, state)) in &outcomes.written {
        let payment = version.0;
        let told = outcomes.told.get(version);
        let late_ms = told.copied().unwrap_or(evidence.history.ended).since_ms(could_be_told(evidence, *at));
        if late_ms <= TOLD_MS_MAX || (told.is_none() && outcomes.kept.contains(payment)) {
            continue;
        }
        let after = duration_ms(u64::try_from(late_ms).unwrap_or(0));
        findings.push(Finding::payment(
            payment,
            match told {
                Some(_) => format!("that it is {state} was told after {after}"),
                None => format!("nobody was told in {after} that it is {state}"),
            },
        ));
    }
    Verdict::from_findings(findings, || {
        format!("{} told, {}", outcomes.written.len(), counted(outcomes.events.len() as u64, "event"))
    })
}

/// When what was written at this instant could be told: then, or when the bus took events again.
fn could_be_told(evidence: &Evidence<'_>, at: UnixMs) -> UnixMs {
    let history = evidence.history;
    let troubles = history.experiment.faults.iter().filter(|fault| fault.kind == Kind::BusFailing);
    let spans = troubles.map(|fault| history.span(fault));
    // What was not told yet when the trouble began waits for its end; so do those behind it.
    let until = spans.filter(|(from, _)| at.since_ms(*from) > -TOLD_MS_MAX).map(|(_, until)| until).max();
    until.map_or(at, |until| at.max(until))
}

pub(super) fn are_true(evidence: &Evidence<'_>) -> Verdict {
    let outcomes = &evidence.outcomes;
    let mut latest: BTreeMap<&str, u64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for (at, detail) in &outcomes.events {
        let Some((payment, number)) = version(detail) else {
            findings.push(Finding::run(format!("an event names no payment and version: {detail}")));
            continue;
        };
        let is_out_of_order =
            seen.insert((payment, number)) && latest.get(payment).is_some_and(|last| number < *last);
        latest.entry(payment).and_modify(|last| *last = number.max(*last)).or_insert(number);
        let row = evidence.payments.get(payment).and_then(|file| file.row);
        let wrong = if is_out_of_order {
            Some(format!("version {number} was told after a later one"))
        } else {
            wrong(outcomes, (payment, number), *at, detail, row)
        };
        findings.extend(wrong.map(|what| Finding::payment(payment, what)));
    }
    Verdict::from_findings(findings, || {
        format!("{}, each as its row says", counted(outcomes.events.len() as u64, "event"))
    })
}

/// What is wrong with an event.
fn wrong(
    outcomes: &Outcomes<'_>,
    version: Version<'_>,
    at: UnixMs,
    detail: &Value,
    row: Option<&LedgerRow>,
) -> Option<String> {
    let said = |field: &str| detail[field].as_str().unwrap_or_default();
    let fields: Vec<&str> = detail.as_object()?.keys().map(String::as_str).collect();
    if fields != FIELDS {
        return Some(format!("an event has the fields {}", fields.join(", ")));
    }
    let (payment, number) = version;
    if said("id") != format!("{payment}/{number}") {
        return Some(format!("the event of version {number} has the id {}", said("id")));
    }
    match outcomes.written.get(&version) {
        Some((written, state)) if *state == said("state") && *written <= at => {}
        _ => return Some(format!("version {number} was told to be {}, and is not", said("state"))),
    }
    let Some(row) = row else { return Some("it is told of, and has no row".to_owned()) };
    let ms = |at: Option<UnixMs>| at.map(|at| at.0.to_string());
    let amount = row.amount_minor.map(|amount| amount.to_string());
    let lasting =
        [("amount", amount), ("currency", row.currency.clone()), ("received_at", ms(row.received_at))];
    let of_state = |state: &str, value: &Option<String>| value.clone().filter(|_| said("state") == state);
    let passing = [
        ("code", of_state("declined", &row.code)),
        ("decline_code", of_state("declined", &row.decline_code)),
        ("reason", of_state("quarantined", &row.reason)),
        ("settled_at", ms(row.settled_at)),
    ];
    // A row that went on since says no more what it said then.
    let passing = passing.into_iter().filter(|_| row.version == number);
    let differs = lasting
        .into_iter()
        .chain(passing)
        .find(|(field, value)| said(field) != value.as_deref().unwrap_or_default());
    differs.map(|(field, value)| {
        let row = value.unwrap_or_else(|| "nothing".to_owned());
        format!("its event says {field} {}, its row {row}", said(field))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;
    use crate::faults::Window;
    use serde_json::json;

    /// One payment that succeeded, and is told of as it should be.
    fn told() -> Tale {
        let mut tale = Tale::new();
        tale.charge_as_it_should(ORDER);
        tale.tell_outcome(&event());
        tale
    }

    fn event() -> Value {
        json!({
            "id": format!("{ORDER}/2"), "payment_id": ORDER, "version": "2", "state": "succeeded",
            "amount": "1999", "currency": "eur", "code": "", "decline_code": "", "reason": "",
            "received_at": "", "settled_at": "",
        })
    }

    fn with(field: &str, value: &str) -> Value {
        let mut event = event();
        event[field] = value.into();
        event
    }

    #[test]
    fn what_was_told_as_it_was_written_passes_however_often() {
        let mut tale = told();
        tale.tell_outcome(&event());
        tale.wait_ms(200_000);
        let history = tale.told();
        let evidence = Evidence::of(&history);
        assert_eq!(are_told(&evidence), Verdict::Pass("1 told, 2 events".to_owned()));
        assert_eq!(are_true(&evidence), Verdict::Pass("2 events, each as its row says".to_owned()));
    }

    #[test]
    fn an_outcome_that_nobody_hears_of_in_time_is_found() {
        let silent = |ms: i64, event: Option<Value>| {
            let mut tale = Tale::new();
            tale.charge_as_it_should(ORDER);
            tale.wait_ms(ms);
            event.iter().for_each(|event| tale.tell_outcome(event));
            tale.send(&body("another", 1));
            tale.found_by(are_told)
        };
        assert_eq!(silent(TOLD_MS_MAX - 1_000, None), [""; 0], "it may come yet");
        assert_eq!(silent(100_000, None), ["nobody was told in 1m 41s that it is succeeded"]);
        assert_eq!(silent(100_000, Some(event())), ["that it is succeeded was told after 1m 41s"]);
        let of_another_version = with("version", "1");
        assert_eq!(silent(100_000, Some(of_another_version)).len(), 1);
    }

    #[test]
    fn while_a_bus_takes_nothing_nothing_can_be_told_and_soon_after_everything_is() {
        let found = |ms: i64| {
            let mut tale = Tale::new();
            tale.fault(Kind::BusFailing, Window { from_ms: 1_000, until_ms: 300_000 }, 1);
            tale.charge_as_it_should(ORDER);
            tale.wait_ms(ms);
            tale.tell_outcome(&event());
            tale.found_by(are_told)
        };
        assert_eq!(found(380_000), [""; 0]);
        assert_eq!(found(400_000).len(), 1);
    }

    #[test]
    fn what_a_queue_keeps_need_not_be_told_and_what_is_told_to_nobody_neither() {
        let found = |queue: Option<&str>, bus: Option<&str>| {
            let mut tale = Tale::new();
            tale.charge_as_it_should(ORDER);
            tale.history().names.outcomes = bus.map(str::to_owned);
            let (pipe, payment) = ("outcomes".to_owned(), ORDER.to_owned());
            tale.happen(PipeEvent::GivenUp { pipe, payment, queue: queue.map(str::to_owned) });
            tale.wait_ms(200_000);
            tale.send(&body("another", 1));
            tale.found_by(are_told).len()
        };
        assert_eq!(found(Some("undelivered"), Some("outcomes")), 0);
        assert_eq!(found(None, Some("outcomes")), 1, "it is lost");
        assert_eq!(found(None, None), 0, "nobody is to be told");
    }

    #[test]
    fn an_event_that_says_anything_else_is_found_by_the_field() {
        let found = |event: &Value| {
            let mut tale = told();
            let row = tale.row(ORDER);
            row.received_at = Some(UnixMs(11));
            row.settled_at = Some(UnixMs(13));
            tale.tell_outcome(event);
            tale.found_by(are_true).pop()
        };
        // The first event of the tale does not have the row's times, so each finding here is the second's.
        for (field, value) in [
            ("amount", "1998"),
            ("currency", "usd"),
            ("received_at", "12"),
            ("settled_at", "14"),
            ("code", "card_declined"),
            ("decline_code", "lost_card"),
            ("reason", "poison"),
        ] {
            let mut event = with("received_at", "11");
            event["settled_at"] = "13".into();
            event[field] = value.into();
            let what = found(&event).expect("it is found");
            assert!(what.starts_with(&format!("its event says {field} {value}")), "{what}");
        }
        let said = |event: &Value| found(event).expect("it is found");
        assert_eq!(said(&with("id", "other/2")), "the event of version 2 has the id other/2");
        assert_eq!(said(&with("state", "declined")), "version 2 was told to be declined, and is not");
        let mut of_no_version = with("version", "7");
        of_no_version["id"] = format!("{ORDER}/7").into();
        assert_eq!(said(&of_no_version), "version 7 was told to be succeeded, and is not");
        assert!(said(&with("intent_id", "pi_1")).starts_with("an event has the fields amount, code, "));
        assert!(said(&with("version", "two")).starts_with("an event names no payment and version"));
    }

    #[test]
    fn what_a_decline_or_a_quarantine_says_is_held_to_the_row() {
        let found = |state: &str, said: [&str; 3]| {
            let mut tale = Tale::new();
            tale.write(ORDER, "received");
            tale.write(ORDER, "intended");
            tale.write(ORDER, state);
            let row = tale.row(ORDER);
            row.code = Some("card_declined".to_owned());
            row.decline_code = Some("lost_card".to_owned());
            row.reason = Some("poison".to_owned());
            let mut event = with("state", state);
            for (field, value) in ["code", "decline_code", "reason"].into_iter().zip(said) {
                event[field] = value.into();
            }
            tale.tell_outcome(&event);
            tale.found_by(are_true).len()
        };
        assert_eq!(found("declined", ["card_declined", "lost_card", ""]), 0);
        assert_eq!(found("quarantined", ["", "", "poison"]), 0);
        assert_eq!(found("declined", ["card_declined", "", ""]), 1);
        assert_eq!(found("declined", ["", "lost_card", ""]), 1);
        assert_eq!(found("declined", ["card_declined", "lost_card", "poison"]), 1);
        assert_eq!(found("quarantined", ["", "", ""]), 1);
        assert_eq!(found("quarantined", ["card_declined", "", "poison"]), 1);
    }

    #[test]
    fn what_is_told_before_it_is_written_or_after_something_later_is_found() {
        let mut early = Tale::new();
        early.tell_outcome(&event());
        early.charge_as_it_should(ORDER);
        assert_eq!(early.found_by(are_true), ["version 2 was told to be succeeded, and is not"]);
        let mut later = with("version", "5");
        later["id"] = format!("{ORDER}/5").into();
        let mut earlier = with("state", "quarantined");
        earlier["reason"] = "poison".into();
        let order = |events: [&Value; 3]| {
            let mut tale = Tale::new();
            for state in ["received", "intended", "quarantined", "received", "intended", "succeeded"] {
                tale.write(ORDER, state);
            }
            events.iter().for_each(|event| tale.tell_outcome(event));
            tale.found_by(are_true)
        };
        assert_eq!(order([&earlier, &later, &earlier]), [""; 0], "once more is no news");
        assert_eq!(order([&later, &earlier, &later]), ["version 2 was told after a later one"]);
    }

    #[test]
    fn a_payment_without_a_row_is_told_of_by_nobody() {
        let mut tale = told();
        tale.history().ledger.clear();
        assert_eq!(tale.found_by(are_true), ["it is told of, and has no row"]);
    }
}
