//! The embedded metric format: metrics in the lines a function writes.
//!
//! CloudWatch takes what it understands and is silent about the rest, and so is this.
//! Invariant: a line never fails anybody.

use super::metric::{Point, Samples};
use crate::clock::Clock;
use crate::cloud::config::MetricName;
use crate::cloud::services::Services;
use crate::journal::{FunctionEvent, Journal, MetricLine};
use payments::UnixMs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// Whether anybody hears what a function writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    CloudWatch,
    Nobody,
}

/// A function's standard output, as far as metrics go: each line is journaled and handed to CloudWatch.
#[derive(Clone, Debug)]
pub struct MetricLines {
    /// The account's CloudWatch.
    services: Services,
    journal: Journal,
    clock: Clock,
    audience: Audience,
    /// What was written of a line that has not ended: a line may come in pieces.
    unfinished: Vec<u8>,
    /// What the line before declared.
    declared: Option<Arc<Value>>,
}

impl MetricLines {
    /// Standard output of a function whose metrics go to `services`.
    #[must_use]
    pub fn new(services: Services, journal: Journal) -> Self {
        let clock = *services.clock();
        Self {
            services,
            journal,
            clock,
            audience: Audience::CloudWatch,
            unfinished: Vec::new(),
            declared: None,
        }
    }

    /// The same, of a function whose lines Lambda may not write down.
    #[must_use]
    pub fn unheard(self) -> Self {
        Self { audience: Audience::Nobody, ..self }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.unfinished);
        if self.audience == Audience::Nobody {
            return;
        }
        let Ok(line) = serde_json::from_slice::<Value>(&line) else { return };
        let now = self.clock.now();
        self.services.cloudwatch().log(&line, now);
        let line = MetricLine::of(line, &mut self.declared);
        self.journal.record(now, FunctionEvent::Metrics { line });
    }
}

impl Write for MetricLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' {
                self.end_line();
            } else {
                self.unfinished.push(*byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every point in a line: one for each metric and set of dimensions.
pub(super) fn points(line: &Value) -> Vec<Point> {
    let Some(at) = line["_aws"]["Timestamp"].as_i64().map(UnixMs) else { return Vec::new() };
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten();
    directives.flat_map(|directive| of_directive(directive, line, at)).collect()
}

fn of_directive(directive: &Value, line: &Value, at: UnixMs) -> Vec<Point> {
    let Some(namespace) = directive["Namespace"].as_str() else { return Vec::new() };
    let sets = directive["Dimensions"].as_array().into_iter().flatten();
    let sets: Vec<_> = sets.filter_map(|set| dimensions(set, line)).collect();
    let metrics = directive["Metrics"].as_array().into_iter().flatten();
    let named = metrics.filter_map(|metric| metric["Name"].as_str());
    let measured = named.filter_map(|name| Some((name, samples(line.get(name)?)?)));
    let point = |(name, samples): (&str, Samples)| {
        let metric = |dimensions: &BTreeMap<String, String>| MetricName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.clone(),
        };
        sets.iter().map(|set| Point { metric: metric(set), at, samples: samples.clone() }).collect::<Vec<_>>()
    };
    measured.flat_map(point).collect()
}

/// A set of dimensions; `None` when the line lacks one of their values.
fn dimensions(set: &Value, line: &Value) -> Option<BTreeMap<String, String>> {
    let keys = set.as_array()?.iter().map(Value::as_str);
    keys.map(|key| key.and_then(|key| Some((key.to_owned(), line.get(key)?.as_str()?.to_owned())))).collect()
}

/// A number, a list of numbers, or values with the number of times each occurred.
fn samples(value: &Value) -> Option<Samples> {
    let all = |values: &Value, counts: Option<&Value>| {
        let values = values.as_array()?.iter().enumerate();
        let samples = values.map(|(at, value)| {
            let count = counts.map_or(Some(1.0), |counts| counts.get(at)?.as_f64());
            Some(Samples::times(value.as_f64()?, count?))
        });
        samples.collect::<Option<Vec<_>>>()?.into_iter().reduce(Samples::and)
    };
    match value {
        Value::Number(number) => number.as_f64().map(Samples::one),
        Value::Array(_) => all(value, None),
        Value::Object(set) => all(set.get("Values")?, set.get("Counts")),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::config::Statistic;
    use serde_json::json;

    fn line(dimensions: &Value, fields: &[(&str, Value)]) -> Value {
        let names: Vec<Value> = fields.iter().map(|(name, _)| json!({ "Name": name })).collect();
        let directive = json!({ "Namespace": "payments", "Dimensions": dimensions, "Metrics": names });
        let mut line =
            json!({ "_aws": { "CloudWatchMetrics": [directive], "Timestamp": 61_000 }, "queue": "a" });
        for (name, value) in fields {
            line[*name] = value.clone();
        }
        line
    }

    fn read(line: &Value) -> Vec<(String, Vec<String>, [f64; 2])> {
        let seen = |point: Point| {
            let values = [Statistic::Sum, Statistic::SampleCount];
            let values = values.map(|it| point.samples.statistic(it).expect("sums are known"));
            (point.metric.name, point.metric.dimensions.into_values().collect(), values)
        };
        points(line).into_iter().map(seen).collect()
    }

    #[test]
    fn every_metric_of_a_line_is_a_point_at_the_lines_own_time() {
        let line = line(&json!([[]]), &[("StripeCalls", json!(4)), ("StripeFailures", json!(0))]);
        assert_eq!(
            read(&line),
            [
                ("StripeCalls".to_owned(), vec![], [4.0, 1.0]),
                ("StripeFailures".to_owned(), vec![], [0.0, 1.0])
            ]
        );
        assert!(points(&line).iter().all(|point| point.at == UnixMs(61_000)));
        assert!(points(&line).iter().all(|point| point.metric.namespace == "payments"));
    }

    #[test]
    fn every_set_of_dimensions_is_a_metric_of_its_own() {
        let line = line(&json!([[], ["queue"]]), &[("Sent", json!(2))]);
        let sets: Vec<Vec<String>> = read(&line).into_iter().map(|(_, set, _)| set).collect();
        assert_eq!(sets, [vec![], vec!["a".to_owned()]]);
    }

    #[test]
    fn lists_and_counted_values_are_many_samples() {
        let counted = json!({ "Values": [10, 20], "Counts": [3, 1] });
        let line = line(&json!([[]]), &[("List", json!([1, 2, 3])), ("Counted", counted)]);
        let samples: Vec<[f64; 2]> = read(&line).into_iter().map(|(_, _, samples)| samples).collect();
        assert_eq!(samples, [[6.0, 3.0], [50.0, 4.0]]);
    }

    #[test]
    fn what_cannot_be_read_is_left_out_in_silence() {
        assert!(points(&json!({ "level": "INFO" })).is_empty());
        assert!(read(&line(&json!([["missing"]]), &[("Sent", json!(1))])).is_empty());
        let named = line(&json!([[]]), &[("Sent", json!("one")), ("Left", json!(1))]);
        assert_eq!(read(&named).len(), 1);
    }
}
