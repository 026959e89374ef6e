//! `AWS::CloudWatch::Alarm`, on one metric or on an expression over several.
//!
//! Invariant: what an alarm looks at is spelled out: every id of an expression is one of the alarm's own metrics, and
//! exactly one of them counts.

use super::error::{TemplateError, listed};
use super::types::ALARM_IMMATERIAL;
use super::value::{Fields, Value};
use crate::cloud::cloudwatch::{
    CLOUDFRONT, Expression, ExpressionError, FUNCTIONS, GLOBAL, MEASURED, ORIGIN_LATENCY,
};
use crate::cloud::config::{
    AlarmActions, AlarmConfig, Comparison, Measure, MetricName, MetricStat, MissingData, Query, Source,
    Statistic,
};
use crate::cloud::names::Region;
use std::collections::{BTreeMap, BTreeSet};

const HONOURED: &[&str] = &[
    "AlarmName",
    "AlarmDescription",
    "Namespace",
    "MetricName",
    "Dimensions",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Metrics",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "ComparisonOperator",
    "Threshold",
    "TreatMissingData",
    "WarmUpConfiguration",
    "AlarmActions",
    "OKActions",
    "InsufficientDataActions",
    "ActionsEnabled",
];
/// Properties of an alarm on one metric, which one with `Metrics` may not have.
const OF_ONE_METRIC: &[&str] =
    &["Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period"];
const QUERY_HONOURED: &[&str] = &["Id", "Label", "MetricStat", "Expression", "ReturnData"];
/// Metrics and expressions one alarm may have.
const QUERIES_MAX: usize = 10;
/// Longest a standard alarm may look back, seconds; with periods of an hour and more CloudWatch allows a week, but
/// then evaluates by the hour.
const RANGE_S_MAX: u32 = 86_400;
const MINUTE_S: u32 = 60;
/// Longest warm-up of an alarm, minutes.
const WARM_UP_MIN_MAX: u32 = 2_880;

const STATISTICS: &[(&str, Statistic)] = &[
    ("SampleCount", Statistic::SampleCount),
    ("Average", Statistic::Average),
    ("Sum", Statistic::Sum),
    ("Minimum", Statistic::Minimum),
    ("Maximum", Statistic::Maximum),
];

const COMPARISONS: &[(&str, Comparison)] = &[
    ("GreaterThanOrEqualToThreshold", Comparison::GreaterThanOrEqualToThreshold),
    ("GreaterThanThreshold", Comparison::GreaterThanThreshold),
    ("LessThanThreshold", Comparison::LessThanThreshold),
    ("LessThanOrEqualToThreshold", Comparison::LessThanOrEqualToThreshold),
];

const TREATMENTS: &[(&str, MissingData)] = &[
    ("missing", MissingData::Missing),
    ("ignore", MissingData::Ignore),
    ("breaching", MissingData::Breaching),
    ("notBreaching", MissingData::NotBreaching),
];

const SWITCH: &[(&str, bool)] = &[("true", true), ("false", false)];

/// Builds the alarm called `name`, in this region.
pub(super) fn alarm(name: String, region: Region, properties: &Value) -> Result<AlarmConfig, TemplateError> {
    let fields = properties.fields(HONOURED, ALARM_IMMATERIAL)?;
    let measure = match fields.get("Metrics") {
        Some(metrics) => math(metrics, &fields, region)?,
        None => Measure::Metric(stat(&fields, &fields, "Statistic", region)?),
    };
    let periods_max = RANGE_S_MAX / period_s(&measure);
    let periods = fields.require("EvaluationPeriods", "a number of periods")?.number(1..=periods_max)?;
    Ok(AlarmConfig {
        name,
        region,
        description: fields.get("AlarmDescription").map(Value::text).transpose()?,
        measure,
        periods,
        breaches_min: fields.get("DatapointsToAlarm").map(|value| value.number(1..=periods)).transpose()?,
        comparison: fields.require("ComparisonOperator", "an operator")?.word_of(COMPARISONS)?,
        threshold: fields.require("Threshold", "a number")?.real()?,
        missing: fields
            .get("TreatMissingData")
            .map_or(Ok(MissingData::Missing), |value| value.word_of(TREATMENTS))?,
        warm_up_min: fields.get("WarmUpConfiguration").map(warm_up_min).transpose()?,
        actions: AlarmActions {
            alarm: topics(fields.get("AlarmActions"), region)?,
            ok: topics(fields.get("OKActions"), region)?,
            insufficient_data: topics(fields.get("InsufficientDataActions"), region)?,
        },
        actions_enabled: fields.get("ActionsEnabled").map_or(Ok(true), |value| value.word_of(SWITCH))?,
    })
}

/// Minutes of a warm-up. One that ends as soon as there is enough data would leave open when that is.
fn warm_up_min(warm_up: &Value) -> Result<u32, TemplateError> {
    let (minutes, to_its_end) = ("WarmUpPeriodDurationInMinutes", "OnlyStartEvaluatingAfterWarmUpPeriodEnds");
    let fields = warm_up.fields(&[minutes, to_its_end], &[])?;
    fields.require(to_its_end, "true")?.one_of(&["true"])?;
    fields.require(minutes, "a number of minutes")?.number(1..=WARM_UP_MIN_MAX)
}

