//! The minute: what happens in the account by the clock alone.
//!
//! Each virtual minute, on the minute, CloudWatch measures and evaluates, changed alarms speak, and schedules fire.
//! Invariant: between two minutes nothing in here wakes, so an idle world costs one step a minute.

use super::cloudwatch::{AlarmPlan, Transition};
use super::crew::Crew;
use super::eventbridge::{Carrier, Delivery, EventBridge};
use super::names::Region;
use super::services::Services;
use crate::journal::{AlarmChanged, Journal};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::sync::Arc;

const MINUTE_MS: i64 = 60_000;

/// The task that lives by the minute.
pub(super) struct Minutes {
    pub(super) services: Services,
    pub(super) bus: EventBridge,
    pub(super) carrier: Arc<Carrier>,
    pub(super) crew: Crew,
    pub(super) journal: Journal,
    pub(super) plan: Arc<dyn AlarmPlan>,
    /// What muted alarms would have said last.
    pub(super) held: BTreeMap<String, Transition>,
}

impl Minutes {
    /// Never returns; ends when it is dropped.
    pub(super) async fn pass(mut self) {
        let clock = *self.services.clock();
        // The first minute may already have begun: its schedules are still to fire.
        self.begin(clock.now());
        loop {
            let next = UnixMs((clock.now().0.div_euclid(MINUTE_MS) + 1) * MINUTE_MS);
            clock.sleep_until(next).await;
            self.end(next);
            self.begin(next);
        }
    }

    /// Ends the minute before `now`.
    fn end(&mut self, now: UnixMs) {
        let changed = self.services.cloudwatch().end_minute(&mut self.services.sqs(), now);
        self.services.sqs().count(now);
        for transition in changed {
            self.speak(&transition, now);
        }
    }

    /// Begins the minute at `now`.
    fn begin(&mut self, now: UnixMs) {
        self.services.cloudwatch().mute(&*self.plan, now);
        self.let_go(now);
        let due = self.bus.begin_minute(now);
        self.deliver(due);
    }

    fn speak(&mut self, transition: &Transition, now: UnixMs) {
        let changed = AlarmChanged {
            alarm: transition.alarm.name.clone(),
            from: transition.previous.value,
            to: transition.state.value,
            reason: transition.state.reason.clone(),
        };
        self.journal.record(now, changed);
        // Each region has a bus of its own, and rules stand on one of them alone.
        if transition.alarm.region == Region::Home {
            let deliveries = self.bus.put(transition.event(), now);
            self.deliver(deliveries);
        }
        let alarm = &transition.alarm.name;
        if self.services.cloudwatch().is_muted(alarm) {
            self.held.insert(alarm.clone(), transition.clone());
        } else {
            self.act(transition, now);
        }
    }

    /// An alarm that is still in the state of which its mute rule let nobody hear runs its actions when the rule ends.
    fn let_go(&mut self, now: UnixMs) {
        for (alarm, transition) in std::mem::take(&mut self.held) {
            let (is_muted, is_still) = {
                let cloudwatch = self.services.cloudwatch();
                (cloudwatch.is_muted(&alarm), cloudwatch.state(&alarm) == Some(&transition.state))
            };
            if is_muted {
                self.held.insert(alarm, transition);
            } else if is_still {
                self.act(&transition, now);
            }
        }
    }

    fn act(&self, transition: &Transition, now: UnixMs) {
        if !self.services.cloudwatch().is_enabled(&transition.alarm.name) {
            return;
        }
        for publication in transition.publications() {
            if self.plan.loses(&transition.alarm.name, now) {
                continue;
            }
            self.services.publish_as(&transition.speaker(), &publication, now);
        }
    }

