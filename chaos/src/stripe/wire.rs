//! The wire between a container and the fake Stripe: a tower service a Stripe client can be given as its transport.
//!
//! A call is: hop, way to Stripe's edge, faults `before`, arrival, work, effect, faults `after`, hop, answer. The
//! order of effects is fixed, so hop *2n − 1* of an invocation that makes one call at a time lies before the effect
//! of its call *n* and hop *2n* after it.
//! Invariant: a call the container does not live to finish has either its whole effect or none.

use super::answer::Facts;
use super::book::Movement;
use super::calls::Route;
use super::limits::{LATENCY_TO_EDGE_DIVISOR, SILENCE_MS};
use super::params::Form;
use super::{Arrival, FakeStripe, Instead, Reply, Ticket};
use crate::clock::Clock;
use crate::faults::{Faults, Kind, Subject};
use crate::journal::{Event, Journal};
use crate::link::Link;
use crate::random::Stream;
use ::stripe::TransportError;
use bytes::Bytes;
use http::{Request, Response};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// The one Stripe of a world, with what the world does to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stripe: Mutex<FakeStripe>,
    latency: Mutex<Stream>,
    faults: Faults,
    clock: Clock,
    journal: Journal,
}

impl Provider {
    /// Puts `stripe` on the network of a world.
    #[must_use]
    pub fn new(stripe: FakeStripe, seed: u64, faults: Faults, clock: Clock, journal: Journal) -> Self {
        let latency = Mutex::new(Stream::new(seed, "stripe/latency"));
        Self(Arc::new(Shared { stripe: Mutex::new(stripe), latency, faults, clock, journal }))
    }

    /// The account itself: for checks that read its book, and for a world that rotates its key.
    pub fn stripe(&self) -> MutexGuard<'_, FakeStripe> {
        self.0.stripe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One container's connection. `caller` says the request id of the invocation that is calling.
    #[must_use]
    pub fn connect(&self, link: Link, caller: Arc<dyn Fn() -> String + Send + Sync>) -> Wire {
        Wire { provider: self.clone(), link, caller }
    }

    fn latency_ms(&self, route: Option<&Route>) -> u64 {
        let (low, high) = match route {
            Some(Route::Create | Route::Cancel(_)) => (80, 250),
            Some(Route::Confirm(_)) => (300, 1_200),
            Some(Route::Retrieve(_) | Route::Probe) | None => (40, 120),
        };
        self.0.latency.lock().unwrap_or_else(PoisonError::into_inner).between(low, high)
    }
}

/// One container's connection to Stripe. Cheap to clone.
#[derive(Clone)]
pub struct Wire {
    provider: Provider,
    link: Link,
    caller: Arc<dyn Fn() -> String + Send + Sync>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Wire").field("link", &self.link).finish_non_exhaustive()
    }
}

impl tower::Service<Request<Bytes>> for Wire {
    type Response = Response<Bytes>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(self.clone().carry(request))
    }
}

/// What the client gets to see.
enum Outcome {
    Answered(Response<Bytes>),
    /// Nothing, for longer than any client waits, then a reset.
    Silence,
    /// A reset instead of the answer.
    Reset,
}

impl Wire {
    async fn carry(self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.link.hop().await;
        let route = Route::of(request.method(), request.uri().path());
        let latency_ms = self.provider.latency_ms(route.as_ref());
        let to_edge_ms = latency_ms / LATENCY_TO_EDGE_DIVISOR;
        sleep_ms(to_edge_ms).await;
        let call = Call::of(&self, route.as_ref(), &request);
        let outcome = match self.before(&call, &request) {
            Some(outcome) => outcome,
            None => {
                let outcome = self.reach(&call, &request, latency_ms - to_edge_ms).await;
                if call.payment.as_deref().is_some_and(|payment| self.poisons(payment)) {
                    self.link.trip();
                }
                outcome
            }
        };
        self.link.hop().await;
        match outcome {
            Outcome::Answered(response) => Ok(response),
            Outcome::Reset => Err(reset()),
            Outcome::Silence => {
                sleep_ms(SILENCE_MS).await;
                Err(reset())
            }
        }
    }

    fn poisons(&self, payment: &str) -> bool {
        let Shared { faults, clock, .. } = &*self.provider.0;
        faults.poisons(payment, clock.now())
    }

