use super::*;
use crate::clock::Clock;
use crate::cloud::config::FunctionConfig;
use crate::cloud::container::{Container, Function};
use crate::cloud::fixtures::{World, consumer, crowded_for_s, ledger, queues, script, world, world_with};
use crate::cloud::plans::Plans;
use crate::cloud::{Blueprint, Cloud, CloudError};
use crate::journal::{Event, QueueEvent};
use crate::turns::Effect;
use std::future::{poll_fn, ready};
use std::pin::pin;

fn answering(answer: &'static str) -> Vec<(FunctionConfig, Arc<dyn Function>)> {
    vec![(consumer(), script(move |_, _, _| ready(Ok(answer.as_bytes().to_vec()))))]
}

fn left(world: &World, queue: &str) -> usize {
    world.cloud.services().sqs().messages(queue, world.clock.now()).unwrap().len()
}

/// Sizes of the batches invoked so far.
fn batches(world: &World) -> Vec<usize> {
    world.events(|event| {
        let Event::Function(FunctionEvent::Invoked { messages, .. }) = event else { return None };
        Some(messages.len())
    })
}

/// Seconds since the start at which messages were received.
fn receives_s(world: &World) -> Vec<i64> {
    let records = world.journal.records();
    let received =
        records.iter().filter(|record| matches!(record.event, Event::Queue(QueueEvent::Received { .. })));
    received.map(|record| record.at.since_ms(world.clock.start()) / 1000).collect()
}

