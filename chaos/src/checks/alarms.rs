//! The alarms that should fire fire, the first of them in time, and no other does.
//!
//! What an experiment does not say follows from what happened: dead letters raise `DeadLettersWaiting`, quarantine raises
//! `QuarantineNotEmpty`, what is unsettled in a fault or a backlog may raise `PaymentsDelayed`, a Stripe that fails or
//! refuses calls its own alarms, more payments than go out in a quarter of an hour `PaymentsWaiting`, and only functions
//! that are killed on purpose, or kept from their work, may be reported as failing, and so may an edge of which, or of whose
//! ledger, the same is true. Metrics that wake up late raise no alarm
//! about what is gone by then.
//! Invariant: only a change to ALARM counts; finding out that all is well, at first or again, is no alarm.

use super::{Evidence, Finding, Verdict};
use crate::faults::{Family, Fault, Kind};
use crate::journal::{AlarmChanged, Event, QueueEvent, StateValue};
use crate::units::{counted, duration_ms};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// From the first dead letter to its alarm: a minute to be measured, two for the point to arrive, one to be evaluated.
pub const ALARM_MS_MAX: i64 = 240_000;

const DEAD_LETTERS: &str = "DeadLettersWaiting";
const DELAYED: &str = "PaymentsDelayed";
const QUARANTINE: &str = "QuarantineNotEmpty";
const CONSUMER: &str = "ConsumerFailing";
const RESPONDER: &str = "ResponderFailing";
const PROVIDER: &str = "ProviderFailing";
const CREDENTIALS: &str = "CredentialsRefused";
const WAITING: &str = "PaymentsWaiting";
const LISTENERS: &str = "NobodyListens";
const OUTCOMES: &str = "OutcomesUndelivered";
const SILENCED: &str = "AlarmsSilenced";
const EDGE: [&str; 2] = ["EdgeFailing", "EdgeSlow"];

/// How long a backlog has to be for its alarm, seconds.
const BACKLOG_S: u64 = 900;

/// Between two looks of CloudWatch at a queue, ms: what is gone sooner may have been seen by none.
const SAMPLED_MS: i64 = 60_000;

/// How long metrics that woke up late can hide a queue, ms.
const METRICS_WAKE_MS: i64 = 900_000;

/// Which alarms there should be.
struct Expected<'a> {
    must: BTreeSet<&'a str>,
    may: BTreeSet<&'a str>,
}

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    if evidence.history.alerted.alarms.is_empty() {
        return Verdict::Inconclusive("the template has no alarm".to_owned());
    }
    let (fired, expected) = (fired(evidence), expected(evidence));
    let missing = expected.must.iter().filter(|alarm| !fired.contains_key(**alarm));
    let missing = missing.map(|alarm| Finding::run(format!("{alarm} should have fired and did not")));
    let unexpected = fired.iter().filter(|(alarm, _)| !expected.may.contains(**alarm));
    let unexpected = unexpected.map(|(alarm, at)| {
        let after = duration_ms(u64::try_from(at.since_ms(evidence.history.began)).unwrap_or(0));
        Finding::run(format!("{alarm} fired {after} after the beginning, without a reason"))
    });
    let findings = missing.chain(unexpected).chain(late(evidence, &fired)).collect();
    Verdict::from_findings(findings, || {
        let names: Vec<&str> = fired.keys().copied().collect();
        match names.as_slice() {
            [] => "none fired, and none should".to_owned(),
            names => format!("{}: {}", counted(names.len() as u64, "alarm"), names.join(", ")),
        }
    })
}

/// Each alarm that fired, by its name in the template, and when it first did.
fn fired<'a>(evidence: &Evidence<'a>) -> BTreeMap<&'a str, UnixMs> {
    let mut fired = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Alarm(AlarmChanged { alarm, to: StateValue::Alarm, .. }) = &record.event {
            let name = evidence.history.alerted.alarms.get(alarm).unwrap_or(alarm);
            fired.entry(name.as_str()).or_insert(record.at);
        }
    }
    fired
}

