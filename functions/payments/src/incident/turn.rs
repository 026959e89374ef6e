//! One step of a recovery.
//!
//! ```text
//! quiet ──trouble──▶ open ──▶ waiting ──well twice──▶ canary ──settled──▶ redriving ──completed──▶ draining
//!   ▲                          ▲  │ nothing dead-lettered └──failed──┐       │ failed, never started   │  │ calm
//!   │                          │  └──────────────────────────────────│───────│────────────────────▶────┘  │ thrice
//!   │                          └────────────── pause, growing ───────┴───────┴──── dead letters again ┘   ▼
//!   └───────────────────────────────────────────────────────────────────────────────────────────────── resolved
//! ```
//!
//! Dead letters again are no setback by themselves: a payment whose last attempt met the outage is dead-lettered only
//! when its visibility ends, up to six minutes after it. Only those that were moved before count as one.
//!
//! Invariant: a move task is asked for only where none runs, by a turn that found the provider well, as the turn before
//! it did, and after a canary came through or there was nobody to send; or by a human's word.

use super::letter::{Kind, RedriveMode};
use super::observation::{MoveTask, Observation, Probes, TaskStatus, Trigger, Verdict};
use super::recovery::{Escalation, History, Member, Paused, Phase, Recovery, Streak};
use super::rowless::{BodyDigest, Stray};
use super::{Effect, Policy};
use crate::limits::{
    ALIKE_MIN, AT_RISK_MS, CALM_TURNS, CANARY_MS_MAX, COUNTS_SETTLE_MS, FLAPPING_CALM_TURNS, PAUSE_MS_BASE,
    PAUSE_MS_LONGEST, PAUSE_MS_MAX, SETBACKS_MAX, STRANDED_TURNS, TURN_S_MAX, UNREADABLE_PAUSE_MS,
    UNWELL_TURNS, WELL_TURNS,
};
use crate::time::UnixMs;

/// What looking through the dead letters came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Payments that would call the provider if they were redriven: at most a canary of them.
    pub members: Vec<Member>,
    /// Messages that did not become members and were shown again: what a move task finds of those looked at.
    pub others: u64,
    /// Those beside the members that the ledger does not know, shown again or not.
    pub rowless: Vec<Stray>,
    /// Those of them that came back as often as is allowed, and that so many cannot be to blame for.
    pub blameless: u64,
    /// Those of them that are no payments, as far as can be read here, by what the consumer is built of as well.
    pub unreadable: u64,
    /// Messages that were moved to quarantine.
    pub quarantined: Vec<BodyDigest>,
    /// Payments that were set aside, after they had been moved back in vain.
    pub set_aside: u64,
    /// Messages of payments that were moved back before: each was sent after its payment was first received. One that
    /// was not is a straggler, which SQS dead-lettered only now, and says nothing of a recovery.
    pub came_back: u64,
}

pub(super) fn decide(seen: &Observation, record: &Recovery, policy: &Policy) -> (Recovery, Option<Effect>) {
    let mut turn = Turn::new(seen, record, policy);
    turn.take_note();
    match &record.phase {
        Phase::Quiet => turn.watch(),
        Phase::Resolved => {
            turn.next.phase = Phase::Quiet;
            turn.watch();
        }
        Phase::Open => turn.wait(Streak::NONE, seen.now),
        Phase::Waiting { well, next_try_at } => turn.wait(*well, *next_try_at),
        Phase::Canary { since, members, .. } if members.is_empty() => turn.pick(*since),
        Phase::Canary { since, members, well } => turn.canary(*since, members, *well),
        Phase::Redriving { since, after } => turn.redriving(*since, *after),
        Phase::Draining { since, calm } => turn.draining(*since, *calm),
    }
    turn.notice_what_needs_a_hand();
    turn.notice_who_lost_their_message();
    turn.remind();
    turn.next.catch_up(record, seen, policy);
    (turn.next, turn.effect)
}

