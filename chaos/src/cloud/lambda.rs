//! Embedded Lambda: containers that start cold, are reused warm, and die at their deadline or when their link is cut.
//!
//! Invariant: a container handles one invocation at a time, and one that crashed or timed out is never used again.

mod asynchronous;
#[cfg(test)]
mod tests;

pub(super) use asynchronous::Asynchronous;

use super::cloudwatch::InvocationEnd;
use super::config::FunctionConfig;
use super::container::{Container, End, Fate, Function, Handler, InvocationContext};
use super::iam::{Denied, Principal};
use super::ids::Ids;
use super::names;
use super::plans::Plans;
use super::services::Services;
use super::wire::{Latencies, Wire};
use crate::journal::{FailedBy, FunctionEvent, Journal};
use crate::link::CrashPoints;
use crate::random::Stream;
use payments::UnixMs;
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// Longest init of an on-demand container.
const INIT_MS_MAX: i64 = 10_000;
/// From asking for a new container until its init begins, drawn evenly: virtual milliseconds. An assumption of the
/// right size: AWS publishes none, and measured cold starts of small functions lie around it.
const SANDBOX_MS: (u64, u64) = (80, 250);

/// What Lambda does to a log group in the name of a function.
const LOGS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

/// What every function of a world shares.
#[derive(Clone)]
pub struct Surroundings {
    /// What functions call.
    pub services: Services,
    /// How long the calls take.
    pub latencies: Latencies,
    /// What goes wrong.
    pub plans: Plans,
    /// Where it is all written down.
    pub journal: Journal,
    /// The world's seed.
    pub seed: u64,
}

/// One function and its containers.
pub struct Pool {
    config: Arc<FunctionConfig>,
    function: Arc<dyn Function>,
    around: Surroundings,
    /// The function under its role, if it has one.
    who: Option<Arc<Principal>>,
    state: Mutex<State>,
}

struct State {
    /// Idle containers, the longest idle first.
    idle: VecDeque<Warm>,
    containers: u64,
    requests: Ids,
    sandboxes: Stream,
}

struct Warm {
    container: Container,
    handler: Box<dyn Handler>,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Request id.
    pub request: String,
    /// Hops it made.
    pub hops: u64,
    /// The function's answer.
    pub outcome: Result<Vec<u8>, Failure>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The function returned an error or panicked; its container lives on.
    Error(String),
    /// The container was killed.
    Crash,
    /// The container was killed because its memory was used up.
    OutOfMemory,
    /// The deadline came first; the container was killed.
    Timeout,
    /// No container could be initialised, twice in a row.
    Init(String),
    /// There was no concurrency left, however often it was tried.
    Throttled,
}

impl Pool {
    /// A function without containers.
    #[must_use]
    pub fn new(config: FunctionConfig, function: Arc<dyn Function>, around: Surroundings) -> Self {
        let stream = |what: &str| format!("{what} of {}", config.logical_id);
        let state = State {
            idle: VecDeque::new(),
            containers: 0,
            requests: Ids::new(around.seed, &stream("requests")),
            sandboxes: Stream::new(around.seed, &stream("sandboxes")),
        };
        let who = config.role.clone().map(|role| Principal::Function { role, function: config.name.clone() });
        Self { config: Arc::new(config), function, around, who: who.map(Arc::new), state: Mutex::new(state) }
    }

    /// The function's configuration.
    #[must_use]
    pub fn config(&self) -> &FunctionConfig {
        &self.config
    }

