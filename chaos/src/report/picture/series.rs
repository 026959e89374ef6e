//! How much there was of something, column by column.
//!
//! Invariant: the least and the most of every column are kept, so nothing vanishes, however short it lasted.

use super::axis::Axis;
use payments::UnixMs;

/// The least and the most that there was in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

/// A column each, until the run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) columns: Vec<Range>,
}

impl Series {
    /// Counts what happened at these instants.
    pub(crate) fn counted(axis: &Axis, instants: impl Iterator<Item = UnixMs>) -> Self {
        let mut columns = vec![Range::default(); axis.columns()];
        for at in instants {
            let column = &mut columns[axis.column(at)];
            *column = Range { least: column.least + 1, most: column.most + 1 };
        }
        Self { columns }
    }

    /// A depth that changes at these instants, in order, and is nothing before.
    pub(crate) fn deep(axis: &Axis, changes: impl Iterator<Item = (UnixMs, u64)>) -> Self {
        let mut columns: Vec<Range> = Vec::with_capacity(axis.columns());
        let mut depth = 0;
        columns.push(Range::default());
        for (at, changed) in changes {
            let column = axis.column(at);
            columns.resize(column.max(columns.len() - 1) + 1, Range { least: depth, most: depth });
            let last = columns.len() - 1;
            let Range { least, most } = columns[last];
            columns[last] = Range { least: least.min(changed), most: most.max(changed) };
            depth = changed;
        }
        columns.resize(axis.columns(), Range { least: depth, most: depth });
        Self { columns }
    }

    /// The most that there ever was.
    pub(crate) fn most(&self) -> u64 {
        self.columns.iter().map(|column| column.most).max().unwrap_or(0)
    }

    /// The column of that, the first of them.
    pub(crate) fn peak(&self) -> usize {
        let most = self.most();
        self.columns.iter().position(|column| column.most == most).unwrap_or(0)
    }

    /// A height for each column, of `full`: more than none wherever there was anything.
    pub(crate) fn heights(&self, full: u64, of: impl Fn(&Range) -> u64) -> Vec<u64> {
        let most = self.most().max(1);
        self.columns.iter().map(|column| (of(column) * full).div_ceil(most)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixtures::Tale;

    fn minute_of_ten() -> Axis {
        let mut history = Tale::new().told();
        history.ended = history.began.plus_ms(49_999);
        Axis::of(&history, 10)
    }

    #[test]
    fn a_single_dead_letter_of_a_moment_is_seen_beside_a_thousand() {
        let axis = minute_of_ten();
        let at = |ms| axis.from().plus_ms(ms);
        let changes = [(at(11_000), 1), (at(11_001), 0), (at(31_000), 1_000), (at(42_000), 7)];
        let series = Series::deep(&axis, changes.into_iter());
        let ranges: Vec<(u64, u64)> = series.columns.iter().map(|range| (range.least, range.most)).collect();
        let none = (0, 0);
        assert_eq!(
            ranges,
            [none, none, (0, 1), none, none, none, (0, 1_000), (1_000, 1_000), (7, 1_000), (7, 7)]
        );
        assert_eq!(series.heights(8, |range| range.most), [0, 0, 1, 0, 0, 0, 8, 8, 8, 1]);
        assert_eq!((series.most(), series.peak()), (1_000, 6));
    }

    #[test]
    fn what_happened_is_counted_where_it_did() {
        let axis = minute_of_ten();
        let instants = [0, 1, 4_999, 5_000, 49_999].map(|ms| axis.from().plus_ms(ms));
        let series = Series::counted(&axis, instants.into_iter());
        assert_eq!(
            series.columns.iter().map(|range| range.most).collect::<Vec<_>>(),
            [3, 1, 0, 0, 0, 0, 0, 0, 0, 1]
        );
    }
}
