//! Embedded IAM: every call of a function, and what services do for one another, is held to the template's policies.
//!
//! Whoever is no part of the stack is not asked: the producer, the checks, an operator who invokes a function.
//! Invariant: to ask takes no time and draws nothing, and one question has one answer for as long as a world lives.

mod decision;
mod policy;
#[cfg(test)]
mod tests;

pub use decision::{Kind, Policies, Why};
pub use policy::{CLOUDFRONT, Condition, ConditionKey, Effect, Grant, Named, Operator, Policy, Statement};

use super::names;
use crate::clock::Clock;
use crate::journal::{AccessDenied, Journal};
use decision::Decision;
use policy::Request;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// What a publisher to an encrypted topic, and a subscriber, need of its key.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>
const KEY_OF_A_TOPIC: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];

/// Whether an account holds anybody to policies.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Everything is allowed: for those who try the services themselves.
    #[default]
    Open,
    /// What these allow.
    Under(Policies),
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// A function, or a pipe, under a role.
    Function {
        /// The role's name.
        role: String,
        /// Its own name, which Lambda calls the session.
        function: String,
    },
    /// A service, for a resource of this account.
    Service {
        /// For example `events.amazonaws.com`.
        name: &'static str,
        /// ARN of the resource.
        source: String,
    },
}

/// A request that was not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("User: {who} is not authorized to perform: {action} on resource: {resource} {}", self.because())]
pub struct Denied {
    /// ARN of a function's session, or a service.
    pub who: String,
    /// The action, as the service that refuses it spells it.
    pub action: String,
    /// ARN of the resource.
    pub resource: String,
    /// Why.
    pub why: Why,
}

/// The account's IAM; cheap to clone.
#[derive(Clone, Debug)]
pub struct Iam(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    access: Access,
    clock: Clock,
    journal: Journal,
    /// Everything that was asked so far, and the answers.
    asked: Mutex<BTreeMap<Principal, Answers>>,
}

/// What one principal was answered, by action, resource and attributes.
type Answers = BTreeMap<&'static str, BTreeMap<String, BTreeMap<BTreeSet<String>, Decision>>>;

impl Principal {
    /// Who it is, as AWS writes it in a refusal.
    #[must_use]
    pub fn arn(&self) -> String {
        match self {
            Self::Function { role, function } => names::session_arn(role, function),
            Self::Service { name, .. } => (*name).to_owned(),
        }
    }

    const fn is_of_the_account(&self) -> bool {
        matches!(self, Self::Function { .. })
    }

    /// The kind of policy that would have to allow what nothing does.
    const fn kind(&self) -> Kind {
        match self {
            Self::Function { .. } => Kind::Identity,
            Self::Service { .. } => Kind::Resource,
        }
    }
}

impl Denied {
    /// The same, with the action as a service spells it that has its own way.
    #[must_use]
    pub fn spelling(self, action: impl Into<String>) -> Self {
        Self { action: action.into(), ..self }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
    fn because(&self) -> String {
        match self.why {
            Why::Said(kind) => format!("with an explicit deny in {} policy", article(kind)),
            Why::Unsaid(kind) => {
                format!("because no {} policy allows the {} action", kind.name(), self.action)
            }
        }
    }
}

impl Iam {
    pub(crate) fn new(access: Access, clock: Clock, journal: Journal) -> Self {
        Self(Arc::new(Inner { access, clock, journal, asked: Mutex::default() }))
    }

    /// Whether `who` may do this to `resource`, an ARN. A refusal is journaled.
    ///
    /// # Errors
    /// The refusal.
    pub fn ask(&self, who: &Principal, action: &'static str, resource: &str) -> Result<(), Denied> {
        self.ask_for(who, action, resource, &BTreeSet::new())
    }

    /// The same of a request that names these attributes of a row (`dynamodb:Attributes`).
    ///
    /// # Errors
    /// The refusal.
    pub fn ask_for(
        &self,
        who: &Principal,
        action: &'static str,
        resource: &str,
        attributes: &BTreeSet<String>,
    ) -> Result<(), Denied> {
        let Some(why) = self.refusal(who, action, resource, attributes) else { return Ok(()) };
        let (who, action, resource) = (who.arn(), action.to_owned(), resource.to_owned());
        let denied = AccessDenied { who: who.clone(), action: action.clone(), resource: resource.clone() };
        self.0.journal.record(self.0.clock.now(), denied);
        Err(Denied { who, action, resource, why })
    }

    /// Why not, if not: decided once, and remembered.
    fn refusal(
        &self,
        who: &Principal,
        action: &'static str,
        resource: &str,
        attributes: &BTreeSet<String>,
    ) -> Option<Why> {
        let Access::Under(policies) = &self.0.access else { return None };
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked.get(who).and_then(|of| of.get(action)).and_then(|of| of.get(resource));
        let known = known.and_then(|of| of.get(attributes));
        if let Some(known) = known {
            return known.refusal();
        }
        let decision = policies.decide(Request { who, action, resource, attributes });
        let refusal = decision.refusal();
        let answers = asked.entry(who.clone()).or_default().entry(action).or_default();
        answers.entry(resource.to_owned()).or_default().insert(attributes.clone(), decision);
        refusal
    }

    /// Whether `who` may use the key of a topic, as far as it has one of its own.
    ///
    /// # Errors
    /// The refusal.
    pub fn ask_for_key_of(&self, who: &Principal, topic_arn: &str) -> Result<(), Denied> {
        let Access::Under(policies) = &self.0.access else { return Ok(()) };
        let Some(key) = policies.keys.get(topic_arn) else { return Ok(()) };
        KEY_OF_A_TOPIC.into_iter().try_for_each(|action| self.ask(who, action, key))
    }

    /// The grants without any one of which something that was asked for would have been refused.
    #[must_use]
    pub fn needed(&self) -> BTreeSet<Grant> {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let resources = asked.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        let decisions = resources.flat_map(BTreeMap::values);
        decisions.flat_map(Decision::sets).filter(|set| set.len() == 1).flatten().cloned().collect()
    }
}

const fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Identity => "an identity-based",
        Kind::Resource => "a resource-based",
    }
}
