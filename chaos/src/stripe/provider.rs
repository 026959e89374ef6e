//! The one Stripe of a world: the account behind a lock, the clock, and what the world does to calls.
//!
//! Invariant: whoever looks at the account sees it as it is at that instant: what Stripe owed until then has happened
//! and is in the journal, at its own instant.

use super::book::Movement;
use super::calls::Route;
use super::events::Happened;
use super::later::Late;
use super::wire::Wire;
use super::{FakeStripe, Reply};
use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::{Journal, StripeEvent};
use crate::link::Link;
use crate::random::Stream;
use payments::UnixMs;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The one Stripe of a world, with what the world does to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Shared>);

/// Whether an answer takes its usual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// As long as Stripe's usually do.
    Usual,
    /// As long as the machine takes.
    None,
}

#[derive(Debug)]
struct Shared {
    stripe: Mutex<FakeStripe>,
    latency: Latency,
    usual: Mutex<Stream>,
    faults: Faults,
    clock: Clock,
    journal: Journal,
    /// Rung when the next late effect is another than it was.
    promised: Notify,
    /// Rung when something happened of which somebody is to be told.
    happened: Notify,
}

impl Provider {
    /// Puts `stripe` on the network of a world.
    #[must_use]
    pub fn new(stripe: FakeStripe, seed: u64, faults: Faults, clock: Clock, journal: Journal) -> Self {
        Self::with(Latency::Usual, stripe, seed, faults, clock, journal)
    }

    /// The same on a network of this latency.
    #[must_use]
    pub fn with(
        latency: Latency,
        stripe: FakeStripe,
        seed: u64,
        faults: Faults,
        clock: Clock,
        journal: Journal,
    ) -> Self {
        let (stripe, usual) = (Mutex::new(stripe), Mutex::new(Stream::new(seed, "stripe/latency")));
        Self(Arc::new(Shared {
            stripe,
            latency,
            usual,
            faults,
            clock,
            journal,
            promised: Notify::new(),
            happened: Notify::new(),
        }))
    }

    /// The account itself, as it is now: for checks that read its book, and for a world that rotates its key.
    pub fn stripe(&self) -> MutexGuard<'_, FakeStripe> {
        let mut stripe = lock(&self.0.stripe);
        stripe.catch_up(self.now());
        self.tell(stripe.take_late());
        self.ring(&stripe);
        stripe
    }

    /// One container's connection. `caller` says the request id of the invocation that is calling.
    #[must_use]
    pub fn connect(&self, link: Link, caller: Arc<dyn Fn() -> String + Send + Sync>) -> Wire {
        Wire::new(self.clone(), link, caller)
    }

    /// Does what Stripe owes, each thing at its instant; never returns. Without it the same things happen at the same
    /// instants, but the journal hears of them only when somebody looks.
    pub async fn keep_up(&self) -> Infallible {
        loop {
            let next = self.stripe().next_due();
            tokio::select! {
                biased;
                () = self.0.promised.notified() => {}
                () = self.sleep_until(next) => {}
            }
        }
    }

    /// What happened since this was last asked, oldest first; nothing where nobody listens.
    pub fn take_events(&self) -> Vec<Happened> {
        lock(&self.0.stripe).take_events()
    }

    /// Waits until there is something to take.
    pub async fn something_happened(&self) {
        self.0.happened.notified().await;
    }

    fn ring(&self, stripe: &FakeStripe) {
        if stripe.has_events() {
            self.0.happened.notify_one();
        }
    }

    /// Does everything that Stripe still owes: the run is over, and its book is about to be read.
    pub fn finish(&self) {
        let mut stripe = lock(&self.0.stripe);
        stripe.finish();
        self.tell(stripe.take_late());
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(super) fn now(&self) -> UnixMs {
        self.0.clock.now()
    }

    /// Records what happens to a call now.
    pub(super) fn record(&self, event: StripeEvent) {
        self.0.journal.record(self.now(), event);
    }

    /// Lets something be done to a request, and journals what it moves.
    pub(super) fn serve(&self, serve: impl FnOnce(&mut FakeStripe, UnixMs) -> Reply) -> Reply {
        let reply = self.change(serve);
        if let Some(movement) = &reply.movement {
            self.0.journal.record(movement.at, charged(movement));
        }
        reply
    }

    /// Lets something change the account, now.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut FakeStripe, UnixMs) -> T) -> T {
        let mut stripe = self.stripe();
        let due = stripe.next_due();
        let changed = change(&mut stripe, self.now());
        if stripe.next_due() != due {
            self.0.promised.notify_one();
        }
        self.ring(&stripe);
        changed
    }

    /// How much of `usual_ms` passes on this network.
    pub(super) fn passing_ms(&self, usual_ms: u64) -> u64 {
        match self.0.latency {
            Latency::Usual => usual_ms,
            Latency::None => 0,
        }
    }

    /// How long an answer usually takes.
    pub(super) fn usual_ms(&self, route: Option<&Route>) -> u64 {
        let (low, high) = match route {
            Some(Route::Create | Route::Cancel(_)) => (80, 250),
            Some(Route::Confirm(_)) => (300, 1_200),
            Some(Route::Retrieve(_) | Route::Probe) | None => (40, 120),
            Some(Route::List | Route::Search) => (100, 400),
        };
        lock(&self.0.usual).between(low, high)
    }

    fn tell(&self, late: Vec<Late>) {
        for Late { at, operation, facts, movement } in late {
            if let Some(movement) = movement {
                self.0.journal.record(at, charged(&movement));
            }
            let event = StripeEvent::Acted {
                operation,
                intent: facts.intent,
                payment: facts.payment,
                said: facts.said,
                fault: facts.fault,
            };
            self.0.journal.record(at, event);
        }
    }

    async fn sleep_until(&self, instant: Option<UnixMs>) {
        match instant {
            Some(instant) => self.0.clock.sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }
}

fn charged(movement: &Movement) -> StripeEvent {
    StripeEvent::Charged {
        payment: movement.payment.clone().unwrap_or_default(),
        intent: movement.intent.clone(),
        charge: movement.charge.clone(),
        amount: movement.amount_minor,
        currency: movement.currency.clone(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
