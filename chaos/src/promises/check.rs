//! The names of the checks, the kind of each, and what it demands.
//!
//! Invariant: this depends on nothing else of the chaos; a test of the layout keeps it so.

use std::cmp::Ordering;
use std::fmt;

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

/// A row for each check, so that none is listed without its judge, or judged without being listed.
macro_rules! checks {
    ($($check:ident: $name:literal, $promise:ident, $demands:literal;)+) => {
        /// A check, by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Check {
            $(#[doc = concat!("Demands: ", $demands, ".")] $check,)+
        }

        impl Check {
            /// Every check, in the order they are reported.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$check),+];

            /// Its name, as in `cargo chaos list checks`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$check => $name,)+
                }
            }

            /// What it means when it fails.
            #[must_use]
            pub const fn promise(self) -> Promise {
                match self {
                    $(Self::$check => Promise::$promise,)+
                }
            }

            /// What it demands.
            #[must_use]
            pub const fn demands(self) -> &'static str {
                match self {
                    $(Self::$check => $demands,)+
                }
            }
        }
    };
}

checks! {
    ChargedAtMostOnce: "charged-at-most-once", Safety,
        "no payment is charged more than once";
    NothingLost: "nothing-lost", Safety,
        "every accepted message ends settled, quarantined with a reason, or in a queue";
    LedgerAgrees: "ledger-agrees", Safety,
        "the ledger says succeeded exactly where money moved, once, in that amount and currency";
    AcknowledgedOnRecord: "acknowledged-on-record", Safety,
        "no message is deleted before its row is settled or quarantined, or its copy is in quarantine";
    NoStrangeCharge: "no-strange-charge", Safety,
        "money moves only for payments that were sent, in the amount and currency they asked for";
    ChargedOnRecord: "charged-on-record", Safety,
        "money moves only while the row names an intent and the payment is open";
    FencedOnRecord: "fenced-on-record", Safety,
        "from when a row says declined or quarantined, its intent is canceled at Stripe, and no other can still move money";
    EventsNotBelieved: "events-not-believed", Safety,
        "what Stripe's own events lead to is one look-up and perhaps a fence, and it settles only what Stripe then said";
    RowsNeverGoBack: "rows-never-go-back", Safety,
        "no write lowers a row's version, or takes it out of succeeded or declined";
    RowsAreSound: "rows-are-sound", Safety,
        "unsettled rows, and they alone, are in the index of money at risk; only settled ones may expire, 400 days after";
    AuditAgrees: "audit-agrees", Safety,
        "an audit of the whole run sees every charge and finds what differs from the ledger, and nothing else";
    NoRedriveIntoOutage: "no-redrive-into-outage", Safety,
        "no move task starts while half of the calls to Stripe, or more, fail";
    OneMoveTaskAtATime: "one-move-task-at-a-time", Liveness,
        "nobody asks for a move task while one runs, or without a dead letter to move";
    MovesSpared: "moves-spared", Liveness,
        "a move is canceled when Stripe fails meanwhile, and moves that come to nothing come ever later";
    NothingDenied: "nothing-denied", Liveness,
        "neither a function nor a service that works for it is refused for want of a permission";
    QuarantineExplained: "quarantine-explained", Safety,
        "nothing is in quarantine without a reason and a mail that tells of it";
    QuarantinedForCause: "quarantined-for-cause", Safety,
        "nothing is in quarantine that only had to wait";
    DeclinedForCause: "declined-for-cause", Safety,
        "no payment is declined that no issuer declined";
    AlarmsAsExpected: "alarms-as-expected", Liveness,
        "the alarms that should fire do, four minutes after the first dead letter at most, and no other";
    ToldInTime: "told-in-time", Liveness,
        "two minutes after any dead letter, six after quarantine fills, half an hour after it holds news, a mail has said so";
    ToldWhenOurs: "told-when-ours", Liveness,
        "ten minutes after a fault of everybody hit its third payment, a mail has asked for a human";
    BacklogTold: "backlog-told", Liveness,
        "seven minutes after more waits than goes out in a quarter of an hour, a mail has said so";
    StrandedTold: "stranded-told", Liveness,
        "six minutes after more payments are late than queues hold messages, a mail has said so";
    WarnedInTime: "warned-in-time", Liveness,
        "two days before a message expires, or half of the time that it is kept, a mail has said so";
    ResolvedWhenOver: "resolved-when-over", Liveness,
        "it is said to be resolved when nothing waits any more, Stripe answers, and soon after the last that held it up";
    OneMailPerTransition: "one-mail-per-transition", Liveness,
        "each transition is mailed once, twice only where a turn died or an answer was lost in between, and nothing else is";
    OutcomesTrue: "outcomes-true", Safety,
        "no event says of a payment what its row did not say, or tells it out of order";
    OutcomesTold: "outcomes-told", Liveness,
        "a minute and a half after a row became succeeded, declined or quarantined, an event has said so";
    LooksTrue: "looks-true", Safety,
        "nobody is told that a payment is paid before money moved, or that it is not while money may still move";
    LooksGuarded: "looks-guarded", Safety,
        "a payment is shown by a link that was given out for it and has not expired, and by no other";
    LooksAnswered: "looks-answered", Liveness,
        "everybody who looks is answered within a second, and with an error only while something is in trouble";
    LooksCurrent: "looks-current", Liveness,
        "whoever looks again is told how it ended by the sixth look";
    LooksSpared: "looks-spared", Liveness,
        "however many look, a payment is not read twice in a second in one form";
    CallsBounded: "calls-bounded", Liveness,
        "a charge takes two Stripe calls when nothing goes wrong, and a delivery never more than sixteen";
    OutageSpared: "outage-spared", Liveness,
        "a container asks a dead Stripe only as often as its breaker lets it";
    SuspicionSpared: "suspicion-spared", Liveness,
        "while everybody is refused alike, a container asks once a minute";
    OneIntentPerGeneration: "one-intent-per-generation", Liveness,
        "a payment has no more intents than its create had keys";
    SteadyBefore: "steady-before", Liveness,
        "what arrived in good time before the first fault was done before it";
    FaultsFired: "faults-fired", Liveness,
        "every configured fault fired; one that did not makes the run inconclusive";
    DeadLettersAsExpected: "dead-letters-as-expected", Liveness,
        "as many dead letters as the experiment expects; an outage without any is inconclusive";
    Drained: "drained", Liveness,
        "the queues are empty, the incident is over, and what the faults left is settled within the bound";
}

impl Check {
    /// The checks of liveness, from which alone a run may be excused.
    pub fn of_liveness() -> impl Iterator<Item = Self> + Clone {
        Self::ALL.into_iter().filter(|check| check.promise() == Promise::Liveness)
    }
}

/// In the order of their names, as files and reports list what is excused.
impl Ord for Check {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Check {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_check_has_a_name_of_its_own() {
        assert_eq!(BTreeSet::from(Check::ALL).len(), Check::ALL.len());
    }
}
