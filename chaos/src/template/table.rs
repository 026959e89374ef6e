//! `AWS::DynamoDB::Table`: the `CreateTable` request that makes it.
//!
//! Invariant: the request holds what the template says and nothing else, so a key or index that is wrong on AWS is
//! wrong in the world.

use super::error::TemplateError;
use super::types::TABLE_IMMATERIAL;
use super::value::Value;
use crate::cloud::config::TableConfig;
use serde_json::{Map, json};

const HONOURED: &[&str] = &[
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "BillingMode",
    "SSESpecification",
    "TimeToLiveSpecification",
    "StreamSpecification",
];

/// Builds the table called `name`.
pub(super) fn table(name: String, properties: &Value) -> Result<TableConfig, TemplateError> {
    let fields = properties.fields(HONOURED, TABLE_IMMATERIAL)?;
    let attributes = fields.require("AttributeDefinitions", "a list of attributes")?;
    let keys = fields.require("KeySchema", "a list of keys")?;
    // Provisioned tables throttle by their numbers, which the embedded DynamoDB does not do.
    let billing = fields.require("BillingMode", ON_DEMAND)?.one_of(&[ON_DEMAND])?;
    let mut create = Map::from_iter([
        ("TableName".to_owned(), json!(name)),
        ("AttributeDefinitions".to_owned(), items(attributes, &["AttributeName", "AttributeType"])?),
        ("KeySchema".to_owned(), items(keys, KEY)?),
        ("BillingMode".to_owned(), json!(billing)),
    ]);
    if let Some(indexes) = fields.get("GlobalSecondaryIndexes") {
        create.insert("GlobalSecondaryIndexes".to_owned(), self::indexes(indexes)?);
    }
    if let Some(encryption) = fields.get("SSESpecification") {
        // Whoever uses a table under a key of its own needs that key as well, which nobody here asks.
        encryption.fields(&["SSEEnabled"], &[("SSEType", "there is only one")])?;
    }
    let ttl_attribute = fields.get("TimeToLiveSpecification").map(ttl).transpose()?.flatten();
    let streams = match fields.get("StreamSpecification") {
        Some(stream) => {
            let stream = stream.fields(&["StreamViewType"], &[])?;
            stream.require("StreamViewType", BOTH_IMAGES)?.one_of(&[BOTH_IMAGES])?;
            true
        }
        None => false,
    };
    Ok(TableConfig { name, create: create.into(), ttl_attribute, streams })
}

const BOTH_IMAGES: &str = "NEW_AND_OLD_IMAGES";
const ON_DEMAND: &str = "PAY_PER_REQUEST";
const KEY: &[&str] = &["AttributeName", "KeyType"];

fn ttl(value: &Value) -> Result<Option<String>, TemplateError> {
    let fields = value.fields(&["AttributeName", "Enabled"], &[])?;
    let enabled = fields.require("Enabled", "true, false")?.truth()?;
    let attribute = fields.require("AttributeName", "an attribute name")?.text()?;
    Ok(enabled.then_some(attribute))
}

fn indexes(value: &Value) -> Result<serde_json::Value, TemplateError> {
    value
        .list()?
        .iter()
        .map(|index| {
            let fields = index.fields(&["IndexName", "KeySchema", "Projection"], &[])?;
            items(fields.require("KeySchema", "a list of keys")?, KEY)?;
            let projection = fields.require("Projection", "a projection")?;
            projection.fields(&["ProjectionType", "NonKeyAttributes"], &[])?;
            fields.require("IndexName", "a name")?.text()?;
            Ok(index.json())
        })
        .collect()
}

/// A list of maps, none of which has a field beside `fields`, as JSON.
fn items(value: &Value, fields: &[&str]) -> Result<serde_json::Value, TemplateError> {
    value
        .list()?
        .iter()
        .map(|item| {
            let found = item.fields(fields, &[])?;
            for field in fields {
                found.require(field, "text")?.text()?;
            }
            Ok(item.json())
        })
        .collect()
}