fn expected<'a>(evidence: &Evidence<'a>) -> Expected<'a> {
    let history = evidence.history;
    if let Some(alarms) = &history.experiment.expect.alarms {
        let must: BTreeSet<&str> = alarms.iter().map(String::as_str).collect();
        // An experiment says what fires at its own size; more payments may be a backlog whatever it is about.
        let may = must.iter().copied().chain(can_be_a_backlog(evidence).then_some(WAITING)).collect();
        return Expected { must, may };
    }
    let has_dead_letters = evidence.messages.values().any(|message| message.dead_lettered.is_some());
    let quarantined = quarantined(evidence);
    // A run may end before the metric of a queue it has only just filled is evaluated.
    let in_time = |at: UnixMs| history.ended.since_ms(at) >= ALARM_MS_MAX;
    let raised = [
        (DEAD_LETTERS, has_dead_letters, &history.names.dead_letters),
        (QUARANTINE, quarantined.is_some_and(in_time), &history.names.quarantine),
    ];
    let raised: Vec<_> = raised.into_iter().filter(|(_, raised, _)| *raised).collect();
    let must = raised.iter().filter(|(_, _, queue)| can_be_seen(evidence, queue));
    let must: BTreeSet<&str> = must.map(|(alarm, ..)| *alarm).collect();
    let mut may: BTreeSet<&str> = raised.iter().map(|(alarm, ..)| *alarm).collect();
    may.extend(quarantined.map(|_| QUARANTINE));
    let any = |of: fn(&Fault) -> bool| history.experiment.faults.iter().any(of);
    may.extend((has_dead_letters || any(|_| true)).then_some(DELAYED));
    may.extend(any(|fault| fails_calls(fault.kind)).then_some(PROVIDER));
    may.extend(any(refuses_keys).then_some(CREDENTIALS));
    may.extend(any(|fault| fault.kind == Kind::Unsubscribed).then_some(LISTENERS));
    may.extend(any(|fault| fault.kind == Kind::BusFailing).then_some(OUTCOMES));
    may.extend(any(|fault| fault.kind == Kind::AlarmMuted).then_some(SILENCED));
    may.extend(can_be_a_backlog(evidence).then_some(WAITING));
    may.extend(any(|fault| kills(fault) || fault.kind == Kind::MappingDisabled).then_some(CONSUMER));
    may.extend(any(|fault| kills(fault) || stops_responder(fault)).then_some(RESPONDER));
    may.extend(EDGE.iter().filter(|_| any(harms_edge)));
    Expected { must, may }
}

/// When the first message came into quarantine, if there is any.
fn quarantined(evidence: &Evidence<'_>) -> Option<UnixMs> {
    let history = evidence.history;
    history.records.iter().find_map(|record| {
        let Event::Queue(QueueEvent::Sent { queue, .. }) = &record.event else { return None };
        (*queue == history.names.quarantine).then_some(record.at)
    })
}

/// Whether calls to Stripe fail by it, and not for what was asked.
fn fails_calls(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::StripeUnavailable
            | Kind::StripeTimeout
            | Kind::StripeReset
            | Kind::StripeThrottled
            | Kind::StripeLockTimeout
            | Kind::StripeConflict
            | Kind::StripeServerError
            | Kind::StripeGarbage
            | Kind::StripeLostAnswer
            | Kind::StripeSlow
    )
}

/// Whether Stripe refuses keys by it.
fn refuses_keys(fault: &Fault) -> bool {
    let forbids = fault.refusal.as_ref().is_none_or(|refusal| refusal.status() == 403);
    matches!(fault.kind, Kind::StripeUnauthorized | Kind::SecretRotated)
        || (fault.kind == Kind::StripeRefusing && forbids)
}

/// Whether so many payments were sent that they may take longer than a quarter of an hour, at two calls each.
fn can_be_a_backlog(evidence: &Evidence<'_>) -> bool {
    let history = evidence.history;
    let calls_per_s = history.alerted.stripe_calls_per_s.unwrap_or(1);
    2 * history.sent.len() as u64 > BACKLOG_S * calls_per_s
}

/// Whether it comes between viewers and what the edge asks for them: at the edge, or at the ledger.
fn harms_edge(fault: &Fault) -> bool {
    fault.kind.describe().family == Family::Edge
        || matches!(fault.kind, Kind::LedgerThrottled | Kind::LedgerLostAnswer)
}

/// Whether it kills functions.
fn kills(fault: &Fault) -> bool {
    fault.kind == Kind::Poison || fault.kind.ends_invocations()
}

/// Whether it keeps the responder from its records or from SNS, or takes away what wakes it.
fn stops_responder(fault: &Fault) -> bool {
    let operations = &fault.scope.operations;
    let hits_schedule = operations.is_empty() || operations.contains("schedule");
    fault.kind.fails_calls_to_aws() || (fault.kind == Kind::EventLost && hits_schedule)
}

