//! The producer, and the decision when a run is over.
//!
//! Invariant: a run ends. The producer's instants are known before it starts, and after the last of them the time to
//! drain is bounded, whatever the functions do.

use super::history::{Ending, Origin, Refused, Sent};
use super::incident::Standing;
use super::{Deployed, Experiment, Names};
use crate::clock::Clock;
use crate::cloud::services::Services;
use crate::cloud::sqs::NewMessage;
use crate::faults::{Faults, Kind, Subject, malformed};
use crate::journal::{Event, Journal};
use crate::workload::Arrival;
use payments::UnixMs;
use payments::limits::TURN_S_MAX;
use std::collections::VecDeque;

/// How often, in virtual ms, a run looks whether it is over. Often enough that its end is known to a few seconds,
/// seldom enough to cost nothing.
const LOOK_MS: i64 = 5_000;

/// How long an order may take to be on record, ms: one turn of the responder.
const ORDER_MS: u64 = TURN_S_MAX as u64 * 1_000;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The virtual instant.
    pub now: UnixMs,
    /// Messages sent.
    pub sent: u64,
    /// Messages the consumer is done with.
    pub done: u64,
    /// Messages in the dead-letter queue.
    pub dead_lettered: u64,
}

/// A run in progress, as its producer sees it.
pub(super) struct Play<'a> {
    experiment: &'a Experiment,
    deployed: &'a Deployed,
    names: &'a Names,
    services: Services,
    faults: Faults,
    journal: &'a Journal,
    sent: Vec<Sent>,
    refused: Vec<Refused>,
    malformed: u64,
    followed: usize,
    progress: Progress,
}

impl<'a> Play<'a> {
    pub(super) fn new(
        experiment: &'a Experiment,
        deployed: &'a Deployed,
        services: Services,
        faults: Faults,
        journal: &'a Journal,
    ) -> Self {
        Self {
            experiment,
            deployed,
            names: &deployed.names,
            services,
            faults,
            journal,
            sent: Vec::new(),
            refused: Vec::new(),
            malformed: 0,
            followed: 0,
            progress: Progress::default(),
        }
    }

    /// What was sent, and what SQS would not take.
    pub(super) fn sent(self) -> (Vec<Sent>, Vec<Refused>) {
        (self.sent, self.refused)
    }

    /// Sends everything in its time and waits until the run is over.
    pub(super) async fn run_to_the_end(
        &mut self,
        arrivals: Vec<Arrival>,
        watch: &mut dyn FnMut(Progress),
    ) -> Ending {
        let clock = *self.services.clock();
        let quiet = self.quiet_from(&clock, &arrivals);
        let time_up = quiet.plus_ms(i64::try_from(self.experiment.drain_ms).unwrap_or(i64::MAX));
        let mut arrivals = VecDeque::from(arrivals);
        let mut look = clock.now();
        loop {
            let now = clock.now();
            self.send_due(&mut arrivals, &clock, now);
            if look <= now {
                look = now.plus_ms(LOOK_MS);
                watch(self.progress(now));
                if now >= quiet && self.is_drained() && self.standing(now).is_over() {
                    return Ending::Drained;
                }
                if now >= time_up {
                    return Ending::TimeUp;
                }
            }
            let next = arrivals.front().map_or(look, |arrival| look.min(due(arrival, &clock)));
            clock.sleep_until(next).await;
        }
    }

    /// When everything has been sent and no fault is left.
    fn quiet_from(&self, clock: &Clock, arrivals: &[Arrival]) -> UnixMs {
        let last_ms = arrivals.last().map_or(0, |arrival| arrival.at_ms).max(self.experiment.faults_end_ms());
        let last_ms = self.experiment.orders.last().map_or(0, |order| order.at_ms + ORDER_MS).max(last_ms);
        clock.start().plus_ms(i64::try_from(last_ms).unwrap_or(i64::MAX))
    }

    fn is_drained(&self) -> bool {
        self.services.sqs().next_receivable(&self.names.source).is_none()
    }

    fn standing(&self, now: UnixMs) -> Standing {
        Standing::of(self.deployed, &self.services, now)
    }

    fn send_due(&mut self, arrivals: &mut VecDeque<Arrival>, clock: &Clock, now: UnixMs) {
        while arrivals.front().is_some_and(|arrival| due(arrival, clock) <= now) {
            let Some(Arrival { body, .. }) = arrivals.pop_front() else { return };
            self.send(body, Origin::Workload, now);
            self.send_malformed(now);
        }
    }

    fn send(&mut self, body: String, origin: Origin, at: UnixMs) {
        let sent = self.services.sqs().send(&self.names.source, NewMessage::text(body.clone()), at);
        match sent {
            Ok(sent) => self.sent.push(Sent { at, message: sent.id, body, origin }),
            Err(error) => self.refused.push(Refused { at, why: error.to_string() }),
        }
    }

    /// Beside the message just sent, perhaps one that is no payment.
    fn send_malformed(&mut self, now: UnixMs) {
        let beside = self.sent.last().map(|sent| sent.message.clone()).unwrap_or_default();
        let subject = Subject { id: &beside, ..Subject::default() };
        if self.faults.fires(Kind::Malformed, now, &subject).is_some() {
            self.send(malformed::body(self.malformed), Origin::Fault, now);
            self.malformed += 1;
        }
    }

    fn progress(&mut self, now: UnixMs) -> Progress {
        let Self { progress, names, .. } = self;
        self.followed = self.journal.follow(self.followed, |record| {
            if let Event::Deleted { queue, .. } = &record.event {
                progress.done += u64::from(*queue == names.source);
                // The responder moves dead letters on by hand, too.
                if *queue == names.dead_letters {
                    progress.dead_lettered = progress.dead_lettered.saturating_sub(1);
                }
            } else if let Event::DeadLettered { .. } = &record.event {
                progress.dead_lettered += 1;
            } else if let Event::Redriven { from, .. } = &record.event
                && *from == names.dead_letters
            {
                progress.dead_lettered = progress.dead_lettered.saturating_sub(1);
            }
        });
        progress.now = now;
        progress.sent = self.sent.len() as u64;
        *progress
    }
}

fn due(arrival: &Arrival, clock: &Clock) -> UnixMs {
    clock.start().plus_ms(i64::try_from(arrival.at_ms).unwrap_or(i64::MAX))
}
