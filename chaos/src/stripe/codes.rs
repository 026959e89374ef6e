//! The error codes that the fake answers with.
//!
//! Source: <https://docs.stripe.com/error-codes>; `ci/stripe-contract` sees each in an answer and holds it to the list in
//! the official SDK.
//! Invariant: an answer has no code that is not listed here or among those of a refused account.

use crate::faults::Refusal;

/// The value of an `error.code`; there are no others than the constants, and the codes of a refused account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(&'static str);

impl Code {
    /// The code of a refusal of the account, if it has one.
    pub(super) fn of(refusal: Refusal) -> Option<Self> {
        refusal.code().map(Self)
    }

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
    ACCOUNT_CLOSED = "account_closed";
    AMOUNT_TOO_LARGE = "amount_too_large";
    AMOUNT_TOO_SMALL = "amount_too_small";
    AUTHENTICATION_REQUIRED = "authentication_required";
    CARD_DECLINED = "card_declined";
    DEBIT_NOT_AUTHORIZED = "debit_not_authorized";
    EXPIRED_CARD = "expired_card";
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use";
    INCORRECT_CVC = "incorrect_cvc";
    INSUFFICIENT_FUNDS = "insufficient_funds";
    LOCK_TIMEOUT = "lock_timeout";
    NO_ACCOUNT = "no_account";
    PARAMETERS_EXCLUSIVE = "parameters_exclusive";
    PARAMETER_INVALID_EMPTY = "parameter_invalid_empty";
    PARAMETER_INVALID_INTEGER = "parameter_invalid_integer";
    PARAMETER_MISSING = "parameter_missing";
    PARAMETER_UNKNOWN = "parameter_unknown";
    PAYMENT_INTENT_UNEXPECTED_STATE = "payment_intent_unexpected_state";
    PAYMENT_METHOD_TYPES_NO_LONGER_SUPPORTED = "payment_method_types_no_longer_supported";
    PROCESSING_ERROR = "processing_error";
    RATE_LIMIT = "rate_limit";
    RESOURCE_MISSING = "resource_missing";
}
