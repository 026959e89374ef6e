//! What may go wrong with queues.
//!
//! A standard queue promises less than it usually keeps: at least one delivery, some order, metrics some time.
//! Invariant: whoever answers something else than the default has made it so; the queue does what it is told.

use super::message::Content;
use payments::UnixMs;
use std::fmt::Debug;

/// Decides what queues get wrong. By default they get nothing wrong.
pub trait QueuePlan: Debug + Send + Sync {
    /// A message of `queue` is handed out: after how many ms it is handed out again, whoever works on it.
    fn duplicates_after_ms(&self, queue: &str, message: &Content, now: UnixMs) -> Option<u64> {
        let _ = (queue, message, now);
        None
    }

    /// A message was deleted from `queue`: after how many ms it is there again.
    fn returns_after_ms(&self, queue: &str, message: &Content, now: UnixMs) -> Option<u64> {
        let _ = (queue, message, now);
        None
    }

    /// A receive finds `visible` messages, 2 or more: how many of them, fewer than all, it takes for the last.
    fn passes_over(&self, queue: &str, visible: usize, now: UnixMs) -> usize {
        let _ = (queue, visible, now);
        0
    }

    /// Whether the visibility of a message cannot be changed now.
    fn refuses_visibility(&self, queue: &str, message: &Content, now: UnixMs) -> bool {
        let _ = (queue, message, now);
        false
    }

    /// A move task of `queue` starts and sees `visible` messages, 1 or more: how many of them it will leave behind.
    fn leaves_behind(&self, queue: &str, visible: usize, now: UnixMs) -> usize {
        let _ = (queue, visible, now);
        0
    }

    /// A queue that nobody polls holds something again: after how many ms its metrics say so, if they had stopped.
    fn metrics_wake_after_ms(&self, queue: &str, now: UnixMs) -> Option<u64> {
        let _ = (queue, now);
        None
    }
}
