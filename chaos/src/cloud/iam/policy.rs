//! Policies: who may do what to what, and under which conditions.
//!
//! Actions are compared without regard to case; `*` and `?` stand for any characters, and in an ARN never reach beyond
//! the part they stand in. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>
//! Invariant: a statement says nothing that is not looked at here; the loader refuses every other element.

use super::Principal;
use crate::cloud::names;
use crate::cloud::wildcard;
use std::collections::BTreeSet;

/// CloudFront, as a principal.
pub const CLOUDFRONT: &str = "cloudfront.amazonaws.com";

/// A policy document: of a role, or of a queue, a topic or a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where it stands, for example `ConsumerRole.consume-payments.TakePayments`.
    pub name: String,
    /// What it says.
    pub effect: Effect,
    /// Of whom.
    pub principals: Vec<Named>,
    /// `Action`, as it is written.
    pub actions: Vec<String>,
    /// `Resource`, resolved.
    pub resources: Vec<String>,
    /// All of these must hold.
    pub conditions: Vec<Condition>,
}

/// Whether a statement lets somebody in or keeps them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`.
    Allow,
    /// `Deny`.
    Deny,
}

/// Somebody a statement speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Whoever has the role that the policy is of.
    Bearer,
    /// `*`.
    Anybody,
    /// A service, for example `events.amazonaws.com`.
    Service(String),
    /// The account as a whole, which leaves it to its roles' own policies.
    Account,
    /// A role, by its ARN.
    Role(String),
}

/// A condition on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// How the values are compared.
    pub operator: Operator,
    /// What is compared with them.
    pub key: ConditionKey,
    /// One of these must match.
    pub values: Vec<String>,
}

/// A condition operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `StringEquals`.
    StringEquals,
    /// `ArnEquals` and `ArnLike`, between which AWS makes no difference.
    ArnLike,
    /// `Bool`.
    Bool,
    /// `ForAllValues:StringEquals`: all that the request has must match; so a request without any does.
    ForAllStringEquals,
    /// `Null`: `true`, if the request has none.
    Null,
}

/// A condition key. A request that does not have it does not meet the condition, unless the operator says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionKey {
    /// `aws:SourceArn`: the resource for which a service calls.
    SourceArn,
    /// `aws:SourceAccount`: its account.
    SourceAccount,
    /// `aws:SecureTransport`: whether the request came over TLS, as all do here.
    SecureTransport,
    /// `lambda:FunctionUrlAuthType`: how whoever calls a function's URL has to show who they are.
    FunctionUrlAuthType,
    /// `lambda:InvokedViaFunctionUrl`: whether a function is invoked by its URL. Here CloudFront alone does that.
    InvokedViaFunctionUrl,
    /// `dynamodb:Attributes`: the attributes that a `GetItem` names in its projection; none, where it asks for all.
    Attributes,
}

/// A question to IAM: who wants to do what to which resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) who: &'a Principal,
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    /// What `dynamodb:Attributes` stands for.
    pub(super) attributes: &'a BTreeSet<String>,
}

/// One thing that a statement allows: an action on a resource, both as they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The statement's name.
    pub statement: String,
    /// `Action`.
    pub action: String,
    /// `Resource`.
    pub resource: String,
}

impl std::fmt::Display for Grant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { statement, action, resource } = self;
        write!(out, "{statement}: {action} on {resource}")
    }
}

impl Statement {
    /// Every action on every resource.
    pub fn grants(&self) -> impl Iterator<Item = Grant> {
        let on = |resource| self.actions.iter().map(move |action| (action, resource));
        self.resources.iter().flat_map(on).map(|(action, resource)| Grant {
            statement: self.name.clone(),
            action: action.clone(),
            resource: resource.clone(),
        })
    }

    /// Those of its grants that speak of what is asked for, if all its conditions hold.
    pub(super) fn matching(&self, asked: Request<'_>) -> impl Iterator<Item = Grant> {
        let holds = self.conditions.iter().all(|condition| condition.holds(asked));
        self.grants().filter(move |grant| {
            holds
                && matches_action(&grant.action, asked.action)
                && matches_arn(&grant.resource, asked.resource)
        })
    }

    /// Whether it speaks of `who` by name, or of anybody.
    pub(super) fn names(&self, who: &Principal) -> bool {
        self.principals.iter().any(|named| match (named, who) {
            (Named::Bearer | Named::Anybody, _) => true,
            (Named::Service(service), Principal::Service { name, .. }) => service == name,
            (Named::Role(arn), Principal::Function { role, .. }) => *arn == names::role_arn(role),
            (Named::Service(_), Principal::Function { .. })
            | (Named::Role(_), Principal::Service { .. })
            | (Named::Account, _) => false,
        })
    }

    /// Whether it speaks of `who`, or of everybody in its account.
    pub(super) fn concerns(&self, who: &Principal) -> bool {
        self.names(who) || self.names_the_account() && who.is_of_the_account()
    }

    /// Whether it speaks of the account as a whole.
    pub(super) fn names_the_account(&self) -> bool {
        self.principals.contains(&Named::Account)
    }
}

