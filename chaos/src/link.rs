//! The network of one Lambda container, and the switch that kills it.
//!
//! Every call a function makes, to AWS or to Stripe, passes two hops of its container's link: one before the
//! effect and one after it. A hop is a crash point, unless nobody could tell a death there from a death at the hop before:
//! in front of an effect, with no other call under way, when since that hop no time has passed and nothing was recorded.
//! Invariant: once a link is tripped no hop of it returns, so nothing the dead container meant to do still happens.

use crate::clock::Clock;
use crate::journal::Journal;
use crate::order::Order;
use crate::turns::{Effect, Place};
use payments::UnixMs;
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
    course: Mutex<Course>,
    around: Option<Around>,
}

/// What a link of a container in a world looks at.
#[derive(Debug)]
struct Around {
    order: Order,
    clock: Clock,
    journal: Journal,
}

/// How far an invocation is.
#[derive(Debug, Default)]
struct Course {
    /// Calls that have left and are not back.
    away: u32,
    /// The instant of the last hop, and how much was recorded by then.
    last: Option<(UnixMs, usize)>,
    points: CrashPoints,
}

/// The hops of one invocation that are crash points, ascending, from 1. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct CrashPoints(Arc<Mutex<Vec<u64>>>);

impl CrashPoints {
    /// Those that were passed so far.
    #[must_use]
    pub fn passed(&self) -> Vec<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, hop: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(hop);
    }
}

/// A call that has left the container and is not back.
#[must_use = "a call comes back, or is given up"]
#[derive(Debug)]
pub struct Away<'a>(&'a Link);

impl Away<'_> {
    /// Passes the hop behind the effect. Does not return when the container is, or is being, killed here.
    pub async fn back(self) {
        self.0.hop(Side::Behind).await;
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.course().away -= 1;
    }
}

/// Where a hop lies, seen from the effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    InFront,
    Behind,
}

impl Default for Link {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Link {
    /// A link in a world: of hops at the same instant, a drawn order decides which is passed first.
    #[must_use]
    pub fn in_world(order: Order, clock: Clock, journal: Journal) -> Self {
        Self::new(Some(Around { order, clock, journal }))
    }

    fn new(around: Option<Around>) -> Self {
        Self(Arc::new(Inner {
            hops: AtomicU64::new(0),
            kill_at: AtomicU64::new(NEVER),
            tripped: watch::Sender::new(false),
            place: Mutex::default(),
            course: Mutex::default(),
            around,
        }))
    }

    /// Starts counting the hops of a new invocation, whose crash points are noted; with `kill_at`, that hop (1 = the
    /// first) never returns.
    pub fn arm(&self, kill_at: Option<u64>, points: CrashPoints) {
        self.0.hops.store(0, Ordering::Relaxed);
        self.0.kill_at.store(kill_at.unwrap_or(NEVER), Ordering::Relaxed);
        let mut course = self.course();
        (course.last, course.points) = (None, points);
    }

    /// Passes the hop in front of an effect. Does not return when the container is, or is being, killed here.
    pub async fn leave(&self, effect: Effect) -> Away<'_> {
        // Whoever waits for its turn is under way.
        self.course().away += 1;
        let call = Away(self);
        self.hop(Side::InFront).await;
        let place = self.place().clone();
        if let Some(place) = place {
            place.turn(effect).await;
        }
        call
    }

    async fn hop(&self, side: Side) {
        let hop = self.0.hops.fetch_add(1, Ordering::Relaxed) + 1;
        self.note(hop, side);
        if hop == self.0.kill_at.load(Ordering::Relaxed) {
            self.trip();
        }
        if let Some(around) = &self.0.around {
            around.order.step_back().await;
        }
        if *self.0.tripped.borrow() {
            std::future::pending::<()>().await;
        }
    }

    fn note(&self, hop: u64, side: Side) {
        let now = self.0.around.as_ref().map(|around| (around.clock.now(), around.journal.count()));
        let mut course = self.course();
        let alone = course.away == 1;
        let is_as_before = side == Side::InFront && alone && now.is_some() && course.last == now;
        if !is_as_before {
            course.points.push(hop);
        }
        course.last = now;
    }

    /// From now on every effect waits for its turn; without a place, for nobody's.
    pub fn sit(&self, place: Option<Place>) {
        *self.place() = place;
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.0.course.lock().unwrap_or_else(PoisonError::into_inner)
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
