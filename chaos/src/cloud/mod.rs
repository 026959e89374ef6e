//! The embedded AWS services: state machines over virtual time, called by the real SDK.

pub mod config;
