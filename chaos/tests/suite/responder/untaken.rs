//! An event source mapping that somebody disabled: messages wait, and no function takes them.

use chaos::checks::{Outcome, judge};
use chaos::experiment::Experiment;
use chaos::journal::{Event, FaultFired, Record};
use chaos::world::{Code, Deployed, Ending, History, World, own_template};
use payments::UnixMs;
use payments::limits::REMINDER_MS;
use std::path::Path;

/// Disabled an hour after the first payment, for more than half of the time that a message is kept.
const DISABLED: &str = "
    title = 'Disabled'
    workload = { payments = 40, over = '2h' }
    fault = [{ kind = 'mapping-disabled', from = '1h', for = '28h', rate = 1.0 }]
    [expect]
    dead_letters = 'none'";

/// How long a message is kept here, s: little more than two days, of which a warning takes half.
const RETENTION_S: u32 = 2 * 86_400 + 6 * 3_600;
/// When it is warned of, ms.
const WARNING_MS: i64 = RETENTION_S as i64 * 500;
/// From the first message that nobody takes to the mail that says so, ms: a look at the queue, and the time for which a
/// poller may be busy elsewhere.
const TOLD_MS_MAX: i64 = 600_000;

fn history() -> History {
    let experiment = Experiment::parse(Path::new("test.toml"), DISABLED).expect("it is well formed");
    let mut deployed = Deployed::load(&own_template(), &experiment.parameters).expect("the template is good");
    deployed.stack.queues.get_mut("Payments").expect("it is there").retention_s = RETENTION_S;
    let world = World::new(deployed, experiment, 1).expect("its payments are made up");
    world.run(Code::DEPLOYED, &mut |_| {}).expect("the world runs")
}

/// When the first message was sent that nobody took at once.
fn left(history: &History) -> UnixMs {
    let is_disabled = |record: &&Record| matches!(record.event, Event::Fault(FaultFired { .. }));
    let disabled = history.records.iter().find(is_disabled).expect("it fired").at;
    history.sent.iter().map(|sent| sent.at).find(|at| *at > disabled).expect("payments went on to come")
}

#[test]
fn a_disabled_mapping_is_told_in_minutes_daily_and_as_urgent_before_anything_expires() {
    let history = history();
    let judgement = judge(&history);
    assert_eq!((history.ending, judgement.outcome()), (Ending::Drained, Outcome::Passed), "{judgement:?}");
    let left = left(&history);
    let told = history.mails.iter().filter(|mail| !mail.subject.contains("ConsumerFailing"));
    let told: Vec<(i64, &str)> = told.map(|mail| (mail.at.since_ms(left), mail.subject.as_str())).collect();
    let [opened, reminder, expiring, resolved] = told[..] else { panic!("{told:?}") };
    assert!((0..TOLD_MS_MAX).contains(&opened.0) && opened.1.contains("ACTION NEEDED"), "{told:?}");
    assert!(is_after(reminder.0, opened.0 + REMINDER_MS) && reminder.1.contains("ACTION NEEDED"), "{told:?}");
    // How old the first is that nobody took is known to the minutes between two looks.
    assert!(is_after(expiring.0, WARNING_MS), "{told:?}");
    assert!(expiring.1.contains("ACTION NEEDED: messages expire"), "{told:?}");
    assert!(resolved.1.contains("resolved"), "{told:?}");
}

/// Whether something happened then, or as many minutes later as a queue is not looked at.
fn is_after(at_ms: i64, then_ms: i64) -> bool {
    (then_ms..then_ms + 300_000).contains(&at_ms)
}
