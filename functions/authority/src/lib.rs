//! The right to move money, as a value.
//!
//! Whoever holds a [`ToCharge`] may build a `stripe::Charger`, and nobody else can. A crate of its own, because what a
//! crate does not depend on it cannot name: the consumer depends on this one, the responder does not, and no feature
//! or build of the whole workspace changes that.
//!
//! Invariant: there is one way to obtain the right, and it is spelled out where it is taken.

/// The right to create, confirm and cancel intents.
#[derive(Debug)]
// Neither `Default` nor `From`: they would give it to whoever can name the type of an argument.
pub struct ToCharge(());

impl ToCharge {
    /// Takes the right. For the consumer, and for tests of what it calls.
    #[must_use]
    pub const fn assume() -> Self {
        Self(())
    }
}
