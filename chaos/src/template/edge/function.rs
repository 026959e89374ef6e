//! `AWS::CloudFront::Function` and `AWS::CloudFront::KeyValueStore`.
//!
//! Invariant: a function is published, and reads a store of the template.

use super::super::document::Resource;
use super::super::error::TemplateError;
use super::super::resolve::Scope;
use super::super::value::Value;
use super::types::{COMMENTED, FUNCTION_IMMATERIAL};
use super::{Part, check_name, named, of_part};
use crate::cloud::cloudfront::config::EdgeFunctionConfig;
use std::collections::BTreeMap;

const HONOURED: &[&str] = &["Name", "AutoPublish", "FunctionConfig", "FunctionCode"];
const CONFIG_HONOURED: &[&str] = &["Runtime", "KeyValueStoreAssociations"];
/// Longest function, bytes.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-functions>
const CODE_BYTES_MAX: usize = 10_240;
const NAME_CHARS_MAX: usize = 64;

impl Scope<'_> {
    /// Name and code of every function, by ARN.
    pub(super) fn edge_functions(
        &mut self,
        resources: &[(&Resource, Value)],
    ) -> Result<BTreeMap<String, (String, EdgeFunctionConfig)>, TemplateError> {
        let mut stores = BTreeMap::new();
        for (resource, _) in of_part(resources, Part::Store) {
            stores.insert(self.attribute_of(resource, "Arn")?, self.physical_name(resource)?);
        }
        let mut functions = BTreeMap::new();
        for (resource, properties) in of_part(resources, Part::Function) {
            let name = self.physical_name(resource)?;
            check_name(properties.require("Name", "a name")?, &name, NAME_CHARS_MAX)?;
            functions.insert(self.id(resource)?, (name, function(properties, &stores)?));
        }
        Ok(functions)
    }

    /// The name of every KeyValueStore, by logical id.
    pub(super) fn stores(
        &mut self,
        resources: &[(&Resource, Value)],
    ) -> Result<BTreeMap<String, String>, TemplateError> {
        let mut stores = BTreeMap::new();
        for (resource, properties) in of_part(resources, Part::Store) {
            // What would be imported lies in a bucket that nobody has filled yet.
            let fields = properties.fields(&["Name"], COMMENTED)?;
            let name = self.physical_name(resource)?;
            check_name(fields.require("Name", "a name")?, &name, NAME_CHARS_MAX)?;
            stores.insert(resource.logical_id.clone(), name);
        }
        Ok(stores)
    }
}

fn function(
    properties: &Value,
    stores: &BTreeMap<String, String>,
) -> Result<EdgeFunctionConfig, TemplateError> {
    let fields = properties.fields(HONOURED, &[])?;
    // One that is not published may not be named by a behavior.
    fields.require("AutoPublish", "true")?.one_of(&["true"])?;
    let config = fields.require("FunctionConfig", "a runtime")?;
    let config = config.fields(CONFIG_HONOURED, FUNCTION_IMMATERIAL)?;
    config.require("Runtime", RUNTIME)?.one_of(&[RUNTIME])?;
    let store = match config.get("KeyValueStoreAssociations") {
        None => None,
        Some(associations) => match associations.list()? {
            [] => None,
            [association] => {
                let association = association.fields(&["KeyValueStoreARN"], &[])?;
                Some(named(association.require("KeyValueStoreARN", "the ARN of a store")?, stores)?.clone())
            }
            several => return Err(associations.is(format!("{} stores", several.len()), "one store")),
        },
    };
    let code = fields.require("FunctionCode", "JavaScript")?;
    let text = code.text()?;
    if text.len() > CODE_BYTES_MAX {
        return Err(code.is(format!("{} bytes long", text.len()), &format!("at most {CODE_BYTES_MAX}")));
    }
    Ok(EdgeFunctionConfig { code: text, store })
}

const RUNTIME: &str = "cloudfront-js-2.0";
