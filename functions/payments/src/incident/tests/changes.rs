//! What changes while an incident is open, and what waits without failing: each is told, once, and acted on.

use super::story::*;
use super::*;
use crate::cause::Cause;
use crate::limits::{
    BACKLOG_MS, CANARY_MS_MAX, FLAPPING_CALM_TURNS, FLAPPING_REMINDER_MS, UNRECORDED_MS, UNTOUCHED_MS,
};

const DOWN: Probes = Probes::Unwell(Cause::ProviderError);

fn running(probes: Probes) -> Observation {
    Observation { probes: Some(probes), ..task(TaskStatus::Running, 2) }
}

fn visible(visible: u64, drain_ms: i64) -> Observation {
    Observation { source: depth(visible), drain_ms, ..calm() }
}

#[test]
fn a_move_into_a_provider_that_fails_again_is_canceled_until_it_stops_and_begun_anew_when_it_is_well() {
    let mut story = Story::redriving(ON);
    assert_eq!(story.turn(running(DOWN)), None, "one turn may be mistaken");
    assert_eq!(story.turn(running(DOWN)), Some(Effect::CancelMoveTask));
    assert_eq!(story.turn(running(DOWN)), Some(Effect::CancelMoveTask), "who canceled may have died");
    assert_eq!(story.turn(task(TaskStatus::Cancelling, 2)), None);
    story.turn(Observation { probes: Some(DOWN), ..task(TaskStatus::Cancelled, 2) });
    assert_eq!((story.phase(), &story.record.paused), ("waiting", &None), "nobody else canceled it");
    story.turn(well(2));
    assert_eq!(story.turn(well(2)), Some(Effect::SortDeadLetters), "without a pause");
    assert_eq!(story.mails, [Kind::Opened, Kind::Recovering, Kind::BackToWaiting]);
}

#[test]
fn an_outage_while_the_last_one_drains_is_told_and_so_is_its_end() {
    let mut story = Story::redriving(ON);
    story.turn(task(TaskStatus::Completed, 0));
    assert_eq!(story.phase(), "draining");
    story.turn(Observation { probes: Some(DOWN), ..calm() });
    story.turn(Observation { probes: Some(DOWN), ..calm() });
    assert_eq!((story.phase(), story.mails.last()), ("waiting", Some(&Kind::BackToWaiting)));
    story.turn(well(3));
    story.turn(well(3));
    story.sorted(Sorted { others: 3, ..Sorted::default() }, well(3));
    assert_eq!(story.mails[1..], [Kind::Recovering, Kind::BackToWaiting, Kind::Recovering]);
}

#[test]
fn with_auto_redrive_off_every_change_of_the_provider_is_told() {
    let mut story = Story::new(OFF);
    story.turn(dead(5));
    for probes in [Probes::Well, DOWN, Probes::Well] {
        for _ in 0..3 {
            story.turn(Observation { probes: Some(probes), ..dead(5) });
        }
    }
    let theirs = Kind::Escalated(Escalation::RedriveIsYours);
    assert_eq!(story.mails, [Kind::Opened, theirs, Kind::BackToWaiting, theirs]);
}

#[test]
fn nothing_is_resolved_while_the_provider_is_down() {
    let mut story = Story::redriving(ON);
    story.turn(task(TaskStatus::Completed, 0));
    for _ in 0..20 {
        story.turn(Observation { probes: Some(DOWN), ..calm() });
    }
    assert!(!story.mails.contains(&Kind::Resolved));
}

#[test]
fn a_canary_that_waits_behind_our_own_pace_is_judged_by_others_that_come_through() {
    let mut story = Story::with_canary(ON);
    let began = story.now;
    let behind = |came_through| Observation {
        source: depth(6_000),
        drain_ms: 2 * CANARY_MS_MAX,
        came_through,
        ..canary(&[Verdict::Open, Verdict::Open])
    };
    for _ in 0..CANARY_MS_MAX / MINUTE + 5 {
        assert_eq!(story.turn(behind(Some(began))), None, "that was before");
    }
    assert_eq!((story.phase(), story.record.history.setbacks), ("canary", 0), "it waits its turn");
    assert_eq!(story.turn(behind(Some(began.plus_ms(1)))), Some(Effect::StartMoveTask));
}

#[test]
fn a_payment_that_comes_through_ends_a_pause() {
    let mut story = Story::with_canary(ON);
    story.turn(canary(&[Verdict::Failed(Cause::ProviderError), Verdict::Open]));
    let failed_at = story.now;
    story.turn(Observation { came_through: Some(failed_at.plus_ms(-1)), ..well(5) });
    let seen = Observation { came_through: Some(failed_at.plus_ms(1)), ..well(5) };
    assert_eq!(story.turn(seen), Some(Effect::SortDeadLetters), "before the two minutes are over");
}

