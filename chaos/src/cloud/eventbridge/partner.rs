//! The event bus of a partner: what the partner alone puts on it, and the rules that hand it on to queues.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas.html>
//! Invariant: without a rule there is no bus, and nothing of it is drawn.

use super::delivery::{Carrier, Delivery, Destination};
use super::{Entry, delay_ms, event};
use crate::clock::Clock;
use crate::cloud::config::PartnerRuleConfig;
use crate::cloud::crew::Crew;
use crate::cloud::ids::Ids;
use crate::journal::{BusEvent, Journal};
use crate::random::Stream;
use std::sync::{Arc, Mutex, PoisonError};

/// How the name of every partner's event bus begins.
pub const PARTNERS: &str = "aws.partner/";

/// A partner's bus, and its rules.
pub struct PartnerBus {
    rules: Vec<PartnerRuleConfig>,
    carrier: Arc<Carrier>,
    crew: Crew,
    clock: Clock,
    journal: Journal,
    draws: Mutex<(Ids, Stream)>,
}

impl PartnerBus {
    pub(in crate::cloud) fn new(
        rules: Vec<PartnerRuleConfig>,
        carrier: Arc<Carrier>,
        crew: Crew,
        clock: Clock,
        (journal, seed): (Journal, u64),
    ) -> Self {
        let draws = (Ids::new(seed, "partner event ids"), Stream::new(seed, "partner event delays"));
        Self { rules, carrier, crew, clock, journal, draws: Mutex::new(draws) }
    }

    /// Puts an event on the bus, now. Its source is the bus's name, as a partner's always is.
    pub fn put(&self, detail_type: &str, detail: &serde_json::Value) {
        let now = self.clock.now();
        let mut draws = self.draws.lock().unwrap_or_else(PoisonError::into_inner);
        let (ids, delays) = &mut *draws;
        let id = ids.uuid();
        for rule in &self.rules {
            let entry = Entry {
                source: rule.bus.clone(),
                detail_type: detail_type.to_owned(),
                resources: Vec::new(),
                detail: detail.clone(),
            };
            let event = event(&id, entry, now);
            if !rule.pattern.matches(&event) {
                continue;
            }
            self.journal.record(now, BusEvent::Matched { rule: rule.name.clone(), id: id.clone() });
            for (queue, target) in &rule.targets {
                let delivery = Delivery {
                    rule: rule.name.clone(),
                    event: id.clone(),
                    to: Destination::Queue { queue: queue.clone(), rule_arn: rule.arn() },
                    payload: event.to_string().into_bytes(),
                    target: target.clone(),
                    accepted_at: now,
                    due: now.plus_ms(delay_ms(delays)),
                };
                self.crew.start(Arc::clone(&self.carrier).carry(delivery));
            }
        }
    }
}
