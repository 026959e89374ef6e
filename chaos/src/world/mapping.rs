//! The consumer's event source mapping, disabled and enabled again.
//!
//! Invariant: the mapping is as it was once no fault disables it.

use crate::clock::Clock;
use crate::cloud::event_source::{EventSource, MappingState};
use crate::faults::{Faults, Kind, Subject};
use std::convert::Infallible;
use std::sync::Arc;

/// How often it is asked whether it is disabled, ms.
const LOOK_MS: i64 = 60_000;

/// Disables the consumer's mappings whenever a fault says so, and enables them when none does. Never returns.
pub(super) async fn disable_mapping(
    faults: &Faults,
    clock: &Clock,
    sources: &[Arc<EventSource>],
) -> Infallible {
    // Without such a fault nothing needs to wake.
    if faults.include(Kind::MappingDisabled) {
        loop {
            clock.sleep_until(clock.now().plus_ms(LOOK_MS)).await;
            for source in sources {
                let subject = Subject { id: source.queue(), ..Subject::default() };
                source.set(match faults.fires(Kind::MappingDisabled, clock.now(), &subject) {
                    Some(_) => MappingState::Disabled,
                    None => MappingState::Enabled,
                });
            }
        }
    }
    std::future::pending().await
}
