//! What people are told and what is moved, over whole outages: once for each transition, whoever else is at work.

use chaos::checks::{Outcome, Verdict, judge};
use chaos::experiment::Experiment;
use chaos::journal::{Event, FaultFired, MoveTaskEvent};
use chaos::promises::Check;
use chaos::world::{Code, History, run};
use std::path::Path;

/// A provider that is gone for half an hour.
const OUTAGE: &str = "
    title = 'Outage'
    workload = { payments = 200, over = '1h30m' }
    fault = [{ kind = 'stripe-unavailable', from = '20m', for = '30m' }]";

/// Five minutes down, ten minutes up, again and again.
const FLAPPING: &str = "
    title = 'Flapping'
    workload = { payments = 600, over = '2h10m' }
    fault = [
        { kind = 'stripe-unavailable', from = '20m', for = '5m' },
        { kind = 'stripe-unavailable', from = '35m', for = '5m' },
        { kind = 'stripe-unavailable', from = '50m', for = '5m' },
        { kind = 'stripe-unavailable', from = '65m', for = '5m' },
        { kind = 'stripe-unavailable', from = '80m', for = '5m' },
        { kind = 'stripe-unavailable', from = '95m', for = '5m' },
    ]";

fn history_of(experiment: &str, seed: u64) -> History {
    let experiment = Experiment::parse(Path::new("test.toml"), experiment).expect("it is well formed");
    run(experiment, seed, Code::DEPLOYED).expect("the world runs")
}

/// The words of the subjects that tell one transition from another.
fn transitions(history: &History) -> Vec<&'static str> {
    let subjects: Vec<&str> = history.mails.iter().map(|mail| mail.subject.as_str()).collect();
    transitions_of(&subjects)
}

fn transitions_of(subjects: &[&str]) -> Vec<&'static str> {
    let words = ["ACTION NEEDED", "back to waiting", "recovering", "resolved", "quarantine", "waiting"];
    let word = |subject: &str| words.into_iter().find(|word| subject.contains(word)).unwrap_or("another");
    subjects.iter().map(|subject| word(subject)).collect()
}

/// How many move tasks ran at the same time, at most.
fn tasks_at_once(history: &History) -> usize {
    let (mut running, mut most) = (0, 0);
    for record in &history.records {
        match &record.event {
            Event::MoveTask(MoveTaskEvent::Started { .. }) => running += 1,
            Event::MoveTask(MoveTaskEvent::Ended { .. }) => running -= 1,
            _ => {}
        }
        most = most.max(running);
    }
    most
}

#[test]
fn two_responders_at_once_tell_each_transition_once_and_run_one_task_at_a_time() {
    let twice = OUTAGE.replace("fault = [", "fault = [{ kind = 'event-twice', rate = 1.0 }, ");
    for seed in 1..=3 {
        let history = history_of(&twice, seed);
        let judgement = judge(&history);
        assert_eq!(judgement.outcome(), Outcome::Passed, "seed {seed}: {judgement:?}");
        assert_eq!(transitions(&history), ["waiting", "recovering", "resolved"], "seed {seed}");
        assert_eq!(tasks_at_once(&history), 1, "seed {seed}");
        let refused = |event: &Event| matches!(event, Event::MoveTask(MoveTaskEvent::Refused { .. }));
        assert!(!history.records.iter().any(|record| refused(&record.event)), "seed {seed}");
    }
}

#[test]
fn a_provider_that_flaps_makes_nobody_get_up() {
    for seed in 1..=4 {
        let history = history_of(FLAPPING, seed);
        let judgement = judge(&history);
        assert_eq!(judgement.outcome(), Outcome::Passed, "seed {seed}: {judgement:?}");
        let told = transitions(&history);
        assert!(!told.contains(&"ACTION NEEDED"), "seed {seed}: {told:?}");
        let tasks = history
            .records
            .iter()
            .filter(|record| matches!(record.event, Event::MoveTask(MoveTaskEvent::Started { .. })));
        assert!(tasks.count() > 3, "it was redriven again and again");
        let held = |body: &str| !body.contains("did not hold");
        assert!(history.mails.iter().all(|mail| held(&mail.body)), "seed {seed}");
    }
}

#[test]
fn a_topic_that_takes_nothing_for_hours_is_followed_by_one_mail_that_says_what_is_so() {
    let silent = "
        title = 'A silent topic'
        workload = { payments = 200, over = '6h' }
        fault = [
            { kind = 'stripe-unavailable', from = '20m', for = '30m' },
            { kind = 'stripe-unavailable', from = '3h', for = '2h' },
            { kind = 'sns-failing', placement = 'before', from = '10m', for = '4h', rate = 1.0 },
        ]";
    let history = history_of(silent, 1);
    let of_the_responder = history.mails.iter().filter(|mail| mail.subject.starts_with("[payments] "));
    let mails: Vec<_> = of_the_responder.collect();
    let subjects: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(transitions_of(&subjects), ["waiting", "recovering", "resolved"], "{subjects:?}");
    assert!(subjects.iter().all(|subject| subject.starts_with("[payments] #2 ")), "{subjects:?}");
    let first = &mails[0].body;
    assert!(first.contains("This mail stands for 4 that were not sent."), "{first}");
    let judgement = judge(&history);
    let Some(Verdict::Pass(said)) = judgement.of(Check::OneMailPerTransition) else {
        panic!("{judgement:?}")
    };
    assert_eq!(said, "6 transitions, a mail each, 4 transitions told by a later one");
}

/// Found by `cargo chaos search`, seed 1046.
#[test]
fn no_task_is_asked_for_while_its_only_dead_letter_could_not_be_shown_again() {
    // The consumer hands the drill back five times; the sixth is the responder's.
    let drill = "
        title = 'A drill that stays hidden'
        workload = { bodies = ['PYMT_FAILED'], over = '1m' }
        fault = [{ kind = 'visibility-refused', nth = [6] }]";
    let history = history_of(drill, 1);
    let refused = |event: &Event| matches!(event, Event::Fault(FaultFired { .. }));
    assert!(history.records.iter().any(|record| refused(&record.event)), "the entry was refused");
    let started = history.records.iter().filter_map(|record| match record.event {
        Event::MoveTask(MoveTaskEvent::Started { to_move, .. }) => Some(to_move),
        _ => None,
    });
    let started: Vec<u64> = started.collect();
    assert!(!started.is_empty() && started.iter().all(|to_move| *to_move > 0), "{started:?}");
}

/// Found by `cargo chaos search`, seed 6251.
#[test]
fn a_message_that_a_task_left_behind_did_not_come_back() {
    let drill = "
        title = 'A drill that three tasks leave behind'
        workload = { bodies = ['PYMT_FAILED'], over = '1m' }
        fault = [{ kind = 'move-task-misses', nth = [1, 2, 3] }]";
    let history = history_of(drill, 1);
    let moved: Vec<u64> = history
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::MoveTask(MoveTaskEvent::Ended { moved, .. }) => Some(*moved),
            _ => None,
        })
        .collect();
    assert_eq!(moved, [0, 0, 0, 1, 1, 1], "it came back three times before it was quarantined");
    assert_eq!(history.held(&history.names.quarantine).len(), 1);
}