impl Recovery {
    /// Goes on from [`Effect::SortDeadLetters`]: what was found decides between a canary and a redrive. To be saved
    /// before the canary is sent.
    ///
    /// Dead letters that would not call the provider need no canary: one without a row never came as far as Stripe, and
    /// one whose row is settled is acknowledged at once, so what they do says nothing about it. For them it is enough
    /// that the provider is well, which they do not even need.
    #[must_use]
    pub fn sorted(&self, found: Sorted, seen: &Observation, policy: &Policy) -> (Self, Option<Effect>) {
        let mut turn = Turn::new(seen, self, policy);
        let task = seen.task.as_ref().map(|task| task.started_at);
        turn.next.history.dead_letters = None;
        turn.next.rowless.saw(&found.rowless, &found.quarantined, task, seen.now);
        if found.blameless > 0 && turn.seen.alike.is_none() {
            turn.escalate(Escalation::KeepsComingBack);
        }
        // Sorting follows from a turn that found the provider well.
        let well = Streak { turns: WELL_TURNS, last_at: seen.now };
        if turn.did_not_hold(&found) {
            turn.setback();
            // One or two may have trouble of their own.
            if found.came_back >= ALIKE_MIN as u64 {
                turn.tell_of_relapse();
            }
        } else if !found.members.is_empty() {
            turn.next.phase = Phase::Canary { since: seen.now, members: found.members, well };
        } else if found.others > 0 && found.others == found.unreadable && turn.was_moved_lately() {
            // The consumer cannot read them either, unless others are read by now: that is tried now and then.
            turn.next.phase = Phase::Waiting { well, next_try_at: seen.now.plus_ms(PAUSE_MS_MAX) };
        } else if found.others > 0 && found.quarantined.is_empty() && found.set_aside == 0 {
            turn.redrive();
        } else {
            // Nothing is left, or more is to be sorted, or SQS hides what it counts: the next turn sees.
            turn.next.phase = Phase::Waiting { well, next_try_at: seen.now };
        }
        (turn.next, turn.effect)
    }
}

