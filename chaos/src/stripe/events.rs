//! What Stripe tells of its own accord: an event for whatever happens to an intent, with the intent as it then was.
//!
//! Of all that Stripe has events for, those about the beginning and the end of an intent. How an event gets to whoever
//! listens, and what becomes of it on its way, is the world's. <https://docs.stripe.com/api/events/object>
//! Invariant: an account that nobody listens to makes none, and draws nothing for them.

use super::intent::Intent;
use super::versions::Version;
use crate::random::Stream;
use payments::UnixMs;
use serde_json::{Value, json};

/// An intent was made.
pub const CREATED: &str = "payment_intent.created";
/// Its money moved.
pub const SUCCEEDED: &str = "payment_intent.succeeded";
/// An attempt was declined.
pub const PAYMENT_FAILED: &str = "payment_intent.payment_failed";
/// It can never charge.
pub const CANCELED: &str = "payment_intent.canceled";

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// When, in virtual time.
    pub at: UnixMs,
    /// Its `type`.
    pub what: &'static str,
    /// Id of the intent.
    pub intent: String,
    /// `metadata[payment_id]` of the intent.
    pub payment: Option<String>,
    /// The event object, with a snapshot of the intent.
    pub event: Value,
}

/// The events of an account that somebody listens to.
#[derive(Debug)]
pub(super) struct Events {
    ids: Stream,
    happened: Vec<Happened>,
}

impl Events {
    pub(super) fn new(seed: u64) -> Self {
        Self { ids: Stream::new(seed, "stripe/id/event"), happened: Vec::new() }
    }

    pub(super) fn tell(&mut self, what: &'static str, intent: &Intent, now: UnixMs) {
        let event = json!({
            "id": format!("evt_{:016x}{:08x}", self.ids.below(u64::MAX), self.ids.below(u64::from(u32::MAX))),
            "object": "event",
            "api_version": Version::DEFAULT.name(),
            "created": now.0.div_euclid(1_000),
            "data": { "object": intent.to_json() },
            "livemode": intent.mode().is_live(),
            "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null },
            "type": what,
        });
        let (id, payment) = (intent.id.clone(), intent.payment().map(str::to_owned));
        self.happened.push(Happened { at: now, what, intent: id, payment, event });
    }

    pub(super) fn take(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.happened.is_empty()
    }
}
