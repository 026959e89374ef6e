//! Embedded event source mapping: pollers that receive from a queue, invoke a function, and delete what it handled.
//!
//! A failure is not a nack: nothing is changed, and the messages come back when their visibility ends.
//! Invariant: only a message the function answered for, and did not hand back, is ever deleted.

pub mod answer;
pub mod record;
#[cfg(test)]
mod tests;

use super::config::{ItemFailures, SqsSourceConfig};
use super::lambda::Pool;
use super::names;
use super::services::Services;
use super::sqs::{BATCH_MAX, Delivery, SqsError};
use crate::journal::{FunctionEvent, Journal};
use crate::order::Order;
use crate::random::Stream;
use answer::Verdict;
use payments::UnixMs;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Pollers of a mapping without `MaximumConcurrency`: the number Lambda starts with. It would add more under load.
const POLLERS: u32 = 5;
/// From a receive to the invocation it leads to, drawn evenly: virtual milliseconds, an assumption.
const HANDOVER_MS: (u64, u64) = (2, 10);
/// Between two tries of a throttled batch, ms: the first, and the longest. AWS says "with backoff" and no number.
const THROTTLED_PAUSE_MS: (i64, i64) = (1_000, 60_000);
/// What Lambda adds to window and timeout when the queue's own visibility is shorter than both.
const VISIBILITY_SPARE_S: u32 = 30;

/// What Lambda does to the queue in the name of the function, and demands of its role when the mapping is created.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const POLLS: [(&str, &str); 3] = [
    ("sqs:ReceiveMessage", "ReceiveMessage"),
    ("sqs:DeleteMessage", "DeleteMessage"),
    ("sqs:GetQueueAttributes", "GetQueueAttributes"),
];

/// One mapping between a queue and a function.
pub struct EventSource {
    source: SqsSourceConfig,
    pool: Arc<Pool>,
    services: Services,
    journal: Journal,
    /// Visibility of its receives, seconds.
    visibility_s: u32,
    handovers: Mutex<Stream>,
    /// Which of its pollers is first where several could be.
    order: Order,
    state: watch::Sender<MappingState>,
}

/// Whether a mapping polls. While it is disabled messages stay in their queue, and what it had received is handed over.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappingState {
    /// It does.
    Enabled,
    /// Lambda pauses polling and invocation.
    Disabled,
}

/// Why a mapping cannot be created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventSourceError {
    /// Lambda refuses a queue that would hand a message out again while the function still works on it.
    #[error(
        "InvalidParameterValueException: Queue visibility timeout: {visibility_s} seconds is less than Function timeout: {timeout_s} seconds"
    )]
    VisibilityBelowTimeout {
        /// The queue's visibility timeout, seconds.
        visibility_s: u32,
        /// The function's timeout, seconds.
        timeout_s: u32,
    },
    /// The function's role does not let Lambda work on the queue.
    #[error(
        "InvalidParameterValueException: The provided execution role does not have permissions to call {0} on SQS"
    )]
    NotPermitted(&'static str),
    /// There is no such queue.
    #[error("queue {queue}: {error}")]
    Queue {
        /// Its name.
        queue: String,
        /// SQS's own words.
        error: SqsError,
    },
}

fn may_poll(queue: &str, pool: &Pool) -> Result<(), EventSourceError> {
    let queue = names::queue_arn(queue);
    POLLS.into_iter().try_for_each(|(action, operation)| {
        pool.ask(action, &queue).map_err(|_| EventSourceError::NotPermitted(operation))
    })
}

impl EventSource {
    /// Creates a mapping; nothing is polled yet.
    ///
    /// # Errors
    /// An unknown queue, or one whose visibility is shorter than the function's timeout.
    pub fn new(
        source: SqsSourceConfig,
        pool: Arc<Pool>,
        services: Services,
        journal: Journal,
        seed: u64,
    ) -> Result<Self, EventSourceError> {
        let queue_s = services.sqs().config(&source.queue).map(|config| config.visibility_s);
        let queue_s =
            queue_s.map_err(|error| EventSourceError::Queue { queue: source.queue.clone(), error })?;
        let timeout_s = pool.config().timeout_s;
        if queue_s < timeout_s {
            return Err(EventSourceError::VisibilityBelowTimeout { visibility_s: queue_s, timeout_s });
        }
        may_poll(&source.queue, &pool)?;
        let busy_s = source.window_s + timeout_s;
        let visibility_s = if busy_s > queue_s { busy_s + VISIBILITY_SPARE_S } else { queue_s };
        let stream = format!("handovers from {} to {}", source.queue, pool.config().logical_id);
        let handovers = Mutex::new(Stream::new(seed, &stream));
        let pollers = format!("pollers of {} for {}", source.queue, pool.config().logical_id);
        let order = Order::new(seed, &pollers);
        let (state, _) = watch::channel(MappingState::Enabled);
        Ok(Self { source, pool, services, journal, visibility_s, handovers, order, state })
    }

