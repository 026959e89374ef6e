//! Why an alarm is in its state, in CloudWatch's own words and in its `reasonData`.
//!
//! Invariant: the words name the points that speak for the state, newest first, and no other.

use super::evaluate::{Judgement, Verdict};
use super::times;
use crate::cloud::config::{AlarmConfig, Comparison, Measure, MissingData};
use payments::UnixMs;
use serde_json::{Value, json};
use std::fmt::Display;

/// Reason of an alarm that was never evaluated.
pub(super) const INITIAL: &str = "Unchecked: Initial alarm creation";
/// How many values `recentDatapoints` holds at most.
const RECENT_MAX: usize = 10;

/// What an evaluation looked at.
pub(super) struct Evidence<'a> {
    pub(super) alarm: &'a AlarmConfig,
    /// Values of the range, oldest first.
    pub(super) values: &'a [Option<f64>],
    pub(super) judgement: &'a Judgement,
    /// End of the range.
    pub(super) until: UnixMs,
}

/// A point of the range.
#[derive(Clone, Copy)]
struct Datapoint {
    at: UnixMs,
    value: f64,
}

impl Evidence<'_> {
    /// `StateReason`.
    pub(super) fn words(&self) -> String {
        if self.judgement.verdict == Verdict::InsufficientData {
            let periods = self.alarm.periods;
            return format!("Insufficient Data: {} unknown.", counted(periods, "datapoint", "was", "were"));
        }
        let (points, treated) = (self.supporting(), self.treated());
        match (points.as_slice(), treated) {
            ([], treated) => {
                let periods = plural(treated, "period");
                let made_up = counted(treated, "missing datapoint", "was", "were");
                let word = self.treatment();
                format!(
                    "Threshold Crossed: no datapoints were received for {periods} and {made_up} treated as [{word}]."
                )
            }
            (points, 0) => format!("Threshold Crossed: {}{}.", self.compared(points), self.minimum()),
            (points, treated) => {
                let made_up = counted(treated, "missing datapoint", "was", "were");
                let word = self.treatment();
                format!("Threshold Crossed: {} and {made_up} treated as [{word}].", self.compared(points))
            }
        }
    }

    /// `StateReasonData`: JSON inside a string.
    pub(super) fn data(&self, now: UnixMs) -> String {
        let recent: Vec<f64> = self.judged().map(|point| point.value).collect();
        let recent = &recent[recent.len().saturating_sub(RECENT_MAX)..];
        let evaluated: Vec<Value> = self
            .judged()
            .map(|point| json!({ "timestamp": times::precise(point.at), "value": point.value }))
            .rev()
            .collect();
        let start = self.judged().map(|point| point.at).next();
        let mut data = json!({
            "version": "1.0",
            "queryDate": times::precise(now),
            "period": period_s(&self.alarm.measure),
            "recentDatapoints": recent,
            "threshold": self.alarm.threshold.get(),
            "evaluatedDatapoints": evaluated,
        });
        if let Some(start) = start {
            data["startDate"] = json!(times::precise(start));
        }
        if let Measure::Metric(stat) = &self.alarm.measure {
            data["statistic"] = json!(stat.statistic.name());
        }
        data.to_string()
    }

    /// `2 out of the last 3 datapoints [5.0 (…), 4.0 (…)] were greater than the threshold (1.0)`.
    fn compared(&self, points: &[Datapoint]) -> String {
        let shown: Vec<String> =
            points.iter().map(|point| format!("{:?} ({})", point.value, times::short(point.at))).collect();
        let count = match self.alarm.breaches_min {
            Some(_) => format!(
                "{} out of the last {}",
                points.len(),
                // CloudWatch keeps this plural even for one.
                format_args!("{} datapoints", self.alarm.periods)
            ),
            None => plural(points.len(), "datapoint"),
        };
        let was = if points.len() == 1 { "was" } else { "were" };
        let not = if self.judgement.verdict == Verdict::Alarm { "" } else { "not " };
        let comparison = self.alarm.comparison.words();
        let threshold = self.alarm.threshold.get();
        format!("{count} [{}] {was} {not}{comparison} the threshold ({threshold:?})", shown.join(", "))
    }

    /// ` (minimum 2 datapoints for OK -> ALARM transition)`, where M is given.
    fn minimum(&self) -> String {
        let Some(m) = self.alarm.breaches_min else { return String::new() };
        let (points, transition) = match self.judgement.verdict {
            Verdict::Alarm => (m, "OK -> ALARM"),
            Verdict::Ok | Verdict::InsufficientData | Verdict::Keep => {
                (self.alarm.periods - m + 1, "ALARM -> OK")
            }
        };
        format!(" (minimum {} for {transition} transition)", plural(points, "datapoint"))
    }

    /// Points on the verdict's side of the threshold, newest first.
    fn supporting(&self) -> Vec<Datapoint> {
        let breaching = self.judgement.verdict == Verdict::Alarm;
        let points = self.judged().filter(|point| self.alarm.breaches(point.value) == breaching);
        points.rev().collect()
    }

    /// Made-up points on the verdict's side of the threshold.
    fn treated(&self) -> usize {
        let side = match self.alarm.missing {
            MissingData::Breaching => Verdict::Alarm,
            MissingData::NotBreaching => Verdict::Ok,
            MissingData::Missing | MissingData::Ignore => return 0,
        };
        if self.judgement.verdict == side { self.judgement.treated } else { 0 }
    }

    fn treatment(&self) -> &'static str {
        match self.alarm.missing {
            MissingData::Breaching => "Breaching",
            MissingData::NotBreaching => "NonBreaching",
            MissingData::Missing => "Missing",
            MissingData::Ignore => "Ignore",
        }
    }

    /// The points that were judged, oldest first.
    fn judged(&self) -> impl DoubleEndedIterator<Item = Datapoint> {
        let period_ms = 1000 * i64::from(period_s(&self.alarm.measure));
        self.judgement.judged.iter().filter_map(move |at| {
            let back = i64::try_from(self.values.len() - at).unwrap_or(0);
            Some(Datapoint { at: self.until.plus_ms(-back * period_ms), value: self.values[*at]? })
        })
    }
}

