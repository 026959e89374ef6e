//! The table of faults: what can be made to go wrong, where, why it happens for real, and what heals it.
//!
//! Invariant: every kind has one row here, and everything that lists or parses kinds reads this table.

use crate::random::Chance;
use std::fmt;
use std::str::FromStr;

/// A kind of fault. The order is the order in which they are asked when several could hit one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Stripe answers 503 before anything happened.
    StripeUnavailable,
    /// Stripe never answers, and nothing happened.
    StripeTimeout,
    /// Stripe did it, and the answer is lost.
    StripeLostAnswer,
    /// The issuer declines a good card.
    Declined,
    /// A payment kills whoever works on it, each time.
    Poison,
    /// The producer sends a message that is no payment.
    Malformed,
    /// An invocation is killed at one of its network hops.
    Crash,
    /// An event for a function gets lost on its way.
    EventLost,
    /// An event for a function arrives twice.
    EventTwice,
}

/// Where in a call a fault takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Nothing has happened.
    Before,
    /// It has happened, the answer is lost.
    After,
    /// An error is stored under the call's idempotency key and will be replayed.
    Stored,
}

impl Placement {
    /// The word for it, as in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Stored => "stored",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Description {
    /// The name in experiment files and on the command line.
    pub name: &'static str,
    /// Share of what it could hit that it hits, 0 to 1, when no rate is given.
    pub default_share: f64,
    /// Where it takes effect; absent where a placement makes no sense.
    pub placement: Option<Placement>,
    /// What it does.
    pub does: &'static str,
    /// What causes it outside.
    pub cause: &'static str,
    /// What ends it.
    pub heals: &'static str,
}

impl Kind {
    /// Every kind, in the order in which they are asked.
    pub const ALL: [Self; 9] = [
        Self::StripeUnavailable,
        Self::StripeTimeout,
        Self::StripeLostAnswer,
        Self::Declined,
        Self::Poison,
        Self::Malformed,
        Self::Crash,
        Self::EventLost,
        Self::EventTwice,
    ];

    /// Its row of the table.
    #[must_use]
    pub const fn describe(self) -> Description {
        match self {
            Self::StripeUnavailable => Description {
                name: "stripe-unavailable",
                default_share: 1.0,
                placement: Some(Placement::Before),
                does: "answers 503 api_error at Stripe's edge; nothing happens, nothing is stored",
                cause: "a provider outage, as on 2019-07-10 when the database behind the API had no primary",
                heals: "the outage ends; every call can be repeated as it is",
            },
            Self::StripeTimeout => Description {
                name: "stripe-timeout",
                default_share: 0.3,
                placement: Some(Placement::Before),
                does: "never answers and resets the connection after 80 s; nothing happens",
                cause: "starved workers, as on 2015-10-08, or a network that drops packets",
                heals: "the client gives up, looks the intent up and finds nothing done",
            },
            Self::StripeLostAnswer => Description {
                name: "stripe-lost-answer",
                default_share: 0.1,
                placement: Some(Placement::After),
                does: "does what was asked and resets the connection instead of answering",
                cause: "a load balancer or a reused connection that dies between effect and answer",
                heals: "the intent is looked up, or the same create is sent under the same key",
            },
            Self::Declined => Description {
                name: "declined",
                default_share: 0.05,
                placement: None,
                does: "has the issuer decline a good card when its intent is confirmed: 402 generic_decline",
                cause: "the card, not the system: limits, fraud rules, a closed account",
                heals: "nothing: a decline is an outcome",
            },
            Self::Poison => Description {
                name: "poison",
                default_share: 0.01,
                placement: None,
                does: "picks payments at Stripe's first answer; that answer, and each after it, kills whoever reads it",
                cause: "an answer or a payment that the code cannot digest, and dies of: out of memory, an endless loop",
                heals: "nothing: the payment is quarantined, and goes on when a human released it to mended code",
            },
            Self::Malformed => Description {
                name: "malformed",
                default_share: 0.01,
                placement: None,
                does: "sends, beside a payment, a message that is no payment",
                cause: "a producer with a bug, or a second producer nobody knew of",
                heals: "the message is quarantined, the producer is mended by a human",
            },
            Self::Crash => Description {
                name: "crash",
                default_share: 0.05,
                placement: None,
                does: "kills an invocation at one of its network hops, before or after an effect",
                cause: "out of memory, a timeout, a host that dies",
                heals: "the message becomes visible again and the next delivery resumes",
            },
            Self::EventLost => Description {
                name: "event-lost",
                default_share: 0.1,
                placement: None,
                does: "loses an event of a rule or a schedule between EventBridge and Lambda",
                cause: "a region in trouble; EventBridge promises to deliver, not when",
                heals: "the schedule's next event: whatever an event says, a turn finds out by itself",
            },
            Self::EventTwice => Description {
                name: "event-twice",
                default_share: 0.1,
                placement: None,
                does: "delivers an event of a rule or a schedule twice, at the same instant",
                cause: "EventBridge delivers at least once, and so does Lambda",
                heals: "nothing needs to: of two turns that read the same record, one saves",
            },
        }
    }

    /// Its name, as in `cargo chaos list faults`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.describe().name
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

/// No fault has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault kind `{0}`; accepted: {list}", list = Kind::ALL.map(Kind::name).join(", "))]
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
            @"unknown fault kind `stripe-sleepy`; accepted: stripe-unavailable, stripe-timeout, stripe-lost-answer, declined, poison, malformed, crash, event-lost, event-twice"
        );
    }

    #[test]
    fn every_default_rate_is_a_chance_that_can_fire() {
        for kind in Kind::ALL {
            assert!(kind.default_chance().ppm() > 0, "{kind}");
        }
    }
}
