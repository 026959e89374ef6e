//! Incidents turn by turn.

use super::story::*;
use super::*;
use crate::cause::Cause;
use crate::limits::{CANARY_MS_MAX, STRANDED_TURNS, TURN_S_MAX};

#[test]
fn an_outage_is_told_waited_out_tried_moved_drained_and_resolved() {
    let mut story = Story::new(ON);
    story.turn(dead(1));
    assert_eq!((story.phase(), &story.mails[..]), ("open", &[Kind::Opened][..]));
    for _ in 0..30 {
        assert_eq!(story.turn(unwell(Cause::ProviderError)), None);
        assert_eq!(story.phase(), "waiting");
    }
    story.turn(well(5));
    assert_eq!(story.turn(well(5)), Some(Effect::SortDeadLetters));
    let member = Member { payment_id: payment_id(1), attempts: 5 };
    story.sorted(Sorted { members: vec![member], ..Sorted::default() }, well(5));
    assert_eq!(story.turn(canary(&[Verdict::Open])), None);
    assert_eq!(story.turn(canary(&[Verdict::Settled])), Some(Effect::StartMoveTask));
    assert_eq!(story.turn(task(TaskStatus::Running, 2)), None);
    story.turn(task(TaskStatus::Completed, 0));
    assert_eq!(story.phase(), "draining");
    story.turn(calm());
    assert_eq!(story.phase(), "draining");
    story.turn(calm());
    assert_eq!(story.phase(), "resolved");
    assert_eq!(story.mails, [Kind::Opened, Kind::Recovering, Kind::Resolved]);
    story.turn(calm());
    assert_eq!(story.phase(), "quiet");
    assert_eq!((story.record.history.tasks, story.record.history.moved), (1, 4));
}

#[test]
fn one_well_turn_or_two_within_seconds_are_not_enough() {
    let mut story = Story::new(ON);
    story.turn(dead(1));
    story.turn(well(1));
    story.turn(unwell(Cause::ProviderTimeout));
    assert_eq!(story.turn(well(1)), None);
    story.now = story.now.plus_ms(5_000 - MINUTE);
    assert_eq!(story.turn(well(1)), None, "five seconds later is the same turn");
    assert_eq!(story.turn(well(1)), Some(Effect::SortDeadLetters));
}

#[test]
fn well_turns_with_one_missing_between_them_are_not_in_a_row() {
    let mut story = Story::new(ON);
    story.turn(dead(1));
    story.turn(well(1));
    story.now = story.now.plus_ms(MINUTE);
    assert_eq!(story.turn(well(1)), None);
    assert_eq!(story.turn(well(1)), Some(Effect::SortDeadLetters));
}

#[test]
fn a_failed_canary_goes_back_to_waiting_with_growing_pauses_and_says_nothing_of_it() {
    let mut story = Story::with_canary(ON);
    let mut pauses = Vec::new();
    for _ in 0..4 {
        assert_eq!(story.turn(canary(&[Verdict::Settled, Verdict::Failed(Cause::ProviderError)])), None);
        let failed_at = story.now;
        while story.turn(well(5)).is_none() {}
        pauses.push(story.now.since_ms(failed_at) / MINUTE);
        let member = Member { payment_id: payment_id(1), attempts: 5 };
        story.sorted(Sorted { members: vec![member], ..Sorted::default() }, well(5));
    }
    assert_eq!(pauses, [2, 4, 8, 8]);
    assert_eq!(story.mails, [Kind::Opened], "nobody had been told that it recovers");
}

#[test]
fn a_canary_with_one_odd_payment_still_lets_the_rest_through() {
    let mut story = Story::with_canary(ON);
    let stuck = canary(&[Verdict::Settled, Verdict::Open]);
    let mut turns = 0;
    while story.turn(stuck.clone()).is_none() {
        turns += 1;
    }
    assert_eq!(turns, CANARY_MS_MAX / MINUTE);
    let mut story = Story::with_canary(ON);
    for _ in 0..=CANARY_MS_MAX / MINUTE {
        assert_eq!(story.turn(canary(&[Verdict::Open, Verdict::Open])), None);
    }
    assert_eq!((story.phase(), story.record.history.setbacks), ("waiting", 1));
}

