//! The stack that a template describes, for the world to be assembled from.
//!
//! CloudFormation and SAM syntax is read, resolved and checked here, once. What the simulated world cannot honour is
//! refused by name, file and line, unless it stands in the tables of `types.rs` among the things that cannot matter.
//! Invariant: what is simulated is what would be deployed.

mod alarm;
mod application;
mod conditions;
mod document;
mod edge;
mod error;
mod event;
mod function;
mod order;
mod parameters;
mod permissions;
mod pipe;
mod policy;
mod queue;
mod references;
mod release;
mod resolve;
mod rule;
mod rules;
mod table;
#[cfg(test)]
mod tests;
mod topic;
mod types;
mod value;
mod yaml;

pub use error::{Place, Problem, TemplateError};

use crate::cloud::cloudfront::config::DistributionConfig;
use crate::cloud::config::{
    AlarmConfig, FunctionConfig, PartnerRuleConfig, PipeConfig, QueueConfig, TableConfig, TopicConfig,
};
use crate::cloud::iam::Policies;
use document::{Document, Resource};
use resolve::Scope;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use types::Role;
use value::Value;

/// How a template is read from disk; tests read from memory.
type Reader<'a> = &'a dyn Fn(&Path) -> std::io::Result<String>;

/// What is chosen when a template is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Name of the stack.
    pub stack_name: String,
    /// Region, as in ARNs.
    pub region: String,
    /// Account, twelve digits.
    pub account: String,
    /// Values of the template's parameters; the others keep their defaults.
    pub parameters: BTreeMap<String, String>,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            stack_name: "payments".to_owned(),
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
            parameters: BTreeMap::new(),
        }
    }
}

/// What a template means. Resources are keyed by logical id; those of a nested application by `Application.Id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// Every `AWS::SQS::Queue`.
    pub queues: BTreeMap<String, QueueConfig>,
    /// Every `AWS::DynamoDB::Table`.
    pub tables: BTreeMap<String, TableConfig>,
    /// Every `AWS::Serverless::Function`.
    pub functions: BTreeMap<String, FunctionConfig>,
    /// Every `AWS::CloudWatch::Alarm`.
    pub alarms: BTreeMap<String, AlarmConfig>,
    /// Every `AWS::SNS::Topic`, with what `AWS::SNS::TopicPolicy` says of it and every `AWS::SNS::Subscription`.
    pub topics: BTreeMap<String, TopicConfig>,
    /// Every `AWS::Pipes::Pipe`.
    pub pipes: BTreeMap<String, PipeConfig>,
    /// Every `AWS::CloudFront::Distribution`, with all that it names.
    pub distributions: BTreeMap<String, DistributionConfig>,
    /// Names of every `AWS::CloudFront::KeyValueStore`.
    pub stores: BTreeMap<String, String>,
    /// Names of every `AWS::S3::Bucket`.
    pub buckets: BTreeMap<String, String>,
    /// Every `AWS::Events::Rule`: those of a partner's bus.
    pub partner_rules: BTreeMap<String, PartnerRuleConfig>,
    /// Who may do what.
    pub policies: Policies,
    /// Outputs of the outermost template, by name.
    pub outputs: BTreeMap<String, String>,
    /// Values of the outermost template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Resources that were resolved but are not simulated, and why that is right.
    pub inert: BTreeMap<String, &'static str>,
}

impl Stack {
    /// Reads the template at `path`, and the local ones it nests, as `deployment` would deploy it.
    ///
    /// # Errors
    /// When a file cannot be read, is no template, or asks for something the world cannot honour. The message says
    /// where it stands and what is accepted.
    pub fn load(path: &Path, deployment: &Deployment) -> Result<Self, TemplateError> {
        assemble(&[path.to_owned()], deployment, &|path| std::fs::read_to_string(path))
    }
}

/// Assembles the template at the end of `files`; those before it are the templates that nest it.
fn assemble(files: &[PathBuf], deployment: &Deployment, read: Reader<'_>) -> Result<Stack, TemplateError> {
    let path = files.last().map_or(Path::new(""), PathBuf::as_path);
    let file = Place { file: path.display().to_string().into(), line: 0 };
    let text = read(path)
        .map_err(|error| TemplateError { place: file.clone(), problem: Problem::Unreadable(error) })?;
    let document = Document::new(yaml::parse(&file.file, &text)?)?;
    let parameters = parameters::parameters(&document.parameters, &deployment.parameters, &file)?;
    let scope = Scope {
        deployment,
        document: &document,
        parameters,
        nested: BTreeMap::new(),
        files,
        read,
        open: conditions::Open::default(),
        uses: BTreeSet::new(),
    };
    scope.stack()
}

