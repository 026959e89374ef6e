//! Parameters: defaults, the values a deployment gives, and the limits both must keep.
//!
//! Invariant: a parameter has a value, and it is one CloudFormation would take.

use super::error::{Place, Problem, TemplateError, listed};
use super::types::SSM_PARAMETER_IMMATERIAL;
use super::value::{Data, Value};
use super::yaml::{Node, Scalar};
use regex_lite::Regex;
use std::collections::BTreeMap;

const HONOURED: &[&str] =
    &["Type", "Default", "AllowedValues", "AllowedPattern", "ConstraintDescription", "MinValue", "MaxValue"];
const IMMATERIAL: &[(&str, &str)] = &[("Description", "for readers"), ("NoEcho", "for the console")];

/// A parameter of Systems Manager: it exists if its value matches its pattern.
pub(super) fn ssm_parameter(properties: &Value) -> Result<(), TemplateError> {
    let fields = properties.fields(&["Name", "Value", "AllowedPattern"], SSM_PARAMETER_IMMATERIAL)?;
    let value = fields.require("Value", "text")?;
    fields.get("AllowedPattern").map_or(Ok(()), |pattern| check_pattern(value, pattern, None))
}

/// The value of every declared parameter.
pub(super) fn parameters(
    declared: &BTreeMap<String, Node>,
    given: &BTreeMap<String, String>,
    file: &Place,
) -> Result<BTreeMap<String, Value>, TemplateError> {
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(TemplateError {
            place: file.clone(),
            problem: Problem::Unknown {
                path: "Parameters".to_owned(),
                what: format!("parameter {name}"),
                accepted: listed(declared.keys().map(String::as_str)),
            },
        });
    }
    declared.iter().map(|(name, node)| Ok((name.clone(), parameter(name, node, given.get(name))?))).collect()
}

fn parameter(name: &str, node: &Node, given: Option<&String>) -> Result<Value, TemplateError> {
    let declaration = node.literal(&format!("Parameters.{name}"))?;
    let fields = declaration.fields(HONOURED, IMMATERIAL)?;
    let chosen = match (given, fields.get("Default")) {
        (Some(given), _) => given.clone(),
        (None, Some(default)) => default.text()?,
        (None, None) => {
            return Err(node.problem(Problem::Missing {
                path: declaration.path.clone(),
                accepted: "a value from the deployment, for it has no default".to_owned(),
            }));
        }
    };
    let value = Value { data: Data::Scalar(Scalar::Text(chosen)), ..declaration.clone() };
    if let Some(allowed) = fields.get("AllowedValues") {
        let words = allowed.list()?.iter().map(Value::text).collect::<Result<Vec<_>, _>>()?;
        value.one_of(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    if let Some(pattern) = fields.get("AllowedPattern") {
        check_pattern(&value, pattern, fields.get("ConstraintDescription"))?;
    }
    let limit = |field: &str, default| fields.number_or(field, default, 0..=u32::MAX);
    match fields.require("Type", "String, Number")?.text()?.as_str() {
        "String" => Ok(value),
        "Number" => {
            within(&value, limit("MinValue", 0)?, limit("MaxValue", u32::MAX)?)?;
            Ok(value)
        }
        _ => Err(fields.require("Type", "")?.is_not("String, Number")),
    }
}

/// A pattern speaks of the whole value. CloudFormation reads it as Java does; what is spelled the same in both dialects
/// is enough here, and the rest is refused.
fn check_pattern(value: &Value, pattern: &Value, constraint: Option<&Value>) -> Result<(), TemplateError> {
    let whole = Regex::new(&format!("^(?:{})$", pattern.text()?));
    let whole = whole.map_err(|_| pattern.is_not("a regular expression"))?;
    if whole.is_match(&value.text()?) {
        return Ok(());
    }
    Err(value.is_not(&constraint.unwrap_or(pattern).text()?))
}

/// A number may have a fraction: CloudFormation knows no whole ones.
fn within(value: &Value, low: u32, high: u32) -> Result<(), TemplateError> {
    let number = value.real()?.get();
    let is_within = f64::from(low) <= number && number <= f64::from(high);
    if is_within { Ok(()) } else { Err(value.is_not(&format!("{low} to {high}"))) }
}
