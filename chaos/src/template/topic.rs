//! `AWS::SNS::Topic`, the policies that say who may publish to it, and its subscriptions.
//!
//! Invariant: whoever may publish was named by a policy; a topic without one is open to its account alone.

use super::document::Resource;
use super::error::{TemplateError, listed};
use super::resolve::Scope;
use super::types::{Role, SUBSCRIPTION_IMMATERIAL, TOPIC_IMMATERIAL};
use super::value::Value;
use crate::cloud::config::{SubscriptionConfig, TopicConfig};
use std::collections::{BTreeMap, BTreeSet};

const PUBLISH: &[&str] = &["sns:Publish", "SNS:Publish", "sns:*"];

impl Scope<'_> {
    /// Builds every topic among `resources`, with what their policies say and their subscriptions.
    pub(super) fn topics(
        &mut self,
        resources: &[(&Resource, Value)],
    ) -> Result<BTreeMap<String, TopicConfig>, TemplateError> {
        let mut topics = BTreeMap::new();
        for (resource, properties) in with_role(resources, Role::Topic) {
            properties.fields(&["TopicName"], TOPIC_IMMATERIAL)?;
            let name = self.physical_name(resource)?;
            let topic = TopicConfig { name, publishers: BTreeSet::new(), subscriptions: Vec::new() };
            topics.insert(resource.logical_id.clone(), topic);
        }
        for (_, properties) in with_role(resources, Role::TopicPolicy) {
            self.apply(properties, &mut topics)?;
        }
        for (_, properties) in with_role(resources, Role::Subscription) {
            self.subscribe(properties, &mut topics)?;
        }
        Ok(topics)
    }

    fn subscribe(
        &self,
        properties: &Value,
        topics: &mut BTreeMap<String, TopicConfig>,
    ) -> Result<(), TemplateError> {
        let fields = properties.fields(&["TopicArn", "Protocol", "Endpoint"], SUBSCRIPTION_IMMATERIAL)?;
        let subscription = SubscriptionConfig {
            protocol: fields.require("Protocol", "email")?.one_of(&["email"])?,
            endpoint: fields.require("Endpoint", "an address")?.text()?,
        };
        let topic = self.topic_at(fields.require("TopicArn", "the ARN of a topic")?, topics)?;
        topic.subscriptions.push(subscription);
        Ok(())
    }

    fn apply(&self, policy: &Value, topics: &mut BTreeMap<String, TopicConfig>) -> Result<(), TemplateError> {
        let fields = policy.fields(&["Topics", "PolicyDocument"], &[])?;
        let document = fields.require("PolicyDocument", "a policy")?;
        let publishers = publishers(document)?;
        for topic in fields.require("Topics", "a list of topics")?.list()? {
            self.topic_at(topic, topics)?.publishers.extend(publishers.iter().cloned());
        }
        Ok(())
    }

    /// The topic whose ARN `value` is.
    fn topic_at<'t>(
        &self,
        value: &Value,
        topics: &'t mut BTreeMap<String, TopicConfig>,
    ) -> Result<&'t mut TopicConfig, TemplateError> {
        let arn = value.text()?;
        let (region, account) = (&self.deployment.region, &self.deployment.account);
        let arn_of = |topic: &TopicConfig| format!("arn:aws:sns:{region}:{account}:{}", topic.name);
        let arns: Vec<String> = topics.values().map(arn_of).collect();
        let found = topics.values_mut().find(|topic| arn_of(topic) == arn);
        found.ok_or_else(|| value.is_not(&listed(arns.iter().map(String::as_str))))
    }
}

/// Services that a policy lets publish. Conditions narrow a permission to an account or an alarm; there is one account.
fn publishers(document: &Value) -> Result<BTreeSet<String>, TemplateError> {
    let document = document.fields(&["Version", "Statement"], &[("Id", "for readers")])?;
    let mut publishers = BTreeSet::new();
    for statement in document.require("Statement", "a list of statements")?.list()? {
        let fields = statement.fields(
            &["Effect", "Principal", "Action", "Resource"],
            &[("Sid", "for readers"), ("Condition", "there is one account")],
        )?;
        fields.require("Effect", "Allow")?.one_of(&["Allow"])?;
        let actions = one_or_more(fields.require("Action", "sns:Publish")?)?;
        let principal =
            fields.require("Principal", "a service")?.fields(&["Service"], &[("AWS", "accounts")])?;
        if actions.iter().any(|action| PUBLISH.contains(&action.as_str()))
            && let Some(services) = principal.get("Service")
        {
            publishers.extend(one_or_more(services)?);
        }
    }
    Ok(publishers)
}

fn one_or_more(value: &Value) -> Result<Vec<String>, TemplateError> {
    match value.list() {
        Ok(items) => items.iter().map(Value::text).collect(),
        Err(_) => Ok(vec![value.text()?]),
    }
}

fn with_role<'r>(
    resources: &'r [(&Resource, Value)],
    role: Role,
) -> impl Iterator<Item = (&'r Resource, &'r Value)> {
    resources
        .iter()
        .filter(move |(resource, _)| resource.kind.role == role)
        .map(|(resource, properties)| (*resource, properties))
}
