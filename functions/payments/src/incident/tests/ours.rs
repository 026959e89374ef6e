//! Trouble that is ours: told at once, held against nobody, and not in the way of the next incident.

use super::story::*;
use super::*;
use crate::cause::Cause;
use crate::limits::{ALIKE_MIN, UNREADABLE_PAUSE_MS};

fn alike(trouble: Trouble, seen: Observation) -> Observation {
    let payments = u64::try_from(ALIKE_MIN).expect("few");
    let what = "confirm: capability_not_active".to_owned();
    Observation { alike: Some(Alike { trouble, what, payments, samples: Vec::new() }), ..seen }
}

#[test]
fn what_several_share_opens_an_incident_at_once_and_says_whose_it_is() {
    let troubles = [
        (Trouble::Refused, Escalation::RefusedInARow),
        (Trouble::IntentMissing, Escalation::IntentsMissing),
        (Trouble::Dying, Escalation::ConsumerDies),
        (Trouble::Unreadable, Escalation::Unreadable),
    ];
    for (trouble, escalation) in troubles {
        let mut story = Story::new(ON);
        story.turn(alike(trouble, calm()));
        assert_eq!(story.mails, [Kind::Opened], "{trouble:?}");
        assert!(story.record.history.escalations.contains(&escalation));
        // The mail that opened it said so.
        story.turn(alike(trouble, calm()));
        assert_eq!(story.mails.len(), 1, "{trouble:?}");
    }
}

#[test]
fn what_is_seen_only_later_is_told_then() {
    let mut story = Story::new(ON);
    story.turn(dead(3));
    story.turn(alike(Trouble::Unreadable, well(3)));
    assert_eq!(story.mails, [Kind::Opened, Kind::Escalated(Escalation::Unreadable)]);
}

#[test]
fn who_knows_whose_it_is_is_not_told_that_it_keeps_coming_back() {
    let mut story = Story::new(ON);
    story.turn(dead(3));
    for _ in 0..200 {
        if story.turn(alike(Trouble::Refused, well(3))) == Some(Effect::SortDeadLetters) {
            let member = Member { payment_id: payment_id(1), attempts: 5 };
            let found = Sorted { members: vec![member], ..Sorted::default() };
            story.sorted(found, alike(Trouble::Refused, well(3)));
            story.turn(alike(Trouble::Refused, canary(&[Verdict::Failed(Cause::Refused)])));
        }
    }
    assert!(story.record.history.setbacks > 6, "{}", story.record.history.setbacks);
    assert_eq!(story.mails, [Kind::Opened, Kind::Escalated(Escalation::RefusedInARow)]);
}

#[test]
fn a_canary_that_is_stuck_speaks_neither_for_nor_against_the_provider() {
    for verdicts in
        [[Verdict::Settled, Verdict::Stuck(Cause::IntentMissing)], [Verdict::Stuck(Cause::IntentMissing); 2]]
    {
        let mut story = Story::with_canary(ON);
        assert_eq!(story.turn(canary(&verdicts)), Some(Effect::StartMoveTask), "{verdicts:?}");
        assert_eq!(story.record.history.setbacks, 0);
    }
    let mut story = Story::with_canary(ON);
    let verdicts = [Verdict::Stuck(Cause::IntentMissing), Verdict::Failed(Cause::ProviderError)];
    assert_eq!(story.turn(canary(&verdicts)), None);
    assert_eq!(story.phase(), "waiting");
}

#[test]
fn who_was_set_aside_did_not_come_back() {
    let mut story = Story::redriving(ON);
    story.moved_and_back(5);
    story.until_sorting(5);
    story.sorted(Sorted { set_aside: 5, ..Sorted::default() }, story.after_task());
    assert_eq!((story.phase(), story.record.history.setbacks), ("waiting", 0));
}

#[test]
fn what_cannot_be_read_is_moved_now_and_then_and_not_round_and_round() {
    let mut story = Story::new(ON);
    story.turn(dead(4));
    let unreadable = || Sorted { others: 4, unreadable: 4, ..Sorted::default() };
    let (mut moved, began) = (Vec::new(), story.now);
    for _ in 0..240 {
        let seen = if moved.is_empty() { well(4) } else { story.after_task() };
        if story.turn(Observation { dead_letters: depth(4), ..seen.clone() }) == Some(Effect::SortDeadLetters)
            && story.sorted(unreadable(), Observation { dead_letters: depth(4), ..seen })
                == Some(Effect::StartMoveTask)
        {
            moved.push(story.now.since_ms(began));
            story.moved_and_back(4);
        }
    }
    assert!(moved.len() > 4, "{moved:?}");
    assert!(moved.windows(2).all(|two| two[1] - two[0] >= UNREADABLE_PAUSE_MS), "{moved:?}");
}

#[test]
fn trouble_of_ours_is_told_again_when_ten_times_as_many_wait() {
    let mut story = Story::new(ON);
    for waiting in [3, 10, 29, 30, 31, 299, 300, 300] {
        story.turn(alike(Trouble::Unreadable, well(waiting)));
    }
    assert_eq!(story.mails, [Kind::Opened, Kind::Grown, Kind::Grown]);
}
