//! A shop that hands payments in through the edge.
//!
//! Invariant: what was not taken is handed in again, byte for byte and under the same id, until it is taken or refused
//! for good.

use super::{Inner, Receipt};
use crate::cloud::cloudfront::Request;
use crate::random::Stream;
use crate::world::history::{Origin, Refused, Sent};
use payments::Payment;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Pauses between two tries, ms: twice as long each time.
const PAUSE_MS: (u64, u64) = (1_000, 60_000);
/// How often a payment is handed in before the shop gives up: half a day.
const TRIES_MAX: u32 = 720;

/// A shop. Cheap to clone.
#[derive(Clone)]
pub(in crate::world) struct Shop {
    inner: Arc<Inner>,
    authorization: Arc<str>,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Hand-ins that have not come to an end.
    pending: usize,
    sent: Vec<Sent>,
    refused: Vec<Refused>,
    /// Why a body was handed in, as often as it was.
    origins: BTreeMap<String, Vec<Origin>>,
    draws: Stream,
}

impl Shop {
    pub(super) fn new(inner: Arc<Inner>, authorization: String, seed: u64) -> Self {
        let state = State {
            pending: 0,
            sent: Vec::new(),
            refused: Vec::new(),
            origins: BTreeMap::new(),
            draws: Stream::new(seed, "shop"),
        };
        Self { inner, authorization: authorization.into(), state: Arc::new(Mutex::new(state)) }
    }

    /// Hands a body in; nobody waits for it.
    pub(in crate::world) fn hand_in(&self, body: String, origin: Origin) {
        let mut state = self.lock();
        state.pending += 1;
        state.origins.entry(body.clone()).or_default().push(origin);
        drop(state);
        let shop = self.clone();
        self.inner.crew.start(async move {
            shop.hand_in_until_taken(&body).await;
            shop.lock().pending -= 1;
        });
    }

    /// Whether everything that was handed in was taken, or refused for good.
    pub(in crate::world) fn is_done(&self) -> bool {
        self.lock().pending == 0
    }

    /// Messages that were taken.
    pub(in crate::world) fn accepted(&self) -> u64 {
        self.collect().sent.len() as u64
    }

    /// What was taken, and what was not.
    pub(in crate::world) fn sent(&self) -> (Vec<Sent>, Vec<Refused>) {
        let mut state = self.collect();
        (std::mem::take(&mut state.sent), std::mem::take(&mut state.refused))
    }

    async fn hand_in_until_taken(&self, body: &str) {
        let payment = Payment::parse(body).ok().map(|payment| payment.payment_id.to_string());
        let mut request = Request::new("POST", "/payments")
            .with("authorization", &self.authorization)
            .with("content-type", "application/json")
            .with("host", "edge.cloudfront.net");
        if let Some(payment) = &payment {
            request = request.with("payment-id", payment);
        }
        request.body = body.to_owned();
        let mut said = String::new();
        for tried in 0..TRIES_MAX {
            let answer = self.inner.cloudfront.answer(self.inner.any_edge(), request.clone()).await;
            match answer.status() {
                202 => {
                    if let Some(payment) = &payment {
                        let (at, link) = (self.inner.clock.now(), link(answer.body()));
                        let receipt = Receipt { at, payment: payment.clone(), link: link.clone() };
                        self.inner.looks().receipt(receipt);
                        link.into_iter().for_each(|link| self.inner.customer_comes(payment, link));
                    }
                    return;
                }
                // It was looked at, and would be refused again.
                status @ (400..=428 | 430..=499) => {
                    said = format!("{status} {}", answer.body());
                    break;
                }
                status => said = format!("{status} {}", answer.body()),
            }
            let longest_ms = (PAUSE_MS.0 << tried.min(16)).min(PAUSE_MS.1);
            let pause_ms = self.lock().draws.between(longest_ms / 2, longest_ms);
            self.inner.sleep_ms(pause_ms).await;
        }
        let at = self.inner.clock.now();
        self.lock().refused.push(Refused { at, why: said });
    }

    /// What came in since is the shop's. A body that came in more often than it was handed in is one whose answer got
    /// lost: a repeat.
    fn collect(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        for (at, message, body) in self.inner.cloudfront.handed_in().take() {
            let origins = state.origins.entry(body.clone()).or_default();
            let origin = if origins.is_empty() { Origin::Fault } else { origins.remove(0) };
            state.sent.push(Sent { at, message, body, origin });
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The link in the answer to a hand-in.
fn link(body: &str) -> Option<String> {
    let receipt: Value = serde_json::from_str(body).ok()?;
    receipt.get("link")?.as_str().map(str::to_owned)
}
