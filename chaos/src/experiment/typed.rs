//! Things a user types, in a file or on the command line, and what they mean.
//!
//! Invariant: each of them is read by one function here, so that file and command line accept the same.

use super::Order;
use crate::faults::{Kind, Placement, Refusal};
use crate::promises::Check;
use crate::random::Chance;
use crate::turns::Seat;
use jiff::{Span, SpanRelativeTo};
use payments::UnixMs;
use std::collections::BTreeSet;

/// Longest stretch of time an experiment may speak of: the longest a queue keeps a message.
const DURATION_MS_MAX: u64 = 14 * 24 * 3_600_000;
/// Most that an answer may be slowed by.
const TIMES_MAX: u64 = 1_000;
/// Fastest pace, far above what one Stripe account may be asked.
const PER_SECOND_MAX: f64 = 10_000.0;

/// Something that was typed and makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {found}; accepted: {accepted}")]
pub struct NotAccepted {
    /// What it was typed for.
    pub field: &'static str,
    /// What was typed.
    pub found: String,
    /// What may be typed.
    pub accepted: String,
}

impl NotAccepted {
    pub(super) fn new(field: &'static str, found: impl ToString, accepted: impl ToString) -> Self {
        Self { field, found: found.to_string(), accepted: accepted.to_string() }
    }
}

/// A share, such as `0.3`, of the things a fault could hit.
///
/// # Errors
/// When it is not a number from 0 to 1.
pub fn rate(text: &str) -> Result<Chance, NotAccepted> {
    let share = text.trim().parse().unwrap_or(f64::NAN);
    Chance::from_share(share).ok_or_else(|| NotAccepted::new("rate", text, "0 to 1"))
}

/// A length of time, such as `35m`, `1h30m` or `90s`, in ms.
///
/// # Errors
/// When it is none, negative, or longer than a queue keeps a message.
pub fn duration_ms(text: &str) -> Result<u64, NotAccepted> {
    duration("duration", text)
}

/// A fault as it is typed on a command line, without its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultArgument {
    /// What goes wrong.
    pub kind: Kind,
    /// Where, if the kind has placements.
    pub placement: Option<Placement>,
    /// How likely.
    pub chance: Chance,
}

/// A fault, `kind`, `kind=rate`, `kind/placement` or `kind/placement=rate`; what is left out is the kind's own.
///
/// # Errors
/// When the kind is unknown, has no such placement, or the rate is none.
pub fn fault(text: &str) -> Result<FaultArgument, NotAccepted> {
    let (what, share) = text.split_once('=').map_or((text, None), |(what, share)| (what, Some(share)));
    let (name, place) = what.split_once('/').map_or((what, None), |(name, place)| (name, Some(place)));
    let kind = kind(name)?;
    Ok(FaultArgument {
        kind,
        placement: match place {
            Some(place) => Some(placement(kind, place)?),
            None => kind.describe().placements.first().copied(),
        },
        chance: share.map_or_else(|| Ok(kind.default_chance()), rate)?,
    })
}

/// A placement of this kind.
pub(super) fn placement(kind: Kind, name: &str) -> Result<Placement, NotAccepted> {
    let placements = kind.describe().placements;
    placements.iter().copied().find(|placement| placement.name() == name).ok_or_else(|| {
        let names: Vec<&str> = placements.iter().map(|placement| placement.name()).collect();
        let accepted = if names.is_empty() { format!("none for {kind}") } else { names.join(", ") };
        NotAccepted::new("placement", name, accepted)
    })
}

/// The status of a refusal.
pub(super) fn status(kind: Kind, status: u16) -> Result<u16, NotAccepted> {
    let known = kind == Kind::StripeRefusing && Refusal::STATUSES.contains(&status);
    let accepted =
        || format!("{}, for stripe-refusing alone", Refusal::STATUSES.map(|it| it.to_string()).join(", "));
    known.then_some(status).ok_or_else(|| NotAccepted::new("status", status, accepted()))
}

/// The code of a refusal.
pub(super) fn code(kind: Kind, code: &str) -> Result<&'static str, NotAccepted> {
    let mut known = Refusal::CODES.into_iter().filter(|_| kind == Kind::StripeRefusing);
    let accepted = || format!("{}, for stripe-refusing alone", Refusal::CODES.join(", "));
    known.find(|known| *known == code).ok_or_else(|| NotAccepted::new("code", code, accepted()))
}