    /// Asks the faults that come before the effect; whichever fires first ends the call.
    fn before(&self, call: &Call, request: &Request<Bytes>) -> Option<Outcome> {
        let Shared { faults, clock, .. } = &*self.provider.0;
        if faults.fires(Kind::StripeUnavailable, clock.now(), &call.subject()).is_some() {
            let reply = self.provider.stripe().answer_instead(request, Instead::Unavailable);
            let facts = Facts { fault: Some(Kind::StripeUnavailable), ..reply.facts };
            self.journal(call, Some(reply.response.status().as_u16()), facts);
            return Some(Outcome::Answered(reply.response));
        }
        if faults.fires(Kind::StripeTimeout, clock.now(), &call.subject()).is_some() {
            self.journal(call, None, Facts { fault: Some(Kind::StripeTimeout), ..Facts::default() });
            return Some(Outcome::Silence);
        }
        None
    }

    /// The request reaches Stripe, which works on it for `work_ms` and answers; the answer may get lost.
    async fn reach(&self, call: &Call, request: &Request<Bytes>, work_ms: u64) -> Outcome {
        let Shared { faults, clock, .. } = &*self.provider.0;
        let arrival = self.provider.stripe().arrive(request, clock.now());
        let reply = match arrival {
            Arrival::Answered(reply) => reply,
            Arrival::Admitted(ticket) => {
                let admitted = Admitted { provider: &self.provider, ticket: Some(ticket) };
                sleep_ms(work_ms).await;
                self.perform(admitted)
            }
        };
        if faults.fires(Kind::StripeLostAnswer, clock.now(), &call.subject()).is_some() {
            // What Stripe said is left out too: nobody heard it.
            let facts = Facts { fault: Some(Kind::StripeLostAnswer), said: None, ..reply.facts };
            self.journal(call, None, facts);
            return Outcome::Reset;
        }
        self.journal(call, Some(reply.response.status().as_u16()), reply.facts);
        Outcome::Answered(reply.response)
    }

    /// The effect, and what it moved.
    fn perform(&self, mut admitted: Admitted<'_>) -> Reply {
        let Shared { clock, journal, .. } = &*self.provider.0;
        let ticket = admitted.ticket.take().expect("an admitted request is performed once");
        let reply = self.provider.stripe().perform(ticket, clock.now());
        if let Some(movement) = &reply.movement {
            journal.record(movement.at, charged(movement));
        }
        reply
    }

    fn journal(&self, call: &Call, status: Option<u16>, facts: Facts) {
        let Shared { clock, journal, .. } = &*self.provider.0;
        let event = Event::StripeCalled {
            request: (self.caller)(),
            operation: call.operation,
            intent: facts.intent.or_else(|| call.intent.clone()),
            payment: facts.payment.or_else(|| call.payment.clone()),
            status,
            said: facts.said,
            fault: facts.fault.map(Kind::name),
        };
        journal.record(clock.now(), event);
    }
}

/// A request Stripe works on. Dropped unfinished, with its container, it leaves its idempotency key free: the request
/// was lost on the way.
struct Admitted<'wire> {
    provider: &'wire Provider,
    ticket: Option<Ticket>,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.provider.stripe().abandon(ticket);
        }
    }
}

/// What a request is about, as far as the request itself and the account tell.
struct Call {
    operation: &'static str,
    intent: Option<String>,
    payment: Option<String>,
}

impl Call {
    fn of(wire: &Wire, route: Option<&Route>, request: &Request<Bytes>) -> Self {
        let intent = route.and_then(Route::intent);
        let payment = match intent {
            Some(id) => wire.provider.stripe().payment_of(id),
            None => Form::decode(request.body()).peek("metadata[payment_id]").map(str::to_owned),
        };
        Self {
            operation: route.map_or("other", Route::operation),
            intent: intent.map(str::to_owned),
            payment,
        }
    }

    fn subject(&self) -> Subject<'_> {
        let (payment, id) = (self.payment.as_deref(), self.intent.as_deref().unwrap_or_default());
        Subject { operation: self.operation, payment, id }
    }
}

fn charged(movement: &Movement) -> Event {
    Event::Charged {
        payment: movement.payment.clone().unwrap_or_default(),
        intent: movement.intent.clone(),
        charge: movement.charge.clone(),
        amount: movement.amount_minor,
        currency: movement.currency.clone(),
    }
}

fn reset() -> TransportError {
    TransportError::Broken("connection reset by peer".into())
}

async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