/// Whether a queue's metrics could show what it held: always, unless they woke up late and it was gone by then.
fn can_be_seen(evidence: &Evidence<'_>, queue: &str) -> bool {
    let unseen_ms = if metrics_were_late(evidence) { METRICS_WAKE_MS + ALARM_MS_MAX } else { SAMPLED_MS };
    held_longest_ms(evidence, queue) > unseen_ms
}

fn metrics_were_late(evidence: &Evidence<'_>) -> bool {
    let mut tallies = evidence.history.faults.iter();
    tallies.any(|tally| tally.fault.kind == Kind::MetricsLate && tally.fired > 0)
}

/// The longest time for which a queue was not empty.
fn held_longest_ms(evidence: &Evidence<'_>, queue: &str) -> i64 {
    let (mut held, mut since, mut longest_ms) = (0_u64, evidence.history.began, 0);
    for record in &evidence.history.records {
        let Event::Queue(event) = &record.event else { continue };
        let comes = matches!(
            event,
            QueueEvent::Sent { queue: to, .. } | QueueEvent::DeadLettered { to, .. } if to == queue
        );
        let goes = matches!(
            event,
            QueueEvent::Deleted { queue: from, .. }
                | QueueEvent::Redriven { from, .. }
                | QueueEvent::Expired { queue: from, .. }
                | QueueEvent::Purged { queue: from, .. }
                if from == queue
        );
        if !comes && !goes {
            continue;
        }
        if held == 0 {
            since = record.at;
        }
        held = if comes { held + 1 } else { held.saturating_sub(1) };
        longest_ms = longest_ms.max(record.at.since_ms(since));
    }
    if held == 0 { longest_ms } else { longest_ms.max(evidence.history.ended.since_ms(since)) }
}

