//! Embedded CloudWatch: metrics of queues, functions and the functions' own, and the alarms that look at them.
//!
//! A synchronous state machine. Once a minute it is told of the minute that ended, lets in the points that have arrived
//! by then, and evaluates every alarm.
//! Invariant: an alarm sees nothing but points that have arrived; a metric no alarm looks at is not kept, unless
//! everything is.

mod alarm;
mod edge;
mod emf;
mod evaluate;
mod expression;
#[cfg(test)]
pub(crate) mod fixtures;
mod letter;
mod metric;
mod notice;
mod protocol;
mod queues;
mod reason;
#[cfg(test)]
mod tests;
mod times;

pub use alarm::{AlarmState, Transition};
pub use edge::{ERROR_RATE, GLOBAL, ORIGIN_LATENCY};
pub use emf::MetricLines;
pub use expression::{Expression, ExpressionError, FUNCTIONS};
pub use metric::{Point, Samples};
pub use notice::Publication;
pub use protocol::{denied, needs, overloaded};

use super::Alerting;
use super::config::{AlarmConfig, FunctionConfig, MetricName, MetricStat};
use super::ids::Ids;
use super::sqs::Sqs;
use alarm::Alarm;
use edge::Edges;
use metric::{MINUTE_MS, Store};
use payments::UnixMs;
use queues::Reported;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const SQS: &str = "AWS/SQS";
const LAMBDA: &str = "AWS/Lambda";
/// Namespace of what pipes are measured by.
pub(super) const PIPES: &str = "AWS/EventBridge/Pipes";

/// Namespace of what an edge is measured by.
pub const CLOUDFRONT: &str = "AWS/CloudFront";

/// What AWS itself measures here: namespace, dimensions, metrics. An alarm on anything else of AWS would wait for ever.
pub const MEASURED: &[(&str, &[&str], &[&str])] = &[
    (
        SQS,
        &["QueueName"],
        &[
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateAgeOfOldestMessage",
            "NumberOfMessagesSent",
            "NumberOfMessagesReceived",
            "NumberOfMessagesDeleted",
        ],
    ),
    (LAMBDA, &["FunctionName"], &["Invocations", "Errors", "Throttles", "Duration"]),
    (PIPES, &["PipeName"], &["ExecutionFailed"]),
    (CLOUDFRONT, &["DistributionId", "Region"], &[edge::ERROR_RATE, edge::ORIGIN_LATENCY]),
];

/// How far back a world pretends to have stood idle: longer than the range of any alarm that watches for silence.
const PAST_MIN: i64 = 60;

/// What lies behind a stack when its story begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Past {
    /// An hour of standing idle: no message came, and every schedule invoked its function.
    #[default]
    Idle,
    /// Nothing: it was deployed just now, for the first time.
    New,
}

/// What AWS does not promise: drawn evenly from these ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knobs {
    /// From the end of a minute, or from the line of a function, until the points can be seen, seconds. Up to two
    /// minutes lets an alarm on one period see every point in time; beyond that it may judge a point missing.
    pub lag_s: (u32, u32),
    /// From the first touch of a quiet queue until points of it are measured again, seconds. AWS says up to 15 minutes.
    pub wake_s: (u32, u32),
}

impl Default for Knobs {
    fn default() -> Self {
        Self { lag_s: (60, 120), wake_s: (0, 900) }
    }
}

/// All metrics and alarms of the account.
#[derive(Debug)]
pub struct CloudWatch {
    store: Store,
    /// By name, which is also the order of evaluation.
    alarms: BTreeMap<String, Alarm>,
    queues: Vec<Reported>,
    /// Requests to edges that no minute's end has told the store of.
    edges: Edges,
    /// Alarms whose actions somebody disabled.
    disabled: BTreeSet<String>,
    /// Alarms that a mute rule mutes now.
    muted: BTreeSet<String>,
}

/// What may go wrong with alarms.
pub trait AlarmPlan: Send + Sync {
    /// Whether a mute rule holds the alarm's actions back in the minute that begins now.
    fn mutes(&self, _alarm: &str, _now: UnixMs) -> bool {
        false
    }

