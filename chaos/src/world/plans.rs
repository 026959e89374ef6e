//! What the cloud asks about itself, answered from an experiment's faults.
//!
//! Invariant: the cloud knows plans and no faults; what a fault's scope calls `consumer` or `alarm` is decided here.

use super::Deployed;
use crate::cloud::container::CrashPlan;
use crate::cloud::eventbridge::{Attempt, DeliveryPlan};
use crate::faults::{Faults, Kind, Subject};
use payments::UnixMs;
use std::collections::BTreeSet;

/// What becomes of events on their way to a function.
pub(super) struct Deliveries {
    faults: Faults,
    schedules: BTreeSet<String>,
}

impl Deliveries {
    pub(super) fn new(faults: Faults, deployed: &Deployed) -> Self {
        let schedules = deployed.responder.iter().flat_map(|responder| &responder.schedules);
        Self { faults, schedules: schedules.map(|schedule| schedule.name.clone()).collect() }
    }
}

impl DeliveryPlan for Deliveries {
    fn attempt(&self, rule: &str, event: &str, _: u32, now: UnixMs) -> Attempt {
        let operation = if self.schedules.contains(rule) { "schedule" } else { "alarm" };
        let subject = Subject { operation, payment: None, id: event };
        if self.faults.fires(Kind::EventLost, now, &subject).is_some() {
            Attempt::Lost
        } else if self.faults.fires(Kind::EventTwice, now, &subject).is_some() {
            Attempt::AcceptedTwice
        } else {
            Attempt::Accepted
        }
    }
}

/// Which invocations are killed.
pub(super) struct Crashes {
    faults: Faults,
    consumer: String,
}

impl Crashes {
    pub(super) fn new(faults: Faults, deployed: &Deployed) -> Self {
        Self { faults, consumer: deployed.consumer.logical_id.clone() }
    }

    fn role(&self, function: &str) -> &'static str {
        if function == self.consumer { "consumer" } else { "responder" }
    }
}

impl CrashPlan for Crashes {
    fn kill_at(&self, function: &str, request: &str, now: UnixMs) -> Option<u64> {
        self.faults.kill_at(self.role(function), request, now)
    }

    fn crashed(&self, function: &str, request: &str, hop: u64, now: UnixMs) {
        self.faults.killed(self.role(function), request, hop, now);
    }
}
