//! The rules of the payment pipeline, and nothing else.
//!
//! What a message means ([`payment`]), what can be read of one that means nothing ([`legible`]), how it is put to the provider ([`request`]), what the ledger remembers ([`ledger`]), how a payment is charged at most
//! once ([`charge`]), when to try again ([`backoff`], [`breaker`], [`pace`]), whom to blame ([`cause`],
//! [`suspicion`], [`pulse`]), how an incident runs from the first sign to its end ([`incident`]), how the provider's books are held
//! against the ledger ([`audit`]), what its own events are good for ([`witness`]), and what a customer is told ([`status`],
//! [`link`]). Every number is in [`limits`].
//!
//! Invariant: nothing here performs I/O, reads a clock, draws randomness or looks at the environment.

pub mod audit;
pub mod backoff;
pub mod breaker;
pub mod cause;
pub mod charge;
pub mod incident;
mod json;
pub mod ledger;
pub mod legible;
pub mod limits;
pub mod link;
pub mod money;
pub mod pace;
pub mod payment;
pub mod provider;
pub mod pulse;
pub mod quarantine;
pub mod request;
pub mod status;
pub mod suspicion;
pub mod time;
pub mod witness;

pub use cause::Cause;
pub use ledger::Row;
pub use payment::{Payment, PaymentId};
pub use time::UnixMs;
