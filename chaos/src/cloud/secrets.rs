//! Embedded Secrets Manager: secrets with one current value, which the world may rotate.
//!
//! Invariant: a value is never journaled.

use super::iam::Denied;
use super::ids::Ids;
use super::names;
use super::reply::Reply;
use payments::UnixMs;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All secrets of the account.
#[derive(Debug)]
pub struct Secrets {
    by_name: BTreeMap<String, Secret>,
    versions: Ids,
}

struct Secret {
    value: String,
    version: String,
    created_at: UnixMs,
}

impl Secrets {
    /// No secrets yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { by_name: BTreeMap::new(), versions: Ids::new(seed, "secret versions") }
    }

    /// Gives a secret, by name or ARN, a new current value: creates it, or rotates it.
    pub fn put(&mut self, id: &str, value: impl Into<String>, now: UnixMs) {
        let version = self.versions.uuid();
        let secret = Secret { value: value.into(), version, created_at: now };
        self.by_name.insert(names::secret_in_id(id).to_owned(), secret);
    }

    /// Carries out `operation`, the part of `x-amz-target` after the dot.
    #[must_use]
    pub fn answer(&self, operation: &str, body: &[u8]) -> Reply {
        let answer = match operation {
            "GetSecretValue" => value,
            "DescribeSecret" => description,
            _ => {
                let text = format!(
                    "The embedded Secrets Manager does not support {operation}; it supports {SUPPORTED}."
                );
                return Reply::error(400, "UnknownOperationException", &text);
            }
        };
        let call = match serde_json::from_slice::<OfSecret>(body) {
            Ok(call) => call,
            Err(error) => return Reply::error(400, "SerializationException", &error.to_string()),
        };
        let name = names::secret_in_id(&call.secret_id);
        let Some(secret) = self.by_name.get(name) else {
            let text = "Secrets Manager can't find the specified secret.";
            return Reply::error(400, "ResourceNotFoundException", text);
        };
        Reply::ok(&answer(name, secret))
    }
}

const SUPPORTED: &str = "GetSecretValue and DescribeSecret";

fn value(name: &str, secret: &Secret) -> Value {
    json!({
        "ARN": names::secret_arn(name),
        "CreatedDate": secret.created_at.0 / 1000,
        "Name": name,
        "SecretString": secret.value,
        "VersionId": secret.version,
        "VersionStages": ["AWSCURRENT"],
    })
}

fn description(name: &str, secret: &Secret) -> Value {
    json!({
        "ARN": names::secret_arn(name),
        "CreatedDate": secret.created_at.0 / 1000,
        "LastChangedDate": secret.created_at.0 / 1000,
        "Name": name,
        "VersionIdsToStages": { &secret.version: ["AWSCURRENT"] },
    })
}

/// What a call needs permission for: the action, and the secret's ARN.
#[must_use]
pub fn needs(operation: &str, body: &[u8]) -> Option<(&'static str, String)> {
    let action = match operation {
        "GetSecretValue" => "secretsmanager:GetSecretValue",
        "DescribeSecret" => "secretsmanager:DescribeSecret",
        _ => return None,
    };
    let call = serde_json::from_slice::<OfSecret>(body).ok()?;
    Some((action, names::secret_arn(names::secret_in_id(&call.secret_id))))
}

/// What it says to those who may not.
/// <https://github.com/jenkinsci/aws-secrets-manager-credentials-provider-plugin/pull/65>: asked before it is looked up.
#[must_use]
pub fn denied(denied: &Denied) -> Reply {
    Reply::error(400, "AccessDeniedException", &denied.to_string())
}

impl std::fmt::Debug for Secret {
    /// Without the value: a test's output is read by people.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Secret").field("version", &self.version).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfSecret {
    secret_id: String,
}
