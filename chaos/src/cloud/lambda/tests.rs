use super::*;
use crate::cloud::config::FunctionConfig;
use crate::cloud::container::{BoxFuture, FatePlan};
use crate::cloud::fixtures::{World, consumer, live, script, world, world_with};
use crate::journal::Event;
use crate::turns::Effect;
use std::time::Duration;

/// A function without event sources, to be invoked directly.
fn alone() -> FunctionConfig {
    FunctionConfig { sources: vec![], ..consumer() }
}

async fn invoke(world: &World) -> Ended {
    world.cloud.function("Consumer").unwrap().invoke(b"{}".to_vec(), vec![]).await
}

fn containers_invoked(world: &World) -> Vec<u64> {
    world.events(|event| {
        let Event::Function(FunctionEvent::Invoked { container, .. }) = event else { return None };
        Some(*container)
    })
}

async fn sleep_s(container: &Container, seconds: i64) {
    container.clock.sleep_until(container.clock.now().plus_ms(1000 * seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_warm_container_is_reused_and_the_longest_idle_comes_first() {
    let echo = script(async |container: Container, payload, _| {
        sleep_s(&container, 1).await;
        Ok(payload)
    });
    let world = world(vec![(alone(), echo)]);
    tokio::join!(invoke(&world), invoke(&world));
    invoke(&world).await;
    invoke(&world).await;
    let mut numbers = containers_invoked(&world);
    let later = numbers.split_off(2);
    assert_eq!(later, numbers, "both containers again, in the order in which they became idle");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_kills_the_container_and_a_late_answer_never_counts() {
    let slow = script(async |container: Container, payload, context: InvocationContext| {
        sleep_s(&container, 61).await;
        assert!(
            container.clock.now() > context.deadline,
            "never reached: the handler is dropped at the deadline"
        );
        Ok(payload)
    });
    let world = world(vec![(alone(), slow)]);
    assert_eq!(invoke(&world).await.outcome, Err(Failure::Timeout));
    assert_eq!(invoke(&world).await.outcome, Err(Failure::Timeout));
    assert_eq!(containers_invoked(&world), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_and_the_container_lives() {
    let broken =
        script(async |_, _, context: InvocationContext| panic!("no card, no {}", context.function_name));
    let world = world(vec![(alone(), broken)]);
    for _ in 0..2 {
        let outcome = invoke(&world).await.outcome;
        assert_eq!(outcome, Err(Failure::Error("Lambda panicked: no card, no payments-consumer".to_owned())));
    }
    assert_eq!(containers_invoked(&world), [1, 1]);
}

/// One fate for every invocation, and the hops at which it came to pass.
struct Doom(Fate, Mutex<Vec<u64>>);

impl Doom {
    fn new(fate: Fate) -> Arc<Self> {
        Arc::new(Self(fate, Mutex::default()))
    }

    fn plans(self: &Arc<Self>) -> Plans {
        Plans { fates: self.clone(), ..Plans::default() }
    }
}

impl FatePlan for Doom {
    fn of_invocation(&self, _: &str, _: &str, _: UnixMs) -> Fate {
        self.0
    }

    fn came_to_pass(&self, _: &str, _: &str, hop: u64, _: UnixMs) {
        self.1.lock().unwrap().push(hop);
    }
}

#[tokio::test(start_paused = true)]
async fn a_planned_crash_kills_the_container_at_its_hop_and_is_reported_back() {
    let hopping = script(async |container: Container, payload, _| {
        for _ in 0..4 {
            drop(container.link.leave(Effect("a")).await);
        }
        Ok(payload)
    });
    let plan = Doom::new(Fate::Ends(End::Crash, 3));
    let world = world_with(vec![(alone(), hopping)], plan.plans(), 1);
    let ended = invoke(&world).await;
    assert_eq!((ended.outcome, ended.hops), (Err(Failure::Crash), 3));
    assert_eq!(*plan.1.lock().unwrap(), [3]);
    invoke(&world).await;
    assert_eq!(containers_invoked(&world), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_dead_do_not_answer_even_in_the_poll_that_killed_them() {
    let abandoning = script(async |container: Container, payload, _| {
        tokio::select! {
            biased;
            _ = container.link.leave(Effect("a")) => {}
            () = std::future::ready(()) => {}
        }
        Ok(payload)
    });
    let plan = Doom::new(Fate::Ends(End::Crash, 1));
    let world = world_with(vec![(alone(), abandoning)], plan.plans(), 1);
    assert_eq!(invoke(&world).await.outcome, Err(Failure::Crash));
}

/// A function that passes so many hops.
fn hopping(hops: u64) -> Arc<dyn Function> {
    script(move |container: Container, payload, _| async move {
        for _ in 0..hops {
            drop(container.link.leave(Effect("a")).await);
        }
        Ok(payload)
    })
}

#[tokio::test(start_paused = true)]
async fn an_invocation_that_hangs_is_killed_at_its_deadline() {
    let plan = Doom::new(Fate::Ends(End::Hang, 2));
    let world = world_with(vec![(alone(), hopping(4))], plan.plans(), 1);
    let began = world.clock.now();
    assert_eq!(invoke(&world).await.outcome, Err(Failure::Timeout));
    assert!((60_000..=60_500).contains(&world.clock.now().since_ms(began)));
    assert_eq!(*plan.1.lock().unwrap(), [2]);
    invoke(&world).await;
    assert_eq!(containers_invoked(&world), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_container_whose_memory_is_used_up_is_killed_and_the_next_start_is_cold() {
    let plan = Doom::new(Fate::Ends(End::OutOfMemory, 1));
    let world = world_with(vec![(alone(), hopping(4))], plan.plans(), 1);
    for _ in 0..2 {
        assert_eq!(invoke(&world).await.outcome, Err(Failure::OutOfMemory));
    }
    assert_eq!(containers_invoked(&world), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_container_found_dead_is_replaced_and_a_cold_one_cannot_be() {
    let plan = Doom::new(Fate::FoundDead);
    let world = world_with(vec![(alone(), hopping(1))], plan.plans(), 1);
    assert!(invoke(&world).await.outcome.is_ok());
    assert!(plan.1.lock().unwrap().is_empty());
    assert!(invoke(&world).await.outcome.is_ok());
    assert_eq!(*plan.1.lock().unwrap(), [0]);
    assert_eq!(containers_invoked(&world), [1, 2]);
}

struct SlowStarts;

impl FatePlan for SlowStarts {
    fn of_invocation(&self, _: &str, _: &str, _: UnixMs) -> Fate {
        Fate::Lives
    }

    fn start_delay_ms(&self, _: &str, _: UnixMs) -> u64 {
        9_000
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_start_costs_the_first_invocation_its_delay_and_the_second_nothing() {
    let plans = Plans { fates: Arc::new(SlowStarts), ..Plans::default() };
    let world = world_with(vec![(alone(), hopping(1))], plans, 1);
    let mut took_ms = Vec::new();
    for _ in 0..2 {
        let began = world.clock.now();
        assert!(invoke(&world).await.outcome.is_ok());
        took_ms.push(world.clock.now().since_ms(began));
    }
    assert!((9_080..=9_250).contains(&took_ms[0]) && took_ms[1] == 0, "{took_ms:?}");
}

/// A function that needs `init_s` to start, and fails to when `works` is not met.
struct Starts {
    init_s: i64,
    works: fn(u64) -> bool,
}

impl Function for Starts {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let (init_s, works) = (self.init_s, self.works);
        Box::pin(async move {
            sleep_s(&container, init_s).await;
            if !works(container.number) {
                return Err("no table".to_owned());
            }
            script(async |_, payload, _| Ok(payload)).start(container).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_init_is_run_once_more_inside_the_invocation() {
    let second_works = Starts { init_s: 1, works: |number| number == 2 };
    let world = world(vec![(alone(), Arc::new(second_works))]);
    assert!(invoke(&world).await.outcome.is_ok());
    assert_eq!(containers_invoked(&world), [2]);
}

#[tokio::test(start_paused = true)]
async fn an_init_that_fails_twice_fails_the_invocation() {
    let world = world(vec![(alone(), Arc::new(Starts { init_s: 1, works: |_| false }))]);
    assert_eq!(invoke(&world).await.outcome, Err(Failure::Init("no table".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn an_init_has_10_s_and_then_the_time_of_the_invocation() {
    let world = world(vec![(alone(), Arc::new(Starts { init_s: 11, works: |_| true }))]);
    assert!(invoke(&world).await.outcome.is_ok(), "11 s fit into the function's 60");
    assert!(world.clock.now() > world.clock.start().plus_ms(21_000), "10 s in vain, then 11");
    let failed = world.events(|event| {
        let Event::Function(FunctionEvent::ContainerFailed { detail, .. }) = event else { return None };
        Some(detail.clone())
    });
    assert_eq!(failed, ["the time for its init was up"]);
}

#[tokio::test(start_paused = true)]
async fn a_function_is_told_who_it_is_and_when_it_dies() {
    let telling = script(async |container: Container, _, context: InvocationContext| {
        assert_eq!(&*container.request.get(), context.request_id);
        let left_ms = context.deadline.since_ms(container.clock.now());
        Ok(format!("{left_ms} {}", context.function_arn).into_bytes())
    });
    for (alias, behind) in [(None, ""), (Some(live()), ":live")] {
        let world = world(vec![(FunctionConfig { alias, ..alone() }, Arc::clone(&telling))]);
        let answer = String::from_utf8(invoke(&world).await.outcome.unwrap()).unwrap();
        let arn = format!("arn:aws:lambda:eu-central-1:123456789012:function:payments-consumer{behind}");
        assert_eq!(answer, format!("60000 {arn}"));
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_the_cloud_drops_a_running_function() {
    let (held, dropped) = (Arc::new(()), Duration::from_secs(3600));
    let inner = Arc::clone(&held);
    let endless = script(move |_, payload, _| {
        let inner = Arc::clone(&inner);
        async move {
            tokio::time::sleep(dropped).await;
            drop(inner);
            Ok(payload)
        }
    });
    let world = world(vec![(consumer(), endless)]);
    world.send("one");
    world.run_for_s(5).await;
    assert_eq!(Arc::strong_count(&held), 3, "ours, the closure's, and the running handler's");
    world.cloud.stop().await;
    assert_eq!(Arc::strong_count(&held), 1);
}
