//! What the code of an execution sees: its steps, each of which is done once it is written down, and replayed from then on.
//!
//! Invariant: a step whose result is in the log is never run again.

use super::service::{Service, Step};
use crate::mutants::calls::Line;
use chaos::cloud::container::Container;
use chaos::turns::Effect;
use payments::UnixMs;

/// One way from a container to the service, ms: an assumption of the size of any call inside a region.
const CHECKPOINT_MS: i64 = 5;

/// What the service's log is called where effects have an order.
const LOG: Effect = Effect("durable executions");

/// An execution in one of its invocations.
pub(crate) struct Context {
    pub(crate) service: Service,
    pub(crate) container: Container,
    pub(crate) execution: String,
    /// The way to Stripe.
    pub(crate) line: Line,
}

/// What becomes of a step that was interrupted: begun, and not heard of again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Semantics {
    /// It is run again. The default.
    AtLeastOnce,
    /// It counts as a try that failed. That it begins is written down before it does.
    AtMostOncePerRetry,
}

/// How often a step is tried, and how long it waits in between: at first, and at most, in seconds. Waits double, and are
/// drawn from all that is shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) tries_max: u32,
    pub(crate) first_s: u64,
    pub(crate) longest_s: u64,
}

impl Retry {
    /// What a step has that names no other: six tries, 5 s, 60 s.
    pub(crate) const DEFAULT: Self = Self { tries_max: 6, first_s: 5, longest_s: 60 };
    /// None.
    pub(crate) const NO_OTHER: Self = Self { tries_max: 1, first_s: 5, longest_s: 60 };
    /// The longest wait that the guide's helper has, and tries for three days at least.
    pub(crate) const FOR_DAYS: Self = Self { tries_max: 2_000, first_s: 5, longest_s: 300 };

    /// How long to wait after so many failures, ms; `None` to give up.
    fn wait_ms(self, failures: u32, service: &Service) -> Option<i64> {
        if failures >= self.tries_max {
            return None;
        }
        let doubled_s = self.first_s.saturating_mul(1 << (failures - 1).min(20));
        let drawn_ms = service.draw(1_000 * doubled_s.min(self.longest_s));
        Some(i64::try_from(drawn_ms).unwrap_or(i64::MAX).max(1_000))
    }
}

/// Why an invocation goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A step waits for its next try.
    Until(UnixMs),
    /// A step failed for good, and with it the execution.
    Failed(String),
}

impl Context {
    /// A step: its result from the log, or else what running it comes to.
    pub(crate) async fn step(
        &self,
        name: &'static str,
        semantics: Semantics,
        retry: Retry,
        body: impl Future<Output = Result<String, String>>,
    ) -> Result<String, Stop> {
        let failures = match self.service.step(&self.execution, name) {
            Some(Step::Done(result)) => return Ok(result),
            Some(Step::Failed(why)) => return Err(Stop::Failed(why)),
            Some(Step::Waits(_, until)) if until > self.container.clock.now() => {
                return Err(Stop::Until(until));
            }
            // Only at most once is it written down that a step begins.
            Some(Step::Begun(tried)) => {
                return self.failed(name, retry, tried, "it was interrupted".to_owned()).await;
            }
            Some(Step::Waits(failures, _)) => failures,
            None => 0,
        };
        if semantics == Semantics::AtMostOncePerRetry {
            self.checkpoint(name, Step::Begun(failures + 1)).await;
        }
        match body.await {
            Ok(result) => {
                self.checkpoint(name, Step::Done(result.clone())).await;
                Ok(result)
            }
            Err(why) => self.failed(name, retry, failures + 1, why).await,
        }
    }

    async fn failed(
        &self,
        name: &'static str,
        retry: Retry,
        failures: u32,
        why: String,
    ) -> Result<String, Stop> {
        match retry.wait_ms(failures, &self.service) {
            Some(wait_ms) => {
                let until = self.container.clock.now().plus_ms(wait_ms);
                self.checkpoint(name, Step::Waits(failures, until)).await;
                Err(Stop::Until(until))
            }
            None => {
                self.checkpoint(name, Step::Failed(why.clone())).await;
                Err(Stop::Failed(why))
            }
        }
    }

    /// Writes down how far a step is. Like any call it may be the last thing that its container does.
    async fn checkpoint(&self, step: &'static str, how_far: Step) {
        call(&self.container, || self.service.write(&self.execution, step, how_far)).await;
    }
}

/// A call to the service, over the container's network.
pub(crate) async fn call<T>(container: &Container, effect: impl FnOnce() -> T) -> T {
    let pass = async || container.clock.sleep_until(container.clock.now().plus_ms(CHECKPOINT_MS)).await;
    let away = container.link.leave(LOG).await;
    pass().await;
    let answer = effect();
    pass().await;
    away.back().await;
    answer
}
