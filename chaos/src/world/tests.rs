//! Whole runs: the real consumer, known-bad ones, and worlds that cannot be.

use super::fixtures::Answers;
use super::*;
use crate::checks::{Outcome, Verdict, judge};
use crate::journal::{Event, MoveTaskEvent, QueueEvent};
use crate::promises::Check;
use crate::template::Stack;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn experiment(text: &str) -> Experiment {
    Experiment::parse(Path::new("mine.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn run_real(text: &str, seed: u64) -> History {
    run(experiment(text), seed, Code::DEPLOYED).unwrap_or_else(|error| panic!("{error}"))
}

fn run_bad(text: &str, answer: Result<&'static str, &'static str>) -> History {
    let code = Code { consumer: &|_| Arc::new(Answers(answer)), ..Code::DEPLOYED };
    run(experiment(text), 1, code).unwrap_or_else(|error| panic!("{error}"))
}

/// The checks that failed.
fn failed(history: &History) -> Vec<&'static str> {
    let judgement = judge(history);
    let failed = judgement.verdicts().iter().filter(|(_, verdict)| matches!(verdict, Verdict::Fail(_)));
    failed.map(|(check, _)| check.name()).collect()
}

const OUTAGE: &str = "
    workload = { payments = 60, over = '40m' }
    fault = [{ from = '10m', for = '15m' }, { kind = 'malformed', rate = 0.2, from = '1m' }]";

#[test]
fn an_outage_leaves_every_payment_accounted_for() {
    let history = run_real(OUTAGE, 1);
    let judgement = judge(&history);
    assert_eq!(judgement.outcome(), Outcome::Passed, "{judgement:?}");
    assert_eq!(history.ending, Ending::Drained);
    let malformed = history.sent.iter().filter(|sent| sent.origin == Origin::Fault).count();
    assert_eq!((history.sent.len() - malformed, malformed > 0), (60, true));
    assert_eq!(history.held(&history.names.quarantine).len(), malformed);
    assert!(
        history
            .records
            .iter()
            .any(|record| matches!(record.event, Event::Queue(QueueEvent::DeadLettered { .. })))
    );
    assert!(history.held(&history.names.dead_letters).is_empty());
}

#[test]
fn the_same_seed_gives_the_same_journal_twice_in_one_process_and_another_seed_another() {
    let records = |seed| run_real(OUTAGE, seed).records;
    let first = records(1);
    assert_eq!(first, records(1));
    assert_ne!(first, records(2));
}

#[test]
fn a_consumer_that_acknowledges_everything_loses_payments() {
    let history = run_bad("workload = { payments = 3, over = '1m' }", Ok("{}"));
    let judgement = judge(&history);
    assert_eq!(judgement.outcome(), Outcome::Unsafe);
    assert_eq!(failed(&history), ["nothing-lost", "acknowledged-on-record"]);
}

#[test]
fn a_consumer_that_never_gets_anything_done_is_stuck_when_the_time_is_up() {
    let history = run_bad("drain = '1m'\nworkload = { payments = 3, over = '1m' }", Err("no"));
    assert_eq!(history.ending, Ending::TimeUp);
    assert_eq!(judge(&history).outcome(), Outcome::Stuck);
}

fn subjects(history: &History) -> Vec<&str> {
    history.mails.iter().map(|mail| mail.subject.as_str()).collect()
}

#[test]
fn a_consumer_that_always_fails_loses_nothing_blames_no_payment_and_has_a_human_called() {
    let history = run_bad("drain = '3h'\nworkload = { payments = 3, over = '1m' }", Err("no"));
    assert_eq!(failed(&history), ["drained"]);
    assert_eq!(
        subjects(&history),
        [
            "[payments] #1 ACTION NEEDED: 3 messages waiting: our consumer dies since 09:04Z",
            "[payments] #1 recovering: 3 messages going back",
            "[payments] #1 ACTION NEEDED: what is moved back comes back; 3 messages waiting",
        ]
    );
}

#[test]
fn what_takes_half_an_hour_to_fail_is_quarantined_within_one_incident() {
    let history = run_bad("drain = '4h'\nworkload = { bodies = ['PYMT_FAILED'], over = '1m' }", Err("no"));
    assert_eq!(failed(&history), [""; 0]);
    assert_eq!(history.ending, Ending::Drained);
    // Each round takes so long because every delivery dies and its visibility has to end.
    let tasks = history
        .records
        .iter()
        .filter(|record| matches!(record.event, Event::MoveTask(MoveTaskEvent::Started { .. })));
    assert_eq!(tasks.count(), 3);
    assert_eq!(history.held(&history.names.quarantine).len(), 1);
    assert_eq!(
        subjects(&history),
        [
            "[payments] #1 1 message waiting: cause not in the ledger since 09:30Z",
            "[payments] #1 recovering: 1 message going back",
            "[payments] #Q1 1 message in quarantine: for office hours",
            "[payments] #1 resolved after 1 h 44 min: nothing waits any more",
        ]
    );
}

const BY_HAND: &str = "
    parameters = { AutoRedrive = 'off' }
    workload = { payments = 60, over = '40m' }
    fault = [{ from = '10m', for = '15m' }]";

#[test]
fn with_auto_redrive_off_nothing_is_redriven_and_the_mail_carries_the_command() {
    let history = run_real(BY_HAND, 1);
    assert_eq!(failed(&history), [""; 0]);
    assert!(!history.held(&history.names.dead_letters).is_empty());
    assert!(
        !history
            .records
            .iter()
            .any(|record| matches!(record.event, Event::MoveTask(MoveTaskEvent::Started { .. })))
    );
    assert!(history.mails.iter().any(|mail| mail.body.contains(r#"{"command":"redrive""#)));
}

#[test]
fn the_command_to_redrive_recovers_what_waits_for_it() {
    let history = run_real(
        &format!(
            "{BY_HAND}\norder = [{{ at = '45m', command = 'redrive' }}]\nexpect = {{ drained_within = '25m' }}"
        ),
        1,
    );
    assert_eq!(failed(&history), [""; 0]);
    assert!(history.held(&history.names.dead_letters).is_empty());
    assert!(history.ledger.iter().all(|row| row.state == "succeeded"));
}

#[test]
fn an_alarm_event_that_is_lost_delays_no_mail() {
    let lossy = OUTAGE.replace("fault = [", "fault = [{ kind = 'event-lost', rate = 0.2 }, ");
    let told = judge(&run_real(&lossy, 1)).of(Check::ToldInTime).cloned();
    assert!(matches!(told, Some(Verdict::Pass(_))), "{told:?}");
}

#[test]
fn after_a_quiet_day_people_are_told_as_soon_as_on_a_busy_one() {
    let quiet = "
        workload = { bodies = ['PYMT_SUCCEED', 'PYMT_FAILED'], over = '48h' }
        expect = { dead_letters = 'some' }";
    assert_eq!(failed(&run_real(quiet, 3)), [""; 0]);
}

#[test]
fn a_message_the_queue_refuses_is_known_to_its_producer_and_not_lost() {
    let large = "x".repeat(300_000);
    let history = run_bad(&format!("workload = {{ bodies = ['{large}'], over = '1m' }}"), Ok("{}"));
    assert_eq!((history.sent.len(), history.refused.len()), (0, 1));
    assert_eq!(judge(&history).outcome(), Outcome::Passed);
}

#[test]
fn a_run_is_watched_without_being_changed() {
    let deployed =
        Deployed::load(&own_template(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
    let world = World::new(deployed, experiment(OUTAGE), 1).unwrap_or_else(|error| panic!("{error}"));
    let mut last = Progress::default();
    let watched = world.run(Code::DEPLOYED, &mut |progress| last = progress.clone());
    let watched = watched.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(watched.records, run_real(OUTAGE, 1).records);
    assert_eq!(last.sent, watched.sent.len() as u64);
    assert_eq!(last.done, last.sent);
}

#[test]
fn a_template_without_what_a_run_needs_is_told_what_it_lacks() {
    let lacks = |stack: Stack| {
        Deployed::of("mine.yaml".to_owned(), stack, String::new()).expect_err("refused").to_string()
    };
    let deployed =
        Deployed::load(&own_template(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
    let Deployed { stack, .. } = deployed;
    insta::assert_snapshot!(lacks(Stack::default()), @"mine.yaml: output PaymentsQueueUrl is missing; accepted: outputs PaymentsQueueUrl, QuarantineQueueUrl and LedgerTable; IncidentsTable, if there is a responder");

    let mut without_redrive = stack.clone();
    without_redrive.queues.values_mut().for_each(|queue| queue.redrive = None);
    insta::assert_snapshot!(lacks(without_redrive), @"mine.yaml: the dead-letter queue of payments-payments is missing; accepted: a source queue with a RedrivePolicy");

    let mut with_another = stack;
    let function = with_another.functions.values().next().cloned().expect("there is a consumer");
    with_another.functions.insert("Another".to_owned(), function);
    insta::assert_snapshot!(lacks(with_another), @"mine.yaml: the consumer, with at most a responder is missing; accepted: one function fed by the payments queue, and at most one other, with a schedule");
}
