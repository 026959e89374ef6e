//! The kinds of faults: their names, and the rows of the table that describe them.
//!
//! Invariant: every kind has one row, and everything that lists or parses kinds reads it.

use super::families::{Family, Placement};
use super::table;
use crate::random::Chance;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A kind of fault. The order is the order in which they are asked when several could hit one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Stripe answers 503 before anything happened.
    StripeUnavailable,
    /// Stripe never answers.
    StripeTimeout,
    /// The connection is reset before Stripe reads the request.
    StripeReset,
    /// Stripe's limiter refuses the call.
    StripeThrottled,
    /// Stripe refuses a key that was good.
    StripeUnauthorized,
    /// Stripe refuses everybody, for what the account is.
    StripeRefusing,
    /// The key is another account's: intents on record are not there.
    StripeOtherAccount,
    /// Another request holds the intent's lock.
    StripeLockTimeout,
    /// Stripe is still working on a request under the same key.
    StripeConflict,
    /// Stripe fails in the middle of an operation.
    StripeServerError,
    /// The answer cannot be read.
    StripeGarbage,
    /// Stripe did it, and the answer is lost.
    StripeLostAnswer,
    /// Stripe answers late.
    StripeSlow,
    /// The issuer declines a good card.
    Declined,
    /// The issuer declines for the moment.
    DeclinedSoftly,
    /// The issuer wants to see the cardholder.
    AuthenticationRequired,
    /// A confirmed intent stays undecided for a while.
    Processing,
    /// A payment kills whoever works on it, each time.
    Poison,
    /// The producer sends a message that is no payment.
    Malformed,
    /// The producer sends a message as large as its queue takes.
    Oversized,
    /// The producer sends a payment twice.
    Repeated,
    /// The producer sends other money under the same id.
    Conflicting,
    /// An invocation is killed at one of its network hops.
    Crash,
    /// The work on a record panics at a call to Stripe.
    Panic,
    /// Lambda kills an invocation at its timeout.
    FunctionTimeout,
    /// A container runs out of memory.
    OutOfMemory,
    /// A cold start takes seconds.
    SlowStart,
    /// A poller of Lambda's fetches a batch long before it hands it over.
    Prefetched,
    /// DynamoDB throttles the ledger.
    LedgerThrottled,
    /// DynamoDB wrote, and the answer is lost.
    LedgerLostAnswer,
    /// SQS delivers a message that is being worked on.
    DuplicateDelivery,
    /// SQS delivers out of order.
    ReorderedDelivery,
    /// SQS delivers a message after it was deleted.
    Redelivered,
    /// SQS changes the visibility of some messages and not of others.
    VisibilityRefused,
    /// The Stripe key is rotated.
    SecretRotated,
    /// An event for a function gets lost on its way.
    EventLost,
    /// An event for a function arrives twice.
    EventTwice,
    /// Metrics of the queues arrive 15 minutes late.
    MetricsLate,
    /// A mute rule holds the actions of the alarms back.
    AlarmMuted,
    /// A move task leaves messages behind.
    MoveTaskMisses,
    /// SNS does not take a mail.
    SnsFailing,
    /// Nobody is subscribed to the mails.
    Unsubscribed,
    /// The consumer's event source mapping is disabled.
    MappingDisabled,
    /// A message is gone that was handed back.
    MessagePurged,
    /// SQS fails a call of a function.
    SqsFailing,
    /// Secrets Manager does not say what the key is.
    SecretsFailing,
    /// CloudWatch does not say how the alarms stand.
    CloudWatchFailing,
    /// An event bus does not take what a pipe puts on it.
    BusFailing,
    /// One of Stripe's own events never comes.
    EventsLost,
    /// One of Stripe's own events comes long after what it tells of.
    EventsLate,
    /// One of Stripe's own events comes twice.
    EventsTwice,
    /// One of Stripe's own events comes after later ones.
    EventsReordered,
    /// An event comes that is not Stripe's.
    EventsForged,
    /// An index does not know of the latest writes yet.
    IndexBehind,
    /// A queue counts what it held before.
    CountsBehind,
    /// A receive finds fewer messages than are there.
    ShortReceive,
    /// Lambda has no concurrency left for an invocation.
    FunctionThrottled,
    /// A look-up has not heard of the last change.
    StripeStale,
    /// An issuer only holds the money.
    Held,
    /// The status function cannot be reached.
    StatusUnavailable,
    /// The status function does not answer.
    StatusHanging,
    /// Lambda takes no more requests for the status function.
    StatusThrottled,
    /// The caches of the edge have made room.
    CopiesEvicted,
    /// API Gateway fails a hand-in.
    GatewayFailing,
    /// The edge finds no key to check links with.
    KeysUnreadable,
    /// A function's process stands still for a while.
    ProcessStopped,
    /// Nobody reads what a function's process writes.
    OutputBlocked,
    /// Nobody listens where a function's process calls Stripe.
    ConnectionRefused,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Description {
    /// The name in experiment files and on the command line.
    pub name: &'static str,
    /// Whose fault it is.
    pub family: Family,
    /// Share of what it could hit that it hits, 0 to 1, when no rate is given.
    pub default_share: f64,
    /// Where it may take effect, the default first; empty where a placement makes no sense.
    pub placements: &'static [Placement],
    /// What it can be limited to; empty when there is nothing to choose.
    pub operations: &'static [&'static str],
    /// Whether the calls it hits fail with nothing done, unless it is placed after the effect.
    pub prevents_calls: bool,
    /// What it does.
    pub does: &'static str,
    /// What causes it outside.
    pub cause: &'static str,
    /// What ends it.
    pub heals: &'static str,
}