    fn deliver(&self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            self.crew.start(Arc::clone(&self.carrier).carry(delivery));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Alerting;
    use crate::cloud::cloudwatch::Knobs;
    use crate::cloud::cloudwatch::fixtures::{alarm, number};
    use crate::cloud::config::{
        AlarmActions, AlarmConfig, FunctionConfig, Measure, MetricName, MetricStat, RuleConfig, Statistic,
        TargetConfig,
    };
    use crate::cloud::container::{Container, Function};
    use crate::cloud::eventbridge::Pattern;
    use crate::cloud::fixtures::{World, alerted, consumer, script};
    use crate::cloud::names;
    use crate::cloud::plans::Plans;
    use crate::journal::{Event, FunctionEvent, QueueEvent, StateValue};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;
    use std::io::Write;

    /// Any dead letter.
    fn dead_letters_waiting() -> AlarmConfig {
        let on_call = vec![names::topic_arn("alerts")];
        let actions = AlarmActions { alarm: on_call, ..AlarmActions::default() };
        AlarmConfig { threshold: number(0.0), actions, ..alarm() }
    }

    /// A consumer that fails whatever it gets, and a responder that answers alarms.
    fn outage(alarms: Vec<AlarmConfig>, seed: u64) -> World {
        let pattern = json!({ "source": ["aws.cloudwatch"], "detail": { "state": { "value": ["ALARM"] } } });
        let pattern = Pattern::parse(&pattern).unwrap();
        let rule = RuleConfig { name: "alarms".to_owned(), pattern, target: TargetConfig::default() };
        let failing = script(async |_, _, _| Err("no Stripe".to_owned()));
        let responder = FunctionConfig {
            logical_id: "Responder".to_owned(),
            name: "payments-responder".to_owned(),
            sources: vec![],
            rules: vec![rule],
            ..consumer()
        };
        let answering = script(async |_, payload, _| {
            let event: Value = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
            Ok(event["detail"]["alarmName"].to_string().into_bytes())
        });
        let functions = vec![(consumer(), failing), (responder, answering)];
        let alerting = Alerting { alarms, ..Alerting::default() };
        alerted(functions, Plans::default(), alerting, seed)
    }

    fn instants(world: &World, wanted: impl Fn(&Event) -> bool) -> Vec<UnixMs> {
        let records = world.journal.records().into_iter();
        records.filter(|record| wanted(&record.event)).map(|record| record.at).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_letter_raises_an_alarm_that_reaches_the_responder_and_the_topic() {
        let world = outage(vec![dead_letters_waiting()], 1);
        world.send("a payment");
        world.run_for_s(3_600).await;
        let dead = instants(&world, |event| matches!(event, Event::Queue(QueueEvent::DeadLettered { .. })));
        let alarmed = instants(&world, |event| {
            matches!(event, Event::Alarm(AlarmChanged { to: StateValue::Alarm, .. }))
        });
        let responded = instants(&world, |event| {
            let Event::Function(FunctionEvent::Invoked { function, .. }) = event else { return false };
            function == "Responder"
        });
        let ([dead], [alarmed], [responded]) = (dead.as_slice(), alarmed.as_slice(), responded.as_slice())
        else {
            panic!("once each: {dead:?} {alarmed:?} {responded:?}")
        };
        assert!((1..=240_000).contains(&alarmed.since_ms(*dead)), "{}", alarmed.since_ms(*dead));
        assert!((200..=2_000).contains(&responded.since_ms(*alarmed)), "{}", responded.since_ms(*alarmed));
        let [mail] = world.cloud.services().sns().mailbox().to_vec().try_into().unwrap();
        assert_eq!(mail.subject, r#"ALARM: "waiting" in EU (Frankfurt)"#);
    }

    #[tokio::test(start_paused = true)]
    async fn minutes_are_those_of_the_clock() {
        let world = outage(vec![dead_letters_waiting()], 1);
        world.run_for_s(600).await;
        let changed = instants(&world, |event| matches!(event, Event::Alarm(AlarmChanged { .. })));
        assert!(!changed.is_empty() && changed.iter().all(|at| at.0 % MINUTE_MS == 0), "{changed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_seed_tells_one_story() {
        let mut stories = Vec::new();
        for seed in [1, 1, 2] {
            let world = outage(vec![dead_letters_waiting()], seed);
            world.send("a payment");
            world.run_for_s(3_600).await;
            stories.push(serde_json::to_string(&world.journal.records()).unwrap());
        }
        assert_eq!(stories[0], stories[1]);
        assert_ne!(stories[0], stories[2]);
    }

    #[tokio::test(start_paused = true)]
    async fn alarms_change_nothing_but_what_they_set_off() {
        let mut stories = Vec::new();
        for alarms in [vec![], vec![dead_letters_waiting()]] {
            let world = outage(alarms, 1);
            world.send("a payment");
            world.run_for_s(3_600).await;
            let records = world.journal.records().into_iter();
            let alerts = |event: &Event| match event {
                Event::Alarm(_)
                | Event::Bus(_)
                | Event::Topic(_)
                | Event::Function(FunctionEvent::Answered { .. }) => true,
                Event::Function(
                    FunctionEvent::Invoked { function, .. }
                    | FunctionEvent::ContainerStarted { function, .. },
                ) => function == "Responder",
                Event::Queue(_)
                | Event::MoveTask(_)
                | Event::Function(_)
                | Event::Stripe(_)
                | Event::Table(_)
                | Event::Pipe(_)
                | Event::Edge(_)
                | Event::Fault(_)
                | Event::Access(_) => false,
            };
            let ours = records.filter(|record| !alerts(&record.event));
            stories.push(serde_json::to_string(&ours.collect::<Vec<_>>()).unwrap());
        }
        assert_eq!(stories[0], stories[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn metrics_that_wake_up_late_delay_the_alarm() {
        let knobs = Knobs { wake_s: (900, 900), ..Knobs::default() };
        let alerting = Alerting { alarms: vec![dead_letters_waiting()], knobs, ..Alerting::default() };
        let failing = script(async |_, _, _| Err("no Stripe".to_owned()));
        let world = alerted(vec![(consumer(), failing)], Plans::default(), alerting, 1);
        world.run_for_s(24 * 3_600).await;
        world.send("a payment");
        world.run_for_s(2 * 3_600).await;
        let dead =
            instants(&world, |event| matches!(event, Event::Queue(QueueEvent::DeadLettered { .. })))[0];
        let alarmed = instants(&world, |event| {
            matches!(event, Event::Alarm(AlarmChanged { to: StateValue::Alarm, .. }))
        })[0];
        assert!((900_000..=1_200_000).contains(&alarmed.since_ms(dead)), "{}", alarmed.since_ms(dead));
    }

    /// A function that an alarm watches: what is journaled of both when it is invoked once.
    async fn watched(work: Arc<dyn Function>, metric: MetricName) -> Vec<&'static str> {
        let stat = MetricStat { metric, statistic: Statistic::Sum, period_s: 60 };
        let alarm = AlarmConfig { measure: Measure::Metric(stat), threshold: number(0.0), ..alarm() };
        let alerting = Alerting { alarms: vec![alarm], ..Alerting::default() };
        let function = FunctionConfig { sources: vec![], ..consumer() };
        let world = alerted(vec![(function, work)], Plans::default(), alerting, 1);
        world.run_for_s(60).await;
        world.cloud.function("Consumer").unwrap().invoke(b"{}".to_vec(), vec![]).await;
        world.run_for_s(600).await;
        world.events(|event| {
            if let Event::Alarm(AlarmChanged { to, .. }) = event {
                return Some(to.name());
            }
            matches!(event, Event::Function(FunctionEvent::Metrics { .. })).then_some("line")
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_a_function_writes_reaches_the_journal_and_the_alarms() {
        let writing = script(async |container: Container, payload, _| {
            let line = json!({
                "_aws": {
                    "CloudWatchMetrics": [{ "Namespace": "shop", "Dimensions": [[]], "Metrics": [{ "Name": "Lost" }] }],
                    "Timestamp": container.clock.now().0,
                },
                "Lost": 1,
            });
            let mut output = container.metrics.clone();
            writeln!(output, "{line}").map_err(|error| error.to_string())?;
            Ok(payload)
        });
        let metric =
            MetricName { namespace: "shop".to_owned(), name: "Lost".to_owned(), dimensions: BTreeMap::new() };
        assert_eq!(watched(writing, metric).await, ["line", "ALARM", "INSUFFICIENT_DATA"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_invocation_that_fails_reaches_the_alarms() {
        let failing = script(async |_, _, _| Err("no table".to_owned()));
        let dimensions = BTreeMap::from([("FunctionName".to_owned(), "payments-consumer".to_owned())]);
        let metric = MetricName { namespace: "AWS/Lambda".to_owned(), name: "Errors".to_owned(), dimensions };
        assert_eq!(watched(failing, metric).await, ["ALARM", "INSUFFICIENT_DATA"]);
    }
}
