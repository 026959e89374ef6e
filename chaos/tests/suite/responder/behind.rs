//! Trouble of our own that comes while many payments wait for something else.

use chaos::experiment::Experiment;
use chaos::faults::Kind;
use chaos::journal::{Event, FaultFired, Record};
use chaos::world::{Code, Deployed, World, own_template};
use std::path::Path;

/// Payments that an outage of their own keeps waiting: more than are looked at from either end.
const WAITING: usize = 60;
/// Payments that Stripe refuses alike, behind them.
const REFUSED: usize = 6;
/// From the third of those to the mail, ms.
const TOLD_MS_MAX: i64 = 600_000;

fn ids(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(|n| format!("'order-{n:06}'")).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_the_newest_share_is_told_though_many_older_ones_wait_for_something_else() {
    let text = format!(
        "title = 'Behind'
        workload = {{ payments = {all}, over = '30m' }}
        fault = [
            {{ kind = 'stripe-unavailable', for = '2h', payments = [{waiting}] }},
            {{ kind = 'stripe-refusing', operations = ['confirm'], for = '2h', payments = [{refused}] }},
        ]",
        all = WAITING + REFUSED,
        waiting = ids(1..=WAITING),
        refused = ids(WAITING + 1..=WAITING + REFUSED),
    );
    let experiment = Experiment::parse(Path::new("test.toml"), &text).expect("it is well formed");
    let deployed = Deployed::load(&own_template(), &experiment.parameters).expect("the template is good");
    let world = World::new(deployed, experiment, 1).expect("its payments are made up");
    let history = world.run(Code::DEPLOYED, &mut |_| {}).expect("the world runs");

    let fired = |record: &&Record| {
        matches!(record.event, Event::Fault(FaultFired { fault: Kind::StripeRefusing, .. }))
    };
    let third = history.records.iter().filter(fired).nth(2).expect("it fired").at;
    let asked = history.mails.iter().find(|mail| mail.subject.contains("ACTION NEEDED")).expect("it is told");
    assert!((0..TOLD_MS_MAX).contains(&asked.at.since_ms(third)), "{third:?} {asked:?}");
    assert!(asked.body.contains("At least 3 of them were refused"), "{asked:?}");
}
