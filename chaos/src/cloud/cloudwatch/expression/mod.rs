//! Metric math, as far as an alarm here needs it: arithmetic, comparisons, AND and OR, FILL, IF, and MAX, MIN, SUM and
//! AVG over a list.
//!
//! Invariant: an expression that parses has one value, or none, for each period; what is not understood is refused by
//! name and never read as something else.

mod parse;

use crate::cloud::config::Finite;
use parse::Parser;
use std::collections::{BTreeMap, BTreeSet};

/// One value for each period, oldest first; `None` where there is no point.
pub(super) type Series = Vec<Option<f64>>;

/// What the functions are called, for messages.
pub const FUNCTIONS: &str = "FILL, IF, MAX, MIN, SUM, AVG";

/// An expression whose values form a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// As it stands in the template.
    pub text: String,
    term: Term,
}

/// Why a text is no expression that can be honoured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Something that CloudWatch may know and this does not.
    #[error("{0}")]
    Unsupported(String),
    /// No expression at all; what was expected where.
    #[error("{expected} expected at {found}")]
    Malformed {
        /// What would have been understood.
        expected: &'static str,
        /// The rest of the text from there on.
        found: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Number(Finite),
    Id(String),
    Negative(Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    Fill(Box<Self>, Filling),
    If(Box<Self>, Box<Self>, Box<Self>),
    /// Over the values that are there in a period.
    Over(Aggregate, Vec<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filling {
    With(Finite),
    Repeat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Max,
    Min,
    Sum,
    Avg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is not understood, by name.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let term = Parser::new(text).whole()?;
        if !term.is_series() {
            return Err(ExpressionError::Unsupported("an expression without a metric".to_owned()));
        }
        Ok(Self { text: text.to_owned(), term })
    }

    /// Every id it speaks of.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<&str> {
        let mut ids = BTreeSet::new();
        self.term.ids(&mut ids);
        ids
    }

    /// Its values over `periods` periods, given those of the ids.
    pub(super) fn series(&self, ids: &BTreeMap<&str, Series>, periods: usize) -> Series {
        self.term.values(ids, periods)
    }
}

impl Term {
    fn ids<'a>(&'a self, into: &mut BTreeSet<&'a str>) {
        match self {
            Self::Number(_) => {}
            Self::Id(id) => {
                into.insert(id);
            }
            Self::Negative(term) | Self::Fill(term, _) => term.ids(into),
            Self::Binary(_, left, right) => [left, right].into_iter().for_each(|term| term.ids(into)),
            Self::If(condition, yes, no) => [condition, yes, no].into_iter().for_each(|term| term.ids(into)),
            Self::Over(_, terms) => terms.iter().for_each(|term| term.ids(into)),
        }
    }

    /// A series has values where its metrics have points; a scalar is the same in every period.
    fn is_series(&self) -> bool {
        let mut ids = BTreeSet::new();
        self.ids(&mut ids);
        !ids.is_empty()
    }

    fn values(&self, ids: &BTreeMap<&str, Series>, periods: usize) -> Series {
        match self {
            Self::Number(number) => vec![Some(number.get()); periods],
            Self::Id(id) => ids.get(id.as_str()).cloned().unwrap_or_else(|| vec![None; periods]),
            Self::Negative(term) => {
                term.values(ids, periods).into_iter().map(|value| value.map(|value| -value)).collect()
            }
            Self::Binary(operator, left, right) => {
                let both = left.values(ids, periods).into_iter().zip(right.values(ids, periods));
                let scalar = !left.is_series() || !right.is_series();
                both.map(|(left, right)| combined(*operator, left, right, scalar)).collect()
            }
            Self::Fill(term, filling) => filled(term.values(ids, periods), *filling),
            Self::If(condition, yes, no) => {
                let (yes, no) = (yes.values(ids, periods), no.values(ids, periods));
                let chosen = condition.values(ids, periods).into_iter().zip(yes.into_iter().zip(no));
                chosen.map(|(holds, (yes, no))| if holds? == 0.0 { no } else { yes }).collect()
            }
            Self::Over(aggregate, terms) => {
                let all: Vec<Series> = terms.iter().map(|term| term.values(ids, periods)).collect();
                (0..periods).map(|at| aggregate.of(all.iter().filter_map(|series| series[at]))).collect()
            }
        }
    }
}

/// Where one of two series has no point, it counts as 0; where neither has one, nor has the result. A series and a
/// scalar have points where the series has.
fn combined(operator: Operator, left: Option<f64>, right: Option<f64>, scalar: bool) -> Option<f64> {
    let (left, right) = match (left, right) {
        (None, None) => return None,
        (None, _) | (_, None) if scalar => return None,
        (left, right) => (left.unwrap_or(0.0), right.unwrap_or(0.0)),
    };
    let truth = |holds: bool| f64::from(u8::from(holds));
    let value = match operator {
        Operator::Or => truth(left != 0.0 || right != 0.0),
        Operator::And => truth(left != 0.0 && right != 0.0),
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::Equal => truth(left == right),
        Operator::NotEqual => truth(left != right),
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
    };
    // CloudWatch has no point where it divided by 0.
    value.is_finite().then_some(value)
}

/// Fills the newest periods as well, though their points may only be late: an alarm can be held by that. No page says
/// what becomes of a series without any point, so an alarm must do without an answer: it stays without one here.
fn filled(series: Series, filling: Filling) -> Series {
    if series.iter().all(Option::is_none) {
        return series;
    }
    let mut last = None;
    let fill = |value: Option<f64>| {
        last = match filling {
            Filling::With(number) => value.or(Some(number.get())),
            Filling::Repeat => value.or(last),
        };
        last
    };
    series.into_iter().map(fill).collect()
}

