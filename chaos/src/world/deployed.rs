//! The stack as it is deployed for a run, and the parts of it that a run speaks of by name.
//!
//! The parts are found where an operator would look for them: in the template's outputs.
//! Invariant: whatever the world supplies to the template is here, and none of it is a number the run depends on.

mod edge;
#[cfg(test)]
mod tests;

pub use edge::{Edge, TOKEN_AUDIENCE, TOKEN_ISSUER, own_edge, own_watch};

use super::WorldError;
use super::history::Alerted;
use crate::clock::Clock;
use crate::cloud::cloudwatch::Past;
use crate::cloud::config::{AlarmConfig, FunctionConfig};
use crate::cloud::container::Function;
use crate::cloud::dynamodb::Proven;
use crate::cloud::iam::{Access, Policies};
use crate::cloud::names;
use crate::cloud::plans::Plans;
use crate::cloud::{Alerting, Blueprint, Cloud};
use crate::experiment::Experiment;
use crate::journal::Journal;
use crate::template::{Deployment, Stack};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SECRET: &str = "payments/stripe";
const ALERT_EMAIL: &str = "on-call@example.com";
const AUTO_REDRIVE: &str = "AutoRedrive";
/// The consumer's variable that names the queue of Stripe's own events.
const EVENTS_QUEUE: &str = "STRIPE_EVENTS_QUEUE_URL";
const CALLS_PER_SECOND: &str = "StripeRatePerSecond";
const FUNCTIONS: &str = "one function fed by the payments queue, and at most one other, with a schedule";
const OUTPUTS: &str =
    "outputs PaymentsQueueUrl, QuarantineQueueUrl and LedgerTable; IncidentsTable, if there is a responder";

/// A template, deployed.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The template, as it was named.
    pub template: String,
    /// What it describes.
    pub stack: Stack,
    /// The function fed by the payments queue.
    pub consumer: FunctionConfig,
    /// The function with the schedule, if there is one: the world has code for no other.
    pub responder: Option<FunctionConfig>,
    /// ARN of the secret that holds the Stripe key.
    pub secret: String,
    /// The parts a run speaks of.
    pub names: Names,
    /// What stands in front of it, if anything does.
    pub edge: Option<Edge>,
    /// What runs in it have proved of its tables.
    pub proven: Proven,
}

/// Names of queues and table, as deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Queue that producers send to.
    pub source: String,
    /// Its dead-letter queue.
    pub dead_letters: String,
    /// Queue of what only a human can mend.
    pub quarantine: String,
    /// Table of payments.
    pub ledger: String,
    /// Table of what the responder remembers; none without a responder.
    pub incidents: Option<String>,
    /// Event bus on which outcomes are told; none where they are not.
    pub outcomes: Option<String>,
    /// Queue of Stripe's own events; none where nobody listens to them.
    pub stripe_events: Option<String>,
}

/// The repository's own template.
#[must_use]
pub fn own_template() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).join("template.yaml")
}

