//! The resource types the world knows: what each is to it, how others refer to it, and which properties count.
//!
//! Invariant: whatever is not in these tables is refused, so nothing in the template is ignored by accident.

use super::document::Resource;
use super::edge::{EDGE_TYPES, Part};
use super::value::Value;
use std::collections::BTreeMap;

/// What a resource is to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Queue,
    Table,
    Function,
    Application,
    Alarm,
    Topic,
    TopicPolicy,
    QueuePolicy,
    Pipe,
    /// A rule that is no event of a function's.
    PartnerRule,
    /// An event source mapping that is no event of a function's.
    Mapping,
    Identity,
    Key,
    Subscription,
    /// A parameter of Systems Manager, whose pattern its value must match.
    SsmParameter,
    /// Part of what stands in front of a stack.
    Edge(Part),
    /// Resolved, so that a wrong reference is found, but not simulated; why that is right.
    Inert(&'static str),
}

/// One resource type.
#[derive(Debug)]
pub(super) struct ResourceType {
    pub(super) name: &'static str,
    pub(super) role: Role,
    /// The property that names the resource; without it the name is made from stack and logical id.
    pub(super) name_property: Option<&'static str>,
    /// What `Ref` gives. `{name}`, `{region}` and `{account}` are filled in; `{id}` and `{ID}` with an id of its own.
    pub(super) reference: &'static str,
    /// What `GetAtt` gives, by attribute.
    pub(super) attributes: &'static [(&'static str, &'static str)],
}

impl ResourceType {
    /// The type called `name`, if the world knows it.
    pub(super) fn parse(name: &str) -> Option<&'static Self> {
        RESOURCE_TYPES.iter().chain(EDGE_TYPES).find(|known| known.name == name)
    }
}

/// Attributes of any resource beside `Type` and `Properties` that the loader reads.
pub(super) const RESOURCE_ATTRIBUTES: &[&str] = &["Type", "Properties", "Condition", "DependsOn"];

/// Attributes that cannot matter to a simulation, and why.
pub(super) const IMMATERIAL_ATTRIBUTES: &[(&str, &str)] = &[
    ("Metadata", "how the code is built; the world links it in"),
    ("DeletionPolicy", "no run deletes its stack"),
    ("UpdateReplacePolicy", "no run updates its stack"),
];

/// Sections of the template that are read.
pub(super) const SECTIONS: &[&str] =
    &["Transform", "Globals", "Parameters", "Rules", "Conditions", "Resources", "Outputs"];

/// Sections that cannot matter, and why.
pub(super) const IMMATERIAL_SECTIONS: &[(&str, &str)] = &[
    ("AWSTemplateFormatVersion", "there is only one"),
    ("Description", "for readers"),
    ("Metadata", "for tools"),
];

/// Queue properties that cannot matter, and why.
pub(super) const QUEUE_IMMATERIAL: &[(&str, &str)] = &[
    ("SqsManagedSseEnabled", "encryption at rest"),
    ("ReceiveMessageWaitTimeSeconds", "Lambda's pollers choose their own wait"),
    ("Tags", "for the bill"),
];

/// Table properties that cannot matter, and why.
pub(super) const TABLE_IMMATERIAL: &[(&str, &str)] = &[
    ("DeletionProtectionEnabled", "no run deletes its stack"),
    ("PointInTimeRecoverySpecification", "backups"),
    ("TableClass", "price"),
    ("Tags", "for the bill"),
];

/// Function properties that cannot matter, and why.
pub(super) const FUNCTION_IMMATERIAL: &[(&str, &str)] = &[
    ("Architectures", "the world links the handler in"),
    ("CodeUri", "the world links the handler in"),
    ("Handler", "the world links the handler in"),
    ("Runtime", "the world links the handler in"),
    ("Tracing", "there is no X-Ray to keep a trace"),
    ("AutoPublishAliasAllProperties", "no run updates its stack"),
    ("Description", "for readers"),
    ("Tags", "for the bill"),
];

