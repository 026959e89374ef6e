//! A payment as it goes to the provider, frozen when it was first received.
//!
//! The provider compares every repetition of a create with the first, parameter by parameter, and reads parameters by
//! the version they are sent under. So a row keeps both, word for word: a deployment may change either while a payment
//! is under way, and its repeats stay the same bytes under the same version.
//! Invariant: nothing in a request ever changes but by a new generation, which has a key of its own.

use crate::payment::{Fingerprint, Payment};
use std::sync::Arc;

/// What is asked of the provider for one payment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// The payment.
    pub payment: Payment,
    /// Digest over every field of the payment.
    pub fingerprint: Fingerprint,
    /// How it was put. Not part of the fingerprint: a deployment must not turn redeliveries into conflicts.
    pub wording: Arc<Wording>,
}

impl Request {
    /// Freezes `payment` as it is put into words.
    #[must_use]
    pub fn new(payment: Payment, wording: Arc<Wording>) -> Self {
        Self { fingerprint: payment.fingerprint(), payment, wording }
    }
}

/// A payment in the provider's words. The Stripe client chooses them (`stripe::wording`); here they are only kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wording {
    /// `Stripe-Version`.
    pub version: String,
    /// Parameters of the create.
    pub create: Form,
    /// Parameters of the confirm: what may be said there depends on how the intent was created.
    pub confirm: Form,
}

/// Names and values in the order in which they are sent, not yet encoded: percent signs would make a row of the largest
/// payment too large for DynamoDB.
pub type Form = Vec<(String, String)>;
