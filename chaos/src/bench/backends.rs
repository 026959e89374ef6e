//! What a measured function calls: the embedded services and the fake Stripe, as fast as they can answer, behind one port.
//!
//! Invariant: nobody is asked for permissions, nothing is delayed, and no rate is limited: what is left is the function.

use crate::clock::Clock;
use crate::cloud::cloudwatch::Past;
use crate::cloud::config::TableConfig;
use crate::cloud::services::{Caller, Service};
use crate::cloud::{Alerting, Blueprint, Cloud};
use crate::faults::{CRASH_HOPS_DEFAULT, Faults};
use crate::journal::Journal;
use crate::link::Link;
use crate::serve::edge;
use crate::serve::socket::Reset;
use crate::stripe::{FakeStripe, Latency, Mode, Provider};
use crate::up::SECRET_KEY;
use crate::up::door::{Arrived, response};
use crate::up::runtime::RuntimeApi;
use crate::world::{Deployed, WorldError};
use axum::body::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use payments::UnixMs;
use serde_json::json;
use std::sync::Arc;

/// The table of idempotency records that Powertools keeps; no part of the stack.
pub(super) const IDEMPOTENCY_TABLE: &str = "bench-idempotency";

/// Below this path lies Stripe's API.
const STRIPE: &str = "/v1/";

/// Seed of ids. Odd, so that the embedded DynamoDB is not made to ask its oracle every time.
const SEED: u64 = 1;

/// A stack's services without its functions, and a Stripe beside them.
pub(super) struct Backends {
    cloud: Cloud,
    stripe: Provider,
    clock: Clock,
    source: String,
}

impl Backends {
    /// Empty ones. Must be called inside a runtime of real time.
    pub(super) fn open(deployed: &Deployed, now: UnixMs) -> Result<Self, WorldError> {
        let (clock, journal) = (Clock::starting_at(now), Journal::default());
        let cloud = cloud(deployed, clock, &journal)?;
        let faults = Faults::new(&[], SEED, now, CRASH_HOPS_DEFAULT, journal.clone());
        let account = FakeStripe::open_to(SEED, Mode::Test, faults.clone()).without_limits();
        let stripe = Provider::with(Latency::None, account, SEED, faults, clock, journal);
        Ok(Self { cloud, stripe, clock, source: deployed.names.source.clone() })
    }

    /// The time they follow.
    pub(super) fn now(&self) -> UnixMs {
        self.clock.now()
    }

    /// The queue that payments come from.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// How many payments have been charged.
    pub(super) fn charged(&self) -> usize {
        self.stripe.stripe().book().movements().len()
    }

    /// Answers whatever a function asks of its port.
    pub(super) fn door(
        &self,
        runtime: &Arc<RuntimeApi>,
    ) -> impl Fn(Request<Incoming>) -> Answer + Clone + Send + 'static {
        let door = Door {
            services: self.cloud.services().clone(),
            stripe: self.stripe.clone(),
            runtime: Arc::clone(runtime),
        };
        move |request| Box::pin(door.clone().answer(request))
    }
}

type Answer = crate::cloud::container::BoxFuture<'static, Result<Response<Body>, Reset>>;

/// A stack without functions and alarms, and with the table that peers need.
pub(super) fn cloud(deployed: &Deployed, clock: Clock, journal: &Journal) -> Result<Cloud, WorldError> {
    let stack = &deployed.stack;
    let blueprint = Blueprint {
        queues: stack.queues.values().cloned().collect(),
        tables: stack.tables.values().cloned().chain([idempotency_table()]).collect(),
        topics: stack.topics.values().cloned().collect(),
        alerting: Alerting { past: Past::New, ..Alerting::default() },
        seed: SEED,
        ..Blueprint::default()
    };
    deployed.start(blueprint, SECRET_KEY, clock, journal)
}

/// As the documentation of Powertools wants it.
/// <https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/>
fn idempotency_table() -> TableConfig {
    let create = json!({
        "TableName": IDEMPOTENCY_TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
    });
    let ttl_attribute = Some("expiration".to_owned());
    TableConfig { name: IDEMPOTENCY_TABLE.to_owned(), create, ttl_attribute, streams: false }
}

#[derive(Clone)]
struct Door {
    services: crate::cloud::services::Services,
    stripe: Provider,
    runtime: Arc<RuntimeApi>,
}

impl Door {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        if request.uri().path().starts_with(STRIPE) {
            let wire = self.stripe.connect(Link::default(), Arc::new(|| "bench".to_owned()));
            return edge::carry(wire, request).await;
        }
        let (target, body) = match Arrived::at(&self.runtime, request).await {
            Arrived::Answered(response) => return Ok(response),
            Arrived::Call { target, body } => (target, body),
        };
        let Some((service, operation)) = Service::of_request(target.as_deref(), &body) else {
            let mut nobody = Response::new(Body::empty());
            *nobody.status_mut() = StatusCode::NOT_FOUND;
            return Ok(nobody);
        };
        Ok(response(self.services.answer(service, &operation, &body, Caller::default()).await))
    }
}