#[tokio::test(start_paused = true)]
async fn a_handled_batch_is_deleted() {
    let world = world(answering("{}"));
    for body in ["one", "two", "three"] {
        world.send(body);
    }
    world.run_for_s(5).await;
    assert_eq!((left(&world, "payments"), batches(&world)), (0, vec![3]));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_batch_is_tried_again_and_costs_no_receive() {
    let world = world_with(answering("{}"), crowded_for_s(100), 1);
    world.send("one");
    world.run_for_s(120).await;
    assert_eq!(batches(&world), [0_usize; 0], "the pauses end after 1, 3, 7, 15, 31, 63 and 123 s");
    world.run_for_s(10).await;
    assert_eq!((batches(&world), receives_s(&world), left(&world, "payments")), (vec![1], vec![0], 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_stays_throttled_is_given_up_when_its_messages_are_there_again() {
    let world = world_with(answering("{}"), crowded_for_s(400), 1);
    world.send("one");
    world.run_for_s(1_000).await;
    assert_eq!((batches(&world), receives_s(&world), left(&world, "payments")), (vec![1], vec![0, 360], 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_at_most_ten_and_two_run_at_once() {
    let slow = script(async |container: Container, _, _| {
        container.clock.sleep_until(container.clock.now().plus_ms(10_000)).await;
        Ok(b"{}".to_vec())
    });
    let world = world(vec![(consumer(), slow)]);
    for number in 0..25 {
        world.send(&format!("payment {number}"));
    }
    world.run_for_s(5).await;
    assert_eq!(batches(&world), [10, 10]);
    world.run_for_s(20).await;
    assert_eq!((batches(&world), left(&world, "payments")), (vec![10, 10, 5], 0));
}

#[tokio::test(start_paused = true)]
async fn messages_handed_back_return_when_their_visibility_ends_and_not_before() {
    let failing_first = script(|_, payload: Vec<u8>, _| {
        let event: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let first = &event["Records"][0]["messageId"];
        let answer = serde_json::json!({ "batchItemFailures": [{ "itemIdentifier": first }] });
        ready(Ok(answer.to_string().into_bytes()))
    });
    let world = world(vec![(consumer(), failing_first)]);
    world.send("one");
    world.send("two");
    world.run_for_s(359).await;
    assert_eq!((left(&world, "payments"), receives_s(&world)), (1, vec![0, 0]));
    world.run_for_s(5).await;
    assert_eq!(receives_s(&world), [0, 0, 360]);
}

#[tokio::test(start_paused = true)]
async fn an_error_changes_nothing_and_the_fifth_failure_is_followed_by_the_dead_letter_queue() {
    let world = world(vec![(consumer(), script(|_, _, _| ready(Err("broken".to_owned()))))]);
    world.send("poison");
    world.run_for_s(1799).await;
    assert_eq!((receives_s(&world), left(&world, "dead")), (vec![0, 360, 720, 1080, 1440], 0));
    world.run_for_s(2).await;
    assert_eq!((left(&world, "payments"), left(&world, "dead")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_malformed_answer_fails_the_whole_batch_and_is_journaled() {
    let world = world(answering(r#"{"batchItemFailures":[{"foo":"notvalid"}]}"#));
    let id = world.send("one");
    world.run_for_s(5).await;
    assert_eq!(left(&world, "payments"), 1);
    let answers = world.events(|event| {
        let Event::Function(FunctionEvent::Answered { failed, malformed, .. }) = event else { return None };
        Some((failed.clone(), malformed.clone()))
    });
    assert_eq!(answers, [(vec![id], Some(r#"no itemIdentifier in {"foo":"notvalid"}"#.to_owned()))]);
}

#[tokio::test(start_paused = true)]
async fn without_reported_item_failures_the_answer_is_ignored() {
    let mut functions = answering("not json");
    functions[0].0.sources[0].reports_item_failures = ItemFailures::Ignored;
    let world = world(functions);
    world.send("one");
    world.run_for_s(5).await;
    assert_eq!(left(&world, "payments"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_window_collects_a_larger_batch_than_one_receive_could() {
    let mut functions = answering("{}");
    functions[0].0.sources[0] = SqsSourceConfig {
        batch_size: 100,
        window_s: 20,
        concurrency_max: Some(2),
        ..functions[0].0.sources[0].clone()
    };
    let world = world(functions);
    for number in 0..15 {
        world.send(&format!("payment {number}"));
        world.run_for_s(1).await;
    }
    world.run_for_s(10).await;
    assert_eq!(batches(&world).iter().sum::<usize>(), 15);
    assert!(batches(&world).len() <= 2, "{:?}", batches(&world));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_mapping_leaves_messages_in_their_queue_and_ends_what_it_has_in_hand() {
    let slow = script(async |container: Container, _, _| {
        container.clock.sleep_until(container.clock.now().plus_ms(10_000)).await;
        Ok(b"{}".to_vec())
    });
    let world = world(vec![(consumer(), slow)]);
    let [mapping] = world.cloud.event_sources("Consumer") else { panic!("there is one") };
    world.send("in hand");
    world.run_for_s(1).await;
    mapping.set(MappingState::Disabled);
    world.send("left");
    world.run_for_s(3600).await;
    assert_eq!((left(&world, "payments"), batches(&world)), (1, vec![1]));
    mapping.set(MappingState::Enabled);
    world.run_for_s(15).await;
    assert_eq!((left(&world, "payments"), batches(&world)), (0, vec![1, 1]));
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_disabled_while_a_window_collects_hands_over_what_it_has() {
    let mut functions = answering("{}");
    functions[0].0.sources[0].window_s = 20;
    let world = world(functions);
    world.send("collected");
    world.run_for_s(1).await;
    world.cloud.event_sources("Consumer")[0].set(MappingState::Disabled);
    world.send("left");
    world.run_for_s(60).await;
    assert_eq!((left(&world, "payments"), batches(&world)), (1, vec![1]));
}

#[tokio::test(start_paused = true)]
async fn lambda_refuses_a_queue_whose_visibility_is_shorter_than_the_function() {
    let config = FunctionConfig { timeout_s: 361, ..consumer() };
    let functions = vec![(config, answering("{}").remove(0).1)];
    let blueprint =
        Blueprint { queues: queues(5), tables: vec![ledger()], functions, seed: 1, ..Blueprint::default() };
    let clock = Clock::starting_at(UnixMs(0));
    let error = Cloud::start(blueprint, clock, &Journal::default()).err().unwrap();
    let CloudError::EventSource { error, .. } = error else { panic!("{error}") };
    assert_eq!(
        error.to_string(),
        "InvalidParameterValueException: Queue visibility timeout: 360 seconds is less than Function timeout: 361 seconds"
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_poller_sleeps_until_it_is_told() {
    let world = world(vec![]);
    let mut polls = 0;
    let mut waiting = pin!(world.cloud.services().receivable_by("payments", None));
    let mut counted = poll_fn(|context| {
        polls += 1;
        waiting.as_mut().poll(context)
    });
    tokio::select! {
        biased;
        _ = &mut counted => panic!("the queue is empty"),
        () = world.run_for_s(30 * 24 * 3600) => {}
    }
    world.send("one");
    assert!(counted.await);
    assert_eq!(polls, 3, "at first, after 30 days, and when there was a message: no tick in between");
}

async fn journal_of(seed: u64) -> Vec<u8> {
    let flaky = script(async |container: Container, payload: Vec<u8>, _| {
        let event: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        drop(container.link.leave(Effect("a")).await);
        let wait_ms = i64::try_from(crate::random::Stream::new(container.seed, "wait").below(5000)).unwrap();
        container.clock.sleep_until(container.clock.now().plus_ms(wait_ms)).await;
        let last = event["Records"].as_array().unwrap().last().unwrap()["messageId"].clone();
        Ok(serde_json::json!({ "batchItemFailures": [{ "itemIdentifier": last }] }).to_string().into_bytes())
    });
    let world = world_with(vec![(consumer(), flaky)], Plans::default(), seed);
    for number in 0..40 {
        world.send(&format!("payment {number}"));
        world.run_for_s(1).await;
    }
    world.run_for_s(3600).await;
    serde_json::to_vec(&world.journal.records()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_journal_and_another_seed_another() {
    assert_eq!(journal_of(1).await, journal_of(1).await);
    assert_ne!(journal_of(1).await, journal_of(2).await);
}
