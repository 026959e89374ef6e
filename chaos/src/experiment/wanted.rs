//! A fault of a Stripe that is being served, as it is asked for while it runs: in JSON, or by `cargo chaos fault`.
//!
//! Invariant: what is accepted here is what an experiment file accepts, in the same words, and ends by itself.

use super::fault::no_such_operation;
use super::typed::{self, NotAccepted};
use crate::faults::{Family, Fault, Kind, Refusal, Window};
use crate::random::Chance;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long a fault lives unless something else is said, s: nobody should find it open the next morning.
pub const TTL_S: u64 = 15 * 60;

/// Longest life of a fault, s: as long as an experiment may speak of.
const TTL_S_MAX: u64 = 14 * 24 * 3_600;

/// A fault that is to be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WantedFault {
    /// Its kind.
    pub kind: String,
    /// Where it takes effect; the kind's first when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<String>,
    /// Share of what it could hit, 0 to 1; the kind's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// To what it is limited; everything when empty.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub operations: BTreeSet<String>,
    /// How long it lives, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u64>,
    /// Status of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many times as long as usual a slow answer takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl WantedFault {
    /// What it means: the fault, and how long it lives, ms.
    ///
    /// # Errors
    /// When a field says something that is not accepted.
    pub fn meaning(&self) -> Result<(Fault, u64), NotAccepted> {
        let kind = served(typed::kind(&self.kind)?)?;
        let mut fault = Fault::steady(kind, self.chance(kind)?, Window::ALWAYS);
        if let Some(name) = &self.placement {
            fault.placement = Some(typed::placement(kind, name)?);
        }
        let known = kind.describe().operations;
        if let Some(unknown) = self.operations.iter().find(|it| !known.contains(&it.as_str())) {
            return Err(no_such_operation(unknown, known));
        }
        fault.scope.operations.clone_from(&self.operations);
        fault.refusal = self.refusal(kind)?;
        fault.times = self.times.map(|times| typed::times(kind, times)).transpose()?;
        Ok((fault, 1_000 * self.ttl_s()?))
    }

    fn chance(&self, kind: Kind) -> Result<Chance, NotAccepted> {
        self.rate.map_or_else(
            || Ok(kind.default_chance()),
            |share| Chance::from_share(share).ok_or_else(|| NotAccepted::new("rate", share, "0 to 1")),
        )
    }

    fn refusal(&self, kind: Kind) -> Result<Option<Refusal>, NotAccepted> {
        let status = self.status.map(|status| typed::status(kind, status)).transpose()?;
        let code = self.code.as_deref().map(|code| typed::code(kind, code)).transpose()?;
        let is_said = status.is_some() || code.is_some();
        Ok(is_said.then(|| Refusal::of(status.unwrap_or(400), code)).flatten())
    }

    fn ttl_s(&self) -> Result<u64, NotAccepted> {
        let ttl_s = self.ttl_s.unwrap_or(TTL_S);
        let good = (1..=TTL_S_MAX).contains(&ttl_s);
        good.then_some(ttl_s).ok_or_else(|| NotAccepted::new("ttl_s", ttl_s, format!("1 to {TTL_S_MAX}")))
    }
}

/// A kind that a Stripe can have which nothing but its callers knows.
///
/// # Errors
/// When it belongs to what is not there: a producer, Lambda, AWS, or a container that an answer could kill.
pub fn served(kind: Kind) -> Result<Kind, NotAccepted> {
    let is_served = |kind: &Kind| kind.describe().family == Family::Stripe && *kind != Kind::Poison;
    let accepted = || Kind::ALL.into_iter().filter(is_served).map(Kind::name).collect::<Vec<_>>().join(", ");
    is_served(&kind).then_some(kind).ok_or_else(|| NotAccepted::new("fault kind", kind, accepted()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Placement;

    fn meaning(json: &str) -> Result<(Fault, u64), String> {
        let wanted: WantedFault = serde_json::from_str(json).expect("it is a fault");
        wanted.meaning().map_err(|error| error.to_string())
    }

    #[test]
    fn a_fault_lives_a_quarter_of_an_hour_unless_something_else_is_said() {
        let (fault, ttl_ms) = meaning(r#"{"kind":"stripe-timeout"}"#).expect("it is good");
        assert_eq!((fault.placement, ttl_ms), (Some(Placement::Before), 900_000));
        let said =
            r#"{"kind":"stripe-garbage","placement":"after","rate":1,"operations":["confirm"],"ttl_s":5}"#;
        let (fault, ttl_ms) = meaning(said).expect("it is good");
        assert_eq!((fault.placement, ttl_ms), (Some(Placement::After), 5_000));
        assert!(fault.scope.operations.contains("confirm"));
    }

    #[test]
    fn what_is_not_accepted_is_told_in_a_line() {
        let refused = |json| meaning(json).unwrap_err();
        insta::assert_snapshot!(refused(r#"{"kind":"stripe-sleepy"}"#), @"fault kind stripe-sleepy; accepted: those that `cargo chaos list faults` lists");
        insta::assert_snapshot!(refused(r#"{"kind":"crash"}"#), @"fault kind crash; accepted: stripe-unavailable, stripe-timeout, stripe-reset, stripe-throttled, stripe-unauthorized, stripe-refusing, stripe-other-account, stripe-lock-timeout, stripe-conflict, stripe-500, stripe-garbage, stripe-lost-answer, stripe-slow, declined, declined-softly, authentication-required, processing, stripe-stale, held");
        insta::assert_snapshot!(refused(r#"{"kind":"declined","rate":2}"#), @"rate 2; accepted: 0 to 1");
        insta::assert_snapshot!(refused(r#"{"kind":"declined","ttl_s":0}"#), @"ttl_s 0; accepted: 1 to 1209600");
        insta::assert_snapshot!(refused(r#"{"kind":"declined","operations":["create"]}"#), @"operation create; accepted: confirm");
    }
}
