//! Message move tasks: an asynchronous copy from a dead-letter queue back to where its messages came from.
//!
//! A task looks at the queue once, when it starts: what lands later, and perhaps what landed just before, it never
//! sees, and it completes all the same. It moves one message at a time at its rate; each arrives as a new message.
//! Invariant: a message is in its old queue or in its new one, never in both and never in none.

mod protocol;
mod task;
#[cfg(test)]
mod tests;

pub use task::MoveStatus;

use super::message::Content;
use super::queue::{Standing, Stored};
use super::receipt::Arrival;
use super::{Sqs, SqsError};
use crate::cloud::iam::Principal;
use crate::cloud::ids::Ids;
use crate::journal::{MoveEnd, MoveFailure, MoveTaskEvent, QueueEvent};
use crate::random::Stream;
use payments::UnixMs;
use std::collections::VecDeque;
use std::sync::Arc;
use task::Task;
use tokio::sync::Notify;

/// Highest rate a task may be given, messages per second.
const RATE_MAX: u32 = 500;
/// From a start to the first message, drawn evenly: virtual milliseconds, an assumption.
const BEGINNING_MS: (u64, u64) = (200, 1000);
/// From a cancel to its effect, drawn evenly: virtual milliseconds. Recorded: six more messages at one a second.
const CANCELLING_MS: (u64, u64) = (2000, 8000);
/// How old a message must be in its queue for a task to see it, drawn evenly once a task: virtual milliseconds.
const OVERLOOKED_MS: (u64, u64) = (0, 500);

/// All tasks of the account, and what they draw from.
#[derive(Debug)]
pub(super) struct Moves {
    /// In the order they were started.
    tasks: Vec<Task>,
    ids: Ids,
    draws: Stream,
    overlooked_ms: (u64, u64),
    /// Wakes whoever carries the tasks forward.
    changed: Arc<Notify>,
}

/// What is to be moved where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveOrder<'a> {
    /// Name of the dead-letter queue.
    pub source: &'a str,
    /// Name of the queue all messages go to; without it each goes back to the queue it was dead-lettered from.
    pub destination: Option<&'a str>,
    /// Messages per second, 1–500; SQS chooses from the backlog when absent.
    pub rate_per_s: Option<u32>,
}

impl Moves {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            tasks: Vec::new(),
            ids: Ids::new(seed, "sqs move task ids"),
            draws: Stream::new(seed, "sqs move tasks"),
            overlooked_ms: OVERLOOKED_MS,
            changed: Arc::default(),
        }
    }

    fn draw_ms(&mut self, (low, high): (u64, u64)) -> i64 {
        i64::try_from(self.draws.between(low, high)).unwrap_or(i64::MAX)
    }

    fn active_on(&self, source: &str) -> bool {
        self.tasks.iter().any(|task| task.source == source && task.status.is_active())
    }

    /// Tasks of one queue, the newest first.
    fn of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Task> {
        self.tasks.iter().rev().filter(move |task| task.source == source)
    }
}

impl Sqs {
    /// Starts a task; nothing has moved yet. Returns its handle.
    ///
    /// # Errors
    /// `ResourceNotFound` for a queue that is not there; `InvalidParameterValue` for a source that is no dead-letter
    /// queue or already has an active task, for a destination that is the source, and for a rate out of range.
    pub fn start_move(&mut self, order: MoveOrder<'_>, now: UnixMs) -> Result<String, SqsError> {
        self.start_move_as(None, order, now)
    }