impl Condition {
    fn holds(&self, asked: Request<'_>) -> bool {
        let actual = self.key.values(asked);
        let is_among = |actual: &&str| self.values.iter().any(|value| value == actual);
        match self.operator {
            Operator::StringEquals | Operator::Bool => actual.iter().any(is_among),
            Operator::ArnLike => {
                actual.iter().any(|actual| self.values.iter().any(|value| matches_arn(value, actual)))
            }
            Operator::ForAllStringEquals => actual.iter().all(is_among),
            Operator::Null => is_among(&if actual.is_empty() { "true" } else { "false" }),
        }
    }
}

impl ConditionKey {
    /// What a request has under this key.
    fn values(self, asked: Request<'_>) -> Vec<&str> {
        let (service, source) = match asked.who {
            Principal::Service { name, source } => (Some(*name), Some(source.as_str())),
            Principal::Function { .. } => (None, None),
        };
        let by_url = service == Some(CLOUDFRONT);
        match self {
            Self::SourceArn => source.into_iter().collect(),
            Self::SourceAccount => service.map(|_| names::ACCOUNT).into_iter().collect(),
            Self::SecureTransport => vec!["true"],
            Self::FunctionUrlAuthType => by_url.then_some("AWS_IAM").into_iter().collect(),
            Self::InvokedViaFunctionUrl => by_url.then_some("true").into_iter().collect(),
            Self::Attributes => asked.attributes.iter().map(String::as_str).collect(),
        }
    }
}

fn matches_action(pattern: &str, action: &str) -> bool {
    wildcard::matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Each of the six parts by itself; the last may hold colons of its own.
fn matches_arn(pattern: &str, arn: &str) -> bool {
    let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (patterns, parts) = (parts(pattern), parts(arn));
    pattern == "*"
        || patterns.len() == parts.len()
            && patterns.iter().zip(&parts).all(|(pattern, part)| wildcard::matches(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:eu-central-1:123456789012:payments-dead-letters";

    #[test]
    fn actions_are_compared_without_regard_to_case() {
        assert!(matches_action("SQS:sendmessage", "sqs:SendMessage"));
        assert!(!matches_action("sqs:SendMessage", "sqs:SendMessageBatch"));
    }

    #[test]
    fn stars_and_question_marks_stand_for_characters() {
        for pattern in ["*", "kms:*", "kms:GenerateDataKey*", "kms:Generate*Key", "km?:GenerateDataKey"] {
            assert!(matches_action(pattern, "kms:GenerateDataKey"), "{pattern}");
        }
        for pattern in ["", "kms", "kms:?", "kms:GenerateDataKey?", "s*:GenerateDataKey"] {
            assert!(!matches_action(pattern, "kms:GenerateDataKey"), "{pattern}");
        }
    }

    #[test]
    fn a_wildcard_in_an_arn_stays_in_its_part() {
        for pattern in ["*", QUEUE, "arn:aws:sqs:*:*:payments-*", "arn:aws:sqs:eu-central-?:*:*"] {
            assert!(matches_arn(pattern, QUEUE), "{pattern}");
        }
        for pattern in
            ["arn:*", "arn:aws:sqs:*:payments-*", "arn:aws:sqs:*:*:Payments-*", "arn:aws:sns:*:*:*"]
        {
            assert!(!matches_arn(pattern, QUEUE), "{pattern}");
        }
        let stream = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/f:log-stream:s";
        assert!(matches_arn("arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/f:*", stream));
    }

    #[test]
    fn every_condition_must_hold_and_one_of_its_values() {
        let who =
            |source: &str| Principal::Service { name: "events.amazonaws.com", source: source.to_owned() };
        let is = |operator, key, values: &[&str]| Condition {
            operator,
            key,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let rule = "arn:aws:events:eu-central-1:123456789012:rule/payments-alarms";
        let meets = |condition: &Condition, who: &Principal| {
            let (action, resource, attributes) = ("sqs:SendMessage", QUEUE, &BTreeSet::new());
            condition.holds(Request { who, action, resource, attributes })
        };
        let holds = |condition: &Condition| meets(condition, &who(rule));
        assert!(holds(&is(Operator::ArnLike, ConditionKey::SourceArn, &["other", rule])));
        assert!(holds(&is(Operator::ArnLike, ConditionKey::SourceArn, &["arn:aws:events:*:*:rule/*"])));
        assert!(!holds(&is(Operator::StringEquals, ConditionKey::SourceArn, &["arn:aws:events:*:*:rule/*"])));
        assert!(holds(&is(Operator::StringEquals, ConditionKey::SourceAccount, &["123456789012"])));
        assert!(!holds(&is(Operator::StringEquals, ConditionKey::SourceAccount, &["210987654321"])));
        let function = Principal::Function { role: "r".to_owned(), function: "f".to_owned() };
        let account = is(Operator::StringEquals, ConditionKey::SourceAccount, &["123456789012"]);
        assert!(!meets(&account, &function), "a function calls for nobody else");
    }
}
