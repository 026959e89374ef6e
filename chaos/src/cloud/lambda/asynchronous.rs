//! Asynchronous invocation: Lambda accepts an event, and sees to it that the function handles it, or gives up.
//!
//! Invariant: an accepted event ends answered, or dropped after the retries and the age its function allows; all its
//! attempts share one request id.

use super::{Failure, Pool};
use crate::clock::Clock;
use crate::cloud::config::AsyncConfig;
use crate::cloud::crew::Crew;
use crate::cloud::names;
use crate::cloud::services::Services;
use crate::cloud::sqs::NewMessage;
use crate::journal::{DroppedFor, FunctionEvent, Journal};
use crate::random::Stream;
use jiff::Timestamp;
use payments::UnixMs;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// Pauses after the first and the second failed attempt, seconds.
const PAUSES_S: [i64; 2] = [60, 120];
/// Between two tries of a throttled event, ms: the first, and the longest.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
const THROTTLED_PAUSE_MS: (i64, i64) = (1_000, 300_000);
/// From acceptance until the function is invoked, drawn evenly: virtual milliseconds, an assumption.
const QUEUE_MS: (u64, u64) = (5, 50);

/// A function's queue of accepted events.
pub(in crate::cloud) struct Asynchronous {
    pool: Arc<Pool>,
    config: AsyncConfig,
    services: Services,
    journal: Journal,
    crew: Crew,
    queue: Mutex<Stream>,
}

/// An event that Lambda has accepted.
struct Accepted {
    request: String,
    payload: Vec<u8>,
    at: UnixMs,
}

impl Asynchronous {
    pub(in crate::cloud) fn new(
        pool: Arc<Pool>,
        services: Services,
        journal: Journal,
        crew: Crew,
        seed: u64,
    ) -> Self {
        let config = pool.config().asynchronous.clone();
        let stream = format!("asynchronous invocations of {}", pool.config().logical_id);
        let queue = Mutex::new(Stream::new(seed, &stream));
        Self { pool, config, services, journal, crew, queue }
    }

    /// Accepts an event and returns the id of its invocation, as the status 202 does.
    pub(in crate::cloud) fn accept(self: &Arc<Self>, payload: Vec<u8>) -> String {
        let request = self.pool.new_request();
        let accepted = Accepted { request: request.clone(), payload, at: self.clock().now() };
        self.crew.start(Arc::clone(self).see_through(accepted));
        request
    }

    /// ARN of what is invoked.
    pub(in crate::cloud) fn arn(&self) -> String {
        self.pool.config().invoked_arn()
    }

    /// The same, with `$LATEST` where no alias is named.
    fn arn_with_qualifier(&self) -> String {
        match &self.pool.config().alias {
            Some(_) => self.arn(),
            None => format!("{}:{}", self.arn(), self.pool.config().version()),
        }
    }

    async fn see_through(self: Arc<Self>, event: Accepted) {
        let clock = *self.clock();
        clock.sleep_until(event.at.plus_ms(self.queue_ms())).await;
        let too_old = event.at.plus_ms(1000 * i64::from(self.config.age_s_max));
        let mut attempt = 1;
        loop {
            if !self.is_given_room(&event, too_old).await {
                return self.drop_event(
                    &event,
                    attempt - 1,
                    DroppedFor::EventAgeExceeded,
                    &Failure::Throttled,
                );
            }
            let Some(failure) = self.attempt(&event).await else { return };
            if attempt > self.config.retries_max {
                return self.drop_event(&event, attempt, DroppedFor::RetriesExhausted, &failure);
            }
            let pause_s = PAUSES_S[(attempt as usize - 1).min(PAUSES_S.len() - 1)];
            let next = clock.now().plus_ms(1000 * pause_s);
            if next > too_old {
                clock.sleep_until(too_old).await;
                return self.drop_event(&event, attempt, DroppedFor::EventAgeExceeded, &failure);
            }
            clock.sleep_until(next).await;
            attempt += 1;
        }
    }

    /// Waits for concurrency, asking less and less often; `false` when the event is too old first.
    async fn is_given_room(&self, event: &Accepted, too_old: UnixMs) -> bool {
        let clock = *self.clock();
        let mut pause_ms = THROTTLED_PAUSE_MS.0;
        while self.pool.is_throttled(&event.request) {
            let next = clock.now().plus_ms(pause_ms);
            if next > too_old {
                clock.sleep_until(too_old).await;
                return false;
            }
            clock.sleep_until(next).await;
            pause_ms = (2 * pause_ms).min(THROTTLED_PAUSE_MS.1);
        }
        true
    }