/// Alarm properties that cannot matter, and why.
pub(super) const ALARM_IMMATERIAL: &[(&str, &str)] =
    &[("Unit", "samples have none"), ("Tags", "for the bill")];

/// Topic properties that cannot matter, and why.
pub(super) const TOPIC_IMMATERIAL: &[(&str, &str)] =
    &[("DisplayName", "for readers"), ("Tags", "for the bill")];

/// Role properties that cannot matter, and why.
pub(super) const ROLE_IMMATERIAL: &[(&str, &str)] = &[
    ("Description", "for readers"),
    ("MaxSessionDuration", "Lambda renews its sessions itself"),
    ("Path", "no policy here speaks of it"),
    ("Tags", "for the bill"),
];

/// Parts of a function's logging that cannot matter, and why.
pub(super) const LOGGING_IMMATERIAL: &[(&str, &str)] =
    &[("SystemLogLevel", "Lambda's own lines are written as at INFO")];

/// Properties of a parameter of Systems Manager that cannot matter, and why.
pub(super) const SSM_PARAMETER_IMMATERIAL: &[(&str, &str)] = &[
    ("Type", "nobody reads it"),
    ("Tier", "price"),
    ("Description", "for readers"),
    ("Tags", "for the bill"),
];

/// Subscription properties that cannot matter, and why.
pub(super) const SUBSCRIPTION_IMMATERIAL: &[(&str, &str)] = &[("Region", "there is only one")];

/// Properties of an event rule that cannot matter, and why.
pub(super) const RULE_IMMATERIAL: &[(&str, &str)] = &[("Target", "only its id can be chosen")];

/// Properties of a rule of a partner's bus that cannot matter, and why.
pub(super) const PARTNER_RULE_IMMATERIAL: &[(&str, &str)] =
    &[("Description", "for readers"), ("Tags", "for the bill")];

/// Properties of a schedule that cannot matter, and why.
pub(super) const SCHEDULE_IMMATERIAL: &[(&str, &str)] = &[("Description", "for readers")];

/// Properties of a nested application that cannot matter, and why.
pub(super) const APPLICATION_IMMATERIAL: &[(&str, &str)] =
    &[("TimeoutInMinutes", "a world is assembled at once"), ("Tags", "for the bill")];

/// Properties of a pipe that cannot matter, and why.
pub(super) const PIPE_IMMATERIAL: &[(&str, &str)] =
    &[("Description", "for readers"), ("Tags", "for the bill")];

const LOGS: Role = Role::Inert("log lines go nowhere, metric lines to the journal");
const BUS: Role = Role::Inert("what a pipe puts on it is in the journal");
const FOR_READERS: Role = Role::Inert("for readers");