impl Aggregate {
    fn of(self, values: impl Iterator<Item = f64>) -> Option<f64> {
        let values: Vec<f64> = values.collect();
        let count = f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX));
        let values = values.into_iter();
        match self {
            Self::Max => values.reduce(f64::max),
            Self::Min => values.reduce(f64::min),
            Self::Sum => values.reduce(|left, right| left + right),
            Self::Avg => values.reduce(|left, right| left + right).map(|sum| sum / count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [Option<f64>; 4] = [Some(1.0), Some(4.0), None, None];
    const B: [Option<f64>; 4] = [Some(2.0), None, Some(8.0), None];

    fn value(text: &str) -> Series {
        let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        expression.series(&BTreeMap::from([("a", A.to_vec()), ("b", B.to_vec()), ("none", vec![None; 4])]), 4)
    }

    fn refusal(text: &str) -> String {
        Expression::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn in_arithmetic_a_missing_point_is_0_as_long_as_another_series_has_one() {
        assert_eq!(value("a + b"), [Some(3.0), Some(4.0), Some(8.0), None]);
        assert_eq!(value("a - b"), [Some(-1.0), Some(4.0), Some(-8.0), None]);
    }

    #[test]
    fn a_scalar_gives_no_points_to_a_series_that_has_none() {
        assert_eq!(value("100 * a"), [Some(100.0), Some(400.0), None, None]);
        assert_eq!(value("-a + 1"), [Some(0.0), Some(-3.0), None, None]);
    }

    #[test]
    fn there_is_no_point_where_something_was_divided_by_0() {
        assert_eq!(value("a / b"), [Some(0.5), None, Some(0.0), None]);
    }

    #[test]
    fn fill_gives_a_point_to_every_period_the_newest_included() {
        assert_eq!(value("FILL(a, 0)"), [Some(1.0), Some(4.0), Some(0.0), Some(0.0)]);
        assert_eq!(value("FILL(a, -1)"), [Some(1.0), Some(4.0), Some(-1.0), Some(-1.0)]);
        assert_eq!(value("FILL(b, REPEAT)"), [Some(2.0), Some(2.0), Some(8.0), Some(8.0)]);
    }

    #[test]
    fn fill_is_not_counted_on_where_a_metric_has_no_point_at_all() {
        assert_eq!(value("FILL(none, 0)"), [None; 4]);
        assert_eq!(value("a > none * 1000000"), [Some(1.0), Some(1.0), None, None]);
    }

    #[test]
    fn multiplication_binds_tighter_than_addition_and_that_tighter_than_comparison_and_and_than_or() {
        assert_eq!(value("a + 2 * a")[1], Some(12.0));
        assert_eq!(value("(a + 2) * a")[1], Some(24.0));
        assert_eq!(value("a - 1 - 1")[1], Some(2.0));
        assert_eq!(value("a + 1 >= 5 AND a < 5 OR a == 9")[..2], [Some(0.0), Some(1.0)]);
        assert_eq!(value("a == 1 || a != 4 && a > 9")[..2], [Some(1.0), Some(0.0)]);
        assert_eq!(value("a <= 1")[..2], [Some(1.0), Some(0.0)]);
    }

    #[test]
    fn if_chooses_in_every_period_that_its_condition_has_a_point_for() {
        assert_eq!(value("IF(a > 2, 1, 0)"), [Some(0.0), Some(1.0), None, None]);
        assert_eq!(value("IF(FILL(a, 0) > 2, a, FILL(b, 7))"), [Some(2.0), Some(4.0), Some(8.0), Some(7.0)]);
    }

    #[test]
    fn an_aggregate_of_a_list_looks_at_the_points_there_are() {
        assert_eq!(value("MAX([a, b])"), [Some(2.0), Some(4.0), Some(8.0), None]);
        assert_eq!(value("MIN([a, b])"), [Some(1.0), Some(4.0), Some(8.0), None]);
        assert_eq!(value("SUM([a, b])"), [Some(3.0), Some(4.0), Some(8.0), None]);
        assert_eq!(value("AVG([a, b])"), [Some(1.5), Some(4.0), Some(8.0), None]);
    }

    #[test]
    fn an_expression_names_its_ids() {
        let expression = Expression::parse("IF(FILL(m1, 0) > 0, MAX([e_2, m1]), -x)").unwrap();
        assert_eq!(expression.ids(), BTreeSet::from(["e_2", "m1", "x"]));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        assert_eq!(refusal("RATE(a)"), "the function RATE");
        assert_eq!(refusal("MAX(a)"), "MAX of anything but a list [a, b]");
        assert_eq!(refusal("SUM(METRICS())"), "SUM of anything but a list [a, b]");
        assert_eq!(refusal("FILL(a, LINEAR)"), "FILL with LINEAR");
        assert_eq!(refusal("1 + 1"), "an expression without a metric");
        assert_eq!(refusal("a ^ 2"), r#"an operator expected at "^ 2""#);
        assert_eq!(refusal("a +"), "a number, an id or a function expected at the end");
        assert_eq!(refusal("FILL(a)"), r#", expected at ")""#);
        assert_eq!(refusal("a ORb"), r#"an operator expected at "ORb""#);
    }
}