#[test]
fn a_settled_canary_beside_a_failed_probe_moves_nothing() {
    let mut story = Story::with_canary(ON);
    let settled = canary(&[Verdict::Settled, Verdict::Settled]);
    let seen = Observation { probes: Some(Probes::Unwell(Cause::ProviderError)), ..settled.clone() };
    assert_eq!(story.turn(seen), None);
    assert_eq!(story.turn(settled.clone()), None, "one well turn after it is not enough either");
    assert_eq!(story.turn(settled), Some(Effect::StartMoveTask));
}

#[test]
fn no_task_is_asked_for_while_every_dead_letter_is_hidden() {
    let mut story = Story::with_canary(ON);
    let settled = canary(&[Verdict::Settled, Verdict::Settled]);
    let hidden = Depth { in_flight: 4, ..Depth::default() };
    assert_eq!(story.turn(Observation { dead_letters: hidden, ..settled.clone() }), None);
    assert_eq!(story.phase(), "canary");
    assert_eq!(story.turn(settled.clone()), Some(Effect::StartMoveTask));

    let mut story = Story::with_canary(ON);
    let mut turns = 0;
    while story.phase() == "canary" {
        story.turn(Observation { dead_letters: hidden, ..settled.clone() });
        turns += 1;
    }
    assert_eq!((story.phase(), turns), ("waiting", CANARY_MS_MAX / MINUTE + 1));
    assert_eq!(story.record.history.setbacks, 0);
}

#[test]
fn with_auto_redrive_off_nothing_moves_and_a_human_is_told_once_when_it_is_time() {
    let mut story = Story::new(OFF);
    story.turn(dead(5));
    for _ in 0..100 {
        assert_eq!(story.turn(well(5)), None);
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Escalated(Escalation::RedriveIsYours)]);
    let order = Order { command: Command::Redrive, who: "ada".to_owned(), why: "Stripe is back".to_owned() };
    let seen = Observation { now: story.now, ..well(5) };
    let (next, effect) = story.record.obey(&order, &seen, &OFF).unwrap();
    story.save(next);
    assert_eq!((effect, story.phase()), (Some(Effect::StartMoveTask), "redriving"));
    assert_eq!(story.record.audit[0].who, "ada");
    assert_eq!(story.record.obey(&order, &seen, &OFF), Err(Refused::TaskStarts));
    story.turn(task(TaskStatus::Completed, 0));
    story.turn(calm());
    story.turn(calm());
    assert_eq!(story.mails.last(), Some(&Kind::Resolved));
}

#[test]
fn a_pause_holds_until_it_is_taken_back_and_a_canceled_task_is_a_pause() {
    let mut story = Story::redriving(ON);
    story.turn(task(TaskStatus::Cancelled, 3));
    assert_eq!(story.mails.last(), Some(&Kind::Escalated(Escalation::TaskCanceled)));
    for _ in 0..20 {
        assert_eq!(story.turn(well(3)), None);
    }
    let resume = Order { command: Command::Resume, who: "ada".to_owned(), why: "go on".to_owned() };
    let seen = Observation { now: story.now, ..well(3) };
    let (next, _) = story.record.obey(&resume, &seen, &ON).unwrap();
    story.save(next);
    assert_eq!(story.record.obey(&resume, &seen, &ON), Err(Refused::NotPaused));
    assert_eq!(story.turn(well(3)), Some(Effect::SortDeadLetters));
}

#[test]
fn a_failed_task_and_one_that_never_started_are_gated_again() {
    let mut story = Story::redriving(ON);
    story.turn(task(TaskStatus::Failed("AWS.SimpleQueueService.NonExistentQueue".to_owned()), 3));
    assert_eq!(story.phase(), "waiting");
    assert_eq!(story.mails[2..], [Kind::Escalated(Escalation::TaskFailed)]);

    let mut story = Story::redriving(ON);
    story.now = story.now.plus_ms(i64::from(TURN_S_MAX) * 1_000 - MINUTE);
    assert_eq!(story.turn(dead(3)), None);
    assert_eq!(story.phase(), "redriving", "whoever saved it may still be at it");
    story.turn(dead(3));
    assert_eq!((story.phase(), story.record.history.setbacks), ("waiting", 0));
}

#[test]
fn a_relapse_is_told_once() {
    let mut story = Story::redriving(ON);
    story.turn(task(TaskStatus::Completed, 0));
    story.turn(dead(4));
    story.turn(dead(4));
    for _ in 0..20 {
        story.turn(unwell(Cause::ProviderError));
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Recovering, Kind::BackToWaiting]);
}

