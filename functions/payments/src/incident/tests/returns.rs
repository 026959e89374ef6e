//! Dead letters after a redrive: stragglers, payments that came back, and messages that the ledger does not know.

use super::story::*;
use super::*;
use crate::limits::{CALM_TURNS, ROWLESS_UNDER_WAY_MS, SETBACKS_MAX};

#[test]
fn dead_letters_that_would_not_call_the_provider_are_moved_without_a_canary() {
    let mut story = Story::new(ON);
    story.turn(dead(1));
    for cycle in 1..=3 {
        story.until_sorting(1);
        let found = Sorted { others: 1, rowless: vec![drill(story.task_at)], ..Sorted::default() };
        assert_eq!(story.sorted(found, story.after_task()), Some(Effect::StartMoveTask), "cycle {cycle}");
        story.moved_and_back(1);
        let returns = story.record.rowless.returns(&drill(story.task_at), Some(story.task_at));
        assert_eq!((story.phase(), returns), ("waiting", cycle));
    }
    story.until_sorting(1);
    let found = Sorted { quarantined: vec![drill(START).body], ..Sorted::default() };
    assert_eq!(story.sorted(found, story.after_task()), None);
    assert!(story.record.rowless.is_empty(), "the next one is another");
    for _ in 0..4 {
        story.turn(Observation { probes: Some(Probes::Well), ..calm() });
    }
    assert_eq!(story.phase(), "quiet");
    assert_eq!(
        story.mails,
        [Kind::Opened, Kind::Recovering, Kind::Resolved],
        "nothing relapsed: they are a drill"
    );
}

#[test]
fn nothing_is_over_while_a_message_without_a_row_may_still_come_back() {
    let mut story = Story::new(ON);
    story.turn(dead(1));
    story.until_sorting(1);
    story.sorted(Sorted { others: 1, rowless: vec![drill(story.task_at)], ..Sorted::default() }, well(1));
    story.task_at = story.now.plus_ms(1_000);
    story.turn(story.completed(0));
    let in_hand = Depth { in_flight: 1, ..Depth::default() };
    let busy = Observation { source: in_hand, ..calm() };
    let mut turns = 0;
    while story.phase() == "draining" {
        story.turn(busy.clone());
        turns += 1;
    }
    assert_eq!(turns, ROWLESS_UNDER_WAY_MS / MINUTE + i64::from(CALM_TURNS) - 1);
    assert_eq!(story.mails, [Kind::Opened, Kind::Recovering, Kind::Resolved]);
}

#[test]
fn a_message_without_a_row_is_known_again_in_the_next_incident() {
    let mut story = Story::new(ON);
    for cycle in 1..=2 {
        while story.phase() != "open" {
            story.turn(dead(1));
        }
        story.until_sorting(1);
        story.sorted(
            Sorted { others: 1, rowless: vec![drill(story.task_at)], ..Sorted::default() },
            story.after_task(),
        );
        story.moved_and_back(0);
        while story.phase() != "quiet" {
            story.turn(calm());
        }
        assert_eq!(story.record.rowless.returns(&drill(story.task_at), Some(story.task_at)), cycle);
    }
}

#[test]
fn too_many_to_be_to_blame_are_moved_back_again_with_growing_pauses_and_a_human_is_told_once() {
    let mut story = Story::new(ON);
    story.turn(dead(9));
    let mut turns = Vec::new();
    for round in 0..4 {
        let found = |at| Sorted { others: 9, rowless: vec![drill(at)], blameless: 9, ..Sorted::default() };
        if round > 0 {
            story.until_sorting(9);
            assert_eq!(story.sorted(found(story.task_at), story.after_task()), None, "that did not hold");
        }
        turns.push(story.until_sorting(9));
        let effect = story.sorted(found(story.task_at), story.after_task());
        assert_eq!(effect, Some(Effect::StartMoveTask), "round {round}");
        story.moved_and_back(9);
    }
    assert_eq!(turns, [2, 2, 4, 8], "turns until they were moved");
    let told = [Kind::Opened, Kind::Escalated(Escalation::KeepsComingBack), Kind::Recovering];
    assert_eq!(story.mails, told);
}

#[test]
fn stragglers_of_the_outage_are_moved_too_without_a_pause_and_without_alarm_however_often() {
    let mut story = Story::redriving(ON);
    for _ in 0..10 {
        story.moved_and_back(4);
        assert_eq!((story.phase(), story.record.history.setbacks), ("waiting", 0));
        assert_eq!(story.until_sorting(4), 2, "no pause");
        let found = Sorted { others: 4, ..Sorted::default() };
        assert_eq!(story.sorted(found, well(4)), Some(Effect::StartMoveTask));
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Recovering]);
}

#[test]
fn payments_that_come_back_although_they_were_moved_are_tried_with_growing_pauses_and_then_a_human_is_told() {
    let mut story = Story::redriving(ON);
    let back = Sorted { others: 4, came_back: 1, ..Sorted::default() };
    let mut pauses = Vec::new();
    for _ in 0..=SETBACKS_MAX {
        story.moved_and_back(4);
        story.until_sorting(4);
        assert_eq!(story.sorted(back.clone(), well(4)), None);
        pauses.push(story.until_sorting(4));
        assert_eq!(story.sorted(back.clone(), well(4)), Some(Effect::StartMoveTask), "one task, one setback");
    }
    assert_eq!(pauses, [2, 4, 8, 8, 8, 16], "once a human knows, it may be longer");
    assert_eq!(story.mails[2..], [Kind::Escalated(Escalation::KeepsComingBack)]);
}

#[test]
fn several_that_come_back_although_they_were_moved_are_a_relapse_and_one_or_two_are_not() {
    for (came_back, told) in [(2, &[][..]), (3, &[Kind::BackToWaiting])] {
        let mut story = Story::redriving(ON);
        story.moved_and_back(4);
        story.until_sorting(4);
        let found = Sorted { others: 4, came_back, ..Sorted::default() };
        assert_eq!(story.sorted(found, well(4)), None);
        assert_eq!(story.mails[2..], *told, "{came_back}");
    }
}

#[test]
fn a_recovery_that_holds_ends_the_row_of_those_that_did_not() {
    let mut story = Story::redriving(ON);
    for cycle in 0..20 {
        story.moved_and_back(4);
        story.until_sorting(4);
        let came_back = u64::from(cycle % 3 != 2);
        let found = Sorted { others: 4, came_back, ..Sorted::default() };
        if story.sorted(found.clone(), well(4)).is_none() {
            story.until_sorting(4);
            story.sorted(found, well(4));
        }
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Recovering]);
}