    /// Whether what the alarm tells a topic never gets there. Nothing is promised of such a notice, and nobody hears of it.
    fn loses(&self, _alarm: &str, _now: UnixMs) -> bool {
        false
    }
}

impl CloudWatch {
    /// The alarms of `alerting`, over a stack of these functions and queues.
    #[must_use]
    pub fn new(
        alerting: &Alerting,
        functions: &[&FunctionConfig],
        queues: &[String],
        seed: u64,
        now: UnixMs,
    ) -> Self {
        let mut ids = Ids::new(seed, "alarm metric ids");
        let Alerting { alarms: configs, knobs, past } = alerting;
        let mut store = Store::new(seed, knobs.lag_s);
        let alarm = |config: &AlarmConfig| {
            let alarm = Alarm::new(config.clone(), *past, now, || ids.uuid());
            for stat in config.measure.metrics() {
                store.watch(&stat.metric, alarm.looks_back_ms());
            }
            (config.name.clone(), alarm)
        };
        let alarms = configs.iter().map(alarm).collect();
        let polled: BTreeSet<&str> = functions
            .iter()
            .flat_map(|function| &function.sources)
            .map(|source| source.queue.as_str())
            .collect();
        let watched = queues.iter().filter(|queue| store.watches(SQS, "QueueName", queue));
        let reported = |queue: &String| {
            Reported::new(queue.clone(), polled.contains(queue.as_str()), knobs.wake_s, seed)
        };
        let queues = watched.map(reported).collect();
        let disabled = configs.iter().filter(|config| !config.actions_enabled);
        let disabled = disabled.map(|config| config.name.clone()).collect();
        let mut cloudwatch =
            Self { store, alarms, queues, edges: Edges::default(), disabled, muted: BTreeSet::new() };
        match past {
            Past::Idle => cloudwatch.recall_idle_past(functions, now),
            Past::New => {}
        }
        cloudwatch
    }

    /// Disables the actions of an alarm, as `aws cloudwatch disable-alarm-actions` does.
    pub fn disable_actions(&mut self, alarm: &str) {
        self.disabled.insert(alarm.to_owned());
    }

    /// Enables them again.
    pub fn enable_actions(&mut self, alarm: &str) {
        self.disabled.remove(alarm);
    }

    /// Mutes those alarms that the plan mutes, and no other.
    pub fn mute(&mut self, plan: &dyn AlarmPlan, now: UnixMs) {
        self.muted = self.alarms.keys().filter(|alarm| plan.mutes(alarm, now)).cloned().collect();
    }

    /// Whether a mute rule holds the actions of an alarm back.
    #[must_use]
    pub fn is_muted(&self, alarm: &str) -> bool {
        self.muted.contains(alarm)
    }

    /// Whether the actions of an alarm are enabled.
    #[must_use]
    pub fn is_enabled(&self, alarm: &str) -> bool {
        !self.disabled.contains(alarm)
    }

    /// Takes the metrics out of a line that a function wrote.
    pub fn log(&mut self, line: &Value, now: UnixMs) {
        self.store.measure(emf::points(line), now);
    }

    /// Takes note of an invocation of `function` that began at `began` and is over now.
    ///
    /// Its duration counts a cold start, which Lambda leaves out.
    pub fn invoked(&mut self, function: &str, began: UnixMs, end: InvocationEnd, now: UnixMs) {
        let duration_ms = u32::try_from(now.since_ms(began)).map_or(f64::MAX, f64::from);
        let mut points = invocation(function, end, began);
        points.push(of_function(function, "Duration", duration_ms, began));
        self.store.measure(points, now);
    }

    /// Takes note of a request to the edge of `distribution` that was answered at `at` with `status`: after so long, ms, from
    /// its arrival to the first byte of the answer, if it waited for the origin; none, if a cache had the answer, or the
    /// router. That a wait in vain counts is an assumption: CloudFront speaks of requests that the origin served.
    pub fn edge_request(&mut self, distribution: &str, at: UnixMs, status: u16, origin_ms: Option<u32>) {
        if self.store.watches(CLOUDFRONT, edge::DISTRIBUTION, distribution) {
            self.edges.note(distribution, at, status, origin_ms);
        }
    }

