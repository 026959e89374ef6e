//! What the payment provider said, reduced to what the protocol needs to know.
//!
//! The Stripe client classifies answers into these; nothing here knows HTTP.
//! Invariant: an answer whose effect is unknown is [`Answer::Unknown`] and nothing else.

use crate::cause::Cause;
use crate::payment::Payment;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Stripe's id of a payment intent, for example `pi_3Mt…`. Any non-empty text: Stripe does not promise a form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentId(pub String);

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A payment intent as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// Where it stands.
    pub status: IntentStatus,
    /// Minor units.
    pub amount: i64,
    /// ISO code, lower case.
    pub currency: String,
    /// `metadata[payment_id]`.
    pub payment_id: Option<String>,
    /// `last_payment_error`, if the last confirmation was declined.
    pub last_decline: Option<DeclinedCharge>,
}

impl Intent {
    /// Whether this intent is for exactly this payment: same id, amount and currency.
    #[must_use]
    pub fn is_for(&self, payment: &Payment) -> bool {
        self.payment_id.as_deref() == Some(payment.payment_id.as_str())
            && self.amount == payment.amount.get()
            && self.currency == payment.currency.as_str()
    }
}

/// `status` of a payment intent (<https://docs.stripe.com/payments/paymentintents/lifecycle>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntentStatus {
    /// Declined before, or made without a payment method.
    RequiresPaymentMethod,
    /// Made, not confirmed.
    RequiresConfirmation,
    /// The customer would have to authenticate; nobody is there to do it.
    RequiresAction,
    /// The card network has not answered yet.
    Processing,
    /// Authorised only. Never asked for by us.
    RequiresCapture,
    /// Can never charge.
    Canceled,
    /// Money has moved.
    Succeeded,
    /// A status that did not exist when this was written.
    Other(String),
}

impl IntentStatus {
    /// As the provider words it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Canceled => "canceled",
            Self::Succeeded => "succeeded",
            Self::Other(name) => name,
        }
    }
}

/// Stripe's id of one attempt to charge, for example `ch_3Mt…`. Every confirmation that reaches an issuer has its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChargeId(pub String);

impl fmt::Display for ChargeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An issuer's no to one attempt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeclinedCharge {
    /// Why.
    pub decline: Decline,
    /// Which attempt: `charge` of the error (<https://docs.stripe.com/api/errors>). The same wherever this no is shown, so
    /// one that is heard twice is told from two.
    pub charge: Option<ChargeId>,
}

/// Why an issuer said no.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Decline {
    /// `code`, for example `card_declined`.
    pub code: String,
    /// `decline_code`, for example `insufficient_funds`.
    pub decline_code: Option<String>,
    /// `advice_code`: what the network says of trying again, for example `do_not_try_again`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice_code: Option<String>,
}

impl Decline {
    /// An intent that wants the customer, who is not there.
    #[must_use]
    pub fn authentication_required() -> Self {
        Self { code: "authentication_required".to_owned(), decline_code: None, advice_code: None }
    }

    /// A human found, where our key cannot look, that the payment was not charged and never will be.
    #[must_use]
    pub fn not_charged() -> Self {
        Self { code: "not_charged".to_owned(), decline_code: None, advice_code: None }
    }

    /// Declines that a later attempt with the same card may overcome, unless the network advises against any
    /// (<https://docs.stripe.com/declines/codes>, <https://docs.stripe.com/declines/card#retrying-issuer-declines>).
    #[must_use]
    pub fn is_soft(&self) -> bool {
        const SOFT: [&str; 3] = ["try_again_later", "processing_error", "issuer_not_available"];
        const NEVER: &str = "do_not_try_again";
        let advised_against = [&self.advice_code, &self.decline_code].contains(&&Some(NEVER.to_owned()));
        !advised_against && (SOFT.contains(&self.reason()) || SOFT.contains(&self.code.as_str()))
    }

    /// The most precise code there is.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.decline_code.as_deref().unwrap_or(&self.code)
    }
}

/// What one call to the provider came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// 2xx with a readable intent.
    Intent(Intent),
    /// 402 in an issuer's words: the card was declined.
    Declined(DeclinedCharge),
    /// 400 `payment_intent_unexpected_state`: the call does not fit the intent, which came along.
    UnexpectedState(Intent),
    /// The call may or may not have had its effect: time-out, broken connection, 5xx, unreadable body.
    Unknown {
        /// What was seen.
        cause: Cause,
        /// Whether the same call would only get the same stored answer.
        replay: Replay,
    },
    /// The call certainly had no effect and may be made again later.
    NotDone {
        /// Why not.
        cause: Cause,
    },
    /// The key stands for an answer that is of no use: that to other parameters (400 `idempotency_error`), or a refusal
    /// that it replays for a day.
    KeySpent,
    /// 404 for the intent itself: it does not exist for these credentials.
    IntentMissing,
    /// Refused for good: making the same call again cannot help.
    Refused(Refusal),
}

/// A refusal, as far as one is told from another: those that read alike have one reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `error.code`, or its type where there is no code.
    pub code: String,
    /// `error.param`, the parameter that is at fault.
    pub param: Option<String>,
    /// Where there is no code, what the error says instead, without what may be a customer's.
    pub text: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if let Some(param) = &self.param {
            write!(f, " ({param})")?;
        }
        self.text.as_ref().map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}

/// Whether an idempotency key is spent on a stored failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Replay {
    /// The same key may still lead somewhere.
    Open,
    /// `Idempotent-Replayed: true` or `Stripe-Should-Retry: false`: the key answers this for 24 h.
    Stored,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_for_a_payment_only_if_id_amount_and_currency_are_its_own() {
        let body =
            r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
        let payment = Payment::parse(body).expect("valid");
        let intent = Intent {
            id: IntentId("pi_1".to_owned()),
            status: IntentStatus::RequiresConfirmation,
            amount: 1999,
            currency: "eur".to_owned(),
            payment_id: Some("order-1".to_owned()),
            last_decline: None,
        };
        assert!(intent.is_for(&payment));
        for other in [
            Intent { amount: 2000, ..intent.clone() },
            Intent { currency: "usd".to_owned(), ..intent.clone() },
            Intent { payment_id: Some("order-2".to_owned()), ..intent.clone() },
            Intent { payment_id: None, ..intent.clone() },
        ] {
            assert!(!other.is_for(&payment), "{other:?}");
        }
    }
}
