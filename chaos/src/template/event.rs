//! A function's events that come over the default bus: rules and schedules, and what Lambda does with those it took.
//!
//! Invariant: a queue that catches what could not be delivered is a queue of the template.

use super::error::TemplateError;
use super::resolve::Scope;
use super::types::{RULE_IMMATERIAL, SCHEDULE_IMMATERIAL};
use super::value::{Fields, Value};
use crate::cloud::config::{AsyncConfig, QueueConfig, RuleConfig, ScheduleConfig, TargetConfig};
use crate::cloud::eventbridge::{FILTERS, Pattern};
use std::collections::BTreeMap;

const RULE_HONOURED: &[&str] =
    &["Pattern", "RuleName", "EventBusName", "Input", "RetryPolicy", "DeadLetterConfig", "State"];
const SCHEDULE_HONOURED: &[&str] =
    &["Schedule", "Name", "Input", "RetryPolicy", "DeadLetterConfig", "Enabled", "State"];
const ASYNC_HONOURED: &[&str] = &["MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"];
/// Minutes of each unit that `rate(…)` knows.
const UNITS: &[(&str, u32)] =
    &[("minute", 1), ("minutes", 1), ("hour", 60), ("hours", 60), ("day", 1_440), ("days", 1_440)];
const RATE: &str = "rate(N minutes), rate(N hours), rate(N days)";

impl Scope<'_> {
    /// A rule of its own; `name` is what it is called unless it says otherwise.
    pub(super) fn rule(
        &self,
        name: String,
        properties: &Value,
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<RuleConfig, TemplateError> {
        let fields = properties.fields(RULE_HONOURED, RULE_IMMATERIAL)?;
        if let Some(bus) = fields.get("EventBusName") {
            bus.one_of(&["default"])?;
        }
        let value = fields.require("Pattern", "an event pattern")?;
        let pattern =
            Pattern::parse(&value.json()).map_err(|error| value.unsupported(error.to_string(), FILTERS))?;
        let name = fields.get("RuleName").map_or(Ok(name), Value::text)?;
        Ok(RuleConfig { name, pattern, target: self.target(&fields, queues)? })
    }

    /// A schedule; `name` as for a rule.
    pub(super) fn schedule(
        &self,
        name: String,
        properties: &Value,
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<ScheduleConfig, TemplateError> {
        let fields = properties.fields(SCHEDULE_HONOURED, SCHEDULE_IMMATERIAL)?;
        if let Some(enabled) = fields.get("Enabled") {
            enabled.one_of(&["true"])?;
        }
        let every_min = rate(fields.require("Schedule", RATE)?)?;
        let name = fields.get("Name").map_or(Ok(name), Value::text)?;
        Ok(ScheduleConfig { name, every_min, target: self.target(&fields, queues)? })
    }

    /// `EventInvokeConfig`.
    pub(super) fn asynchronous(
        &self,
        value: &Value,
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<AsyncConfig, TemplateError> {
        let fields = value.fields(ASYNC_HONOURED, &[])?;
        let defaults = AsyncConfig::default();
        let on_failure = match fields.get("DestinationConfig") {
            Some(destinations) => {
                let destinations = destinations.fields(&["OnFailure"], &[])?;
                let destination = destinations.require("OnFailure", "a queue")?;
                let fields = destination.fields(&["Type", "Destination"], &[])?;
                fields.require("Type", "SQS")?.one_of(&["SQS"])?;
                Some(self.caught_by(fields.require("Destination", "the ARN of a queue")?, queues)?)
            }
            None => defaults.on_failure,
        };
        Ok(AsyncConfig {
            retries_max: fields.number_or("MaximumRetryAttempts", defaults.retries_max, 0..=2)?,
            age_s_max: fields.number_or("MaximumEventAgeInSeconds", defaults.age_s_max, 60..=21_600)?,
            on_failure,
        })
    }

    /// What becomes of an event on its way to a target.
    pub(super) fn target(
        &self,
        fields: &Fields<'_>,
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<TargetConfig, TemplateError> {
        if let Some(state) = fields.get("State") {
            state.one_of(&["ENABLED"])?;
        }
        let mut target =
            TargetConfig { input: fields.get("Input").map(input).transpose()?, ..TargetConfig::default() };
        if let Some(policy) = fields.get("RetryPolicy") {
            let policy = policy.fields(&["MaximumRetryAttempts", "MaximumEventAgeInSeconds"], &[])?;
            target.retries_max = policy.number_or("MaximumRetryAttempts", target.retries_max, 0..=185)?;
            target.age_s_max = policy.number_or("MaximumEventAgeInSeconds", target.age_s_max, 60..=86_400)?;
        }
        target.dead_letter_queue = self.dead_letters(fields, queues)?;
        Ok(target)
    }

    /// The queue that `DeadLetterConfig` names, if there is one.
    pub(super) fn dead_letters(
        &self,
        fields: &Fields<'_>,
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<Option<String>, TemplateError> {
        let Some(config) = fields.get("DeadLetterConfig") else { return Ok(None) };
        let arn = config.fields(&["Arn"], &[])?.require("Arn", "the ARN of a queue")?;
        self.caught_by(arn, queues).map(Some)
    }

    fn caught_by(
        &self,
        arn: &Value,
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<String, TemplateError> {
        self.queue_at(arn, queues.values().map(|queue| &queue.name))
    }
}

/// JSON in text, which is what the function is given.
fn input(value: &Value) -> Result<String, TemplateError> {
    let text = value.text()?;
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(value.is_not("JSON in text")),
    }
}

/// Minutes of `rate(5 minutes)`.
fn rate(value: &Value) -> Result<u32, TemplateError> {
    let text = value.text()?;
    let inside = text.strip_prefix("rate(").and_then(|text| text.strip_suffix(')'));
    let minutes = inside.and_then(|inside| {
        let (count, unit) = inside.trim().split_once(' ')?;
        let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
        let (_, minutes) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
        // AWS wants the singular for one and the plural for more.
        ((count == 1) != unit.trim().ends_with('s')).then(|| count.checked_mul(*minutes)).flatten()
    });
    minutes.ok_or_else(|| value.is_not(RATE))
}
