//! What differs and what does not, and the course of an audit.

use super::*;
use crate::cause::Cause;
use crate::incident::{Letter, Phase as IncidentPhase};
use crate::limits::{
    AUDIT_DIFFERENCES_MAX, AUDIT_EVERY_MS, AUDIT_OVERDUE_MS, AUDIT_SETTLING_MS, AUDIT_UNSETTLED_MS,
};
use crate::provider::{Intent, IntentId, IntentStatus};
use crate::time::UnixMs;
use std::collections::BTreeMap;

const NOW: UnixMs = UnixMs(1_767_609_720_000);
const LONG_AGO: UnixMs = UnixMs(NOW.0 - 2 * AUDIT_UNSETTLED_MS);
const QUIET: IncidentPhase = IncidentPhase::Quiet;

fn listed(status: IntentStatus) -> Listed {
    let intent = Intent {
        id: IntentId("pi_1".to_owned()),
        status,
        amount: 1_999,
        currency: "eur".to_owned(),
        payment_id: Some("order-1".to_owned()),
        last_decline: None,
    };
    Listed { intent, created_at: LONG_AGO }
}

fn entry(standing: Standing) -> Entry {
    Entry {
        standing,
        intent_id: Some(IntentId("pi_1".to_owned())),
        amount: Some(1_999),
        currency: Some("eur".to_owned()),
        received_at: LONG_AGO,
        enqueued_at: LONG_AGO,
        settled_at: Some(LONG_AGO),
    }
}

fn sort(listed: &Listed, entry: Option<&Entry>) -> Option<Sort> {
    match compare(listed, entry, NOW) {
        Verdict::Differs(difference) => Some(difference.sort),
        Verdict::NotOurs | Verdict::Agrees | Verdict::InFlight | Verdict::LeftOver => None,
    }
}

const STANDINGS: [Standing; 6] = [
    Standing::Received,
    Standing::Intended,
    Standing::Succeeded,
    Standing::Declined,
    Standing::Quarantined,
    Standing::Unknown,
];

#[test]
fn a_charge_agrees_with_a_row_that_succeeded_on_it_and_with_no_other() {
    let charged = listed(IntentStatus::Succeeded);
    for standing in STANDINGS {
        let expected = (standing != Standing::Succeeded).then_some(Sort::ChargedNotSettled);
        assert_eq!(sort(&charged, Some(&entry(standing))), expected, "{standing:?}");
    }
    assert_eq!(sort(&charged, None), Some(Sort::ChargedWithoutRow));
}

#[test]
fn a_charge_that_the_row_does_not_name_always_differs() {
    let charged = listed(IntentStatus::Succeeded);
    for standing in STANDINGS {
        for named in [None, Some(IntentId("pi_2".to_owned()))] {
            // However fresh it is: only what a row names is ever confirmed.
            let entry = Entry { intent_id: named, received_at: NOW, enqueued_at: NOW, ..entry(standing) };
            let expected =
                if standing == Standing::Succeeded { Sort::ChargedTwice } else { Sort::ChargedUnnamed };
            assert_eq!(sort(&charged, Some(&entry)), Some(expected), "{standing:?}");
        }
    }
}

#[test]
fn another_amount_or_currency_differs_and_so_does_one_that_is_missing() {
    let edits: [fn(&mut Entry); 4] = [
        |entry| entry.amount = Some(2_000),
        |entry| entry.amount = None,
        |entry| entry.currency = Some("usd".to_owned()),
        |entry| entry.currency = None,
    ];
    for (edit, standing) in edits.into_iter().flat_map(|edit| STANDINGS.map(|standing| (edit, standing))) {
        // However fresh it is: nothing that is still to come makes another sum of it.
        let mut entry = Entry { received_at: NOW, enqueued_at: NOW, ..entry(standing) };
        edit(&mut entry);
        assert_eq!(sort(&listed(IntentStatus::Succeeded), Some(&entry)), Some(Sort::OtherMoney), "{entry:?}");
    }
}

