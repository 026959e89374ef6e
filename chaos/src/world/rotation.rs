//! Rotation of the Stripe key, as whoever is responsible for it should do it.
//!
//! Invariant: Stripe and the secret change at one instant; what a container remembers is all that can be stale.

use crate::cloud::services::Services;
use crate::faults::{Faults, Kind, Subject};
use crate::stripe::Provider;
use std::convert::Infallible;

/// How often it is asked whether to rotate the key, ms.
const LOOK_MS: i64 = 60_000;

/// Rotates the key in `secret` whenever a fault says so. Never returns.
pub(super) async fn rotate_keys(
    faults: &Faults,
    provider: &Provider,
    services: &Services,
    secret: &str,
) -> Infallible {
    let clock = services.clock();
    for rotation in 1.. {
        let key = format!("sk_test_rotated_{rotation}");
        wait_for_rotation(faults, services, &key).await;
        provider.stripe().rotate_key(&*key);
        services.secrets().put(secret, key, clock.now());
    }
    std::future::pending().await
}

async fn wait_for_rotation(faults: &Faults, services: &Services, key: &str) {
    // Without such a fault nothing needs to wake.
    if !faults.include(Kind::SecretRotated) {
        std::future::pending::<()>().await;
    }
    let clock = services.clock();
    let subject = Subject { id: key, ..Subject::default() };
    loop {
        clock.sleep_until(clock.now().plus_ms(LOOK_MS)).await;
        if faults.fires(Kind::SecretRotated, clock.now(), &subject).is_some() {
            return;
        }
    }
}
