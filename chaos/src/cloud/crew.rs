//! Work that begins while the world runs: deliveries on their way, invocations nobody waits for.
//!
//! Invariant: everything a crew was given is owned by one task of the cloud, and ends with it.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinSet};

use super::container::BoxFuture;

type Work = BoxFuture<'static, ()>;

/// Hands work to the crew's task. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Crew(UnboundedSender<Work>);

impl Crew {
    /// A crew, and the task that does its work.
    pub(crate) fn new() -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), at_work(receiver))
    }

    /// Begins `work`; nobody waits for it.
    pub(crate) fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        // The task is gone only when the whole cloud is, and then there is nothing left to do.
        let _ = self.0.send(Box::pin(work));
    }
}

async fn at_work(mut receiver: UnboundedReceiver<Work>) {
    let mut at_work = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(done) = at_work.join_next() => pass_on_a_panic(done),
            work = receiver.recv() => match work {
                Some(work) => {
                    at_work.spawn(work);
                }
                None => break,
            },
        }
    }
    while let Some(done) = at_work.join_next().await {
        pass_on_a_panic(done);
    }
}

/// A panic in here is a fault of the harness, and must be seen by whoever watches the cloud.
fn pass_on_a_panic(done: Result<(), JoinError>) {
    if let Err(error) = done
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
