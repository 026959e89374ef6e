//! `AWS::Pipes::Pipe`: from the stream of a table of the template to an event bus.
//!
//! Invariant: a pipe follows a stream that is there, puts no more at once than its bus takes, and tells of what it gave up
//! to a queue of the template.

use super::document::Resource;
use super::error::{TemplateError, listed};
use super::permissions::role_at;
use super::resolve::Scope;
use super::types::{PIPE_IMMATERIAL, Role, with_role};
use super::value::Value;
use crate::cloud::config::{PipeConfig, QueueConfig, TableConfig};
use crate::cloud::eventbridge::{FILTERS, Pattern};
use crate::cloud::iam::Policies;
use crate::cloud::names;
use crate::cloud::pipes::Template;
use std::collections::BTreeMap;

const HONOURED: &[&str] = &["Name", "RoleArn", "Source", "SourceParameters", "Target", "TargetParameters"];
const STREAM_HONOURED: &[&str] = &[
    "StartingPosition",
    "BatchSize",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "OnPartialBatchItemFailure",
    "DeadLetterConfig",
];
/// What an event bus takes at once.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html>
const BATCH_MAX: u32 = 10;
/// Filters a pipe may have.
const FILTERS_MAX: usize = 5;
const PLACES: &str = "a JSON object whose places, <$.field.field>, stand in quotes";

impl Scope<'_> {
    /// Builds every pipe among `resources`.
    pub(super) fn pipes(
        &mut self,
        resources: &[(&Resource, Value)],
        known: (&BTreeMap<String, QueueConfig>, &BTreeMap<String, TableConfig>),
        policies: &Policies,
    ) -> Result<BTreeMap<String, PipeConfig>, TemplateError> {
        let mut pipes = BTreeMap::new();
        for (resource, properties) in with_role(resources, Role::Pipe) {
            let name = self.physical_name(resource)?;
            pipes.insert(resource.logical_id.clone(), self.pipe(name, properties, known, policies)?);
        }
        Ok(pipes)
    }

    fn pipe(
        &self,
        name: String,
        properties: &Value,
        (queues, tables): (&BTreeMap<String, QueueConfig>, &BTreeMap<String, TableConfig>),
        policies: &Policies,
    ) -> Result<PipeConfig, TemplateError> {
        let fields = properties.fields(HONOURED, PIPE_IMMATERIAL)?;
        let from = fields.require("SourceParameters", "the parameters of a stream")?;
        let from = from.fields(&["FilterCriteria", "DynamoDBStreamParameters"], &[])?;
        let stream = from.require("DynamoDBStreamParameters", "the parameters of a stream")?;
        let stream = stream.fields(STREAM_HONOURED, &[])?;
        // A world's stream is as old as the pipe: both positions are the same.
        let positions = &["TRIM_HORIZON", "LATEST"];
        stream.require("StartingPosition", "TRIM_HORIZON, LATEST")?.one_of(positions)?;
        let bisects = match stream.get("OnPartialBatchItemFailure") {
            Some(how) => how.one_of(&["AUTOMATIC_BISECT"]).map(|_| true)?,
            None => false,
        };
        let dead_letter_queue = self.dead_letters(&stream, queues)?;
        let target = fields.require("Target", BUS)?;
        let bus = target.text()?;
        let bus = bus.split_once(":event-bus/").ok_or_else(|| target.is_not(BUS))?.1.to_owned();
        let to = fields.require("TargetParameters", "the parameters of an event bus")?;
        let to = to.fields(&["InputTemplate", "EventBridgeEventBusParameters"], &[])?;
        let event = to.require("EventBridgeEventBusParameters", "Source and DetailType")?;
        let event = event.fields(&["Source", "DetailType"], &[])?;
        let limit = |name: &str, most| -> Result<Option<u32>, TemplateError> {
            stream.get(name).map(|value| value.number(0..=most)).transpose()
        };
        Ok(PipeConfig {
            name,
            role: role_at(fields.require("RoleArn", "the ARN of a role")?, policies)?,
            table: table_at(fields.require("Source", "the ARN of a stream")?, tables)?,
            filters: from.get("FilterCriteria").map_or_else(|| Ok(Vec::new()), filters)?,
            batch_size: stream.number_or("BatchSize", 1, 1..=BATCH_MAX)?,
            age_s_max: limit("MaximumRecordAgeInSeconds", 604_800)?,
            retries_max: limit("MaximumRetryAttempts", 10_000)?,
            bisects,
            dead_letter_queue,
            bus,
            source: event.require("Source", "text")?.text()?,
            detail_type: event.require("DetailType", "text")?.text()?,
            template: template(to.require("InputTemplate", PLACES)?)?,
        })
    }
}

const BUS: &str = "the ARN of an event bus";

/// The table whose stream's ARN this is.
fn table_at(value: &Value, tables: &BTreeMap<String, TableConfig>) -> Result<String, TemplateError> {
    let arn = value.text()?;
    let streaming = || tables.values().filter(|table| table.streams).map(|table| &table.name);
    let found = streaming().find(|name| names::stream_arn(name) == arn).cloned();
    found.ok_or_else(|| {
        let arns: Vec<String> = streaming().map(|name| names::stream_arn(name)).collect();
        match arns.as_slice() {
            [] => value.is_not("the StreamArn of a table with a StreamSpecification"),
            arns => value.is_not(&listed(arns.iter().map(String::as_str))),
        }
    })
}

fn filters(criteria: &Value) -> Result<Vec<Pattern>, TemplateError> {
    let filters = criteria.fields(&["Filters"], &[])?.require("Filters", "a list of patterns")?;
    let patterns = filters.list()?;
    if patterns.len() > FILTERS_MAX {
        return Err(filters.is(format!("{} filters", patterns.len()), "at most 5"));
    }
    let pattern = |filter: &Value| {
        let text = filter.fields(&["Pattern"], &[])?.require("Pattern", "a pattern in JSON")?;
        let json = serde_json::from_str(&text.text()?).map_err(|_| text.is_not("a pattern in JSON"))?;
        Pattern::parse(&json).map_err(|error| text.unsupported(error.to_string(), FILTERS))
    };
    patterns.iter().map(pattern).collect()
}

fn template(value: &Value) -> Result<Template, TemplateError> {
    Template::parse(&value.text()?).map_err(|what| value.unsupported(what, PLACES))
}
