//! What the cloud asks about itself, answered from an experiment's faults.
//!
//! Invariant: the cloud knows plans and no faults; what a fault's scope calls `consumer` or `alarm` is decided here.

use super::{Deployed, Invocation};
use crate::cloud::cloudfront::{EdgePlan, OriginFate};
use crate::cloud::cloudwatch::AlarmPlan;
use crate::cloud::container::{End, Fate, FatePlan};
use crate::cloud::dynamodb;
use crate::cloud::eventbridge::{Attempt, DeliveryPlan};
use crate::cloud::pipes::{PipePlan, Put};
use crate::cloud::plans::Plans;
use crate::cloud::services::Service;
use crate::cloud::sqs::{Content, QueuePlan, payment_in};
use crate::cloud::wire::{CallFate, CallPlan, ServiceCall};
use crate::faults::{Fault, Faults, Hit, Kind, Placement, Subject};
use crate::link::CrashPoints;
use crate::turns::{Place, Turns};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How soon a message is handed out a second time, ms: while the first delivery of it is at work.
const DUPLICATE_MS: (u64, u64) = (0, 3_000);
/// How soon a deleted message is there again, ms.
const RETURN_MS: (u64, u64) = (1_000, 3_600_000);
/// How old an index or a count is that is behind, ms.
const BEHIND_MS: (u64, u64) = (1, 60_000);
/// How much longer than usual a slow start takes, ms.
const SLOW_START_MS: (u64, u64) = (3_000, 9_000);
/// How long a batch that was fetched ahead waits, ms: at most half of the visibility that the template sets.
const PREFETCHED_MS: (u64, u64) = (1_000, 180_000);
/// How long the metrics of a queue take to wake up at most, ms; AWS says up to 15 minutes.
const METRICS_WAKE_MS: u64 = 900_000;

/// The faults of a run, for whoever in the cloud must know.
#[derive(Debug)]
struct Asked {
    faults: Faults,
    consumer: String,
    status: Option<String>,
    source: String,
    schedules: BTreeSet<String>,
    /// What the template calls an alarm, by its name.
    alarms: BTreeMap<String, String>,
    turns: Option<Turns>,
    invocations: Invocations,
}

/// The invocations of a run, in the order in which they began. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Invocations(Arc<Mutex<Vec<Begun>>>);

#[derive(Debug)]
struct Begun {
    function: &'static str,
    at: UnixMs,
    points: CrashPoints,
}

