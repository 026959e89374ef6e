//! The pulse: how payments came through lately, and how many deliveries died, whichever container saw it.
//!
//! A payment whose deliveries die without a word may kill them, or be one of many that our deployment dies of. A container
//! that dies takes all it knew of others along; so what it counts is kept beside the ledger's rows. With the rows of those
//! who wait and have died as well, that says how likely a payment is to meet a death that is none of its doing. Who died far
//! more often than that kills.
//!
//! Invariant: what was never counted speaks for the payment: it is held for longer, no more.

use crate::incident::Unsettled;
use crate::ledger::{OpenDelivery, Row};
use crate::limits::{
    ALIKE_MIN, BATCH_SPREAD_MS, CHANCE_MIN_DYING, DEATHS_HELD_MS, OUTLIVED_MS, PULSE_GAP_MS, PULSE_GAPS_MAX,
    PULSE_MINUTES_MAX,
};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE_MS: i64 = 60_000;

/// When payments came through lately, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// The first that anybody said.
    pub first: UnixMs,
    /// The last.
    pub last: UnixMs,
    /// From when until when none did for longer than [`PULSE_GAP_MS`], the newest last.
    pub gaps: Vec<(UnixMs, UnixMs)>,
    /// How long the last of them had waited for its first delivery, milliseconds.
    #[serde(default)]
    pub waited_ms: i64,
    /// What was counted, by the minute since the epoch in which it was said.
    #[serde(default)]
    pub minutes: BTreeMap<i64, Beat>,
}

/// What a container counted since it last said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Payments that came through without ever having died.
    pub through: u32,
    /// Those that came through, or were excused, after deliveries of them had died.
    pub died: u32,
}

impl Beat {
    /// A payment that came through, or goes on, after so many deaths.
    #[must_use]
    pub const fn of(deaths: usize) -> Self {
        if deaths == 0 { Self { through: 1, died: 0 } } else { Self { through: 0, died: 1 } }
    }

    /// Both added up.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            through: self.through.saturating_add(other.through),
            died: self.died.saturating_add(other.died),
        }
    }
}

impl Pulse {
    /// One came through now, as the last of those that `beat` counts, after it had waited so long.
    #[must_use]
    pub fn beaten(before: Option<Self>, beat: Beat, waited_ms: i64, now: UnixMs) -> Self {
        let new = Self { first: now, last: now, gaps: Vec::new(), waited_ms, minutes: BTreeMap::new() };
        let mut pulse = before.unwrap_or(new);
        if now.since_ms(pulse.last) > PULSE_GAP_MS {
            pulse.gaps.push((pulse.last, now));
            let surplus = pulse.gaps.len().saturating_sub(PULSE_GAPS_MAX);
            pulse.gaps.drain(..surplus);
        }
        let minute = pulse.minutes.entry(now.0.div_euclid(MINUTE_MS)).or_default();
        *minute = minute.plus(beat);
        while pulse.minutes.len() > PULSE_MINUTES_MAX {
            pulse.minutes.pop_first();
        }
        Self { last: pulse.last.max(now), waited_ms, ..pulse }
    }

    /// What was counted since then.
    fn since(&self, at: UnixMs) -> Beat {
        let minutes = self.minutes.range(at.0.div_euclid(MINUTE_MS)..);
        minutes.fold(Beat::default(), |sum, (_, beat)| sum.plus(*beat))
    }

    /// Whether others went on coming through when a delivery died that began `at`. For a while at least, because one may
    /// die just before everybody does.
    fn outlived(&self, at: UnixMs) -> bool {
        let for_a_while = at.plus_ms(OUTLIVED_MS);
        let stood_still = self.gaps.iter().any(|(from, until)| *from < for_a_while && at < *until);
        self.first <= at && for_a_while < self.last && !stood_still
    }

    /// Whether others have come through since then.
    fn resumed(&self, at: UnixMs) -> bool {
        self.last > at
    }
}

/// Whether the deliveries of `row` that died may have died of us. `others` are the newest of those that wait.
///
/// Where others came through meanwhile, a share of all dies whatever the payment, and chance says the rest.
/// Where they have come through only since, or die as well, it was our deployment. And where nobody has come through
/// since, nothing tells, because who dies before step 1 leaves no row: then it is held for a while.
#[must_use]
pub fn may_be_ours(
    row: &Row,
    dead: &BTreeSet<OpenDelivery>,
    pulse: Option<&Pulse>,
    others: &[Unsettled],
    now: UnixMs,
) -> bool {
    let died: BTreeSet<UnixMs> = dead.iter().map(|delivery| delivery.began_at).collect();
    let deaths = dying_beside(row, &died, others, now);
    let Some(pulse) = pulse else { return is_held(row, &died) || deaths >= ALIKE_MIN };
    if died.iter().any(|at| pulse.outlived(*at)) {
        let beat = died.first().map_or_else(Beat::default, |first| pulse.since(*first));
        let beside = deaths as u128 + u128::from(beat.died);
        return !is_too_unlikely(died.len(), beside, u128::from(beat.through));
    }
    let nobody_since = !died.iter().any(|at| pulse.resumed(*at));
    (nobody_since && is_held(row, &died)) || died.iter().all(|at| pulse.resumed(*at)) || deaths >= ALIKE_MIN
}

