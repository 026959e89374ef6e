//! EventBridge from outside: events that are put on the bus, and what the rules are.
//!
//! Invariant: as on AWS, nobody outside may speak for AWS: of a source `aws.…` no event is taken.

use super::{Outside, json_of};
use crate::cloud::config::{FunctionConfig, RuleConfig, ScheduleConfig};
use crate::cloud::names;
use crate::cloud::reply::Reply;
use jiff::Timestamp;
use serde_json::{Value, json};

const SUPPORTED: &str = "PutEvents, ListRules, DescribeRule and ListTargetsByRule";

/// A rule and whom it invokes.
enum Rule<'a> {
    Matching(&'a RuleConfig, &'a FunctionConfig),
    Ticking(&'a ScheduleConfig, &'a FunctionConfig),
}

impl Outside {
    pub(super) fn events(&self, operation: &str, body: &[u8]) -> Reply {
        let asked = json_of(body);
        match operation {
            "PutEvents" => self.put(asked["Entries"].as_array().map_or(&[], Vec::as_slice)),
            "ListRules" => {
                let prefix = asked["NamePrefix"].as_str().unwrap_or_default();
                let rules = self.rules().into_iter().filter(|rule| rule.name().starts_with(prefix));
                Reply::ok(&json!({ "Rules": rules.map(|rule| rule.described()).collect::<Vec<_>>() }))
            }
            "DescribeRule" => self.of_rule(&asked["Name"], |rule| rule.described()),
            "ListTargetsByRule" => self.of_rule(&asked["Rule"], |rule| {
                let function = rule.function();
                json!({ "Targets": [{ "Id": function.logical_id, "Arn": function.invoked_arn() }] })
            }),
            _ => {
                let text = format!(
                    "The embedded EventBridge does not support {operation}; it supports {SUPPORTED}."
                );
                Reply::error(400, "UnknownOperationException", &text)
            }
        }
    }

    fn of_rule(&self, name: &Value, tell: impl Fn(&Rule<'_>) -> Value) -> Reply {
        let name = name.as_str().unwrap_or_default();
        match self.rules().iter().find(|rule| rule.name() == name) {
            Some(rule) => Reply::ok(&tell(rule)),
            None => {
                let text = format!("Rule {name} does not exist on EventBus default.");
                Reply::error(400, "ResourceNotFoundException", &text)
            }
        }
    }

    fn rules(&self) -> Vec<Rule<'_>> {
        let functions = self.functions.values().map(|function| function.pool.config());
        functions.flat_map(rules_of).collect()
    }

    fn put(&self, entries: &[Value]) -> Reply {
        let answers: Vec<Value> =
            entries.iter().enumerate().map(|(at, entry)| self.take(at, entry)).collect();
        let failed = answers.iter().filter(|answer| answer.get("ErrorCode").is_some()).count();
        Reply::ok(&json!({ "FailedEntryCount": failed, "Entries": answers }))
    }

    fn take(&self, at: usize, entry: &Value) -> Value {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let source = text("Source");
        if source.starts_with("aws.") {
            return refused("NotAuthorizedForSourceException", "Not authorized for the source.");
        }
        let Some(detail) = serde_json::from_str::<Value>(text("Detail")).ok().filter(Value::is_object) else {
            return refused("MalformedDetail", "Detail is malformed.");
        };
        let now = self.services.clock().now();
        let id = format!("{:016x}-{at:04x}", now.0);
        let event = json!({
            "version": "0", "id": id, "detail-type": text("DetailType"), "source": source,
            "account": names::ACCOUNT, "region": names::REGION, "detail": detail,
            "time": Timestamp::from_second(now.0.div_euclid(1000)).unwrap_or_default().to_string(),
            "resources": entry.get("Resources").cloned().unwrap_or_else(|| json!([])),
        });
        for rule in self.rules() {
            if let Rule::Matching(rule, function) = rule
                && rule.pattern.matches(&event)
            {
                let payload = rule.target.input.clone().unwrap_or_else(|| event.to_string());
                (self.accept)(&function.logical_id, payload.into_bytes());
            }
        }
        json!({ "EventId": id })
    }
}

fn rules_of(function: &FunctionConfig) -> impl Iterator<Item = Rule<'_>> {
    let rules = function.rules.iter().map(move |rule| Rule::Matching(rule, function));
    rules.chain(function.schedules.iter().map(move |schedule| Rule::Ticking(schedule, function)))
}

impl Rule<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Matching(rule, _) => &rule.name,
            Self::Ticking(schedule, _) => &schedule.name,
        }
    }

    const fn function(&self) -> &FunctionConfig {
        match self {
            Self::Matching(_, function) | Self::Ticking(_, function) => function,
        }
    }

    fn described(&self) -> Value {
        let mut rule = json!({ "Name": self.name(), "Arn": names::rule_arn(self.name()), "State": "ENABLED",
                               "EventBusName": "default" });
        if let Self::Ticking(schedule, _) = self {
            let unit = if schedule.every_min == 1 { "minute" } else { "minutes" };
            rule["ScheduleExpression"] = format!("rate({} {unit})", schedule.every_min).into();
        }
        rule
    }
}

fn refused(code: &str, message: &str) -> Value {
    json!({ "ErrorCode": code, "ErrorMessage": message })
}
