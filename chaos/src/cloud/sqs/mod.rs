//! Embedded SQS: standard queues as one synchronous state machine; every operation is told what time it is.
//!
//! Expiry and the move to a dead-letter queue are lazy, as on AWS: the first is seen by whoever looks next, the
//! second happens at the receive that would be one too many.
//! Invariant: order of delivery follows from the data alone: first what became visible first, then by arrival.

mod entries;
mod error;
mod input;
mod message;
mod meter;
mod moves;
mod permission;
mod plan;
mod protocol;
mod queue;
mod receipt;
#[cfg(test)]
mod tests;

pub use entries::payment_in;
pub use error::SqsError;
pub use message::{AttributeValue, Content, Delivery, MessageAttribute, NewMessage, attributes_md5};
pub use meter::Minute;
pub use moves::{MoveOrder, MoveStatus};
pub use plan::QueuePlan;
pub use protocol::{Answer, Call};
pub use queue::{Depth, Standing};

use super::config::QueueConfig;
use super::iam::Iam;
use super::ids::Ids;
use super::names;
use super::plans::Faultless;
use crate::journal::{Journal, QueueEvent};
use meter::Moved;
use moves::Moves;
use payments::UnixMs;
use queue::{Queue, Stored};
use receipt::{Arrival, Receipt};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Longest delay of a message, seconds.
pub const DELAY_S_MAX: u32 = 900;
/// Longest a receive may hide a message, seconds, changes of its visibility included.
pub const VISIBILITY_S_MAX: u32 = 43_200;
/// Most messages one receive hands out, and most entries of a batch.
pub const BATCH_MAX: usize = 10;
/// Largest batch, bytes (since August 2025).
pub const BATCH_BYTES_MAX: usize = 1_048_576;
/// How many of the longest visible messages may change places in one receive. An assumption; more than a batch, so that
/// order is lost beyond one.
const REORDERED_MAX: usize = 50;
/// Most message attributes of one message.
pub const ATTRIBUTES_MAX: usize = 10;

/// All queues of the account.
#[derive(Debug)]
pub struct Sqs {
    queues: BTreeMap<String, Queue>,
    ids: Ids,
    arrivals: Arrival,
    moves: Moves,
    journal: Journal,
    plan: Arc<dyn QueuePlan>,
    /// Who is asked whether a move task may; nobody, where these queues stand alone.
    iam: Option<Iam>,
}

/// What the sender of a message learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// `MessageId`.
    pub id: String,
    /// `MD5OfMessageBody`.
    pub body_md5: String,
    /// `MD5OfMessageAttributes`, if there are any.
    pub attributes_md5: Option<String>,
}

/// A message that a queue holds, as seen from outside SQS: for the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Id, body, attributes, `SentTimestamp`.
    pub content: Arc<Content>,
    /// Receives so far.
    pub receives: u32,
    /// Where it stands.
    pub standing: Standing,
    /// Name of the queue SQS moved it from.
    pub dead_letter_source: Option<String>,
}

impl Sqs {
    /// The queues of `configs`, empty, created at `now`.
    ///
    /// # Errors
    /// The name of a dead-letter queue that is not among them.
    pub fn new(configs: &[QueueConfig], seed: u64, now: UnixMs, journal: Journal) -> Result<Self, String> {
        let queues: BTreeMap<String, Queue> =
            configs.iter().map(|config| (config.name.clone(), Queue::new(config.clone(), now))).collect();
        let targets = configs.iter().filter_map(|config| config.redrive.as_ref());
        for target in targets.map(|redrive| &redrive.dead_letter_queue) {
            if !queues.contains_key(target) {
                return Err(target.clone());
            }
        }
        let ids = Ids::new(seed, "sqs message ids");
        let (moves, plan) = (Moves::new(seed), Arc::new(Faultless));
        Ok(Self { queues, ids, arrivals: 0, moves, journal, plan, iam: None })
    }

