//! The embedded AWS services: state machines over virtual time, called by the real SDK.

pub mod config;
#[cfg(test)]
mod fixtures;
pub mod ids;
pub mod names;
pub mod reply;
pub mod sqs;
