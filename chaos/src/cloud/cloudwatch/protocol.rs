//! What CloudWatch is asked about alarms over the wire, in RPC v2 CBOR: the protocol its SDK speaks.
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>
//!
//! Invariant: asking changes nothing.

use super::CloudWatch;
use crate::cloud::iam::Denied;
use crate::cloud::names::{self, Region};
use crate::cloud::reply::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

/// The one rule that mutes whatever a fault mutes.
const RULE: &str = "forgotten-maintenance";

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Asked {
    alarm_name_prefix: String,
    /// Every one when there is none.
    alarm_names: Option<Vec<String>>,
    /// Every one when there is none.
    state_value: Option<String>,
    /// Every one when there is none.
    alarm_name: Option<String>,
    /// Every one when there is none.
    statuses: Option<Vec<String>>,
}

impl CloudWatch {
    /// Carries out `operation`.
    #[must_use]
    pub fn answer(&self, operation: &str, body: &[u8]) -> Reply {
        let asked: Asked = match ciborium::from_reader(body) {
            Ok(asked) => asked,
            Err(error) => return error_of("SerializationException", &error.to_string()),
        };
        match operation {
            "DescribeAlarms" => Reply::cbor(200, &self.described(&asked)),
            "ListAlarmMuteRules" => Reply::cbor(200, &self.rules(&asked)),
            _ => {
                let text = format!(
                    "The embedded CloudWatch does not support {operation}; it supports DescribeAlarms and ListAlarmMuteRules."
                );
                error_of("UnknownOperationException", &text)
            }
        }
    }

    /// All of them on one page: there are fewer than fifty.
    fn described(&self, asked: &Asked) -> Value {
        // Whoever asks does so in the region of the payments.
        let of_region = self.alarms.iter().filter(|(_, alarm)| alarm.config.region == Region::Home);
        let is_named = |name: &String| {
            name.starts_with(&asked.alarm_name_prefix)
                && asked.alarm_names.as_ref().is_none_or(|names| names.contains(name))
        };
        let is_so = |state: &str| asked.state_value.as_ref().is_none_or(|wanted| wanted == state);
        let named = of_region.filter(|(name, alarm)| is_named(name) && is_so(alarm.state().value.name()));
        let described = named.map(|(name, alarm)| {
            json!({
                "AlarmName": name,
                "AlarmArn": alarm.config.arn(),
                "ActionsEnabled": self.is_enabled(name),
                "AlarmActions": alarm.config.actions.alarm,
                "OKActions": alarm.config.actions.ok,
                "StateValue": alarm.state().value.name(),
                "StateReason": alarm.state().reason,
            })
        });
        json!({ "MetricAlarms": described.collect::<Vec<_>>(), "CompositeAlarms": [] })
    }

    fn rules(&self, asked: &Asked) -> Value {
        let is_asked = asked.statuses.as_ref().is_none_or(|wanted| wanted.iter().any(|it| it == "ACTIVE"));
        let mutes = asked.alarm_name.as_ref().map_or(!self.muted.is_empty(), |alarm| self.is_muted(alarm));
        let active = json!({
            "AlarmMuteRuleArn": names::mute_rule_arn(RULE), "Status": "ACTIVE", "MuteType": "RECURRING",
        });
        let listed = if is_asked && mutes { vec![active] } else { vec![] };
        json!({ "AlarmMuteRuleSummaries": listed })
    }
}

/// What a call needs permission for: the action, and the ARN of what it is about.
#[must_use]
pub fn needs(operation: &str) -> Option<(&'static str, String)> {
    match operation {
        "DescribeAlarms" => Some(("cloudwatch:DescribeAlarms", names::alarm_arn("*"))),
        "ListAlarmMuteRules" => Some(("cloudwatch:ListAlarmMuteRules", names::mute_rule_arn("*"))),
        _ => None,
    }
}

/// What it says to those who may not.
#[must_use]
pub fn denied(denied: &Denied) -> Reply {
    error_of("AccessDeniedException", &denied.to_string())
}

/// What it answers while it can take no more.
#[must_use]
pub fn overloaded() -> Reply {
    Reply::cbor(500, &json!({ "__type": "InternalServiceFault", "message": "An error occurred." }))
}

fn error_of(kind: &str, message: &str) -> Reply {
    Reply::cbor(400, &json!({ "__type": kind, "message": message }))
}