/// A metric and how it is summed up; `metric` holds what names it, `how` the rest.
fn stat(
    metric: &Fields<'_>,
    how: &Fields<'_>,
    statistic: &str,
    region: Region,
) -> Result<MetricStat, TemplateError> {
    let period = how.require("Period", "a multiple of 60 seconds")?;
    let period_s = period.number(MINUTE_S..=RANGE_S_MAX)?;
    if period_s % MINUTE_S != 0 {
        return Err(period.is_not("a multiple of 60 seconds"));
    }
    let value = metric.require("MetricName", "the name of a metric")?;
    let name = MetricName {
        namespace: metric.require("Namespace", "a namespace")?.text()?,
        name: value.text()?,
        dimensions: metric.get("Dimensions").map_or(Ok(BTreeMap::new()), dimensions)?,
    };
    check_measured(&name, value, region)?;
    let statistic = match (how.get(statistic), how.get("ExtendedStatistic")) {
        (Some(_), Some(extended)) => {
            return Err(extended.is("beside Statistic".to_owned(), "Statistic or ExtendedStatistic"));
        }
        (None, Some(extended)) => percentile(extended, &name)?,
        (_, None) => how.require(statistic, &words(STATISTICS))?.word_of(STATISTICS)?,
    };
    Ok(MetricStat { metric: name, statistic, period_s })
}

/// `p90` and its like. Of other metrics only the sums of a minute are kept.
fn percentile(value: &Value, metric: &MetricName) -> Result<Statistic, TemplateError> {
    if metric.namespace != CLOUDFRONT || metric.name != ORIGIN_LATENCY {
        let what = format!("percentiles of {}", metric.name);
        return Err(value.unsupported(what, format!("percentiles of {CLOUDFRONT} {ORIGIN_LATENCY}")));
    }
    let text = value.text()?;
    let per_mille = text.strip_prefix('p').and_then(|number| {
        let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
        let (whole, tenth): (u16, u16) =
            (whole.parse().ok()?, (tenth.len() == 1).then(|| tenth.parse().ok())??);
        whole.checked_mul(10)?.checked_add(tenth).filter(|per_mille| (1..=1000).contains(per_mille))
    });
    per_mille.map(Statistic::Percentile).ok_or_else(|| value.is_not("p0.1 to p100, with at most one decimal"))
}

/// Refuses a metric that is never measured here, or not where the alarm is: its alarm would never change.
fn check_measured(metric: &MetricName, at: &Value, region: Region) -> Result<(), TemplateError> {
    let measured_in = if metric.namespace == CLOUDFRONT { Region::UsEast1 } else { Region::Home };
    if region != measured_in {
        let found = format!("{} in {}", metric.name, region.code());
        return Err(at.is(found, &format!("an alarm in {}, where it is measured", measured_in.code())));
    }
    if !metric.namespace.starts_with("AWS/") {
        return Ok(());
    }
    let known = MEASURED.iter().find(|(namespace, ..)| *namespace == metric.namespace);
    let Some((_, wanted, names)) = known else {
        let accepted = listed(MEASURED.iter().map(|(namespace, ..)| *namespace));
        return Err(at.unsupported(format!("metrics in {}", metric.namespace), accepted));
    };
    if !names.contains(&metric.name.as_str()) {
        return Err(at.is_not(&listed(names.iter().copied())));
    }
    let dimensions: Vec<&str> = metric.dimensions.keys().map(String::as_str).collect();
    if dimensions != *wanted {
        let found = format!("{} by {}", metric.name, listed(dimensions));
        return Err(at.is(found, &format!("{} by {}", metric.name, listed(wanted.iter().copied()))));
    }
    match metric.dimensions.get("Region") {
        Some(place) if place != GLOBAL => Err(at.is(format!("of the region {place}"), GLOBAL)),
        Some(_) | None => Ok(()),
    }
}

fn dimensions(list: &Value) -> Result<BTreeMap<String, String>, TemplateError> {
    let dimension = |value: &Value| {
        let fields = value.fields(&["Name", "Value"], &[])?;
        Ok((fields.require("Name", "a name")?.text()?, fields.require("Value", "a value")?.text()?))
    };
    list.list()?.iter().map(dimension).collect()
}