#[test]
fn a_difference_tells_what_both_books_say() {
    let charged = listed(IntentStatus::Succeeded);
    let told = |entry| {
        let Verdict::Differs(difference) = compare(&charged, entry, NOW) else { panic!("they agree") };
        difference
    };
    let declined = entry(Standing::Declined);
    let Difference { payment_id, intent_id, status, amount, currency, created_at, row, .. } =
        *told(Some(&declined));
    assert_eq!((payment_id.as_str(), intent_id), ("order-1", charged.intent.id.clone()));
    assert_eq!((status.as_str(), amount, currency.as_str()), ("succeeded", 1_999, "eur"));
    assert_eq!(created_at, LONG_AGO);
    let row = row.expect("there is one");
    assert_eq!((row.standing, row.intent_id), (Standing::Declined, Some(charged.intent.id.clone())));
    assert_eq!((row.amount, row.currency.as_deref()), (Some(1_999), Some("eur")));
    assert_eq!(told(None).row, None);
}

#[test]
fn sorts_and_standings_are_named_as_they_are_stored() {
    for sort in [
        Sort::ChargedNotSettled,
        Sort::SettledNotCharged,
        Sort::ChargedTwice,
        Sort::ChargedUnnamed,
        Sort::OtherMoney,
        Sort::ChargedWithoutRow,
    ] {
        assert_eq!(serde_json::json!(sort), sort.name());
    }
    for standing in STANDINGS.into_iter().filter(|standing| *standing != Standing::Unknown) {
        assert_eq!(serde_json::json!(standing), standing.name());
        assert_eq!(Standing::of(standing.name()), standing);
    }
}

#[test]
fn success_that_the_provider_denies_differs_once_the_list_must_know_it() {
    let statuses = [IntentStatus::RequiresConfirmation, IntentStatus::Processing, IntentStatus::Canceled];
    for status in statuses {
        let at = |settled_at| Entry { settled_at, ..entry(Standing::Succeeded) };
        let listed = listed(status);
        for known in [None, Some(LONG_AGO), Some(NOW.plus_ms(-AUDIT_SETTLING_MS))] {
            assert_eq!(sort(&listed, Some(&at(known))), Some(Sort::SettledNotCharged), "{known:?}");
        }
        for news in [NOW.plus_ms(1 - AUDIT_SETTLING_MS), NOW, NOW.plus_ms(500)] {
            assert_eq!(compare(&listed, Some(&at(Some(news))), NOW), Verdict::InFlight);
        }
    }
}

#[test]
fn a_payment_in_flight_is_no_difference_until_its_time_is_up() {
    let charged = listed(IntentStatus::Succeeded);
    let young = NOW.plus_ms(1 - AUDIT_UNSETTLED_MS);
    for standing in [Standing::Received, Standing::Intended] {
        let received = Entry { received_at: young, ..entry(standing) };
        let sent_again = Entry { enqueued_at: young, ..entry(standing) };
        for entry in [received, sent_again] {
            assert_eq!(compare(&charged, Some(&entry), NOW), Verdict::InFlight);
            assert_eq!(
                sort_at(&charged, &entry, NOW.plus_ms(1)),
                Some(Sort::ChargedNotSettled),
                "an hour is the limit"
            );
        }
    }
}

fn sort_at(listed: &Listed, entry: &Entry, at: UnixMs) -> Option<Sort> {
    match compare(listed, Some(entry), at) {
        Verdict::Differs(difference) => Some(difference.sort),
        Verdict::NotOurs | Verdict::Agrees | Verdict::InFlight | Verdict::LeftOver => None,
    }
}

