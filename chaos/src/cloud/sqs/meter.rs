//! What CloudWatch asks a queue for each minute.
//!
//! Invariant: looking at a meter is no call of SQS, so it keeps no queue awake.

use super::queue::{Depth, Queue};
use super::{Sqs, SqsError};
use payments::UnixMs;

/// A message received this often no longer counts as the oldest one: SQS puts it at the back of the queue.
const RECEIVES_OF_OLDEST_MAX: u32 = 3;

/// Calls since the meter was last read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    /// When any call last named the queue.
    touched_at: UnixMs,
    sent: usize,
    received: usize,
    deleted: usize,
}

/// A queue at the end of a minute, and what was done to it since it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minute {
    /// How many messages stand where.
    pub depth: Depth,
    /// Age of the oldest message, seconds, 0 when there is none. Messages received three times here are left out, and
    /// after a move to a dead-letter queue age counts from the move.
    pub oldest_s: i32,
    /// `NumberOfMessagesSent`: moves that SQS makes by itself do not count.
    pub sent: usize,
    /// `NumberOfMessagesReceived`.
    pub received: usize,
    /// `NumberOfMessagesDeleted`: every successful call counts, those that find nothing as well.
    pub deleted: usize,
    /// When any call last named the queue; its creation, before the first.
    pub touched_at: UnixMs,
}

/// How a message came to a queue it was not sent to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) at: UnixMs,
    /// Receives before the move.
    pub(super) receives: u32,
}

impl Meter {
    pub(super) fn new(created_at: UnixMs) -> Self {
        Self { touched_at: created_at, sent: 0, received: 0, deleted: 0 }
    }

    /// Any call named the queue.
    pub(super) fn touched(&mut self, now: UnixMs) {
        self.touched_at = now;
    }

    pub(super) fn sent(&mut self, now: UnixMs) {
        self.touched(now);
        self.sent += 1;
    }

    pub(super) fn received(&mut self, messages: usize, now: UnixMs) {
        self.touched(now);
        self.received += messages;
    }

    pub(super) fn deleted(&mut self, now: UnixMs) {
        self.touched(now);
        self.deleted += 1;
    }
}

impl Sqs {
    /// Reads a queue's meter and sets its counts back to 0.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub fn minute(&mut self, queue: &str, now: UnixMs) -> Result<Minute, SqsError> {
        let depth = self.depth(queue, now)?;
        let queue = self.queue_mut(queue)?;
        let oldest_s = queue.oldest_s(now);
        let touched_at = queue.meter.touched_at;
        let Meter { sent, received, deleted, .. } =
            std::mem::replace(&mut queue.meter, Meter::new(touched_at));
        Ok(Minute { depth, oldest_s, sent, received, deleted, touched_at })
    }
}

impl Sqs {
    /// How long, ms, the metrics of a queue that holds something again stay behind, if its plan says so.
    pub(in crate::cloud) fn metrics_wake_after_ms(&self, queue: &str, now: UnixMs) -> Option<i64> {
        let ms = self.plan.metrics_wake_after_ms(queue, now)?;
        Some(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

impl Depth {
    /// All messages of the queue.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

impl Queue {
    fn oldest_s(&self, now: UnixMs) -> i32 {
        let ages = self.messages().filter_map(|message| {
            let (since, before) =
                message.moved.map_or((message.content.sent_at, 0), |moved| (moved.at, moved.receives));
            let counts = message.receives - before < RECEIVES_OF_OLDEST_MAX;
            counts.then(|| now.since_ms(since) / 1000)
        });
        ages.max().map_or(0, |age| i32::try_from(age).unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::fixtures::{START, queues};
    use crate::cloud::sqs::NewMessage;
    use crate::journal::Journal;

    fn after_s(seconds: i64) -> UnixMs {
        START.plus_ms(1000 * seconds)
    }

    fn sqs(receives_max: u32) -> Sqs {
        let mut sqs = Sqs::new(&queues(receives_max), 1, START, Journal::default()).unwrap();
        sqs.send("payments", NewMessage::text("a"), START).unwrap();
        sqs
    }

    fn oldest_s(sqs: &mut Sqs, queue: &str, seconds: i64) -> i32 {
        sqs.minute(queue, after_s(seconds)).unwrap().oldest_s
    }

    #[test]
    fn a_message_received_three_times_no_longer_counts_as_the_oldest() {
        let mut sqs = sqs(5);
        let delayed = NewMessage { delay_s: Some(60), ..NewMessage::text("b") };
        sqs.send("payments", delayed, after_s(100)).unwrap();
        for receive in 0..3 {
            assert_eq!(oldest_s(&mut sqs, "payments", 100 + receive), 100 + i32::try_from(receive).unwrap());
            // The older message is visible again at once; the younger one is still delayed.
            sqs.receive("payments", 1, Some(0), after_s(100 + receive)).unwrap();
        }
        assert_eq!(oldest_s(&mut sqs, "payments", 110), 10);
    }

    #[test]
    fn in_a_dead_letter_queue_age_counts_from_the_move_and_so_do_receives() {
        let mut sqs = sqs(1);
        sqs.receive("payments", 1, Some(0), START).unwrap();
        sqs.receive("payments", 1, None, after_s(50)).unwrap();
        assert_eq!(oldest_s(&mut sqs, "dead", 60), 10);
        assert_eq!(oldest_s(&mut sqs, "payments", 60), 0);
    }

    #[test]
    fn a_move_to_the_dead_letter_queue_is_no_message_sent_and_does_not_touch_it() {
        let mut sqs = sqs(1);
        sqs.receive("payments", 1, Some(0), START).unwrap();
        sqs.receive("payments", 1, None, after_s(50)).unwrap();
        let dead = sqs.minute("dead", after_s(60)).unwrap();
        assert_eq!((dead.sent, dead.depth.visible, dead.touched_at), (0, 1, START));
    }

    #[test]
    fn a_repeated_delete_counts_again() {
        let mut sqs = sqs(5);
        let got = sqs.receive("payments", 1, None, START).unwrap();
        for _ in 0..2 {
            sqs.delete("payments", &got[0].receipt_handle, after_s(1)).unwrap();
        }
        let minute = sqs.minute("payments", after_s(60)).unwrap();
        assert_eq!((minute.sent, minute.received, minute.deleted), (1, 1, 2));
        assert_eq!(minute.touched_at, after_s(1));
    }
}
