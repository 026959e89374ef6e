//! What wakes the responder.
//!
//! Whatever it is, a turn follows; an event only makes it happen sooner, and says one thing that nothing else does:
//! that our credentials are refused while no payment has failed yet.
//! Invariant: only an object with a `command` is an order; it is either obeyed as it stands or answered with an error.

use crate::order::{self, BadOrder};
use aws_lambda_events::event::cloudwatch_alarms::{CloudWatchAlarmData, CloudWatchAlarmStateValue};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use payments::incident::{Credentials, Order};
use serde::Deserialize;
use serde_json::Value;

/// What woke the responder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The schedule.
    Schedule,
    /// An alarm changed its state.
    Alarm { name: String, state: CloudWatchAlarmStateValue },
    /// A human.
    Order(Order),
    /// Something else; what it calls itself.
    Other(String),
}

/// Name, without the stack's, of the alarm that says that our credentials are refused.
const CREDENTIALS_ALARM: &str = "CredentialsRefused";

impl Wake {
    /// Reads an event.
    pub(crate) fn of(event: &Value) -> Result<Self, BadOrder> {
        if event.get("command").is_some() {
            return order::read(event).map(Self::Order);
        }
        let name = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        if name("detail-type") == "CloudWatch Alarm State Change"
            && let Ok(alarm) = EventBridgeEvent::<CloudWatchAlarmData<Value>>::deserialize(event)
            && let Some(state) = alarm.detail.state
        {
            return Ok(Self::Alarm { name: alarm.detail.alarm_name, state: state.value });
        }
        Ok(match name("source").as_str() {
            "aws.events" | "aws.scheduler" => Self::Schedule,
            source => Self::Other(format!("{source} {}", name("detail-type"))),
        })
    }

    /// A word for the log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Alarm { .. } => "alarm",
            Self::Order(_) => "order",
            Self::Other(_) => "other",
        }
    }

    /// What it says of our credentials.
    pub(crate) fn credentials(&self) -> Credentials {
        match self {
            Self::Alarm { name, state: CloudWatchAlarmStateValue::Alarm }
                if name.ends_with(CREDENTIALS_ALARM) =>
            {
                Credentials::Refused
            }
            Self::Schedule | Self::Alarm { .. } | Self::Order(_) | Self::Other(_) => {
                Credentials::NotSuspected
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn alarm(name: &str, state: &str, configuration: Value) -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
            "account": "123456789012", "time": "2026-01-05T10:42:00Z", "region": "eu-central-1",
            "resources": ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:x"],
            "detail": {
                "alarmName": name, "configuration": configuration,
                "previousState": {"reason": "Unchecked: Initial alarm creation",
                    "timestamp": "2026-01-05T10:00:00.987+0000", "value": "INSUFFICIENT_DATA"},
                "state": {"reason": "Threshold Crossed", "reasonData": "{\"version\":\"1.0\"}",
                    "timestamp": "2026-01-05T10:42:00.989+0000", "value": state},
            },
        })
    }

    #[test]
    fn alarms_on_a_metric_and_on_an_expression_are_read_alike() {
        let metric = json!({"metrics": [{"id": "a", "returnData": true, "metricStat": {"period": 86_400}}]});
        let expression = json!({"metrics": [{"id": "a", "expression": "m1 / m2", "returnData": true}]});
        for configuration in [metric, expression, json!({"alarmRule": "ALARM(x)"})] {
            let event = alarm("prod-DeadLettersWaiting", "ALARM", configuration);
            let expected = Wake::Alarm {
                name: "prod-DeadLettersWaiting".to_owned(),
                state: CloudWatchAlarmStateValue::Alarm,
            };
            assert_eq!(Wake::of(&event), Ok(expected));
        }
    }

    #[test]
    fn only_the_alarm_about_credentials_in_alarm_speaks_of_credentials() {
        let said = |name, state| Wake::of(&alarm(name, state, json!({}))).unwrap().credentials();
        assert_eq!(said("prod-CredentialsRefused", "ALARM"), Credentials::Refused);
        assert_eq!(said("prod-CredentialsRefused", "OK"), Credentials::NotSuspected);
        assert_eq!(said("prod-DeadLettersWaiting", "ALARM"), Credentials::NotSuspected);
    }

    #[test]
    fn the_schedule_and_whatever_else_comes_wake_it_too() {
        let schedule = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
        assert_eq!(Wake::of(&schedule), Ok(Wake::Schedule));
        for other in
            [json!({}), json!(null), json!("x"), json!({"source": "aws.ec2"}), alarm("x", "ODD", json!({}))]
        {
            assert!(matches!(Wake::of(&other), Ok(Wake::Other(_))), "{other}");
        }
    }

    #[test]
    fn whatever_has_a_command_is_an_order() {
        assert_eq!(Wake::of(&json!({"command": "status"})).map(|wake| wake.name()), Ok("order"));
        assert!(Wake::of(&json!({"command": 5, "source": "aws.events"})).is_err());
    }
}
