//! What people read: golden texts.

use super::*;
use crate::checks::fixtures::{ORDER, Tale, body};
use crate::faults::{Kind, Window};
use crate::journal::{FunctionEvent, Operation, StateValue};
use crate::world::History;

/// What becomes of a run that is judged and reported.
pub(super) fn reported<T>(
    history: &History,
    mails: Mails,
    replay: &str,
    told: impl FnOnce(&Report<'_>) -> T,
) -> T {
    let evidence = Evidence::of(history);
    let (judgement, figures) = (evidence.judge(), Figures::of(&evidence));
    told(&Report { evidence: &evidence, judgement: &judgement, figures: &figures, mails, replay })
}

fn text(tale: Tale) -> String {
    reported(&tale.told(), Mails::First, "cargo chaos run tale.toml --seed 7", |report| {
        report.text(Paint::Plain, Duration::from_millis(1_230)) + &report.conclusion(Paint::Plain)
    })
}

/// One payment charged twice, one dead-lettered in an outage, one message that is no payment.
pub(super) fn a_bad_day() -> Tale {
    let mut tale = Tale::new();
    let good = tale.send(&body(ORDER, 1999));
    tale.receive(&good);
    tale.happen(FunctionEvent::Invoked {
        function: "Consumer".to_owned(),
        container: 1,
        request: "request-1".to_owned(),
        messages: vec![good.clone()],
    });
    tale.charge_as_it_should(ORDER);
    tale.charge(ORDER, 1999, "eur");
    tale.happen(FunctionEvent::Answered {
        request: "request-1".to_owned(),
        failed: vec![],
        malformed: None,
        hops: 10,
    });
    tale.delete(&good);
    tale.fault(Kind::StripeUnavailable, Window { from_ms: 11_000, until_ms: 16_000 }, 1);
    let dead = tale.send(&body("order-2", 1999));
    tale.receive(&dead);
    tale.call("order-2", Operation::Create, Some(503), Some(Kind::StripeUnavailable));
    tale.happen(FunctionEvent::Answered {
        request: "request-2".to_owned(),
        failed: vec![dead.clone()],
        malformed: None,
        hops: 4,
    });
    tale.dead_letter(&dead);
    tale.tell("recovery", "opened");
    tale.alarm("DeadLettersWaiting", StateValue::Alarm);
    let garbage = tale.send("not json");
    tale.quarantine(&garbage, "malformed");
    tale.delete(&garbage);
    tale.tell("quarantine", "opened");
    tale
}

#[test]
fn a_failed_run_tells_its_story_and_that_of_the_payment_that_went_wrong() {
    insta::assert_snapshot!(text(a_bad_day()));
}

#[test]
fn plain_text_has_no_escape_codes_and_colours_change_nothing_else() {
    let plain = text(a_bad_day());
    assert!(!plain.contains('\u{1b}'));
    let mut coloured = reported(&a_bad_day().told(), Mails::First, "", |report| {
        report.text(Paint::Colours, Duration::from_millis(1_230))
    });
    for code in ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[1;31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"] {
        coloured = coloured.replace(code, "");
    }
    assert!(plain.starts_with(&coloured));
}

#[test]
fn everything_that_was_sent_is_in_exactly_one_figure() {
    let history = a_bad_day().told();
    let figures = Figures::of(&Evidence::of(&history));
    let Figures { succeeded, declined, quarantined, dead_lettered, queued, drilled, lost, .. } = figures;
    assert_eq!(
        succeeded + declined + quarantined + dead_lettered + queued + drilled + lost,
        figures.messages
    );
    assert_eq!(figures.outage, Some(Outage { arrived: 1, dead_lettered: 1 }));
}

#[test]
fn a_report_says_what_was_taken_for_a_good_card_for_want_of_knowledge() {
    let mut tale = Tale::new();
    let real = |order: &str, method: &str| body(order, 1999).replace("pm_card_visa", method);
    for (order, method) in [("order-1", "pm_1Abc"), ("order-2", "pm_1Abc"), ("order-3", "pm_1Def")] {
        tale.send(&real(order, method));
    }
    tale.send(&real("order-4", "pm_card_vissa"));
    tale.send(&body("order-5", 1999));
    let told = text(tale);
    let line = told.lines().find(|line| line.contains("methods")).unwrap_or_default();
    insta::assert_snapshot!(line.trim(), @"methods     3 payments with 2 payment methods that Stripe documents no test behaviour for: taken for good cards");
    assert!(!text(a_bad_day()).contains("taken for good cards"));
}

#[test]
fn a_journal_line_is_an_instant_and_an_event() {
    let history = a_bad_day().told();
    let mut journal = Vec::new();
    reported(&history, Mails::First, "", |report| files::write_journal(report, &mut journal))
        .expect("memory takes everything");
    let journal = String::from_utf8(journal).expect("JSON is text");
    assert_eq!(journal.lines().count(), history.records.len());
    insta::assert_snapshot!(journal.lines().nth(3).unwrap_or_default(), @r#"{"at":"2026-01-05T09:00:04.000Z","event":"ledger-written","request":"request-1","payment":"order-1","state":"received","version":0}"#);
}

#[test]
fn a_long_story_keeps_its_beginning_and_its_end() {
    let mut tale = Tale::of_one_good_payment();
    for _ in 0..100 {
        tale.receive("m-1");
    }
    let history = tale.told();
    let subject = crate::checks::Subject::Payment(ORDER.to_owned());
    let lines = subject::story(&Evidence::of(&history), &subject);
    assert_eq!(lines.len(), 109);
    let shortened = subject::shortened(lines.clone());
    assert_eq!((shortened.first(), shortened.last()), (lines.first(), lines.last()));
    assert_eq!(shortened[30].text, "… 49 more events, in the journal …");
}
