//! The embedded AWS services: state machines over virtual time, called by the real SDK.

pub mod config;
pub mod dynamodb;
#[cfg(test)]
mod fixtures;
pub mod ids;
pub mod names;
pub mod reply;
pub mod secrets;
pub mod services;
pub mod sqs;
pub mod wire;
