//! One move task at a time: nobody asks for another while one runs, or for one when nothing is dead-lettered.
//!
//! SQS refuses a second task, so asking for one does no harm that could be seen in the queues; but whoever asks does not
//! know what is under way.
//! Invariant: every call is looked at, the refused ones too.

use super::{Evidence, Finding, Verdict};
use crate::journal::{Event, MoveTaskEvent};
use crate::units::{counted, duration_ms};

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
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
                if *to_move == 0 {
                    let what = format!("a task without work was started {} after the beginning", after());
                    findings.push(Finding::run(what));
                }
            }
            MoveTaskEvent::Ended { .. } => {}
        }
    }
    Verdict::from_findings(findings, || format!("{}, one at a time", counted(tasks, "move task")))
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
}
