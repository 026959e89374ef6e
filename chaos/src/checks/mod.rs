//! The checks: what every run is held to, each a pure function of the run's evidence.
//!
//! A check answers pass, fail or inconclusive; a run that proves nothing never passes. Safety: nothing bad happened,
//! ever. Liveness: the good thing did happen, in its time.
//! Invariant: a check sees the evidence and nothing else, and each has tests in which it fails.

mod acknowledged;
mod alarms;
mod audit_agrees;
mod backlog_told;
mod calls_bounded;
mod charged_on_record;
mod charged_once;
mod dead_letters;
mod declined_for_cause;
mod depths;
mod drained;
mod events_not_believed;
mod evidence;
mod faults_fired;
mod fenced_on_record;
#[cfg(test)]
pub(crate) mod fixtures;
mod identity;
mod intents;
mod ledger_agrees;
mod letters;
mod looks;
mod mishaps;
mod moves_spared;
mod never_back;
mod no_strange_charge;
mod nothing_denied;
mod nothing_lost;
mod one_mail;
mod one_task;
mod outage_spared;
mod outcomes;
mod quarantine;
mod quarantined_for_cause;
mod redrive_into_outage;
mod resolved_when_over;
mod sound_rows;
mod steady_before;
mod stranded_told;
mod suspicion_spared;
mod told_in_time;
mod told_when_ours;
mod warned_in_time;

pub use alarms::ALARM_MS_MAX;
pub use calls_bounded::CALLS_PER_DELIVERY_MAX;
pub(crate) use depths::Depths;
pub use drained::Backlog;
pub use evidence::{End, Evidence, Meaning, Message, PaymentFile};
pub use identity::Identities;
pub use letters::{Letters, Told};

pub use told_in_time::MAIL_MS_MAX;

use crate::promises::{Check, Promise};
use crate::world::History;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a check says about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds; with what was counted.
    Pass(String),
    /// It does not, and where not. Never empty.
    Fail(Vec<Finding>),
    /// The run cannot tell, and why.
    Inconclusive(String),
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// What is wrong with it, in a few words.
    pub what: String,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A payment, by its id.
    Payment(String),
    /// A message that is no payment, by its SQS id.
    Message(String),
    /// The run as a whole.
    Run,
}

/// Who judges a check.
const fn judge_of(check: Check) -> fn(&Evidence<'_>) -> Verdict {
    match check {
        Check::ChargedAtMostOnce => charged_once::check,
        Check::NothingLost => nothing_lost::check,
        Check::LedgerAgrees => ledger_agrees::check,
        Check::AcknowledgedOnRecord => acknowledged::check,
        Check::NoStrangeCharge => no_strange_charge::check,
        Check::ChargedOnRecord => charged_on_record::check,
        Check::FencedOnRecord => fenced_on_record::check,
        Check::EventsNotBelieved => events_not_believed::check,
        Check::RowsNeverGoBack => never_back::check,
        Check::RowsAreSound => sound_rows::check,
        Check::AuditAgrees => audit_agrees::check,
        Check::NoRedriveIntoOutage => redrive_into_outage::check,
        Check::OneMoveTaskAtATime => one_task::check,
        Check::MovesSpared => moves_spared::check,
        Check::NothingDenied => nothing_denied::check,
        Check::QuarantineExplained => quarantine::check,
        Check::QuarantinedForCause => quarantined_for_cause::check,
        Check::DeclinedForCause => declined_for_cause::check,
        Check::AlarmsAsExpected => alarms::check,
        Check::ToldInTime => told_in_time::check,
        Check::ToldWhenOurs => told_when_ours::check,
        Check::BacklogTold => backlog_told::check,
        Check::StrandedTold => stranded_told::check,
        Check::WarnedInTime => warned_in_time::check,
        Check::ResolvedWhenOver => resolved_when_over::check,
        Check::OneMailPerTransition => one_mail::check,
        Check::OutcomesTrue => outcomes::are_true,
        Check::OutcomesTold => outcomes::are_told,
        Check::LooksTrue => looks::are_true,
        Check::LooksGuarded => looks::are_guarded,
        Check::LooksAnswered => looks::are_answered,
        Check::LooksCurrent => looks::are_current,
        Check::LooksSpared => looks::are_spared,
        Check::CallsBounded => calls_bounded::check,
        Check::OutageSpared => outage_spared::check,
        Check::SuspicionSpared => suspicion_spared::check,
        Check::OneIntentPerGeneration => intents::check,
        Check::SteadyBefore => steady_before::check,
        Check::FaultsFired => faults_fired::check,
        Check::DeadLettersAsExpected => dead_letters::check,
        Check::Drained => drained::check,
    }
}

/// What all checks say about one run.
#[derive(Clone, Debug)]
pub struct Judgement {
    verdicts: Vec<(Check, Verdict)>,
    /// Those that could not be told because of where it ran: known before it began, and so no doubt about it.
    unseen: BTreeSet<Check>,
}

/// What a run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every check passed.
    Passed,
    /// A safety check failed.
    Unsafe,
    /// No check failed, but one could not tell.
    Inconclusive,
    /// A liveness check failed.
    Stuck,
}

/// Holds a run to every check that its experiment does not excuse it from.
#[must_use]
pub fn judge(history: &History) -> Judgement {
    Evidence::of(history).judge()
}

impl Evidence<'_> {
    /// Holds the run to every check that its experiment does not excuse it from.
    #[must_use]
    pub fn judge(&self) -> Judgement {
        let excused = &self.history.experiment.expect.excused;
        let held_to = Check::ALL.into_iter().filter(|check| !excused.contains(check));
        let unseen = &self.history.unseen;
        let verdict = |check| {
            let blind = unseen.get(&check).cloned().map(Verdict::Inconclusive);
            blind.unwrap_or_else(|| judge_of(check)(self))
        };
        Judgement {
            verdicts: held_to.map(|check| (check, verdict(check))).collect(),
            unseen: unseen.keys().copied().collect(),
        }
    }
}

