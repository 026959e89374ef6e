//! The way from a rule to its target: attempts, pauses, and the rule's dead-letter queue.
//!
//! EventBridge is done once Lambda has accepted an event; errors of the function are Lambda's to retry.
//! Invariant: a delivery ends accepted, lost by a fault, or given up under the target's own policy.

use crate::clock::Clock;
use crate::cloud::config::TargetConfig;
use crate::cloud::iam::Principal;
use crate::cloud::lambda::Asynchronous;
use crate::cloud::names;
use crate::cloud::pauses::growing_ms;
use crate::cloud::services::Services;
use crate::cloud::sqs::{MessageAttribute, NewMessage};
use crate::journal::{BusEvent, Journal, UndeliveredFor};
use crate::random::Stream;
use payments::UnixMs;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The first pause after a failed attempt, and the longest, ms. EventBridge states that it backs off with jitter, not from
/// where.
const PAUSE_MS: (u64, u64) = (1_000, 300_000);

/// One event on its way to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Rule name.
    pub rule: String,
    /// Event id.
    pub event: String,
    /// The target.
    pub to: Destination,
    /// What it is given.
    pub payload: Vec<u8>,
    /// Retry policy and dead-letter queue.
    pub target: TargetConfig,
    /// When the event was put on the bus; its age counts from here.
    pub accepted_at: UnixMs,
    /// When it is first offered.
    pub due: UnixMs,
}

/// The target of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A function, by its logical id.
    Function(String),
    /// A queue, by its name, whose policy must let in the rule of this ARN.
    Queue {
        /// The queue's name.
        queue: String,
        /// The rule.
        rule_arn: String,
    },
}

/// What becomes of one attempt to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Lambda accepts the event.
    Accepted,
    /// Lambda accepts it, and EventBridge delivers it once more.
    AcceptedTwice,
    /// EventBridge believes it was accepted; the function never hears of it.
    Lost,
    /// Lambda throttles or fails: EventBridge will try again.
    Unavailable,
    /// Lambda refuses, for want of a permission or of the function: no use trying again.
    Refused,
}

/// Decides what becomes of attempts: where faults come in.
pub trait DeliveryPlan: Send + Sync {
    /// What becomes of attempt `attempt` (1 = the first) to deliver event `event` of `rule`.
    fn attempt(&self, rule: &str, event: &str, attempt: u32, now: UnixMs) -> Attempt;
}

/// Carries deliveries to functions.
pub(in crate::cloud) struct Carrier {
    functions: BTreeMap<String, Arc<Asynchronous>>,
    plan: Arc<dyn DeliveryPlan>,
    services: Services,
    journal: Journal,
    pauses: Mutex<Stream>,
}

impl Carrier {
    pub(in crate::cloud) fn new(
        functions: BTreeMap<String, Arc<Asynchronous>>,
        plan: Arc<dyn DeliveryPlan>,
        services: Services,
        journal: Journal,
        seed: u64,
    ) -> Self {
        let pauses = Mutex::new(Stream::new(seed, "eventbridge retries"));
        Self { functions, plan, services, journal, pauses }
    }

    /// Sees one delivery through.
    pub(in crate::cloud) async fn carry(self: Arc<Self>, delivery: Delivery) {
        let clock = *self.clock();
        clock.sleep_until(delivery.due).await;
        let function = match &delivery.to {
            Destination::Function(function) => function.clone(),
            Destination::Queue { queue, rule_arn } => return self.leave(&delivery, queue, rule_arn),
        };
        let mut attempt = 1;
        loop {
            match self.plan.attempt(&delivery.rule, &delivery.event, attempt, clock.now()) {
                Attempt::Accepted => return self.hand_over(&delivery, &function),
                Attempt::AcceptedTwice => {
                    self.hand_over(&delivery, &function);
                    return self.hand_over(&delivery, &function);
                }
                Attempt::Lost => return,
                Attempt::Refused => return self.give_up(&delivery, UndeliveredFor::NoPermissions, attempt),
                Attempt::Unavailable => {}
            }
            let next = clock.now().plus_ms(self.pause_ms(attempt));
            if let Some(why) = exhausted(&delivery, attempt, next) {
                return self.give_up(&delivery, why, attempt);
            }
            clock.sleep_until(next).await;
            attempt += 1;
        }
    }

