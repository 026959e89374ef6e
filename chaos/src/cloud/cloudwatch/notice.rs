//! What a change of an alarm's state tells others: an event for EventBridge, and a message for each topic among its
//! actions.
//!
//! Invariant: every transition makes one event, whatever actions there are; a topic hears of a state it was named for.

use super::alarm::{AlarmState, Transition};
use super::reason::period_s;
use super::{letter, times};
use crate::cloud::config::{
    AlarmConfig, Measure, MetricName, MetricStat, MissingData, Query, Source, Statistic,
};
use crate::cloud::eventbridge::Entry;
use crate::cloud::iam::Principal;
use crate::cloud::names;
use crate::journal::StateValue;
use serde_json::{Value, json};

/// Longest subject SNS takes.
const SUBJECT_CHARS_MAX: usize = 99;

/// Something to be published to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// ARN of the topic.
    pub topic_arn: String,
    /// `Subject`.
    pub subject: String,
    /// What programs get: `default` of `Message`.
    pub document: String,
    /// What people get: `email` of it.
    pub letter: String,
}

impl Transition {
    /// The event on the default bus.
    #[must_use]
    pub fn event(&self) -> Entry {
        let mut configuration = json!({ "metrics": self.event_metrics() });
        if let Some(description) = &self.alarm.description {
            configuration["description"] = json!(description);
        }
        Entry {
            source: "aws.cloudwatch".to_owned(),
            detail_type: "CloudWatch Alarm State Change".to_owned(),
            resources: vec![self.alarm.arn()],
            detail: json!({
                "alarmName": self.alarm.name,
                "configuration": configuration,
                "previousState": event_state(&self.previous),
                "state": event_state(&self.state),
            }),
        }
    }

    /// Who publishes: CloudWatch, for the alarm.
    #[must_use]
    pub fn speaker(&self) -> Principal {
        Principal::Service { name: "cloudwatch.amazonaws.com", source: self.alarm.arn() }
    }

    /// What is published to the topics that the new state names.
    #[must_use]
    pub fn publications(&self) -> Vec<Publication> {
        let topics = match self.state.value {
            StateValue::Alarm => &self.alarm.actions.alarm,
            StateValue::Ok => &self.alarm.actions.ok,
            StateValue::InsufficientData => &self.alarm.actions.insufficient_data,
        };
        let publication = |topic: &String| Publication {
            topic_arn: topic.clone(),
            subject: self.subject(),
            document: self.document().to_string(),
            letter: letter::text(self),
        };
        topics.iter().map(publication).collect()
    }

    fn subject(&self) -> String {
        let subject = format!(
            "{}: \"{}\" in {}",
            self.state.value.name(),
            self.alarm.name,
            self.alarm.region.in_words()
        );
        subject.chars().take(SUBJECT_CHARS_MAX).collect()
    }

    fn document(&self) -> Value {
        let alarm = &*self.alarm;
        json!({
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "AWSAccountId": names::ACCOUNT,
            "AlarmConfigurationUpdatedTimestamp": times::precise(self.configured_at),
            "NewStateValue": self.state.value.name(),
            "NewStateReason": self.state.reason,
            "StateChangeTime": times::precise(self.state.since),
            "Region": alarm.region.in_words(),
            "AlarmArn": alarm.arn(),
            "OldStateValue": self.previous.value.name(),
            "OKActions": alarm.actions.ok,
            "AlarmActions": alarm.actions.alarm,
            "InsufficientDataActions": alarm.actions.insufficient_data,
            "Trigger": trigger(alarm),
        })
    }

    /// The metrics as the event has them; an alarm on one metric is shown with an id CloudWatch made up.
    fn event_metrics(&self) -> Vec<Value> {
        match &self.alarm.measure {
            Measure::Metric(stat) => {
                self.metric_ids.iter().map(|id| event_metric(id, stat, ReturnData::Yes)).collect()
            }
            Measure::Math { queries, returned } => {
                queries.iter().map(|query| event_query(query, ReturnData::of(query, returned))).collect()
            }
        }
    }
}

