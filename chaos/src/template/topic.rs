//! `AWS::SNS::Topic`, the policies that say who may publish to it, and its subscriptions.
//!
//! Invariant: whoever may publish was named by a policy; a topic without one is open to its account alone.

use super::document::Resource;
use super::error::{TemplateError, listed};
use super::resolve::Scope;
use super::types::{Role, SUBSCRIPTION_IMMATERIAL, TOPIC_IMMATERIAL, with_role};
use super::value::Value;
use crate::cloud::config::{SubscriptionConfig, TopicConfig};
use crate::cloud::iam::{Effect, Named, Policies, Policy};
use crate::cloud::names;
use std::collections::{BTreeMap, BTreeSet};

const PUBLISH: &[&str] = &["sns:Publish", "sns:*", "*"];

impl Scope<'_> {
    /// Builds every topic among `resources`, with what their policies say and their subscriptions.
    pub(super) fn topics(
        &mut self,
        resources: &[(&Resource, Value)],
        policies: &Policies,
    ) -> Result<BTreeMap<String, TopicConfig>, TemplateError> {
        let mut topics = BTreeMap::new();
        for (resource, properties) in with_role(resources, Role::Topic) {
            properties.fields(&["TopicName", "KmsMasterKeyId"], TOPIC_IMMATERIAL)?;
            let name = self.physical_name(resource)?;
            let region = self.region(properties)?;
            let policy = policies.resources.get(&names::topic_arn_in(region, &name));
            let publishers = policy.map(publishers).unwrap_or_default();
            let topic = TopicConfig { name, region, publishers, subscriptions: Vec::new() };
            topics.insert(resource.logical_id.clone(), topic);
        }
        for (_, properties) in with_role(resources, Role::TopicPolicy) {
            for topic in properties.map()?.get("Topics").map_or(Ok(&[][..]), Value::list)? {
                self.topic_at(topic, &mut topics)?;
            }
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
            protocol: fields.require("Protocol", "email or https")?.one_of(&["email", "https"])?,
            endpoint: fields.require("Endpoint", "an address")?.text()?,
        };
        let topic = self.topic_at(fields.require("TopicArn", "the ARN of a topic")?, topics)?;
        topic.subscriptions.push(subscription);
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

/// Services that a policy lets publish, whatever its conditions.
fn publishers(policy: &Policy) -> BTreeSet<String> {
    let publishing = |action: &String| PUBLISH.iter().any(|known| known.eq_ignore_ascii_case(action));
    let statements = policy.statements.iter();
    let letting = statements.filter(|it| it.effect == Effect::Allow && it.actions.iter().any(publishing));
    let services = letting.flat_map(|it| &it.principals).filter_map(|named| match named {
        Named::Service(service) => Some(service.clone()),
        Named::Bearer | Named::Anybody | Named::Account | Named::Role(_) => None,
    });
    services.collect()
}

/// A text by itself, or a list of them.
pub(super) fn one_or_more(value: &Value) -> Result<Vec<String>, TemplateError> {
    match value.list() {
        Ok(items) => items.iter().map(Value::text).collect(),
        Err(_) => Ok(vec![value.text()?]),
    }
}
