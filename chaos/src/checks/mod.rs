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
mod evidence;
mod faults_fired;
mod fenced_on_record;
#[cfg(test)]
pub(crate) mod fixtures;
mod identity;
mod intents;
mod ledger_agrees;
mod letters;
mod mishaps;
mod moves_spared;
mod never_back;
mod no_strange_charge;
mod nothing_denied;
mod nothing_lost;
mod one_mail;
mod one_task;
mod outage_spared;
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
pub use drained::Backlog;
pub use evidence::{End, Evidence, Meaning, Message, PaymentFile};
pub use identity::Identities;
pub use letters::{Letters, Told};

pub use told_in_time::MAIL_MS_MAX;

use crate::world::History;
use serde::{Deserialize, Serialize};

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name, as in `cargo chaos list checks`.
    pub name: &'static str,
    /// What it means when it fails.
    pub promise: Promise,
    /// What it demands.
    pub demands: &'static str,
    judge: fn(&Evidence<'_>) -> Verdict,
}

/// The kind of promise a check keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Something bad never happens.
    Safety,
    /// Something good happens in time.
    Liveness,
}

impl Promise {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Liveness => "liveness",
        }
    }
}

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

/// Every check, in the order they are reported.
pub const ALL: [Check; 33] = [
    Check {
        name: "charged-at-most-once",
        promise: Promise::Safety,
        demands: "no payment is charged more than once",
        judge: charged_once::check,
    },
    Check {
        name: "nothing-lost",
        promise: Promise::Safety,
        demands: "every accepted message ends settled, quarantined with a reason, or in a queue",
        judge: nothing_lost::check,
    },
    Check {
        name: "ledger-agrees",
        promise: Promise::Safety,
        demands: "the ledger says succeeded exactly where money moved, once, in that amount and currency",
        judge: ledger_agrees::check,
    },
    Check {
        name: "acknowledged-on-record",
        promise: Promise::Safety,
        demands: "no message is deleted before its row is settled or quarantined, or its copy is in quarantine",
        judge: acknowledged::check,
    },
    Check {
        name: "no-strange-charge",
        promise: Promise::Safety,
        demands: "money moves only for payments that were sent, in the amount and currency they asked for",
        judge: no_strange_charge::check,
    },
    Check {
        name: "charged-on-record",
        promise: Promise::Safety,
        demands: "money moves only while the row names an intent and the payment is open",
        judge: charged_on_record::check,
    },
    Check {
        name: "fenced-on-record",
        promise: Promise::Safety,
        demands: "from when a row says declined or quarantined, its intent is canceled at Stripe, and no other can still move money",
        judge: fenced_on_record::check,
    },
    Check {
        name: "rows-never-go-back",
        promise: Promise::Safety,
        demands: "no write lowers a row's version, or takes it out of succeeded or declined",
        judge: never_back::check,
    },
    Check {
        name: "rows-are-sound",
        promise: Promise::Safety,
        demands: "unsettled rows, and they alone, are in the index of money at risk; only settled ones may expire, 400 days after",
        judge: sound_rows::check,
    },
    Check {
        name: "audit-agrees",
        promise: Promise::Safety,
        demands: "an audit of the whole run sees every charge and finds what differs from the ledger, and nothing else",
        judge: audit_agrees::check,
    },
    Check {
        name: "no-redrive-into-outage",
        promise: Promise::Safety,
        demands: "no move task starts while half of the calls to Stripe, or more, fail",
        judge: redrive_into_outage::check,
    },
    Check {
        name: "one-move-task-at-a-time",
        promise: Promise::Liveness,
        demands: "nobody asks for a move task while one runs, or without a dead letter to move",
        judge: one_task::check,
    },
    Check {
        name: "moves-spared",
        promise: Promise::Liveness,
        demands: "a move is canceled when Stripe fails meanwhile, and moves that come to nothing come ever later",
        judge: moves_spared::check,
    },
    Check {
        name: "nothing-denied",
        promise: Promise::Liveness,
        demands: "neither a function nor a service that works for it is refused for want of a permission",
        judge: nothing_denied::check,
    },
    Check {
        name: "quarantine-explained",
        promise: Promise::Safety,
        demands: "nothing is in quarantine without a reason and a mail that tells of it",
        judge: quarantine::check,
    },
    Check {
        name: "quarantined-for-cause",
        promise: Promise::Safety,
        demands: "nothing is in quarantine that only had to wait",
        judge: quarantined_for_cause::check,
    },
    Check {
        name: "declined-for-cause",
        promise: Promise::Safety,
        demands: "no payment is declined that no issuer declined",
        judge: declined_for_cause::check,
    },
    Check {
        name: "alarms-as-expected",
        promise: Promise::Liveness,
        demands: "the alarms that should fire do, four minutes after the first dead letter at most, and no other",
        judge: alarms::check,
    },
    Check {
        name: "told-in-time",
        promise: Promise::Liveness,
        demands: "two minutes after any dead letter, six after quarantine fills, half an hour after it holds news, a mail has said so",
        judge: told_in_time::check,
    },
    Check {
        name: "told-when-ours",
        promise: Promise::Liveness,
        demands: "ten minutes after a fault of everybody hit its third payment, a mail has asked for a human",
        judge: told_when_ours::check,
    },
    Check {
        name: "backlog-told",
        promise: Promise::Liveness,
        demands: "seven minutes after more waits than goes out in a quarter of an hour, a mail has said so",
        judge: backlog_told::check,
    },
    Check {
        name: "stranded-told",
        promise: Promise::Liveness,
        demands: "six minutes after more payments are late than queues hold messages, a mail has said so",
        judge: stranded_told::check,
    },
    Check {
        name: "warned-in-time",
        promise: Promise::Liveness,
        demands: "two days before a message expires, or half of the time that it is kept, a mail has said so",
        judge: warned_in_time::check,
    },
    Check {
        name: "resolved-when-over",
        promise: Promise::Liveness,
        demands: "nobody is told that it is resolved while Stripe fails or a payment has waited for long",
        judge: resolved_when_over::check,
    },
    Check {
        name: "one-mail-per-transition",
        promise: Promise::Liveness,
        demands: "each transition is mailed once, twice only where a turn died or an answer was lost in between, and nothing else is",
        judge: one_mail::check,
    },
    Check {
        name: "calls-bounded",
        promise: Promise::Liveness,
        demands: "a charge takes two Stripe calls when nothing goes wrong, and a delivery never more than sixteen",
        judge: calls_bounded::check,
    },
    Check {
        name: "outage-spared",
        promise: Promise::Liveness,
        demands: "a container asks a dead Stripe only as often as its breaker lets it",
        judge: outage_spared::check,
    },
    Check {
        name: "suspicion-spared",
        promise: Promise::Liveness,
        demands: "while everybody is refused alike, a container asks once a minute",
        judge: suspicion_spared::check,
    },
    Check {
        name: "one-intent-per-generation",
        promise: Promise::Liveness,
        demands: "a payment has no more intents than its create had keys",
        judge: intents::check,
    },
    Check {
        name: "steady-before",
        promise: Promise::Liveness,
        demands: "what arrived in good time before the first fault was done before it",
        judge: steady_before::check,
    },
    Check {
        name: "faults-fired",
        promise: Promise::Liveness,
        demands: "every configured fault fired; one that did not makes the run inconclusive",
        judge: faults_fired::check,
    },
    Check {
        name: "dead-letters-as-expected",
        promise: Promise::Liveness,
        demands: "as many dead letters as the experiment expects; an outage without any is inconclusive",
        judge: dead_letters::check,
    },
    Check {
        name: "drained",
        promise: Promise::Liveness,
        demands: "the queues are empty, the incident is over, and what the faults left is settled within the bound",
        judge: drained::check,
    },
];

