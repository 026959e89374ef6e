//! What the mail about an alarm says: CloudWatch publishes a document for programs and a text for people, and SNS mails
//! the text.
//!
//! Source: the history of a real alarm holds what was published, by protocol,
//! <https://github.com/aws/aws-sdk-java/issues/1723>; mails of today say beside it for how many of the last periods.
//! Invariant: nothing is said that the transition does not hold.

use super::alarm::Transition;
use super::reason::period_s;
use super::times;
use crate::cloud::config::{AlarmConfig, Measure, MetricStat, Query, Source};
use crate::cloud::names;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write as _;

/// What the console leaves as it is in the address of an alarm.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The text of the mail about a transition.
pub(super) fn text(transition: &Transition) -> String {
    let Transition { alarm, previous, state, .. } = transition;
    let (name, region, code) = (&alarm.name, alarm.region.in_words(), alarm.region.code());
    let (to, reason, at) = (state.value.name(), &state.reason, times::in_words(state.since));
    let mut out = format!(
        "You are receiving this email because your Amazon CloudWatch Alarm \"{name}\" in the {region} region has \
         entered the {to} state, because \"{reason}\" at \"{at}\".\n\n\
         View this alarm in the AWS Management Console:\n\
         https://{code}.console.aws.amazon.com/cloudwatch/deeplink.js?region={code}#alarmsV2:alarm/{}\n\n",
        utf8_percent_encode(name, KEPT)
    );
    let arn = alarm.arn();
    let rows = [
        ("Name", name.as_str()),
        ("Description", alarm.description.as_deref().unwrap_or_default()),
        ("State Change", &format!("{} -> {to}", previous.value.name())),
        ("Reason for State Change", reason),
        ("Timestamp", &at),
        ("AWS Account", names::ACCOUNT),
        ("Alarm Arn", &arn),
    ];
    section(&mut out, "Alarm Details", &rows, 28);
    out.push_str(&threshold(alarm));
    match &alarm.measure {
        Measure::Metric(stat) => metric(&mut out, alarm, stat),
        Measure::Math { queries, returned } => metrics(&mut out, queries, returned),
    }
    let actions = &alarm.actions;
    let _ = write!(
        out,
        "\nState Change Actions:\n- OK: {}\n- ALARM: {}\n- INSUFFICIENT_DATA: {}\n",
        listed(&actions.ok),
        listed(&actions.alarm),
        listed(&actions.insufficient_data)
    );
    out
}

fn threshold(alarm: &AlarmConfig) -> String {
    let (comparison, threshold) = (alarm.comparison.name(), alarm.threshold.get());
    let (periods, period_s) = (alarm.periods, period_s(&alarm.measure));
    let breaches = alarm.breaches_min.unwrap_or(periods);
    format!(
        "\nThreshold:\n- The alarm is in the ALARM state when the metric is {comparison} {threshold:?} for at least \
         {breaches} of the last {periods} period(s) of {period_s} seconds. \n"
    )
}

fn metric(out: &mut String, alarm: &AlarmConfig, stat: &MetricStat) {
    let dimensions = stat.metric.dimensions.iter().map(|(name, value)| format!("[{name} = {value}]"));
    let rows = [
        ("MetricNamespace", stat.metric.namespace.as_str()),
        ("MetricName", &stat.metric.name),
        ("Dimensions", &dimensions.collect::<Vec<_>>().join(", ")),
        ("Period", &format!("{} seconds", stat.period_s)),
        ("Statistic", &stat.statistic.name()),
        ("Unit", "not specified"),
        ("TreatMissingData", alarm.missing.name()),
    ];
    out.push('\n');
    section(out, "Monitored Metric", &rows, 37);
    out.push('\n');
}

/// Of an alarm on several metrics the mail shows the one expression that counts.
fn metrics(out: &mut String, queries: &[Query], returned: &str) {
    let Some(query) = queries.iter().find(|query| query.id == returned) else { return };
    let mut rows = Vec::new();
    match &query.source {
        Source::Expression(expression) => rows.push(("MetricExpression", expression.text.as_str())),
        Source::Metric(_) => {}
    }
    rows.extend(query.label.as_deref().map(|label| ("MetricLabel", label)));
    out.push('\n');
    section(out, "Monitored Metrics", &rows, 28);
}

/// A heading, and a row for each fact, the facts below each other.
fn section(out: &mut String, heading: &str, rows: &[(&str, &str)], width: usize) {
    let _ = writeln!(out, "{heading}:");
    for (name, value) in rows {
        let _ = writeln!(out, "- {:<width$}{value}", format!("{name}:"));
    }
}

fn listed(topics: &[String]) -> String {
    if topics.is_empty() { String::new() } else { format!("[{}]", topics.join(", ")) }
}