    /// The queue it polls.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.source.queue
    }

    /// Enables or disables it.
    pub fn set(&self, state: MappingState) {
        self.state.send_replace(state);
    }

    /// Whether it is.
    #[must_use]
    pub fn state(&self) -> MappingState {
        *self.state.borrow()
    }

    /// How many pollers the mapping runs at once; each handles one batch at a time.
    #[must_use]
    pub fn pollers(&self) -> u32 {
        self.source.concurrency_max.unwrap_or(POLLERS)
    }

    /// One poller. Never returns; ends when it is dropped, or when its queue is gone.
    pub async fn poll(self: Arc<Self>) {
        while let Some(batch) = self.gather().await {
            self.hand_over(&batch).await;
        }
    }

    /// Waits for messages; with a window, goes on until the batch is full or the window closes.
    async fn gather(&self) -> Option<Vec<Delivery>> {
        let size = self.source.batch_size as usize;
        let mut batch = self.receive(size, None).await?;
        let closes = self.now().plus_ms(1000 * i64::from(self.source.window_s));
        while batch.len() < size && self.now() < closes {
            batch.extend(self.receive(size - batch.len(), Some(closes)).await?);
        }
        Some(batch)
    }

    /// Up to `max` messages, as soon as there is one; none when `until` comes first.
    async fn receive(&self, max: usize, until: Option<UnixMs>) -> Option<Vec<Delivery>> {
        let queue = &self.source.queue;
        loop {
            if !self.is_enabled_by(until).await {
                return Some(Vec::new());
            }
            self.order.step_back().await;
            let max = max.min(BATCH_MAX);
            let received =
                self.services.sqs().receive(queue, max, Some(self.visibility_s), self.now()).ok()?;
            if !received.is_empty() || !self.services.receivable_by(queue, until).await {
                return Some(received);
            }
        }
    }

    /// Waits while it is disabled; `false` when `until` comes first.
    async fn is_enabled_by(&self, until: Option<UnixMs>) -> bool {
        let mut state = self.state.subscribe();
        let enabled = state.wait_for(|state| *state == MappingState::Enabled);
        match until {
            None => enabled.await.is_ok(),
            Some(until) => tokio::select! {
                biased;
                enabled = enabled => enabled.is_ok(),
                () = self.services.clock().sleep_until(until) => false,
            },
        }
    }

    async fn hand_over(&self, batch: &[Delivery]) {
        let delay_ms = batch.first().map_or(0, |first| self.pool.hand_over_delay_ms(&first.content.id));
        let handover_ms = self.draw_handover_ms() + delay_ms;
        self.services.clock().sleep_until(self.now().plus_ms(handover_ms)).await;
        let ids: Vec<String> = batch.iter().map(|delivery| delivery.content.id.clone()).collect();
        if !self.is_given_room(batch).await {
            return;
        }
        let ended = self.pool.invoke(record::event(&self.source.queue, batch), ids).await;
        // A failure was journaled by the pool, and changes nothing.
        let Ok(answer) = ended.outcome else { return };
        let (failed, malformed) = self.read(&answer, batch);
        let event = FunctionEvent::Answered {
            request: ended.request,
            failed: failed.iter().cloned().collect(),
            malformed,
            hops: ended.hops,
        };
        self.journal.record(self.now(), event);
        for delivery in batch.iter().filter(|delivery| !failed.contains(&delivery.content.id)) {
            let deleted =
                self.services.sqs().delete(&self.source.queue, &delivery.receipt_handle, self.now());
            deleted.expect("the queue exists and made the handle itself");
        }
    }

    /// Waits for concurrency, asking less and less often; `false` when the batch is given up, because its messages are
    /// there again by then.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
    async fn is_given_room(&self, batch: &[Delivery]) -> bool {
        let Some(first) = batch.first() else { return true };
        let hidden_s = i64::from(self.visibility_s) - i64::from(self.source.window_s);
        let visible_at = self.now().plus_ms(1000 * hidden_s);
        let mut pause_ms = THROTTLED_PAUSE_MS.0;
        while self.pool.is_throttled(&first.content.id) {
            let next = self.now().plus_ms(pause_ms);
            if next >= visible_at {
                return false;
            }
            self.services.clock().sleep_until(next).await;
            pause_ms = (2 * pause_ms).min(THROTTLED_PAUSE_MS.1);
        }
        true
    }

    /// Ids that failed, and what was wrong with the answer if it could not be read.
    fn read(&self, answer: &[u8], batch: &[Delivery]) -> (BTreeSet<String>, Option<String>) {
        let ids: BTreeSet<&str> = batch.iter().map(|delivery| delivery.content.id.as_str()).collect();
        match self.source.reports_item_failures {
            ItemFailures::Ignored => (BTreeSet::new(), None),
            ItemFailures::Reported => match answer::read(answer, &ids) {
                Verdict::Failed(failed) => (failed, None),
                Verdict::Malformed(why) => (ids.into_iter().map(str::to_owned).collect(), Some(why)),
            },
        }
    }

    fn draw_handover_ms(&self) -> i64 {
        let mut stream = self.handovers.lock().unwrap_or_else(PoisonError::into_inner);
        i64::try_from(stream.between(HANDOVER_MS.0, HANDOVER_MS.1)).unwrap_or(0)
    }

    fn now(&self) -> UnixMs {
        self.services.clock().now()
    }
}
