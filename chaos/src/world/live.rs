//! A world in real time, for functions that are processes: what it takes, and how far it may be hurried.
//!
//! Only the experiment is hurried: what is sent, ordered and goes wrong. Visibility, alarms, timeouts and turns take what
//! the template says, because nothing that runs knows of any other clock.
//! Invariant: no speed is accepted at which the template could not do what it does at its own.

use super::{Deployed, WorldError};
use crate::cloud::config::{Measure, Source};
use crate::experiment::{DeadLetters, Experiment};
use crate::faults::{Fault, Window};
use crate::workload::Arrival;
use payments::UnixMs;
use payments::limits::{BACKOFF_S_BASE, BACKOFF_S_MAX};

/// Between two turns, and two samples of a metric, ms.
const MINUTE_MS: u64 = 60_000;

/// Calls to Stripe that a payment takes when nothing goes wrong.
const CALLS_PER_PAYMENT: u64 = 2;

/// What real time means for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealTime {
    /// What time it is when it begins.
    pub now: UnixMs,
    /// How many times as fast as its file says the experiment is, 1 or more.
    pub speed: u32,
}

/// Why a speed is too high, and the highest that is not.
struct Bound {
    speed_max: u64,
    why: String,
}

impl RealTime {
    /// The experiment as it is run, and what is sent.
    ///
    /// # Errors
    /// When it cannot happen to processes, or not at this speed.
    pub(super) fn hurry(
        self,
        deployed: &Deployed,
        experiment: Experiment,
        mut arrivals: Vec<Arrival>,
    ) -> Result<(Experiment, Vec<Arrival>), WorldError> {
        let refused = |what: String, accepted: String| WorldError::Target { what, accepted };
        if let Some(kind) = experiment.faults.iter().map(|fault| fault.kind).find(|it| !it.is_of_reality()) {
            let what = format!("fault {kind} cannot be put into a process");
            return Err(refused(what, "--target sim, or another fault".to_owned()));
        }
        if experiment.turns.is_some() {
            return Err(refused("turns cannot be ordered among processes".into(), "--target sim".into()));
        }
        let speed = u64::from(self.speed.max(1));
        let bounds = [
            of_pace(deployed, &experiment, &arrivals),
            of_outages(deployed, &experiment),
            of_minutes(&experiment),
        ];
        let tightest = bounds.into_iter().flatten().min_by_key(|bound| bound.speed_max);
        if let Some(Bound { speed_max, why }) = tightest
            && speed > speed_max.max(1)
        {
            let (what, accepted) =
                (format!("speed {speed}"), format!("1 to {}, because {why}", speed_max.max(1)));
            return Err(refused(what, accepted));
        }
        for arrival in &mut arrivals {
            arrival.at_ms /= speed;
        }
        Ok((Experiment { starts: self.now, ..hurried(experiment, speed) }, arrivals))
    }
}

fn hurried(mut experiment: Experiment, speed: u64) -> Experiment {
    for Fault { window: Window { from_ms, until_ms }, .. } in &mut experiment.faults {
        *from_ms /= speed;
        if *until_ms < u64::MAX {
            *until_ms /= speed;
        }
    }
    for order in &mut experiment.orders {
        order.at_ms /= speed;
    }
    experiment
}

/// More payments than go out would be an experiment of its own: a backlog.
fn of_pace(deployed: &Deployed, experiment: &Experiment, arrivals: &[Arrival]) -> Option<Bound> {
    let calls_per_s = deployed.alerted().stripe_calls_per_s?;
    let count = arrivals.len() as u64;
    let span_ms = arrivals.last()?.at_ms.max(experiment.faults_end_ms());
    let speed_max = span_ms * calls_per_s / (1_000 * CALLS_PER_PAYMENT * count);
    let why = format!(
        "{count} payments at {CALLS_PER_PAYMENT} calls each must go out at the {calls_per_s} calls a second that the template lets through"
    );
    Some(Bound { speed_max, why })
}

/// An outage that is shorter than what it is to bring about proves nothing.
fn of_outages(deployed: &Deployed, experiment: &Experiment) -> Option<Bound> {
    let outages = experiment.faults.iter().filter(|fault| fault.prevents_calls());
    let lengths = outages.map(|fault| fault.window.length_ms()).filter(|ms| *ms > 0);
    let shortest_ms = lengths.min()?;
    let dead_letters_ms = match experiment.expect.dead_letters {
        DeadLetters::Some => dead_lettered_after_ms(deployed),
        DeadLetters::None | DeadLetters::Any => 0,
    };
    let least_ms = dead_letters_ms.max(alarms_after_ms(deployed, experiment));
    let why = format!(
        "an outage must outlast the {} s in which payments use up their receives and alarms their periods",
        least_ms / 1_000
    );
    Some(Bound { speed_max: shortest_ms.checked_div(least_ms)?, why })
}

/// What lasts less than a minute may fall between two turns of the responder, and two samples of a metric.
fn of_minutes(experiment: &Experiment) -> Option<Bound> {
    let lengths = experiment.faults.iter().map(|fault| fault.window.length_ms());
    let shortest_ms = lengths.filter(|ms| *ms >= MINUTE_MS).min()?;
    let why = "a fault must outlast the minute between two turns of the responder".to_owned();
    Some(Bound { speed_max: shortest_ms / MINUTE_MS, why })
}

