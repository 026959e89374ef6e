//! The page, as it is written: golden texts, what a stranger's words come to, and how large it gets.

use super::*;
use crate::checks::fixtures::{Tale, body};
use crate::journal::{FailedBy, FunctionEvent, StateValue, TableEvent};
use crate::report::tests::{a_bad_day, reported};
use crate::report::{Mails, junit};
use crate::world::History;
use proptest::prelude::*;

/// What a page may be at most.
const BYTES_MAX: usize = 3_000_000;

fn page_of(history: &History, replay: &str) -> String {
    reported(history, Mails::First, replay, page)
}

/// A run with a fault, an incident in its phases, an alarm that ends, and everything of [`a_bad_day`].
fn a_day_with_an_incident() -> Tale {
    let mut tale = a_bad_day();
    for phase in ["open", "waiting", "canary", "canary", "resolved"] {
        tale.happen(TableEvent::IncidentSaved {
            request: "request-9".to_owned(),
            record: "recovery".to_owned(),
            phase: phase.to_owned(),
            version: 1,
            pending: Vec::new(),
        });
    }
    tale.alarm("DeadLettersWaiting", StateValue::Ok);
    tale
}

#[test]
fn a_page_has_the_verdict_the_picture_the_checks_and_the_payments() {
    let page = page_of(&a_day_with_an_incident().told(), "cargo chaos run tale.toml --seed 7");
    let page = page.replace(STYLE, "").replace(SCRIPT, "").replace(&policy(), "the policy");
    insta::assert_snapshot!(page.replace("><", ">\n<"));
}

#[test]
fn a_page_needs_nobody_else_and_runs_what_is_in_it_alone() {
    let page = page_of(&a_bad_day().told(), "again");
    assert!(!page.contains(" src=") && !page.contains("url(http") && !page.contains("@import"));
    assert!(page.split("href=\"").skip(1).all(|rest| rest.starts_with('#')), "every link stays on the page");
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains(" style=\""), "a browser would refuse it");
    // As `openssl dgst -sha256 -binary | base64` says of nothing.
    assert_eq!(STANDARD.encode(Sha256::digest("")), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    for inline in [STYLE, SCRIPT] {
        let digest = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(inline)));
        assert!(page.contains(inline) && page.contains(&digest));
    }
}

/// A run in which these words are wherever somebody else's may be.
fn said(words: &str) -> String {
    let mut tale = a_day_with_an_incident();
    tale.charge(words, 1_999, "eur");
    tale.charge(words, 1_999, "eur");
    tale.publish("request-1", words);
    tale.alarm(words, StateValue::Alarm);
    let history = tale.history();
    history.experiment.title = words.to_owned();
    history.experiment.name = words.to_owned();
    history.experiment.source = Some(words.to_owned());
    page_of(&tale.told(), words)
}

/// What a markup language is about, and a few others.
const SIGNS: [char; 12] = ['<', '>', '"', '\'', '&', '/', '=', ';', ' ', 'a', 'é', '\u{1}'];

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_somebody_says_is_text(words in prop::collection::vec(prop::sample::select(&SIGNS[..]), 1..40)) {
        // No payment may have such an id: the checks treat both alike.
        let (plain, page) = (said("é"), said(&format!("é{}", words.iter().collect::<String>())));
        for sign in ['<', '>', '"'] {
            prop_assert_eq!(page.matches(sign).count(), plain.matches(sign).count(), "{}", sign);
        }
    }
}

#[test]
fn checks_are_cases_failed_doubted_skipped_and_passed() {
    let mut tale = a_bad_day();
    let history = tale.history();
    history.experiment.expect.excused.insert(Check::Drained);
    history.unseen.insert(Check::NothingDenied, "nobody sees <IAM>".to_owned());
    history.faults[0].fired = 0;
    let mut cases = Vec::new();
    reported(&tale.told(), Mails::First, "cargo chaos run 'a b.toml'", |report| {
        junit::write(report, &mut cases).expect("memory takes everything");
    });
    insta::assert_snapshot!(String::from_utf8(cases).expect("XML is text"));
}

/// So many payments, each delivered five times and dead-lettered, and the first of them charged twice.
fn a_terrible_day(payments: usize) -> History {
    let mut tale = Tale::new();
    for number in 1..=payments {
        let message = tale.send(&body(&format!("order-{number}"), 1_999));
        for _ in 0..5 {
            tale.receive(&message);
        }
        tale.dead_letter(&message);
    }
    tale.charge("order-1", 1_999, "eur");
    tale.charge("order-1", 1_999, "eur");
    // Whatever else is wrong with such a day is not what this is about.
    let others = Check::ALL.into_iter().filter(|check| *check != Check::ChargedAtMostOnce);
    tale.history().experiment.expect.excused.extend(others);
    tale.told()
}

#[test]
fn seventy_thousand_payments_fit_into_a_page_that_says_whom_it_leaves_out() {
    let page = page_of(&a_terrible_day(70_000), "again");
    assert!(page.len() < BYTES_MAX, "{} bytes", page.len());
    assert!(page.contains("70,000 payments or messages were delivered more than once"));
    assert!(page.contains("A page holds 3 MB: ") && page.contains("the first "), "the cap is stated");
    let shown = page.matches("class=\"payment\"").count();
    assert!(shown > 2_000, "only {shown} of them can be looked up");
    assert!(
        page.contains("<details class=\"payment\" id=\"p0\"><summary><b>order-1</b>"),
        "the gravest is the first"
    );
}

#[test]
fn a_long_error_message_is_cut_and_its_payment_is_not() {
    let mut tale = a_bad_day();
    let detail = Some("é".repeat(100_000));
    tale.happen(FunctionEvent::Failed {
        request: "request-1".to_owned(),
        how: FailedBy::Error,
        hops: 1,
        detail,
    });
    let page = page_of(&tale.told(), "again");
    assert!(page.contains("é…") && page.len() < 200_000, "{} bytes", page.len());
}