    /// Whether the function's role lets it, or Lambda in its name, do this.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn ask(&self, action: &'static str, resource: &str) -> Result<(), Denied> {
        self.who.as_ref().map_or(Ok(()), |who| self.around.services.iam().ask(who, action, resource))
    }

    /// Invokes the function and waits for the end. `messages` are the ids in the batch, for the journal.
    ///
    /// Journals everything but an answer, which only the caller can read.
    pub async fn invoke(&self, payload: Vec<u8>, messages: Vec<String>) -> Ended {
        self.invoke_as(self.new_request(), payload, messages).await
    }

    /// Whether there is no concurrency left for an invocation now; `of` is its request id, or a message that it is for.
    pub(super) fn is_throttled(&self, of: &str) -> bool {
        self.around.plans.fates.throttles(&self.config.logical_id, of, self.now())
    }

    /// How much longer than usual, ms, a batch waits for its invocation that begins with this message.
    pub(super) fn hand_over_delay_ms(&self, message: &str) -> i64 {
        let delay_ms = self.around.plans.fates.hand_over_delay_ms(message, self.now());
        i64::try_from(delay_ms).unwrap_or(i64::MAX)
    }

    /// A request id for an invocation to come.
    pub(super) fn new_request(&self) -> String {
        self.lock().requests.uuid()
    }

    /// Invokes the function under a request id it may have seen before.
    async fn invoke_as(&self, request: String, payload: Vec<u8>, messages: Vec<String>) -> Ended {
        let began = self.now();
        let ended = self.handle(request, payload, messages).await;
        let end = if ended.outcome.is_ok() { InvocationEnd::Answered } else { InvocationEnd::Failed };
        self.around.services.cloudwatch().invoked(&self.config.name, began, end, self.now());
        ended
    }

    async fn handle(&self, request: String, payload: Vec<u8>, messages: Vec<String>) -> Ended {
        let (function, fates) = (&self.config.logical_id, &self.around.plans.fates);
        let fate = fates.of_invocation(function, &request, self.now());
        let points = fates.crash_points(function, self.now());
        let idle = self.idle().filter(|_| !self.is_found_dead(fate, &request));
        let warm = match idle {
            Some(warm) => Some(warm),
            None => self.start(None).await.ok(),
        };
        let deadline = self.now().plus_ms(1000 * i64::from(self.config.timeout_s));
        let warm = match warm {
            Some(warm) => warm,
            // Lambda runs a failed init once more, inside the invocation and on its time.
            None => match self.start(Some(deadline)).await {
                Ok(warm) => warm,
                Err((container, detail)) => return self.never_started(request, container, messages, detail),
            },
        };
        self.journal(self.invoked(&request, warm.container.number, messages));
        let ended = self.run(&warm, request, payload, (deadline, fate, points)).await;
        match ended.outcome {
            Ok(_) | Err(Failure::Error(_)) => self.lock().idle.push_back(warm),
            Err(
                Failure::Crash
                | Failure::OutOfMemory
                | Failure::Timeout
                | Failure::Init(_)
                | Failure::Throttled,
            ) => drop(warm),
        }
        ended
    }

    /// The container that has stood idle for the longest; those that ended meanwhile are gone.
    fn idle(&self) -> Option<Warm> {
        let idle = &mut self.lock().idle;
        std::iter::from_fn(|| idle.pop_front()).find(|warm| warm.handler.is_alive())
    }

    /// Whether the warm container that is to take this invocation turns out to be dead.
    fn is_found_dead(&self, fate: Fate, request: &str) -> bool {
        let dead = fate == Fate::FoundDead;
        if dead {
            self.around.plans.fates.came_to_pass(&self.config.logical_id, request, 0, self.now());
        }
        dead
    }

    async fn run(
        &self,
        warm: &Warm,
        request: String,
        payload: Vec<u8>,
        (deadline, fate, points): (UnixMs, Fate, CrashPoints),
    ) -> Ended {
        let Container { link, request: current, clock, .. } = &warm.container;
        let place = self.around.plans.fates.place(&self.config.logical_id);
        link.arm(fate.hop(), points);
        link.sit(place.clone());
        current.set(&request);
        let context = InvocationContext {
            request_id: request.clone(),
            deadline,
            function_name: self.config.name.clone(),
            function_arn: self.config.invoked_arn(),
            xray_header: None,
        };
        let outcome = tokio::select! {
            biased;
            () = link.tripped() => Err(Failure::Crash),
            () = clock.sleep_until(deadline) => Err(Failure::Timeout),
            answer = caught(async { warm.handler.invoke(payload, context).await }) => answer.map_err(Failure::Error),
        };
        if let Some(place) = place {
            place.leave();
        }
        // A function may answer in the very poll that passed the deadly hop; the dead do not answer.
        let outcome = match fate {
            Fate::Ends(end, hop) if link.hops() >= hop => {
                self.around.plans.fates.came_to_pass(&self.config.logical_id, &request, hop, self.now());
                Err(self.come_to(end, deadline).await)
            }
            Fate::Ends(..) | Fate::Lives | Fate::FoundDead => outcome,
        };
        let ended = Ended { request, hops: link.hops(), outcome };
        if let Err(failure) = &ended.outcome {
            self.failed(&ended, failure);
            if !matches!(failure, Failure::Error(_)) {
                link.trip();
            }
        }
        ended
    }

    /// Ends an invocation that has met its fate.
    async fn come_to(&self, end: End, deadline: UnixMs) -> Failure {
        match end {
            End::Crash => Failure::Crash,
            End::OutOfMemory => Failure::OutOfMemory,
            End::Hang => {
                self.around.services.clock().sleep_until(deadline).await;
                Failure::Timeout
            }
        }
    }

    /// Starts a container, within the limit for an init or until `deadline`.
    async fn start(&self, deadline: Option<UnixMs>) -> Result<Warm, (u64, String)> {
        let (container, sandbox_ms) = self.new_container();
        let clock = container.clock;
        clock.sleep_until(self.now().plus_ms(sandbox_ms)).await;
        let until = deadline.unwrap_or_else(|| self.now().plus_ms(INIT_MS_MAX));
        let (link, number) = (container.link.clone(), container.number);
        let started = tokio::select! {
            biased;
            () = clock.sleep_until(until) => Err("the time for its init was up".to_owned()),
            started = caught(async { self.function.start(container.clone()).await }) => started,
        };
        let function = self.config.logical_id.clone();
        match started {
            Ok(handler) => {
                self.journal(FunctionEvent::ContainerStarted { function, container: number });
                Ok(Warm { container, handler })
            }
            Err(detail) => {
                link.trip();
                self.journal(FunctionEvent::ContainerFailed {
                    function,
                    container: number,
                    detail: detail.clone(),
                });
                Err((number, detail))
            }
        }
    }

    fn new_container(&self) -> (Container, i64) {
        let mut state = self.lock();
        state.containers += 1;
        let number = state.containers;
        let sandbox_ms = state.sandboxes.between(SANDBOX_MS.0, SANDBOX_MS.1);
        let around = &self.around;
        let sandbox_ms = sandbox_ms + around.plans.fates.start_delay_ms(&self.config.logical_id, self.now());
        let seed =
            Stream::new(around.seed, &format!("container {number} of {}", self.config.logical_id)).seed();
        let wire = |link, request| {
            let wire = Wire::new(around.services.clone(), around.latencies.clone(), link, request);
            wire.under(Arc::clone(&around.plans.calls)).of(self.who.clone())
        };
        let (config, services) = (Arc::clone(&self.config), &around.services);
        let mut container = Container::new(number, config, seed, services, around.journal.clone(), wire);
        if !self.may_log(number) {
            container.metrics = container.metrics.unheard();
        }
        (container, i64::try_from(sandbox_ms).unwrap_or(0))
    }

    /// Whether the role lets Lambda write down what a container says. If it does not, nobody is told, and metrics that
    /// the function writes are lost with everything else.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>
    fn may_log(&self, container: u64) -> bool {
        let stream = names::log_stream_arn(&self.config.log_group, &container.to_string());
        LOGS.into_iter().all(|action| self.ask(action, &stream).is_ok())
    }

    fn never_started(&self, request: String, container: u64, messages: Vec<String>, detail: String) -> Ended {
        self.journal(self.invoked(&request, container, messages));
        let ended = Ended { request, hops: 0, outcome: Err(Failure::Init(detail.clone())) };
        self.failed(&ended, &Failure::Init(detail));
        ended
    }

    fn invoked(&self, request: &str, container: u64, messages: Vec<String>) -> FunctionEvent {
        FunctionEvent::Invoked {
            function: self.config.logical_id.clone(),
            container,
            request: request.to_owned(),
            messages,
        }
    }

    fn failed(&self, ended: &Ended, failure: &Failure) {
        let (how, detail) = match failure {
            Failure::Error(detail) => (FailedBy::Error, Some(detail.clone())),
            Failure::Crash => (FailedBy::Crash, None),
            Failure::OutOfMemory => (FailedBy::OutOfMemory, None),
            Failure::Timeout => (FailedBy::Timeout, None),
            Failure::Init(detail) => (FailedBy::Init, Some(detail.clone())),
            Failure::Throttled => (FailedBy::Throttled, None),
        };
        self.journal(FunctionEvent::Failed { request: ended.request.clone(), how, hops: ended.hops, detail });
    }

    fn journal(&self, event: FunctionEvent) {
        self.around.journal.record(self.now(), event);
    }

    fn now(&self) -> UnixMs {
        self.around.services.clock().now()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Turns a panic of the function into an error, as `lambda_runtime` does.
async fn caught<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        // Nothing of the function is looked at after a panic but its container, which survives one on AWS as well.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(Err(format!("Lambda panicked: {}", panic_text(panic.as_ref())))),
        }
    })
    .await
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}