    /// Sends an event to a queue, which takes it at once where its policy lets it in.
    fn leave(&self, delivery: &Delivery, queue: &str, rule_arn: &str) {
        if !self.may_send(rule_arn, queue) {
            return self.give_up(delivery, UndeliveredFor::NoPermissions, 1);
        }
        let body = NewMessage::text(String::from_utf8_lossy(&delivery.payload));
        let sent = self.services.sqs().send(queue, body, self.now());
        let sent = sent.expect("the queue is the rule's target, and an event is below 1 MiB");
        let (rule, id) = (delivery.rule.clone(), delivery.event.clone());
        self.journal
            .record(self.now(), BusEvent::Queued { rule, id, queue: queue.to_owned(), message: sent.id });
    }

    fn hand_over(&self, delivery: &Delivery, function: &str) {
        let request = self.function(function).accept(delivery.payload.clone());
        let (rule, event) = (delivery.rule.clone(), delivery.event.clone());
        self.journal.record(self.now(), BusEvent::Delivered { rule, id: event, request });
    }

    fn give_up(&self, delivery: &Delivery, why: UndeliveredFor, attempts: u32) {
        let (rule, id) = (delivery.rule.clone(), delivery.event.clone());
        let queue = delivery.target.dead_letter_queue.clone().filter(|queue| self.may_keep(delivery, queue));
        let event = BusEvent::Undelivered { rule, id, why, queue: queue.clone() };
        self.journal.record(self.now(), event);
        if let Some(queue) = queue {
            let letter = dead_letter(delivery, &self.arn_of(&delivery.to), why, attempts);
            let sent = self.services.sqs().send(&queue, letter, self.now());
            sent.expect("the queue was checked when the rule was created, and an event is far below 1 MiB");
        }
    }

    /// Whether the queue's policy lets the rule in. If it does not, the event is lost.
    fn may_keep(&self, delivery: &Delivery, queue: &str) -> bool {
        self.may_send(&rule_arn(delivery), queue)
    }

    fn may_send(&self, rule_arn: &str, queue: &str) -> bool {
        let rule = Principal::Service { name: "events.amazonaws.com", source: rule_arn.to_owned() };
        self.services.iam().ask(&rule, "sqs:SendMessage", &names::queue_arn(queue)).is_ok()
    }

    fn arn_of(&self, to: &Destination) -> String {
        match to {
            Destination::Function(function) => self.function(function).arn(),
            Destination::Queue { queue, .. } => names::queue_arn(queue),
        }
    }

    fn pause_ms(&self, attempt: u32) -> i64 {
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        growing_ms(&mut pauses, PAUSE_MS, attempt)
    }

    fn function(&self, logical_id: &str) -> &Arc<Asynchronous> {
        let function = self.functions.get(logical_id);
        function.expect("rules are declared by functions, and all of those were deployed")
    }

    fn clock(&self) -> &Clock {
        self.services.clock()
    }

    fn now(&self) -> UnixMs {
        self.clock().now()
    }
}

fn rule_arn(delivery: &Delivery) -> String {
    match &delivery.to {
        Destination::Function(_) => names::rule_arn(&delivery.rule),
        Destination::Queue { rule_arn, .. } => rule_arn.clone(),
    }
}

fn exhausted(delivery: &Delivery, attempt: u32, next: UnixMs) -> Option<UndeliveredFor> {
    let too_old = next.since_ms(delivery.accepted_at) > 1000 * i64::from(delivery.target.age_s_max);
    if attempt > delivery.target.retries_max {
        Some(UndeliveredFor::RetryAttempts)
    } else {
        too_old.then_some(UndeliveredFor::EventAge)
    }
}

/// What the rule's dead-letter queue gets after so many attempts.
fn dead_letter(delivery: &Delivery, target_arn: &str, why: UndeliveredFor, attempts: u32) -> NewMessage {
    let (code, message, condition) = match why {
        UndeliveredFor::NoPermissions => (why.name(), "The rule may not invoke its target.", None),
        UndeliveredFor::RetryAttempts | UndeliveredFor::EventAge => {
            ("SERVICE_UNAVAILABLE", "The target could not take the event.", Some(why.name()))
        }
    };
    let attributes = [
        ("RULE_ARN", rule_arn(delivery)),
        ("TARGET_ARN", target_arn.to_owned()),
        ("ERROR_CODE", code.to_owned()),
        ("ERROR_MESSAGE", message.to_owned()),
        ("RETRY_ATTEMPTS", (attempts - 1).to_string()),
    ];
    let exhausted = condition.map(|condition| ("EXHAUSTED_RETRY_CONDITION", condition.to_owned()));
    let attributes = attributes.into_iter().chain(exhausted);
    let attributes = attributes.map(|(name, value)| (name.to_owned(), MessageAttribute::text(value)));
    let body = String::from_utf8_lossy(&delivery.payload);
    NewMessage { attributes: attributes.collect(), ..NewMessage::text(body) }
}
