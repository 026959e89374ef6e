//! Silence, in virtual time.

use crate::support::{charger, frozen, key, reader, recorded};
use bytes::Bytes;
use http::{Request, Response};
use payments::Cause;
use payments::charge::Method;
use payments::provider::{Answer, Replay};
use std::time::Duration;
use stripe::limits::{
    BODY_BYTES_MAX, CALL_TIMEOUT_MS, CALLS_MAX, CONNECT_TIMEOUT_MS, FAILURE_CHARS_MAX, IDLE_CONNECTION_MS,
    IDLE_CONNECTIONS_MAX, SECRET_REFETCH_MS, TEXT_CHARS_MAX, WARM_TIMEOUT_MS, WORD_CHARS_MAX,
};
use stripe::{NotWarm, Probe, Transport, TransportError};
use tokio::time::{Instant, sleep};
use tower::service_fn;
use tower::util::BoxCloneSyncService;

/// A Stripe that answers everything after `after_ms`, with an empty 503.
fn slow(after_ms: u64) -> Transport {
    BoxCloneSyncService::new(service_fn(move |_: Request<Bytes>| async move {
        sleep(Duration::from_millis(after_ms)).await;
        Ok::<_, TransportError>(Response::builder().status(503).body(Bytes::new()).unwrap())
    }))
}

fn timed_out() -> Answer {
    Answer::Unknown { cause: Cause::ProviderTimeout, replay: Replay::Open }
}

#[tokio::test(start_paused = true)]
async fn every_call_gives_up_after_its_time_and_leaves_the_outcome_unknown() {
    let stripe = slow(u64::from(u32::MAX));
    let (charger, reader) = (charger(stripe.clone()), reader(stripe));
    let (key, intent, frozen) = (key(), recorded("pi_1"), frozen());
    let start = Instant::now();
    assert_eq!(charger.create(&key, &frozen, "k").await.answer, timed_out());
    assert_eq!(charger.confirm(&key, &intent, Method::OfTheIntent, &frozen).await.answer, timed_out());
    assert_eq!(charger.retrieve(&key, &intent).await.answer, timed_out());
    let reply = charger.cancel(&key, &intent).await;
    assert_eq!(reply.answer, timed_out());
    assert_eq!(reply.failure.as_deref(), Some("no answer within 10000 ms"));
    assert_eq!(reader.probe(&key).await.answer, Probe::Unwell(Cause::ProviderTimeout));
    assert_eq!(start.elapsed(), Duration::from_millis(5 * CALL_TIMEOUT_MS));
}

#[tokio::test(start_paused = true)]
async fn an_answer_just_in_time_counts() {
    let reply = charger(slow(CALL_TIMEOUT_MS - 1)).retrieve(&key(), &recorded("pi_1")).await;
    assert_eq!(reply.status, Some(503));
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_does_not_keep_a_cold_start_waiting() {
    let start = Instant::now();
    assert!(matches!(charger(slow(5_000)).warm().await, Err(NotWarm::TimedOut)));
    assert_eq!(start.elapsed(), Duration::from_millis(WARM_TIMEOUT_MS));
    assert!(charger(slow(100)).warm().await.is_ok(), "any answer will do");
}

/// In their units, as they are argued for where they stand: each agrees with itself, whatever it is.
#[test]
fn how_long_is_waited_and_how_much_is_kept() {
    assert_eq!((CALL_TIMEOUT_MS, CONNECT_TIMEOUT_MS, WARM_TIMEOUT_MS), (10_000, 3_000, 1_900));
    assert_eq!((IDLE_CONNECTION_MS, IDLE_CONNECTIONS_MAX, SECRET_REFETCH_MS), (60_000, 10, 10_000));
    assert_eq!(
        (BODY_BYTES_MAX, WORD_CHARS_MAX, TEXT_CHARS_MAX, FAILURE_CHARS_MAX),
        (1_048_576, 100, 120, 300)
    );
    assert_eq!(CALLS_MAX, 5);
}
