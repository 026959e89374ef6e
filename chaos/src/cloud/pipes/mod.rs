//! Embedded EventBridge Pipes: from a table's stream to an event bus.
//!
//! Each shard is followed in its order, one batch after the other: a batch that the bus does not take is halved, and its
//! parts are tried again, with growing pauses, until they are too old; what is given up leaves its place in the stream to
//! a queue. At least once: a bus that took a batch whose answer is lost is given it again.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-dynamodb.html>
//! Invariant: of two changes of one key the later is never put before the earlier was put, or given up.

mod template;
#[cfg(test)]
mod tests;

pub use template::Template;

use super::cloudwatch::PIPES;
use super::config::PipeConfig;
use super::dynamodb::stream::{Change, SHARDS, Stream};
use super::iam::Principal;
use super::ids::Ids;
use super::names;
use super::pauses::growing_ms;
use super::services::Services;
use super::sqs::NewMessage;
use crate::journal::{Journal, PipeEvent};
use crate::random;
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// What a pipe's role needs of the stream it follows.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-permissions.html>
const FOLLOWS: [&str; 4] =
    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];
/// From a change until the pipe looks at it, drawn evenly: virtual ms. Shards are asked four times a second, says AWS of
/// Lambda's pollers.
const POLL_MS: (u64, u64) = (100, 500);
/// The first pause after a batch that was not taken, and the longest, ms. AWS says "with backoff" and no number.
const PAUSE_MS: (u64, u64) = (1_000, 60_000);

/// What becomes of a batch that is put on a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there.
    Taken,
    /// It is there, and the pipe does not hear so.
    AnswerLost,
    /// It is not.
    Failed,
}

/// Decides what becomes of batches: where faults come in.
pub trait PipePlan: Send + Sync {
    /// What becomes of these events, by their keys.
    fn put(&self, _keys: &[&str], _now: UnixMs) -> Put {
        Put::Taken
    }
}

/// One pipe, running.
pub(super) struct Pipe {
    config: PipeConfig,
    stream: Stream,
    services: Services,
    plan: Arc<dyn PipePlan>,
    journal: Journal,
    draws: Mutex<(random::Stream, Ids)>,
}

/// Changes that are tried together, and how often they were.
struct Batch {
    events: Vec<Pending>,
    attempts: u32,
}

/// A change that passed the filter, and what is to be told of it.
#[derive(Clone)]
struct Pending {
    change: Arc<Change>,
    /// Nothing where the template makes no JSON of it.
    detail: Option<Value>,
}

impl Pipe {
    pub(super) fn new(
        config: PipeConfig,
        stream: Stream,
        services: Services,
        plan: Arc<dyn PipePlan>,
        journal: Journal,
        seed: u64,
    ) -> Self {
        let draws = (random::Stream::new(seed, "pipes"), Ids::new(seed, "pipe event ids"));
        Self { config, stream, services, plan, journal, draws: Mutex::new(draws) }
    }

    /// Begins to follow every shard.
    pub(super) fn follow(self: Arc<Self>, tasks: &mut JoinSet<()>) {
        let stream = names::stream_arn(&self.config.table);
        if FOLLOWS.iter().all(|action| self.may(action, &stream)) {
            for shard in 0..SHARDS {
                tasks.spawn(Arc::clone(&self).follow_shard(shard));
            }
        }
    }

    /// Never returns; ends when it is dropped.
    async fn follow_shard(self: Arc<Self>, shard: usize) {
        let (clock, limit) = (*self.services.clock(), self.config.batch_size as usize);
        loop {
            self.stream.read(shard, 1).await;
            clock.sleep_until(clock.now().plus_ms(self.poll_ms())).await;
            let changes = self.stream.read(shard, limit).await;
            self.see_through(changes.iter().filter_map(|change| self.pending(change)).collect()).await;
            self.stream.advance(shard, changes.len());
        }
    }

    fn pending(&self, change: &Arc<Change>) -> Option<Pending> {
        let record = change.record();
        let is_wanted = self.config.filters.iter().any(|filter| filter.matches(&record));
        is_wanted
            .then(|| Pending { change: Arc::clone(change), detail: self.config.template.render(&record) })
    }

    /// Puts these on the bus, or gives them up.
    async fn see_through(&self, events: Vec<Pending>) {
        let clock = *self.services.clock();
        let mut batches = VecDeque::from([Batch { events, attempts: 0 }]);
        while let Some(mut batch) = batches.pop_front() {
            if batch.events.is_empty() || self.put(&batch.events) {
                continue;
            }
            self.count_failure();
            batch.attempts += 1;
            clock.sleep_until(clock.now().plus_ms(self.pause_ms(batch.attempts))).await;
            let too_old = self.take_too_old(&mut batch, clock.now());
            self.give_up(&too_old);
            let half = if self.config.bisects { batch.events.len() / 2 } else { 0 };
            let later = batch.events.split_off(batch.events.len() - half);
            batches.push_front(Batch { events: later, attempts: batch.attempts });
            batches.push_front(batch);
        }
    }

