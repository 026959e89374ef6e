//! A small cloud for tests: a payments queue with its dead-letter queue.
//!
//! Invariant: it is configured like the deployed one wherever the number matters to a rule.

use super::config::{QueueConfig, RedriveConfig};
use payments::UnixMs;

/// 2019-07-10T16:35:00Z.
pub(crate) const START: UnixMs = UnixMs(1_562_776_500_000);

pub(crate) fn queue(name: &str) -> QueueConfig {
    QueueConfig {
        name: name.to_owned(),
        visibility_s: 360,
        retention_s: 345_600,
        delay_s: 0,
        message_bytes_max: 1_048_576,
        redrive: None,
    }
}

/// `payments`, which dead-letters to `dead` after `receives_max`, and `dead`.
pub(crate) fn queues(receives_max: u32) -> Vec<QueueConfig> {
    let redrive = Some(RedriveConfig { dead_letter_queue: "dead".to_owned(), receives_max });
    let dead = QueueConfig { retention_s: 1_209_600, ..queue("dead") };
    vec![QueueConfig { redrive, ..queue("payments") }, dead]
}