impl Description {
    /// Those of its operations that every run can come to.
    #[must_use]
    pub fn reached(&self) -> Vec<&'static str> {
        let is_reached = |operation: &&str| !table::SELDOM_REACHED.contains(operation);
        self.operations.iter().copied().filter(is_reached).collect()
    }
}

impl Kind {
    /// Every kind, in the order in which they are asked.
    pub const ALL: [Self; 68] = [
        Self::StripeUnavailable,
        Self::StripeTimeout,
        Self::StripeReset,
        Self::StripeThrottled,
        Self::StripeUnauthorized,
        Self::StripeRefusing,
        Self::StripeOtherAccount,
        Self::StripeLockTimeout,
        Self::StripeConflict,
        Self::StripeServerError,
        Self::StripeGarbage,
        Self::StripeLostAnswer,
        Self::StripeSlow,
        Self::Declined,
        Self::DeclinedSoftly,
        Self::AuthenticationRequired,
        Self::Processing,
        Self::Poison,
        Self::Malformed,
        Self::Oversized,
        Self::Repeated,
        Self::Conflicting,
        Self::Crash,
        Self::Panic,
        Self::FunctionTimeout,
        Self::OutOfMemory,
        Self::SlowStart,
        Self::LedgerThrottled,
        Self::LedgerLostAnswer,
        Self::DuplicateDelivery,
        Self::ReorderedDelivery,
        Self::Redelivered,
        Self::VisibilityRefused,
        Self::SecretRotated,
        Self::EventLost,
        Self::EventTwice,
        Self::MetricsLate,
        Self::AlarmMuted,
        Self::MoveTaskMisses,
        Self::SnsFailing,
        Self::Unsubscribed,
        Self::MappingDisabled,
        Self::MessagePurged,
        Self::SqsFailing,
        Self::SecretsFailing,
        Self::CloudWatchFailing,
        Self::IndexBehind,
        Self::CountsBehind,
        Self::ShortReceive,
        Self::FunctionThrottled,
        Self::StripeStale,
        Self::Held,
        Self::Prefetched,
        Self::BusFailing,
        Self::StatusUnavailable,
        Self::StatusHanging,
        Self::StatusThrottled,
        Self::CopiesEvicted,
        Self::GatewayFailing,
        Self::KeysUnreadable,
        Self::EventsLost,
        Self::EventsLate,
        Self::EventsTwice,
        Self::EventsReordered,
        Self::EventsForged,
        Self::ProcessStopped,
        Self::OutputBlocked,
        Self::ConnectionRefused,
    ];