/// Whether an alarm looks at the values of a query.
#[derive(Clone, Copy)]
enum ReturnData {
    Yes,
    No,
}

impl ReturnData {
    fn of(query: &Query, returned: &str) -> Self {
        if query.id == returned { Self::Yes } else { Self::No }
    }

    fn json(self) -> Value {
        Value::Bool(matches!(self, Self::Yes))
    }
}

fn event_state(state: &AlarmState) -> Value {
    let mut event = json!({
        "value": state.value.name(),
        "reason": state.reason,
        "timestamp": times::precise(state.since),
    });
    if let Some(data) = &state.reason_data {
        event["reasonData"] = json!(data);
    }
    event
}

fn event_query(query: &Query, return_data: ReturnData) -> Value {
    let mut entry = match &query.source {
        Source::Metric(stat) => event_metric(&query.id, stat, return_data),
        Source::Expression(expression) => {
            json!({ "id": query.id, "expression": expression.text, "returnData": return_data.json() })
        }
    };
    if let Some(label) = &query.label {
        entry["label"] = json!(label);
    }
    entry
}

fn event_metric(id: &str, stat: &MetricStat, return_data: ReturnData) -> Value {
    let MetricName { namespace, name, dimensions } = &stat.metric;
    json!({
        "id": id,
        "metricStat": {
            "metric": { "namespace": namespace, "name": name, "dimensions": dimensions },
            "period": stat.period_s,
            "stat": stat.statistic.name(),
        },
        "returnData": return_data.json(),
    })
}

/// `Trigger` of the message to a topic.
fn trigger(alarm: &AlarmConfig) -> Value {
    let mut trigger = json!({
        "Period": period_s(&alarm.measure),
        "EvaluationPeriods": alarm.periods,
        "ComparisonOperator": alarm.comparison.name(),
        "Threshold": alarm.threshold.get(),
        "TreatMissingData": alarm.missing.name(),
        "EvaluateLowSampleCountPercentile": "",
    });
    if let Some(m) = alarm.breaches_min {
        trigger["DatapointsToAlarm"] = json!(m);
    }
    match &alarm.measure {
        Measure::Metric(stat) => {
            trigger["MetricName"] = json!(stat.metric.name);
            trigger["Namespace"] = json!(stat.metric.namespace);
            // A percentile is called as it is asked for, other statistics by their names in capitals.
            let name = stat.statistic.name();
            let (kind, name) = if matches!(stat.statistic, Statistic::Percentile(_)) {
                ("ExtendedStatistic", name)
            } else {
                ("Statistic", name.to_uppercase())
            };
            trigger["StatisticType"] = json!(kind);
            trigger[kind] = json!(name);
            trigger["Unit"] = Value::Null;
            trigger["Dimensions"] = message_dimensions(&stat.metric);
        }
        Measure::Math { queries, returned } => {
            let queries = queries.iter().map(|query| message_query(query, ReturnData::of(query, returned)));
            trigger["Metrics"] = queries.collect();
        }
    }
    trigger
}

fn message_query(query: &Query, return_data: ReturnData) -> Value {
    let mut entry = json!({ "Id": query.id, "ReturnData": return_data.json() });
    match &query.source {
        Source::Metric(stat) => {
            entry["MetricStat"] = json!({
                "Metric": {
                    "Dimensions": message_dimensions(&stat.metric),
                    "MetricName": stat.metric.name,
                    "Namespace": stat.metric.namespace,
                },
                "Period": stat.period_s,
                "Stat": stat.statistic.name(),
            });
        }
        Source::Expression(expression) => entry["Expression"] = json!(expression.text),
    }
    if let Some(label) = &query.label {
        entry["Label"] = json!(label);
    }
    entry
}

fn message_dimensions(metric: &MetricName) -> Value {
    metric.dimensions.iter().map(|(name, value)| json!({ "value": value, "name": name })).collect()
}

impl MissingData {
    /// As AWS writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ignore => "ignore",
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
        }
    }
}