impl Invocations {
    /// What they came to.
    pub(super) fn all(&self) -> Vec<Invocation> {
        let made = |Begun { function, at, points }: &Begun| Invocation {
            function,
            began: *at,
            crash_points: points.passed(),
        };
        self.lock().iter().map(made).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plans that make an experiment's faults come true.
pub(super) fn plans(
    faults: &Faults,
    deployed: &Deployed,
    turns: Option<Turns>,
    invocations: Invocations,
) -> Plans {
    let schedules = deployed.responder.iter().flat_map(|responder| &responder.schedules);
    let asked = Arc::new(Asked {
        faults: faults.clone(),
        consumer: deployed.consumer.logical_id.clone(),
        status: deployed.edge.as_ref().map(|edge| edge.status.logical_id.clone()),
        source: deployed.names.source.clone(),
        schedules: schedules.map(|schedule| schedule.name.clone()).collect(),
        alarms: deployed.alerted().alarms,
        turns,
        invocations,
    });
    let (fates, calls, queues) = (asked.clone(), asked.clone(), asked.clone());
    let (deliveries, alarms, pipes) = (asked.clone(), asked.clone(), asked.clone());
    Plans { fates, calls, queues, deliveries, alarms, pipes, edge: asked }
}

impl Asked {
    fn role(&self, function: &str) -> &'static str {
        match function {
            consumer if consumer == self.consumer => "consumer",
            status if self.status.as_deref() == Some(status) => "status",
            _ => "responder",
        }
    }

    /// Whether a fault hits this message. Its body is read only where that can matter.
    fn hits(&self, kind: Kind, message: &Content, now: UnixMs) -> bool {
        if !self.faults.include(kind) {
            return false;
        }
        let payment = payment_in(&message.body);
        let subject = Subject { operation: "", payment: payment.as_deref(), id: &message.id };
        self.faults.fires(kind, now, &subject).is_some()
    }

    /// Whether a fault hits this call to the ledger or to the responder's records.
    fn hits_ledger(&self, kind: Kind, call: &ServiceCall<'_>, now: UnixMs) -> bool {
        if !self.faults.include(kind) {
            return false;
        }
        let payment = dynamodb::payment_in(call.body);
        let subject = Subject { operation: call.operation, payment: payment.as_deref(), id: call.request };
        self.faults.fires(kind, now, &subject).is_some()
    }

    fn of_ledger_call(&self, call: &ServiceCall<'_>, now: UnixMs) -> CallFate {
        if self.hits_ledger(Kind::LedgerThrottled, call, now) {
            CallFate::Refused
        } else if self.hits_ledger(Kind::LedgerLostAnswer, call, now) {
            CallFate::AnswerLost
        } else if call.operation == "Query" {
            self.of_late(Kind::IndexBehind, call, now)
        } else {
            CallFate::Answered
        }
    }

    /// Whether a service fails this call, and before or after it has its effect.
    fn of_failing(&self, kind: Kind, call: &ServiceCall<'_>, now: UnixMs) -> CallFate {
        let subject = Subject { operation: call.operation, payment: None, id: call.request };
        match self.faults.fires(kind, now, &subject).map(Hit::is_after) {
            None => CallFate::Answered,
            Some(true) => CallFate::AnswerLost,
            Some(false) => CallFate::Refused,
        }
    }

    /// The same for SQS, whose counts are approximate.
    fn of_queue_call(&self, call: &ServiceCall<'_>, now: UnixMs) -> CallFate {
        let fate = self.of_failing(Kind::SqsFailing, call, now);
        if fate == CallFate::Answered && call.operation == "GetQueueAttributes" {
            return self.of_late(Kind::CountsBehind, call, now);
        }
        fate
    }

    /// Whether a call is shown how things stood a while ago.
    fn of_late(&self, kind: Kind, call: &ServiceCall<'_>, now: UnixMs) -> CallFate {
        let subject = Subject { id: call.request, ..Subject::default() };
        match self.faults.fires(kind, now, &subject) {
            None => CallFate::Answered,
            Some(_) => {
                CallFate::AnsweredLate(i64::try_from(self.between(kind, BEHIND_MS)).unwrap_or(i64::MAX))
            }
        }
    }

    /// Whether a fault hits a request for this path, which ends with the payment it is about.
    fn hits_path(&self, kind: Kind, path: &str, now: UnixMs) -> Option<Hit> {
        if !self.faults.include(kind) {
            return None;
        }
        let payment = path.rsplit_once('/').map(|(_, payment)| payment);
        let subject = Subject { payment, ..Subject::default() };
        self.faults.fires(kind, now, &subject)
    }

    fn between(&self, kind: Kind, (low, high): (u64, u64)) -> u64 {
        self.faults.between(kind, low, high)
    }

    /// A number from 1 to `most`.
    fn up_to(&self, kind: Kind, most: usize) -> usize {
        usize::try_from(self.between(kind, (1, most as u64))).unwrap_or(most)
    }
}

impl EdgePlan for Asked {
    fn of_look(&self, path: &str, now: UnixMs) -> OriginFate {
        if self.hits_path(Kind::StatusUnavailable, path, now).is_some() {
            return OriginFate::Fails;
        }
        if let Some(hit) = self.hits_path(Kind::StatusHanging, path, now) {
            return if hit.is_after() { OriginFate::Hangs } else { OriginFate::Unreachable };
        }
        match self.hits_path(Kind::StatusThrottled, path, now) {
            Some(_) => OriginFate::Throttles,
            None => OriginFate::Answers,
        }
    }

    fn of_hand_in(&self, payment: &str, now: UnixMs) -> OriginFate {
        let payment = Some(payment).filter(|payment| !payment.is_empty());
        let subject = Subject { payment, ..Subject::default() };
        match self.faults.fires(Kind::GatewayFailing, now, &subject).map(Hit::is_after) {
            None => OriginFate::Answers,
            Some(true) => OriginFate::AnswerLost,
            Some(false) => OriginFate::Fails,
        }
    }

    fn evicts(&self, path: &str, now: UnixMs) -> bool {
        self.hits_path(Kind::CopiesEvicted, path, now).is_some()
    }

    fn reads_values(&self, _: &str, now: UnixMs) -> bool {
        self.hits_path(Kind::KeysUnreadable, "", now).is_none()
    }
}

impl FatePlan for Asked {
    fn of_invocation(&self, function: &str, request: &str, now: UnixMs) -> Fate {
        match self.faults.end_of(self.role(function), request, now) {
            None => Fate::Lives,
            Some((Kind::FunctionTimeout, hop)) => Fate::Ends(End::Hang, hop),
            Some((Kind::OutOfMemory, 0)) => Fate::FoundDead,
            Some((Kind::OutOfMemory, hop)) => Fate::Ends(End::OutOfMemory, hop),
            Some((_, hop)) => Fate::Ends(End::Crash, hop),
        }
    }

    fn came_to_pass(&self, function: &str, request: &str, hop: u64, now: UnixMs) {
        self.faults.ended(self.role(function), request, hop, now);
    }

    fn place(&self, function: &str) -> Option<Place> {
        self.turns.as_ref().filter(|_| function == self.consumer)?.place()
    }

    fn crash_points(&self, function: &str, now: UnixMs) -> CrashPoints {
        let points = CrashPoints::default();
        self.invocations.lock().push(Begun {
            function: self.role(function),
            at: now,
            points: points.clone(),
        });
        points
    }

    fn throttles(&self, function: &str, request: &str, now: UnixMs) -> bool {
        let subject = Subject { operation: self.role(function), payment: None, id: request };
        self.faults.fires(Kind::FunctionThrottled, now, &subject).is_some()
    }

