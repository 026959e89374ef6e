//! How AWS is called: time-outs and retries, the same in production and in simulation.
//!
//! Invariant: no AWS call outlasts [`AWS_CALL_MS`], so a hanging service cannot eat an invocation.

use crate::limits::{AWS_ATTEMPT_MS, AWS_ATTEMPTS, AWS_CALL_MS};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use std::time::Duration;

/// Time-outs of every AWS call. Attempts are bounded too: a lost answer is retried within the call.
#[must_use]
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(AWS_ATTEMPT_MS))
        .operation_timeout(Duration::from_millis(AWS_CALL_MS))
        .build()
}

/// Retries of every AWS call. All of ours may be repeated: ledger writes are conditional, the rest harmless.
#[must_use]
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(AWS_ATTEMPTS)
}

/// Off: it watches for slow downloads, of which there are none here, and would cut an attempt short of its
/// own time-out.
#[must_use]
pub fn stalled_streams() -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::disabled()
}