    /// The same; the task works with the permissions of `who`.
    ///
    /// # Errors
    /// As [`Sqs::start_move`].
    pub fn start_move_as(
        &mut self,
        who: Option<&Principal>,
        order: MoveOrder<'_>,
        now: UnixMs,
    ) -> Result<String, SqsError> {
        self.check_move(order)?;
        self.refuse_a_second(order.source, now)?;
        self.queue_mut(order.source)?.meter.touched(now);
        self.catch_up(order.source, now)?;
        let overlooked_ms = self.moves.draw_ms(self.moves.overlooked_ms);
        let begins_at = now.plus_ms(self.moves.draw_ms(BEGINNING_MS));
        let to_move = self.depth(order.source, now)?.visible as u64;
        let mut seen = self.seen_by_task(order.source, now, now.plus_ms(-overlooked_ms))?;
        if !seen.is_empty() {
            seen.truncate(
                seen.len() - self.plan.leaves_behind(order.source, seen.len(), now).min(seen.len()),
            );
        }
        let mut task = Task::new(self.moves.ids.uuid(), order, to_move, seen, (now, begins_at));
        task.who = who.cloned();
        let handle = task.handle();
        let event = MoveTaskEvent::Started {
            task: task.id.clone(),
            source: task.source.clone(),
            destination: task.destination.clone(),
            to_move,
        };
        self.journal.record(now, event);
        self.moves.tasks.push(task);
        self.moves.changed.notify_waiters();
        Ok(handle)
    }

    /// Asks a running task to stop, which it does a few seconds later. Returns how many messages it says to have moved.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a text that is no handle or a task that is not running; `ResourceNotFound` for a
    /// handle of another queue, `TaskNotFound` for one of another task.
    pub fn cancel_move(&mut self, handle: &str, now: UnixMs) -> Result<u64, SqsError> {
        let (id, source) = task::read_handle(handle)?;
        let queue = self.queue_mut(&source).map_err(|_| SqsError::ResourceNotFound("SourceArn"))?;
        queue.meter.touched(now);
        let cancelling_ms = self.moves.draw_ms(CANCELLING_MS);
        let task = self.moves.tasks.iter_mut().find(|task| task.id == id && task.source == source);
        let task = task.ok_or(SqsError::TaskNotFound)?;
        task.cancel(now.plus_ms(cancelling_ms))?;
        self.moves.changed.notify_waiters();
        Ok(task.reported())
    }

    /// Lets every task overlook what landed in its queue less than so many milliseconds before it was started: a time
    /// drawn evenly from `range` for each task.
    pub fn overlook_in_moves(&mut self, range: (u64, u64)) {
        self.moves.overlooked_ms = range;
    }

    /// When a task next has something to do; `None` while none is active.
    #[must_use]
    pub fn next_move(&self) -> Option<UnixMs> {
        self.moves.tasks.iter().filter_map(Task::next_at).min()
    }

    /// Notified whenever `next_move` may have become earlier.
    #[must_use]
    pub fn moves_changed(&self) -> Arc<Notify> {
        Arc::clone(&self.moves.changed)
    }

    /// Carries every task forward to `now`.
    pub fn move_due(&mut self, now: UnixMs) {
        while let Some(due) = self.task_due(now) {
            self.take_turn(due, now);
        }
    }

    fn check_move(&self, order: MoveOrder<'_>) -> Result<(), SqsError> {
        let invalid = |text: &str| Err(SqsError::InvalidParameterValue(text.to_owned()));
        self.queue(order.source).map_err(|_| SqsError::ResourceNotFound("SourceArn"))?;
        let mut targets = self.queues.values().filter_map(|queue| queue.config.redrive.as_ref());
        if !targets.any(|redrive| redrive.dead_letter_queue == order.source) {
            return invalid("Source queue must be configured as a Dead Letter Queue.");
        }
        if order.destination == Some(order.source) {
            return invalid("Source queue arn and destination queue arn cannot be the same.");
        }
        if let Some(destination) = order.destination {
            self.queue(destination).map_err(|_| SqsError::ResourceNotFound("DestinationArn"))?;
        }
        if order.rate_per_s.is_some_and(|rate| !(1..=RATE_MAX).contains(&rate)) {
            return invalid(
                "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 and 500.",
            );
        }
        Ok(())
    }

