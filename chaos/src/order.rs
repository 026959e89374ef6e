//! The order in which tasks go on that are ready at the same instant.
//!
//! The runtime's queue is first in, first out: what became ready first is polled first, in every run, and whoever relies
//! on that is never found out. So a task that is ready lets others go first, as often as is drawn for it.
//! Invariant: no time passes meanwhile, and one seed draws one order.

use crate::random::Stream;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

/// How often a task lets all others go first, at most.
const STEPS_BACK_MAX: u64 = 3;

/// An order, drawn as it is needed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Order(Arc<Mutex<Stream>>);

impl Order {
    /// The order of a seed and a name.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        Self(Arc::new(Mutex::new(Stream::new(seed, name))))
    }

    /// Goes on after some of those that are ready as well.
    pub async fn step_back(&self) {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner).between(0, STEPS_BACK_MAX);
        for _ in 0..steps {
            let mut has_stepped = false;
            poll_fn(|context| {
                if has_stepped {
                    return Poll::Ready(());
                }
                has_stepped = true;
                // At the end of the queue of those that are ready.
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::time::Duration;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    /// The order in which three tasks go on that wake at the same instant.
    async fn story(seed: u64) -> Vec<u64> {
        let (order, arrived) = (Order::new(seed, "tasks"), Arc::new(Mutex::new(Vec::new())));
        let (mut tasks, began) = (JoinSet::new(), Instant::now());
        for task in 0..3 {
            let (order, arrived) = (order.clone(), Arc::clone(&arrived));
            tasks.spawn(async move {
                tokio::time::sleep_until(began + Duration::from_secs(1)).await;
                order.step_back().await;
                assert_eq!(began.elapsed(), Duration::from_secs(1));
                arrived.lock().expect("nobody panicked").push(task);
            });
        }
        tasks.join_all().await;
        let arrived = arrived.lock().expect("nobody panicked");
        arrived.clone()
    }

    #[tokio::test(start_paused = true)]
    async fn the_seed_decides_who_goes_on_first() {
        let mut stories = BTreeSet::new();
        for seed in 0..50 {
            let told = story(seed).await;
            assert_eq!(told, story(seed).await);
            stories.insert(told);
        }
        assert_eq!(stories.len(), 6, "{stories:?}");
    }
}