#[test]
fn a_provider_that_comes_and_goes_is_told_as_that_every_two_hours_and_at_its_end() {
    let mut story = Story::new(ON);
    let cycle = |story: &mut Story| {
        for _ in 0..8 {
            story.turn(unwell(Cause::ProviderError));
        }
        while story.turn(well(3)) != Some(Effect::SortDeadLetters) {}
        story.sorted(Sorted { others: 3, ..Sorted::default() }, well(3));
        story.task_at = story.now.plus_ms(1_000);
        for _ in 0..27 {
            story.turn(Observation { task: story.completed(0).task, ..calm() });
        }
    };
    let began = story.now;
    for _ in 0..20 {
        cycle(&mut story);
    }
    let hours = story.now.since_ms(began) / FLAPPING_REMINDER_MS;
    let flapping = story.mails.iter().filter(|kind| **kind == Kind::Flapping).count();
    assert_eq!(story.mails.len() - flapping, 9, "three incidents, each opened, recovering and resolved");
    assert!((hours - 1..=hours).contains(&(flapping as i64)), "{flapping} in {hours} times two hours");
    for _ in 0..FLAPPING_CALM_TURNS {
        story.turn(calm());
    }
    assert_eq!((story.phase(), story.mails.last()), ("quiet", Some(&Kind::Resolved)));
}

#[test]
fn a_backlog_at_our_own_pace_opens_an_incident_and_ends_it_when_it_is_worked_off() {
    let mut story = Story::new(ON);
    story.turn(visible(9_000, BACKLOG_MS));
    assert_eq!(story.phase(), "quiet", "that much is an ordinary burst");
    let busy = |drain_ms| Observation { came_through: Some(minutes(9_999)), ..visible(20_000, drain_ms) };
    for _ in 0..60 {
        story.turn(busy(BACKLOG_MS + 1));
    }
    assert_eq!(story.record.history.trigger, Some(Trigger::Backlog));
    for _ in 0..5 {
        story.turn(busy(MINUTE));
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Resolved]);
}

#[test]
fn what_will_expire_before_its_turn_is_told_as_urgent() {
    let mut story = Story::new(ON);
    let day = 24 * 60 * MINUTE;
    let burst = Observation {
        waited_ms: day,
        source_retention_ms: Some(2 * day),
        came_through: Some(minutes(9_999)),
        ..visible(90_000, day)
    };
    story.turn(burst.clone());
    story.turn(burst.clone());
    assert_eq!(story.mails, [Kind::Opened], "it is just in time");
    story.turn(Observation { drain_ms: day + 1, ..burst });
    assert_eq!(story.mails[1..], [Kind::Escalated(Escalation::Expiring)]);
}

#[test]
fn messages_that_nobody_takes_are_told_and_those_in_hand_are_not() {
    let mut story = Story::new(ON);
    let in_hand = Observation { source: Depth { visible: 3, in_flight: 2, delayed: 0 }, ..calm() };
    for _ in 0..30 {
        story.turn(in_hand.clone());
    }
    assert_eq!(story.phase(), "quiet");
    for _ in 0..=UNTOUCHED_MS / MINUTE + 2 {
        story.turn(visible(3, 300));
    }
    assert_eq!(story.record.history.trigger, Some(Trigger::Untouched));
    assert!(story.record.history.escalations.contains(&Escalation::NobodyTakes));
    assert_eq!(story.mails, [Kind::Opened], "which says so");
}

#[test]
fn what_nobody_takes_expires_by_when_that_began_and_is_told_as_urgent_two_days_before() {
    let mut story = Story::new(ON);
    let day = 24 * 60 * MINUTE;
    let untaken = Observation { source_retention_ms: Some(4 * day), ..visible(3, 300) };
    story.turn(untaken.clone());
    let since = story.record.untouched_since.expect("they wait");
    while story.now < since.plus_ms(2 * day - MINUTE) {
        story.turn(untaken.clone());
    }
    let reminders = story.mails.iter().filter(|kind| **kind == Kind::Reminder).count();
    assert_eq!((reminders, story.mails.len()), (1, 2), "{:?}", story.mails);
    story.turn(untaken.clone());
    story.turn(untaken);
    assert_eq!(story.mails[2..], [Kind::Escalated(Escalation::Expiring)]);
}

#[test]
fn messages_in_hand_of_which_nothing_is_written_down_are_trouble_of_ours_once_it_lasts() {
    let mut incident = Incident::default();
    let mut opened_after = None;
    for minute in 1..6 {
        let seen = Observation { now: minutes(minute), unrecorded: Alike::unrecorded(9, 0), ..calm() };
        incident.recovery = decide(&seen, &incident, &ON).recovery.unwrap_or(incident.recovery);
        opened_after = opened_after.or(incident.recovery.phase.is_open().then_some(minute - 1));
    }
    assert_eq!(opened_after, Some(UNRECORDED_MS / MINUTE));
    assert!(incident.recovery.history.escalations.contains(&Escalation::ConsumerDies));
}

#[test]
fn dead_letters_that_vanish_are_said_to_be_gone_unless_they_were_moved() {
    for (task_at, gone) in [(None, 5), (Some(minutes(5)), 0)] {
        let mut story = Story::new(OFF);
        for _ in 0..6 {
            story.turn(well(5));
        }
        let moved =
            task_at.map(|started_at| MoveTask { started_at, status: TaskStatus::Completed, moved: 5 });
        let task = moved.map(|task| MoveTask { started_at: story.now.plus_ms(1), ..task });
        for _ in 0..4 {
            story.turn(Observation { task: task.clone(), ..calm() });
        }
        assert_eq!((story.mails.last(), story.record.history.gone), (Some(&Kind::Resolved), gone));
    }
}