impl Deployed {
    /// Deploys the template at `path`, with these parameters beside those the world gives.
    ///
    /// # Errors
    /// When it cannot be honoured, or lacks what a run needs.
    pub fn load(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self, WorldError> {
        let secret = names::secret_arn(SECRET);
        let given =
            [("StripeSecretArn", secret.as_str()), ("AlertEmail", ALERT_EMAIL), ("StripeMode", "test")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let parameters = given.into_iter().chain(parameters.clone()).collect();
        let deployment = Deployment { parameters, ..Deployment::default() };
        Self::of(path.display().to_string(), Stack::load(path, &deployment)?, secret)
    }

    /// The same template, deployed with these parameters; the edge stays as it is.
    ///
    /// # Errors
    /// When it takes none of them, or not these values.
    pub fn under(&self, parameters: &BTreeMap<String, String>) -> Result<Self, WorldError> {
        if parameters.is_empty() {
            return Ok(self.clone());
        }
        let deployed = Self::load(Path::new(&self.template), parameters)?;
        Ok(Self { edge: self.edge.clone(), ..deployed })
    }

    pub(super) fn of(template: String, stack: Stack, secret: String) -> Result<Self, WorldError> {
        let lacks = |what: String, accepted| WorldError::Lacks { template: template.clone(), what, accepted };
        let output = |name: &str| {
            stack.outputs.get(name).cloned().ok_or_else(|| lacks(format!("output {name}"), OUTPUTS))
        };
        let source = names::queue_in_url(&output("PaymentsQueueUrl")?).to_owned();
        let queue = stack.queues.values().find(|queue| queue.name == source);
        let redrive = queue.and_then(|queue| queue.redrive.as_ref());
        let dead_letters = redrive.ok_or_else(|| {
            lacks(format!("the dead-letter queue of {source}"), "a source queue with a RedrivePolicy")
        })?;
        let (consumer, responder) = functions(&stack, &source)
            .ok_or_else(|| lacks("the consumer, with at most a responder".to_owned(), FUNCTIONS))?;
        let names = Names {
            dead_letters: dead_letters.dead_letter_queue.clone(),
            quarantine: names::queue_in_url(&output("QuarantineQueueUrl")?).to_owned(),
            ledger: output("LedgerTable")?,
            incidents: responder.is_some().then(|| output("IncidentsTable")).transpose()?,
            outcomes: stack.pipes.values().next().map(|pipe| pipe.bus.clone()),
            stripe_events: consumer
                .environment
                .get(EVENTS_QUEUE)
                .map(|url| names::queue_in_url(url).to_owned()),
            source,
        };
        let (edge, proven) = (None, Proven::default());
        Ok(Self { consumer, responder, template, stack, secret, names, edge, proven })
    }

    /// All that a cloud of it is made of, with this code for the consumer and the responder.
    #[must_use]
    pub fn blueprint(
        &self,
        [consumer, responder]: [Arc<dyn Function>; 2],
        plans: Plans,
        past: Past,
        seed: u64,
    ) -> Blueprint {
        let stack = &self.stack;
        let responder = self.responder.clone().map(|config| (config, responder));
        let alarms = self.alarms().map(|(_, alarm)| alarm.clone()).collect();
        Blueprint {
            queues: stack.queues.values().cloned().collect(),
            proven: self.proven.clone(),
            tables: stack.tables.values().cloned().collect(),
            topics: self.stacks().flat_map(|stack| stack.topics.values()).cloned().collect(),
            functions: [(self.consumer.clone(), consumer)].into_iter().chain(responder).collect(),
            partner_rules: stack.partner_rules.values().cloned().collect(),
            pipes: stack.pipes.values().cloned().collect(),
            edge: None,
            alerting: Alerting { alarms, past, ..Alerting::default() },
            plans,
            access: Access::Under(self.policies()),
            seed,
        }
    }

    /// Every stack of the account.
    fn stacks(&self) -> impl Iterator<Item = &Stack> {
        let edge = self.edge.as_ref();
        let of_edge = edge.into_iter().flat_map(|edge| [Some(&edge.stack), edge.watch.as_ref()]);
        [Some(&self.stack)].into_iter().chain(of_edge).flatten()
    }

    /// Every alarm of the account, by logical id.
    pub fn alarms(&self) -> impl Iterator<Item = (&String, &AlarmConfig)> {
        self.stacks().flat_map(|stack| &stack.alarms)
    }

    /// Who may do what in the account: what its stacks say.
    #[must_use]
    pub fn policies(&self) -> Policies {
        let mut policies = Policies::default();
        self.stacks().for_each(|stack| policies.extend(stack.policies.clone()));
        policies
    }

    /// Starts it, with `key` in the functions' secret. Must be called inside the runtime whose time `clock` follows.
    ///
    /// # Errors
    /// When AWS would refuse the stack.
    pub fn start(
        &self,
        blueprint: Blueprint,
        key: &str,
        clock: Clock,
        journal: &Journal,
    ) -> Result<Cloud, WorldError> {
        let past = blueprint.alerting.past;
        let refused = |error| WorldError::Cloud { template: self.template.clone(), error };
        let cloud = Cloud::start(blueprint, clock, journal).map_err(refused)?;
        match past {
            Past::Idle => cloud.services().cloudwatch().settle(clock.now()),
            Past::New => {}
        }
        cloud.services().secrets().put(&self.secret, key, clock.now());
        Ok(cloud)
    }

    /// Whether it has every alarm that an experiment expects. A template without any leaves that to the check.
    pub(super) fn knows(&self, experiment: &Experiment) -> Result<(), WorldError> {
        let known: BTreeSet<String> = self.alerted().alarms.into_values().collect();
        let mut expected = experiment.expect.alarms.iter().flatten();
        match expected.find(|alarm| !known.is_empty() && !known.contains(*alarm)) {
            None => Ok(()),
            Some(alarm) => Err(WorldError::NoSuchAlarm {
                experiment: experiment.name.clone(),
                alarm: alarm.clone(),
                accepted: known.into_iter().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Whether a rule listens to Stripe's own events.
    pub(super) fn listens_to_stripe(&self) -> bool {
        !self.stack.partner_rules.is_empty()
    }

    /// Whether what an experiment does to Stripe's own events can happen.
    pub(super) fn hears(&self, experiment: &Experiment) -> Result<(), WorldError> {
        let mut kinds = experiment.faults.iter().map(|fault| fault.kind);
        match kinds.find(|kind| kind.is_of_stripes_events() && !self.listens_to_stripe()) {
            None => Ok(()),
            Some(kind) => Err(WorldError::Target {
                what: format!("fault {kind} happens to Stripe's own events, and nobody listens to them"),
                accepted: "the parameter StripeEventBus, or another fault".to_owned(),
            }),
        }
    }

    /// Who is told of what in this stack.
    pub(super) fn alerted(&self) -> Alerted {
        let last = |id: &String| id.rsplit('.').next().unwrap_or(id).to_owned();
        let rate = self.stack.parameters.get(CALLS_PER_SECOND).and_then(|text| text.parse().ok());
        let topic = |variable: &str| {
            let arn = self.responder.as_ref().and_then(|responder| responder.environment.get(variable));
            arn.map(|arn| names::topic_in_arn(arn).to_owned())
        };
        let source = self.stack.queues.values().find(|queue| queue.name == self.names.source);
        Alerted {
            alerts: topic("ALERTS_TOPIC_ARN"),
            pages: topic("PAGES_TOPIC_ARN"),
            responder: self.responder.as_ref().map(|responder| responder.logical_id.clone()),
            alarms: self.alarms().map(|(id, alarm)| (alarm.name.clone(), last(id))).collect(),
            stripe_calls_per_s: rate,
            source_retention_ms: source.map(|queue| i64::from(queue.retention_s) * 1_000),
        }
    }

    /// Whether dead letters go back without anybody's word.
    pub(super) fn redrives_by_itself(&self) -> bool {
        self.responder.is_some() && self.stack.parameters.get(AUTO_REDRIVE).is_none_or(|value| value == "on")
    }
}

/// The consumer, fed by `source`, and perhaps the responder, which has a schedule. Nothing else.
fn functions(stack: &Stack, source: &str) -> Option<(FunctionConfig, Option<FunctionConfig>)> {
    let is_consumer = |it: &&FunctionConfig| it.sources.iter().any(|event| event.queue == source);
    let (consumers, others): (Vec<_>, Vec<_>) = stack.functions.values().partition(is_consumer);
    match (consumers.as_slice(), others.as_slice()) {
        ([consumer], []) => Some(((*consumer).clone(), None)),
        ([consumer], [other]) if !other.schedules.is_empty() => {
            Some(((*consumer).clone(), Some((*other).clone())))
        }
        _ => None,
    }
}
