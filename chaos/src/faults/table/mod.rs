//! The rows of the table of faults, a file for each family.
//!
//! Invariant: `Kind::describe` names every row, so the compiler misses none.

pub(super) mod aws;
pub(super) mod input;
pub(super) mod lambda;
pub(super) mod stripe;
