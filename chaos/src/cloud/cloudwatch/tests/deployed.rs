//! Alarms as they are deployed, minute by minute, where a whole world would be too much.

use super::*;
use crate::world::{Deployed, own_template};

/// An alarm of the template over its own queues, all of it new, with metrics that are never late.
struct Watch {
    cloudwatch: CloudWatch,
    sqs: Sqs,
    consumer: String,
    source: String,
    minutes: i64,
}

impl Watch {
    fn of(alarm: &str) -> Self {
        let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("the template loads");
        let alarms = deployed.stack.alarms.values().filter(|config| config.name.ends_with(alarm));
        let alerting = Alerting {
            alarms: alarms.cloned().collect(),
            knobs: Knobs { lag_s: (0, 0), wake_s: (0, 0) },
            past: Past::New,
        };
        let queues: Vec<_> = deployed.stack.queues.values().cloned().collect();
        let names: Vec<String> = queues.iter().map(|queue| queue.name.clone()).collect();
        Self {
            cloudwatch: CloudWatch::new(&alerting, &[], &names, 1, START),
            sqs: Sqs::new(&queues, 1, START, Journal::default()).expect("the queues exist"),
            consumer: deployed.consumer.name,
            source: deployed.names.source,
            minutes: 0,
        }
    }

    /// Passes minutes, in each of which so many invocations end like this; the changes, by minute.
    fn pass(&mut self, minutes: i64, invocations: u32, end: InvocationEnd) -> Vec<(i64, &'static str)> {
        let mut seen = Vec::new();
        for _ in 0..minutes {
            let at = minute(self.minutes).plus_ms(1_000);
            for _ in 0..invocations {
                self.cloudwatch.invoked(&self.consumer, at, end, at.plus_ms(50));
            }
            self.minutes += 1;
            let changes = self.cloudwatch.end_minute(&mut self.sqs, minute(self.minutes));
            seen.extend(changes.iter().map(|change| (self.minutes, change.state.value.name())));
        }
        seen
    }

    fn send(&mut self) {
        self.sqs.send(&self.source, NewMessage::text("{}"), minute(self.minutes)).expect("it is taken");
    }
}

#[test]
fn payments_that_nobody_takes_raise_the_alarm_though_the_consumer_was_never_invoked() {
    let mut watch = Watch::of("ConsumerFailing");
    assert_eq!(watch.pass(5, 0, InvocationEnd::Answered), [(1, "OK")], "a new stack, and nothing waits");
    watch.send();
    assert_eq!(watch.pass(10, 0, InvocationEnd::Answered), [(9, "ALARM")], "four minutes");
}

#[test]
fn payments_that_wait_while_others_are_taken_raise_no_alarm() {
    let mut watch = Watch::of("ConsumerFailing");
    watch.send();
    assert_eq!(watch.pass(30, 1, InvocationEnd::Answered), [(1, "OK")]);
    assert_eq!(watch.pass(5, 1, InvocationEnd::Failed), [(34, "ALARM")], "four failures do");
}