#[test]
fn an_intent_that_charged_nobody_and_that_no_row_names_is_left_over() {
    let other = Entry { intent_id: Some(IntentId("pi_2".to_owned())), ..entry(Standing::Succeeded) };
    for status in [IntentStatus::RequiresConfirmation, IntentStatus::Canceled] {
        for entry in [None, Some(&other)] {
            assert_eq!(compare(&listed(status.clone()), entry, NOW), Verdict::LeftOver);
        }
    }
}

#[test]
fn what_is_declined_or_waits_agrees_with_an_intent_that_charged_nobody() {
    for standing in STANDINGS.into_iter().filter(|standing| *standing != Standing::Succeeded) {
        let listed = listed(IntentStatus::RequiresPaymentMethod);
        assert_eq!(compare(&listed, Some(&entry(standing)), NOW), Verdict::Agrees, "{standing:?}");
    }
}

#[test]
fn an_intent_without_a_payment_id_of_ours_is_not_ours_whatever_it_charged() {
    for id in [None, Some("a payment of somebody else"), Some("")] {
        let mut listed = listed(IntentStatus::Succeeded);
        listed.intent.payment_id = id.map(str::to_owned);
        assert_eq!(compare(&listed, None, NOW), Verdict::NotOurs);
    }
}

#[test]
fn only_charges_of_ours_are_counted_as_charged() {
    let mut theirs = listed(IntentStatus::Succeeded);
    theirs.intent.payment_id = None;
    let all = [theirs, listed(IntentStatus::Succeeded), listed(IntentStatus::Canceled)];
    let Counts { intents, not_ours, charged, .. } =
        Page::judged(&all, false, &BTreeMap::new(), NOW, compare).counts;
    assert_eq!((intents, not_ours, charged), (3, 1, 1));
}

fn begun() -> Audit {
    Audit::default().begun(Asked::by("ada"), Span::DAILY, NOW).expect("none is under way")
}

/// A page of one intent that nobody paid by, or of nothing.
fn page(id: Option<&str>, has_more: bool) -> Page {
    let listed: Vec<Listed> = id
        .map(|id| {
            let mut listed = listed(IntentStatus::Canceled);
            listed.intent.id = IntentId(id.to_owned());
            listed
        })
        .into_iter()
        .collect();
    Page::judged(&listed, has_more, &BTreeMap::new(), NOW, compare)
}

fn round(audit: &Audit) -> &Round {
    match &audit.phase {
        Phase::Running(round) => round,
        Phase::Idle => panic!("none is under way"),
    }
}

#[test]
fn a_page_is_counted_and_the_next_one_begins_behind_it() {
    let audit = begun().read(page(Some("pi_9"), true), NOW);
    assert_eq!(round(&audit).after, Some(IntentId("pi_9".to_owned())));
    let audit = audit.read(page(Some("pi_8"), false), NOW.plus_ms(1));
    let report = audit.last.as_ref().expect("it ended");
    assert_eq!((report.round.counts.intents, report.round.counts.left_over), (2, 2));
    assert!(audit.is_quiet(), "nothing differs, so nobody is told");
    assert_eq!(report.ended_at, NOW.plus_ms(1));
}

#[test]
fn an_empty_page_ends_an_audit_whatever_it_says_of_more() {
    assert_eq!(begun().read(page(None, true), NOW).phase, Phase::Idle);
}

#[test]
fn differences_are_mailed_at_the_end_and_the_first_of_them_listed() {
    let all: Vec<Listed> = (0..AUDIT_DIFFERENCES_MAX + 3)
        .map(|n| {
            let mut listed = listed(IntentStatus::Succeeded);
            listed.intent.id = IntentId(format!("pi_{n}"));
            listed
        })
        .collect();
    let page = Page::judged(&all, false, &BTreeMap::new(), NOW, compare);
    let audit = begun().read(page, NOW);
    let report = audit.last.as_ref().expect("it ended");
    assert_eq!(report.round.differences.len(), AUDIT_DIFFERENCES_MAX);
    assert_eq!(report.round.counts.differences as usize, AUDIT_DIFFERENCES_MAX + 3);
    let [mail] = audit.outbox.pending() else { panic!("one mail: {:?}", audit.outbox) };
    assert!(matches!(&mail.letter, Letter::Audit(Kind::Differences, story) if story.round == report.round));
}