fn math(metrics: &Value, alarm: &Fields<'_>, region: Region) -> Result<Measure, TemplateError> {
    if let Some(value) = OF_ONE_METRIC.iter().find_map(|property| alarm.get(property)) {
        return Err(value.is("beside Metrics".to_owned(), "either Metrics or the properties of one metric"));
    }
    let list = metrics.list()?;
    if list.is_empty() || list.len() > QUERIES_MAX {
        return Err(metrics.is(format!("{} entries", list.len()), "1 to 10 metrics and expressions"));
    }
    let mut queries = Vec::new();
    let mut returned = Vec::new();
    for value in list {
        let fields = value.fields(QUERY_HONOURED, &[])?;
        let query = query(value, &fields, region)?;
        if fields.get("ReturnData").map_or(Ok(true), Value::truth)? {
            returned.push(query.id.clone());
        }
        queries.push(query);
    }
    let [returned] = returned.as_slice() else {
        let found = format!("{} entries with ReturnData", returned.len());
        return Err(metrics.is(found, "exactly one; ReturnData is true unless it says false"));
    };
    check_ids(metrics, &queries)?;
    check_period(metrics, &queries)?;
    Ok(Measure::Math { returned: returned.clone(), queries })
}

fn query(value: &Value, fields: &Fields<'_>, region: Region) -> Result<Query, TemplateError> {
    let source = match (fields.get("MetricStat"), fields.get("Expression")) {
        (Some(how), None) => {
            let how = how.fields(&["Metric", "Period", "Stat"], &[("Unit", "samples have none")])?;
            let metric = how.require("Metric", "a metric")?;
            let metric = metric.fields(&["Namespace", "MetricName", "Dimensions"], &[])?;
            Source::Metric(stat(&metric, &how, "Stat", region)?)
        }
        (None, Some(text)) => Source::Expression(expression(text)?),
        _ => return Err(value.is("no entry".to_owned(), "either MetricStat or Expression")),
    };
    let label = fields.get("Label").map(Value::text).transpose()?;
    Ok(Query { id: fields.require("Id", "an id")?.text()?, label, source })
}

fn expression(value: &Value) -> Result<Expression, TemplateError> {
    let text = value.text()?;
    Expression::parse(&text).map_err(|error| match error {
        ExpressionError::Unsupported(what) => {
            let accepted = format!("ids, numbers, + - * /, comparisons, AND, OR, {FUNCTIONS}");
            value.unsupported(what, accepted)
        }
        malformed @ ExpressionError::Malformed { .. } => {
            value.is(format!("{text:?}: {malformed}"), "an expression of metric math")
        }
    })
}

/// Every id is there once, and no expression needs itself, by whatever detour.
fn check_ids(metrics: &Value, queries: &[Query]) -> Result<(), TemplateError> {
    let ids: BTreeSet<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    if ids.len() != queries.len() {
        return Err(metrics.is("two entries of one id".to_owned(), "an id of its own for each entry"));
    }
    let mut known: BTreeSet<&str> = BTreeSet::new();
    loop {
        let open: Vec<(&str, BTreeSet<&str>)> = queries
            .iter()
            .filter(|query| !known.contains(query.id.as_str()))
            .map(|query| (query.id.as_str(), needs(query).difference(&known).copied().collect()))
            .collect();
        let ready: Vec<&str> = open.iter().filter(|(_, needs)| needs.is_empty()).map(|(id, _)| *id).collect();
        let Some((stuck, needs)) = open.first() else { return Ok(()) };
        if ready.is_empty() {
            let found = format!("{stuck}, which needs {}", listed(needs.iter().copied()));
            return Err(metrics.is(found, &listed(ids)));
        }
        known.extend(ready);
    }
}

fn needs(query: &Query) -> BTreeSet<&str> {
    match &query.source {
        Source::Metric(_) => BTreeSet::new(),
        Source::Expression(expression) => expression.ids(),
    }
}

fn check_period(metrics: &Value, queries: &[Query]) -> Result<(), TemplateError> {
    let periods: BTreeSet<u32> = queries.iter().filter_map(queried_period_s).collect();
    match periods.len() {
        1 => Ok(()),
        _ => Err(metrics.is(format!("metrics of {} periods", periods.len()), "metrics of one period")),
    }
}

fn period_s(measure: &Measure) -> u32 {
    match measure {
        Measure::Metric(stat) => stat.period_s,
        Measure::Math { queries, .. } => queries.iter().find_map(queried_period_s).unwrap_or(MINUTE_S),
    }
}

fn queried_period_s(query: &Query) -> Option<u32> {
    match &query.source {
        Source::Metric(stat) => Some(stat.period_s),
        Source::Expression(_) => None,
    }
}

/// ARNs of topics; an alarm can do other things, but nothing here could. CloudWatch takes none of another region.
fn topics(actions: Option<&Value>, region: Region) -> Result<Vec<String>, TemplateError> {
    let Some(actions) = actions else { return Ok(Vec::new()) };
    let topic = |action: &Value| {
        let arn = action.text()?;
        match arn.strip_prefix("arn:aws:sns:").map(|rest| rest.split(':').next() == Some(region.code())) {
            Some(true) => Ok(arn),
            Some(false) => Err(action.is_not(&format!("the ARN of a topic in {}", region.code()))),
            None => Err(action.is_not("the ARN of a topic")),
        }
    };
    actions.list()?.iter().map(topic).collect()
}

fn words<T>(known: &[(&str, T)]) -> String {
    listed(known.iter().map(|(word, _)| *word))
}
