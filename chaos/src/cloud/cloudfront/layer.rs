//! Caches behind one another, from an edge to the origin, each with one question at a time for a path.
//!
//! Invariant: of all who want the same path of a cache at the same time, one question goes on to what is behind it.

use super::config::{CachePolicyConfig, ErrorConfig};
use super::copies::{Copies, Dated, Found, Terms};
use super::message::Request;
use super::origin::Origin;
use crate::clock::Clock;
use crate::cloud::container::BoxFuture;
use crate::cloud::crew::Crew;
use crate::journal::Source;
use crate::random::Stream;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// From one cache to the next and back, drawn evenly: virtual ms. Assumptions: an edge and its regional cache are of one
/// continent, and the shield is near the origin.
const TO_REGIONAL_MS: (u64, u64) = (4, 20);
const TO_SHIELD_MS: (u64, u64) = (10, 90);
const TO_ORIGIN_MS: (u64, u64) = (2, 8);

/// An answer on its way back.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) dated: Dated,
    pub(super) from: Source,
    /// Whether it was given although it had to be asked for anew.
    pub(super) is_stale: bool,
}

/// What one way through a distribution has in common.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) policy: CachePolicyConfig,
    pub(super) errors: BTreeMap<u16, ErrorConfig>,
}

impl Way {
    fn terms(&self) -> Terms<'_> {
        Terms { policy: self.policy, errors: &self.errors }
    }
}

/// One cache, and what is behind it.
pub(super) struct Layer {
    source: Source,
    behind: Behind,
    state: Mutex<State>,
    clock: Clock,
    crew: Crew,
}

#[derive(Clone)]
pub(super) enum Behind {
    Layer(Arc<Layer>),
    Origin(Arc<Origin>),
}

struct State {
    copies: Copies,
    /// Who waits for a question that is on its way, by path.
    waiting: BTreeMap<String, Vec<oneshot::Sender<Got>>>,
    hops: Stream,
}

impl Layer {
    pub(super) fn new(source: Source, behind: Behind, clock: Clock, crew: Crew, hops: Stream) -> Arc<Self> {
        let state = State { copies: Copies::default(), waiting: BTreeMap::new(), hops };
        Arc::new(Self { source, behind, state: Mutex::new(state), clock, crew })
    }

    /// What it has for a path, at once; a question goes on where what it has is stale. `None` where it has nothing.
    pub(super) fn glance(self: &Arc<Self>, way: &Arc<Way>, request: &Request) -> Option<Got> {
        let found = self.lock().copies.find(&request.path, self.clock.now());
        let (dated, is_stale) = match found {
            Found::Fresh(dated) => (dated, false),
            Found::Instead(dated) => (dated, true),
            Found::Stale(dated) => {
                self.ask(way, request, None);
                (dated, true)
            }
            Found::Nothing => return None,
        };
        Some(Got { dated, from: self.source, is_stale })
    }

    /// An answer for a path, whoever has it.
    pub(super) async fn get(self: Arc<Self>, way: Arc<Way>, request: Request) -> Got {
        if let Some(got) = self.glance(&way, &request) {
            return got;
        }
        let (waiter, answer) = oneshot::channel();
        self.ask(&way, &request, Some(waiter));
        // The crew's task is gone only when the whole cloud is, and with it whoever waits here.
        match answer.await {
            Ok(got) => got,
            Err(_) => std::future::pending().await,
        }
    }

    /// Makes room.
    pub(super) fn evict(&self, path: &str) {
        self.lock().copies.evict(path);
    }

    /// Sends a question on, unless one is on its way, and has it answer `waiter`, too.
    fn ask(self: &Arc<Self>, way: &Arc<Way>, request: &Request, waiter: Option<oneshot::Sender<Got>>) {
        let mut state = self.lock();
        if let Some(waiting) = state.waiting.get_mut(&request.path) {
            waiting.extend(waiter);
            return;
        }
        state.waiting.insert(request.path.clone(), waiter.into_iter().collect());
        let mut request = request.clone();
        // Each cache asks about its own copy.
        match state.copies.tag(&request.path) {
            Some(tag) => request.headers.insert("if-none-match".to_owned(), tag),
            None => request.headers.remove("if-none-match"),
        };
        drop(state);
        self.crew.start(Arc::clone(self).ask_behind(Arc::clone(way), request));
    }

    fn ask_behind(self: Arc<Self>, way: Arc<Way>, request: Request) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let path = request.path.clone();
            let hop_ms = self.hop_ms();
            self.clock.sleep_until(self.clock.now().plus_ms(hop_ms / 2)).await;
            let without_tag = bare_of_tag(&request);
            let mut got = self.ask_next(&way, request).await;
            // What was not to change is gone meanwhile, to make room.
            if got.dated.response.status == 304 && self.lock().copies.tag(&path).is_none() {
                got = self.ask_next(&way, without_tag).await;
            }
            self.clock.sleep_until(self.clock.now().plus_ms(hop_ms - hop_ms / 2)).await;
            let mut state = self.lock();
            let given = state.copies.keep(&path, got.dated.clone(), way.terms(), self.clock.now());
            // An older copy in the place of a failure is this cache's own.
            let is_own =
                !Arc::ptr_eq(&given.response, &got.dated.response) && got.dated.response.is_failure();
            let got = if is_own {
                Got { dated: given, from: self.source, is_stale: true }
            } else {
                Got { dated: given, ..got }
            };
            for waiter in state.waiting.remove(&path).into_iter().flatten() {
                // Whoever does not wait any more has gone.
                let _ = waiter.send(got.clone());
            }
        })
    }

    async fn ask_next(&self, way: &Arc<Way>, request: Request) -> Got {
        match &self.behind {
            Behind::Layer(layer) => Arc::clone(layer).get(Arc::clone(way), request).await,
            Behind::Origin(origin) => {
                let response = Arc::new(origin.ask(request).await);
                let dated = Dated { response, given_at: self.clock.now() };
                Got { dated, from: Source::Origin, is_stale: false }
            }
        }
    }

    fn hop_ms(&self) -> i64 {
        let (low, high) = match (self.source, &self.behind) {
            (_, Behind::Origin(_)) => TO_ORIGIN_MS,
            (Source::Edge, Behind::Layer(_)) => TO_REGIONAL_MS,
            (_, Behind::Layer(_)) => TO_SHIELD_MS,
        };
        i64::try_from(self.lock().hops.between(low, high)).unwrap_or(i64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same question of somebody who has nothing.
fn bare_of_tag(request: &Request) -> Request {
    let mut request = request.clone();
    request.headers.remove("if-none-match");
    request
}
