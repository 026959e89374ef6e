//! Rate limits: one bucket for the account, one for each endpoint.
//!
//! They stand before the idempotency layer, so what they refuse is never stored under a key.
//! Source: <https://docs.stripe.com/rate-limits>. Stripe's concurrency limiters have no published numbers; only a fault
//! answers in their name.
//! Invariant: in any second that follows a pause, an endpoint executes at most twice its rate: a full bucket, and what
//! flows in.

use super::limits::{CALLS_PER_S, ENDPOINT_CALLS_PER_S, SEARCHES_PER_S};
use crate::bucket::Bucket;
use payments::UnixMs;
use std::collections::BTreeMap;

/// `Stripe-Rate-Limited-Reason`: which limiter refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limiter {
    /// Too many calls of the account at once.
    GlobalConcurrency,
    /// Too many calls of the account in a second.
    GlobalRate,
    /// Too many calls of one endpoint at once.
    EndpointConcurrency,
    /// Too many calls of one endpoint in a second.
    EndpointRate,
    /// Too many calls on one object.
    ResourceSpecific,
}

impl Limiter {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::GlobalConcurrency,
        Self::GlobalRate,
        Self::EndpointConcurrency,
        Self::EndpointRate,
        Self::ResourceSpecific,
    ];

    /// The value of the header.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GlobalConcurrency => "global-concurrency",
            Self::GlobalRate => "global-rate",
            Self::EndpointConcurrency => "endpoint-concurrency",
            Self::EndpointRate => "endpoint-rate",
            Self::ResourceSpecific => "resource-specific",
        }
    }
}

/// The buckets of one account.
#[derive(Debug)]
pub(super) struct Buckets {
    account: Bucket,
    endpoints: BTreeMap<&'static str, Bucket>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { account: per_second(CALLS_PER_S), endpoints: BTreeMap::new() }
    }
}

impl Buckets {
    /// Lets one call of `endpoint` pass, or says which limiter refuses it. A refused call costs nothing.
    pub(super) fn admit(&mut self, endpoint: &'static str, now: UnixMs) -> Result<(), Limiter> {
        let rate_per_s = if endpoint == "search" { SEARCHES_PER_S } else { ENDPOINT_CALLS_PER_S };
        let endpoint = self.endpoints.entry(endpoint).or_insert_with(|| per_second(rate_per_s));
        if !endpoint.has_one(now) {
            return Err(Limiter::EndpointRate);
        }
        if !self.account.has_one(now) {
            return Err(Limiter::GlobalRate);
        }
        endpoint.take();
        self.account.take();
        Ok(())
    }
}

/// Holds a second's worth of calls.
const fn per_second(calls: i64) -> Bucket {
    Bucket::full(calls, calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMs = UnixMs(1_000);

    fn admitted(buckets: &mut Buckets, endpoint: &'static str, calls: i64, now: UnixMs) -> i64 {
        (0..calls).map(|_| i64::from(buckets.admit(endpoint, now).is_ok())).sum()
    }

    #[test]
    fn an_endpoint_takes_its_rate_at_once_and_then_refills_evenly() {
        let mut buckets = Buckets::default();
        assert_eq!(admitted(&mut buckets, "create", 1_000, START), ENDPOINT_CALLS_PER_S);
        assert_eq!(buckets.admit("create", START), Err(Limiter::EndpointRate));
        assert_eq!(admitted(&mut buckets, "create", 9, START.plus_ms(200)), 5);
        assert_eq!(admitted(&mut buckets, "create", 1_000, START.plus_ms(60_000)), ENDPOINT_CALLS_PER_S);
    }

    #[test]
    fn endpoints_have_budgets_of_their_own_and_share_the_accounts() {
        let mut buckets = Buckets::default();
        let endpoints = ["create", "confirm", "retrieve", "cancel"];
        for endpoint in endpoints {
            assert_eq!(admitted(&mut buckets, endpoint, ENDPOINT_CALLS_PER_S, START), ENDPOINT_CALLS_PER_S);
        }
        assert_eq!(buckets.admit("probe", START), Err(Limiter::GlobalRate));
        assert_eq!(CALLS_PER_S, 4 * ENDPOINT_CALLS_PER_S);
    }

    #[test]
    fn searches_have_a_smaller_budget_than_other_calls() {
        let mut buckets = Buckets::default();
        assert_eq!(admitted(&mut buckets, "search", 1_000, START), SEARCHES_PER_S);
        assert_eq!(admitted(&mut buckets, "list", 1_000, START), ENDPOINT_CALLS_PER_S);
    }

    #[test]
    fn what_the_account_refuses_costs_the_endpoint_nothing() {
        let mut buckets = Buckets::default();
        for endpoint in ["create", "confirm", "retrieve", "cancel"] {
            admitted(&mut buckets, endpoint, ENDPOINT_CALLS_PER_S, START);
        }
        assert_eq!(admitted(&mut buckets, "probe", 1_000, START), 0);
        assert_eq!(admitted(&mut buckets, "probe", 1_000, START.plus_ms(1_000)), ENDPOINT_CALLS_PER_S);
    }
}