    fn refuse_a_second(&self, source: &str, now: UnixMs) -> Result<(), SqsError> {
        if !self.moves.active_on(source) {
            return Ok(());
        }
        self.journal.record(now, MoveTaskEvent::Refused { source: source.to_owned() });
        let text = "There is already a task running. Only one active task is allowed for a source queue arn at a given time.";
        Err(SqsError::InvalidParameterValue(text.to_owned()))
    }

    /// What a task that starts now will move: visible messages that landed by `landed_by`, the oldest first.
    fn seen_by_task(
        &self,
        source: &str,
        now: UnixMs,
        landed_by: UnixMs,
    ) -> Result<VecDeque<Arrival>, SqsError> {
        let messages = self.queue(source)?.oldest_first();
        let seen =
            messages.filter(|(_, it)| it.standing(now) == Standing::Visible && it.landed_at <= landed_by);
        Ok(seen.map(|(arrival, _)| arrival).collect())
    }

    /// The task whose turn comes first, if it has come; of two at one instant, the one that was started first.
    fn task_due(&self, now: UnixMs) -> Option<usize> {
        let turns = self.moves.tasks.iter().enumerate();
        let turns = turns.filter_map(|(index, task)| Some((task.next_at()?, index)));
        turns.min().filter(|(at, _)| *at <= now).map(|(_, index)| index)
    }

    /// Moves one message of a task, or ends it.
    fn take_turn(&mut self, index: usize, now: UnixMs) {
        let ended = if self.moves.tasks[index].is_cancelled_by(now) {
            Some(MoveEnd::Cancelled)
        } else {
            self.move_one(index, now).unwrap_or_else(|reason| Some(MoveEnd::Failed(reason)))
        };
        let Some(end) = ended else { return };
        let task = &mut self.moves.tasks[index];
        task.end(end);
        let event = MoveTaskEvent::Ended {
            task: task.id.clone(),
            source: task.source.clone(),
            status: end,
            moved: task.reported(),
            reason: end.failure(),
        };
        self.journal.record(now, event);
    }

    /// Moves the oldest message that is still there and visible; says how the task ended when there is none.
    fn move_one(&mut self, index: usize, now: UnixMs) -> Result<Option<MoveEnd>, MoveFailure> {
        let source = self.moves.tasks[index].source.clone();
        let gone = |_: SqsError| MoveFailure::NonExistentQueue;
        self.catch_up(&source, now).map_err(gone)?;
        let task = &mut self.moves.tasks[index];
        let from = self.queues.get(&source).ok_or(MoveFailure::NonExistentQueue)?;
        let Some((arrival, message)) = task.take_next(from, now) else {
            return Ok(Some(task.ran_out()));
        };
        let to = task.destination.as_ref().or(message.dead_letter_source.as_ref());
        let to = to.ok_or(MoveFailure::CouldNotDetermineMessageSource)?.clone();
        let who = task.who.clone();
        self.may_move(who.as_ref(), &source, &to)?;
        self.redrive(&source, &to, (arrival, message), now).map_err(gone)?;
        self.moves.tasks[index].count(now);
        Ok(None)
    }

    /// Body and attributes stay; everything else is that of a message which was just sent. Without a queue to go to,
    /// the message stays where it is.
    fn redrive(
        &mut self,
        from: &str,
        to: &str,
        (arrival, message): (Arrival, Stored),
        now: UnixMs,
    ) -> Result<(), SqsError> {
        let delay_s = self.queue(to)?.config.delay_s;
        self.queue_mut(from)?.remove(arrival);
        let content = Content { id: self.ids.uuid(), sent_at: now, ..Content::clone(&message.content) };
        let event = QueueEvent::Redriven {
            from: from.to_owned(),
            to: to.to_owned(),
            message: message.content.id.clone(),
            as_message: content.id.clone(),
        };
        self.journal.record(now, event);
        let visible_at = now.plus_ms(1000 * i64::from(delay_s));
        self.put(to, Stored::sent(content, visible_at))
    }
}
