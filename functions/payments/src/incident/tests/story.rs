//! A recovery, told turn by turn, and what there is to see.

use super::*;
use crate::cause::Cause;

/// A recovery that is told one observation after another; every mail is sent at once.
pub(super) struct Story {
    pub(super) record: Recovery,
    pub(super) policy: Policy,
    pub(super) now: UnixMs,
    /// When the newest move task was started.
    pub(super) task_at: UnixMs,
    pub(super) mails: Vec<Kind>,
}

impl Story {
    pub(super) fn new(policy: Policy) -> Self {
        Self { record: Recovery::default(), policy, now: START, task_at: UnixMs(0), mails: Vec::new() }
    }

    /// One turn, a minute after the last.
    pub(super) fn turn(&mut self, seen: Observation) -> Option<Effect> {
        self.now = self.now.plus_ms(MINUTE);
        let (next, effect) = turn::decide(&Observation { now: self.now, ..seen }, &self.record, &self.policy);
        self.save(next);
        effect
    }

    pub(super) fn sorted(&mut self, found: Sorted, seen: Observation) -> Option<Effect> {
        let (next, effect) = self.record.sorted(found, &Observation { now: self.now, ..seen }, &self.policy);
        self.save(next);
        effect
    }

    pub(super) fn save(&mut self, next: Recovery) {
        self.mails.extend(kinds(&next.outbox, &self.record.outbox));
        self.record = next;
        for number in self.record.outbox.pending().iter().map(|mail| mail.number).collect::<Vec<_>>() {
            self.record.outbox.sent(number);
        }
    }

    pub(super) fn phase(&self) -> &'static str {
        self.record.phase.name()
    }

    /// Turns of a well provider until the dead letters are sorted; how many.
    pub(super) fn until_sorting(&mut self, dead_letters: u64) -> usize {
        let after_task = Observation { dead_letters: depth(dead_letters), ..self.after_task() };
        let mut turns = 1;
        while self.turn(after_task.clone()) != Some(Effect::SortDeadLetters) {
            turns += 1;
        }
        turns
    }

    /// What was asked to be moved is moved, and so many dead letters are there when the counts have settled.
    pub(super) fn moved_and_back(&mut self, dead_letters: u64) {
        self.task_at = self.now.plus_ms(1_000);
        self.turn(self.completed(dead_letters));
        assert_eq!(self.phase(), "draining");
        self.turn(self.completed(dead_letters));
        assert_eq!(self.phase(), "draining", "SQS may still count what was moved");
        self.turn(self.completed(dead_letters));
    }

    pub(super) fn completed(&self, dead_letters: u64) -> Observation {
        let task = MoveTask { started_at: self.task_at, status: TaskStatus::Completed, moved: 4 };
        Observation { task: Some(task), ..well(dead_letters) }
    }

    /// A well provider and one dead letter, after the newest task.
    pub(super) fn after_task(&self) -> Observation {
        Observation { probes: Some(Probes::Well), ..self.completed(1) }
    }

    /// Up to where a canary of two is under way.
    pub(super) fn with_canary(policy: Policy) -> Self {
        let mut story = Self::new(policy);
        assert_eq!(story.turn(dead(5)), None);
        assert_eq!(story.turn(well(5)), None);
        assert_eq!(story.turn(well(5)), Some(Effect::SortDeadLetters));
        let members = vec![
            Member { payment_id: payment_id(1), attempts: 5 },
            Member { payment_id: payment_id(2), attempts: 5 },
        ];
        assert_eq!(story.sorted(Sorted { members, ..Sorted::default() }, well(5)), None);
        assert_eq!(story.phase(), "canary");
        story
    }

    /// Up to where the move task was asked for.
    pub(super) fn redriving(policy: Policy) -> Self {
        let mut story = Self::with_canary(policy);
        assert_eq!(story.turn(canary(&[Verdict::Settled, Verdict::Settled])), Some(Effect::StartMoveTask));
        assert_eq!(story.mails, [Kind::Opened, Kind::Recovering]);
        story
    }
}

/// A drill that was sent, or moved back, then.
pub(super) fn drill(sent_at: UnixMs) -> Stray {
    Stray { body: BodyDigest::of("PYMT_FAILED"), sent_at: Some(sent_at) }
}

pub(super) fn calm() -> Observation {
    Observation { probes: Some(Probes::Well), ..Observation::default() }
}

pub(super) fn dead(dead_letters: u64) -> Observation {
    Observation { dead_letters: depth(dead_letters), ..Observation::default() }
}

pub(super) fn well(dead_letters: u64) -> Observation {
    Observation { probes: Some(Probes::Well), ..dead(dead_letters) }
}

pub(super) fn unwell(cause: Cause) -> Observation {
    Observation { probes: Some(Probes::Unwell(cause)), ..dead(5) }
}

pub(super) fn canary(verdicts: &[Verdict]) -> Observation {
    Observation { canary: verdicts.to_vec(), ..well(3) }
}

pub(super) fn task(status: TaskStatus, dead_letters: u64) -> Observation {
    // Newer than anything a story remembers.
    let task = MoveTask { started_at: minutes(1_000), status, moved: 4 };
    Observation { task: Some(task), ..well(dead_letters) }
}