fn late(evidence: &Evidence<'_>, fired: &BTreeMap<&str, UnixMs>) -> Option<Finding> {
    let dead = evidence.messages.values().filter_map(|message| message.dead_lettered).min()?;
    let took_ms = fired.get(DEAD_LETTERS)?.since_ms(dead);
    let most_ms = ALARM_MS_MAX + if metrics_were_late(evidence) { METRICS_WAKE_MS } else { 0 };
    (took_ms > most_ms).then(|| {
        let took = duration_ms(u64::try_from(took_ms).unwrap_or(0));
        Finding::run(format!("{DEAD_LETTERS} fired {took} after the first dead letter"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;
    use crate::faults::Window;

    fn found(tale: Tale) -> Vec<String> {
        tale.found_by(check)
    }

    #[test]
    fn dead_letters_without_their_alarm_are_found() {
        let mut tale = Tale::of_one_dead_letter();
        tale.wait_ms(SAMPLED_MS + 1);
        tale.alarm("DeadLettersWaiting", StateValue::Ok);
        assert_eq!(found(tale), ["DeadLettersWaiting should have fired and did not"]);
    }

    #[test]
    fn a_dead_letter_that_was_gone_between_two_samples_needs_no_alarm() {
        for (ms, unseen) in [(15_000, true), (60_001, false)] {
            let mut tale = Tale::of_one_dead_letter();
            tale.wait_ms(ms);
            tale.redrive("m-1", "m-1b");
            assert_eq!(found(tale).is_empty(), unseen, "{ms}");
        }
    }

    #[test]
    fn quarantine_without_its_alarm_is_found_once_there_was_time_for_it() {
        let after = |ms: i64| {
            let mut tale = Tale::new();
            let message = tale.send("not json");
            tale.quarantine(&message, "malformed");
            tale.wait_ms(ms);
            tale.delete(&message);
            found(tale)
        };
        assert_eq!(after(ALARM_MS_MAX - 2_000), [""; 0]);
        assert_eq!(after(ALARM_MS_MAX), ["QuarantineNotEmpty should have fired and did not"]);
    }

    #[test]
    fn an_alarm_without_a_reason_is_found() {
        let mut tale = Tale::of_one_good_payment();
        tale.alarm("ResponderFailing", StateValue::Alarm);
        let [what] = found(tale).try_into().expect("one finding");
        assert!(what.starts_with("ResponderFailing fired "), "{what}");
    }

    #[test]
    fn an_alarm_that_comes_late_is_found() {
        let after = |ms: i64| {
            let mut tale = Tale::of_one_dead_letter();
            tale.wait_ms(ms);
            tale.alarm("DeadLettersWaiting", StateValue::Alarm);
            found(tale)
        };
        assert_eq!(after(ALARM_MS_MAX - 1_000), [""; 0]);
        assert_eq!(after(ALARM_MS_MAX), ["DeadLettersWaiting fired 4m 1s after the first dead letter"]);
    }

    #[test]
    fn metrics_that_wake_up_late_excuse_an_alarm_about_what_was_gone_by_then_and_no_other() {
        let found_after = |ms: i64| {
            let mut tale = Tale::of_one_dead_letter();
            tale.fault(Kind::MetricsLate, Window::ALWAYS, 1);
            tale.wait_ms(ms);
            tale.redrive("m-1", "m-1b");
            found(tale)
        };
        assert_eq!(found_after(METRICS_WAKE_MS), [""; 0]);
        let what = "DeadLettersWaiting should have fired and did not";
        assert_eq!(found_after(METRICS_WAKE_MS + ALARM_MS_MAX), [what]);
    }

    #[test]
    fn a_responder_that_is_never_woken_may_be_reported_and_one_without_alarm_events_may_not() {
        let reported = |operation: &str| {
            let mut tale = Tale::of_one_good_payment();
            tale.fault(Kind::EventLost, Window::ALWAYS, 1);
            tale.history().experiment.faults[0].scope.operations = [operation.to_owned()].into();
            tale.alarm("ResponderFailing", StateValue::Alarm);
            found(tale).len()
        };
        assert_eq!([reported("schedule"), reported("alarm")], [0, 1]);
    }

    #[test]
    fn a_stripe_that_fails_calls_or_refuses_keys_may_be_reported_for_that_alone() {
        let reported = |kind: Kind, alarm: &str| {
            let mut tale = Tale::of_one_good_payment();
            tale.fault(kind, Window::ALWAYS, 1);
            tale.alarm(alarm, StateValue::Alarm);
            found(tale).len()
        };
        let (provider, credentials) = ("ProviderFailing", "CredentialsRefused");
        for kind in [Kind::StripeUnavailable, Kind::StripeLostAnswer, Kind::StripeThrottled] {
            assert_eq!([reported(kind, provider), reported(kind, credentials)], [0, 1], "{kind}");
        }
        for kind in [Kind::StripeUnauthorized, Kind::SecretRotated] {
            assert_eq!([reported(kind, provider), reported(kind, credentials)], [1, 0], "{kind}");
        }
        for kind in [Kind::Declined, Kind::Malformed, Kind::MetricsLate] {
            assert_eq!([reported(kind, provider), reported(kind, credentials)], [1, 1], "{kind}");
        }
    }

    #[test]
    fn an_edge_may_be_reported_for_what_happens_to_it_or_to_the_ledger_alone() {
        let reported = |kind: Kind| {
            let mut tale = Tale::of_one_good_payment();
            tale.fault(kind, Window::ALWAYS, 1);
            EDGE.iter().for_each(|alarm| tale.alarm(alarm, StateValue::Alarm));
            found(tale).len()
        };
        assert_eq!([Kind::StatusHanging, Kind::GatewayFailing, Kind::LedgerThrottled].map(reported), [0; 3]);
        assert_eq!([Kind::StripeTimeout, Kind::Declined].map(reported), [2; 2]);
    }

    #[test]
    fn more_payments_than_go_out_in_a_quarter_of_an_hour_may_be_reported_and_fewer_may_not() {
        let reported = |payments: u64, calls_per_s: u64| {
            let mut tale = Tale::new();
            (0..payments).for_each(|_| drop(tale.send("{}")));
            tale.history().alerted.stripe_calls_per_s = Some(calls_per_s);
            tale.alarm("PaymentsWaiting", StateValue::Alarm);
            found(tale).len()
        };
        assert_eq!([reported(900, 2), reported(901, 2), reported(901, 3)], [1, 0, 1]);
    }

    #[test]
    fn an_experiment_can_say_which_alarms_it_wants() {
        let mut tale = Tale::of_one_dead_letter();
        tale.alarm("DeadLettersWaiting", StateValue::Alarm);
        tale.history().experiment.expect.alarms = Some(BTreeSet::from(["QuarantineNotEmpty".to_owned()]));
        let [missing, unexpected] = found(tale).try_into().expect("two findings");
        assert_eq!(missing, "QuarantineNotEmpty should have fired and did not");
        assert!(unexpected.starts_with("DeadLettersWaiting fired "), "{unexpected}");
    }
}
