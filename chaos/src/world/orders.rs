//! Orders that humans give the responder.
//!
//! Invariant: what came to nothing is ordered again, as whoever reads "try again" does, until it is carried out.

use crate::clock::Clock;
use crate::cloud::lambda::{Ended, Pool};
use crate::experiment::Order;
use std::convert::Infallible;

/// How long somebody waits before trying again, ms.
const TRY_AGAIN_MS: i64 = 60_000;

/// Invokes the responder as a human would, each order in its time, and again where nothing came of it. Never returns: a
/// run goes on without orders.
pub(super) async fn give_orders(orders: &[Order], responder: Option<&Pool>, clock: Clock) -> Infallible {
    for order in orders {
        clock.sleep_until(clock.start().plus_ms(i64::try_from(order.at_ms).unwrap_or(i64::MAX))).await;
        let Some(responder) = responder else { continue };
        while came_to_nothing(&responder.invoke(order.payload().to_string().into_bytes(), Vec::new()).await) {
            clock.sleep_until(clock.now().plus_ms(TRY_AGAIN_MS)).await;
        }
    }
    std::future::pending().await
}

/// Whether an order was not answered, or the answer is to try again.
fn came_to_nothing(ended: &Ended) -> bool {
    match &ended.outcome {
        Ok(answer) => String::from_utf8_lossy(answer).contains("try again"),
        Err(_) => true,
    }
}