    /// The same queues, under a plan for what goes wrong with them.
    #[must_use]
    pub fn under(self, plan: Arc<dyn QueuePlan>) -> Self {
        Self { plan, ..self }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, or what is wrong with the message.
    pub fn send(&mut self, queue: &str, message: NewMessage, now: UnixMs) -> Result<Sent, SqsError> {
        let config = &self.queue(queue)?.config;
        entries::check_message(&message, config.message_bytes_max)?;
        let delay_s = message.delay_s.unwrap_or(config.delay_s);
        let content = Content::new(self.ids.uuid(), message, now);
        let sent = Sent {
            id: content.id.clone(),
            body_md5: content.body_md5.clone(),
            attributes_md5: attributes_md5(&content.attributes),
        };
        let payment = entries::payment_in(&content.body);
        self.journal
            .record(now, QueueEvent::Sent { queue: queue.to_owned(), message: sent.id.clone(), payment });
        let visible_at = now.plus_ms(1000 * i64::from(delay_s));
        self.put(queue, Stored::sent(content, visible_at))?;
        self.queue_mut(queue)?.meter.sent(now);
        Ok(sent)
    }

    /// Receives up to `max` messages, hidden for `visibility_s` (the queue's own when absent).
    ///
    /// Messages whose receives are used up are moved to the dead-letter queue instead of being handed out.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, or a parameter out of range.
    pub fn receive(
        &mut self,
        queue: &str,
        max: usize,
        visibility_s: Option<u32>,
        now: UnixMs,
    ) -> Result<Vec<Delivery>, SqsError> {
        entries::check_receive(max, visibility_s)?;
        self.catch_up(queue, now)?;
        self.dead_letter_exhausted(queue, max, now)?;
        let plan = Arc::clone(&self.plan);
        let from = self.queue_mut(queue)?;
        let visible_at = now.plus_ms(1000 * i64::from(visibility_s.unwrap_or(from.config.visibility_s)));
        let visible = from.visible(now).map(|(arrival, _)| arrival).take(REORDERED_MAX);
        let mut visible: Vec<Arrival> = visible.collect();
        if visible.len() > 1 {
            let over = plan.passes_over(queue, visible.len(), now);
            visible.rotate_left(over);
        }
        if visible.len() > 1 {
            visible.truncate(plan.finds(queue, visible.len().min(max), now));
        }
        let mut deliveries = Vec::new();
        for arrival in visible.into_iter().take(max) {
            let Some(delivery) = from.deliver(arrival, visible_at, now) else { continue };
            if let Some(ms) = plan.duplicates_after_ms(queue, &delivery.content, now) {
                from.hide(arrival, visible_at.min(after_ms(now, ms)));
            }
            deliveries.push(delivery);
        }
        from.meter.received(deliveries.len(), now);
        for delivery in &deliveries {
            let message = delivery.content.id.clone();
            let receives = delivery.receives;
            self.journal.record(now, QueueEvent::Received { queue: queue.to_owned(), message, receives });
        }
        Ok(deliveries)
    }

    /// Deletes the message a handle names.
    ///
    /// Deleting again, or after the visibility ran out, succeeds. With the handle of an earlier receive the call
    /// succeeds and the message stays: AWS allows both, and this is the harder one for a consumer.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, `ReceiptHandleIsInvalid`.
    pub fn delete(&mut self, queue: &str, handle: &str, now: UnixMs) -> Result<(), SqsError> {
        let receipt = self.receipt(queue, handle)?;
        self.catch_up(queue, now)?;
        let from = self.queue_mut(queue)?;
        from.meter.deleted(now);
        if from.get(receipt.arrival).is_none_or(|message| message.receives != receipt.receive) {
            return Ok(());
        }
        if let Some(message) = from.remove(receipt.arrival) {
            let id = message.content.id.clone();
            self.journal.record(now, QueueEvent::Deleted { queue: queue.to_owned(), message: id });
            if let Some(ms) = self.plan.returns_after_ms(queue, &message.content, now) {
                self.queue_mut(queue)?.forget_delete(receipt.arrival, message, after_ms(now, ms));
            }
        }
        Ok(())
    }

    /// Makes a message visible `seconds` from now, counted from this call and not from the receive.
    ///
    /// # Errors
    /// `QueueDoesNotExist`, `ReceiptHandleIsInvalid`, and `InvalidParameterValue` for a message that is gone, a time
    /// out of range, or one more than 12 h after the receive.
    pub fn change_visibility(
        &mut self,
        queue: &str,
        handle: &str,
        seconds: u32,
        now: UnixMs,
    ) -> Result<(), SqsError> {
        let receipt = self.receipt(queue, handle)?;
        entries::check_visibility(seconds)?;
        self.catch_up(queue, now)?;
        let from = self.queue(queue)?;
        let message = from.get(receipt.arrival).ok_or_else(|| entries::not_in_flight(handle))?;
        let visible_at = now.plus_ms(1000 * i64::from(seconds));
        entries::check_hidden_in_all(seconds, message.received_at, visible_at)?;
        let content = Arc::clone(&message.content);
        if self.plan.refuses_visibility(queue, &content, now) {
            return Err(SqsError::InternalError);
        }
        let is_purged = self.plan.purges(queue, &content, now);
        let from = self.queue_mut(queue)?;
        if is_purged {
            from.remove(receipt.arrival);
            let message = content.id.clone();
            self.journal.record(now, QueueEvent::Purged { queue: queue.to_owned(), message });
            return Ok(());
        }
        from.hide(receipt.arrival, visible_at);
        from.meter.touched(now);
        from.activity.notify_waiters();
        let message = content.id.clone();
        self.journal.record(now, QueueEvent::VisibilityChanged { queue: queue.to_owned(), message, seconds });
        Ok(())
    }

    /// When a receive could next do something: hand a message out, or dead-letter it. Perhaps in the past;
    /// `None` while the queue is empty.
    #[must_use]
    pub fn next_receivable(&self, queue: &str) -> Option<UnixMs> {
        self.queues.get(queue)?.next_visible()
    }

    /// Notified whenever `next_receivable` may have become earlier.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub fn activity(&self, queue: &str) -> Result<Arc<Notify>, SqsError> {
        Ok(Arc::clone(&self.queue(queue)?.activity))
    }

