//! Virtual time: tokio's paused clock, read as Unix time from a chosen start. In a runtime that is not paused it is real.
//!
//! Invariant: no code of the simulation reads any other clock.

use aws_smithy_async::time::TimeSource;
use payments::UnixMs;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The world's clock. Must be made inside the runtime whose time it follows.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    start: UnixMs,
}

impl Clock {
    /// A clock that reads `start` now and follows tokio's virtual time from here on.
    #[must_use]
    pub fn starting_at(start: UnixMs) -> Self {
        Self { origin: Instant::now(), start }
    }

    /// The instant at which the clock was started.
    #[must_use]
    pub const fn start(&self) -> UnixMs {
        self.start
    }

    /// The current virtual instant.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        let elapsed = self.origin.elapsed().as_millis();
        self.start.plus_ms(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }

    /// Sleeps until `instant`; returns at once when it has passed.
    pub async fn sleep_until(&self, instant: UnixMs) {
        let ms = u64::try_from(instant.since_ms(self.start)).unwrap_or(0);
        tokio::time::sleep_until(self.origin + Duration::from_millis(ms)).await;
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        let ms = u64::try_from(Self::now(self).0).unwrap_or(0);
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }
}
