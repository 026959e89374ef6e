//! A thin Stripe client: one method per call of the charge protocol, one answer per call.
//!
//! Two capabilities: a [`Reader`] asks, a [`Charger`] moves money, and building one takes [`authority::ToCharge`]. Each call
//! builds its request, waits for a bounded time, and says what the answer means in the words of
//! [`payments::provider`]. None is retried: whether a call is repeated is for the protocol to decide, which knows
//! what a repeat could cost. How bytes travel is a [`Transport`]: TLS in production ([`transport::over_tls`]),
//! memory in simulation. Where the key comes from is [`Secret`]: it lives here because both functions need it and
//! its rule, when to fetch again, follows from how Stripe refuses keys.
//!
//! Invariant: an answer whose effect is not certain is `Answer::Unknown` and nothing else.

mod base;
mod charger;
mod classify;
pub mod codes;
mod envelope;
mod key;
pub mod limits;
mod list;
mod mode;
mod reader;
mod request;
mod secret;
mod sender;
pub mod transport;
pub mod words;

pub use base::{ApiBase, BadApiBase};
pub use charger::Charger;
pub use key::{ApiKey, BadApiKey};
pub use list::{Ask, Listing};
pub use mode::Mode;
pub use reader::{Probe, Reader};
pub use request::wording;
pub use secret::{Refusable, Secret, Tried};
pub use sender::{NotWarm, Reply};
pub use transport::{BoxError, Transport, TransportError};

/// The `Stripe-Version` every call is sent under, but for a create or confirm of a payment that began under an older one.
///
/// Pinned, because without the header the account's default applies, and somebody can change that in a dashboard
/// while payments are under way. This one, because it is the newest under which everything that the client sends is
/// documented to work together: from `2026-09-30.endive` on there is no `payment_method_types` any more, and
/// `error_on_requires_action` is documented to go with nothing else
/// (<https://docs.stripe.com/changelog/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents>).
/// It is the version of the official Python SDK 15.6.2, whose types `ci/stripe-contract` holds us to.
pub const STRIPE_VERSION: &str = "2026-08-26.dahlia";
