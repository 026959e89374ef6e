//! CloudWatch as the AWS CLI asks it, in JSON 1.0.
//!
//! Invariant: what it knows it knows from the embedded CloudWatch, which speaks CBOR; here it is only said in JSON.

use super::{Outside, json_of};
use crate::cloud::config::{self, MetricName, MetricStat};
use crate::cloud::reply::Reply;
use payments::UnixMs;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Outside {
    pub(super) fn cloudwatch(&self, operation: &str, body: &[u8]) -> Reply {
        let asked = json_of(body);
        match operation {
            "EnableAlarmActions" | "DisableAlarmActions" => {
                let names = asked["AlarmNames"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let mut cloudwatch = self.services.cloudwatch();
                for name in names {
                    if operation == "EnableAlarmActions" {
                        cloudwatch.enable_actions(name);
                    } else {
                        cloudwatch.disable_actions(name);
                    }
                }
                Reply::ok(&Value::Object(serde_json::Map::new()))
            }
            "GetMetricStatistics" => self.statistics(&asked),
            _ => in_json(&self.services.cloudwatch().answer(operation, &in_cbor(&asked))),
        }
    }
}

impl Outside {
    /// Each period that holds a point, with every statistic that was asked for.
    fn statistics(&self, asked: &Value) -> Reply {
        let read = serde_json::from_value::<Statistics>(asked.clone());
        let asked = match read.map_err(|error| error.to_string()).and_then(Statistics::checked) {
            Ok(asked) => asked,
            Err(said) => {
                let reply = Reply::error(400, "InvalidParameterValueException", &said);
                return reply.with_header("x-amzn-query-error", "InvalidParameterValue;Sender".to_owned());
            }
        };
        let dimensions = asked.dimensions.into_iter().map(|it| (it.name, it.value)).collect();
        let metric = MetricName { namespace: asked.namespace, name: asked.metric_name.clone(), dimensions };
        let (from, to) = (UnixMs(ms(asked.start_time)), UnixMs(ms(asked.end_time)));
        let mut points: BTreeMap<UnixMs, Value> = BTreeMap::new();
        for Statistic(name, statistic) in asked.statistics {
            let stat = MetricStat { metric: metric.clone(), statistic, period_s: asked.period };
            for (at, value) in self.services.cloudwatch().statistics(&stat, from, to) {
                let point =
                    points.entry(at).or_insert_with(|| json!({ "Timestamp": at.0 / 1000, "Unit": "None" }));
                point[name] = value.into();
            }
        }
        let points: Vec<Value> = points.into_values().collect();
        Reply::ok(&json!({ "Label": asked.metric_name, "Datapoints": points }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: f64,
    end_time: f64,
    period: u32,
    statistics: Vec<Statistic>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

/// A statistic under its name.
struct Statistic(&'static str, config::Statistic);

impl Statistics {
    /// CloudWatch takes whole minutes, and answers with so many points at most.
    fn checked(self) -> Result<Self, String> {
        let periods = (self.end_time - self.start_time) / f64::from(self.period.max(1));
        if self.period == 0 || !self.period.is_multiple_of(60) {
            return Err(format!("The parameter Period is {}; accepted: a multiple of 60", self.period));
        }
        if !(0.0..=POINTS_MAX).contains(&periods) {
            return Err(format!("{periods:.0} points were asked for; accepted: 0 to {POINTS_MAX}"));
        }
        Ok(self)
    }
}

const POINTS_MAX: f64 = 1440.0;

impl<'de> Deserialize<'de> for Statistic {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let known = [
            Self("SampleCount", config::Statistic::SampleCount),
            Self("Average", config::Statistic::Average),
            Self("Sum", config::Statistic::Sum),
            Self("Minimum", config::Statistic::Minimum),
            Self("Maximum", config::Statistic::Maximum),
        ];
        let name = String::deserialize(from)?;
        let accepted = "accepted: SampleCount, Average, Sum, Minimum, Maximum";
        let found = known.into_iter().find(|Self(known, _)| *known == name);
        found.ok_or_else(|| D::Error::custom(format!("statistic {name}; {accepted}")))
    }
}

/// Seconds, as JSON carries an instant, in ms.
#[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and no instant is that far away")]
fn ms(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

fn in_cbor(asked: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    // A vector takes whatever is written.
    let _ = ciborium::into_writer(asked, &mut body);
    body
}

fn in_json(reply: &Reply) -> Reply {
    let said: Value = ciborium::from_reader(reply.body.as_slice()).unwrap_or_default();
    let json = Reply::json(reply.status, &said);
    match said["__type"].as_str() {
        // The code of the query protocol, by which clients of that age know an error.
        Some(kind) => json.with_header("x-amzn-query-error", format!("{kind};Sender")),
        None => json,
    }
}