    /// How many messages stand where.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub fn depth(&mut self, queue: &str, now: UnixMs) -> Result<Depth, SqsError> {
        self.catch_up(queue, now)?;
        Ok(self.queue(queue)?.depth(now))
    }

    /// Counts what every queue holds, for whoever is shown an older count.
    pub fn count(&mut self, now: UnixMs) {
        let names: Vec<String> = self.queues.keys().cloned().collect();
        for name in names {
            let depth = self.depth(&name, now).ok();
            self.queues.get_mut(&name).into_iter().for_each(|queue| queue.counted = depth);
        }
    }

    /// Every message a queue holds, in order of arrival. Not an operation of SQS: only the checks may look.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub fn messages(&mut self, queue: &str, now: UnixMs) -> Result<Vec<Held>, SqsError> {
        self.catch_up(queue, now)?;
        let held = self.queue(queue)?.messages().map(|message| Held {
            content: Arc::clone(&message.content),
            receives: message.receives,
            standing: message.standing(now),
            dead_letter_source: message.dead_letter_source.clone(),
        });
        Ok(held.collect())
    }

    /// What a queue was configured with.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub fn config(&self, queue: &str) -> Result<&QueueConfig, SqsError> {
        Ok(&self.queue(queue)?.config)
    }

    /// Removes a queue with everything in it, as whoever deletes the stack's queue would; `false` when there is none.
    /// Not an operation of the wire: no function of this project may do it.
    pub fn remove_queue(&mut self, queue: &str) -> bool {
        let removed = self.queues.remove(queue);
        // Whoever waits for a message must learn that none will come.
        removed.map(|queue| queue.activity.notify_waiters()).is_some()
    }

    /// All attributes that `GetQueueAttributes` knows, by name.
    fn attributes(
        &mut self,
        queue: &str,
        behind_ms: i64,
        now: UnixMs,
    ) -> Result<BTreeMap<&'static str, String>, SqsError> {
        let depth = match self.queue(queue)?.counted {
            Some(counted) if behind_ms > 0 => counted,
            Some(_) | None => self.depth(queue, now)?,
        };
        self.queue_mut(queue)?.meter.touched(now);
        let Queue { config, created_at, .. } = self.queue(queue)?;
        let created_s = (created_at.0 / 1000).to_string();
        let mut attributes = BTreeMap::from([
            ("ApproximateNumberOfMessages", depth.visible.to_string()),
            ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
            ("CreatedTimestamp", created_s.clone()),
            ("DelaySeconds", config.delay_s.to_string()),
            ("LastModifiedTimestamp", created_s),
            ("MaximumMessageSize", config.message_bytes_max.to_string()),
            ("MessageRetentionPeriod", config.retention_s.to_string()),
            ("QueueArn", names::queue_arn(queue)),
            ("ReceiveMessageWaitTimeSeconds", "0".to_owned()),
            ("VisibilityTimeout", config.visibility_s.to_string()),
        ]);
        if let Some(redrive) = &config.redrive {
            let target = names::queue_arn(&redrive.dead_letter_queue);
            let policy =
                serde_json::json!({ "deadLetterTargetArn": target, "maxReceiveCount": redrive.receives_max });
            attributes.insert("RedrivePolicy", policy.to_string());
        }
        Ok(attributes)
    }

    /// Moves visible messages whose receives are used up, as far as they stand in the way of `max` others.
    fn dead_letter_exhausted(&mut self, queue: &str, max: usize, now: UnixMs) -> Result<(), SqsError> {
        let from = self.queue_mut(queue)?;
        let Some(target) = from.config.redrive.as_ref().map(|redrive| redrive.dead_letter_queue.clone())
        else {
            return Ok(());
        };
        let mut in_the_way = Vec::new();
        let mut deliverable = 0;
        for (arrival, message) in from.visible(now) {
            if from.exhausted(message) {
                in_the_way.push(arrival);
            } else {
                deliverable += 1;
            }
            if deliverable == max {
                break;
            }
        }
        let moved: Vec<Stored> = in_the_way.into_iter().filter_map(|arrival| from.remove(arrival)).collect();
        for message in moved {
            self.dead_letter(queue, &target, message, now)?;
        }
        Ok(())
    }

    /// Id, body, attributes, `SentTimestamp` and receive count stay; the source is added.
    fn dead_letter(&mut self, from: &str, to: &str, message: Stored, now: UnixMs) -> Result<(), SqsError> {
        let (id, receives) = (message.content.id.clone(), message.receives);
        let event =
            QueueEvent::DeadLettered { from: from.to_owned(), to: to.to_owned(), message: id, receives };
        self.journal.record(now, event);
        let dead_letter_source = Some(from.to_owned());
        let moved = Some(Moved { at: now, receives });
        self.put(
            to,
            Stored {
                landed_at: now,
                received_at: None,
                visible_at: now,
                dead_letter_source,
                moved,
                ..message
            },
        )
    }

    /// Brings a queue up to date: what comes back is there again, what is too old is gone.
    fn catch_up(&mut self, queue: &str, now: UnixMs) -> Result<(), SqsError> {
        self.queue_mut(queue)?.bring_back(now);
        for message in self.queue_mut(queue)?.expire(now) {
            let message = message.content.id.clone();
            self.journal.record(now, QueueEvent::Expired { queue: queue.to_owned(), message });
        }
        Ok(())
    }

    fn put(&mut self, queue: &str, message: Stored) -> Result<(), SqsError> {
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.queue_mut(queue)?.put(arrival, message);
        Ok(())
    }

    fn receipt(&self, queue: &str, handle: &str) -> Result<Receipt, SqsError> {
        self.queue(queue)?;
        Receipt::read(handle, queue).ok_or_else(|| SqsError::ReceiptHandleIsInvalid(handle.to_owned()))
    }

    fn queue(&self, name: &str) -> Result<&Queue, SqsError> {
        self.queues.get(name).ok_or(SqsError::QueueDoesNotExist)
    }

    fn queue_mut(&mut self, name: &str) -> Result<&mut Queue, SqsError> {
        self.queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)
    }
}

fn after_ms(now: UnixMs, ms: u64) -> UnixMs {
    now.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}
