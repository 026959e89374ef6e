//! The promises that a run is held to, and what they are called.
//!
//! Whoever reads an experiment must know what it may be excused from, and not how that is judged.
//! Invariant: who judges is nobody's business here: that is in [`checks`](crate::checks), a judge for each.

mod check;

pub use check::{Check, Promise};
