//! `AWS::SQS::Queue`: the limits SQS documents, and dead-letter queues that let their sources in.
//!
//! Invariant: a dead-letter queue is a queue of the same template and admits the queue that names it, as SQS demands.

use super::document::Resource;
use super::error::{TemplateError, listed};
use super::resolve::Scope;
use super::types::{QUEUE_IMMATERIAL, Role};
use super::value::Value;
use crate::cloud::config::{QueueConfig, RedriveConfig};
use std::collections::BTreeMap;

const HONOURED: &[&str] = &[
    "QueueName",
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "MaximumMessageSize",
    "RedrivePolicy",
    "RedriveAllowPolicy",
];

/// Sources a dead-letter queue may list.
const ALLOWED_SOURCES_MAX: usize = 10;

impl Scope<'_> {
    /// Builds every queue among `resources`.
    pub(super) fn queues(
        &mut self,
        resources: &[(&Resource, Value)],
    ) -> Result<BTreeMap<String, QueueConfig>, TemplateError> {
        let mut names = BTreeMap::new();
        for (resource, properties) in queues_of(resources) {
            let name = self.physical_name(resource)?;
            if names.insert(name.clone(), properties).is_some() {
                return Err(properties.is(format!("a second queue named {name}"), "a name of its own"));
            }
        }
        let mut queues = BTreeMap::new();
        for (resource, properties) in queues_of(resources) {
            let name = self.physical_name(resource)?;
            queues.insert(resource.logical_id.clone(), self.queue(name, properties, &names)?);
        }
        Ok(queues)
    }

    fn queue(
        &self,
        name: String,
        properties: &Value,
        queues: &BTreeMap<String, &Value>,
    ) -> Result<QueueConfig, TemplateError> {
        let fields = properties.fields(HONOURED, QUEUE_IMMATERIAL)?;
        let redrive = match fields.get("RedrivePolicy") {
            Some(policy) => Some(self.redrive(policy, &name, queues)?),
            None => None,
        };
        Ok(QueueConfig {
            name,
            visibility_s: fields.number_or("VisibilityTimeout", 30, 0..=43_200)?,
            retention_s: fields.number_or("MessageRetentionPeriod", 345_600, 60..=1_209_600)?,
            delay_s: fields.number_or("DelaySeconds", 0, 0..=900)?,
            message_bytes_max: fields.number_or("MaximumMessageSize", 1_048_576, 1_024..=1_048_576)?,
            redrive,
        })
    }

    fn redrive(
        &self,
        policy: &Value,
        source: &str,
        queues: &BTreeMap<String, &Value>,
    ) -> Result<RedriveConfig, TemplateError> {
        let fields = policy.fields(&["deadLetterTargetArn", "maxReceiveCount"], &[])?;
        let target = fields.require("deadLetterTargetArn", "the ARN of a queue")?;
        let receives = fields.require("maxReceiveCount", "1 to 1000")?;
        let dead_letter_queue = self.queue_at(target, queues.keys())?;
        if let Some(allow) = queues[&dead_letter_queue].map()?.get("RedriveAllowPolicy") {
            self.admits(allow, source)?;
        }
        Ok(RedriveConfig { dead_letter_queue, receives_max: receives.number(1..=1_000)? })
    }

    /// Refuses a `RedriveAllowPolicy` that keeps `source` out.
    fn admits(&self, allow: &Value, source: &str) -> Result<(), TemplateError> {
        let fields = allow.fields(&["redrivePermission", "sourceQueueArns"], &[])?;
        let permission = fields.require("redrivePermission", "allowAll, denyAll, byQueue")?;
        match permission.one_of(&["allowAll", "denyAll", "byQueue"])?.as_str() {
            "allowAll" => Ok(()),
            "byQueue" => {
                let sources = fields.require("sourceQueueArns", "a list of ARNs")?;
                let arns = sources.list()?.iter().map(Value::text).collect::<Result<Vec<_>, _>>()?;
                let arn = self.queue_arn(source);
                if arns.contains(&arn) && arns.len() <= ALLOWED_SOURCES_MAX {
                    return Ok(());
                }
                let found = listed(arns.iter().map(String::as_str));
                Err(sources.is(found, &format!("at most ten ARNs, {arn} among them")))
            }
            _ => Err(permission.is_not(&format!("a permission that admits {source}"))),
        }
    }

    /// The name of the queue whose ARN `value` is, when it is one of `queues`.
    pub(super) fn queue_at<'q>(
        &self,
        value: &Value,
        queues: impl Iterator<Item = &'q String> + Clone,
    ) -> Result<String, TemplateError> {
        let arn = value.text()?;
        match queues.clone().find(|name| self.queue_arn(name) == arn) {
            Some(name) => Ok(name.clone()),
            None => {
                let arns: Vec<_> = queues.map(|name| self.queue_arn(name)).collect();
                Err(value.is_not(&listed(arns.iter().map(String::as_str))))
            }
        }
    }

    fn queue_arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.deployment.region, self.deployment.account)
    }
}

fn queues_of<'r>(resources: &'r [(&Resource, Value)]) -> impl Iterator<Item = (&'r Resource, &'r Value)> {
    resources
        .iter()
        .filter(|(resource, _)| resource.kind.role == Role::Queue)
        .map(|(resource, properties)| (*resource, properties))
}
