//! CloudFront: edges, regional caches and an origin shield in virtual time, and functions as they are deployed.
//!
//! Invariant: what a behavior, a policy or a function does is read from the template; nothing here knows of payments.

pub mod config;
