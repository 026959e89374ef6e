//! Orders that humans give the responder.
//!
//! Invariant: what came to nothing is ordered again, as whoever reads "try again" does, until it is carried out.

use crate::clock::Clock;
use crate::cloud::lambda::{Ended, Pool};
use crate::experiment::Order;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

/// How long somebody waits before trying again, ms.
const TRY_AGAIN_MS: i64 = 60_000;

/// Every order that was given, each time that it was.
#[derive(Debug, Default)]
pub(super) struct Given(Mutex<Vec<Order>>);

impl Given {
    fn add(&self, order: Order) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(order);
    }

    pub(super) fn all(&self) -> Vec<Order> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Invokes the responder as a human would, each order in its time, and again where nothing came of it. Never returns: a
/// run goes on without orders.
pub(super) async fn give_orders(
    orders: &[Order],
    given: &Given,
    responder: Option<&Pool>,
    clock: Clock,
) -> Infallible {
    for order in orders {
        clock.sleep_until(clock.start().plus_ms(i64::try_from(order.at_ms).unwrap_or(i64::MAX))).await;
        let Some(responder) = responder else { continue };
        loop {
            let at_ms = u64::try_from(clock.now().since_ms(clock.start())).unwrap_or(0);
            given.add(Order { at_ms, ..order.clone() });
            let payload = order.payload().to_string().into_bytes();
            if !came_to_nothing(&responder.invoke(payload, Vec::new()).await) {
                break;
            }
            clock.sleep_until(clock.now().plus_ms(TRY_AGAIN_MS)).await;
        }
    }
    std::future::pending().await
}

/// Whether an order was not answered, or the answer is to try again; not when something else is over.
fn came_to_nothing(ended: &Ended) -> bool {
    match &ended.outcome {
        Ok(answer) => String::from_utf8_lossy(answer).contains("try again\""),
        Err(_) => true,
    }
}