impl Judgement {
    /// Each check and what it says, in the order they are reported.
    #[must_use]
    pub fn verdicts(&self) -> &[(Check, Verdict)] {
        &self.verdicts
    }

    /// What this check says; `None` when the run was excused from it.
    #[must_use]
    pub fn of(&self, wanted: Check) -> Option<&Verdict> {
        self.verdicts.iter().find(|(check, _)| *check == wanted).map(|(_, verdict)| verdict)
    }

    /// What the run comes to: money first, then what is stuck, then what is not known.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let failed = |promise| {
            self.verdicts
                .iter()
                .any(|(check, verdict)| check.promise() == promise && matches!(verdict, Verdict::Fail(_)))
        };
        if failed(Promise::Safety) {
            Outcome::Unsafe
        } else if failed(Promise::Liveness) {
            Outcome::Stuck
        } else if self.verdicts.iter().any(|(check, verdict)| self.is_doubt(*check, verdict)) {
            Outcome::Inconclusive
        } else {
            Outcome::Passed
        }
    }

    /// Checks that what was seen of the run says nothing about.
    pub fn unseen(&self) -> impl Iterator<Item = Check> + '_ {
        self.verdicts.iter().map(|(check, _)| *check).filter(|check| self.unseen.contains(check))
    }

    fn is_doubt(&self, check: Check, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Inconclusive(_)) && !self.unseen.contains(&check)
    }

    /// Every finding of the failed checks, safety first.
    pub fn findings(&self) -> impl Iterator<Item = (Check, &Finding)> + Clone {
        let of = |promise| {
            self.verdicts.iter().filter(move |(check, _)| check.promise() == promise).flat_map(
                |(check, verdict)| {
                    let findings =
                        if let Verdict::Fail(findings) = verdict { findings.as_slice() } else { &[] };
                    findings.iter().map(move |finding| (*check, finding))
                },
            )
        };
        of(Promise::Safety).chain(of(Promise::Liveness))
    }
}

impl Finding {
    fn payment(id: &str, what: impl Into<String>) -> Self {
        Self { subject: Subject::Payment(id.to_owned()), what: what.into() }
    }

    fn run(what: impl Into<String>) -> Self {
        Self { subject: Subject::Run, what: what.into() }
    }
}

impl Verdict {
    /// Fails with what was found, or passes with what was counted.
    fn from_findings(findings: Vec<Finding>, counted: impl FnOnce() -> String) -> Self {
        if findings.is_empty() { Self::Pass(counted()) } else { Self::Fail(findings) }
    }

    /// `pass`, `fail` or `inconclusive`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pass(_) => "pass",
            Self::Fail(_) => "fail",
            Self::Inconclusive(_) => "inconclusive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixtures::Tale;
    use std::collections::BTreeMap;

    fn judgement(verdicts: &[(Check, Verdict)]) -> Judgement {
        Judgement { verdicts: verdicts.to_vec(), unseen: BTreeSet::new() }
    }

    #[test]
    fn money_outweighs_delay_and_a_failure_outweighs_doubt() {
        let fail = || Verdict::Fail(vec![Finding::run("wrong")]);
        let doubt = || Verdict::Inconclusive("unknown".to_owned());
        let (safety, liveness) = (Check::NothingLost, Check::Drained);
        let outcome = |verdicts: &[_]| judgement(verdicts).outcome();
        assert_eq!(outcome(&[(liveness, fail()), (safety, fail()), (safety, doubt())]), Outcome::Unsafe);
        assert_eq!(outcome(&[(safety, doubt()), (liveness, fail())]), Outcome::Stuck);
        assert_eq!(
            outcome(&[(safety, Verdict::Pass(String::new())), (liveness, doubt())]),
            Outcome::Inconclusive
        );
        assert_eq!(outcome(&[(safety, Verdict::Pass(String::new()))]), Outcome::Passed);
    }

    #[test]
    fn what_nobody_could_see_is_inconclusive_by_name_and_no_doubt_about_the_rest() {
        let mut tale = Tale::of_one_good_payment();
        tale.history().unseen = BTreeMap::from([(Check::NothingLost, "it cannot be seen".to_owned())]);
        tale.history().queues.clear();
        tale.history().ledger.clear();
        tale.history().book.clear();
        let judgement = judge(&tale.told());
        let said = Verdict::Inconclusive("it cannot be seen".to_owned());
        assert_eq!(judgement.of(Check::NothingLost), Some(&said), "it would have failed");
        assert_eq!(judgement.unseen().collect::<Vec<_>>(), [Check::NothingLost]);

        let passed = |check| (check, Verdict::Pass(String::new()));
        let unseen = BTreeSet::from([Check::NothingLost]);
        let doubt = |check| (check, Verdict::Inconclusive(String::new()));
        let seen = Judgement { verdicts: vec![passed(Check::Drained), doubt(Check::NothingLost)], unseen };
        assert_eq!(seen.outcome(), Outcome::Passed);
        let silent = Judgement { verdicts: vec![doubt(Check::FaultsFired)], ..seen };
        assert_eq!(silent.outcome(), Outcome::Inconclusive, "a fault that never fired is a doubt anywhere");
    }

    #[test]
    fn a_payment_that_went_well_passes_every_check() {
        let judgement = judge(&Tale::of_one_good_payment().told());
        for (check, verdict) in judgement.verdicts() {
            assert!(matches!(verdict, Verdict::Pass(_)), "{check}: {verdict:?}");
        }
    }
}