    /// Its row of the table.
    #[must_use]
    pub const fn describe(self) -> Description {
        match self {
            Self::StripeUnavailable => table::stripe::STRIPE_UNAVAILABLE,
            Self::StripeTimeout => table::stripe::STRIPE_TIMEOUT,
            Self::StripeReset => table::stripe::STRIPE_RESET,
            Self::StripeThrottled => table::stripe::STRIPE_THROTTLED,
            Self::StripeUnauthorized => table::stripe::STRIPE_UNAUTHORIZED,
            Self::StripeRefusing => table::stripe::STRIPE_REFUSING,
            Self::StripeOtherAccount => table::stripe::STRIPE_OTHER_ACCOUNT,
            Self::StripeLockTimeout => table::stripe::STRIPE_LOCK_TIMEOUT,
            Self::StripeConflict => table::stripe::STRIPE_CONFLICT,
            Self::StripeServerError => table::stripe::STRIPE_SERVER_ERROR,
            Self::StripeGarbage => table::stripe::STRIPE_GARBAGE,
            Self::StripeLostAnswer => table::stripe::STRIPE_LOST_ANSWER,
            Self::StripeSlow => table::stripe::STRIPE_SLOW,
            Self::Declined => table::stripe::DECLINED,
            Self::DeclinedSoftly => table::stripe::DECLINED_SOFTLY,
            Self::AuthenticationRequired => table::stripe::AUTHENTICATION_REQUIRED,
            Self::Processing => table::stripe::PROCESSING,
            Self::Poison => table::stripe::POISON,
            Self::Malformed => table::input::MALFORMED,
            Self::Oversized => table::input::OVERSIZED,
            Self::Repeated => table::input::REPEATED,
            Self::Conflicting => table::input::CONFLICTING,
            Self::Crash => table::lambda::CRASH,
            Self::Panic => table::lambda::PANIC,
            Self::FunctionTimeout => table::lambda::FUNCTION_TIMEOUT,
            Self::OutOfMemory => table::lambda::OUT_OF_MEMORY,
            Self::SlowStart => table::lambda::SLOW_START,
            Self::Prefetched => table::lambda::PREFETCHED,
            Self::LedgerThrottled => table::aws::LEDGER_THROTTLED,
            Self::LedgerLostAnswer => table::aws::LEDGER_LOST_ANSWER,
            Self::DuplicateDelivery => table::aws::DUPLICATE_DELIVERY,
            Self::ReorderedDelivery => table::aws::REORDERED_DELIVERY,
            Self::Redelivered => table::aws::REDELIVERED,
            Self::VisibilityRefused => table::aws::VISIBILITY_REFUSED,
            Self::SecretRotated => table::aws::SECRET_ROTATED,
            Self::EventLost => table::aws::EVENT_LOST,
            Self::EventTwice => table::aws::EVENT_TWICE,
            Self::MetricsLate => table::aws::METRICS_LATE,
            Self::AlarmMuted => table::aws::ALARM_MUTED,
            Self::MoveTaskMisses => table::aws::MOVE_TASK_MISSES,
            Self::SnsFailing => table::aws::SNS_FAILING,
            Self::Unsubscribed => table::aws::UNSUBSCRIBED,
            Self::MappingDisabled => table::aws::MAPPING_DISABLED,
            Self::MessagePurged => table::aws::MESSAGE_PURGED,
            Self::SqsFailing => table::aws::SQS_FAILING,
            Self::SecretsFailing => table::aws::SECRETS_FAILING,
            Self::CloudWatchFailing => table::aws::CLOUDWATCH_FAILING,
            Self::BusFailing => table::aws::BUS_FAILING,
            Self::EventsLost => table::events::EVENTS_LOST,
            Self::EventsLate => table::events::EVENTS_LATE,
            Self::EventsTwice => table::events::EVENTS_TWICE,
            Self::EventsReordered => table::events::EVENTS_REORDERED,
            Self::EventsForged => table::events::EVENTS_FORGED,
            Self::IndexBehind => table::aws::INDEX_BEHIND,
            Self::CountsBehind => table::aws::COUNTS_BEHIND,
            Self::ShortReceive => table::aws::SHORT_RECEIVE,
            Self::FunctionThrottled => table::lambda::FUNCTION_THROTTLED,
            Self::StripeStale => table::stripe::STRIPE_STALE,
            Self::Held => table::stripe::HELD,
            Self::StatusUnavailable => table::edge::STATUS_UNAVAILABLE,
            Self::StatusHanging => table::edge::STATUS_HANGING,
            Self::StatusThrottled => table::edge::STATUS_THROTTLED,
            Self::CopiesEvicted => table::edge::COPIES_EVICTED,
            Self::GatewayFailing => table::edge::GATEWAY_FAILING,
            Self::KeysUnreadable => table::edge::KEYS_UNREADABLE,
            Self::ProcessStopped => table::process::PROCESS_STOPPED,
            Self::OutputBlocked => table::process::OUTPUT_BLOCKED,
            Self::ConnectionRefused => table::process::CONNECTION_REFUSED,
        }
    }

