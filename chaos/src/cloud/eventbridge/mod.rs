//! Embedded EventBridge: the default bus, its rules and schedules, a partner's bus, and the way to their targets.
//!
//! The bus is a synchronous state machine: an event or an instant goes in, deliveries come out. Carrying them is the
//! part that waits (`delivery.rs`).
//! Invariant: every rule that matches yields one delivery; whether a target then hears twice or never is decided on the
//! way alone.

mod delivery;
mod partner;
mod pattern;
#[cfg(test)]
mod tests;

pub(super) use delivery::Carrier;
pub use delivery::{Attempt, Delivery, DeliveryPlan, Destination};
pub use partner::{PARTNERS, PartnerBus};
pub use pattern::{FILTERS, Pattern, PatternError};

use super::config::{FunctionConfig, RuleConfig, ScheduleConfig};
use super::ids::Ids;
use super::names;
use crate::journal::{BusEvent, Journal};
use crate::random::Stream;
use jiff::Timestamp;
use payments::UnixMs;
use serde_json::{Value, json};

/// From an event until it is offered to a target for the first time, drawn evenly: virtual milliseconds. AWS speaks of
/// about half a second.
const DELIVERY_MS: (u64, u64) = (200, 800);
const MINUTE_MS: i64 = 60_000;

/// What somebody puts on the bus; the bus adds the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `source`.
    pub source: String,
    /// `detail-type`.
    pub detail_type: String,
    /// `resources`, ARNs.
    pub resources: Vec<String>,
    /// `detail`.
    pub detail: Value,
}

/// The default bus.
#[derive(Debug)]
pub struct EventBridge {
    rules: Vec<Bound<RuleConfig>>,
    schedules: Vec<Ticking>,
    ids: Ids,
    delays: Stream,
    journal: Journal,
}

/// A rule and the function that declares it, which is its target.
#[derive(Debug)]
struct Bound<T> {
    rule: T,
    /// The function's logical id.
    function: String,
}

#[derive(Debug)]
struct Ticking {
    bound: Bound<ScheduleConfig>,
    next: UnixMs,
}

impl EventBridge {
    /// The rules and schedules that `functions` declare, created at `now`.
    #[must_use]
    pub fn new(functions: &[&FunctionConfig], seed: u64, now: UnixMs, journal: Journal) -> Self {
        let mut offsets = Stream::new(seed, "offsets of schedules");
        let mut rules = Vec::new();
        let mut schedules = Vec::new();
        for config in functions {
            let function = &config.logical_id;
            let bound = |rule: &RuleConfig| Bound { rule: rule.clone(), function: function.clone() };
            rules.extend(config.rules.iter().map(bound));
            for schedule in &config.schedules {
                // A schedule counts from its creation, which is at no particular second of the minute.
                let offset_ms = i64::try_from(offsets.below(60_000)).unwrap_or(0);
                let next = now.plus_ms(i64::from(schedule.every_min) * MINUTE_MS + offset_ms - MINUTE_MS);
                let bound = Bound { rule: schedule.clone(), function: function.clone() };
                schedules.push(Ticking { bound, next });
            }
        }
        let (ids, delays) =
            (Ids::new(seed, "eventbridge event ids"), Stream::new(seed, "eventbridge delays"));
        Self { rules, schedules, ids, delays, journal }
    }

    /// Whether there is neither a rule nor a schedule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.schedules.is_empty()
    }

    /// Puts an event on the bus.
    pub fn put(&mut self, entry: Entry, now: UnixMs) -> Vec<Delivery> {
        let id = self.ids.uuid();
        let event = event(&id, entry, now);
        let mut deliveries = Vec::new();
        for Bound { rule, function } in &self.rules {
            if rule.pattern.matches(&event) {
                self.journal.record(now, BusEvent::Matched { rule: rule.name.clone(), id: id.clone() });
                deliveries.push(Delivery {
                    rule: rule.name.clone(),
                    event: id.clone(),
                    to: Destination::Function(function.clone()),
                    payload: payload(rule.target.input.as_ref(), &event),
                    target: rule.target.clone(),
                    accepted_at: now,
                    due: now.plus_ms(delay_ms(&mut self.delays)),
                });
            }
        }
        deliveries
    }

    /// Fires every schedule that is due within the minute that begins at `now`.
    pub fn begin_minute(&mut self, now: UnixMs) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for Ticking { bound: Bound { rule, function }, next } in &mut self.schedules {
            if next.since_ms(now) >= MINUTE_MS {
                continue;
            }
            let (at, id) = (*next, self.ids.uuid());
            *next = next.plus_ms(i64::from(rule.every_min) * MINUTE_MS);
            let entry = Entry {
                source: "aws.events".to_owned(),
                detail_type: "Scheduled Event".to_owned(),
                resources: vec![names::rule_arn(&rule.name)],
                detail: json!({}),
            };
            deliveries.push(Delivery {
                rule: rule.name.clone(),
                payload: payload(rule.target.input.as_ref(), &event(&id, entry, at)),
                event: id,
                to: Destination::Function(function.clone()),
                target: rule.target.clone(),
                accepted_at: at,
                due: at.plus_ms(delay_ms(&mut self.delays)),
            });
        }
        deliveries
    }
}

fn delay_ms(delays: &mut Stream) -> i64 {
    i64::try_from(delays.between(DELIVERY_MS.0, DELIVERY_MS.1)).unwrap_or(0)
}

fn event(id: &str, entry: Entry, now: UnixMs) -> Value {
    let second = Timestamp::from_second(now.0.div_euclid(1000)).unwrap_or(Timestamp::MAX);
    json!({
        "version": "0",
        "id": id,
        "detail-type": entry.detail_type,
        "source": entry.source,
        "account": names::ACCOUNT,
        "time": second.to_string(),
        "region": names::REGION,
        "resources": entry.resources,
        "detail": entry.detail,
    })
}

fn payload(input: Option<&String>, event: &Value) -> Vec<u8> {
    input.map_or_else(|| event.to_string(), Clone::clone).into_bytes()
}