impl<'a> Scope<'a> {
    fn stack(mut self) -> Result<Stack, TemplateError> {
        self.check_rules()?;
        let resolved = self.resolved_resources()?;
        let mut stack = Stack::default();
        for (resource, properties) in &resolved {
            let id = resource.logical_id.clone();
            match resource.kind.role {
                Role::Inert(why) => {
                    stack.inert.insert(id, why);
                }
                Role::SsmParameter => {
                    parameters::ssm_parameter(properties)?;
                    stack.inert.insert(id, "nobody reads it");
                }
                Role::Table => {
                    let name = self.physical_name(resource)?;
                    stack.tables.insert(id, table::table(name, properties)?);
                }
                Role::Application => {
                    let nested = self.application(resource, properties.at())?.clone();
                    stack.absorb(&id, nested);
                }
                Role::Alarm => {
                    let name = self.physical_name(resource)?;
                    let region = self.region(properties)?;
                    stack.alarms.insert(id, alarm::alarm(name, region, properties)?);
                }
                // Queues name each other, functions name queues, and so it is with the others: they are built below.
                Role::Queue
                | Role::Function
                | Role::Topic
                | Role::Subscription
                | Role::TopicPolicy
                | Role::QueuePolicy
                | Role::Pipe
                | Role::PartnerRule
                | Role::Mapping
                | Role::Identity
                | Role::Key
                | Role::Edge(_) => {}
            }
        }
        let policies = self.policies(&resolved)?;
        stack.queues.extend(self.queues(&resolved)?);
        stack.functions.extend(self.functions(&resolved, &stack, &policies)?);
        self.map_sources(&resolved, &stack.queues, &mut stack.functions)?;
        stack.partner_rules.extend(self.partner_rules(&resolved, &stack.queues)?);
        stack.pipes.extend(self.pipes(&resolved, (&stack.queues, &stack.tables), &policies)?);
        stack.topics.extend(self.topics(&resolved, &policies)?);
        self.check_watch(&resolved, &stack.alarms)?;
        let edge = self.edge(&resolved, &policies)?;
        (stack.distributions, stack.stores, stack.buckets) = (edge.distributions, edge.stores, edge.buckets);
        stack.policies.extend(policies);
        stack.outputs = self.outputs()?;
        stack.parameters = self
            .parameters
            .iter()
            .map(|(name, value)| Ok((name.clone(), value.text()?)))
            .collect::<Result<_, TemplateError>>()?;
        Ok(stack)
    }

    /// Every resource this deployment has, with its properties, in an order CloudFormation could create them in.
    fn resolved_resources(&mut self) -> Result<Vec<(&'a Resource, Value)>, TemplateError> {
        let document = self.document;
        let mut resolved = Vec::new();
        let mut needs = BTreeMap::new();
        for resource in document.resources.values() {
            if self.exists(resource)? {
                self.uses.clear();
                let properties = self.value(&resource.properties, &resource.logical_id)?;
                let mut uses = std::mem::take(&mut self.uses);
                if resource.kind.role == Role::Function {
                    uses = self.needed_by_function(resource)?;
                }
                for name in &resource.depends_on {
                    self.reference(&name.text()?, name.at())?;
                    uses.insert(name.text()?);
                }
                needs.insert(resource.logical_id.clone(), uses);
                resolved.push((resource, properties));
            }
        }
        order::refuse_circles(&needs, &document.root.place)?;
        Ok(resolved)
    }

    fn outputs(&mut self) -> Result<BTreeMap<String, String>, TemplateError> {
        let document = self.document;
        let mut outputs = BTreeMap::new();
        for (name, node) in &document.outputs {
            let path = format!("Outputs.{name}");
            let output = node.entries(&path)?;
            let wanted = match output.get("Condition") {
                Some(condition) => self.condition(&condition.literal(&path)?)?,
                None => true,
            };
            if wanted {
                let output = self.value(node, &path)?;
                let fields = output.fields(
                    &["Value", "Condition"],
                    &[("Description", "for readers"), ("Export", "no other stack is there to import it")],
                )?;
                outputs.insert(name.clone(), fields.require("Value", "text")?.text()?);
            }
        }
        Ok(outputs)
    }
}

impl Stack {
    fn absorb(&mut self, id: &str, nested: Self) {
        let inside = |name: String| format!("{id}.{name}");
        self.queues.extend(nested.queues.into_iter().map(|(name, it)| (inside(name), it)));
        self.tables.extend(nested.tables.into_iter().map(|(name, it)| (inside(name), it)));
        self.alarms.extend(nested.alarms.into_iter().map(|(name, it)| (inside(name), it)));
        self.topics.extend(nested.topics.into_iter().map(|(name, it)| (inside(name), it)));
        self.pipes.extend(nested.pipes.into_iter().map(|(name, it)| (inside(name), it)));
        self.distributions.extend(nested.distributions.into_iter().map(|(name, it)| (inside(name), it)));
        self.stores.extend(nested.stores.into_iter().map(|(name, it)| (inside(name), it)));
        self.buckets.extend(nested.buckets.into_iter().map(|(name, it)| (inside(name), it)));
        self.partner_rules.extend(nested.partner_rules.into_iter().map(|(name, it)| (inside(name), it)));
        self.policies.extend(nested.policies);
        self.inert.extend(nested.inert.into_iter().map(|(name, it)| (inside(name), it)));
        self.functions.extend(nested.functions.into_iter().map(|(name, it)| {
            let logical_id = inside(name);
            (logical_id.clone(), FunctionConfig { logical_id, ..it })
        }));
    }
}