    /// Its name, as in `cargo chaos list faults`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.describe().name
    }

    /// Whether an invocation that it meets may end by it.
    #[must_use]
    pub const fn ends_invocations(self) -> bool {
        matches!(self.describe().family, Family::Lambda | Family::Process)
    }

    /// Whether a simulated world has it: what only processes can suffer is not simulated.
    #[must_use]
    pub fn is_simulated(self) -> bool {
        Family::SIMULATED.contains(&self.describe().family)
    }

    /// Whether it can happen to functions that are processes: what would have to happen inside of one cannot be put there.
    #[must_use]
    pub const fn is_of_reality(self) -> bool {
        !matches!(self, Self::Panic)
    }

    /// Whether it happens to Stripe's own events, and so only where somebody listens to them.
    #[must_use]
    pub const fn is_of_stripes_events(self) -> bool {
        matches!(
            self,
            Self::EventsLost
                | Self::EventsLate
                | Self::EventsTwice
                | Self::EventsReordered
                | Self::EventsForged
        )
    }

    /// Whether it fails calls that our functions make to AWS: a turn of the responder that meets it may end there.
    #[must_use]
    pub const fn fails_calls_to_aws(self) -> bool {
        matches!(
            self,
            Self::LedgerThrottled
                | Self::LedgerLostAnswer
                | Self::SnsFailing
                | Self::SqsFailing
                | Self::SecretsFailing
                | Self::CloudWatchFailing
        )
    }

    /// The chance it has when no rate is given.
    #[must_use]
    pub fn default_chance(self) -> Chance {
        Chance::from_share(self.describe().default_share).expect("the table's shares lie between 0 and 1")
    }

    /// Reads a name.
    ///
    /// # Errors
    /// When no kind has that name; the error lists those that exist.
    pub fn parse(name: &str) -> Result<Self, UnknownKind> {
        let named = Self::ALL.into_iter().find(|kind| kind.name() == name);
        named.ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::parse(name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// No fault has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault kind `{0}`; accepted: those that `cargo chaos list faults` lists")]
pub struct UnknownKind(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Ok(kind));
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_accepted_ones() {
        insta::assert_snapshot!(
            Kind::parse("stripe-sleepy").unwrap_err(),
            @"unknown fault kind `stripe-sleepy`; accepted: those that `cargo chaos list faults` lists"
        );
    }

    #[test]
    fn every_default_rate_is_a_chance_that_can_fire() {
        for kind in Kind::ALL {
            assert!(kind.default_chance().ppm() > 0, "{kind}");
        }
    }
}
