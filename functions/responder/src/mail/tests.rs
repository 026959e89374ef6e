//! Golden mails: one for each transition, to be read as someone woken at three would.

use super::*;
use payments::audit::{self, Asked, Counts, Difference, Round, RowSays, Sort, Span, Standing, Story};
use payments::incident::{
    Alike, Depth, Escalation, Facts, Kind, NoticeFacts, NoticeKind, Probes, Quarantined, Reach, RedriveMode,
    Survey, Trigger, Trouble, Unsettled,
};
use payments::money::{AmountMinor, Currency};
use payments::provider::IntentId;
use payments::{Cause, PaymentId, UnixMs};
use std::collections::{BTreeMap, BTreeSet};

/// 2026-01-05 10:42 UTC.
const SINCE: UnixMs = UnixMs(1_767_609_720_000);
const MINUTE: i64 = 60_000;

fn site() -> Site {
    Site {
        function_name: "payments-responder".to_owned(),
        region: "eu-central-1".to_owned(),
        redrive_rate_max: 50,
        redrive_cycles_max: 3,
    }
}

fn currency(code: &str) -> Currency {
    Currency::new(code).expect("has the form")
}

fn id(text: &str) -> PaymentId {
    PaymentId::new(text).expect("has the form")
}

fn survey() -> Survey {
    Survey {
        payments: 37,
        money: BTreeMap::from([(currency("eur"), 421_000)]),
        causes: BTreeMap::from([
            (Cause::ProviderError, 30),
            (Cause::ProviderTimeout, 4),
            (Cause::BreakerOpen, 3),
        ]),
        oldest: Some(Unsettled {
            payment_id: id("order-1042"),
            amount: AmountMinor::new(1_999).expect("positive"),
            currency: currency("eur"),
            received_at: SINCE,
            enqueued_at: SINCE.plus_ms(-800),
            last_error: Some(Cause::ProviderError),
            refused: None,
            open: BTreeSet::new(),
        }),
        reach: Reach::All,
    }
}

fn facts() -> Facts {
    Facts {
        at: SINCE.plus_ms(9 * MINUTE),
        opened_at: SINCE.plus_ms(9 * MINUTE),
        since: SINCE,
        trigger: Trigger::DeadLetters,
        source: Depth { visible: 0, in_flight: 25, delayed: 0 },
        dead_letters: Depth { visible: 12, in_flight: 0, delayed: 0 },
        survey: survey(),
        probes: None,
        redrive: RedriveMode::Automatic,
        tasks: 0,
        moved: 0,
        setbacks: 0,
        went_first: 0,
        next_try_at: None,
        failure: None,
        escalations: Vec::new(),
        alike: None,
        ordered_by: None,
    }
}

fn text(kind: Kind, facts: Facts) -> String {
    shown(&write(&Letter::Recovery(kind, Box::new(facts)), &site()))
}

fn shown(email: &Email) -> String {
    assert!(email.subject.is_ascii() && email.subject.len() < 100, "{}", email.subject);
    let first = email.body.lines().next().expect("a first line");
    assert!(
        first.starts_with("You ") || first.starts_with("YES, YOU ARE NEEDED"),
        "do I have to get up? {first}"
    );
    format!("Subject: {}\n\n{}", email.subject, email.body)
}

#[test]
fn opened() {
    insta::assert_snapshot!(text(Kind::Opened, facts()));
}

#[test]
fn opened_with_several_currencies_of_which_some_are_not_in_the_ledger() {
    let money =
        BTreeMap::from([(currency("eur"), 421_000), (currency("jpy"), 120_000), (currency("kwd"), 12_340)]);
    let survey = Survey { money, payments: 30, ..survey() };
    insta::assert_snapshot!(text(Kind::Opened, Facts { survey, ..facts() }));
}

#[test]
fn opened_by_delay_alone() {
    let facts = Facts { trigger: Trigger::Delayed, dead_letters: Depth::default(), ..facts() };
    insta::assert_snapshot!(text(Kind::Opened, facts));
}

/// A drill alone: nothing of it is in the ledger.
fn drill() -> Facts {
    let dead_letters = Depth { visible: 1, ..Depth::default() };
    Facts { survey: Survey::default(), dead_letters, source: Depth::default(), since: facts().at, ..facts() }
}

#[test]
fn opened_by_a_drill() {
    insta::assert_snapshot!(text(Kind::Opened, drill()));
}

#[test]
fn recovering_a_drill() {
    insta::assert_snapshot!(text(Kind::Recovering, Facts { probes: Some(Probes::Well), ..drill() }));
}

#[test]
fn resolved_after_a_drill() {
    let at = SINCE.plus_ms(21 * MINUTE);
    let facts = Facts { at, dead_letters: Depth::default(), tasks: 3, moved: 3, ..drill() };
    insta::assert_snapshot!(text(Kind::Resolved, facts));
}

