//! A thin Stripe client: one method per call of the charge protocol, one answer per call.
//!
//! [`Client`] builds the request, waits for a bounded time, and says what the answer means in the words of
//! [`payments::provider`]. It never retries: whether a call is repeated is for the protocol to decide, which knows
//! what a repeat could cost. How bytes travel is a [`Transport`]: TLS in production ([`transport::over_tls`]),
//! memory in simulation. Where the key comes from is [`Secret`]: it lives here because both functions need it and
//! its rule, when to fetch again, follows from how Stripe refuses keys.
//!
//! Invariant: an answer whose effect is not certain is `Answer::Unknown` and nothing else.

mod base;
mod classify;
mod client;
mod envelope;
mod key;
pub mod limits;
mod request;
mod secret;
pub mod transport;

pub use base::{ApiBase, BadApiBase};
pub use client::{Client, NotWarm, Probe, Reply};
pub use key::{ApiKey, BadApiKey};
pub use secret::Secret;
pub use transport::{BoxError, Transport, TransportError};

/// The `Stripe-Version` every call is sent under, but for a create that repeats an older one.
///
/// Pinned, because without the header the account's default applies, and somebody can change that in a dashboard
/// while payments are under way. This one, because it is the newest whose objects we could read in the types
/// generated from Stripe's own specification. Raising it is safe for rows in flight: a row keeps the version its
/// create was first sent under.
pub const STRIPE_VERSION: &str = "2026-09-30.endive";
