//! Versions of a function and its alias: who is meant by a name, and what is told of them.
//!
//! There is one published version, and the alias points at it; what is not published is the same code.
//! Invariant: a qualifier that names nothing is refused, as Lambda does: who mistypes an alias must not reach another
//! version.

use super::functions::refused;
use super::{Callable, Outside, json_of};
use crate::cloud::config::{AliasConfig, FIRST_VERSION, FunctionConfig, LATEST};
use crate::cloud::names;
use crate::cloud::reply::Reply;
use serde_json::{Value, json};

/// A function, as a caller names it.
pub(super) struct Named<'a> {
    pub(super) function: &'a Callable,
    /// The alias or the version.
    pub(super) qualifier: Option<String>,
}

impl Named<'_> {
    pub(super) fn config(&self) -> &FunctionConfig {
        self.function.pool.config()
    }

    /// The version that is meant.
    pub(super) fn version(&self) -> &'static str {
        match self.qualifier.as_deref() {
            None | Some(LATEST) => LATEST,
            Some(_) => FIRST_VERSION,
        }
    }

    /// Its ARN, as it was named.
    pub(super) fn arn(&self) -> String {
        let arn = names::function_arn(&self.config().name);
        self.qualifier.as_ref().map_or(arn.clone(), |qualifier| format!("{arn}:{qualifier}"))
    }

    /// Whether this is what the function's events invoke.
    pub(super) fn is_invoked(&self) -> bool {
        self.arn() == self.config().invoked_arn()
    }
}

impl Outside {
    /// A function by its name or its ARN, with the qualifier that stands behind it, or else in the query.
    pub(super) fn named(&self, named: &str, query: &str) -> Result<Named<'_>, Reply> {
        let text = named.rsplit(":function:").next().unwrap_or(named);
        let (name, behind) = text.split_once(':').map_or((text, None), |(name, it)| (name, Some(it)));
        let mut asked = form_urlencoded::parse(query.as_bytes());
        let qualifier = behind
            .map(str::to_owned)
            .or_else(|| asked.find(|(key, _)| key == "Qualifier").map(|(_, it)| it.into_owned()));
        let Some(function) = self.functions.get(name) else {
            let known: Vec<&str> = self.functions.keys().map(String::as_str).collect();
            let arn = names::function_arn(name);
            let text = format!("Function not found: {arn}; there are {}", known.join(" and "));
            return Err(refused(404, "ResourceNotFoundException", &text));
        };
        let named = Named { function, qualifier };
        match (named.qualifier.as_deref(), &named.config().alias) {
            (None | Some(LATEST), _) | (Some(FIRST_VERSION), Some(_)) => Ok(named),
            (Some(qualifier), Some(alias)) if alias.name == qualifier => Ok(named),
            (Some(_), _) => Err(not_found(&named.arn())),
        }
    }

    /// What is not published, and the version that is.
    pub(super) fn versions(&self, name: &str) -> Reply {
        let config = match self.named(name, "") {
            Ok(named) => named.function.pool.config(),
            Err(reply) => return reply,
        };
        let version = |version: &str, description: &str| {
            json!({
                "FunctionName": config.name,
                "FunctionArn": format!("{}:{version}", names::function_arn(&config.name)),
                "Version": version,
                "Description": description,
            })
        };
        let published = config.alias.as_ref().map(|alias| version(FIRST_VERSION, &alias.description));
        let versions: Vec<Value> = [version(LATEST, "")].into_iter().chain(published).collect();
        Reply::ok(&json!({ "Versions": versions }))
    }

    /// The alias, as it is.
    pub(super) fn alias(&self, name: &str, alias: &str) -> Reply {
        self.with_alias(name, alias)
            .map_or_else(|reply| reply, |(config, alias)| Reply::ok(&described(config, alias)))
    }

    /// Points the alias at a version, of which there is one.
    pub(super) fn point(&self, name: &str, alias: &str, body: &[u8]) -> Reply {
        let (config, alias) = match self.with_alias(name, alias) {
            Ok(found) => found,
            Err(reply) => return reply,
        };
        let asked = json_of(body);
        let version = asked["FunctionVersion"].as_str().unwrap_or(FIRST_VERSION);
        let weights = asked["RoutingConfig"]["AdditionalVersionWeights"].as_object();
        let others = weights.into_iter().flatten().map(|(version, _)| version.as_str());
        match others.chain([version]).find(|version| *version != FIRST_VERSION) {
            Some(missing) => not_found(&format!("{}:{missing}", names::function_arn(&config.name))),
            None => Reply::ok(&described(config, alias)),
        }
    }

    fn with_alias(&self, name: &str, alias: &str) -> Result<(&FunctionConfig, &AliasConfig), Reply> {
        let config = self.named(name, "")?.function.pool.config();
        let found = config.alias.as_ref().filter(|known| known.name == alias);
        found.map(|alias| (config, alias)).ok_or_else(|| {
            let text = format!("Cannot find alias arn: {}:{alias}", names::function_arn(&config.name));
            refused(404, "ResourceNotFoundException", &text)
        })
    }
}

fn described(function: &FunctionConfig, alias: &AliasConfig) -> Value {
    json!({ "AliasArn": function.invoked_arn(), "Name": alias.name, "FunctionVersion": FIRST_VERSION })
}

fn not_found(arn: &str) -> Reply {
    refused(404, "ResourceNotFoundException", &format!("Function not found: {arn}"))
}