#[test]
fn a_ledger_that_cannot_be_read_makes_nothing_a_drill() {
    let survey = Survey { reach: Reach::Part, ..Survey::default() };
    let mail = text(Kind::Opened, Facts { survey, ..drill() });
    assert!(mail.contains("1 payment waiting: cause unknown") && !mail.contains("drill"), "{mail}");
}

#[test]
fn opened_by_refused_credentials() {
    let facts = Facts {
        trigger: Trigger::CredentialsRefused,
        survey: Survey { causes: BTreeMap::from([(Cause::CredentialsRefused, 37)]), ..survey() },
        escalations: vec![Escalation::CredentialsRefused],
        ..facts()
    };
    insta::assert_snapshot!(text(Kind::Opened, facts));
}

#[test]
fn opened_with_auto_redrive_off() {
    insta::assert_snapshot!(text(Kind::Opened, Facts { redrive: RedriveMode::Off, ..facts() }));
}

#[test]
fn recovering() {
    let at = SINCE.plus_ms(95 * MINUTE);
    let (probes, source) = (Some(Probes::Well), Depth::default());
    let facts = Facts { at, probes, setbacks: 1, went_first: 3, source, ..facts() };
    insta::assert_snapshot!(text(Kind::Recovering, facts));
}

#[test]
fn recovering_by_order() {
    let facts = Facts { redrive: RedriveMode::Off, ordered_by: Some("ada".to_owned()), ..facts() };
    insta::assert_snapshot!(text(Kind::Recovering, facts));
}

#[test]
fn escalated_because_everything_is_refused() {
    let survey = Survey { causes: BTreeMap::from([(Cause::RefusedInARow, 37)]), ..survey() };
    let alike =
        Alike { trouble: Trouble::Refused, what: "create: parameter_unknown (foo)".to_owned(), payments: 25 };
    let facts = Facts { survey, alike: Some(alike), ..facts() };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::RefusedInARow), facts));
}

#[test]
fn back_to_waiting() {
    let at = SINCE.plus_ms(120 * MINUTE);
    let facts =
        Facts { at, tasks: 1, moved: 34, setbacks: 2, next_try_at: Some(at.plus_ms(4 * MINUTE)), ..facts() };
    insta::assert_snapshot!(text(Kind::BackToWaiting, facts));
}

#[test]
fn resolved() {
    let facts = Facts {
        at: SINCE.plus_ms(141 * MINUTE),
        survey: Survey::default(),
        source: Depth::default(),
        dead_letters: Depth::default(),
        tasks: 2,
        moved: 46,
        setbacks: 2,
        ..facts()
    };
    insta::assert_snapshot!(text(Kind::Resolved, facts));
}

#[test]
fn reminder() {
    let at = SINCE.plus_ms(26 * 60 * MINUTE);
    let facts = Facts { at, probes: Some(Probes::Unwell(Cause::ProviderError)), ..facts() };
    insta::assert_snapshot!(text(Kind::Reminder, facts));
}

#[test]
fn reminder_when_messages_expire_within_a_day() {
    let at = SINCE.plus_ms((13 * 24 + 6) * 60 * MINUTE);
    let facts = Facts { at, probes: Some(Probes::Unwell(Cause::ProviderError)), ..facts() };
    insta::assert_snapshot!(text(Kind::Reminder, facts));
}

#[test]
fn escalated_for_refused_credentials() {
    let probes = Some(Probes::Unwell(Cause::CredentialsRefused));
    insta::assert_snapshot!(text(
        Kind::Escalated(Escalation::CredentialsRefused),
        Facts { probes, ..facts() }
    ));
}

#[test]
fn escalated_because_redriving_is_left_to_humans() {
    let facts = Facts { redrive: RedriveMode::Off, probes: Some(Probes::Well), ..facts() };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::RedriveIsYours), facts));
}

#[test]
fn escalated_for_a_failed_task() {
    let failure = Some("AWS.SimpleQueueService.NonExistentQueue".to_owned());
    let facts = Facts { failure, tasks: 1, moved: 4, setbacks: 1, ..facts() };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::TaskFailed), facts));
}

#[test]
fn escalated_for_a_canceled_task() {
    let redrive = RedriveMode::PausedBy("whoever canceled the move task".to_owned());
    let facts = Facts { redrive, tasks: 1, moved: 4, ..facts() };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::TaskCanceled), facts));
}

#[test]
fn escalated_because_it_keeps_coming_back() {
    let facts = Facts { tasks: 4, moved: 120, setbacks: 6, probes: Some(Probes::Well), ..facts() };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::KeepsComingBack), facts));
}

#[test]
fn escalated_because_nothing_reaches_the_ledger() {
    let dead_letters = Depth { visible: 120, ..Depth::default() };
    let facts = Facts { dead_letters, tasks: 3, moved: 360, probes: Some(Probes::Well), ..drill() };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::KeepsComingBack), facts));
}