/// How long a payment takes at most to use up its receives.
fn dead_lettered_after_ms(deployed: &Deployed) -> u64 {
    let source = deployed.stack.queues.values().find(|queue| queue.name == deployed.names.source);
    let receives = source.and_then(|queue| queue.redrive.as_ref()).map_or(1, |redrive| redrive.receives_max);
    let pauses =
        (1..receives).map(|receive| BACKOFF_S_BASE.checked_shl(receive - 1).unwrap_or(BACKOFF_S_MAX));
    pauses.map(|pause_s| 1_000 * u64::from(pause_s.min(BACKOFF_S_MAX))).sum()
}

/// How long the slowest of the alarms that are expected looks before it goes off.
fn alarms_after_ms(deployed: &Deployed, experiment: &Experiment) -> u64 {
    let expected = experiment.expect.alarms.iter().flatten();
    let alarms =
        expected.flat_map(|name| deployed.stack.alarms.iter().filter(move |(id, _)| id.ends_with(name)));
    let periods =
        alarms.map(|(_, alarm)| 1_000 * u64::from(alarm.periods) * u64::from(period_s(&alarm.measure)));
    periods.max().unwrap_or(0)
}

fn period_s(measure: &Measure) -> u32 {
    match measure {
        Measure::Metric(metric) => metric.period_s,
        Measure::Math { queries, .. } => {
            let periods = queries.iter().filter_map(|query| match &query.source {
                Source::Metric(metric) => Some(metric.period_s),
                Source::Expression(_) => None,
            });
            periods.max().unwrap_or(60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::own_template;
    use std::collections::BTreeMap;
    use std::path::Path;

    const NOW: UnixMs = UnixMs(1_800_000_000_000);

    fn hurried(text: &str, speed: u32) -> Result<(Experiment, Vec<Arrival>), String> {
        let experiment = Experiment::parse(Path::new("mine.toml"), text).expect("it is good");
        let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("it is good");
        let arrivals = experiment.workload.arrivals(1).expect("they are made up");
        let hurried = RealTime { now: NOW, speed }.hurry(&deployed, experiment, arrivals);
        hurried.map_err(|error| error.to_string())
    }

    const OUTAGE: &str = "workload = { payments = 100, over = '2h' }
        expect = { dead_letters = 'some' }
        [[order]]
        at = '1h'
        command = 'status'
        [[fault]]
        from = '30m'
        for = '30m'";

    #[test]
    fn what_is_sent_ordered_and_goes_wrong_is_hurried_and_begins_now() {
        let (usual, usually) = hurried(OUTAGE, 1).expect("it can be run");
        let (fast, soon) = hurried(OUTAGE, 3).expect("it can be run");
        assert_eq!((usual.starts, fast.starts), (NOW, NOW));
        assert_eq!(usual.faults[0].window, Window { from_ms: 1_800_000, until_ms: 3_600_000 });
        assert_eq!(fast.faults[0].window, Window { from_ms: 600_000, until_ms: 1_200_000 });
        assert_eq!((usual.orders[0].at_ms, fast.orders[0].at_ms), (3_600_000, 1_200_000));
        assert_eq!(usual.drain_ms, fast.drain_ms);
        let thirds: Vec<u64> = usually.iter().map(|arrival| arrival.at_ms / 3).collect();
        assert_eq!(soon.iter().map(|arrival| arrival.at_ms).collect::<Vec<_>>(), thirds);
    }

    #[test]
    fn a_fault_without_an_end_has_none_at_any_speed() {
        let (experiment, _) =
            hurried("workload = { payments = 10, over = '1h' }\n[[fault]]\nkind = 'declined'", 2)
                .expect("it can");
        assert_eq!(experiment.faults[0].window.until_ms, u64::MAX);
    }

    #[test]
    fn a_speed_that_the_template_does_not_bear_is_refused_with_the_highest_that_it_does() {
        insta::assert_snapshot!(hurried(OUTAGE, 5).unwrap_err(), @"speed 5; accepted: 1 to 4, because an outage must outlast the 450 s in which payments use up their receives and alarms their periods");
        let alarms =
            OUTAGE.replace("dead_letters = 'some'", "dead_letters = 'any', alarms = ['PaymentsDelayed']");
        insta::assert_snapshot!(hurried(&alarms, 1_000).unwrap_err(), @"speed 1000; accepted: 1 to 30, because an outage must outlast the 60 s in which payments use up their receives and alarms their periods");
        insta::assert_snapshot!(hurried("workload = { payments = 600, over = '10m' }", 11).unwrap_err(), @"speed 11; accepted: 1 to 9, because 600 payments at 2 calls each must go out at the 20 calls a second that the template lets through");
        assert!(hurried("workload = { payments = 600, over = '10m' }", 9).is_ok());
        // What the file itself says is not held against it.
        assert!(hurried("workload = { payments = 60000, over = '10m' }", 1).is_ok());
        assert!(hurried(&OUTAGE.replace("for = '30m'", "for = '10s'"), 1).is_ok());
    }

    #[test]
    fn what_cannot_happen_to_a_process_is_refused_by_name() {
        insta::assert_snapshot!(
            hurried("[[fault]]\nkind = 'panic'", 1).unwrap_err(),
            @"fault panic cannot be put into a process; accepted: --target sim, or another fault"
        );
        insta::assert_snapshot!(
            hurried("turns = '12'\nworkload = { payments = 2 }", 1).unwrap_err(),
            @"turns cannot be ordered among processes; accepted: --target sim"
        );
    }
}
