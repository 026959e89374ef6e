//! What wakes the responder.
//!
//! Whatever it is, a turn follows; an event only makes it happen sooner, and says one thing that nothing else does:
//! that our credentials are refused while no payment has failed yet.
//! Invariant: only an object with a `command` is an order; it is either obeyed as it stands or answered with an error.

use aws_lambda_events::event::cloudwatch_alarms::{CloudWatchAlarmData, CloudWatchAlarmStateValue};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use payments::PaymentId;
use payments::audit::Span;
use payments::incident::{Command, Credentials, Order};
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

/// An order that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; accepted: {ACCEPTED}")]
pub struct BadOrder {
    problem: String,
}

const ACCEPTED: &str = r#"{"command":"redrive"|"pause"|"resume"|"release"|"audit"|"status","who":"…","why":"…"}, with "payment_id" for release and "since" ("48h") for audit; who and why may be left out for status"#;

/// Name, without the stack's, of the alarm that says that our credentials are refused.
const CREDENTIALS_ALARM: &str = "CredentialsRefused";

impl Wake {
    /// Reads an event.
    pub(crate) fn of(event: &Value) -> Result<Self, BadOrder> {
        if event.get("command").is_some() {
            return order(event).map(Self::Order);
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    command: String,
    payment_id: Option<String>,
    since: Option<String>,
    #[serde(default)]
    who: String,
    #[serde(default)]
    why: String,
}

fn order(event: &Value) -> Result<Order, BadOrder> {
    let bad = |problem: &str| BadOrder { problem: problem.to_owned() };
    let typed =
        Typed::deserialize(event).map_err(|error| bad(&format!("the command cannot be read: {error}")))?;
    let command = match (typed.command.as_str(), typed.payment_id.as_deref()) {
        ("redrive", None) => Command::Redrive,
        ("pause", None) => Command::Pause,
        ("resume", None) => Command::Resume,
        ("status", None) => Command::Status,
        ("release", Some(id)) => {
            let id =
                PaymentId::new(id).ok_or_else(|| bad("payment_id is not 1 to 128 of A-Z a-z 0-9 _ -"))?;
            Command::Release(id)
        }
        ("release", None) => return Err(bad("release needs a payment_id")),
        ("audit", None) => Command::Audit(span(typed.since.as_deref())?),
        ("redrive" | "pause" | "resume" | "audit" | "status", Some(_)) => {
            return Err(bad("only release takes a payment_id"));
        }
        _ => return Err(bad("there is no such command")),
    };
    if typed.since.is_some() && !matches!(command, Command::Audit(_)) {
        return Err(bad("only audit takes a since"));
    }
    let is_signed = !typed.who.trim().is_empty() && !typed.why.trim().is_empty();
    if command != Command::Status && !is_signed {
        return Err(bad("who gives the command, and why, is missing: it is kept in the record"));
    }
    Ok(Order { command, who: typed.who, why: typed.why })
}

/// How far back an audit is to look.
fn span(since: Option<&str>) -> Result<Span, BadOrder> {
    let bad = |problem: String| BadOrder { problem };
    let since = since.ok_or_else(|| bad("audit needs a since, for example \"48h\"".to_owned()))?;
    Span::parse(since).map_err(|error| bad(format!("since cannot be read: {error}")))
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
    fn orders_are_read_and_bad_ones_told_what_is_accepted() {
        let release =
            json!({"command": "release", "payment_id": "order-1", "who": "ada", "why": "card replaced"});
        let Ok(Wake::Order(order)) = Wake::of(&release) else { panic!("an order") };
        assert_eq!(order.command, Command::Release(PaymentId::new("order-1").unwrap()));
        let audit = json!({"command": "audit", "since": "48h", "who": "ada", "why": "month's end"});
        let Ok(Wake::Order(order)) = Wake::of(&audit) else { panic!("an order") };
        assert_eq!(order.command, Command::Audit(Span::parse("48h").unwrap()));
        assert_eq!(Wake::of(&json!({"command": "status"})).map(|wake| wake.name()), Ok("order"));
        let cases = [
            (json!({"command": "redrve", "who": "ada", "why": "x"}), "there is no such command"),
            (json!({"command": "redrive"}), "who gives the command, and why, is missing"),
            (json!({"command": "release", "who": "ada", "why": "x"}), "release needs a payment_id"),
            (json!({"command": "pause", "payment_id": "a", "who": "ada", "why": "x"}), "only release takes"),
            (json!({"command": "audit", "who": "ada", "why": "x"}), "audit needs a since, for example"),
            (
                json!({"command": "audit", "since": "2 weeks", "who": "ada", "why": "x"}),
                "since cannot be read: it is not a whole number with s, m, h or d behind it, from 1s to 400d",
            ),
            (json!({"command": "audit", "since": "48h"}), "who gives the command, and why, is missing"),
            (
                json!({"command": "pause", "since": "1h", "who": "ada", "why": "x"}),
                "only audit takes a since",
            ),
            (json!({"command": "pause", "whom": "ada"}), "the command cannot be read: unknown field `whom`"),
            (json!({"command": 5}), "the command cannot be read"),
        ];
        for (event, expected) in cases {
            let error = Wake::of(&event).expect_err(expected).to_string();
            assert!(error.starts_with(expected) && error.contains("accepted: {\"command\""), "{error}");
        }
    }
}
