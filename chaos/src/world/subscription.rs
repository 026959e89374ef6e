//! Readers who are unsubscribed, and subscribe again.
//!
//! Invariant: publishing goes on as if they were there: SNS tells no publisher who reads.

use crate::cloud::services::Services;
use crate::cloud::sns::SubscriptionState;
use crate::faults::{Faults, Kind, Subject};
use std::convert::Infallible;

/// How often it is asked whether they are subscribed, ms.
const LOOK_MS: i64 = 60_000;

/// Takes the readers off `topic` whenever a fault says so, and puts them back when none does. Never returns.
pub(super) async fn unsubscribe(faults: &Faults, services: &Services, topic: Option<&str>) -> Infallible {
    // Without such a fault nothing needs to wake.
    if let Some(topic) = topic.filter(|_| faults.include(Kind::Unsubscribed)) {
        let clock = services.clock();
        loop {
            clock.sleep_until(clock.now().plus_ms(LOOK_MS)).await;
            let subject = Subject { id: topic, ..Subject::default() };
            let state = match faults.fires(Kind::Unsubscribed, clock.now(), &subject) {
                Some(_) => SubscriptionState::Deleted,
                None => SubscriptionState::Confirmed,
            };
            // A topic that is not there has no readers.
            let _ = services.sns().set_readers(topic, state);
        }
    }
    std::future::pending().await
}
