//! What may go wrong inside a cloud: a plan for each place where something can.
//!
//! Invariant: a service knows the plan it asks and nothing of why it answers as it does; without plans nothing goes
//! wrong, and nothing is drawn.

use super::cloudfront::EdgePlan;
use super::cloudwatch::AlarmPlan;
use super::container::{Fate, FatePlan};
use super::eventbridge::{Attempt, DeliveryPlan};
use super::pipes::PipePlan;
use super::sqs::QueuePlan;
use super::wire::{CallFate, CallPlan, ServiceCall};
use payments::UnixMs;
use std::sync::Arc;

/// Every plan of a cloud. Cheap to clone.
#[derive(Clone)]
pub struct Plans {
    /// For containers and invocations.
    pub fates: Arc<dyn FatePlan>,
    /// For calls of functions to services.
    pub calls: Arc<dyn CallPlan>,
    /// For queues, their move tasks and their metrics.
    pub queues: Arc<dyn QueuePlan>,
    /// For events on their way to a function.
    pub deliveries: Arc<dyn DeliveryPlan>,
    /// For alarms.
    pub alarms: Arc<dyn AlarmPlan>,
    /// For events on their way out of a pipe.
    pub pipes: Arc<dyn PipePlan>,
    /// For requests at an edge, and behind it.
    pub edge: Arc<dyn EdgePlan>,
}

/// The plan by which nothing goes wrong, wherever it is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faultless;

impl Default for Plans {
    fn default() -> Self {
        let plan = Arc::new(Faultless);
        Self {
            fates: plan.clone(),
            calls: plan.clone(),
            queues: plan.clone(),
            deliveries: plan.clone(),
            alarms: plan.clone(),
            pipes: plan.clone(),
            edge: plan,
        }
    }
}

impl FatePlan for Faultless {
    fn of_invocation(&self, _: &str, _: &str, _: UnixMs) -> Fate {
        Fate::Lives
    }
}

impl CallPlan for Faultless {
    fn of_call(&self, _: &ServiceCall<'_>, _: UnixMs) -> CallFate {
        CallFate::Answered
    }
}

impl QueuePlan for Faultless {}

impl AlarmPlan for Faultless {}

impl PipePlan for Faultless {}

impl EdgePlan for Faultless {}

impl DeliveryPlan for Faultless {
    fn attempt(&self, _: &str, _: &str, _: u32, _: UnixMs) -> Attempt {
        Attempt::Accepted
    }
}