#[test]
fn a_second_audit_waits_for_the_first() {
    assert_eq!(begun().begun(Asked::Daily, Span::DAILY, NOW), Err(UnderWay));
}

#[test]
fn a_daily_audit_begins_at_once_and_then_every_day_but_in_no_incident() {
    let idle = Audit::default();
    assert_eq!(idle.turned(NOW, &IncidentPhase::Open), idle);
    let running = idle.turned(NOW, &QUIET);
    assert_eq!(round(&running).asked, Asked::Daily);
    let done = running.read(page(None, false), NOW.plus_ms(5_000));
    let next_day = NOW.plus_ms(AUDIT_EVERY_MS);
    assert_eq!(done.turned(next_day.plus_ms(-1), &QUIET), done);
    // One that was ordered in between looks at something else.
    let ordered = done.begun(Asked::by("ada"), Span::parse("1h").unwrap(), next_day.plus_ms(-9)).unwrap();
    let done = ordered.read(page(None, false), next_day.plus_ms(-8));
    assert_eq!(round(&done.turned(next_day, &QUIET)).began_at, next_day);
}

#[test]
fn an_incident_holds_up_a_daily_audit_and_not_one_that_was_ordered() {
    let daily = Audit::default().turned(NOW, &QUIET);
    assert!(daily.may_go_on(&QUIET).is_some() && daily.may_go_on(&IncidentPhase::Open).is_none());
    assert!(begun().may_go_on(&IncidentPhase::Open).is_some());
}

#[test]
fn what_hinders_a_page_loses_nothing_and_is_forgotten_once_one_is_read() {
    let audit = begun().read(page(Some("pi_9"), true), NOW);
    let hindered = audit.hindered(Cause::ProviderError);
    assert_eq!(round(&hindered).after, round(&audit).after);
    assert_eq!(round(&hindered).hindered_by, Some(Cause::ProviderError));
    assert_eq!(round(&hindered.read(page(Some("pi_8"), true), NOW)).hindered_by, None);
}

#[test]
fn a_page_that_is_too_large_is_asked_for_in_tenths() {
    let ten = begun().shortened().expect("it can be shorter");
    let one = ten.shortened().expect("it can be shorter");
    assert_eq!((round(&ten).page_intents, round(&one).page_intents), (10, 1));
    assert_eq!(one.shortened(), None);
    assert_eq!(round(&one.read(page(Some("pi_9"), true), NOW)).page_intents, 100);
}

#[test]
fn an_audit_that_does_not_end_is_told_of_once() {
    let audit = begun().hindered(Cause::CredentialsRefused);
    let late = NOW.plus_ms(AUDIT_OVERDUE_MS);
    assert!(audit.turned(late.plus_ms(-1), &QUIET).outbox.is_empty());
    let told = audit.turned(late, &QUIET);
    assert!(matches!(&told.outbox.pending()[0].letter, Letter::Audit(Kind::Overdue, _)));
    assert_eq!(told.turned(late.plus_ms(1), &QUIET).outbox.written(), 1);
}

#[test]
fn the_record_survives_its_json() {
    let charged = [listed(IntentStatus::Succeeded)];
    let page = Page::judged(&charged, true, &BTreeMap::new(), NOW, compare);
    let running = begun().read(page.clone(), NOW);
    let ended = running.read(Page { has_more: false, ..page }, NOW);
    for audit in [Audit::default(), running, ended] {
        let json = serde_json::to_string(&audit).unwrap();
        assert_eq!(serde_json::from_str::<Audit>(&json).unwrap(), audit);
    }
    assert_eq!(serde_json::from_str::<Audit>("{}").unwrap(), Audit::default());
}
