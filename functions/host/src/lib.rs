//! What the functions share of living on Lambda: the environment, AWS, the time, logs, metrics, what is said
//! of an invocation, and copies for quarantine.
//!
//! A crate of its own, because the responder must be unable to reach the consumer, which confirms.
//!
//! Invariant: nothing here reads the environment or a clock by itself; both are passed in by `main`, or by a world.

pub mod aws;
pub mod batch;
mod clock;
mod environment;
mod invocation;
pub mod limits;
pub mod logs;
mod metrics;
pub mod quarantine;

pub use clock::Clock;
pub use environment::{ConfigError, Environment};
pub use invocation::{Invocation, TraceId};
pub use metrics::Metrics;
