//! `AWS::Events::Rule` on the event bus of a partner, and `AWS::Lambda::EventSourceMapping`, which no event of a function's
//! stands for.
//!
//! Invariant: a rule hands events to queues of the template, and a mapping feeds the alias of a function of the template.

use super::document::Resource;
use super::error::{TemplateError, listed};
use super::function::{SOURCE_HONOURED, source};
use super::resolve::Scope;
use super::types::{PARTNER_RULE_IMMATERIAL, Role, with_role};
use super::value::Value;
use crate::cloud::config::{FunctionConfig, PartnerRuleConfig, QueueConfig};
use crate::cloud::eventbridge::{FILTERS, PARTNERS, Pattern};
use std::collections::BTreeMap;

const RULE_HONOURED: &[&str] = &["Name", "EventBusName", "EventPattern", "Targets", "State"];
const TARGET_HONOURED: &[&str] = &["Id", "Arn", "RetryPolicy", "DeadLetterConfig"];
/// Targets that a rule may have.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>
const TARGETS_MAX: usize = 5;
const BUS: &str =
    "the name of a partner's event bus, aws.partner/…; a rule of the default bus is an event of a function";

impl Scope<'_> {
    /// Builds every rule among `resources`.
    pub(super) fn partner_rules(
        &mut self,
        resources: &[(&Resource, Value)],
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<BTreeMap<String, PartnerRuleConfig>, TemplateError> {
        let mut rules = BTreeMap::new();
        for (resource, properties) in with_role(resources, Role::PartnerRule) {
            let name = self.physical_name(resource)?;
            rules.insert(resource.logical_id.clone(), self.partner_rule(name, properties, queues)?);
        }
        Ok(rules)
    }

    fn partner_rule(
        &self,
        name: String,
        properties: &Value,
        queues: &BTreeMap<String, QueueConfig>,
    ) -> Result<PartnerRuleConfig, TemplateError> {
        let fields = properties.fields(RULE_HONOURED, PARTNER_RULE_IMMATERIAL)?;
        if let Some(state) = fields.get("State") {
            state.one_of(&["ENABLED"])?;
        }
        let bus = fields.require("EventBusName", BUS)?;
        if !bus.text()?.starts_with(PARTNERS) {
            return Err(bus.is_not(BUS));
        }
        let pattern = fields.require("EventPattern", "an event pattern")?;
        let targets = fields.require("Targets", "a list of queues")?;
        if targets.list()?.len() > TARGETS_MAX {
            return Err(targets.is(format!("{} targets", targets.list()?.len()), "at most 5"));
        }
        let target = |target: &Value| {
            let fields = target.fields(TARGET_HONOURED, &[])?;
            fields.require("Id", "text")?.text()?;
            let queue = fields.require("Arn", "the ARN of a queue")?;
            let queue = self.queue_at(queue, queues.values().map(|queue| &queue.name))?;
            Ok((queue, self.target(&fields, queues)?))
        };
        Ok(PartnerRuleConfig {
            name,
            bus: bus.text()?,
            pattern: Pattern::parse(&pattern.json())
                .map_err(|error| pattern.unsupported(error.to_string(), FILTERS))?,
            targets: targets.list()?.iter().map(target).collect::<Result<_, TemplateError>>()?,
        })
    }

    /// Gives functions the queues that mappings among `resources` feed them from.
    pub(super) fn map_sources(
        &self,
        resources: &[(&Resource, Value)],
        queues: &BTreeMap<String, QueueConfig>,
        functions: &mut BTreeMap<String, FunctionConfig>,
    ) -> Result<(), TemplateError> {
        let honoured: Vec<&str> =
            ["FunctionName", "EventSourceArn"].iter().chain(SOURCE_HONOURED).copied().collect();
        for (_, properties) in with_role(resources, Role::Mapping) {
            let fields = properties.fields(&honoured, &[])?;
            let wanted = fields.require("FunctionName", "a function's alias")?;
            let arn = wanted.text()?;
            let invoked: Vec<String> = functions.values().map(FunctionConfig::invoked_arn).collect();
            let function = functions.values_mut().find(|function| function.invoked_arn() == arn);
            // What is not published is not what the function's events invoke.
            let function =
                function.ok_or_else(|| wanted.is_not(&listed(invoked.iter().map(String::as_str))))?;
            let queue = fields.require("EventSourceArn", "the ARN of a queue")?;
            let name = self.queue_at(queue, queues.values().map(|queue| &queue.name))?;
            if function.sources.iter().any(|source| source.queue == name) {
                return Err(queue.is(format!("{name}, which feeds the function already"), "another queue"));
            }
            function.sources.push(source(&fields, (queue, name), function.timeout_s, queues)?);
        }
        Ok(())
    }
}
