//! What the fake Stripe made of payment methods that it has no documented behaviour for.
//!
//! Invariant: what is counted here was charged as a good card, unless a fault declined it.

use crate::checks::{Evidence, Meaning};
use crate::stripe::is_taken_for_a_good_card;
use crate::units::counted;
use serde::Serialize;
use std::collections::BTreeSet;

/// Payments whose method is not one of Stripe's test methods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnknownMethods {
    /// How many payments.
    pub payments: u64,
    /// How many different methods they name.
    pub methods: u64,
}

impl UnknownMethods {
    /// `None` when every method is a test method, or a misspelt one, which is refused.
    pub(super) fn of(evidence: &Evidence<'_>) -> Option<Self> {
        let (mut payments, mut methods) = (BTreeSet::new(), BTreeSet::new());
        for message in evidence.messages.values() {
            if let Meaning::Payment(payment) = &message.meaning
                && is_taken_for_a_good_card(payment.payment_method.as_str())
            {
                payments.insert(payment.payment_id.as_str());
                methods.insert(payment.payment_method.as_str());
            }
        }
        (!payments.is_empty())
            .then_some(Self { payments: payments.len() as u64, methods: methods.len() as u64 })
    }

    pub(super) fn told(&self) -> String {
        let (payments, methods) =
            (counted(self.payments, "payment"), counted(self.methods, "payment method"));
        format!("{payments} with {methods} that Stripe documents no test behaviour for: taken for good cards")
    }
}
