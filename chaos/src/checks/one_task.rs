//! One move task at a time: nobody asks for another while one runs, or for one when nothing is dead-lettered.
//!
//! SQS refuses a second task, so asking for one does no harm that could be seen in the queues; but whoever asks does not
//! know what is under way. What was dead-lettered a moment ago may still be counted: counts are a minute behind at most.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html>
//! Invariant: every call is looked at, the refused ones too.

use super::depths::Depths;
use super::{Evidence, Finding, Verdict};
use crate::journal::{Event, MoveTaskEvent};
use crate::units::{counted, duration_ms};
use payments::UnixMs;
use payments::limits::TURN_S_MAX;

/// From the last dead letter until nobody can have seen it any more, ms: a count a minute old, read at the beginning of a
/// turn whose last act the task is.
const SEEN_MS_MAX: i64 = 60_000 + 1_000 * TURN_S_MAX as i64;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    let depths = Depths::of(evidence);
    let mut tasks = 0_u64;
    let mut findings = Vec::new();
    for record in &history.records {
        let after = || duration_ms(u64::try_from(record.at.since_ms(history.began)).unwrap_or(0));
        let Event::MoveTask(event) = &record.event else { continue };
        match event {
            MoveTaskEvent::Refused { .. } => {
                let what = format!("a second task was asked for {} after the beginning", after());
                findings.push(Finding::run(what));
            }
            MoveTaskEvent::Started { to_move, .. } => {
                tasks += 1;
                if *to_move == 0 && !held_lately(&depths, record.at) {
                    let what = format!("a task without work was started {} after the beginning", after());
                    findings.push(Finding::run(what));
                }
            }
            MoveTaskEvent::Ended { .. } => {}
        }
    }
    Verdict::from_findings(findings, || format!("{}, one at a time", counted(tasks, "move task")))
}

/// Whether a message was dead-lettered so lately that whoever counts may see it.
fn held_lately(depths: &[Depths], at: UnixMs) -> bool {
    let held = depths.iter().take_while(|it| it.at <= at).zip(depths.iter().skip(1).map(Some).chain([None]));
    held.filter(|(it, _)| it.dead_letters > 0)
        .any(|(_, next)| next.is_none_or(|next| at.since_ms(next.at) <= SEEN_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;

    #[test]
    fn asking_for_a_second_task_is_found() {
        let mut tale = Tale::of_one_dead_letter();
        tale.start_move_task();
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
        let mut tale = Tale::of_one_dead_letter();
        tale.start_move_task();
        let source = tale.history().names.dead_letters.clone();
        tale.happen(MoveTaskEvent::Refused { source });
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_)));
    }

    #[test]
    fn asking_for_a_task_without_a_dead_letter_is_found() {
        let mut tale = Tale::new();
        let source = tale.history().names.dead_letters.clone();
        tale.happen(MoveTaskEvent::Started { task: "t-1".to_owned(), source, destination: None, to_move: 0 });
        let found = tale.found_by(check);
        assert!(found.len() == 1 && found[0].starts_with("a task without work"), "{found:?}");
    }

    #[test]
    fn one_that_was_dead_lettered_a_moment_ago_may_still_be_counted() {
        let without_work = |since_ms: i64| {
            let mut tale = Tale::of_one_dead_letter();
            tale.redrive("m-1", "m-1b");
            tale.wait_ms(since_ms);
            let source = tale.history().names.dead_letters.clone();
            let task = "t-1".to_owned();
            tale.happen(MoveTaskEvent::Started { task, source, destination: None, to_move: 0 });
            tale.found_by(check).len()
        };
        assert_eq!([1, 100_000, 125_000, 3_600_000].map(without_work), [0, 0, 1, 1]);
    }
}
