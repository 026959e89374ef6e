//! Medians, their spread, and how one compares with another.
//!
//! Invariant: what was measured once has a median, and what was not measured has none.

use serde::Serialize;

/// A median and what lies around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The middle one; between the middle two where there are two.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Figure {
    /// Of these values; `None` where there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, least, most })
    }
}

/// A figure with as many digits as it deserves: three, and no fraction from a hundred on.
pub(super) fn rounded(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let grouped = digits.parse().map_or_else(|_| digits.to_owned(), crate::units::count);
    match fraction {
        Some(fraction) => format!("{sign}{grouped}.{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        let odd = Figure::of([9.0, 1.0, 2.0]);
        assert_eq!(odd, Some(Figure { median: 2.0, least: 1.0, most: 9.0 }));
        let even = Figure::of([4.0, 1.0, 2.0, 9.0]);
        assert_eq!(even, Some(Figure { median: 3.0, least: 1.0, most: 9.0 }));
        assert_eq!(Figure::of([]), None);
    }

    #[test]
    fn a_figure_is_told_with_three_digits_and_whole_from_a_hundred_on() {
        let told = [0.5, 2.345, 9.996, 12.34, 99.96, 1234.5, -3.456, -12345.6].map(rounded);
        assert_eq!(told, ["0.50", "2.35", "10.0", "12.3", "100", "1,234", "-3.46", "-12,346"]);
    }
}
