//! The promises that a run is held to: what they are called, and what excuses a run from which.
//!
//! Whoever reads an experiment must know what it may be excused from, and not how that is judged.
//! Invariant: who judges is nobody's business here: that is in [`checks`](crate::checks), a judge for each.

mod check;
mod demands;

pub use check::{Check, Promise};
pub use demands::{DEMANDS, Demand, Unless, excused};
