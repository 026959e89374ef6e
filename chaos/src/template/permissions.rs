//! Roles, and the policies of queues, topics, keys, functions and buckets: who may do what in the stack.
//!
//! Invariant: every policy that the template deploys is among them, and a function's role is one of the template's.

use super::document::Resource;
use super::error::{TemplateError, listed};
use super::policy::{Attached, policy};
use super::resolve::Scope;
use super::types::{ROLE_IMMATERIAL, Role, with_role};
use super::value::{Fields, Value};
use crate::cloud::iam::{Effect, Named, Policies, Policy, Statement};
use crate::cloud::names;
use std::collections::BTreeMap;

impl Scope<'_> {
    /// Every policy among `resources`.
    pub(super) fn policies(&mut self, resources: &[(&Resource, Value)]) -> Result<Policies, TemplateError> {
        let mut policies = Policies::default();
        self.add_roles(resources, &mut policies)?;
        self.add_keys(resources, &mut policies)?;
        for (resource, properties) in with_role(resources, Role::QueuePolicy) {
            let fields = properties.fields(&["Queues", "PolicyDocument"], &[])?;
            for queue in fields.require("Queues", "a list of queues' URLs")?.list()? {
                let arn = names::queue_arn(names::queue_in_url(&queue.text()?));
                attach(fields.require("PolicyDocument", "a policy")?, resource, arn, &mut policies)?;
            }
        }
        for (resource, properties) in with_role(resources, Role::TopicPolicy) {
            let fields = properties.fields(&["Topics", "PolicyDocument"], &[])?;
            for topic in fields.require("Topics", "a list of topics")?.list()? {
                attach(
                    fields.require("PolicyDocument", "a policy")?,
                    resource,
                    topic.text()?,
                    &mut policies,
                )?;
            }
        }
        self.add_guards_of_edge(resources, &mut policies)?;
        Ok(policies)
    }

    fn add_roles(
        &mut self,
        resources: &[(&Resource, Value)],
        policies: &mut Policies,
    ) -> Result<(), TemplateError> {
        for (resource, properties) in with_role(resources, Role::Identity) {
            let name = self.physical_name(resource)?;
            role(resource, &name, properties, policies)?;
        }
        for (resource, _) in with_role(resources, Role::Function) {
            if resource.property("Role").is_none() {
                made_by_sam(self.role_made_for(&resource.logical_id), policies);
            }
        }
        Ok(())
    }

    /// Keys, and which topic is encrypted under which.
    fn add_keys(
        &mut self,
        resources: &[(&Resource, Value)],
        policies: &mut Policies,
    ) -> Result<(), TemplateError> {
        let mut keys = BTreeMap::new();
        for (resource, properties) in with_role(resources, Role::Key) {
            let id = self.physical_name(resource)?;
            let document = properties.require("KeyPolicy", "who may do what with the key")?;
            attach(document, resource, names::key_arn(&id), policies)?;
            keys.insert(id.clone(), names::key_arn(&id));
        }
        for (resource, properties) in with_role(resources, Role::Topic) {
            if let Some(key) = properties.map()?.get("KmsMasterKeyId") {
                let region = self.region(properties)?;
                let topic = names::topic_arn_in(region, &self.physical_name(resource)?);
                policies.keys.insert(topic, key_at(key, &keys)?);
            }
        }
        Ok(())
    }

    /// The name of the role that a function works under.
    pub(super) fn role_of(
        &self,
        id: &str,
        fields: &Fields<'_>,
        policies: &Policies,
    ) -> Result<String, TemplateError> {
        let Some(role) = fields.get("Role") else { return Ok(self.role_made_for(id)) };
        role_at(role, policies)
    }

    /// SAM calls it after the function, and CloudFormation after that.
    fn role_made_for(&self, function: &str) -> String {
        format!("{}-{function}Role", self.deployment.stack_name)
    }
}

/// The name of the role whose ARN this is.
pub(super) fn role_at(role: &Value, policies: &Policies) -> Result<String, TemplateError> {
    let arn = role.text()?;
    let found = policies.roles.keys().find(|name| names::role_arn(name) == arn).cloned();
    found.ok_or_else(|| {
        let arns: Vec<String> = policies.roles.keys().map(|name| names::role_arn(name)).collect();
        role.is_not(&listed(arns.iter().map(String::as_str)))
    })
}

fn role(
    resource: &Resource,
    name: &str,
    properties: &Value,
    policies: &mut Policies,
) -> Result<(), TemplateError> {
    let id = &resource.logical_id;
    let fields = properties.fields(&["RoleName", "AssumeRolePolicyDocument", "Policies"], ROLE_IMMATERIAL)?;
    let trust = fields.require("AssumeRolePolicyDocument", "whom the role trusts")?;
    let trusted = policy(trust, &format!("{id}.AssumeRolePolicyDocument"), Attached::Trust)?;
    policies.resources.insert(names::role_arn(name), trusted);
    let mut own = Policy::default();
    for inline in fields.get("Policies").map_or(Ok(&[][..]), Value::list)? {
        let inline = inline.fields(&["PolicyName", "PolicyDocument"], &[])?;
        let called = format!("{id}.{}", inline.require("PolicyName", "a name")?.text()?);
        let document = inline.require("PolicyDocument", "a policy")?;
        own.statements.extend(policy(document, &called, Attached::Role)?.statements);
    }
    policies.roles.insert(name.to_owned(), own);
    Ok(())
}

/// AWS keeps one policy for a resource: a second one would replace the first.
pub(super) fn attach(
    document: &Value,
    resource: &Resource,
    arn: String,
    policies: &mut Policies,
) -> Result<(), TemplateError> {
    let read = policy(document, &resource.logical_id, Attached::Resource)?;
    match policies.resources.insert(arn.clone(), read) {
        None => Ok(()),
        Some(_) => Err(document.is(format!("a second policy of {arn}"), "one policy with all statements")),
    }
}

/// ARN of the key that a topic names. A key of AWS's own would not let CloudWatch in.
fn key_at(value: &Value, keys: &BTreeMap<String, String>) -> Result<String, TemplateError> {
    let text = value.text()?;
    let found = keys.iter().find(|(id, arn)| **id == text || **arn == text);
    found.map(|(_, arn)| arn.clone()).ok_or_else(|| value.is_not(&listed(keys.keys().map(String::as_str))))
}

/// The role of a function that names none. It may write its log, and work on every queue of the account.
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>
fn made_by_sam(name: String, policies: &mut Policies) {
    let statement = |sid: &str, who, actions: &[&str]| Statement {
        name: format!("{name}.{sid}"),
        effect: Effect::Allow,
        principals: vec![who],
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        resources: vec!["*".to_owned()],
        conditions: Vec::new(),
    };
    let lambda = Named::Service("lambda.amazonaws.com".to_owned());
    let trust = statement("AssumeRolePolicyDocument", lambda, &["sts:AssumeRole"]);
    let logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];
    let queues = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    let own = vec![
        statement("AWSLambdaBasicIdentity", Named::Bearer, &logs),
        statement("AWSLambdaSQSQueueIdentity", Named::Bearer, &queues),
    ];
    policies.resources.insert(names::role_arn(&name), Policy { statements: vec![trust] });
    policies.roles.insert(name, Policy { statements: own });
}
