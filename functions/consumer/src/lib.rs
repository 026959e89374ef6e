//! The consumer: takes payments from SQS, charges them through Stripe, settles them in the ledger.
//!
//! [`payments::charge`] decides every step; this crate carries the steps out. Whatever it needs from outside comes
//! in through [`Ports`], so the chaos suite runs this very code in simulated time.
//!
//! Invariant: only this crate confirms an intent, and only one whose id it read back from the ledger.

mod batch;
#[cfg(doctest)]
mod cannot_forge;
pub mod config;
mod crew;
mod event;
pub mod limits;
mod metrics;
mod provider;
mod quarantine;
mod record;
#[cfg(test)]
#[path = "../../host/tests/recorder/mod.rs"]
mod recorder;
mod source;

pub use config::Config;
pub use host::{ConfigError, Invocation};

use authority::ToCharge;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_smithy_async::time::SharedTimeSource;
use config::Drills;
use event::Events;
use host::{Clock, Metrics};
use ledger::Ledger;
use payments::charge::{Delivery, Event, Step};
use payments::ledger::OpenDelivery;
use payments::pace::Pace;
use payments::request::Wording;
use payments::suspicion::{Leave, Operation, Suspicions};
use payments::witness::{self, Witness};
use payments::{Payment, PaymentId, Row, UnixMs};
use provider::{Paces, Provider};
use quarantine::Quarantine;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use source::Source;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stripe::{Charger, Secret};

/// Everything the consumer needs from outside.
pub struct Ports {
    /// DynamoDB, for the ledger.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// SQS, for the source queue, quarantine and the queue of Stripe's events.
    pub sqs: aws_sdk_sqs::Client,
    /// Secrets Manager, for the Stripe key.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// The way to Stripe.
    pub stripe: stripe::Transport,
    /// The time.
    pub time: SharedTimeSource,
    /// Seed of the jitter.
    pub seed: u64,
    /// Where metrics are written, a line each.
    pub metrics: Box<dyn Write + Send>,
    /// The protocol. Anything but the default is a known-bad one, in a test.
    pub protocol: Protocol,
}

/// The charge protocol, as functions.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// Puts a payment into Stripe's words.
    pub wording: fn(&Payment) -> Wording,
    /// Starts a delivery from its row and today's words.
    pub begin: fn(Row, &OpenDelivery, &Arc<Wording>) -> (Delivery, Step),
    /// Takes what came of a step and says the next.
    pub next: fn(&mut Delivery, Event) -> Step,
    /// Says whether an operation may be tried while a suspicion stands.
    pub leave: fn(&mut Suspicions, Operation, UnixMs) -> Leave,
    /// Takes from the body of one of Stripe's events what is taken from it.
    pub named: fn(&str) -> Option<PaymentId>,
    /// Starts a look at a row that an event names.
    pub witness: fn(Row) -> (Witness, witness::Step),
}

impl Protocol {
    /// The one that is deployed.
    pub const DEPLOYED: Self = Self {
        wording: stripe::wording,
        begin: Delivery::begin,
        next: Delivery::next,
        leave: Suspicions::leave,
        named: event::NAMED,
        witness: Witness::begin,
    };
}

impl Default for Protocol {
    fn default() -> Self {
        Self::DEPLOYED
    }
}

/// A consumer in its container.
#[derive(Clone, Debug)]
pub struct Consumer(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    ledger: Ledger,
    provider: Provider,
    quarantine: Quarantine,
    source: Source,
    events: Option<Events>,
    metrics: Metrics,
    drills: Drills,
    clock: Clock,
    protocol: Protocol,
    random: Mutex<ChaCha8Rng>,
}

impl Consumer {
    /// Builds a consumer and warms up its connections and its secret. Survives a dead Stripe and a missing secret:
    /// payments then meet them, and are handed back.
    pub async fn start(config: Config, ports: Ports) -> Self {
        let clock = Clock::new(ports.time);
        let secret = Secret::new(ports.secrets, config.stripe_secret_arn);
        let (base, mode) = (config.stripe_api_base, config.stripe_mode);
        let charger = Charger::new(ports.stripe, base, mode, ToCharge::assume());
        let pace = Pace::shared(config.stripe_rate_per_s, config.concurrency);
        let paces = Paces::of(pace, config.stripe_events_queue_url.is_some());
        let events = config.stripe_events_queue_url;
        let events = events.map(|url| Events { queue: Source::new(ports.sqs.clone(), url) });
        let inner = Inner {
            ledger: Ledger::new(ports.dynamodb, config.ledger_table),
            provider: Provider::new(charger, secret, clock.clone(), paces, ports.protocol.leave),
            quarantine: Quarantine::new(ports.sqs.clone(), config.quarantine_queue_url),
            source: Source::new(ports.sqs, config.source_queue_url),
            events,
            metrics: Metrics::new(config.metrics_namespace, ports.metrics),
            drills: config.drills,
            clock,
            protocol: ports.protocol,
            random: Mutex::new(ChaCha8Rng::seed_from_u64(ports.seed)),
        };
        inner.warm_up().await;
        Self(Arc::new(inner))
    }

    /// Handles one batch.
    pub async fn handle(&self, event: SqsEvent, invocation: Invocation) -> SqsBatchResponse {
        batch::handle(&self.0, event, invocation).await
    }
}

impl Inner {
    async fn warm_up(&self) {
        let warm_up = async { tokio::join!(self.provider.warm_up(), self.ledger.warm_up()) };
        if tokio::time::timeout(Duration::from_millis(limits::WARM_UP_MS), warm_up).await.is_err() {
            tracing::warn!(
                limit_ms = limits::WARM_UP_MS,
                "warm-up not finished; the first payments wait instead"
            );
        }
    }

    fn draw(&self) -> u64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }
}
