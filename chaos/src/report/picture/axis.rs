//! The time axis that everything in a picture shares: columns of a length that people count in.
//!
//! Invariant: integers alone, so the same run has the same axis everywhere; an instant outside is drawn at its edge.

use crate::units;
use crate::world::History;
use payments::UnixMs;
use std::fmt;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Lengths that people count in. Each is a whole part of a day, so ticks stand where clocks strike.
const STEPS_MS: [i64; 22] = [
    SECOND_MS,
    2 * SECOND_MS,
    5 * SECOND_MS,
    10 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    3 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    4 * DAY_MS,
    7 * DAY_MS,
];

/// Ticks of an axis at most: their labels must not touch.
const TICKS_MAX: i64 = 9;

/// From the beginning of a run to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    from: UnixMs,
    ended: UnixMs,
    column_ms: i64,
    columns: usize,
}

/// Where something is on the axis, in hundredths of a percent of its length. Shown as `12.5%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u32);

impl Axis {
    /// The axis of a run, in at most so many columns.
    pub(crate) fn of(history: &History, columns_max: u32) -> Self {
        let span_ms = history.ended.since_ms(history.began).max(1);
        let column_ms = step_ms(span_ms, i64::from(columns_max.max(1)));
        let columns = usize::try_from(span_ms / column_ms).unwrap_or(0) + 1;
        Self { from: history.began, ended: history.ended, column_ms, columns }
    }

    pub(crate) const fn from(&self) -> UnixMs {
        self.from
    }

    /// When the run ended; the last column may go on a little.
    pub(crate) const fn ended(&self) -> UnixMs {
        self.ended
    }

    pub(crate) const fn columns(&self) -> usize {
        self.columns
    }

    /// How long a column is, ms.
    pub(crate) const fn column_ms(&self) -> i64 {
        self.column_ms
    }

    /// The column that an instant is in.
    pub(crate) fn column(&self, at: UnixMs) -> usize {
        let since = at.since_ms(self.from).max(0) / self.column_ms;
        usize::try_from(since).unwrap_or(0).min(self.columns - 1)
    }

    /// Where an instant is.
    pub(crate) fn place(&self, at: UnixMs) -> Place {
        let length = self.column_ms.saturating_mul(i64::try_from(self.columns).unwrap_or(i64::MAX));
        let since = at.since_ms(self.from).clamp(0, length);
        Place(u32::try_from(i128::from(since) * 10_000 / i128::from(length)).unwrap_or(0))
    }

    /// Instants that have a label, and what it says: the time, or the day where one begins.
    pub(crate) fn ticks(&self) -> Vec<(UnixMs, String)> {
        let length = self.column_ms.saturating_mul(i64::try_from(self.columns).unwrap_or(i64::MAX));
        let step = step_ms(length, TICKS_MAX);
        let first = self.from.0.div_euclid(step) * step;
        let ticks = (0..=TICKS_MAX + 1).map(|number| UnixMs(first + number * step));
        let within = ticks.filter(|at| *at >= self.from && at.since_ms(self.from) < length);
        within.map(|at| (at, label(at, step))).collect()
    }
}

impl Place {
    /// Whether a word fits into what is as long.
    pub(crate) const fn holds_a_word(self) -> bool {
        self.0 >= 500
    }

    /// Whether a label that begins here would leave the axis.
    pub(crate) const fn is_at_the_edge(self) -> bool {
        self.0 > 9_500
    }

    /// How far it is to another, at least as far as can be seen.
    pub(crate) fn to(self, other: Self) -> Self {
        const SEEN: u32 = 10;
        Self(other.0.saturating_sub(self.0).max(SEEN))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(out, "{whole}%"),
            (whole, part) if part.is_multiple_of(10) => write!(out, "{whole}.{}%", part / 10),
            (whole, part) => write!(out, "{whole}.{part:02}%"),
        }
    }
}

/// The shortest step of which fewer than so many fit into a span.
fn step_ms(span_ms: i64, most: i64) -> i64 {
    let fits = |step: &i64| span_ms / step < most;
    STEPS_MS.into_iter().find(fits).unwrap_or_else(|| (span_ms / most / DAY_MS + 1) * DAY_MS)
}

fn label(at: UnixMs, step_ms: i64) -> String {
    let (day, time) = (units::day(at), units::time_of_day(at, at));
    if at.0.rem_euclid(DAY_MS) == 0 {
        day[5..].to_owned()
    } else if step_ms < MINUTE_MS {
        time
    } else {
        time[..5].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixtures::Tale;

    fn axis(ms: i64, columns: u32) -> Axis {
        let mut history = Tale::new().told();
        history.ended = history.began.plus_ms(ms);
        Axis::of(&history, columns)
    }

    #[test]
    fn a_column_is_as_long_as_people_count_and_all_of_them_fit() {
        for (ms, columns) in [(1, 60), (59_999, 60), (60_000, 60), (8_040_000, 60), (8_040_000, 300)] {
            let axis = axis(ms, columns);
            assert!(axis.columns() <= columns as usize && axis.columns() > 0, "{axis:?}");
            assert!(STEPS_MS.contains(&axis.column_ms()), "{axis:?}");
            assert_eq!(axis.column(axis.ended()), axis.columns() - 1, "{axis:?}");
        }
        assert_eq!(axis(90 * 365 * DAY_MS, 60).columns(), 60, "however long it is");
    }

    #[test]
    fn what_is_outside_is_drawn_at_the_edge() {
        let axis = axis(100_000, 100);
        let places = [-5, 0, 51_500, i64::MAX / 2].map(|ms| axis.place(axis.from().plus_ms(ms)).to_string());
        assert_eq!(places, ["0%", "0%", "50.49%", "100%"]);
        assert_eq!(
            [-5, i64::MAX / 2].map(|ms| axis.column(axis.from().plus_ms(ms))),
            [0, axis.columns() - 1]
        );
    }

    #[test]
    fn ticks_stand_where_clocks_strike_and_a_new_day_is_named() {
        let labels = |ms| axis(ms, 300).ticks().into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(29_000), ["09:00:00", "09:00:05", "09:00:10", "09:00:15", "09:00:20", "09:00:25"]);
        assert_eq!(
            labels(8_040_000),
            ["09:00", "09:15", "09:30", "09:45", "10:00", "10:15", "10:30", "10:45", "11:00"]
        );
        assert_eq!(labels(28 * HOUR_MS), ["12:00", "18:00", "01-06", "06:00", "12:00"]);
        assert_eq!(labels(20 * DAY_MS), ["01-07", "01-11", "01-15", "01-19", "01-23"]);
    }
}