/// A step under way.
pub(super) struct Turn<'a> {
    pub(super) seen: &'a Observation,
    pub(super) policy: &'a Policy,
    pub(super) next: Recovery,
    pub(super) effect: Option<Effect>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(seen: &'a Observation, record: &Recovery, policy: &'a Policy) -> Self {
        Self { seen, policy, next: record.clone(), effect: None }
    }

    fn was_moved_lately(&self) -> bool {
        let since = self.seen.task.as_ref().map(|task| self.seen.now.since_ms(task.started_at));
        since.is_some_and(|since_ms| since_ms < UNREADABLE_PAUSE_MS)
    }

    /// What holds in any phase of an open incident: turns on which the provider failed, and on which payments had no message.
    fn take_note(&mut self) {
        let (seen, history) = (self.seen, &mut self.next.history);
        history.unwell = match seen.probes {
            Some(Probes::Unwell(_)) => history.unwell.extended(seen.now),
            Some(Probes::Well) | None => Streak::NONE,
        };
        history.stranded = if seen.is_stranded { history.stranded.extended(seen.now) } else { Streak::NONE };
        self.next.watch_the_source(seen);
        self.next.watch_the_dead_letters(seen);
    }

    fn is_unwell(&self) -> bool {
        self.next.history.unwell.turns >= UNWELL_TURNS
    }

    fn trigger(&self) -> Option<Trigger> {
        let untouched = self.next.is_untouched(self.seen.now).then_some(Trigger::Untouched);
        self.seen.trigger().or(untouched)
    }

    fn watch(&mut self) {
        let Some(trigger) = self.trigger() else { return };
        let (number, stranded) = (self.next.history.number.saturating_add(1), self.next.history.stranded);
        self.next.history = History { number, stranded, ..History::opened(trigger, self.seen) };
        self.next.phase = Phase::Open;
        self.tell_of_the_beginning();
    }

    fn wait(&mut self, well: Streak, next_try_at: UnixMs) {
        let now = self.seen.now;
        let well = self.probed(well);
        self.next.phase = Phase::Waiting { well, next_try_at };
        // A payment that came through since is worth more than a pause.
        let is_time = now >= next_try_at || self.has_come_through(self.next.history.setback_at);
        let may_try = well.turns >= WELL_TURNS && is_time;
        let has_dead_letters = self.seen.dead_letters.total() > 0;
        if self.seen.a_task_runs() {
            self.follow_task();
        } else if self.is_calm() || (may_try && !has_dead_letters) {
            self.drain();
        } else if may_try && self.may_redrive() {
            self.next.phase = Phase::Canary { since: now, members: Vec::new(), well };
            self.effect = Some(Effect::SortDeadLetters);
        } else if may_try {
            self.escalate(Escalation::RedriveIsYours);
        } else if self.is_unwell() {
            self.tell_of_relapse();
        }
    }

    fn probed(&self, well: Streak) -> Streak {
        match self.seen.probes {
            Some(Probes::Well) => well.extended(self.seen.now),
            Some(Probes::Unwell(_)) | None => Streak::NONE,
        }
    }

    /// Judges the move tasks since the last judgement by the dead letters there are now. Those that no task had moved do
    /// not count, nor do those without a row, which are counted one by one, unless they are too many to be to blame.
    fn did_not_hold(&mut self, found: &Sorted) -> bool {
        let history = &mut self.next.history;
        if history.judged == history.tasks {
            return false;
        }
        history.judged = history.tasks;
        let came_back = found.came_back > 0 || found.blameless > 0;
        if !came_back {
            history.setbacks_in_a_row = 0;
        }
        came_back
    }

    /// The canary is being picked by the turn that saved this phase. If that turn died, the way starts again.
    fn pick(&mut self, since: UnixMs) {
        if is_older_than_a_turn(since, self.seen.now) {
            self.wait_again(self.seen.now);
        }
    }

    fn canary(&mut self, since: UnixMs, members: &[Member], well: Streak) {
        let well = self.probed(well);
        self.next.phase = Phase::Canary { since, members: members.to_vec(), well };
        let verdicts = &self.seen.canary;
        let settled = verdicts.iter().filter(|verdict| **verdict == Verdict::Settled).count();
        let failed = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Failed(_)));
        let stuck = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Stuck(_))).count();
        let is_late = self.seen.now.since_ms(since) > CANARY_MS_MAX;
        // A member that does not end in time, or is stuck, is a payment with a problem of its own. It must not hold up the
        // rest; and where all are stuck, none of them would speak for or against the provider, which is well. While they
        // wait their turn behind others, those that come through speak for them.
        let have_ended = settled + stuck == verdicts.len();
        let others_did = stuck == 0 && self.has_come_through(since);
        let came_through = !failed && (others_did || ((have_ended || is_late) && settled + stuck > 0));
        if came_through && well.turns >= WELL_TURNS {
            self.proceed(is_late);
        } else if is_late && self.is_unwell() {
            self.wait_again(self.seen.now);
            self.tell_of_relapse();
        } else if failed || (is_late && !self.waits_its_turn()) {
            self.setback();
            self.tell_of_relapse();
        }
    }

    /// Whether a payment came through at the provider since then, whichever it was.
    fn has_come_through(&self, since: UnixMs) -> bool {
        self.seen.came_through.is_some_and(|at| at > since)
    }

    /// Whether our own pace may be all that a canary waits for.
    const fn waits_its_turn(&self) -> bool {
        self.seen.drain_ms > CANARY_MS_MAX
    }

    /// The canary came through. While all that is left is hidden, perhaps since it was looked through, a task would find
    /// none of it: the next turn asks again, and once that has gone on for long, the way starts again.
    fn proceed(&mut self, is_late: bool) {
        if self.seen.a_task_runs() {
            self.follow_task();
        } else if self.seen.dead_letters.total() == 0 {
            self.drain();
        } else if !self.may_redrive() {
            self.wait_again(self.seen.now);
        } else if self.seen.dead_letters.visible > 0 {
            self.redrive();
        } else if is_late {
            self.wait_again(self.seen.now);
        }
    }

    /// A human's word stands above probes and canary. An incident that nobody noticed yet is opened with it.
    pub(super) fn redrive_by_order(&mut self) {
        if !self.next.phase.is_open() {
            self.watch();
        }
        self.redrive();
    }

    /// Asks for a move task. Nobody does so again before this turn must be over and SQS shows no newer task.
    fn redrive(&mut self) {
        let after = self.seen.task.as_ref().map(|task| task.started_at);
        self.next.phase = Phase::Redriving { since: self.seen.now, after };
        self.effect = Some(Effect::StartMoveTask);
        self.tell_of_recovery();
    }

    /// Somebody else's task runs: it is followed as if it were ours.
    fn follow_task(&mut self) {
        let after = self.seen.task.as_ref().map(|task| task.started_at.plus_ms(-1));
        self.next.phase = Phase::Redriving { since: self.seen.now, after };
        self.next.note(
            self.seen.now,
            "redrive".to_owned(),
            "somebody by other means",
            "a move task was running",
        );
        self.tell_of_recovery();
    }

    fn redriving(&mut self, since: UnixMs, after: Option<UnixMs>) {
        let is_ours = |task: &&MoveTask| after.is_none_or(|after| task.started_at > after);
        let Some(task) = self.seen.task.as_ref().filter(is_ours) else {
            if is_older_than_a_turn(since, self.seen.now) {
                self.wait_again(self.seen.now);
            }
            return;
        };
        if task.is_running() {
            return self.moving(task);
        }
        self.next.history.tasks = self.next.history.tasks.saturating_add(1);
        self.next.history.moved = self.next.history.moved.saturating_add(task.moved);
        match &task.status {
            TaskStatus::Running | TaskStatus::Cancelling => {}
            // It may have missed what was dead-lettered just before it began: draining looks again.
            TaskStatus::Completed => self.drain(),
            TaskStatus::Cancelled if self.next.history.canceled == Some(task.started_at) => {
                self.next.history.judged = self.next.history.tasks;
                self.wait_again(self.seen.now);
            }
            TaskStatus::Cancelled => self.pause_as_canceled(),
            TaskStatus::Failed(reason) => {
                self.next.history.failure = Some(super::recovery::cut(reason));
                self.next.history.judged = self.next.history.tasks;
                self.setback();
                self.escalate(Escalation::TaskFailed);
            }
        }
    }

    /// What is moved into a dead provider comes back, and has used up its attempts: then it is stopped. SQS takes a while,
    /// so it is asked again until it says that it stops.
    fn moving(&mut self, task: &MoveTask) {
        if self.is_unwell() && task.status == TaskStatus::Running {
            self.next.history.canceled = Some(task.started_at);
            self.effect = Some(Effect::CancelMoveTask);
            self.tell_of_relapse();
        }
    }

    /// To start another task a few minutes later would be to argue with whoever canceled this one.
    fn pause_as_canceled(&mut self) {
        self.next.paused = Some(Paused {
            at: self.seen.now,
            who: "whoever canceled the move task".to_owned(),
            why: "a canceled move task is taken for a pause".to_owned(),
        });
        self.wait_again(self.seen.now);
        self.escalate(Escalation::TaskCanceled);
    }

    fn drain(&mut self) {
        let calm = if self.is_calm() { Streak::NONE.extended(self.seen.now) } else { Streak::NONE };
        self.next.phase = Phase::Draining { since: self.seen.now, calm };
    }

    /// Nothing is wrong, and nothing is on its way that would be again: the provider answers, and nobody has waited for
    /// longer than a moment.
    fn is_calm(&self) -> bool {
        let is_well = self.seen.probes == Some(Probes::Well);
        let nobody_waits = self.seen.oldest_ms() <= AT_RISK_MS && !self.next.is_untouched(self.seen.now);
        let is_empty = self.seen.source.total() == 0;
        is_well
            && nobody_waits
            && self.seen.is_calm()
            && (is_empty || !self.next.rowless.may_be_under_way(self.seen.now))
    }

    fn draining(&mut self, since: UnixMs, calm: Streak) {
        let now = self.seen.now;
        let has_dead_letters = self.seen.dead_letters.total() > 0;
        if self.seen.a_task_runs() {
            return self.follow_task();
        }
        if has_dead_letters && now.since_ms(since) >= COUNTS_SETTLE_MS {
            // Whether they came back or are stragglers is seen when they are sorted.
            return self.wait_again(now);
        }
        if self.is_unwell() {
            self.wait_again(now);
            return self.tell_of_relapse();
        }
        let calm = if self.is_calm() { calm.extended(now) } else { Streak::NONE };
        self.next.phase = Phase::Draining { since, calm };
        let wanted = if self.next.history.flaps > 0 { FLAPPING_CALM_TURNS } else { CALM_TURNS };
        if calm.turns >= wanted {
            self.next.phase = Phase::Resolved;
            self.tell(Kind::Resolved);
        }
    }

    fn notice_who_lost_their_message(&mut self) {
        if self.next.phase.is_open() && self.next.history.stranded.turns >= STRANDED_TURNS {
            self.escalate(Escalation::Stranded);
        }
    }

    fn wait_again(&mut self, next_try_at: UnixMs) {
        self.next.phase = Phase::Waiting { well: Streak::NONE, next_try_at };
    }

    /// A recovery did not hold: wait for longer than last time.
    fn setback(&mut self) {
        let history = &mut self.next.history;
        history.setbacks = history.setbacks.saturating_add(1);
        history.setbacks_in_a_row = history.setbacks_in_a_row.saturating_add(1);
        history.setback_at = self.seen.now;
        let in_a_row = history.setbacks_in_a_row;
        self.wait_again(self.seen.now.plus_ms(pause_ms(in_a_row)));
        // Who was told whose fault it is knows why it keeps coming back.
        if in_a_row > SETBACKS_MAX && self.seen.needs_a_hand().is_none() {
            self.escalate(Escalation::KeepsComingBack);
        }
    }

    fn notice_what_needs_a_hand(&mut self) {
        if let Some(escalation) = self.needs_a_hand().filter(|_| self.next.phase.is_open()) {
            self.escalate(escalation);
        }
    }

    /// What only a human can mend, whatever the phase.
    pub(super) fn needs_a_hand(&self) -> Option<Escalation> {
        let nobody_takes = self.next.is_untouched(self.seen.now).then_some(Escalation::NobodyTakes);
        self.seen.needs_a_hand().or(nobody_takes)
    }

    fn may_redrive(&self) -> bool {
        RedriveMode::of(&self.next, self.policy) == RedriveMode::Automatic
    }
}

/// Whether what a turn began at `since` can no longer be under way.
pub(super) fn is_older_than_a_turn(since: UnixMs, now: UnixMs) -> bool {
    now.since_ms(since) > i64::from(TURN_S_MAX) * 1_000
}

/// As long as it may soon hold, no longer than the queue holds a payment up by itself. What has come back more often than a
/// human was told of waits for that human, and no longer than it takes to notice that others come through.
fn pause_ms(setbacks: u32) -> i64 {
    let doubled = |base_ms: i64, times: u32| base_ms.saturating_mul(1 << times.min(16));
    match setbacks.checked_sub(SETBACKS_MAX) {
        Some(beyond @ 1..) => doubled(PAUSE_MS_MAX, beyond).min(PAUSE_MS_LONGEST),
        Some(0) | None => doubled(PAUSE_MS_BASE, setbacks.saturating_sub(1)).min(PAUSE_MS_MAX),
    }
}