#[test]
fn escalated_for_stranded_payments() {
    let facts = Facts {
        source: Depth::default(),
        dead_letters: Depth::default(),
        trigger: Trigger::Delayed,
        ..facts()
    };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::Stranded), facts));
}

fn notice(kind: NoticeKind, messages: u64) -> String {
    let sample = |payment: Option<&str>, reason: &str, detail: Option<&str>| Quarantined {
        payment_id: payment.map(id),
        reason: reason.to_owned(),
        detail: detail.map(str::to_owned),
    };
    let samples = match messages {
        0 => Vec::new(),
        _ => vec![
            sample(
                None,
                "malformed",
                Some("amount is missing; accepted: a positive integer, in minor units"),
            ),
            sample(Some("order-1042"), "refused", Some("amount_too_small (amount)")),
            sample(Some("order-1043"), "poison", None),
        ],
    };
    let facts = NoticeFacts { at: SINCE.plus_ms(26 * 60 * MINUTE), since: SINCE, messages, samples };
    shown(&write(&Letter::Quarantine(kind, facts), &site()))
}

#[test]
fn quarantine_opened() {
    insta::assert_snapshot!(notice(NoticeKind::Opened, 14));
}

#[test]
fn quarantine_opened_by_what_no_release_can_mend() {
    let sample = |payment: Option<&str>, reason: &str| Quarantined {
        payment_id: payment.map(id),
        reason: reason.to_owned(),
        detail: None,
    };
    let samples = vec![
        sample(None, "no_ledger_row"),
        sample(Some("order-1042"), "no_ledger_row"),
        sample(Some("order-1043"), "intent_mismatch"),
    ];
    let facts = NoticeFacts { at: SINCE, since: SINCE, messages: 3, samples };
    insta::assert_snapshot!(shown(&write(&Letter::Quarantine(NoticeKind::Opened, facts), &site())));
}

#[test]
fn quarantine_reminder() {
    insta::assert_snapshot!(notice(NoticeKind::Reminder, 3));
}

#[test]
fn quarantine_cleared() {
    insta::assert_snapshot!(notice(NoticeKind::Cleared, 0));
}

/// An audit of two days that found one difference of each sort, and more than are listed.
fn round() -> Round {
    let sorts = [
        (Sort::ChargedNotSettled, Some(Standing::Quarantined), Some("pi_1")),
        (Sort::SettledNotCharged, Some(Standing::Succeeded), Some("pi_2")),
        (Sort::ChargedTwice, Some(Standing::Succeeded), Some("pi_other")),
        (Sort::ChargedUnnamed, Some(Standing::Received), None),
        (Sort::OtherMoney, Some(Standing::Succeeded), Some("pi_5")),
        (Sort::ChargedWithoutRow, None, None),
    ];
    let difference = |(index, (sort, standing, named)): (usize, (Sort, Option<Standing>, Option<&str>))| {
        let status = if sort == Sort::SettledNotCharged { "canceled" } else { "succeeded" };
        Difference {
            sort,
            payment_id: id(&format!("order-{}", 1_042 + index)),
            intent_id: IntentId(format!("pi_{}", index + 1)),
            status: status.to_owned(),
            amount: if sort == Sort::OtherMoney { 2_999 } else { 1_999 },
            currency: "eur".to_owned(),
            created_at: SINCE,
            row: standing.map(|standing| RowSays {
                standing,
                intent_id: named.map(|named| IntentId(named.to_owned())),
                amount: Some(1_999),
                currency: Some("eur".to_owned()),
            }),
        }
    };
    Round {
        began_at: SINCE,
        asked: Asked::Daily,
        window: audit::Window::before(SINCE, Span::DAILY),
        after: None,
        page_intents: 100,
        counts: Counts {
            intents: 12_345,
            charged: 11_900,
            left_over: 3,
            differences: 26,
            ..Counts::default()
        },
        differences: sorts.into_iter().enumerate().map(difference).collect(),
        hindered_by: None,
        told_overdue_at: None,
    }
}

fn audited(kind: audit::Kind, round: Round) -> String {
    let story = Story { at: SINCE.plus_ms(26 * 60 * MINUTE), round };
    shown(&write(&Letter::Audit(kind, Box::new(story)), &site()))
}

#[test]
fn audit_with_differences() {
    insta::assert_snapshot!(audited(audit::Kind::Differences, round()));
}

#[test]
fn audit_that_does_not_end() {
    let round = Round { hindered_by: Some(Cause::CredentialsRefused), ..round() };
    insta::assert_snapshot!(audited(audit::Kind::Overdue, round));
}

#[test]
fn audit_that_waits_for_an_incident() {
    insta::assert_snapshot!(audited(audit::Kind::Overdue, round()));
}

#[test]
fn a_subject_is_cut_and_cleaned_to_what_sns_takes() {
    let long = subject_line(&"é\n".repeat(100));
    assert_eq!(long.len(), 99);
    assert!(long.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
}
