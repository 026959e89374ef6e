//! What CloudFront says of an edge: the share of requests that failed, and how long the origin took.
//!
//! Requests are counted by the minute, however many there are. CloudFront publishes the rate as a percentage of all
//! viewers' requests of a period, and an origin's latency for those that an origin answered, where somebody pays for it.
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html>
//! Invariant: a minute without a request has no point.

use super::metric::{MINUTE_MS, Point, Samples};
use crate::cloud::config::MetricName;
use payments::UnixMs;
use std::collections::BTreeMap;

/// Percentage of all requests that were answered with `5..`.
pub const ERROR_RATE: &str = "5xxErrorRate";
/// From a request's arrival to the first byte of the answer, ms, of requests that an origin answered.
pub const ORIGIN_LATENCY: &str = "OriginLatency";
/// What `Region` is: a distribution is everywhere.
pub const GLOBAL: &str = "Global";
/// The dimension that tells edges apart.
pub(super) const DISTRIBUTION: &str = "DistributionId";

/// Requests of minutes that have not ended, by the minute's beginning and distribution.
#[derive(Debug, Default)]
pub(super) struct Edges(BTreeMap<(i64, String), Requests>);

#[derive(Debug, Default)]
struct Requests {
    all: u32,
    failed: u32,
    origin_ms: BTreeMap<u32, u64>,
}

impl Edges {
    /// Counts a request.
    pub(super) fn note(&mut self, distribution: &str, at: UnixMs, status: u16, origin_ms: Option<u32>) {
        let minute = at.0.div_euclid(MINUTE_MS) * MINUTE_MS;
        let requests = self.0.entry((minute, distribution.to_owned())).or_default();
        requests.all += 1;
        requests.failed += u32::from((500..600).contains(&status));
        if let Some(ms) = origin_ms {
            *requests.origin_ms.entry(ms).or_default() += 1;
        }
    }

    /// The points of all minutes that have ended by `now`.
    pub(super) fn points(&mut self, now: UnixMs) -> Vec<Point> {
        let minute = now.0.div_euclid(MINUTE_MS) * MINUTE_MS;
        let open = self.0.split_off(&(minute, String::new()));
        let ended = std::mem::replace(&mut self.0, open).into_iter();
        ended.flat_map(|((minute, distribution), it)| points(&distribution, UnixMs(minute), it)).collect()
    }
}

fn points(distribution: &str, at: UnixMs, requests: Requests) -> impl Iterator<Item = Point> + use<> {
    let Requests { all, failed, origin_ms } = requests;
    // A request is 100 or 0, so that the mean over any period is the percentage of all its requests.
    let rate = [(100, failed), (0, all - failed)].into_iter().filter(|(_, times)| *times > 0);
    let rate = Samples::of_each(rate.map(|(value, times)| (value, u64::from(times))).collect());
    let dimensions = [(DISTRIBUTION, distribution), ("Region", GLOBAL)];
    let dimensions: BTreeMap<_, _> =
        dimensions.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    [(ERROR_RATE, rate), (ORIGIN_LATENCY, Samples::of_each(origin_ms))].into_iter().filter_map(
        move |(name, samples)| {
            let (namespace, dimensions) = (super::CLOUDFRONT.to_owned(), dimensions.clone());
            let metric = MetricName { namespace, name: name.to_owned(), dimensions };
            Some(Point { metric, at, samples: samples? })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::config::Statistic;

    /// What is measured of a minute of these requests.
    fn measured(requests: &[(u16, Option<u32>)]) -> BTreeMap<String, Samples> {
        let mut edges = Edges::default();
        for (status, origin_ms) in requests {
            edges.note("E1", UnixMs(61_000), *status, *origin_ms);
        }
        assert!(edges.points(UnixMs(119_999)).is_empty(), "the minute goes on");
        let points = edges.points(UnixMs(120_000));
        assert!(edges.points(UnixMs(180_000)).is_empty(), "each is told once");
        for point in &points {
            assert_eq!(point.at, UnixMs(60_000));
            assert_eq!(point.metric.namespace, "AWS/CloudFront");
            let dimensions: Vec<_> =
                point.metric.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(dimensions, [("DistributionId", "E1"), ("Region", "Global")]);
        }
        points.into_iter().map(|point| (point.metric.name, point.samples)).collect()
    }

    #[test]
    fn the_error_rate_is_a_percentage_of_all_requests_whoever_answered_them() {
        let requests = [(200, None), (503, None), (404, Some(9)), (304, None), (504, Some(2_000))];
        let rate = measured(&requests)["5xxErrorRate"].clone();
        assert_eq!(rate.statistic(Statistic::Average), Some(40.0));
        assert_eq!(rate.statistic(Statistic::SampleCount), Some(5.0));
        let all_well = measured(&[(200, None)])["5xxErrorRate"].clone();
        assert_eq!(all_well.statistic(Statistic::Average), Some(0.0));
    }

    #[test]
    fn the_latency_is_of_those_that_an_origin_answered() {
        let mut requests = vec![(200, None); 100];
        requests.extend((1..=10).map(|tenth| (200, Some(100 * tenth))));
        let latency = measured(&requests)["OriginLatency"].clone();
        let percentile = |per_mille| latency.statistic(Statistic::Percentile(per_mille));
        assert_eq!([500, 900, 901, 1000].map(percentile), [500.0, 900.0, 1000.0, 1000.0].map(Some));
        assert_eq!(latency.statistic(Statistic::Average), Some(550.0));
        assert!(!measured(&[(200, None)]).contains_key("OriginLatency"), "a cache had every answer");
    }

    #[test]
    fn minutes_together_have_one_percentile() {
        let latency = |ms: &[u32]| {
            let requests: Vec<_> = ms.iter().map(|ms| (200, Some(*ms))).collect();
            measured(&requests)["OriginLatency"].clone()
        };
        let both = latency(&[1, 2, 3]).and(latency(&[3, 4_000]));
        assert_eq!(both.statistic(Statistic::Percentile(800)), Some(3.0));
        assert_eq!(both.statistic(Statistic::Percentile(900)), Some(4_000.0));
        assert_eq!(Samples::one(4.0).statistic(Statistic::Percentile(900)), None, "nobody counted each");
    }
}
