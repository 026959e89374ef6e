//! What watches over an edge: the metrics that are paid for, and what a firewall would be.
//!
//! Invariant: no alarm looks at a metric that CloudFront would not publish.

use super::super::document::Resource;
use super::super::error::{Problem, TemplateError, listed};
use super::super::resolve::Scope;
use super::super::types::{Role, with_role};
use super::super::value::Value;
use super::{Part, of_part};
use crate::cloud::cloudwatch::{CLOUDFRONT, ORIGIN_LATENCY};
use crate::cloud::config::{AlarmConfig, Measure, MetricName, Source};
use std::collections::{BTreeMap, BTreeSet};

impl Scope<'_> {
    /// Refuses a firewall, and an alarm on a metric that nobody has asked CloudFront for.
    pub(in crate::template) fn check_watch(
        &self,
        resources: &[(&Resource, Value)],
        alarms: &BTreeMap<String, AlarmConfig>,
    ) -> Result<(), TemplateError> {
        if let Some((_, firewall)) = of_part(resources, Part::Firewall).next() {
            return Err(firewall.unsupported("a firewall", "an edge without one"));
        }
        let measured = of_part(resources, Part::MoreMetrics).map(|(_, properties)| more_metrics(properties));
        let measured = measured.collect::<Result<BTreeSet<_>, _>>()?;
        for (resource, properties) in with_role(resources, Role::Alarm) {
            let metrics = alarms.get(&resource.logical_id).into_iter().flat_map(metrics);
            let paid = metrics.filter(|it| it.namespace == CLOUDFRONT && it.name == ORIGIN_LATENCY);
            for distribution in paid.filter_map(|metric| metric.dimensions.get("DistributionId")) {
                if !measured.contains(distribution) {
                    let (path, known) = (properties.path.clone(), measured.iter().map(String::as_str));
                    let what = format!("{ORIGIN_LATENCY} of {distribution}");
                    let accepted = format!("distributions with a MonitoringSubscription: {}", listed(known));
                    return Err(properties.at().problem(Problem::Unknown { path, what, accepted }));
                }
            }
        }
        Ok(())
    }
}

fn metrics(alarm: &AlarmConfig) -> Vec<&MetricName> {
    match &alarm.measure {
        Measure::Metric(stat) => vec![&stat.metric],
        Measure::Math { queries, .. } => queries
            .iter()
            .filter_map(|query| match &query.source {
                Source::Metric(stat) => Some(&stat.metric),
                Source::Expression(_) => None,
            })
            .collect(),
    }
}

/// The distribution whose additional metrics are asked for.
fn more_metrics(properties: &Value) -> Result<String, TemplateError> {
    let fields = properties.fields(&["DistributionId", "MonitoringSubscription"], &[])?;
    let subscription = fields.require("MonitoringSubscription", "what is asked for")?;
    let subscription = subscription.fields(&["RealtimeMetricsSubscriptionConfig"], &[])?;
    let config = subscription.require("RealtimeMetricsSubscriptionConfig", "Enabled")?;
    let config = config.fields(&["RealtimeMetricsSubscriptionStatus"], &[])?;
    config.require("RealtimeMetricsSubscriptionStatus", "Enabled")?.one_of(&["Enabled"])?;
    fields.require("DistributionId", "the id of a distribution")?.text()
}
