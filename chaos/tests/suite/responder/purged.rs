//! Messages that are gone from their queue while traffic flows.

use chaos::checks::{Outcome, judge};
use chaos::experiment::Experiment;
use chaos::journal::{Event, QueueEvent};
use chaos::world::{Code, History, run};
use std::path::Path;

/// A short outage hands messages back, three of them are purged, and half an hour later somebody has them sent again.
const PURGED: &str = "
    title = 'Purged'
    workload = { payments = 600, over = '3h' }
    fault = [
        { kind = 'stripe-unavailable', from = '30m', for = '3m' },
        { kind = 'message-purged', nth = [2, 4, 5], from = '30m', for = '3m' },
    ]
    order = [{ at = '60m', command = 'release', with = { stranded = true } }]
    [expect]
    dead_letters = 'any'
    drained_within = '30m'";

/// From the last purge to the mail, ms: five minutes until a payment is late, four turns, one for the mail.
const TOLD_MS_MAX: i64 = 600_000;

fn history(seed: u64) -> History {
    let experiment = Experiment::parse(Path::new("test.toml"), PURGED).expect("it is well formed");
    run(experiment, seed, Code::DEPLOYED).expect("the world runs")
}

#[test]
fn payments_whose_messages_are_gone_are_told_in_ten_minutes_and_sent_again_by_one_order() {
    for seed in 1..=3 {
        let history = history(seed);
        let judgement = judge(&history);
        assert_eq!(judgement.outcome(), Outcome::Passed, "seed {seed}: {judgement:?}");
        let purged =
            history.records.iter().filter(|it| matches!(it.event, Event::Queue(QueueEvent::Purged { .. })));
        let purged: Vec<_> = purged.map(|record| record.at).collect();
        assert_eq!((purged.len(), history.book.len()), (3, 600), "seed {seed}");
        let is_of_them =
            |subject: &str| subject.contains("ACTION NEEDED") && subject.contains("without a message");
        let told = history.mails.iter().find(|mail| is_of_them(&mail.subject)).expect("somebody is told");
        assert!(told.at.since_ms(purged[2]) <= TOLD_MS_MAX, "seed {seed}: {told:?}, {purged:?}");
    }
}