/// A type that only needs a name: `Ref` gives it, `GetAtt` gives what is listed.
const fn named(
    name: &'static str,
    role: Role,
    name_property: Option<&'static str>,
    reference: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> ResourceType {
    ResourceType { name, role, name_property, reference, attributes }
}

const RESOURCE_TYPES: &[ResourceType] = &[
    ResourceType {
        name: "AWS::SQS::Queue",
        role: Role::Queue,
        name_property: Some("QueueName"),
        reference: "https://sqs.{region}.amazonaws.com/{account}/{name}",
        attributes: &[
            ("Arn", "arn:aws:sqs:{region}:{account}:{name}"),
            ("QueueName", "{name}"),
            ("QueueUrl", "https://sqs.{region}.amazonaws.com/{account}/{name}"),
        ],
    },
    ResourceType {
        name: "AWS::DynamoDB::Table",
        role: Role::Table,
        name_property: Some("TableName"),
        reference: "{name}",
        attributes: &[
            ("Arn", "arn:aws:dynamodb:{region}:{account}:table/{name}"),
            ("StreamArn", "arn:aws:dynamodb:{region}:{account}:table/{name}/stream/simulated"),
        ],
    },
    ResourceType {
        name: "AWS::Serverless::Function",
        role: Role::Function,
        name_property: Some("FunctionName"),
        reference: "{name}",
        attributes: &[("Arn", "arn:aws:lambda:{region}:{account}:function:{name}")],
    },
    ResourceType {
        name: "AWS::Serverless::Application",
        role: Role::Application,
        name_property: None,
        reference: "arn:aws:cloudformation:{region}:{account}:stack/{name}/simulated",
        attributes: &[],
    },
    named(
        "AWS::CloudWatch::Alarm",
        Role::Alarm,
        Some("AlarmName"),
        "{name}",
        &[("Arn", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}")],
    ),
    named(
        "AWS::SNS::Topic",
        Role::Topic,
        Some("TopicName"),
        "arn:aws:sns:{region}:{account}:{name}",
        &[("TopicArn", "arn:aws:sns:{region}:{account}:{name}"), ("TopicName", "{name}")],
    ),
    named("AWS::SNS::Subscription", Role::Subscription, None, "arn:aws:sns:{region}:{account}:{name}", &[]),
    named("AWS::CloudWatch::Dashboard", FOR_READERS, Some("DashboardName"), "{name}", &[]),
    named("AWS::Logs::QueryDefinition", FOR_READERS, None, "{name}", &[]),
    named(
        "AWS::Logs::LogGroup",
        LOGS,
        Some("LogGroupName"),
        "{name}",
        &[("Arn", "arn:aws:logs:{region}:{account}:log-group:{name}:*")],
    ),
    named(
        "AWS::KMS::Key",
        Role::Key,
        None,
        "{name}",
        &[("Arn", "arn:aws:kms:{region}:{account}:key/{name}"), ("KeyId", "{name}")],
    ),
    named(
        "AWS::IAM::Role",
        Role::Identity,
        Some("RoleName"),
        "{name}",
        &[("Arn", "arn:aws:iam::{account}:role/{name}")],
    ),
    named("AWS::SNS::TopicPolicy", Role::TopicPolicy, None, "{name}", &[]),
    named("AWS::SSM::Parameter", Role::SsmParameter, Some("Name"), "{name}", &[]),
    named(
        "AWS::Events::EventBus",
        BUS,
        Some("Name"),
        "{name}",
        &[("Arn", "arn:aws:events:{region}:{account}:event-bus/{name}"), ("Name", "{name}")],
    ),
    named(
        "AWS::Pipes::Pipe",
        Role::Pipe,
        Some("Name"),
        "{name}",
        &[("Arn", "arn:aws:pipes:{region}:{account}:pipe/{name}")],
    ),
    named(
        "AWS::Events::Rule",
        Role::PartnerRule,
        Some("Name"),
        "{bus}|{name}",
        &[("Arn", "arn:aws:events:{region}:{account}:rule/{bus}/{name}")],
    ),
    named("AWS::Lambda::EventSourceMapping", Role::Mapping, None, "{name}", &[]),
    named("AWS::SQS::QueuePolicy", Role::QueuePolicy, None, "{name}", &[]),
];

/// Those of `resources` that are this to the world.
pub(super) fn with_role<'r>(
    resources: &'r [(&Resource, Value)],
    role: Role,
) -> impl Iterator<Item = (&'r Resource, &'r Value)> {
    resources
        .iter()
        .filter(move |(resource, _)| resource.kind.role == role)
        .map(|(resource, properties)| (*resource, properties))
}

/// Names of all known types.
pub(super) fn known_types() -> impl Iterator<Item = &'static str> {
    RESOURCE_TYPES.iter().chain(EDGE_TYPES).map(|known| known.name)
}

/// Fills `{name}` and its like into a pattern.
pub(super) fn filled(pattern: &str, facts: &BTreeMap<&str, &str>) -> String {
    facts.iter().fold(pattern.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
}
