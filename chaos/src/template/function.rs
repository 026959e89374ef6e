//! `AWS::Serverless::Function` and its events.
//!
//! Invariant: what Lambda refuses when an event source mapping is created is refused here, above all a queue whose
//! visibility is shorter than the function's timeout. No linter finds that one.

use super::document::Resource;
use super::error::TemplateError;
use super::resolve::Scope;
use super::types::{FUNCTION_IMMATERIAL, LOGGING_IMMATERIAL, Role};
use super::value::{Fields, Value};
use super::{Stack, release};
use crate::cloud::config::{
    AsyncConfig, FunctionConfig, ItemFailures, LogFormat, LoggingConfig, QueueConfig, SqsSourceConfig,
};
use crate::cloud::iam::Policies;
use std::collections::{BTreeMap, BTreeSet};

const HONOURED: &[&str] = &[
    "FunctionName",
    "Role",
    "Timeout",
    "MemorySize",
    "Environment",
    "LoggingConfig",
    "Events",
    "EventInvokeConfig",
    "FunctionUrlConfig",
    release::HONOURED[0],
    release::HONOURED[1],
    release::HONOURED[2],
];
const EVENTS: &str = "SQS, EventBridgeRule, Schedule";
/// What an event source mapping is told beside its queue.
pub(super) const SOURCE_HONOURED: &[&str] =
    &["BatchSize", "MaximumBatchingWindowInSeconds", "ScalingConfig", "FunctionResponseTypes", "Enabled"];
