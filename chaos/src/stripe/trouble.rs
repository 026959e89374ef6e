//! What the world does to a call: on its way to Stripe, while Stripe works on it, and on its way back.
//!
//! Faults are asked where they would strike, in the order of [`Kind::ALL`], and the first that strikes is the call's
//! only one: a Stripe that is unavailable can lose no answer. What an issuer says is no trouble of the call.
//! Invariant: a fault that fired here is carried out by the wire, or its call did not live to meet it.

use super::limits::{SILENCE_MS, SLOW_MS_MAX, SLOW_MS_MIN};
use super::{Instead, Limiter};
use crate::faults::{Fault, Faults, Hit, Kind, Placement, Refusal, Subject};
use crate::journal::Operation;
use payments::UnixMs;

/// A call, as far as faults care.
#[derive(Clone, Copy, Debug)]
pub(super) struct Victim<'a> {
    pub(super) faults: &'a Faults,
    pub(super) subject: Subject<'a>,
    pub(super) keyed: Keyed,
    /// When its intent was made, if it is about one.
    pub(super) made: Option<UnixMs>,
    /// How long its answer takes when nothing is wrong, ms.
    pub(super) usual_ms: u64,
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

/// What becomes of the work on a call that was admitted, when Stripe does not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// It ends in a 500, and what was begun is rolled back.
    RolledBack,
    /// It ends in a 500, and what was begun is rolled forward.
    RolledForward,
    /// It ends in a refusal, and nothing was begun.
    Refused(Refusal),
    /// It ends in a refusal, and what was begun is rolled forward all the same.
    RefusedAndRolledForward(Refusal),
}

impl Failing {
    /// The fault that makes it so.
    pub(super) const fn fault(self) -> Kind {
        match self {
            Self::RolledBack | Self::RolledForward => Kind::StripeServerError,
            Self::Refused(_) | Self::RefusedAndRolledForward(_) => Kind::StripeRefusing,
        }
    }
}

type Strike = fn(&Victim<'_>, Hit) -> Way;

/// The faults that strike before Stripe works on a call, in the order in which they are asked.
const ON_THE_WAY: [(Kind, Strike); 10] = [
    (Kind::StripeUnavailable, |_, _| Way::Answered(Kind::StripeUnavailable, Instead::Unavailable)),
    (Kind::StripeTimeout, |victim, hit| victim.silenced(hit)),
    (Kind::StripeReset, |_, _| Way::Reset),
    (Kind::StripeThrottled, |victim, _| Way::Answered(Kind::StripeThrottled, victim.throttled())),
    (Kind::StripeUnauthorized, |_, _| Way::Answered(Kind::StripeUnauthorized, Instead::Unauthorized)),
    (Kind::StripeRefusing, |_, hit| {
        hit.refusal.map_or(Way::Open(Ending::Whole), |refusal| {
            Way::Answered(Kind::StripeRefusing, Instead::Refused(refusal))
        })
    }),
    (Kind::StripeOtherAccount, |_, _| Way::Answered(Kind::StripeOtherAccount, Instead::NoSuchIntent)),
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
    pub(super) fn fate(&self, now: UnixMs) -> Option<Failing> {
        if let Some(hit) = self.hit_inside(Kind::StripeRefusing, now)
            && let Some(refusal) = hit.refusal
        {
            let failing = if hit.is_after() { Failing::RefusedAndRolledForward } else { Failing::Refused };
            return Some(failing(refusal));
        }
        let hit = self.hit_inside(Kind::StripeServerError, now)?;
        Some(if hit.is_after() { Failing::RolledForward } else { Failing::RolledBack })
    }

    /// The way back of an answer that nothing has struck yet.
    pub(super) fn back(&self, now: UnixMs) -> Back {
        if self.hit_by(Kind::StripeLostAnswer, now).is_some() {
            Back::Lost
        } else if let Some(hit) = self.hit_by(Kind::StripeSlow, now) {
            Back::Slow(self.late_ms(hit))
        } else {
            Back::Whole
        }
    }

    /// Whether an answer that nothing else has struck comes from a replica that lags.
    pub(super) fn is_stale(&self, now: UnixMs) -> bool {
        self.hit_by(Kind::StripeStale, now).is_some()
    }

    /// Whether the work that makes the call panics at this side of it.
    pub(super) fn panics(&self, placement: Placement, now: UnixMs) -> bool {
        let is_here = |fault: &Fault| fault.placement == Some(placement);
        self.can_meet(Kind::Panic)
            && self.faults.fires_among(Kind::Panic, now, &self.subject, is_here).is_some()
    }

    /// How much later than usual a slow answer comes.
    fn late_ms(&self, hit: Hit) -> u64 {
        match hit.times {
            Some(times) => self.usual_ms.saturating_mul(times.saturating_sub(1)),
            None => self.faults.between(Kind::StripeSlow, SLOW_MS_MIN, SLOW_MS_MAX),
        }
    }

    /// What strikes outside Stripe's work, on the way there or back.
    fn hit_by(&self, kind: Kind, now: UnixMs) -> Option<Hit> {
        // Who refuses and does it all the same has begun to work on it.
        let is_outside = |fault: &Fault| match fault.placement {
            Some(Placement::Stored) => false,
            Some(Placement::After) => kind != Kind::StripeRefusing,
            Some(Placement::Before) | None => true,
        };
        let is_elsewhere = |fault: &Fault| {
            let made_ms = self.made.map(|made| self.faults.elapsed_ms(made));
            kind != Kind::StripeOtherAccount || made_ms.is_some_and(|made_ms| made_ms < fault.window.from_ms)
        };
        let could = |fault: &Fault| is_outside(fault) && is_elsewhere(fault);
        if self.can_meet(kind) { self.faults.fires_among(kind, now, &self.subject, could) } else { None }
    }

    /// What strikes inside it.
    fn hit_inside(&self, kind: Kind, now: UnixMs) -> Option<Hit> {
        let is_inside = |fault: &Fault| fault.placement != Some(Placement::Before);
        if self.can_meet(kind) { self.faults.fires_among(kind, now, &self.subject, is_inside) } else { None }
    }

    /// The kind's row says which operations can meet it. A request that is none, such as the one that warms a
    /// connection, meets what a probe would; and only a key can be in use.
    fn can_meet(&self, kind: Kind) -> bool {
        let operation = if self.subject.operation == Operation::Other.name() {
            Operation::Probe.name()
        } else {
            self.subject.operation
        };
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
