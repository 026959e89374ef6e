//! What watches over the edge: what its template means, and what of such a template is refused.

use super::assembled;
use crate::cloud::names::Region;
use crate::template::{Deployment, Stack};
use std::path::Path;

fn text() -> String {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../edge/watch.yaml"));
    std::fs::read_to_string(path).expect("the edge is watched over")
}

fn watch(text: &str, region: &str, parameters: &[(&str, &str)]) -> Result<Stack, String> {
    let given = [("DistributionId", "E0123456789"), ("AlertEmail", "on-call@example.com")];
    let given = given.iter().chain(parameters).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let deployment = Deployment {
        stack_name: "payments-edge-watch".to_owned(),
        region: region.to_owned(),
        parameters: given.collect(),
        ..Deployment::default()
    };
    assembled(&[("template.yaml", text)], &deployment)
}

/// What is said of the shipped template, in which one thing is another.
fn changed(this: &str, that: &str) -> String {
    let text = text();
    assert!(text.contains(this), "{this}");
    let said = watch(&text.replace(this, that), Region::UsEast1.code(), &[]);
    said.expect_err(&format!("{that:?} must be refused"))
}

#[test]
fn the_shipped_watch_means_this() {
    let stack = watch(&text(), Region::UsEast1.code(), &[]).unwrap_or_else(|error| panic!("{error}"));
    insta::assert_debug_snapshot!((&stack.alarms, &stack.topics, &stack.inert));
}

#[test]
fn what_watches_over_cloudfront_stands_in_us_east_1() {
    insta::assert_snapshot!(
        watch(&self::text(), Region::Home.code(), &[]).expect_err("nothing is measured there")
    );
    let text = text();
    let (before, rules) = text.split_once("Rules:\n").expect("it has rules");
    let (_, after) = rules.split_once("Conditions:\n").expect("it has conditions");
    let no_rule = format!("{before}Conditions:\n{after}");
    insta::assert_snapshot!(watch(&no_rule, Region::Home.code(), &[]).expect_err("nor by another way"));
    insta::assert_snapshot!(watch(&no_rule, "eu-north-1", &[]).expect_err("a third region"));
}

#[test]
fn a_firewall_is_more_than_the_world_can_honour() {
    insta::assert_snapshot!(
        watch(&text(), Region::UsEast1.code(), &[("Firewall", "on")]).expect_err("there is none here")
    );
}

#[test]
fn an_alarm_that_nothing_would_ever_change_is_refused() {
    let changes = [
        ("MetricName: 5xxErrorRate", "MetricName: CacheHitRate"),
        ("{ Name: Region, Value: Global }", "{ Name: Region, Value: us-east-1 }"),
        ("        - { Name: Region, Value: Global }\n", ""),
        ("ExtendedStatistic: p90", "ExtendedStatistic: p101"),
        ("ExtendedStatistic: p90", "ExtendedStatistic: p99.99"),
        ("ExtendedStatistic: p90", "ExtendedStatistic: tm90"),
        ("ExtendedStatistic: p90", "ExtendedStatistic: p90\n      Statistic: Average"),
        ("      ExtendedStatistic: p90\n", ""),
        ("      Statistic: Average\n", "      ExtendedStatistic: p90\n"),
        ("RealtimeMetricsSubscriptionStatus: Enabled", "RealtimeMetricsSubscriptionStatus: Disabled"),
        ("      DistributionId: !Ref DistributionId\n", "      DistributionId: EANOTHER00\n"),
        (
            "AlarmActions: [!Ref Alerts]",
            "AlarmActions: ['arn:aws:sns:eu-central-1:123456789012:payments-alerts']",
        ),
        (
            "Namespace: AWS/CloudFront\n      MetricName: 5xxErrorRate",
            "Namespace: AWS/SQS\n      MetricName: NumberOfMessagesSent",
        ),
    ];
    let line = |(this, that): (&str, &str)| {
        let short = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{} -> {}\n    {}\n", short(this), short(that), changed(this, that))
    };
    insta::assert_snapshot!(changes.map(line).concat());
}
