//! What the world does to a call: on its way to Stripe, while Stripe works on it, and on its way back.
//!
//! Faults are asked where they would strike, in the order of [`Kind::ALL`], and the first that strikes is the call's
//! only one: a Stripe that is unavailable can lose no answer. What an issuer says is no trouble of the call.
//! Invariant: a fault that fired here is carried out by the wire, or its call did not live to meet it.

use super::limits::{SILENCE_MS, SLOW_MS_MAX, SLOW_MS_MIN};
use super::{Instead, Limiter};
use crate::faults::{Faults, Hit, Kind, Placement, Subject};
use payments::UnixMs;

/// A call, as far as faults care.
#[derive(Clone, Copy, Debug)]
pub(super) struct Victim<'a> {
    pub(super) faults: &'a Faults,
    pub(super) subject: Subject<'a>,
    pub(super) keyed: Keyed,
}

/// Whether a request carries an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyed {
    Yes,
    No,
}

/// How a call fares until it reaches Stripe, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Stripe works on it and answers; the answer is cut short, or may still be struck on its way back.
    Open(Ending),
    /// It is answered without being executed.
    Answered(Kind, Instead),
    /// The connection is reset; nothing happened.
    Reset,
    /// Nothing is ever heard; nothing happened.
    Silence,
    /// Nothing is ever heard; Stripe does what was asked so many ms later.
    Late(u64),
}

/// How the body of an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    CutShort,
}

/// How an answer fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Back {
    Whole,
    CutShort,
    Lost,
    /// It comes so many ms late.
    Slow(u64),
}

type Strike = fn(&Victim<'_>, Hit) -> Way;

/// The faults that strike before Stripe works on a call, in the order in which they are asked.
const ON_THE_WAY: [(Kind, Strike); 8] = [
    (Kind::StripeUnavailable, |_, _| Way::Answered(Kind::StripeUnavailable, Instead::Unavailable)),
    (Kind::StripeTimeout, |victim, hit| victim.silenced(hit)),
    (Kind::StripeReset, |_, _| Way::Reset),
    (Kind::StripeThrottled, |victim, _| Way::Answered(Kind::StripeThrottled, victim.throttled())),
    (Kind::StripeUnauthorized, |_, _| Way::Answered(Kind::StripeUnauthorized, Instead::Unauthorized)),
    (Kind::StripeLockTimeout, |_, _| Way::Answered(Kind::StripeLockTimeout, Instead::LockTimeout)),
    (Kind::StripeConflict, |_, _| Way::Answered(Kind::StripeConflict, Instead::KeyInUse)),
    (Kind::StripeGarbage, |_, hit| {
        if hit.is_after() {
            Way::Open(Ending::CutShort)
        } else {
            Way::Answered(Kind::StripeGarbage, Instead::BadGateway)
        }
    }),
];

impl Victim<'_> {
    /// The way to Stripe, at the moment the call reaches its edge.
    pub(super) fn way(&self, now: UnixMs) -> Way {
        let struck =
            ON_THE_WAY.iter().find_map(|(kind, strike)| Some(strike(self, self.hit_by(*kind, now)?)));
        struck.unwrap_or(Way::Open(Ending::Whole))
    }

    /// What becomes of the work on a call that was admitted: `None` when Stripe does not fail.
    pub(super) fn fate(&self, now: UnixMs) -> Option<Placement> {
        self.hit_by(Kind::StripeServerError, now)?.placement
    }

    /// The way back of an answer that nothing has struck yet.
    pub(super) fn back(&self, now: UnixMs) -> Back {
        if self.hit_by(Kind::StripeLostAnswer, now).is_some() {
            Back::Lost
        } else if self.hit_by(Kind::StripeSlow, now).is_some() {
            Back::Slow(self.faults.between(Kind::StripeSlow, SLOW_MS_MIN, SLOW_MS_MAX))
        } else {
            Back::Whole
        }
    }

    fn hit_by(&self, kind: Kind, now: UnixMs) -> Option<Hit> {
        if self.can_meet(kind) { self.faults.fires(kind, now, &self.subject) } else { None }
    }

    /// The kind's row says which operations can meet it. A request that is none, such as the one that warms a
    /// connection, meets what a probe would; and only a key can be in use.
    fn can_meet(&self, kind: Kind) -> bool {
        let operation = if self.subject.operation == OTHER { "probe" } else { self.subject.operation };
        let listed = kind.describe().operations.contains(&operation);
        listed && (kind != Kind::StripeConflict || self.keyed == Keyed::Yes)
    }

    fn silenced(&self, hit: Hit) -> Way {
        if hit.is_after() {
            Way::Late(self.faults.between(Kind::StripeTimeout, 0, SILENCE_MS))
        } else {
            Way::Silence
        }
    }

    /// Any of the limiters; one time in four it says when to come back.
    fn throttled(&self) -> Instead {
        let draw = |low, high| self.faults.between(Kind::StripeThrottled, low, high);
        let by = Limiter::ALL[draw(0, Limiter::ALL.len() as u64 - 1) as usize];
        let retry_after_s = if draw(0, 3) == 0 { u32::try_from(draw(1, 30)).ok() } else { None };
        Instead::Throttled { by, retry_after_s }
    }
}

/// The operation of a request that is none of the API's.
pub(super) const OTHER: &str = "other";
