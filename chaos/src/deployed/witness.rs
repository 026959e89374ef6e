//! Which checks a run on a deployed stack can be held to: who would have to be heard, and whether they are.
//!
//! A check is judged here if what was seen can make it fail, and is inconclusive by name if not.
//! Invariant: every check has one answer, and it is known before the run but for what turns out to be missing.

use super::seen::Gap;
use crate::promises::Check;
use std::collections::{BTreeMap, BTreeSet};

/// What a check needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// What is always seen: the book and the calls of the fake Stripe, the ledger's rows, the mails, what was sent.
    Always,
    /// Also what is usually seen.
    Unless(Gap),
    /// What nobody outside can see.
    Blind(&'static str),
}

const EVERY_WRITE: &str =
    "the order of single writes, charges and deletes cannot be seen in a deployed stack";
const ITS_MIND: &str = "what the responder concluded from turn to turn cannot be seen in a deployed stack";
const CONTAINERS: &str = "which container made a call cannot be seen in a deployed stack";

const fn needs(check: Check) -> Needs {
    match check {
        Check::ChargedAtMostOnce
        | Check::NoStrangeCharge
        | Check::RowsAreSound
        | Check::DeclinedForCause
        | Check::ToldInTime
        | Check::ToldWhenOurs
        | Check::ResolvedWhenOver
        | Check::OneIntentPerGeneration
        | Check::FaultsFired
        | Check::DeadLettersAsExpected
        | Check::Drained => Needs::Always,
        Check::NothingLost | Check::LedgerAgrees | Check::QuarantineExplained => Needs::Unless(Gap::Queues),
        Check::BacklogTold | Check::CallsBounded | Check::SteadyBefore => Needs::Unless(Gap::Log),
        Check::AlarmsAsExpected | Check::NoRedriveIntoOutage => Needs::Unless(Gap::Emulated),
        Check::AcknowledgedOnRecord
        | Check::ChargedOnRecord
        | Check::FencedOnRecord
        | Check::EventsNotBelieved
        | Check::RowsNeverGoBack => Needs::Blind(EVERY_WRITE),
        Check::OneMoveTaskAtATime
        | Check::MovesSpared
        | Check::OneMailPerTransition
        | Check::StrandedTold => Needs::Blind(ITS_MIND),
        Check::OutageSpared | Check::SuspicionSpared => Needs::Blind(CONTAINERS),
        Check::AuditAgrees => Needs::Blind(
            "no audit is ordered of a deployed stack: it would look at other runs' payments, too",
        ),
        Check::NothingDenied => {
            Needs::Blind("calls that IAM refuses cannot be seen in a deployed stack without its CloudTrail")
        }
        Check::QuarantinedForCause => {
            Needs::Blind("what befell a payment in each of its deliveries cannot be seen in a deployed stack")
        }
        Check::OutcomesTold | Check::OutcomesTrue => Needs::Blind(
            "nobody listens to a deployed stack's outcomes: that would take a rule and a queue on its bus",
        ),
        Check::LooksTrue
        | Check::LooksGuarded
        | Check::LooksAnswered
        | Check::LooksCurrent
        | Check::LooksSpared => Needs::Blind(
            "nobody looks at the edge of a deployed stack: what is sent to one goes to its queue",
        ),
        Check::WarnedInTime => {
            Needs::Blind("a message that grows days old cannot be seen in a deployed stack within one run")
        }
    }
}

/// Checks that nothing was seen for, and why.
pub(super) fn unseen(gaps: &BTreeSet<Gap>) -> BTreeMap<Check, String> {
    let blind = |check| match needs(check) {
        Needs::Always => None,
        Needs::Unless(gap) => gaps.contains(&gap).then(|| gap.told()),
        Needs::Blind(why) => Some(why),
    };
    Check::ALL.into_iter().filter_map(|check| Some((check, blind(check)?.to_owned()))).collect()
}

impl Gap {
    const fn told(self) -> &'static str {
        match self {
            Self::Queues => "not every message that a queue holds could be read: somebody has it in hand",
            Self::Log => "the consumer's log does not have a line for every payment that was settled",
            Self::Emulated => "what an emulator's alarms and move tasks do proves nothing of AWS",
        }
    }
}
