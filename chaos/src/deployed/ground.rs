//! The ground that a run stands on: the stack as it was before, at rest, and fit for the experiment.
//!
//! Invariant: whatever is seen later and was not there before is the run's.

use super::cli::Cli;
use super::look::{self, Attributes, Depth};
use super::stack::Stack;
use super::{DeployedError, DeployedError::Refused};
use crate::cloud::names;
use crate::experiment::Experiment;
use crate::units::counted;
use crate::world::{Alerted, Names};
use std::collections::BTreeMap;

/// What a history needs to know beside what was seen.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) experiment: Experiment,
    pub(super) seed: u64,
    pub(super) names: Names,
    pub(super) alerted: Alerted,
}

impl Ground {
    /// Looks whether a stack is fit for an experiment, and at rest.
    pub(super) fn find(
        cli: &Cli,
        stack: &Stack,
        experiment: Experiment,
        seed: u64,
    ) -> Result<Self, DeployedError> {
        is_deployed_so(stack, &experiment)?;
        let source = at_rest(cli, stack)?;
        let alarms = look::alarms(cli, stack)?;
        knows(&alarms, stack, &experiment)?;
        let topic = |output: &str| Some(names::topic_in_arn(stack.output(output)).to_owned());
        let alerted = Alerted {
            responder: Some("Responder".to_owned()),
            alarms,
            alerts: topic("AlertsTopicArn"),
            pages: topic("PagesTopicArn"),
            stripe_calls_per_s: stack.parameter("StripeRatePerSecond").and_then(|rate| rate.parse().ok()),
            source_retention_ms: source.retention_s.map(|seconds| seconds * 1_000),
        };
        Ok(Self { experiment, seed, names: stack.names(), alerted })
    }
}

/// Whether it was deployed with the parameters that the experiment asks for.
fn is_deployed_so(stack: &Stack, experiment: &Experiment) -> Result<(), DeployedError> {
    let said = |name: &str| stack.parameter(name).unwrap_or("not said").to_owned();
    let other = experiment.parameters.iter().find(|(name, value)| said(name) != **value);
    other.map_or(Ok(()), |(name, value)| {
        let (found, stack, asks) = (said(name), &stack.name, &experiment.name);
        Err(Refused(format!("{name} of stack {stack} is {found}; accepted: {value}, as {asks} asks for")))
    })
}

/// Whether nothing waits, and no incident is open; the payments queue.
fn at_rest(cli: &Cli, stack: &Stack) -> Result<Attributes, DeployedError> {
    let source = look::attributes(cli, stack.source())?;
    let dead_letters = look::attributes(cli, stack.dead_letters())?;
    for (url, Attributes { depth, .. }) in [(stack.source(), source), (stack.dead_letters(), dead_letters)] {
        if depth != Depth::default() {
            let (messages, queue) = (counted(depth.total(), "message"), names::queue_in_url(url));
            let line =
                format!("{messages} in {queue}; accepted: empty queues, else nobody knows whose they are");
            return Err(Refused(line));
        }
    }
    match look::incident(cli, stack, look::Of::Recovery)?.filter(|incident| !incident.is_over) {
        None => Ok(source),
        Some(incident) => Err(Refused(format!(
            "the incident of stack {} is {}; accepted: a stack whose last one is over, and quiet",
            stack.name, incident.phase
        ))),
    }
}

/// Whether it has every alarm that the experiment expects.
fn knows(
    alarms: &BTreeMap<String, String>,
    stack: &Stack,
    experiment: &Experiment,
) -> Result<(), DeployedError> {
    let is_known = |alarm: &&String| alarms.values().any(|known| known == *alarm);
    let missing = experiment.expect.alarms.iter().flatten().find(|alarm| !is_known(alarm));
    missing.map_or(Ok(()), |alarm| {
        let (name, stack) = (&experiment.name, &stack.name);
        Err(Refused(format!("{name}: expect.alarms {alarm}; accepted: an alarm of stack {stack}")))
    })
}