#[test]
fn somebody_elses_task_is_followed_and_never_joined_by_a_second() {
    let mut story = Story::new(ON);
    story.turn(dead(5));
    let running = Observation { probes: Some(Probes::Well), ..task(TaskStatus::Running, 5) };
    for _ in 0..5 {
        assert_eq!(story.turn(running.clone()), None);
    }
    assert_eq!(story.phase(), "redriving");
    let order = Order { command: Command::Redrive, who: "ada".to_owned(), why: "now".to_owned() };
    assert_eq!(story.record.obey(&order, &running, &ON), Err(Refused::TaskRuns));
}

#[test]
fn refused_credentials_open_at_once_and_are_told_once() {
    let mut story = Story::new(ON);
    story.turn(Observation { credentials: Credentials::Refused, ..calm() });
    for _ in 0..10 {
        story.turn(unwell(Cause::CredentialsRefused));
    }
    assert_eq!(story.mails, [Kind::Opened]);
    assert!(story.record.history.escalations.contains(&Escalation::CredentialsRefused));

    let mut story = Story::new(ON);
    story.turn(dead(1));
    for _ in 0..10 {
        story.turn(unwell(Cause::SecretUnavailable));
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Escalated(Escalation::CredentialsRefused)]);
}

#[test]
fn payments_without_a_message_anywhere_are_handed_to_a_human() {
    let mut story = Story::new(ON);
    let oldest = Unsettled {
        payment_id: payment_id(1),
        amount: crate::money::AmountMinor::new(1).unwrap(),
        currency: crate::money::Currency::new("eur").unwrap(),
        received_at: START.plus_ms(-10 * MINUTE),
        enqueued_at: START.plus_ms(-10 * MINUTE),
        last_error: None,
        refused: None,
        open: BTreeSet::new(),
    };
    let stranded = Observation { oldest: Some(oldest), is_stranded: true, ..calm() };
    for _ in 0..STRANDED_TURNS {
        story.turn(stranded.clone());
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Escalated(Escalation::Stranded)]);
}

#[test]
fn an_incident_that_just_goes_on_reminds_once_a_day() {
    let mut story = Story::new(ON);
    story.turn(dead(1));
    for _ in 0..3 * 24 * 60 {
        story.turn(unwell(Cause::ProviderError));
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Reminder, Kind::Reminder, Kind::Reminder]);
}

#[test]
fn a_mail_that_was_not_sent_is_claimed_by_a_later_turn_but_not_by_one_at_the_same_time() {
    let mut record = Recovery::default();
    let at = |now| Observation { now, ..unwell(Cause::ProviderError) };
    let (opened, _) = turn::decide(&at(START), &record, &ON);
    assert_eq!(kinds(&opened.outbox, &record.outbox), [Kind::Opened]);
    record = opened;
    let (same_time, _) = turn::decide(&at(START), &record, &ON);
    assert_eq!(kinds(&same_time.outbox, &record.outbox), []);
    let (later, _) = turn::decide(&at(START.plus_ms(i64::from(TURN_S_MAX) * 1_000 + 1)), &record, &ON);
    assert_eq!(kinds(&later.outbox, &record.outbox), [Kind::Opened]);
    let letter = |record: &Recovery| record.outbox.pending()[0].letter.clone();
    assert_eq!(letter(&later), letter(&record), "it still says what was true then");
}

#[test]
fn quarantine_is_told_when_it_fills_daily_and_when_it_is_empty() {
    let mut notice = Notice::default();
    let mut told = Vec::new();
    for minute in 0..2 * 24 * 60 + 10 {
        let filled = minute < 2 * 24 * 60;
        let seen = Observation {
            now: minutes(minute),
            quarantine: depth(u64::from(filled)),
            ..Observation::default()
        };
        let mut next = notice::decide(&seen, &notice);
        for mail in next.outbox.pending().to_vec() {
            let Letter::Quarantine(kind, _) = mail.letter else { panic!("a notice") };
            told.push((kind, minute));
            next.outbox.sent(mail.number);
        }
        notice = next;
    }
    assert_eq!(told, [(NoticeKind::Opened, 0), (NoticeKind::Reminder, 1_440), (NoticeKind::Cleared, 2_882)]);
    assert!(notice.is_quiet());
}

#[test]
fn a_record_survives_its_json() {
    let story = Story::redriving(ON);
    let json = serde_json::to_string(&story.record).unwrap();
    assert_eq!(serde_json::from_str::<Recovery>(&json).unwrap(), story.record);
    assert_eq!(serde_json::from_str::<Recovery>("{}").unwrap(), Recovery::default());
}
