//! The network of one Lambda container, and the switch that kills it.
//!
//! Every call a function makes, to AWS or to Stripe, passes two hops of its container's link: one before the
//! effect and one after it. Hop *k* of an invocation is crash point *k*.
//! Invariant: once a link is tripped no hop of it returns, so nothing the dead container meant to do still happens.

use crate::order::Order;
use crate::turns::Place;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

const NEVER: u64 = u64::MAX;

/// Shared by every client of one container. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Link(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hops: AtomicU64,
    kill_at: AtomicU64,
    tripped: watch::Sender<bool>,
    place: Mutex<Option<Place>>,
    order: Option<Order>,
}

impl Default for Link {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Link {
    /// A link whose hops are passed, of those at the same instant, in a drawn order.
    #[must_use]
    pub fn in_order(order: Order) -> Self {
        Self::new(Some(order))
    }

    fn new(order: Option<Order>) -> Self {
        Self(Arc::new(Inner {
            hops: AtomicU64::new(0),
            kill_at: AtomicU64::new(NEVER),
            tripped: watch::Sender::new(false),
            place: Mutex::default(),
            order,
        }))
    }

    /// Starts counting the hops of a new invocation; with `kill_at`, that hop (1 = the first) never returns.
    pub fn arm(&self, kill_at: Option<u64>) {
        self.0.hops.store(0, Ordering::Relaxed);
        self.0.kill_at.store(kill_at.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Passes one hop. Does not return when the container is, or is being, killed here.
    pub async fn hop(&self) {
        let hop = self.0.hops.fetch_add(1, Ordering::Relaxed) + 1;
        if hop == self.0.kill_at.load(Ordering::Relaxed) {
            self.trip();
        }
        if let Some(order) = &self.0.order {
            order.step_back().await;
        }
        if *self.0.tripped.borrow() {
            std::future::pending::<()>().await;
        }
        // Odd hops lie in front of an effect.
        let place = if hop.is_multiple_of(2) { None } else { self.place().clone() };
        if let Some(place) = place {
            place.turn().await;
        }
    }

    /// From now on every effect waits for its turn; without a place, for nobody's.
    pub fn sit(&self, place: Option<Place>) {
        *self.place() = place;
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.0.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills the container: from now on no hop returns.
    pub fn trip(&self) {
        self.0.tripped.send_replace(true);
    }

    /// Returns once the container has been killed.
    pub async fn tripped(&self) {
        let mut watch = self.0.tripped.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = watch.wait_for(|tripped| *tripped).await;
    }

    /// Hops passed since the link was last armed.
    #[must_use]
    pub fn hops(&self) -> u64 {
        self.0.hops.load(Ordering::Relaxed)
    }
}
