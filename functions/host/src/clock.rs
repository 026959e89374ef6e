//! The time, passed in.
//!
//! Invariant: the functions read no other clock, so simulated time is all the time there is.

use aws_smithy_async::time::SharedTimeSource;
use payments::UnixMs;
use std::time::UNIX_EPOCH;

/// The clock the AWS SDK signs with, read in milliseconds.
#[derive(Clone, Debug)]
pub struct Clock(SharedTimeSource);

impl Clock {
    /// A clock that shows the time of `source`.
    #[must_use]
    pub const fn new(source: SharedTimeSource) -> Self {
        Self(source)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        let since_epoch = self.0.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMs(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}
