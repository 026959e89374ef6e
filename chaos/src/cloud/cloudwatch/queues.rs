//! What SQS tells CloudWatch of its queues each minute, and which queues it has gone silent about.
//!
//! Invariant: a queue that nothing touched for six hours and that holds nothing has no points, and once something
//! touches it again it takes its time to have them.

use super::metric::{Point, Samples};
use crate::cloud::config::MetricName;
use crate::cloud::sqs::{Minute, Sqs};
use crate::random::Stream;
use payments::UnixMs;
use std::collections::BTreeMap;

/// How long a queue counts as active after it last held a message or any call touched it.
const ACTIVE_MS: i64 = 6 * 3_600_000;

/// One watched queue.
#[derive(Debug)]
pub(super) struct Reported {
    name: String,
    /// Lambda polls it: a call touches it all the time, though here its pollers wait instead.
    polled: bool,
    /// When it last held a message.
    held_at: Option<UnixMs>,
    /// Whether it held one when it was last looked at.
    holds: bool,
    report: Report,
    wakes: Stream,
    wake_s: (u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Report {
    Sent,
    Quiet,
    /// Sent again from this instant on.
    WakesAt(UnixMs),
}

impl Reported {
    pub(super) fn new(name: String, polled: bool, wake_s: (u32, u32), seed: u64) -> Self {
        let wakes = Stream::new(seed, &format!("wake of metrics of {name}"));
        Self { name, polled, held_at: None, holds: false, report: Report::Sent, wakes, wake_s }
    }

    /// The points of the minute that ends at `now`; none while nothing is reported of the queue.
    pub(super) fn points(&mut self, sqs: &mut Sqs, now: UnixMs) -> Vec<Point> {
        let Ok(minute) = sqs.minute(&self.name, now) else { return Vec::new() };
        let was_empty = !std::mem::replace(&mut self.holds, minute.depth.total() > 0);
        if self.holds && was_empty && !self.polled {
            // As if nobody had used it for six hours.
            if let Some(late_ms) = sqs.metrics_wake_after_ms(&self.name, now) {
                self.report = Report::WakesAt(now.plus_ms(late_ms));
            }
        }
        if self.reports(&minute, now) { self.of(&minute, now) } else { Vec::new() }
    }

    fn reports(&mut self, minute: &Minute, now: UnixMs) -> bool {
        if self.polled || minute.depth.total() > 0 {
            self.held_at = Some(now);
        }
        let last = self.held_at.map_or(minute.touched_at, |held| held.max(minute.touched_at));
        let active = now.since_ms(last) <= ACTIVE_MS;
        self.report = match self.report {
            _ if !active => Report::Quiet,
            Report::Quiet => Report::WakesAt(now.plus_ms(self.wake_ms())),
            awake @ (Report::Sent | Report::WakesAt(_)) => awake,
        };
        if matches!(self.report, Report::WakesAt(at) if at <= now) {
            self.report = Report::Sent;
        }
        self.report == Report::Sent
    }

    fn wake_ms(&mut self) -> i64 {
        let (low, high) = self.wake_s;
        let ms = self.wakes.between(1000 * u64::from(low), 1000 * u64::from(high));
        i64::try_from(ms).unwrap_or(0)
    }

    fn of(&self, minute: &Minute, now: UnixMs) -> Vec<Point> {
        let count = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
        let values = [
            ("ApproximateNumberOfMessagesVisible", count(minute.depth.visible)),
            ("ApproximateNumberOfMessagesNotVisible", count(minute.depth.in_flight)),
            ("ApproximateNumberOfMessagesDelayed", count(minute.depth.delayed)),
            ("ApproximateAgeOfOldestMessage", f64::from(minute.oldest_s)),
            ("NumberOfMessagesSent", count(minute.sent)),
            ("NumberOfMessagesReceived", count(minute.received)),
            ("NumberOfMessagesDeleted", count(minute.deleted)),
        ];
        let dimensions = BTreeMap::from([("QueueName".to_owned(), self.name.clone())]);
        let metric = |name: &str| MetricName {
            namespace: super::SQS.to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.clone(),
        };
        let at = now.plus_ms(-1);
        values.map(|(name, value)| Point { metric: metric(name), at, samples: Samples::one(value) }).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::config::Statistic;
    use crate::cloud::fixtures::{START, queues};
    use crate::cloud::sqs::NewMessage;
    use crate::journal::Journal;

    const HOUR_MS: i64 = 3_600_000;

    fn sqs() -> Sqs {
        Sqs::new(&queues(5), 1, START, Journal::default()).unwrap()
    }

    fn dead(wake_s: (u32, u32)) -> Reported {
        Reported::new("dead".to_owned(), false, wake_s, 1)
    }

    fn value(points: &[Point], name: &str) -> Option<f64> {
        let point = points.iter().find(|point| point.metric.name == name)?;
        point.samples.statistic(Statistic::Sum)
    }

    #[test]
    fn a_queue_reports_what_it_holds_and_what_was_done_to_it_since_the_last_minute() {
        let (mut sqs, mut queue) = (sqs(), Reported::new("payments".to_owned(), true, (0, 0), 1));
        for _ in 0..3 {
            sqs.send("payments", NewMessage::text("a"), START).unwrap();
        }
        let got = sqs.receive("payments", 1, None, START).unwrap();
        sqs.delete("payments", &got[0].receipt_handle, START).unwrap();
        sqs.receive("payments", 1, None, START).unwrap();
        let points = queue.points(&mut sqs, START.plus_ms(60_000));
        let seen = |name| value(&points, name).unwrap();
        assert_eq!(seen("ApproximateNumberOfMessagesVisible"), 1.0);
        assert_eq!(seen("ApproximateNumberOfMessagesNotVisible"), 1.0);
        assert_eq!(seen("ApproximateAgeOfOldestMessage"), 60.0);
        let moved = ["NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted"];
        assert_eq!(moved.map(seen), [3.0, 2.0, 1.0]);
        assert!(
            points.iter().all(|point| point.at == START.plus_ms(59_999)),
            "they belong to the minute that ended"
        );
        let next = queue.points(&mut sqs, START.plus_ms(120_000));
        assert_eq!(moved.map(|name| value(&next, name).unwrap()), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_queue_reports_the_metrics_that_alarms_may_look_at_and_no_other() {
        let points = dead((0, 0)).points(&mut sqs(), START.plus_ms(60_000));
        let names: Vec<&str> = points.iter().map(|point| point.metric.name.as_str()).collect();
        let measured = super::super::MEASURED.iter().find(|(namespace, ..)| *namespace == "AWS/SQS");
        assert_eq!(measured.map(|(_, _, metrics)| *metrics), Some(names.as_slice()));
    }

    #[test]
    fn points_stop_six_hours_after_the_last_touch_and_return_when_the_queue_has_woken_up() {
        let (mut sqs, mut queue) = (sqs(), dead((600, 600)));
        let mut reported = |sqs: &mut Sqs, ms: i64| !queue.points(sqs, START.plus_ms(ms)).is_empty();
        assert!(reported(&mut sqs, 6 * HOUR_MS));
        assert!(!reported(&mut sqs, 6 * HOUR_MS + 60_000));
        sqs.send("dead", NewMessage::text("a"), START.plus_ms(7 * HOUR_MS)).unwrap();
        assert!(!reported(&mut sqs, 7 * HOUR_MS), "it wakes up");
        assert!(!reported(&mut sqs, 7 * HOUR_MS + 9 * 60_000));
        assert!(reported(&mut sqs, 7 * HOUR_MS + 10 * 60_000));
        assert!(reported(&mut sqs, 20 * HOUR_MS), "it holds a message, and stays awake");
    }

    #[test]
    fn a_queue_that_lambda_polls_never_goes_quiet() {
        let (mut sqs, mut queue) = (sqs(), Reported::new("payments".to_owned(), true, (0, 900), 1));
        assert!(!queue.points(&mut sqs, START.plus_ms(48 * HOUR_MS)).is_empty());
    }

    #[test]
    fn how_long_a_queue_takes_to_wake_is_drawn() {
        let woken_after = |seed| {
            let (mut sqs, mut queue) = (sqs(), Reported::new("dead".to_owned(), false, (0, 900), seed));
            assert!(queue.points(&mut sqs, START.plus_ms(7 * HOUR_MS)).is_empty());
            sqs.send("dead", NewMessage::text("a"), START.plus_ms(7 * HOUR_MS)).unwrap();
            (0..=15).find(|minute| {
                !queue.points(&mut sqs, START.plus_ms(7 * HOUR_MS + minute * 60_000)).is_empty()
            })
        };
        let minutes: std::collections::BTreeSet<_> = (0..8).map(woken_after).collect();
        assert!(minutes.len() > 2 && !minutes.contains(&None), "{minutes:?}");
    }
}