    fn hand_over_delay_ms(&self, message: &str, now: UnixMs) -> u64 {
        let subject = Subject { id: message, ..Subject::default() };
        let waits = self.faults.fires(Kind::Prefetched, now, &subject);
        waits.map_or(0, |_| self.between(Kind::Prefetched, PREFETCHED_MS))
    }

    fn start_delay_ms(&self, function: &str, now: UnixMs) -> u64 {
        let subject = Subject { operation: self.role(function), ..Subject::default() };
        let slow = self.faults.fires(Kind::SlowStart, now, &subject);
        slow.map_or(0, |_| self.between(Kind::SlowStart, SLOW_START_MS))
    }
}

impl CallPlan for Asked {
    fn of_call(&self, call: &ServiceCall<'_>, now: UnixMs) -> CallFate {
        match call.service {
            Service::DynamoDb => self.of_ledger_call(call, now),
            Service::Sqs => self.of_queue_call(call, now),
            Service::Sns => self.of_failing(Kind::SnsFailing, call, now),
            Service::Secrets => self.of_failing(Kind::SecretsFailing, call, now),
            Service::CloudWatch => self.of_failing(Kind::CloudWatchFailing, call, now),
        }
    }
}

impl QueuePlan for Asked {
    fn duplicates_after_ms(&self, _: &str, message: &Content, now: UnixMs) -> Option<u64> {
        let kind = Kind::DuplicateDelivery;
        self.hits(kind, message, now).then(|| self.between(kind, DUPLICATE_MS))
    }

    fn returns_after_ms(&self, _: &str, message: &Content, now: UnixMs) -> Option<u64> {
        self.hits(Kind::Redelivered, message, now).then(|| self.between(Kind::Redelivered, RETURN_MS))
    }

    fn passes_over(&self, queue: &str, visible: usize, now: UnixMs) -> usize {
        let subject = Subject { id: queue, ..Subject::default() };
        match self.faults.fires(Kind::ReorderedDelivery, now, &subject) {
            None => 0,
            Some(_) => self.up_to(Kind::ReorderedDelivery, visible - 1),
        }
    }

    fn finds(&self, queue: &str, available: usize, now: UnixMs) -> usize {
        let subject = Subject { id: queue, ..Subject::default() };
        // Of one message nothing is held back.
        match available > 1 && self.faults.fires(Kind::ShortReceive, now, &subject).is_some() {
            false => available,
            true => self.up_to(Kind::ShortReceive, available - 1),
        }
    }

    fn refuses_visibility(&self, _: &str, message: &Content, now: UnixMs) -> bool {
        self.hits(Kind::VisibilityRefused, message, now)
    }

    // What is no payment has no row that would remember it.
    fn purges(&self, queue: &str, message: &Content, now: UnixMs) -> bool {
        queue == self.source
            && self.faults.include(Kind::MessagePurged)
            && payment_in(&message.body).is_some()
            && self.hits(Kind::MessagePurged, message, now)
    }

    fn leaves_behind(&self, queue: &str, visible: usize, now: UnixMs) -> usize {
        let subject = Subject { id: queue, ..Subject::default() };
        match self.faults.fires(Kind::MoveTaskMisses, now, &subject) {
            None => 0,
            Some(_) => self.up_to(Kind::MoveTaskMisses, visible),
        }
    }

    fn metrics_wake_after_ms(&self, queue: &str, now: UnixMs) -> Option<u64> {
        let subject = Subject { id: queue, ..Subject::default() };
        self.faults.fires(Kind::MetricsLate, now, &subject).map(|_| METRICS_WAKE_MS)
    }
}

impl AlarmPlan for Asked {
    fn mutes(&self, alarm: &str, now: UnixMs) -> bool {
        if !self.faults.include(Kind::AlarmMuted) {
            return false;
        }
        let operation = self.alarms.get(alarm).map_or("", String::as_str);
        let subject = Subject { operation, payment: None, id: alarm };
        self.faults.fires(Kind::AlarmMuted, now, &subject).is_some()
    }

    fn loses(&self, alarm: &str, now: UnixMs) -> bool {
        let subject = Subject { operation: "notice", payment: None, id: alarm };
        // CloudWatch does not ask what became of it: where the answer alone is lost, nothing is.
        let could = |fault: &Fault| fault.placement != Some(Placement::After);
        self.faults.fires_among(Kind::SnsFailing, now, &subject, could).is_some()
    }
}

impl PipePlan for Asked {
    fn put(&self, keys: &[&str], now: UnixMs) -> Put {
        let subject =
            Subject { operation: "", payment: keys.first().copied(), id: keys.first().unwrap_or(&"") };
        match self.faults.fires(Kind::BusFailing, now, &subject).map(Hit::is_after) {
            None => Put::Taken,
            Some(true) => Put::AnswerLost,
            Some(false) => Put::Failed,
        }
    }
}

impl DeliveryPlan for Asked {
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