const LEVELS: &[&str] = &["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
/// Above this batch size Lambda demands a batching window.
const BATCH_WITHOUT_WINDOW_MAX: u32 = 10;

impl Scope<'_> {
    /// Builds every function among `resources`; they may name any queue and any alarm of `stack`.
    pub(super) fn functions(
        &mut self,
        resources: &[(&Resource, Value)],
        stack: &Stack,
        policies: &Policies,
    ) -> Result<BTreeMap<String, FunctionConfig>, TemplateError> {
        let mut functions = BTreeMap::new();
        for (resource, properties) in resources {
            if resource.kind.role == Role::Function {
                let name = self.physical_name(resource)?;
                let function = self.function(&resource.logical_id, name, properties, (stack, policies))?;
                functions.insert(resource.logical_id.clone(), function);
            }
        }
        Ok(functions)
    }

    /// What must exist before the function. Its events and its URL are resources of their own, which only need the function.
    pub(super) fn needed_by_function(
        &mut self,
        resource: &Resource,
    ) -> Result<BTreeSet<String>, TemplateError> {
        self.uses.clear();
        for (name, node) in resource.properties.entries(&resource.logical_id)? {
            if name != "Events" && name != "FunctionUrlConfig" {
                self.value(&node, &resource.logical_id)?;
            }
        }
        Ok(std::mem::take(&mut self.uses))
    }

    fn function(
        &self,
        id: &str,
        name: String,
        properties: &Value,
        (stack, policies): (&Stack, &Policies),
    ) -> Result<FunctionConfig, TemplateError> {
        let fields = properties.fields(HONOURED, FUNCTION_IMMATERIAL)?;
        let queues = &stack.queues;
        let alarms: Vec<&str> = stack.alarms.values().map(|alarm| alarm.name.as_str()).collect();
        let timeout_s = fields.number_or("Timeout", 3, 1..=900)?;
        let (mut sources, mut rules, mut schedules) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(events) = fields.get("Events") {
            for (key, event) in events.map()? {
                let fields = event.fields(&["Type", "Properties"], &[])?;
                let kind = fields.require("Type", EVENTS)?.one_of(&["SQS", "EventBridgeRule", "Schedule"])?;
                let properties = fields.require("Properties", "the properties of the event")?;
                // SAM makes a rule of its own for the event, and CloudFormation a name of that rule's logical id.
                let rule = || format!("{}-{id}{key}", self.deployment.stack_name);
                match kind.as_str() {
                    "EventBridgeRule" => rules.push(self.rule(rule(), properties, queues)?),
                    "Schedule" => schedules.push(self.schedule(rule(), properties, queues)?),
                    _ => sources.push(self.sqs_source(properties, timeout_s, queues)?),
                }
            }
        }
        let asynchronous = match fields.get("EventInvokeConfig") {
            Some(config) => self.asynchronous(config, queues)?,
            None => AsyncConfig::default(),
        };
        let (log_group, logging) = fields.get("LoggingConfig").map_or(Ok(Default::default()), logging)?;
        Ok(FunctionConfig {
            logical_id: id.to_owned(),
            has_url: fields.get("FunctionUrlConfig").map_or(Ok(false), |url| has_url(url, &fields))?,
            alias: release::alias(&fields, &alarms)?,
            timeout_s,
            role: Some(self.role_of(id, &fields, policies)?),
            log_group: log_group.unwrap_or_else(|| format!("/aws/lambda/{name}")),
            logging,
            name,
            memory_mb: fields.number_or("MemorySize", 128, 128..=10_240)?,
            environment: fields.get("Environment").map_or(Ok(BTreeMap::new()), environment)?,
            sources,
            rules,
            schedules,
            asynchronous,
        })
    }

    fn sqs_source(
        &self,
        properties: &Value,
        timeout_s: u32,
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<SqsSourceConfig, TemplateError> {
        let honoured: Vec<&str> = ["Queue"].iter().chain(SOURCE_HONOURED).copied().collect();
        let fields = properties.fields(&honoured, &[])?;
        let target = fields.require("Queue", "the ARN of a queue")?;
        let queue = self.queue_at(target, queues.values().map(|queue| &queue.name))?;
        source(&fields, (target, queue), timeout_s, queues)
    }
}

/// The URL of a function, where requests are signed and an answer comes in one piece. Where there is an alias, SAM makes
/// a URL of that, which asks for permissions on it.
fn has_url(config: &Value, function: &Fields<'_>) -> Result<bool, TemplateError> {
    let fields = config.fields(&["AuthType", "InvokeMode"], &[])?;
    fields.require("AuthType", "AWS_IAM")?.one_of(&["AWS_IAM"])?;
    fields.get("InvokeMode").map_or(Ok(()), |mode| mode.one_of(&["BUFFERED"]).map(|_| ()))?;
    match function.get("AutoPublishAlias") {
        Some(alias) => {
            Err(alias.unsupported("the URL of an alias", "FunctionUrlConfig, or AutoPublishAlias"))
        }
        None => Ok(true),
    }
}

/// A mapping that feeds a function with this timeout from `queue`, which `target` names.
pub(super) fn source(
    fields: &Fields<'_>,
    (target, queue): (&Value, String),
    timeout_s: u32,
    queues: &BTreeMap<String, QueueConfig>,
) -> Result<SqsSourceConfig, TemplateError> {
    let visibility_s = queues.values().find(|it| it.name == queue).map_or(0, |it| it.visibility_s);
    if visibility_s < timeout_s {
        return Err(target.is(
            format!("{queue}, whose visibility timeout of {visibility_s} s is less than the function's timeout of {timeout_s} s"),
            "a queue with a visibility timeout of at least the function's timeout",
        ));
    }
    if let Some(enabled) = fields.get("Enabled") {
        enabled.one_of(&["true"])?;
    }
    let window_s = fields.number_or("MaximumBatchingWindowInSeconds", 0, 0..=300)?;
    let batch_max = if window_s == 0 { BATCH_WITHOUT_WINDOW_MAX } else { 10_000 };
    let concurrency_max = match fields.get("ScalingConfig") {
        Some(scaling) => concurrency(scaling)?,
        None => None,
    };
    Ok(SqsSourceConfig {
        queue,
        batch_size: fields.number_or("BatchSize", 10, 1..=batch_max)?,
        window_s,
        concurrency_max,
        reports_item_failures: fields
            .get("FunctionResponseTypes")
            .map_or(Ok(ItemFailures::Ignored), item_failures)?,
    })
}

fn concurrency(scaling: &Value) -> Result<Option<u32>, TemplateError> {
    let fields = scaling.fields(&["MaximumConcurrency"], &[])?;
    fields.get("MaximumConcurrency").map(|value| value.number(2..=1_000)).transpose()
}

/// The log group, if one is named, and how its lines are written.
fn logging(logging: &Value) -> Result<(Option<String>, LoggingConfig), TemplateError> {
    let fields = logging.fields(&["LogGroup", "LogFormat", "ApplicationLogLevel"], LOGGING_IMMATERIAL)?;
    let format = fields.get("LogFormat").map(|value| value.one_of(&["Text", "JSON"])).transpose()?;
    let format = if format.as_deref() == Some("JSON") { LogFormat::Json } else { LogFormat::Text };
    let level = fields.get("ApplicationLogLevel").map(|value| value.one_of(LEVELS)).transpose()?;
    Ok((fields.get("LogGroup").map(Value::text).transpose()?, LoggingConfig { format, level }))
}

fn item_failures(types: &Value) -> Result<ItemFailures, TemplateError> {
    for name in types.list()? {
        name.one_of(&["ReportBatchItemFailures"])?;
    }
    Ok(if types.list()?.is_empty() { ItemFailures::Ignored } else { ItemFailures::Reported })
}

fn environment(value: &Value) -> Result<BTreeMap<String, String>, TemplateError> {
    let fields = value.fields(&["Variables"], &[])?;
    let Some(variables) = fields.get("Variables") else {
        return Ok(BTreeMap::new());
    };
    variables.map()?.iter().map(|(name, value)| Ok((name.clone(), variable(value)?))).collect()
}

/// A secret in a `{{resolve:…}}` would reach the handler as these very characters.
fn variable(value: &Value) -> Result<String, TemplateError> {
    let text = value.text()?;
    if !text.contains("{{resolve:") {
        return Ok(text);
    }
    let accepted = "text, or the ARN of a secret that the function reads itself";
    Err(value.unsupported("a dynamic reference", accepted))
}
