//! Policy documents: what they may hold, and what becomes of it.
//!
//! Invariant: an element that is not understood is refused by name. A policy that is read in part is another policy.

use super::error::{TemplateError, listed};
use super::topic::one_or_more;
use super::value::{Data, Value};
use crate::cloud::iam::{Condition, ConditionKey, Effect, Named, Operator, Policy, Statement};
use crate::cloud::names;

/// Older documents read `${…}` as plain text.
const VERSION: &str = "2012-10-17";
const EFFECTS: &[(&str, Effect)] = &[("Allow", Effect::Allow), ("Deny", Effect::Deny)];
const OPERATORS: &[(&str, Operator)] = &[
    ("ArnEquals", Operator::ArnLike),
    ("ArnLike", Operator::ArnLike),
    ("Bool", Operator::Bool),
    ("ForAllValues:StringEquals", Operator::ForAllStringEquals),
    ("Null", Operator::Null),
    ("StringEquals", Operator::StringEquals),
];
const KEYS: &[(&str, ConditionKey)] = &[
    ("aws:SecureTransport", ConditionKey::SecureTransport),
    ("aws:SourceArn", ConditionKey::SourceArn),
    ("aws:SourceAccount", ConditionKey::SourceAccount),
    ("dynamodb:Attributes", ConditionKey::Attributes),
];
/// The one action whose attributes are looked at.
const WITH_ATTRIBUTES: &str = "dynamodb:GetItem";

/// What a policy is attached to; its statements differ in what they must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attached {
    /// To a role: it says on what.
    Role,
    /// To a queue, a topic, a key or a bucket: it says to whom, and on what.
    Resource,
    /// To a role, as what the role trusts: it says to whom.
    Trust,
}

impl Attached {
    const fn elements(self) -> &'static [&'static str] {
        match self {
            Self::Role => &["Sid", "Effect", "Action", "Resource", "Condition"],
            Self::Resource => &["Sid", "Effect", "Principal", "Action", "Resource", "Condition"],
            Self::Trust => &["Sid", "Effect", "Principal", "Action", "Condition"],
        }
    }
}

/// Reads a document; its statements are called `name.Sid`, or by their number.
pub(super) fn policy(document: &Value, name: &str, attached: Attached) -> Result<Policy, TemplateError> {
    let fields = document.fields(&["Version", "Statement"], &[("Id", "for readers")])?;
    fields.require("Version", VERSION)?.one_of(&[VERSION])?;
    let written = fields.require("Statement", "a list of statements")?;
    let several = match &written.data {
        Data::List(items) => items.as_slice(),
        Data::Map(_) | Data::Scalar(_) => std::slice::from_ref(written),
    };
    let statements = several.iter().enumerate().map(|(index, it)| statement(it, (name, index), attached));
    Ok(Policy { statements: statements.collect::<Result<_, _>>()? })
}

fn statement(
    value: &Value,
    (policy, index): (&str, usize),
    attached: Attached,
) -> Result<Statement, TemplateError> {
    let fields = value.fields(attached.elements(), &[])?;
    let name = match fields.get("Sid") {
        Some(sid) => sid.text()?,
        None => (index + 1).to_string(),
    };
    let principals = match attached {
        Attached::Role => vec![Named::Bearer],
        Attached::Resource | Attached::Trust => principals(fields.require("Principal", PRINCIPALS)?)?,
    };
    let resources = match attached {
        Attached::Role | Attached::Resource => resources(fields.require("Resource", RESOURCES)?)?,
        Attached::Trust => vec!["*".to_owned()],
    };
    let written = fields.require("Action", ACTIONS)?;
    let actions = actions(written)?;
    let conditions = fields.get("Condition").map_or(Ok(Vec::new()), conditions)?;
    if conditions.iter().any(|it| it.key == ConditionKey::Attributes) && actions != [WITH_ATTRIBUTES] {
        return Err(written.unsupported("dynamodb:Attributes of any other action", WITH_ATTRIBUTES));
    }
    Ok(Statement {
        name: format!("{policy}.{name}"),
        effect: fields.require("Effect", "Allow, Deny")?.word_of(EFFECTS)?,
        principals,
        actions,
        resources,
        conditions,
    })
}

const PRINCIPALS: &str = "*, or { Service: … }, { AWS: … }";
const ACTIONS: &str = "service:Action, or *";
const RESOURCES: &str = "ARNs of six parts, or *";

fn actions(value: &Value) -> Result<Vec<String>, TemplateError> {
    let actions = one_or_more(value)?;
    let sound = |action: &String| action == "*" || action.split(':').count() == 2;
    if actions.iter().all(sound) { Ok(actions) } else { Err(value.is_not(ACTIONS)) }
}

/// Policy variables would be filled in for every caller.
fn resources(value: &Value) -> Result<Vec<String>, TemplateError> {
    let resources = one_or_more(value)?;
    if resources.iter().any(|resource| resource.contains("${")) {
        return Err(value.unsupported("a policy variable", RESOURCES));
    }
    let sound = |resource: &String| resource == "*" || resource.splitn(6, ':').count() == 6;
    if resources.iter().all(sound) { Ok(resources) } else { Err(value.is_not(RESOURCES)) }
}

fn principals(value: &Value) -> Result<Vec<Named>, TemplateError> {
    let Data::Map(_) = &value.data else {
        value.one_of(&["*"]).map_err(|_| value.is_not(PRINCIPALS))?;
        return Ok(vec![Named::Anybody]);
    };
    let fields = value.fields(&["Service", "AWS"], &[])?;
    let services = fields.get("Service").map_or(Ok(Vec::new()), one_or_more)?;
    let mut named: Vec<Named> = services.into_iter().map(Named::Service).collect();
    if let Some(accounts) = fields.get("AWS") {
        for text in one_or_more(accounts)? {
            named.push(match text.as_str() {
                "*" => Named::Anybody,
                names::ACCOUNT => Named::Account,
                arn if arn == names::root_arn() => Named::Account,
                arn if arn.contains(":role/") => Named::Role(text),
                _ => return Err(accounts.is_not("*, the account, its root, or a role of it")),
            });
        }
    }
    Ok(named)
}

fn conditions(value: &Value) -> Result<Vec<Condition>, TemplateError> {
    let mut conditions = Vec::new();
    for (operator, keys) in value.map()? {
        let operator = known(OPERATORS, operator, keys, "the condition operator")?;
        for (key, values) in keys.map()? {
            let key = known(KEYS, key, values, "the condition key")?;
            if matches!(operator, Operator::Bool | Operator::Null) {
                values.truth()?;
            }
            conditions.push(Condition { operator, key, values: one_or_more(values)? });
        }
    }
    Ok(conditions)
}

fn known<T: Copy>(table: &[(&str, T)], name: &str, at: &Value, what: &str) -> Result<T, TemplateError> {
    let found = table.iter().find(|(known, _)| *known == name);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        at.unsupported(format!("{what} {name}"), listed(table.iter().map(|(known, _)| *known)))
    })
}
