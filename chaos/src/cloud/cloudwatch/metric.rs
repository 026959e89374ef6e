//! Metrics: samples summed up by the minute, which become visible some time after they happened.
//!
//! Only metrics that an alarm looks at are kept, and only for as long as one looks back.
//! Invariant: a point is seen from its arrival on, and before that nowhere.

use crate::cloud::config::{MetricName, MetricStat, Statistic};
use crate::random::Stream;
use payments::UnixMs;
use std::collections::BTreeMap;

/// The finest resolution of a standard metric.
pub(super) const MINUTE_MS: i64 = 60_000;

/// The samples of one minute, summed up: a statistic set.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    count: f64,
    sum: f64,
    minimum: f64,
    maximum: f64,
    /// How often each value occurred; empty where only the sums are known, of which there is no percentile.
    each: BTreeMap<u32, u64>,
}

impl Samples {
    /// One sample.
    #[must_use]
    pub fn one(value: f64) -> Self {
        Self::times(value, 1.0)
    }

    /// A sample that occurred `count` times.
    #[must_use]
    pub fn times(value: f64, count: f64) -> Self {
        Self { count, sum: value * count, minimum: value, maximum: value, each: BTreeMap::new() }
    }

    /// Samples of which it is known how often each occurred; `None` where there is none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53")]
    pub fn of_each(each: BTreeMap<u32, u64>) -> Option<Self> {
        let count: u64 = each.values().sum();
        let sum: u64 = each.iter().map(|(value, times)| u64::from(*value) * times).sum();
        let (minimum, maximum) = (f64::from(*each.keys().next()?), f64::from(*each.keys().next_back()?));
        Some(Self { count: count as f64, sum: sum as f64, minimum, maximum, each })
    }

    /// These samples and those.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (value, times) in other.each {
            *self.each.entry(value).or_default() += times;
        }
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
            each: self.each,
        }
    }

    /// One number for all of them; none for a percentile of samples of which only the sums are known.
    #[must_use]
    pub fn statistic(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::SampleCount => Some(self.count),
            Statistic::Average => Some(self.sum / self.count),
            Statistic::Sum => Some(self.sum),
            Statistic::Minimum => Some(self.minimum),
            Statistic::Maximum => Some(self.maximum),
            Statistic::Percentile(per_mille) => self.percentile(per_mille),
        }
    }

    /// The smallest value that so many of a thousand do not exceed. CloudWatch may interpolate between two of them; how, it
    /// does not say.
    fn percentile(&self, per_mille: u16) -> Option<f64> {
        let count: u64 = self.each.values().sum();
        let rank = (count * u64::from(per_mille)).div_ceil(1000).max(1);
        let up_to = self.each.iter().scan(0, |below, (value, times)| {
            *below += times;
            Some((*below, *value))
        });
        up_to.into_iter().find(|(below, _)| *below >= rank).map(|(_, value)| f64::from(value))
    }
}

/// Samples of one metric in one minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Which metric.
    pub metric: MetricName,
    /// When the samples were taken; the minute it lies in counts.
    pub at: UnixMs,
    /// What they were.
    pub samples: Samples,
}

/// Every metric somebody watches.
#[derive(Debug)]
pub(super) struct Store {
    /// The watched metrics: how far back each is looked at, ms, and its points by the start of their minute.
    watched: BTreeMap<MetricName, Watched>,
    /// What was measured but has not arrived, by arrival and then in the order of measurement.
    late: BTreeMap<(UnixMs, u64), Vec<Point>>,
    measured: u64,
    lags: Lags,
    /// How long metrics are kept that nobody watches, if they are.
    keeps_ms: Option<i64>,
}

#[derive(Debug, Default)]
struct Watched {
    kept_ms: i64,
    minutes: BTreeMap<i64, Samples>,
}

/// How late points are: a stream for each namespace, so that one never shifts another's draws.
#[derive(Debug)]
struct Lags {
    seed: u64,
    range_s: (u32, u32),
    streams: BTreeMap<String, Stream>,
}

impl Store {
    pub(super) fn new(seed: u64, lag_s: (u32, u32)) -> Self {
        let lags = Lags { seed, range_s: lag_s, streams: BTreeMap::new() };
        Self { watched: BTreeMap::new(), late: BTreeMap::new(), measured: 0, lags, keeps_ms: None }
    }

    /// From now on every metric is kept for so long.
    pub(super) fn keep_everything(&mut self, ms: i64) {
        self.keeps_ms = Some(ms);
    }

    /// From now on points of `metric` are kept for at least `kept_ms`.
    pub(super) fn watch(&mut self, metric: &MetricName, kept_ms: i64) {
        let watched = self.watched.entry(metric.clone()).or_default();
        watched.kept_ms = watched.kept_ms.max(kept_ms);
    }

    /// Whether anything under this namespace is watched that has this dimension.
    pub(super) fn watches(&self, namespace: &str, dimension: &str, value: &str) -> bool {
        self.watched.keys().any(|metric| {
            metric.namespace == namespace && metric.dimensions.get(dimension).is_some_and(|it| it == value)
        })
    }

    /// Takes points that were measured together. They arrive together, some time from `now`.
    pub(super) fn measure(&mut self, points: Vec<Point>, now: UnixMs) {
        if let Some(ms) = self.keeps_ms {
            points.iter().for_each(|point| self.watch(&point.metric, ms));
        }
        let points: Vec<Point> =
            points.into_iter().filter(|point| self.watched.contains_key(&point.metric)).collect();
        let Some(first) = points.first() else { return };
        let arrives = now.plus_ms(self.lags.draw_ms(&first.metric.namespace));
        self.measured += 1;
        self.late.insert((arrives, self.measured), points);
    }

