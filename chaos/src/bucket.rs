//! A bucket of calls that is refilled evenly: how a service holds its callers to a rate.
//!
//! Invariant: integer arithmetic without a remainder, so nothing is lost between two calls.

use payments::UnixMs;

/// Holds a burst of calls, and is refilled at a rate.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate_per_s: i64,
    burst: i64,
    /// Thousandths of a call: what flows in within a millisecond is a whole number of them.
    millicalls: i64,
    /// When `millicalls` was right; absent until the first call.
    at: Option<UnixMs>,
}

const CALL: i64 = 1_000;

impl Bucket {
    pub(crate) const fn full(rate_per_s: i64, burst: i64) -> Self {
        Self { rate_per_s, burst, millicalls: burst * CALL, at: None }
    }

    /// Whether a call may be made now.
    pub(crate) fn has_one(&mut self, now: UnixMs) -> bool {
        let elapsed_ms = self.at.map_or(0, |at| now.since_ms(at).max(0));
        let flowed_in = elapsed_ms.saturating_mul(self.rate_per_s);
        self.millicalls = self.millicalls.saturating_add(flowed_in).min(self.burst * CALL);
        self.at = Some(now);
        self.millicalls >= CALL
    }

    /// Makes one.
    pub(crate) const fn take(&mut self) {
        self.millicalls -= CALL;
    }
}
