//! An alarm for tests, and the minutes it is looked at.
//!
//! Invariant: it breaches above 1, and missing data is missing.

use crate::cloud::config::{
    AlarmActions, AlarmConfig, Comparison, Finite, Measure, MetricName, MetricStat, MissingData, Statistic,
};
use crate::cloud::fixtures::START;
use crate::cloud::names::Region;
use payments::UnixMs;
use std::collections::BTreeMap;

/// `minutes` after 16:35.
pub(crate) fn minute(minutes: i64) -> UnixMs {
    START.plus_ms(60_000 * minutes)
}

pub(crate) fn number(value: f64) -> Finite {
    Finite::new(value).unwrap()
}

/// A metric of the dead-letter queue.
pub(crate) fn of_dead(name: &str) -> MetricStat {
    let dimensions = BTreeMap::from([("QueueName".to_owned(), "dead".to_owned())]);
    let metric = MetricName { namespace: "AWS/SQS".to_owned(), name: name.to_owned(), dimensions };
    MetricStat { metric, statistic: Statistic::Maximum, period_s: 60 }
}

/// `waiting`: more than one visible dead letter, one minute of one.
pub(crate) fn alarm() -> AlarmConfig {
    AlarmConfig {
        name: "waiting".to_owned(),
        region: Region::Home,
        description: Some("Payments wait.".to_owned()),
        measure: Measure::Metric(of_dead("ApproximateNumberOfMessagesVisible")),
        periods: 1,
        breaches_min: None,
        comparison: Comparison::GreaterThanThreshold,
        threshold: number(1.0),
        missing: MissingData::Missing,
        warm_up_min: None,
        actions: AlarmActions::default(),
        actions_enabled: true,
    }
}