    /// Invokes the function once; `None` when it answered.
    async fn attempt(&self, event: &Accepted) -> Option<Failure> {
        let ended = self.pool.invoke_as(event.request.clone(), event.payload.clone(), vec![]).await;
        let failure = ended.outcome.err();
        if failure.is_none() {
            let (request, hops) = (ended.request, ended.hops);
            let answered = FunctionEvent::Answered { request, failed: vec![], malformed: None, hops };
            self.journal.record(self.clock().now(), answered);
        }
        failure
    }

    fn drop_event(&self, event: &Accepted, attempts: u32, condition: DroppedFor, failure: &Failure) {
        let (function, now) = (&self.pool.config().logical_id, self.clock().now());
        let dropped = FunctionEvent::Dropped {
            function: function.clone(),
            request: event.request.clone(),
            why: condition,
            attempts,
        };
        self.journal.record(now, dropped);
        let destination = self.config.on_failure.as_ref();
        let permitted = |queue: &&String| self.pool.ask("sqs:SendMessage", &names::queue_arn(queue)).is_ok();
        if let Some(queue) = destination.filter(permitted) {
            let record = self.record(event, attempts, condition, failure, now).to_string();
            let sent = self.services.sqs().send(queue, NewMessage::text(record), now);
            sent.expect(
                "the queue was checked when the function was deployed, and an event is far below 1 MiB",
            );
        }
    }

    /// What the destination is told.
    fn record(
        &self,
        event: &Accepted,
        attempts: u32,
        condition: DroppedFor,
        failure: &Failure,
        now: UnixMs,
    ) -> Value {
        let payload: Value = serde_json::from_slice(&event.payload).unwrap_or(Value::Null);
        let message = match failure {
            Failure::Error(text) | Failure::Init(text) => text.clone(),
            Failure::Crash => format!("RequestId: {} Error: Runtime exited", event.request),
            Failure::OutOfMemory => {
                format!("RequestId: {} Error: Runtime exited with error: signal: killed", event.request)
            }
            Failure::Timeout => format!("RequestId: {} Task timed out", event.request),
            Failure::Throttled => "Rate Exceeded.".to_owned(),
        };
        json!({
            "version": "1.0",
            "timestamp": Timestamp::from_millisecond(now.0).unwrap_or(Timestamp::MAX).to_string(),
            "requestContext": {
                "requestId": event.request,
                "functionArn": self.arn_with_qualifier(),
                "condition": condition.name(),
                "approximateInvokeCount": attempts,
            },
            "requestPayload": payload,
            "responseContext": { "statusCode": 200, "executedVersion": self.pool.config().version(), "functionError": "Unhandled" },
            "responsePayload": { "errorMessage": message },
        })
    }

    fn queue_ms(&self) -> i64 {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        i64::try_from(queue.between(QUEUE_MS.0, QUEUE_MS.1)).unwrap_or(0)
    }

