//! The journal: everything that happened in a run, in order, in virtual time.
//!
//! It holds parsed facts, never request bodies: bodies come out of hash maps and differ between processes. Everybody
//! writes into it, so it knows nobody: only what faults are called.
//! Invariant: same experiment and seed, same bytes.

mod access;
mod alarm;
mod bus;
mod edge;
mod fault;
mod function;
mod move_task;
mod pipe;
mod queue;
mod stripe;
mod table;
#[cfg(test)]
mod tests;
mod topic;

pub use access::AccessDenied;
pub use alarm::{AlarmChanged, StateValue};
pub use bus::{BusEvent, UndeliveredFor};
pub use edge::{EdgeEvent, Served, Source};
pub use fault::FaultFired;
pub use function::{DroppedFor, FailedBy, FunctionEvent, MetricLine};
pub use move_task::{MoveEnd, MoveFailure, MoveTaskEvent};
pub use pipe::PipeEvent;
pub use queue::QueueEvent;
pub use stripe::{Operation, StripeEvent};
pub use table::{Letter, TableEvent};
pub use topic::TopicEvent;

use payments::UnixMs;
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// When it happened, in virtual time.
    pub at: UnixMs,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen, by who it happens to. What is in there is named for the fact, in the past tense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// A message in a queue.
    Queue(QueueEvent),
    /// A move task.
    MoveTask(MoveTaskEvent),
    /// A topic.
    Topic(TopicEvent),
    /// A Lambda function.
    Function(FunctionEvent),
    /// Stripe.
    Stripe(StripeEvent),
    /// An item of a table.
    Table(TableEvent),
    /// An alarm.
    Alarm(AlarmChanged),
    /// An event on the bus.
    Bus(BusEvent),
    /// A change on its way through a pipe.
    Pipe(PipeEvent),
    /// A request at an edge, or behind it.
    Edge(EdgeEvent),
    /// A fault of the experiment.
    Fault(FaultFired),
    /// Somebody who may not do what it tried.
    Access(AccessDenied),
}

/// Whoever records what happened need not say to whom: its type does.
macro_rules! events {
    ($($of:ident($event:ident)),+ $(,)?) => {
        $(impl From<$event> for Event {
            fn from(event: $event) -> Self {
                Self::$of(event)
            }
        })+
    };
}

events! {
    Queue(QueueEvent),
    MoveTask(MoveTaskEvent),
    Topic(TopicEvent),
    Function(FunctionEvent),
    Stripe(StripeEvent),
    Table(TableEvent),
    Alarm(AlarmChanged),
    Bus(BusEvent),
    Pipe(PipeEvent),
    Edge(EdgeEvent),
    Fault(FaultFired),
    Access(AccessDenied),
}

/// What has a name is written and shown by it.
macro_rules! words {
    ($($word:ident),+ $(,)?) => {
        $(impl Serialize for $word {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }

        impl fmt::Display for $word {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.name())
            }
        })+
    };
}

words! { DroppedFor, FailedBy, MoveEnd, MoveFailure, Operation, Source, StateValue, UndeliveredFor }

/// Where events go; cheap to clone, shared by everything in one world.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Vec<Record>>>);

impl Journal {
    /// Appends one event.
    pub fn record(&self, at: UnixMs, event: impl Into<Event>) {
        self.lock().push(Record { at, event: event.into() });
    }

    /// Everything recorded so far, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    /// How much was recorded so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Everything recorded so far, in order; the journal is empty afterwards.
    #[must_use]
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *self.lock())
    }

    /// Shows what was recorded from number `from` on, and says how many records there are now. For whoever follows a
    /// run: nothing is copied.
    pub fn follow(&self, from: usize, mut see: impl FnMut(&Record)) -> usize {
        let records = self.lock();
        records[from.min(records.len())..].iter().for_each(&mut see);
        records.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
