//! What the client sends, and what it makes of what comes back.
//!
//! One binary, because linking it takes longer than running it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy's leave stops at helper functions"
)]

mod answers;
mod fields;
mod lists;
mod real_transport;
mod recorded;
#[path = "../../../host/tests/recorder/mod.rs"]
mod recorder;
mod requests;
mod secret;
mod support;
mod timeouts;