    fn clock(&self) -> &Clock {
        self.services.clock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::config::FunctionConfig;
    use crate::cloud::container::{Container, InvocationContext};
    use crate::cloud::fixtures::{START, World, consumer, crowded_for_s, live, script, world, world_with};
    use crate::journal::Event;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn function(asynchronous: AsyncConfig) -> FunctionConfig {
        FunctionConfig { sources: vec![], asynchronous, ..consumer() }
    }

    /// Fails `failures` times, each after `works_s`, and then answers.
    fn failing(failures: u32, works_s: i64, config: AsyncConfig) -> World {
        let left = Arc::new(AtomicU32::new(failures));
        let work = script(move |container: Container, payload, _: InvocationContext| {
            let fails =
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
            async move {
                container.clock.sleep_until(container.clock.now().plus_ms(1_000 * works_s)).await;
                if fails { Err("no table".to_owned()) } else { Ok(payload) }
            }
        });
        world(vec![(function(config), work)])
    }

    /// Seconds after the start at which the function was invoked, and the request ids.
    fn invoked(world: &World) -> (Vec<i64>, Vec<String>) {
        let records = world.journal.records().into_iter();
        let invoked = records.filter_map(|record| {
            let Event::Function(FunctionEvent::Invoked { request, .. }) = record.event else { return None };
            Some((record.at.since_ms(START) / 1_000, request))
        });
        invoked.unzip()
    }

    fn dropped(world: &World) -> Vec<(DroppedFor, u32)> {
        world.events(|event| {
            let Event::Function(FunctionEvent::Dropped { why, attempts, .. }) = event else { return None };
            Some((*why, *attempts))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn an_accepted_event_is_handled_soon_and_its_answer_is_journaled() {
        let world = failing(0, 0, AsyncConfig::default());
        let request = world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        world.run_for_s(600).await;
        assert_eq!(invoked(&world), (vec![0], vec![request.clone()]));
        let answered = world.events(|event| {
            let Event::Function(FunctionEvent::Answered { request, .. }) = event else { return None };
            Some(request.clone())
        });
        assert_eq!(answered, [request]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_event_is_tried_again_after_one_minute_and_after_two_under_one_request_id() {
        let world = failing(2, 0, AsyncConfig::default());
        let request = world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        world.run_for_s(600).await;
        assert_eq!(invoked(&world), (vec![0, 60, 180], vec![request; 3]));
        assert!(dropped(&world).is_empty());
    }

    /// A function that answers, where Lambda has no room for so long.
    fn crowded(seconds: i64, config: AsyncConfig) -> World {
        let work = script(|_, payload, _| std::future::ready(Ok(payload)));
        world_with(vec![(function(config), work)], crowded_for_s(seconds), 1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_event_is_tried_again_and_that_is_no_attempt() {
        let world = crowded(100, AsyncConfig { retries_max: 0, ..AsyncConfig::default() });
        world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        world.run_for_s(600).await;
        assert_eq!(invoked(&world).0, [127], "the pauses end after 1, 3, 7, 15, 31, 63 and 127 s");
        assert!(dropped(&world).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_stays_throttled_is_dropped_when_it_has_grown_too_old() {
        let world = crowded(1_000, AsyncConfig { age_s_max: 60, ..AsyncConfig::default() });
        world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        world.run_for_s(2_000).await;
        assert_eq!(invoked(&world).0, [0_i64; 0]);
        assert_eq!(dropped(&world), [(DroppedFor::EventAgeExceeded, 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_dropped_when_its_retries_are_used_up() {
        let world = failing(9, 0, AsyncConfig { retries_max: 1, ..AsyncConfig::default() });
        world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        world.run_for_s(600).await;
        assert_eq!(invoked(&world).0, [0, 60]);
        assert_eq!(dropped(&world), [(DroppedFor::RetriesExhausted, 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_dropped_when_it_has_grown_too_old_for_a_retry() {
        let world = failing(9, 30, AsyncConfig { age_s_max: 60, ..AsyncConfig::default() });
        world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        world.run_for_s(600).await;
        assert_eq!(invoked(&world).0.len(), 1, "the retry would be at 90 s");
        assert_eq!(dropped(&world), [(DroppedFor::EventAgeExceeded, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_destination_is_told_what_was_given_up() {
        let config =
            AsyncConfig { retries_max: 0, on_failure: Some("dead".to_owned()), ..AsyncConfig::default() };
        let world = failing(9, 0, config);
        let request = world.cloud.accept("Consumer", br#"{"turn":1}"#.to_vec()).unwrap();
        world.run_for_s(60).await;
        let held = world.cloud.services().sqs().messages("dead", world.clock.now()).unwrap();
        let record: Value = serde_json::from_str(&held[0].content.body).unwrap();
        assert_eq!(record["requestContext"]["requestId"], json!(request));
        assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
        assert_eq!(record["requestPayload"], json!({ "turn": 1 }));
        assert_eq!(record["responsePayload"]["errorMessage"], "no table");
        assert!(
            record["requestContext"]["functionArn"].as_str().unwrap().ends_with(":payments-consumer:$LATEST")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_destination_is_told_which_alias_was_invoked_and_which_version_gave_up() {
        let config =
            AsyncConfig { retries_max: 0, on_failure: Some("dead".to_owned()), ..AsyncConfig::default() };
        let failing = script(async |_, _, _| Err("no table".to_owned()));
        let world = world(vec![(FunctionConfig { alias: Some(live()), ..function(config) }, failing)]);
        world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        world.run_for_s(60).await;
        let held = world.cloud.services().sqs().messages("dead", world.clock.now()).unwrap();
        let record: Value = serde_json::from_str(&held[0].content.body).unwrap();
        assert!(
            record["requestContext"]["functionArn"].as_str().unwrap().ends_with(":payments-consumer:live")
        );
        assert_eq!(record["responseContext"]["executedVersion"], "1");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_an_accepted_event() {
        let world = failing(0, 30, AsyncConfig::default());
        world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        world.cloud.accept("Consumer", b"{}".to_vec()).unwrap();
        assert!(world.cloud.accept("Nobody", vec![]).is_none());
        world.run_for_s(5).await;
        assert_eq!(invoked(&world).0, [0, 0], "both at once");
    }
}
