//! One standard queue: its messages, ordered by when each becomes visible and by when each expires.
//!
//! Invariant: every message is in `messages`, `by_visibility` and `by_age`, or in none of them.

use super::message::{Content, Delivery};
use super::meter::{Meter, Moved};
use super::receipt::{Arrival, Receipt};
use crate::cloud::config::QueueConfig;
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Notify;

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) config: QueueConfig,
    pub(super) created_at: UnixMs,
    /// Wakes whoever waits for something receivable, in the order in which they began to wait.
    pub(super) activity: Arc<Notify>,
    pub(super) meter: Meter,
    /// What it held at the last full minute.
    pub(super) counted: Option<Depth>,
    messages: BTreeMap<Arrival, Stored>,
    by_visibility: BTreeSet<(UnixMs, Arrival)>,
    by_age: BTreeSet<(UnixMs, Arrival)>,
    /// Deleted, but not everywhere: when each is there again. Until then nobody can see it.
    returning: BTreeMap<(UnixMs, Arrival), Stored>,
}

/// A message and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) content: Arc<Content>,
    /// Receives so far, over all queues the message has been in.
    pub(super) receives: u32,
    pub(super) first_received_at: Option<UnixMs>,
    /// When it came to *this* queue: by a send, or by a move from another queue.
    pub(super) landed_at: UnixMs,
    /// Last receive from *this* queue.
    pub(super) received_at: Option<UnixMs>,
    pub(super) visible_at: UnixMs,
    pub(super) dead_letter_source: Option<String>,
    /// Set when SQS moved it here.
    pub(super) moved: Option<Moved>,
}

/// Where a message stands at some instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be received.
    Visible,
    /// It was received and is hidden until its visibility timeout ends.
    InFlight,
    /// It was sent with a delay that has not ended.
    Delayed,
}

/// How many messages of a queue stand where. Exact here; SQS says `Approximate…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// `ApproximateNumberOfMessages`.
    pub visible: usize,
    /// `ApproximateNumberOfMessagesNotVisible`.
    pub in_flight: usize,
    /// `ApproximateNumberOfMessagesDelayed`.
    pub delayed: usize,
}

impl Stored {
    /// A message that was just sent.
    pub(super) fn sent(content: Content, visible_at: UnixMs) -> Self {
        Self {
            landed_at: content.sent_at,
            content: Arc::new(content),
            receives: 0,
            first_received_at: None,
            received_at: None,
            visible_at,
            dead_letter_source: None,
            moved: None,
        }
    }

    pub(super) fn standing(&self, now: UnixMs) -> Standing {
        if self.visible_at <= now {
            Standing::Visible
        } else if self.received_at.is_some() {
            Standing::InFlight
        } else {
            Standing::Delayed
        }
    }
}

impl Queue {
    pub(super) fn new(config: QueueConfig, created_at: UnixMs) -> Self {
        Self {
            config,
            created_at,
            activity: Arc::default(),
            meter: Meter::new(created_at),
            counted: None,
            messages: BTreeMap::new(),
            by_visibility: BTreeSet::new(),
            by_age: BTreeSet::new(),
            returning: BTreeMap::new(),
        }
    }

    pub(super) fn put(&mut self, arrival: Arrival, message: Stored) {
        self.by_visibility.insert((message.visible_at, arrival));
        self.by_age.insert((message.content.sent_at, arrival));
        self.messages.insert(arrival, message);
        self.activity.notify_waiters();
    }

    pub(super) fn get(&self, arrival: Arrival) -> Option<&Stored> {
        self.messages.get(&arrival)
    }

    pub(super) fn remove(&mut self, arrival: Arrival) -> Option<Stored> {
        let message = self.messages.remove(&arrival)?;
        self.by_visibility.remove(&(message.visible_at, arrival));
        self.by_age.remove(&(message.content.sent_at, arrival));
        Some(message)
    }

    /// Visible messages, the longest visible first, then in order of arrival.
    pub(super) fn visible(&self, now: UnixMs) -> impl Iterator<Item = (Arrival, &Stored)> {
        let receivable = self.by_visibility.range(..=(now, Arrival::MAX));
        receivable.filter_map(|(_, arrival)| Some((*arrival, self.messages.get(arrival)?)))
    }

    /// All messages, the one sent first before the others.
    pub(super) fn oldest_first(&self) -> impl Iterator<Item = (Arrival, &Stored)> {
        self.by_age.iter().filter_map(|(_, arrival)| Some((*arrival, self.messages.get(arrival)?)))
    }

    /// Hands a message out and hides it until `visible_at`.
    pub(super) fn deliver(&mut self, arrival: Arrival, visible_at: UnixMs, now: UnixMs) -> Option<Delivery> {
        self.hide(arrival, visible_at);
        let message = self.messages.get_mut(&arrival)?;
        message.receives += 1;
        message.received_at = Some(now);
        let receipt = Receipt { arrival, receive: message.receives };
        Some(Delivery {
            content: Arc::clone(&message.content),
            receipt_handle: receipt.handle(&self.config.name),
            receives: message.receives,
            first_received_at: *message.first_received_at.get_or_insert(now),
            dead_letter_source: message.dead_letter_source.clone(),
        })
    }

    /// Moves the instant at which a message becomes visible.
    pub(super) fn hide(&mut self, arrival: Arrival, visible_at: UnixMs) {
        if let Some(message) = self.messages.get_mut(&arrival) {
            self.by_visibility.remove(&(message.visible_at, arrival));
            self.by_visibility.insert((visible_at, arrival));
            message.visible_at = visible_at;
        }
    }

    /// Whether the next receive of a message would be one too many.
    pub(super) fn exhausted(&self, message: &Stored) -> bool {
        self.config.redrive.as_ref().is_some_and(|redrive| message.receives >= redrive.receives_max)
    }

    /// Removes and returns what has outlived the retention.
    pub(super) fn expire(&mut self, now: UnixMs) -> Vec<Stored> {
        let oldest_kept = now.plus_ms(-1000 * i64::from(self.config.retention_s));
        let expired: Vec<Arrival> = self
            .by_age
            .iter()
            .take_while(|(sent_at, _)| *sent_at <= oldest_kept)
            .map(|(_, arrival)| *arrival)
            .collect();
        expired.into_iter().filter_map(|arrival| self.remove(arrival)).collect()
    }

    /// A message that was removed will be there again at `returns_at`.
    pub(super) fn forget_delete(&mut self, arrival: Arrival, message: Stored, returns_at: UnixMs) {
        self.returning.insert((returns_at, arrival), Stored { visible_at: returns_at, ..message });
        self.activity.notify_waiters();
    }

    /// Puts back what is there again by `now`.
    pub(super) fn bring_back(&mut self, now: UnixMs) {
        while let Some(entry) = self.returning.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, arrival), message) = entry.remove_entry();
            self.put(arrival, message);
        }
    }

    /// When the next message becomes visible, perhaps in the past; `None` when the queue is empty and stays so.
    pub(super) fn next_visible(&self) -> Option<UnixMs> {
        let held = self.by_visibility.first().map(|(visible_at, _)| *visible_at);
        let returning = self.returning.keys().next().map(|(returns_at, _)| *returns_at);
        held.into_iter().chain(returning).min()
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &Stored> {
        self.messages.values()
    }

    pub(super) fn depth(&self, now: UnixMs) -> Depth {
        self.messages().fold(Depth::default(), |mut depth, message| {
            match message.standing(now) {
                Standing::Visible => depth.visible += 1,
                Standing::InFlight => depth.in_flight += 1,
                Standing::Delayed => depth.delayed += 1,
            }
            depth
        })
    }
}
