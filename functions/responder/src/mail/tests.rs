//! Golden mails: one for each transition, to be read as someone woken at three would.

mod audits;
mod causes;
mod quarantine;
mod rarer;

use super::*;
use payments::audit::{self, Asked, Counts, Difference, Round, RowSays, Sort, Span, Standing, Story};
use payments::incident::{
    Alike, Contents, Copied, Depth, Escalation, Facts, Kind, NoticeFacts, NoticeKind, Probes, Reach,
    RedriveMode, Survey, Traffic, Trigger, Trouble, Unsettled,
};
use payments::money::{AmountMinor, Currency};
use payments::provider::IntentId;
use payments::{Cause, PaymentId, UnixMs};
use std::collections::{BTreeMap, BTreeSet};

/// 2026-01-05 10:42 UTC.
const SINCE: UnixMs = UnixMs(1_767_609_720_000);
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

pub(super) fn site() -> Site {
    Site {
        stack: "payments-prod".to_owned(),
        account: "123456789012".to_owned(),
        partition: "aws".to_owned(),
        consumer_log_group: "/aws/lambda/payments-prod-consumer".to_owned(),
        runbook_url: "https://github.com/acme/payments/blob/main/alarms/runbooks".to_owned(),
        function_name: "payments-prod-responder".to_owned(),
        region: "eu-central-1".to_owned(),
        redrive_rate_max: 50,
        redrive_cycles_max: 6,
        trace: None,
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
            received_at: SINCE.plus_ms(2 * MINUTE),
            enqueued_at: SINCE.plus_ms(-800),
            last_error: Some(Cause::ProviderError),
            refused: None,
            open: BTreeSet::new(),
        }),
        reach: Reach::All,
    }
}

/// No two numbers or times are alike, or one could stand for another.
fn facts() -> Facts {
    Facts {
        at: SINCE.plus_ms(9 * MINUTE),
        number: 17,
        opened_at: SINCE.plus_ms(8 * MINUTE),
        since: SINCE,
        trigger: Trigger::DeadLetters,
        source: Depth { visible: 3, in_flight: 20, delayed: 2 },
        dead_letters: Depth { visible: 11, in_flight: 1, delayed: 0 },
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
        flaps: 0,
        gone: 0,
        drain_ms: 0,
        waited_ms: 0,
        expires_at: Some(SINCE.plus_ms(14 * DAY - 800)),
        ordered_by: None,
    }
}

fn text(kind: Kind, facts: Facts) -> String {
    shown(&write(&Letter::Recovery(kind, Box::new(facts)), None, &site()))
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
fn a_turn_that_is_traced_says_so_where_to_look_and_another_says_nothing() {
    let trace = TraceId::kept("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1");
    let letter = Letter::Recovery(Kind::Opened, Box::new(facts()));
    let (plain, traced) = (write(&letter, None, &site()), write(&letter, None, &Site { trace, ..site() }));
    let (_, places) = traced.body.split_once("WHERE TO LOOK\n").expect("it says where");
    let added: Vec<&str> = places.lines().filter(|line| !plain.body.contains(line)).collect();
    insta::assert_snapshot!(added.join("\n"), @"Trace:     1-5759e988-bd862e3fe1be46a994272793, of the turn that sent this");
    assert_eq!(traced.body.lines().count(), plain.body.lines().count() + 1);
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
    let (trigger, expires_at) = (Trigger::Delayed, Some(SINCE.plus_ms(4 * DAY - 800)));
    let facts = Facts { trigger, dead_letters: Depth::default(), expires_at, ..facts() };
    insta::assert_snapshot!(text(Kind::Opened, facts));
}

#[test]
fn escalated_when_what_nobody_takes_expires() {
    let source = Depth { visible: 18, ..Depth::default() };
    let escalations = vec![Escalation::NobodyTakes, Escalation::Expiring];
    let expires_at = Some(SINCE.plus_ms(2 * DAY));
    let facts = Facts { trigger: Trigger::Untouched, source, escalations, expires_at, ..drill() };
    let facts = Facts { dead_letters: Depth::default(), probes: Some(Probes::Well), ..facts };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::Expiring), facts));
}

/// A drill alone: nothing of it is in the ledger.
#[test]
fn opened_by_a_backlog() {
    let facts = Facts {
        trigger: Trigger::Backlog,
        source: Depth { visible: 15_190, in_flight: 4, delayed: 0 },
        dead_letters: Depth::default(),
        survey: Survey::default(),
        waited_ms: 6 * MINUTE,
        drain_ms: 126 * MINUTE,
        ..facts()
    };
    insta::assert_snapshot!(text(Kind::Opened, facts));
}

fn drill() -> Facts {
    let dead_letters = Depth { visible: 1, ..Depth::default() };
    Facts {
        survey: Survey::default(),
        dead_letters,
        source: Depth::default(),
        since: facts().at,
        expires_at: None,
        ..facts()
    }
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
    let facts = Facts { at, dead_letters: Depth::default(), tasks: 2, moved: 4, ..drill() };
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
    let alike = Alike {
        trouble: Trouble::Refused,
        what: "create: parameter_unknown (foo)".to_owned(),
        payments: 25,
        samples: Vec::new(),
    };
    let facts = Facts { survey, alike: Some(alike), ..facts() };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::RefusedInARow), facts));
}

#[test]
fn back_to_waiting() {
    let at = SINCE.plus_ms(120 * MINUTE);
    let facts =
        Facts { at, tasks: 3, moved: 34, setbacks: 2, next_try_at: Some(at.plus_ms(4 * MINUTE)), ..facts() };
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
        setbacks: 3,
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
fn a_reminder_of_what_is_theirs_to_move_back_does_not_wait_for_stripe() {
    let escalations = vec![Escalation::RedriveIsYours];
    let facts = Facts { redrive: RedriveMode::Off, probes: Some(Probes::Well), escalations, ..facts() };
    let mail = text(Kind::Reminder, facts);
    assert!(mail.contains("ACTION NEEDED: Stripe is well, move 37 payments (EUR 4,210.00) back"), "{mail}");
    assert!(!mail.contains("once it is well") && !mail.contains("5xx"), "{mail}");
    assert_eq!(mail.matches(r#""command":"redrive""#).count(), 1, "{mail}");
}

#[test]
fn escalated_for_a_failed_task() {
    let failure = Some("AWS.SimpleQueueService.NonExistentQueue".to_owned());
    let facts = Facts { failure, tasks: 1, moved: 4, setbacks: 2, ..facts() };
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
        expires_at: None,
        ..facts()
    };
    insta::assert_snapshot!(text(Kind::Escalated(Escalation::Stranded), facts));
}
