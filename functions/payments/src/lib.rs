//! Pure payment rules.
pub mod time;
pub use time::UnixMs;