    /// Ends a minute: measures the queues and evaluates every alarm. `now` is the start of the next minute.
    pub fn end_minute(&mut self, sqs: &mut Sqs, now: UnixMs) -> Vec<Transition> {
        for queue in &mut self.queues {
            self.store.measure(queue.points(sqs, now), now);
        }
        self.store.measure(self.edges.points(now), now);
        self.store.advance(now);
        let until = whole_minute(now);
        self.alarms.values_mut().filter_map(|alarm| alarm.evaluate(&self.store, until, now)).collect()
    }

    /// Lets the alarms have found out before `now` how the idle stack is, so that nobody is told of it again.
    pub fn settle(&mut self, now: UnixMs) {
        for alarm in self.alarms.values_mut() {
            let _ = alarm.evaluate(&self.store, now, now);
        }
    }

    /// From now on every metric is kept for so long, ms, and not only those that an alarm looks at: for people who ask.
    pub fn keep_everything(&mut self, ms: i64) {
        self.store.keep_everything(ms);
    }

    /// The periods of a metric that end after `from` and by `to`, each with its beginning. Those without a point are left
    /// out.
    #[must_use]
    pub fn statistics(&self, stat: &MetricStat, from: UnixMs, to: UnixMs) -> Vec<(UnixMs, f64)> {
        let length_ms = 1000 * i64::from(stat.period_s);
        // Periods begin at whole multiples of their length, as CloudWatch stores them.
        let until = UnixMs((to.0.div_euclid(length_ms) + 1) * length_ms);
        let periods = usize::try_from(until.since_ms(from) / length_ms).unwrap_or(0);
        let series = self.store.series(stat, periods, until).into_iter().enumerate();
        let begins = |at: usize| until.plus_ms(-length_ms * i64::try_from(periods - at).unwrap_or(0));
        series.filter_map(|(at, value)| Some((begins(at), value?))).collect()
    }

    /// The state of an alarm.
    #[must_use]
    pub fn state(&self, alarm: &str) -> Option<&AlarmState> {
        self.alarms.get(alarm).map(Alarm::state)
    }

    /// Whether nothing is measured that an alarm could be judged by, as far back as it looks.
    #[must_use]
    pub fn hears_nothing(&self, alarm: &str, now: UnixMs) -> bool {
        self.alarms.get(alarm).is_some_and(|alarm| alarm.hears_nothing(&self.store, whole_minute(now)))
    }

    fn recall_idle_past(&mut self, functions: &[&FunctionConfig], now: UnixMs) {
        for function in functions {
            for schedule in &function.schedules {
                let every = i64::from(schedule.every_min);
                for minute in (1..=PAST_MIN).filter(|minute| minute % every == 0) {
                    let at = now.plus_ms(-minute * MINUTE_MS);
                    for point in invocation(&function.name, InvocationEnd::Answered, at) {
                        self.store.recall(point);
                    }
                }
            }
        }
    }
}

fn whole_minute(now: UnixMs) -> UnixMs {
    UnixMs(now.0.div_euclid(MINUTE_MS) * MINUTE_MS)
}

/// How an invocation ended, as far as metrics tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationEnd {
    /// With an answer.
    Answered,
    /// With an error, a crash or a timeout.
    Failed,
}

/// The points of one invocation. Nothing is ever throttled here, and Lambda says so, too.
fn invocation(function: &str, end: InvocationEnd, began: UnixMs) -> Vec<Point> {
    let errors = match end {
        InvocationEnd::Answered => 0.0,
        InvocationEnd::Failed => 1.0,
    };
    [("Invocations", 1.0), ("Errors", errors), ("Throttles", 0.0)]
        .map(|(name, value)| of_function(function, name, value, began))
        .to_vec()
}

fn of_function(function: &str, name: &str, value: f64, at: UnixMs) -> Point {
    let dimensions = BTreeMap::from([("FunctionName".to_owned(), function.to_owned())]);
    let metric = MetricName { namespace: LAMBDA.to_owned(), name: name.to_owned(), dimensions };
    Point { metric, at, samples: Samples::one(value) }
}