/// How many times as long as usual an answer takes.
pub(super) fn times(kind: Kind, times: u64) -> Result<u64, NotAccepted> {
    let good = kind == Kind::StripeSlow && (2..=TIMES_MAX).contains(&times);
    let accepted = || format!("2 to {TIMES_MAX}, for stripe-slow alone");
    good.then_some(times).ok_or_else(|| NotAccepted::new("times", times, accepted()))
}

pub(super) fn kind(name: &str) -> Result<Kind, NotAccepted> {
    Kind::parse(name)
        .map_err(|_| NotAccepted::new("fault kind", name, "those that `cargo chaos list faults` lists"))
}

/// A length of time that is one.
pub(super) fn some_duration(field: &'static str, text: &str) -> Result<u64, NotAccepted> {
    let accepted = || {
        NotAccepted::new(field, format!("{text:?}"), "lengths such as 90s, 35m, 1h30m, 2d; more than nothing")
    };
    duration(field, text).and_then(|ms| if ms == 0 { Err(accepted()) } else { Ok(ms) })
}

pub(super) fn duration(field: &'static str, text: &str) -> Result<u64, NotAccepted> {
    let span = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    span.ok()
        .and_then(|length| u64::try_from(length.as_millis()).ok())
        .filter(|ms| *ms <= DURATION_MS_MAX)
        .ok_or_else(|| {
            NotAccepted::new(field, format!("{text:?}"), "lengths such as 90s, 35m, 1h30m, 2d; at most 14d")
        })
}

/// Lengths of time since the start, none before the one in front of it.
pub(super) fn instants(field: &'static str, texts: &[String]) -> Result<Vec<u64>, NotAccepted> {
    let ms = texts.iter().map(|text| duration(field, text)).collect::<Result<Vec<_>, _>>()?;
    let good = !ms.is_empty() && ms.is_sorted();
    good.then_some(ms).ok_or_else(|| NotAccepted::new(field, format!("{texts:?}"), "one or more, ascending"))
}

pub(super) fn instant(field: &'static str, text: &str) -> Result<UnixMs, NotAccepted> {
    text.parse::<jiff::Timestamp>()
        .map(|instant| UnixMs(instant.as_millisecond()))
        .map_err(|_| NotAccepted::new(field, format!("{text:?}"), "an instant such as 2019-07-10T16:00:00Z"))
}

/// An order of two: `1221`.
pub(super) fn turns(text: &str) -> Result<Vec<Seat>, NotAccepted> {
    let seat = |letter| match letter {
        '1' => Ok(Seat::First),
        '2' => Ok(Seat::Second),
        _ => Err(NotAccepted::new("turns", format!("{text:?}"), "the digits 1 and 2, in any order")),
    };
    text.chars().map(seat).collect()
}

/// An order, as the responder reads it.
pub(super) fn order(order: Order) -> Result<Order, NotAccepted> {
    let Err(bad) = ::responder::read_order(&order.payload()) else { return Ok(order) };
    let bad = bad.to_string();
    let (problem, accepted) =
        bad.split_once("; accepted: ").unwrap_or((&bad, "what the responder carries out"));
    Err(NotAccepted::new("order", format!("{}: {problem}", order.command), accepted))
}

/// Checks that a run is not held to: any but those of safety.
pub(super) fn excused(names: &BTreeSet<String>) -> Result<BTreeSet<Check>, NotAccepted> {
    let named = |name: &String| {
        Check::of_liveness().find(|check| check.name() == name).ok_or_else(|| {
            let accepted: Vec<&str> = Check::of_liveness().map(Check::name).collect();
            NotAccepted::new("excused", name, accepted.join(", "))
        })
    };
    names.iter().map(named).collect()
}

/// Messages per second, in millionths.
pub(super) fn per_second_micros(per_second: f64) -> Result<u64, NotAccepted> {
    let micros = (per_second * 1_000_000.0).round();
    if (1.0..=PER_SECOND_MAX * 1_000_000.0).contains(&micros) {
        return Ok(micros as u64);
    }
    Err(NotAccepted::new("per_second", per_second, "0.000001 to 10000"))
}
