//! The three queues.
//!
//! Invariant: a message leaves a queue only after another holds it; attributes go along.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

use crate::config::Config;

/// One of the queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// The one that the consumer works on.
    Source,
    /// Where SQS puts what was received too often.
    DeadLetters,
    /// What waits for a human.
    Quarantine,
}

/// Where they are.
#[derive(Clone, Debug)]
struct Urls {
    source: String,
    dead_letters: String,
    quarantine: String,
}

impl Urls {
    fn of(config: &Config) -> Self {
        Self {
            source: config.source_queue_url.clone(),
            dead_letters: config.dead_letters_queue_url.clone(),
            quarantine: config.quarantine_queue_url.clone(),
        }
    }

    fn of_queue(&self, queue: Queue) -> &str {
        match queue {
            Queue::Source => &self.source,
            Queue::DeadLetters => &self.dead_letters,
            Queue::Quarantine => &self.quarantine,
        }
    }
}