    /// Whether the bus is known to have taken these.
    fn put(&self, events: &[Pending]) -> bool {
        let now = self.services.clock().now();
        let keys: Vec<String> = events.iter().map(|event| event.change.key()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let details: Option<Vec<&Value>> = events.iter().map(|event| event.detail.as_ref()).collect();
        let is_granted = self.may("events:PutEvents", &names::bus_arn(&self.config.bus));
        let (Some(details), true) = (details, is_granted) else { return false };
        let put = self.plan.put(&keys, now);
        if put != Put::Failed {
            for detail in details {
                let id = self.draws().1.uuid();
                let (bus, source) = (self.config.bus.clone(), self.config.source.clone());
                let (detail_type, detail) = (self.config.detail_type.clone(), detail.clone());
                self.journal.record(now, PipeEvent::Told { bus, id, source, detail_type, detail });
            }
        }
        put == Put::Taken
    }

    fn take_too_old(&self, batch: &mut Batch, now: UnixMs) -> Vec<Pending> {
        let is_over = self.config.retries_max.is_some_and(|most| batch.attempts > most);
        let is_too_old = |event: &Pending| {
            let age_ms = self.config.age_s_max.map(|age_s| 1_000 * i64::from(age_s));
            age_ms.is_some_and(|most| now.since_ms(event.change.at) > most)
        };
        // A whole batch is halved before anything in it is given up for its attempts.
        let is_alone = batch.events.len() == 1 || !self.config.bisects;
        let events = std::mem::take(&mut batch.events);
        let (over, left) = events.into_iter().partition(|event| is_too_old(event) || (is_over && is_alone));
        batch.events = left;
        over
    }

    /// Leaves to the queue where these are in the stream: not what they are.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html>
    fn give_up(&self, events: &[Pending]) {
        let now = self.services.clock().now();
        for Pending { change, .. } in events {
            let queue = self.config.dead_letter_queue.clone();
            let queue = queue.filter(|queue| self.may("sqs:SendMessage", &names::queue_arn(queue)));
            let (pipe, payment) = (self.config.name.clone(), change.key());
            self.journal.record(now, PipeEvent::GivenUp { pipe, payment, queue: queue.clone() });
            if let Some(queue) = queue {
                let sent = self.services.sqs().send(&queue, NewMessage::text(self.letter(change)), now);
                sent.expect("the queue was checked when the pipe was made, and the letter is short");
            }
        }
    }

    fn letter(&self, change: &Change) -> String {
        let sequence = change.sequence.to_string();
        let letter = json!({
            "context": { "partnerResourceArn": names::pipe_arn(&self.config.name), "condition": "RetryAttemptsExhausted" },
            "version": "1.0",
            "DDBStreamBatchInfo": {
                "startSequenceNumber": sequence,
                "endSequenceNumber": sequence,
                "batchSize": 1,
                "streamArn": names::stream_arn(&self.config.table),
            },
        });
        letter.to_string()
    }

    /// `ExecutionFailed`, as CloudWatch has it.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-monitoring.html>
    fn count_failure(&self) {
        let now = self.services.clock().now();
        let line = json!({
            "_aws": {
                "Timestamp": now.0,
                "CloudWatchMetrics": [{
                    "Namespace": PIPES,
                    "Dimensions": [["PipeName"]],
                    "Metrics": [{ "Name": "ExecutionFailed" }],
                }],
            },
            "PipeName": self.config.name,
            "ExecutionFailed": 1,
        });
        self.services.cloudwatch().log(&line, now);
    }

    fn may(&self, action: &'static str, resource: &str) -> bool {
        let (role, function) = (self.config.role.clone(), self.config.name.clone());
        let pipe = Principal::Function { role, function };
        self.services.iam().ask(&pipe, action, resource).is_ok()
    }

    fn pause_ms(&self, attempts: u32) -> i64 {
        growing_ms(&mut self.draws().0, PAUSE_MS, attempts)
    }

    fn poll_ms(&self) -> i64 {
        i64::try_from(self.draws().0.between(POLL_MS.0, POLL_MS.1)).unwrap_or(i64::MAX)
    }

    fn draws(&self) -> MutexGuard<'_, (random::Stream, Ids)> {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
