//! Responders that are broken on purpose, each in one rule. The suite must notice every one of them, and the same
//! experiment must pass with the rules as they are.

use chaos::checks::{Outcome, Verdict, judge};
use chaos::cloud::container::Function;
use chaos::experiment::Experiment;
use chaos::responder::ResponderFunction;
use chaos::world::{Code, run};
use payments::incident::{
    self, Decision, Effect, Incident, MoveTask, Observation, Policy, Probes, TaskStatus, Verdict as Canary,
};
use responder::{Rules, Versions};
use std::path::Path;
use std::sync::Arc;

/// A Stripe that is gone for half an hour.
const OUTAGE: &str = "
    title = 'Outage'
    workload = { payments = 200, over = '1h30m' }
    fault = [{ kind = 'stripe-unavailable', from = '20m', for = '30m' }]";

/// The outcome, and the names of the checks that failed.
fn judged(experiment: &str, rules: Rules) -> (Outcome, Vec<&'static str>) {
    let experiment = Experiment::parse(Path::new("test.toml"), experiment).expect("it is well formed");
    let responder = |provider| Arc::new(ResponderFunction::with_rules(provider, rules)) as Arc<dyn Function>;
    let code = Code { responder: &responder, ..Code::DEPLOYED };
    let judgement = judge(&run(experiment, 1, code).expect("the world runs"));
    let failed = judgement.verdicts().iter().filter(|(_, verdict)| matches!(verdict, Verdict::Fail(_)));
    (judgement.outcome(), failed.map(|(check, _)| check.name).collect())
}

fn is_caught(rules: Rules, by: &str) {
    let (_, failed) = judged(OUTAGE, rules);
    assert!(failed.contains(&by), "{failed:?}");
}

#[test]
fn the_rules_as_they_are_pass() {
    assert_eq!(judged(OUTAGE, Rules::default()), (Outcome::Passed, vec![]));
}

#[test]
fn redriving_whatever_is_dead_lettered_without_asking_the_provider_is_caught() {
    fn decide(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
        let canary = seen.canary.iter().map(|_| Canary::Settled).collect();
        let hopeful = Observation { probes: Some(Probes::Well), canary, ..seen.clone() };
        incident::decide(&hopeful, incident, policy)
    }
    is_caught(Rules { decide, ..Rules::default() }, "no-redrive-into-outage");
}

#[test]
fn a_mail_on_every_turn_is_caught() {
    fn decide(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
        let mut forgetful = incident.clone();
        // Whoever does not remember when it last told anybody reminds them on every turn.
        forgetful.recovery.history.told_at = payments::UnixMs(0);
        incident::decide(seen, &forgetful, policy)
    }
    is_caught(Rules { decide, ..Rules::default() }, "one-mail-per-transition");
}

#[test]
fn trusting_a_move_task_that_says_it_is_completed_is_caught() {
    fn decide(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
        let is_completed = |task: &MoveTask| {
            task.status == TaskStatus::Completed && task.started_at > incident.recovery.history.opened_at
        };
        if !seen.task.as_ref().is_some_and(is_completed) {
            return incident::decide(seen, incident, policy);
        }
        // Everything must be back: nobody looks.
        let trusting = Observation {
            dead_letters: incident::Depth::default(),
            source: incident::Depth::default(),
            oldest: None,
            ..seen.clone()
        };
        incident::decide(&trusting, incident, policy)
    }
    is_caught(Rules { decide, ..Rules::default() }, "drained");
}

#[test]
fn saving_without_the_version_that_was_read_is_caught() {
    // Every event arrives twice, so two turns read the same record.
    let twice = OUTAGE.replace("fault = [", "fault = [{ kind = 'event-twice', rate = 1.0 }, ");
    assert_eq!(judged(&twice, Rules::default()), (Outcome::Passed, vec![]));
    let (_, failed) = judged(&twice, Rules { versions: Versions::Ignored, ..Rules::default() });
    assert!(failed.contains(&"one-mail-per-transition"), "{failed:?}");
}

#[test]
fn a_second_move_task_while_one_runs_is_caught() {
    fn decide(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
        // Whoever does not see that a task runs starts another as soon as anything is dead-lettered.
        let blind = Observation { task: None, ..seen.clone() };
        let decision = incident::decide(&blind, incident, policy);
        if incident.recovery.history.tasks == 0 && seen.task.is_none() {
            return decision;
        }
        Decision { effect: Some(Effect::StartMoveTask), ..decision }
    }
    is_caught(Rules { decide, ..Rules::default() }, "one-move-task-at-a-time");
}
