//! The course of a run, and the decision when it is over.
//!
//! Invariant: a run ends. After the last arrival and the last fault the time to drain is bounded, whatever the functions
//! do.

use super::edge::Shop;
use super::history::{Ending, Refused, Sent};
use super::incident;
use super::producer::Producer;
use super::{Deployed, Experiment, Names, WorldError};
use crate::clock::Clock;
use crate::cloud::services::Services;
use crate::faults::Faults;
use crate::journal::{Event, Journal, QueueEvent};
use crate::workload::Arrival;
use payments::UnixMs;
use payments::limits::TURN_S_MAX;
use std::fmt;
use std::ops::ControlFlow;

/// How often, in virtual ms, a run looks whether it is over. Often enough that its end is known to a few seconds,
/// seldom enough to cost nothing.
const LOOK_MS: i64 = 5_000;

/// The same in real time, in which somebody waits whose Ctrl-C is to be heard.
const LOOK_OFTEN_MS: i64 = 500;

/// How long an order may take to be on record, ms: one turn of the responder.
const ORDER_MS: u64 = TURN_S_MAX as u64 * 1_000;

/// What a run waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Left {
    /// Messages are still to be sent, or a fault is still to end.
    #[default]
    Experiment,
    /// The source queue is to be empty.
    Deliveries,
    /// The dead-letter queue is.
    DeadLetters,
    /// This alarm is to clear.
    Alarm(String),
    /// The responder is to have done, and told, all that a recovery takes.
    Recovery,
    /// The same of the notice of what is in quarantine.
    Notice,
    /// Nothing more: what it came to is looked at.
    Nothing,
}

impl fmt::Display for Left {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Experiment => out.write_str("the experiment goes on"),
            Self::Deliveries => out.write_str("messages wait for their delivery"),
            Self::DeadLetters => out.write_str("dead letters wait for their redrive"),
            Self::Alarm(alarm) => write!(out, "{alarm} is in ALARM"),
            Self::Recovery => out.write_str("the recovery goes on"),
            Self::Notice => out.write_str("the quarantine is to be told of"),
            Self::Nothing => out.write_str("the audit at the end"),
        }
    }
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The virtual instant.
    pub now: UnixMs,
    /// Messages sent.
    pub sent: u64,
    /// Messages the consumer is done with.
    pub done: u64,
    /// Messages in the dead-letter queue.
    pub dead_lettered: u64,
    /// What it waits for.
    pub left: Left,
}

/// A run in progress.
pub(super) struct Play<'a> {
    experiment: &'a Experiment,
    deployed: &'a Deployed,
    names: &'a Names,
    services: Services,
    journal: &'a Journal,
    producer: Producer<'a>,
    quiet_from: UnixMs,
    followed: usize,
    progress: Progress,
    look_ms: i64,
}

impl<'a> Play<'a> {
    pub(super) fn new(
        experiment: &'a Experiment,
        deployed: &'a Deployed,
        services: Services,
        (faults, journal): (Faults, &'a Journal),
        (arrivals, shop): (Vec<Arrival>, Option<Shop>),
    ) -> Self {
        let quiet_from = quiet_from(experiment, services.clock(), &arrivals);
        let names = &deployed.names;
        let producer = Producer::new(&names.source, services.clone(), faults, (arrivals, shop));
        let progress = Progress::default();
        let (followed, look_ms) = (0, LOOK_MS);
        Self {
            experiment,
            deployed,
            names,
            services,
            journal,
            producer,
            quiet_from,
            followed,
            progress,
            look_ms,
        }
    }

    /// Looks as often as somebody who watches.
    pub(super) const fn look_often(&mut self) {
        self.look_ms = LOOK_OFTEN_MS;
    }

    /// What was sent, and what SQS would not take.
    pub(super) fn sent(self) -> (Vec<Sent>, Vec<Refused>) {
        self.producer.into_sent()
    }

    /// Sends everything in its time and waits until the run is over.
    pub(super) async fn run_to_the_end(
        &mut self,
        watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Ending, WorldError> {
        let clock = *self.services.clock();
        let time_up = self.quiet_from.plus_ms(i64::try_from(self.experiment.drain_ms).unwrap_or(i64::MAX));
        let mut look = clock.now();
        loop {
            let now = clock.now();
            self.producer.send_due(now);
            if look <= now {
                look = now.plus_ms(self.look_ms);
                let progress = self.progress(now);
                if watch(&progress).is_break() {
                    return Err(WorldError::Interrupted(progress));
                }
                if progress.left == Left::Nothing {
                    return Ok(Ending::Drained);
                }
                if now >= time_up {
                    return Ok(Ending::TimeUp);
                }
            }
            let next = self.producer.next_due().map_or(look, |due| look.min(due));
            clock.sleep_until(next).await;
        }
    }

    fn left(&self, now: UnixMs) -> Left {
        if !self.is_quiet(now) {
            Left::Experiment
        } else if !self.is_drained() {
            Left::Deliveries
        } else {
            incident::left(self.deployed, &self.services, now).unwrap_or(Left::Nothing)
        }
    }

    /// Whether everything has been sent and no fault is left.
    fn is_quiet(&self, now: UnixMs) -> bool {
        now >= self.quiet_from && self.producer.is_done()
    }

    fn is_drained(&self) -> bool {
        self.services.sqs().next_receivable(&self.names.source).is_none()
    }

    fn progress(&mut self, now: UnixMs) -> Progress {
        let left = self.left(now);
        let Self { progress, names, .. } = self;
        self.followed = self.journal.follow(self.followed, |record| {
            let Event::Queue(event) = &record.event else { return };
            match event {
                QueueEvent::Deleted { queue, .. } if *queue == names.source => progress.done += 1,
                QueueEvent::DeadLettered { .. } => progress.dead_lettered += 1,
                // The responder moves dead letters on by hand, too.
                QueueEvent::Deleted { queue: from, .. } | QueueEvent::Redriven { from, .. }
                    if *from == names.dead_letters =>
                {
                    progress.dead_lettered = progress.dead_lettered.saturating_sub(1);
                }
                QueueEvent::Sent { .. }
                | QueueEvent::Received { .. }
                | QueueEvent::VisibilityChanged { .. }
                | QueueEvent::Deleted { .. }
                | QueueEvent::Expired { .. }
                | QueueEvent::Purged { .. }
                | QueueEvent::Redriven { .. } => {}
            }
        });
        progress.now = now;
        progress.sent = self.producer.accepted();
        progress.left = left;
        progress.clone()
    }
}

/// When everything of the workload has been sent and no fault is left.
fn quiet_from(experiment: &Experiment, clock: &Clock, arrivals: &[Arrival]) -> UnixMs {
    let last_ms = arrivals.last().map_or(0, |arrival| arrival.at_ms).max(experiment.faults_end_ms());
    let last_ms = experiment.orders.last().map_or(0, |order| order.at_ms + ORDER_MS).max(last_ms);
    clock.start().plus_ms(i64::try_from(last_ms).unwrap_or(i64::MAX))
}
