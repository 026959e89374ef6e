//! `AWS::Lambda::Permission` and `AWS::S3::BucketPolicy`: whom functions and buckets let in.
//!
//! Invariant: a permission says for which action, and what Lambda takes with one action only stands with that one.

use super::super::document::Resource;
use super::super::error::{TemplateError, listed};
use super::super::permissions::attach;
use super::super::resolve::Scope;
use super::super::types::{Role, with_role};
use super::super::value::Value;
use super::types::BUCKET_IMMATERIAL;
use super::{Part, of_part};
use crate::cloud::iam::{Condition, ConditionKey, Effect, Named, Operator, Policies, Statement};
use crate::cloud::names;
use std::collections::BTreeMap;

const PERMISSION_HONOURED: &[&str] = &[
    "FunctionName",
    "Action",
    "Principal",
    "SourceArn",
    "SourceAccount",
    "FunctionUrlAuthType",
    "InvokedViaFunctionUrl",
];
const INVOKE: &str = "lambda:InvokeFunction";
const INVOKE_URL: &str = "lambda:InvokeFunctionUrl";
const BLOCKS: &[&str] =
    &["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];

impl Scope<'_> {
    /// Adds the policies of functions and buckets.
    pub(in crate::template) fn add_guards_of_edge(
        &mut self,
        resources: &[(&Resource, Value)],
        policies: &mut Policies,
    ) -> Result<(), TemplateError> {
        let mut functions = BTreeMap::new();
        for (resource, _) in with_role(resources, Role::Function) {
            let name = self.physical_name(resource)?;
            functions.insert(names::function_arn(&name), name);
        }
        for (resource, properties) in of_part(resources, Part::Permission) {
            let (arn, statement) = permission(&resource.logical_id, properties, &functions)?;
            policies.resources.entry(arn).or_default().statements.push(statement);
        }
        let buckets = self.buckets(resources)?;
        for (resource, properties) in of_part(resources, Part::BucketPolicy) {
            let fields = properties.fields(&["Bucket", "PolicyDocument"], &[])?;
            let bucket = fields.require("Bucket", "a bucket")?;
            let name = bucket.text()?;
            if !buckets.values().any(|known| *known == name) {
                return Err(bucket.is_not(&listed(buckets.values().map(String::as_str))));
            }
            let document = fields.require("PolicyDocument", "a policy")?;
            let arn = names::bucket_arn(&name);
            attach(document, resource, arn.clone(), policies)?;
            check_private(document, &policies.resources[&arn].statements)?;
        }
        Ok(())
    }

    /// The name of every bucket, by logical id.
    pub(super) fn buckets(
        &mut self,
        resources: &[(&Resource, Value)],
    ) -> Result<BTreeMap<String, String>, TemplateError> {
        let mut buckets = BTreeMap::new();
        for (resource, properties) in of_part(resources, Part::Bucket) {
            bucket(properties)?;
            buckets.insert(resource.logical_id.clone(), self.physical_name(resource)?);
        }
        Ok(buckets)
    }
}

fn bucket(properties: &Value) -> Result<(), TemplateError> {
    let honoured = &["BucketName", "PublicAccessBlockConfiguration", "BucketEncryption"];
    let fields = properties.fields(honoured, BUCKET_IMMATERIAL)?;
    if let Some(block) = fields.get("PublicAccessBlockConfiguration") {
        // Blocked unless it says otherwise, as every new bucket is.
        let block = block.fields(BLOCKS, &[])?;
        BLOCKS
            .iter()
            .filter_map(|name| block.get(name))
            .try_for_each(|it| it.one_of(&["true"]).map(|_| ()))?;
    }
    let Some(encryption) = fields.get("BucketEncryption") else { return Ok(()) };
    let rules = encryption.fields(&["ServerSideEncryptionConfiguration"], &[])?;
    let rules = rules.require("ServerSideEncryptionConfiguration", "a list of rules")?;
    for rule in rules.list()? {
        let rule = rule.fields(&["ServerSideEncryptionByDefault"], &[("BucketKeyEnabled", "price")])?;
        let by_default = rule.require("ServerSideEncryptionByDefault", "AES256")?;
        // A key of KMS has a policy of its own, which would have to let CloudFront in.
        let algorithm = by_default.fields(&["SSEAlgorithm"], &[])?;
        algorithm.require("SSEAlgorithm", "AES256")?.one_of(&["AES256"])?;
    }
    Ok(())
}

/// A policy that lets everybody in is refused by a bucket that blocks such.
fn check_private(document: &Value, statements: &[Statement]) -> Result<(), TemplateError> {
    let is_public = |it: &&Statement| {
        it.effect == Effect::Allow && it.principals.contains(&Named::Anybody) && it.conditions.is_empty()
    };
    match statements.iter().find(is_public) {
        None => Ok(()),
        Some(public) => {
            let found = format!("public by {}", public.name);
            Err(document.is(found, "a policy that names whom it lets in: the bucket blocks public ones"))
        }
    }
}

/// ARN of the function, and what is said of it.
fn permission(
    id: &str,
    properties: &Value,
    functions: &BTreeMap<String, String>,
) -> Result<(String, Statement), TemplateError> {
    let fields = properties.fields(PERMISSION_HONOURED, &[])?;
    let function = fields.require("FunctionName", "a function")?;
    let text = function.text()?;
    let arn = functions.iter().find(|(arn, name)| **arn == text || **name == text).map(|(arn, _)| arn);
    let arn = arn.ok_or_else(|| function.is_not(&listed(functions.values().map(String::as_str))))?;
    let principal = fields.require("Principal", "a service")?;
    let service = principal.text()?;
    if !service.ends_with(".amazonaws.com") {
        return Err(principal.is_not("a service, for example cloudfront.amazonaws.com"));
    }
    let action = fields.require("Action", INVOKE)?.one_of(&[INVOKE, INVOKE_URL])?;
    let mut conditions = Vec::new();
    let mut only = |operator, key, value: &Value| {
        conditions.push(Condition { operator, key, values: vec![value.text()?] });
        Ok(())
    };
    if let Some(source) = fields.get("SourceArn") {
        only(Operator::ArnLike, ConditionKey::SourceArn, source)?;
    }
    if let Some(account) = fields.get("SourceAccount") {
        only(Operator::StringEquals, ConditionKey::SourceAccount, account)?;
    }
    if let Some(kind) = fields.get("FunctionUrlAuthType") {
        kind.one_of(&["AWS_IAM"])?;
        with_action(kind, &action, INVOKE_URL)?;
        only(Operator::StringEquals, ConditionKey::FunctionUrlAuthType, kind)?;
    }
    if let Some(by_url) = fields.get("InvokedViaFunctionUrl") {
        with_action(by_url, &action, INVOKE)?;
        if by_url.truth()? {
            only(Operator::Bool, ConditionKey::InvokedViaFunctionUrl, by_url)?;
        }
    }
    let statement = Statement {
        name: id.to_owned(),
        effect: Effect::Allow,
        principals: vec![Named::Service(service)],
        actions: vec![action],
        resources: vec![arn.clone()],
        conditions,
    };
    Ok((arn.clone(), statement))
}

/// Lambda takes some properties with one action only.
fn with_action(property: &Value, action: &str, wanted: &str) -> Result<(), TemplateError> {
    let found = || format!("beside {action}");
    if action == wanted { Ok(()) } else { Err(property.is(found(), &format!("beside {wanted} alone"))) }
}