    /// Takes a point that arrived long ago.
    pub(super) fn recall(&mut self, point: Point) {
        let Some(watched) = self.watched.get_mut(&point.metric) else { return };
        let minute = point.at.0.div_euclid(MINUTE_MS) * MINUTE_MS;
        let samples = match watched.minutes.remove(&minute) {
            Some(known) => known.and(point.samples),
            None => point.samples,
        };
        watched.minutes.insert(minute, samples);
    }

    /// Lets in what has arrived by `now`, and forgets what nobody looks back to.
    pub(super) fn advance(&mut self, now: UnixMs) {
        let still_late = self.late.split_off(&(now, u64::MAX));
        for point in std::mem::replace(&mut self.late, still_late).into_values().flatten() {
            self.recall(point);
        }
        for watched in self.watched.values_mut() {
            let kept = watched.minutes.split_off(&(now.0 - watched.kept_ms));
            watched.minutes = kept;
        }
    }

    /// The last `periods` periods that end at `until`, oldest first; `None` where there is no point.
    pub(super) fn series(&self, stat: &MetricStat, periods: usize, until: UnixMs) -> Vec<Option<f64>> {
        let length_ms = 1000 * i64::from(stat.period_s);
        let ends = (0..periods).rev().map(|back| until.0 - length_ms * i64::try_from(back).unwrap_or(0));
        let minutes = self.watched.get(&stat.metric).map(|watched| &watched.minutes);
        ends.map(|end| {
            let samples = minutes?.range(end - length_ms..end).map(|(_, samples)| samples.clone());
            samples.reduce(Samples::and)?.statistic(stat.statistic)
        })
        .collect()
    }
}

impl Lags {
    fn draw_ms(&mut self, namespace: &str) -> i64 {
        let (seed, (low, high)) = (self.seed, self.range_s);
        let stream = self
            .streams
            .entry(namespace.to_owned())
            .or_insert_with(|| Stream::new(seed, &format!("lag of metrics in {namespace}")));
        i64::try_from(stream.between(1000 * u64::from(low), 1000 * u64::from(high))).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric() -> MetricName {
        MetricName { namespace: "shop".to_owned(), name: "Orders".to_owned(), dimensions: BTreeMap::new() }
    }

    fn stat(statistic: Statistic, period_s: u32) -> MetricStat {
        MetricStat { metric: metric(), statistic, period_s }
    }

    fn point(minute: i64, value: f64) -> Point {
        Point { metric: metric(), at: UnixMs(minute * MINUTE_MS + 7), samples: Samples::one(value) }
    }

    fn store(lag_s: (u32, u32)) -> Store {
        let mut store = Store::new(1, lag_s);
        store.watch(&metric(), 10 * MINUTE_MS);
        store
    }

    #[test]
    fn a_period_sums_up_its_minutes_under_every_statistic() {
        let mut store = store((0, 0));
        for (minute, value) in [(0, 1.0), (0, 5.0), (1, 3.0), (4, 8.0)] {
            store.recall(point(minute, value));
        }
        let series = |statistic| store.series(&stat(statistic, 120), 3, UnixMs(6 * MINUTE_MS));
        assert_eq!(series(Statistic::Sum), [Some(9.0), None, Some(8.0)]);
        assert_eq!(series(Statistic::SampleCount), [Some(3.0), None, Some(1.0)]);
        assert_eq!(series(Statistic::Average), [Some(3.0), None, Some(8.0)]);
        assert_eq!(series(Statistic::Minimum), [Some(1.0), None, Some(8.0)]);
        assert_eq!(series(Statistic::Maximum), [Some(5.0), None, Some(8.0)]);
    }

    #[test]
    fn a_period_slides_with_the_minute_at_which_it_is_looked_at() {
        let mut store = store((0, 0));
        store.recall(point(1, 1.0));
        let sum = |until| store.series(&stat(Statistic::Sum, 300), 1, UnixMs(until * MINUTE_MS));
        assert_eq!([1, 2, 6, 7].map(sum), [[None], [Some(1.0)], [Some(1.0)], [None]]);
    }

    #[test]
    fn a_point_is_seen_once_it_has_arrived_and_in_the_minute_it_was_measured() {
        let mut store = store((90, 90));
        store.measure(vec![point(0, 2.0)], UnixMs(MINUTE_MS));
        let seen = |store: &mut Store, now_s: i64| {
            store.advance(UnixMs(1000 * now_s));
            store.series(&stat(Statistic::Sum, 60), 1, UnixMs(MINUTE_MS))
        };
        assert_eq!(seen(&mut store, 149), [None]);
        assert_eq!(seen(&mut store, 150), [Some(2.0)]);
    }

    #[test]
    fn how_late_a_point_is_depends_on_the_seed_and_stays_in_its_range() {
        let lags = |seed| {
            let mut lags = Lags { seed, range_s: (60, 120), streams: BTreeMap::new() };
            [(); 20].map(|()| lags.draw_ms("shop"))
        };
        assert_eq!(lags(1), lags(1));
        assert_ne!(lags(1), lags(2));
        assert!(lags(1).iter().all(|lag| (60_000..=120_000).contains(lag)));
    }

    #[test]
    fn nothing_is_kept_that_nobody_watches_or_looks_back_to() {
        let mut store = store((0, 0));
        let other = MetricName { name: "Returns".to_owned(), ..metric() };
        store.measure(vec![Point { metric: other, ..point(0, 1.0) }], UnixMs(0));
        assert!(store.late.is_empty());
        store.recall(point(0, 1.0));
        store.advance(UnixMs(11 * MINUTE_MS));
        assert!(store.watched[&metric()].minutes.is_empty());
    }
}