/// The period all metrics of a measure share, seconds.
pub(super) fn period_s(measure: &Measure) -> u32 {
    measure.metrics().next().map_or(60, |stat| stat.period_s)
}

impl Comparison {
    fn words(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualToThreshold => "greater than or equal to",
            Self::GreaterThanThreshold => "greater than",
            Self::LessThanThreshold => "less than",
            Self::LessThanOrEqualToThreshold => "less than or equal to",
        }
    }
}

fn plural(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    let s = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{s}")
}

fn counted(count: impl Display, noun: &str, one: &str, many: &str) -> String {
    let counted = plural(count, noun);
    let verb = if counted.starts_with("1 ") { one } else { many };
    format!("{counted} {verb}")
}

#[cfg(test)]
mod tests {
    use super::super::evaluate::{Period, Rule, judge};
    use super::super::fixtures::{alarm, minute};
    use super::*;

    /// Reason for a range of the minutes that end at 16:35, judged by the alarm.
    fn evidence<T>(alarm: &AlarmConfig, values: &[Option<f64>], see: impl Fn(&Evidence<'_>) -> T) -> T {
        let period = |value: &Option<f64>| match value {
            Some(value) if alarm.breaches(*value) => Period::Breaching,
            Some(_) => Period::Within,
            None => Period::Missing,
        };
        let periods: Vec<Period> = values.iter().map(period).collect();
        let m = alarm.breaches_min.unwrap_or(alarm.periods) as usize;
        let rule = Rule { periods: alarm.periods as usize, breaches_min: m, missing: alarm.missing };
        let judgement = judge(&periods, rule);
        see(&Evidence { alarm, values, judgement: &judgement, until: minute(0) })
    }

    fn words(alarm: &AlarmConfig, values: &[Option<f64>]) -> String {
        evidence(alarm, values, |it| it.words())
    }

    #[test]
    fn without_m_the_reason_counts_the_points_that_crossed() {
        let one = AlarmConfig { periods: 1, breaches_min: None, ..alarm() };
        insta::assert_snapshot!(words(&one, &[None, None, Some(21.5)]), @"Threshold Crossed: 1 datapoint [21.5 (10/07/19 16:34:00)] was greater than the threshold (1.0).");
        insta::assert_snapshot!(words(&one, &[Some(0.0), None, None]), @"Threshold Crossed: 1 datapoint [0.0 (10/07/19 16:32:00)] was not greater than the threshold (1.0).");
        let two = AlarmConfig { periods: 2, ..one };
        insta::assert_snapshot!(words(&two, &[Some(3.0), None, None, Some(2.0)]), @"Threshold Crossed: 2 datapoints [2.0 (10/07/19 16:34:00), 3.0 (10/07/19 16:31:00)] were greater than the threshold (1.0).");
    }

    #[test]
    fn with_m_the_reason_states_it() {
        let two_of_three = AlarmConfig { periods: 3, breaches_min: Some(2), ..alarm() };
        insta::assert_snapshot!(words(&two_of_three, &[Some(2.0), Some(0.0), Some(3.0)]), @"Threshold Crossed: 2 out of the last 3 datapoints [3.0 (10/07/19 16:34:00), 2.0 (10/07/19 16:32:00)] were greater than the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition).");
        insta::assert_snapshot!(words(&two_of_three, &[Some(2.0), Some(0.0), Some(0.0)]), @"Threshold Crossed: 2 out of the last 3 datapoints [0.0 (10/07/19 16:34:00), 0.0 (10/07/19 16:33:00)] were not greater than the threshold (1.0) (minimum 2 datapoints for ALARM -> OK transition).");
        let one_of_one = AlarmConfig { periods: 1, breaches_min: Some(1), ..alarm() };
        insta::assert_snapshot!(words(&one_of_one, &[Some(99.5)]), @"Threshold Crossed: 1 out of the last 1 datapoints [99.5 (10/07/19 16:34:00)] was greater than the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition).");
    }

    #[test]
    fn without_points_the_reason_says_what_they_were_treated_as() {
        let breaching = AlarmConfig { periods: 2, missing: MissingData::Breaching, ..alarm() };
        insta::assert_snapshot!(words(&breaching, &[None; 4]), @"Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].");
        insta::assert_snapshot!(words(&breaching, &[None, None, None, Some(2.0)]), @"Threshold Crossed: 1 datapoint [2.0 (10/07/19 16:34:00)] was greater than the threshold (1.0) and 1 missing datapoint was treated as [Breaching].");
        let not = AlarmConfig { periods: 1, missing: MissingData::NotBreaching, ..alarm() };
        insta::assert_snapshot!(words(&not, &[None; 3]), @"Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].");
        let missing = AlarmConfig { periods: 1, missing: MissingData::Missing, ..alarm() };
        insta::assert_snapshot!(words(&missing, &[None; 3]), @"Insufficient Data: 1 datapoint was unknown.");
        insta::assert_snapshot!(words(&AlarmConfig { periods: 2, ..missing }, &[None; 4]), @"Insufficient Data: 2 datapoints were unknown.");
    }

    #[test]
    fn the_data_of_a_reason_is_json_with_what_was_judged() {
        let two = AlarmConfig { periods: 2, ..alarm() };
        let data = evidence(&two, &[Some(3.0), None, None, Some(2.0)], |it| it.data(minute(0).plus_ms(5)));
        let data: Value = serde_json::from_str(&data).unwrap();
        let expected = json!({
            "version": "1.0",
            "queryDate": "2019-07-10T16:35:00.005+0000",
            "startDate": "2019-07-10T16:31:00.000+0000",
            "statistic": "Maximum",
            "period": 60,
            "recentDatapoints": [3.0, 2.0],
            "threshold": 1.0,
            "evaluatedDatapoints": [
                { "timestamp": "2019-07-10T16:34:00.000+0000", "value": 2.0 },
                { "timestamp": "2019-07-10T16:31:00.000+0000", "value": 3.0 },
            ],
        });
        assert_eq!(data, expected);
    }
}