/// What all checks say about one run.
#[derive(Clone, Debug)]
pub struct Judgement(Vec<(Check, Verdict)>);

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
        let held_to = ALL.iter().filter(|check| !excused.contains(check.name));
        Judgement(held_to.map(|check| (*check, (check.judge)(self))).collect())
    }
}

impl Judgement {
    /// Each check and what it says, in the order they are reported.
    #[must_use]
    pub fn verdicts(&self) -> &[(Check, Verdict)] {
        &self.0
    }

    /// What the check called `name` says; `None` when there is no such check.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Verdict> {
        self.0.iter().find(|(check, _)| check.name == name).map(|(_, verdict)| verdict)
    }

    /// What the run comes to: money first, then what is stuck, then what is not known.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let failed = |promise| {
            self.0
                .iter()
                .any(|(check, verdict)| check.promise == promise && matches!(verdict, Verdict::Fail(_)))
        };
        if failed(Promise::Safety) {
            Outcome::Unsafe
        } else if failed(Promise::Liveness) {
            Outcome::Stuck
        } else if self.0.iter().any(|(_, verdict)| matches!(verdict, Verdict::Inconclusive(_))) {
            Outcome::Inconclusive
        } else {
            Outcome::Passed
        }
    }

    /// Every finding of the failed checks, safety first.
    pub fn findings(&self) -> impl Iterator<Item = (&Check, &Finding)> + Clone {
        let of = |promise| {
            self.0.iter().filter(move |(check, _)| check.promise == promise).flat_map(|(check, verdict)| {
                let findings = if let Verdict::Fail(findings) = verdict { findings.as_slice() } else { &[] };
                findings.iter().map(move |finding| (check, finding))
            })
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

    fn judgement(verdicts: &[(Promise, Verdict)]) -> Judgement {
        let check = |promise| Check { promise, ..ALL[0] };
        Judgement(verdicts.iter().map(|(promise, verdict)| (check(*promise), verdict.clone())).collect())
    }

    #[test]
    fn money_outweighs_delay_and_a_failure_outweighs_doubt() {
        let fail = || Verdict::Fail(vec![Finding::run("wrong")]);
        let doubt = || Verdict::Inconclusive("unknown".to_owned());
        let (safety, liveness) = (Promise::Safety, Promise::Liveness);
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
    fn a_payment_that_went_well_passes_every_check() {
        let judgement = judge(&Tale::of_one_good_payment().told());
        for (check, verdict) in judgement.verdicts() {
            assert!(matches!(verdict, Verdict::Pass(_)), "{}: {verdict:?}", check.name);
        }
    }

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
