//! From the newest periods of a metric to the state an alarm should be in.
//!
//! CloudWatch looks at more periods than it judges by, so that points which arrive late are waited for.
//! Invariant: the table in CloudWatch's guide (how missing data is treated) holds, row for row; it is the test below.

use crate::cloud::config::MissingData;

/// One period of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    /// Within the threshold.
    Within,
    /// Beyond it.
    Breaching,
    /// Without a point.
    Missing,
}

/// How an alarm judges: M out of N, and what a missing point counts as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// N.
    pub(super) periods: usize,
    /// M, at most N.
    pub(super) breaches_min: usize,
    pub(super) missing: MissingData,
}

/// The state an alarm should be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Alarm,
    Ok,
    InsufficientData,
    /// Whatever it was.
    Keep,
}

/// A verdict and what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    /// Periods with a point that were judged, as positions in the range, oldest first.
    pub(super) judged: Vec<usize>,
    /// Periods without one that were treated as if they had one.
    pub(super) treated: usize,
}

/// How many periods are looked at to judge `periods`. AWS does not say; in its example 5 for 3.
pub(super) fn range(periods: usize) -> usize {
    periods + (periods / 3).max(2)
}

/// Judges a range, oldest period first.
pub(super) fn judge(range: &[Period], rule: Rule) -> Judgement {
    let real: Vec<usize> = (0..range.len()).filter(|at| range[*at] != Period::Missing).collect();
    if real.len() >= rule.periods {
        // Enough points, some of them perhaps old: what is missing does not matter.
        let judged = real[real.len() - rule.periods..].to_vec();
        let verdict = of_breaches(breaches(range, &judged), rule);
        return Judgement { verdict, judged, treated: 0 };
    }
    let missing = rule.periods - real.len();
    let breaches = breaches(range, &real);
    let (verdict, treated) = match rule.missing {
        MissingData::Breaching => (of_breaches(breaches + missing, rule), missing),
        MissingData::NotBreaching => (of_breaches(breaches, rule), missing),
        MissingData::Ignore => (of_real_points(real.len(), breaches, rule).unwrap_or(Verdict::Keep), 0),
        MissingData::Missing => {
            let verdict = of_real_points(real.len(), breaches, rule);
            (verdict.unwrap_or_else(|| of_their_age(range, rule)), 0)
        }
    };
    Judgement { verdict, judged: real, treated }
}

fn breaches(range: &[Period], periods: &[usize]) -> usize {
    periods.iter().filter(|at| range[**at] == Period::Breaching).count()
}

fn of_breaches(breaches: usize, rule: Rule) -> Verdict {
    if breaches >= rule.breaches_min { Verdict::Alarm } else { Verdict::Ok }
}

/// Fewer points than N, and nothing in the place of the others: `None` when those there are cannot tell.
fn of_real_points(real: usize, breaches: usize, rule: Rule) -> Option<Verdict> {
    if breaches >= rule.breaches_min {
        Some(Verdict::Alarm)
    } else if breaches < real {
        Some(Verdict::Ok)
    } else {
        None
    }
}

/// Every point there is breaches, and they are fewer than M.
fn of_their_age(range: &[Period], rule: Rule) -> Verdict {
    match range.iter().position(|period| *period == Period::Breaching) {
        None => Verdict::InsufficientData,
        // The first was M periods ago: whatever is late could not clear it.
        Some(oldest) if range.len() - oldest >= rule.breaches_min => Verdict::Alarm,
        // The one that is late may be within the threshold.
        Some(_) => Verdict::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MissingData::{Breaching, Ignore, Missing, NotBreaching};

    /// Judges `0 - X - X`, written as in the guide: within, missing, beyond; oldest first.
    fn verdict(range: &str, m: usize, n: usize, missing: MissingData) -> Verdict {
        let periods: Vec<Period> = range
            .split(' ')
            .map(|sign| match sign {
                "0" => Period::Within,
                "X" => Period::Breaching,
                "-" => Period::Missing,
                other => panic!("{other}"),
            })
            .collect();
        judge(&periods, Rule { periods: n, breaches_min: m, missing }).verdict
    }

    fn row(m: usize, range: &str, expected: [Verdict; 4]) {
        let columns = [Missing, Ignore, Breaching, NotBreaching];
        assert_eq!(columns.map(|column| verdict(range, m, 3, column)), expected, "{m} of 3: {range}");
    }

    #[test]
    fn the_guides_table_for_three_of_three_holds() {
        use Verdict::{Alarm, InsufficientData, Keep, Ok};
        row(3, "0 - X - X", [Ok, Ok, Ok, Ok]);
        row(3, "0 - - - -", [Ok, Ok, Ok, Ok]);
        row(3, "- - - - -", [InsufficientData, Keep, Alarm, Ok]);
        row(3, "0 X X - X", [Alarm, Alarm, Alarm, Alarm]);
        row(3, "- - X - -", [Alarm, Keep, Alarm, Ok]);
    }

    #[test]
    fn the_guides_table_for_two_of_three_holds() {
        use Verdict::{Alarm, Keep, Ok};
        row(2, "0 - X - X", [Alarm, Alarm, Alarm, Alarm]);
        row(2, "0 0 X 0 X", [Alarm, Alarm, Alarm, Alarm]);
        row(2, "0 - X - -", [Ok, Ok, Alarm, Ok]);
        row(2, "- - - - 0", [Ok, Ok, Alarm, Ok]);
        row(2, "- - - X -", [Alarm, Keep, Alarm, Ok]);
    }

    #[test]
    fn a_lone_newest_breach_does_not_alarm_before_it_is_m_periods_old() {
        assert_eq!(verdict("- - - - X", 3, 3, Missing), Verdict::Keep);
        assert_eq!(verdict("- - - X -", 3, 3, Missing), Verdict::Keep);
        assert_eq!(verdict("- - X - -", 3, 3, Missing), Verdict::Alarm);
        assert_eq!(verdict("- - - - X", 3, 3, Breaching), Verdict::Alarm, "a treatment is not a lone point");
    }

    #[test]
    fn enough_points_decide_even_when_they_are_old() {
        assert_eq!(verdict("X - -", 1, 1, NotBreaching), Verdict::Alarm);
        assert_eq!(verdict("0 - -", 1, 1, Breaching), Verdict::Ok);
        assert_eq!(verdict("X X 0 - -", 2, 3, Missing), Verdict::Alarm);
    }

    #[test]
    fn the_newest_points_decide() {
        assert_eq!(verdict("X X 0", 1, 1, Missing), Verdict::Ok);
        assert_eq!(verdict("0 0 X", 1, 1, Missing), Verdict::Alarm);
        assert_eq!(verdict("X X X 0 0", 2, 3, Missing), Verdict::Ok);
    }

    #[test]
    fn the_range_is_wider_than_what_is_judged() {
        assert_eq!([1, 3, 5, 9, 15].map(range), [3, 5, 7, 12, 20]);
    }

    #[test]
    fn a_judgement_names_the_points_it_rests_on_and_counts_those_it_made_up() {
        use Period::{Breaching as X, Missing as M, Within as O};
        let rule = Rule { periods: 3, breaches_min: 2, missing: MissingData::Breaching };
        let enough = judge(&[X, O, M, X, X], rule);
        assert_eq!((enough.judged, enough.treated), (vec![1, 3, 4], 0));
        let few = judge(&[O, M, X, M, M], rule);
        assert_eq!((few.judged, few.treated), (vec![0, 2], 1));
    }
}
