//! The contract between Lambda and a function: what a container offers, and what a function must be able to do.
//!
//! Invariant: a function meets the world through its container alone, so killing the container's link kills it whole.

use super::cloudwatch::MetricLines;
use super::config::FunctionConfig;
use super::lambda::Pool;
use super::services::Services;
use super::wire::{CurrentRequest, Wire};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::link::{CrashPoints, Link};
use crate::order::Order;
use crate::turns::Place;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use payments::UnixMs;
use std::pin::Pin;
use std::sync::{Arc, Weak};

/// A boxed future, so that functions can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How the world starts a function: the consumer, or in tests a known-bad one.
pub trait Function: Send + Sync {
    /// Initialises a container: everything `main` does before it asks for the first event.
    ///
    /// An error is what the function would have said before it exited.
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>>;

    /// Hears where it was deployed, before it is started: one whose work outlives an invocation is invoked again from
    /// there. Ours have no need of it.
    fn deployed(&self, itself: Weak<Pool>) {
        let _ = itself;
    }
}

/// A function in an initialised container.
pub trait Handler: Send + Sync {
    /// Handles one event; payload and answer are JSON. An error or a panic fails the invocation, not the container.
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>>;

    /// Whether it can take another event: a process of its own may have ended while it stood idle.
    fn is_alive(&self) -> bool {
        true
    }
}

/// What Lambda tells a function about one invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationContext {
    /// Request id.
    pub request_id: String,
    /// When Lambda kills the container if there is no answer by then.
    pub deadline: UnixMs,
    /// Name as deployed.
    pub function_name: String,
    /// ARN as it was invoked.
    pub function_arn: String,
    /// X-Ray's header. There is no X-Ray here; a test may say that there were.
    pub xray_header: Option<String>,
}

/// One execution environment, as its function sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Container {
    /// Number among the function's containers, from 1.
    pub number: u64,
    /// The function's configuration, environment variables included.
    pub function: Arc<FunctionConfig>,
    /// The network. Everything that leaves the container passes its hops.
    pub link: Link,
    /// Virtual time.
    pub clock: Clock,
    /// For the AWS SDK.
    pub http: SharedHttpClient,
    /// The same way to AWS, for a function that is no part of this process.
    pub wire: Wire,
    /// What the container is working on, for journal entries of other wires.
    pub request: CurrentRequest,
    /// Seed of whatever the function draws.
    pub seed: u64,
    /// Where other wires are journaled.
    pub journal: Journal,
    /// Standard output, as far as metrics go.
    pub metrics: MetricLines,
}

impl Container {
    /// A container whose AWS calls go over `wire`.
    pub(super) fn new(
        number: u64,
        function: Arc<FunctionConfig>,
        seed: u64,
        services: &Services,
        journal: Journal,
        wire: impl FnOnce(Link, CurrentRequest) -> Wire,
    ) -> Self {
        let link =
            Link::in_world(Order::new(seed, "calls at one instant"), *services.clock(), journal.clone());
        let request = CurrentRequest::default();
        let wire = wire(link.clone(), request.clone());
        let http = SharedHttpClient::new(wire.clone());
        let (clock, metrics) = (*services.clock(), MetricLines::new(services.clone(), journal.clone()));
        Self { number, function, link, clock, http, wire, request, seed, journal, metrics }
    }
}

/// What is to become of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Whatever its function makes of it.
    Lives,
    /// Its warm container died while it stood idle: it gets another one. A cold one cannot be found dead.
    FoundDead,
    /// It comes to its end at this network hop (1 = the first), if it gets there.
    Ends(End, u64),
}

/// How an invocation comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The container dies.
    Crash,
    /// The container is killed because its memory is used up.
    OutOfMemory,
    /// Nothing in the container goes on, until Lambda kills it at its deadline.
    Hang,
}

impl Fate {
    /// The hop at which it comes to its end.
    #[must_use]
    pub const fn hop(self) -> Option<u64> {
        match self {
            Self::Ends(_, hop) => Some(hop),
            Self::Lives | Self::FoundDead => None,
        }
    }
}

/// Decides what becomes of containers and invocations.
pub trait FatePlan: Send + Sync {
    /// The fate of invocation `request` of `function`, which begins now.
    fn of_invocation(&self, function: &str, request: &str, now: UnixMs) -> Fate;

    /// Told that it came to pass, so that a fate that never did can be noticed. `hop` is 0 for a container that was
    /// found dead.
    fn came_to_pass(&self, function: &str, request: &str, hop: u64, now: UnixMs) {
        let _ = (function, request, hop, now);
    }

    /// Whether Lambda has no concurrency left for invocation `request` of `function`.
    fn throttles(&self, function: &str, request: &str, now: UnixMs) -> bool {
        let _ = (function, request, now);
        false
    }

    /// How much longer than usual, ms, a batch waits for its invocation that begins with this message.
    fn hand_over_delay_ms(&self, message: &str, now: UnixMs) -> u64 {
        let _ = (message, now);
        0
    }

    /// The place of an invocation of `function` that begins now, if its effects are to wait for their turns.
    fn place(&self, function: &str) -> Option<Place> {
        let _ = function;
        None
    }

    /// Where the crash points of an invocation of `function` that begins now are noted.
    fn crash_points(&self, function: &str, now: UnixMs) -> CrashPoints {
        let _ = (function, now);
        CrashPoints::default()
    }

    /// How much longer than usual it takes, ms, until the init of a new container of `function` begins.
    fn start_delay_ms(&self, function: &str, now: UnixMs) -> u64 {
        let _ = (function, now);
        0
    }
}
