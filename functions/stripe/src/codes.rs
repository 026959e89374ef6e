//! The error codes of Stripe on which this client decides.
//!
//! Source: <https://docs.stripe.com/error-codes>; `ci/stripe-contract` holds them to the list in the official SDK.
//! Invariant: a code that is decided on is in [`ALL`].

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        $($(#[$doc])* pub(crate) const $name: &str = $code;)+

        /// Every code here.
        pub const ALL: &[&str] = &[$($code),+];
    };
}

codes! {
    /// The call does not fit the state of its intent.
    UNEXPECTED_STATE = "payment_intent_unexpected_state";
    /// Something that the request names does not exist.
    RESOURCE_MISSING = "resource_missing";
    /// Another request holds the object's lock.
    LOCK_TIMEOUT = "lock_timeout";
}
