//! How versions of a function are released: its alias, and what brakes a new version.
//!
//! A world runs one version, and no run updates its stack, so an alias is that version's name.
//! Invariant: a brake is an alarm of the stack: CodeDeploy takes any name, and looks at one that nobody has for ever.

use super::error::TemplateError;
use super::value::{Fields, Value};
use crate::cloud::config::AliasConfig;

/// Properties of a function that are read here.
pub(super) const HONOURED: [&str; 3] = ["AutoPublishAlias", "VersionDescription", "DeploymentPreference"];
/// Longest description of a version, characters.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html>
const DESCRIPTION_MAX: usize = 256;
/// Paces that CodeDeploy knows by name.
const PACES: &[&str] = &[
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
    "AllAtOnce",
];
const WITH_ALIAS: &str = "together with AutoPublishAlias";

/// The alias that events reach, if there is one. `alarms` are the names of the stack's.
pub(super) fn alias(fields: &Fields<'_>, alarms: &[&str]) -> Result<Option<AliasConfig>, TemplateError> {
    let description = fields.get("VersionDescription");
    let preference = fields.get("DeploymentPreference");
    let Some(name) = fields.get("AutoPublishAlias") else {
        return match description.or(preference) {
            Some(alone) => Err(alone.is("without an alias".to_owned(), WITH_ALIAS)),
            None => Ok(None),
        };
    };
    preference.map_or(Ok(()), |preference| check(preference, alarms))?;
    Ok(Some(AliasConfig {
        name: alias_name(name)?,
        description: description.map_or(Ok(String::new()), described)?,
    }))
}

/// As SAM takes it: no number, because that would be a version.
fn alias_name(value: &Value) -> Result<String, TemplateError> {
    let name = value.text()?;
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let is_name =
        !name.is_empty() && name.chars().all(is_word) && name.chars().any(|it| !it.is_ascii_digit());
    is_name.then_some(name).ok_or_else(|| value.is_not("letters, digits, - and _, and no number"))
}

fn described(value: &Value) -> Result<String, TemplateError> {
    let text = value.text()?;
    match text.chars().count() {
        0..=DESCRIPTION_MAX => Ok(text),
        long => Err(value.is(format!("{long} characters long"), &format!("at most {DESCRIPTION_MAX}"))),
    }
}

fn check(preference: &Value, alarms: &[&str]) -> Result<(), TemplateError> {
    let fields = preference.fields(&["Enabled", "Type", "Alarms"], &[])?;
    fields.get("Enabled").map(Value::truth).transpose()?;
    fields.require("Type", "a pace")?.one_of(PACES)?;
    for alarm in fields.get("Alarms").map_or(Ok(&[][..]), Value::list)? {
        alarm.one_of(alarms)?;
    }
    Ok(())
}