/// Whether it has not been dying for long. How long ago that was says nothing: a dead letter may have waited for hours.
fn is_held(row: &Row, died: &BTreeSet<UnixMs>) -> bool {
    died.last().is_none_or(|last| last.since_ms(row.received_at) < DEATHS_HELD_MS)
}

/// Whether `times` deaths in a row are too many for chance, when deliveries of so many others died and so many came through.
const fn is_too_unlikely(times: usize, died: u128, through: u128) -> bool {
    let times = if times > u32::MAX as usize { u32::MAX } else { times as u32 };
    let (of_dead, of_all) = (died.saturating_add(1), died.saturating_add(through).saturating_add(2));
    of_dead.saturating_pow(times).saturating_mul(CHANCE_MIN_DYING) <= of_all.saturating_pow(times)
}

/// How many of `others` died otherwise than along with these deaths: a crash takes a whole batch along, and one that died
/// in the same moment is its victim, or it theirs.
fn dying_beside(row: &Row, died: &BTreeSet<UnixMs>, others: &[Unsettled], now: UnixMs) -> usize {
    let is_other = |other: &&Unsettled| other.payment_id != row.payment().payment_id;
    others.iter().filter(is_other).filter(|other| other.deaths(now).any(|at| !is_along(died, at))).count()
}

/// Whether a delivery begun at this instant died in the same crash as one of `deaths`.
fn is_along(deaths: &BTreeSet<UnixMs>, at: UnixMs) -> bool {
    deaths.iter().any(|death| death.since_ms(at).abs() <= BATCH_SPREAD_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMs = UnixMs(1_767_603_600_000);

    fn at_s(seconds: i64) -> UnixMs {
        START.plus_ms(seconds * 1_000)
    }

    fn beaten(seconds: &[i64]) -> Pulse {
        let beat = |pulse, s: &i64| Some(Pulse::beaten(pulse, Beat::of(0), 0, at_s(*s)));
        seconds.iter().fold(None, beat).expect("it beat")
    }

    #[test]
    fn who_died_while_others_came_through_died_of_its_own() {
        let pulse = beaten(&[0, 60, 120, 3_600, 3_660, 3_721]);
        assert_eq!(pulse.gaps, [(at_s(120), at_s(3_600))]);
        let outlived = [-1, 0, 119, 120, 1_800, 3_599, 3_600, 3_601, 3_700].map(|s| pulse.outlived(at_s(s)));
        assert_eq!(
            outlived,
            [false, true, false, false, false, false, true, false, false],
            "119 s: just before everybody did"
        );
        assert_eq!([1_800, 3_720, 3_721].map(|s| pulse.resumed(at_s(s))), [true, true, false]);
    }

    #[test]
    fn what_is_counted_is_kept_by_the_minute_and_not_for_ever() {
        let busy = Beat { through: 10, died: 3 };
        let pulse = Pulse::beaten(Some(beaten(&[0, 59, 60])), busy, 0, at_s(61));
        assert_eq!(
            (pulse.since(START), pulse.since(at_s(60))),
            (Beat { through: 13, died: 3 }, Beat { through: 11, died: 3 })
        );
        let quiet: Vec<i64> = (0..2 * PULSE_MINUTES_MAX as i64).map(|n| 1_000 * n).collect();
        let pulse = beaten(&quiet);
        assert_eq!((pulse.gaps.len(), pulse.minutes.len()), (PULSE_GAPS_MAX, PULSE_MINUTES_MAX));
    }

    #[test]
    fn a_pulse_of_before_there_were_counts_can_still_be_read() {
        let pulse: Pulse = serde_json::from_str(r#"{"first":1,"last":2,"gaps":[]}"#).unwrap();
        assert!(pulse.minutes.is_empty());
    }

    #[test]
    fn where_most_deliveries_die_four_deaths_in_a_row_are_no_evidence() {
        assert!(is_too_unlikely(4, 0, 2), "one alone among a few");
        assert!(is_too_unlikely(4, 15, 33), "one of the last killers among the last to come through");
        assert!(!is_too_unlikely(4, 50, 50), "one in sixteen");
        assert!(!is_too_unlikely(6, 85, 15), "six deaths where six of seven die");
        assert!(is_too_unlikely(7, 50, 50), "one in a hundred and twenty-eight");
    }
}
