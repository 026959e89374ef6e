//! The error codes that the fake answers with.
//!
//! Source: <https://docs.stripe.com/error-codes>; `ci/stripe-contract` sees each in an answer and holds it to the list in
//! the official SDK.
//! Invariant: an answer has no code that is not listed here.

/// The value of an `error.code`; there are no others than the constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(&'static str);

impl Code {
    pub(super) const fn name(self) -> &'static str {
        self.0
    }
}

macro_rules! codes {
    ($($name:ident = $code:literal;)+) => {
        impl Code {
            $(pub(super) const $name: Self = Self($code);)+
        }

        /// Every error code that the fake can answer with.
        pub const ERROR_CODES: &[&str] = &[$($code),+];
    };
}

codes! {
    AMOUNT_TOO_LARGE = "amount_too_large";
    AMOUNT_TOO_SMALL = "amount_too_small";
    AUTHENTICATION_REQUIRED = "authentication_required";
    CARD_DECLINED = "card_declined";
    EXPIRED_CARD = "expired_card";
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use";
    INCORRECT_CVC = "incorrect_cvc";
    INSUFFICIENT_FUNDS = "insufficient_funds";
    LOCK_TIMEOUT = "lock_timeout";
    PARAMETER_INVALID_EMPTY = "parameter_invalid_empty";
    PARAMETER_INVALID_INTEGER = "parameter_invalid_integer";
    PARAMETER_MISSING = "parameter_missing";
    PARAMETERS_EXCLUSIVE = "parameters_exclusive";
    PARAMETER_UNKNOWN = "parameter_unknown";
    PAYMENT_INTENT_UNEXPECTED_STATE = "payment_intent_unexpected_state";
    PROCESSING_ERROR = "processing_error";
    RATE_LIMIT = "rate_limit";
    RESOURCE_MISSING = "resource_missing";
}
