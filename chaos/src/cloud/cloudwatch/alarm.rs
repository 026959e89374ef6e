//! One alarm: its state, and what a change of it sets off.
//!
//! Invariant: an alarm that stays in its state sets nothing off, however often it is evaluated.

use super::Past;
use super::evaluate::{Judgement, Period, Rule, Verdict, judge, range};
use super::metric::{MINUTE_MS, Store};
use super::reason::{Evidence, INITIAL, period_s};
use crate::cloud::config::{AlarmConfig, Comparison, Measure, MetricStat, Source, Statistic};
use crate::journal::StateValue;
use payments::UnixMs;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A state, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmState {
    /// Which.
    pub value: StateValue,
    /// `StateReason`.
    pub reason: String,
    /// `StateReasonData`, JSON; an alarm that was never evaluated has none.
    pub reason_data: Option<String>,
    /// When it was entered.
    pub since: UnixMs,
}

/// A change of an alarm's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The alarm.
    pub alarm: Arc<AlarmConfig>,
    /// When the alarm was created.
    pub configured_at: UnixMs,
    /// Ids that CloudWatch gave the metrics of the alarm, by the order of its metrics; ids of the template's own
    /// where it has them.
    pub metric_ids: Vec<String>,
    /// The state it left.
    pub previous: AlarmState,
    /// The state it entered.
    pub state: AlarmState,
}

/// An alarm at work.
#[derive(Debug)]
pub(super) struct Alarm {
    pub(super) config: Arc<AlarmConfig>,
    configured_at: UnixMs,
    /// Until then it is not evaluated.
    warm_at: UnixMs,
    metric_ids: Vec<String>,
    state: AlarmState,
}

impl Alarm {
    /// An alarm that was created just now, or before the past that its stack has. `metric_id` is for metrics that the
    /// template gives none.
    pub(super) fn new(
        config: AlarmConfig,
        past: Past,
        now: UnixMs,
        mut metric_id: impl FnMut() -> String,
    ) -> Self {
        let metric_ids = match &config.measure {
            Measure::Metric(_) => vec![metric_id()],
            Measure::Math { queries, .. } => queries.iter().map(|query| query.id.clone()).collect(),
        };
        let value = StateValue::InsufficientData;
        let state = AlarmState { value, reason: INITIAL.to_owned(), reason_data: None, since: now };
        let warm_up_ms = match past {
            Past::Idle => 0,
            Past::New => MINUTE_MS * i64::from(config.warm_up_min.unwrap_or(0)),
        };
        let warm_at = now.plus_ms(warm_up_ms);
        Self { config: Arc::new(config), configured_at: now, warm_at, metric_ids, state }
    }

    pub(super) fn state(&self) -> &AlarmState {
        &self.state
    }

    /// How far back the alarm looks, ms.
    pub(super) fn looks_back_ms(&self) -> i64 {
        let periods = i64::try_from(range(self.config.periods as usize)).unwrap_or(i64::MAX);
        periods * 1000 * i64::from(period_s(&self.config.measure))
    }

    pub(super) fn hears_nothing(&self, store: &Store, until: UnixMs) -> bool {
        self.values(store, until).iter().all(Option::is_none)
    }

    fn values(&self, store: &Store, until: UnixMs) -> Vec<Option<f64>> {
        self.config.measure.values(store, range(self.config.periods as usize), until)
    }

    /// Judges the range that ends at `until`, and says what changed.
    pub(super) fn evaluate(&mut self, store: &Store, until: UnixMs, now: UnixMs) -> Option<Transition> {
        if now < self.warm_at {
            return None;
        }
        let values = self.values(store, until);
        let judgement = self.config.judgement(&values);
        let value = match judgement.verdict {
            Verdict::Alarm => StateValue::Alarm,
            Verdict::Ok => StateValue::Ok,
            Verdict::InsufficientData => StateValue::InsufficientData,
            Verdict::Keep => return None,
        };
        if value == self.state.value {
            return None;
        }
        let evidence = Evidence { alarm: &self.config, values: &values, judgement: &judgement, until };
        let reason_data = Some(evidence.data(now));
        let state = AlarmState { value, reason: evidence.words(), reason_data, since: now };
        let previous = std::mem::replace(&mut self.state, state.clone());
        Some(Transition {
            alarm: Arc::clone(&self.config),
            configured_at: self.configured_at,
            metric_ids: self.metric_ids.clone(),
            previous,
            state,
        })
    }
}

impl AlarmConfig {
    /// Whether a value is beyond the threshold.
    pub(super) fn breaches(&self, value: f64) -> bool {
        let threshold = self.threshold.get();
        match self.comparison {
            Comparison::GreaterThanOrEqualToThreshold => value >= threshold,
            Comparison::GreaterThanThreshold => value > threshold,
            Comparison::LessThanThreshold => value < threshold,
            Comparison::LessThanOrEqualToThreshold => value <= threshold,
        }
    }

    fn judgement(&self, values: &[Option<f64>]) -> Judgement {
        let period = |value: &Option<f64>| match value {
            None => Period::Missing,
            Some(value) if self.breaches(*value) => Period::Breaching,
            Some(_) => Period::Within,
        };
        let periods: Vec<Period> = values.iter().map(period).collect();
        let breaches_min = self.breaches_min.unwrap_or(self.periods) as usize;
        judge(&periods, Rule { periods: self.periods as usize, breaches_min, missing: self.missing })
    }
}

impl Measure {
    /// Every metric it reads.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &MetricStat> {
        let (one, many) = match self {
            Self::Metric(stat) => (Some(stat), [].as_slice()),
            Self::Math { queries, .. } => (None, queries.as_slice()),
        };
        one.into_iter().chain(many.iter().filter_map(|query| match &query.source {
            Source::Metric(stat) => Some(stat),
            Source::Expression(_) => None,
        }))
    }

    fn values(&self, store: &Store, periods: usize, until: UnixMs) -> Vec<Option<f64>> {
        let (queries, returned) = match self {
            Self::Metric(stat) => return store.series(stat, periods, until),
            Self::Math { queries, returned } => (queries, returned),
        };
        let mut known = BTreeMap::new();
        let mut open: Vec<_> = queries.iter().collect();
        // Expressions may speak of expressions, in any order; the loader has refused those that speak of each other.
        while let Some(at) = open.iter().position(|query| match &query.source {
            Source::Metric(_) => true,
            Source::Expression(expression) => expression.ids().iter().all(|id| known.contains_key(id)),
        }) {
            let query = open.remove(at);
            let series = match &query.source {
                Source::Metric(stat) => store.series(stat, periods, until),
                Source::Expression(expression) => expression.series(&known, periods),
            };
            known.insert(query.id.as_str(), series);
        }
        known.remove(returned.as_str()).unwrap_or_else(|| vec![None; periods])
    }
}

impl Statistic {
    /// As AWS writes it.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::SampleCount => "SampleCount".to_owned(),
            Self::Average => "Average".to_owned(),
            Self::Sum => "Sum".to_owned(),
            Self::Minimum => "Minimum".to_owned(),
            Self::Maximum => "Maximum".to_owned(),
            Self::Percentile(per_mille) => format!("p{}", f64::from(per_mille) / 10.0),
        }
    }
}

impl Comparison {
    /// As AWS writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualToThreshold => "GreaterThanOrEqualToThreshold",
            Self::GreaterThanThreshold => "GreaterThanThreshold",
            Self::LessThanThreshold => "LessThanThreshold",
            Self::LessThanOrEqualToThreshold => "LessThanOrEqualToThreshold",
        }
    }
}
