//! `Ref` and `GetAtt`: what parameters, pseudo parameters, resources and nested applications stand for.
//!
//! Invariant: every reference to a resource is noted, so that resources which need each other are found.

use super::document::Resource;
use super::edge::Part;
use super::error::{TemplateError, listed};
use super::resolve::{At, Scope};
use super::types::{Role, filled};
use super::value::Value;
use crate::cloud::names::{self, Region};
use std::collections::BTreeMap;

const PSEUDO_PARAMETERS: &[(&str, &str)] = &[
    ("AWS::AccountId", "{account}"),
    ("AWS::Region", "{region}"),
    ("AWS::StackName", "{stack}"),
    ("AWS::Partition", "aws"),
    ("AWS::URLSuffix", "amazonaws.com"),
];

/// What `Ref Function.Alias` ends with.
const ALIAS: &str = ".Alias";

impl<'a> Scope<'a> {
    /// What `Ref name` gives.
    pub(super) fn reference(&mut self, name: &str, at: At<'_>) -> Result<Value, TemplateError> {
        if let Some((_, pattern)) = PSEUDO_PARAMETERS.iter().find(|(known, _)| *known == name) {
            return Ok(at.text(filled(pattern, &self.facts())));
        }
        if let Some(parameter) = self.parameters.get(name) {
            return Ok(at.value(parameter.data.clone()));
        }
        if let Some(function) = name.strip_suffix(ALIAS) {
            return self.alias_of(function, at);
        }
        let resource = self.resource(name, at)?;
        self.filled_for(resource, resource.kind.reference, at)
    }

    /// ARN of the alias that SAM makes for a function.
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>
    fn alias_of(&mut self, function: &str, at: At<'_>) -> Result<Value, TemplateError> {
        let resource = self.resource(function, at)?;
        let Some(alias) = resource.property("AutoPublishAlias") else {
            return Err(
                at.unknown(format!("{function}{ALIAS}"), "a function with AutoPublishAlias".to_owned())
            );
        };
        let alias = self.text(&alias.clone(), at.path)?;
        let arn =
            self.filled_for(resource, "arn:aws:lambda:{region}:{account}:function:{name}", at)?.text()?;
        Ok(at.text(format!("{arn}:{alias}")))
    }

    /// What `GetAtt name.attribute` gives.
    pub(super) fn attribute(
        &mut self,
        name: &str,
        attribute: &str,
        at: At<'_>,
    ) -> Result<Value, TemplateError> {
        let resource = self.resource(name, at)?;
        if resource.kind.role == Role::Application {
            return self.nested_output(resource, attribute, at);
        }
        let attributes = resource.kind.attributes;
        match attributes.iter().find(|(known, _)| *known == attribute) {
            Some((_, pattern)) => self.filled_for(resource, pattern, at),
            None => Err(at.unknown(
                format!("attribute {attribute} of {name}"),
                listed(attributes.iter().map(|(known, _)| *known)),
            )),
        }
    }

    /// Where the stack is, for what can be in either region.
    pub(super) fn region(&self, resource: &Value) -> Result<Region, TemplateError> {
        let code = &self.deployment.region;
        let found = Region::ALL.into_iter().find(|region| region.code() == code);
        let known = || listed(Region::ALL.map(Region::code));
        found.ok_or_else(|| resource.unsupported(format!("a stack in {code}"), known()))
    }

    /// The name the resource has in the account.
    pub(super) fn physical_name(&mut self, resource: &Resource) -> Result<String, TemplateError> {
        let given = resource.kind.name_property.and_then(|property| resource.property(property));
        let Some(node) = given else {
            let name = format!("{}-{}", self.deployment.stack_name, resource.logical_id);
            // A bucket's name is part of a host's.
            let is_bucket = resource.kind.role == Role::Edge(Part::Bucket);
            return Ok(if is_bucket { name.to_lowercase() } else { name });
        };
        let path = format!("{}.{}", resource.logical_id, resource.kind.name_property.unwrap_or(""));
        self.open.enter(&resource.logical_id, At { path: &path, place: &node.place })?;
        let name = self.text(node, &path);
        self.open.leave();
        name
    }

    fn nested_output(
        &mut self,
        application: &Resource,
        attribute: &str,
        at: At<'_>,
    ) -> Result<Value, TemplateError> {
        let outputs = &self.application(application, at)?.outputs;
        let found = attribute.strip_prefix("Outputs.").and_then(|name| outputs.get(name));
        match found {
            Some(text) => Ok(at.text(text.clone())),
            None => {
                let known: Vec<_> = outputs.keys().map(|name| format!("Outputs.{name}")).collect();
                Err(at.unknown(
                    format!("attribute {attribute} of {}", application.logical_id),
                    listed(known.iter().map(String::as_str)),
                ))
            }
        }
    }

    /// The resource `name`, which must exist under this deployment's conditions.
    fn resource(&mut self, name: &str, at: At<'_>) -> Result<&'a Resource, TemplateError> {
        let document = self.document;
        let Some(resource) = document.resources.get(name) else {
            let known = document.parameters.keys().chain(document.resources.keys());
            let known = listed(known.map(String::as_str));
            return Err(at.unknown(format!("parameter or resource {name}"), known));
        };
        if !self.exists(resource)? {
            let condition = resource.condition.as_ref().map_or(Ok(String::new()), Value::text)?;
            let what = format!("resource {name} unless the condition {condition} holds");
            return Err(at.unknown(what, "a reference under the same condition".to_owned()));
        }
        self.uses.insert(name.to_owned());
        Ok(resource)
    }

    /// Whether this deployment has the resource.
    pub(super) fn exists(&mut self, resource: &Resource) -> Result<bool, TemplateError> {
        resource.condition.as_ref().map_or(Ok(true), |name| self.condition(name))
    }

    fn filled_for(&mut self, resource: &Resource, pattern: &str, at: At<'_>) -> Result<Value, TemplateError> {
        let name = self.physical_name(resource)?;
        let bus = match resource.property("EventBusName").cloned() {
            Some(bus) => self.text(&bus, at.path)?,
            None => String::new(),
        };
        let mut facts = self.facts();
        let (id, capitals) = (names::id_of(&name), names::id_of(&name).to_uppercase());
        facts.extend([("name", name.as_str()), ("id", &id), ("ID", &capitals), ("bus", bus.as_str())]);
        Ok(at.text(filled(pattern, &facts)))
    }

    fn facts(&self) -> BTreeMap<&str, &str> {
        BTreeMap::from([
            ("account", self.deployment.account.as_str()),
            ("region", self.deployment.region.as_str()),
            ("stack", self.deployment.stack_name.as_str()),
        ])
    }
}
