//! A share of a sweep, for a machine of several, or for one change of several.
//!
//! What goes wrong in no other way than by a death belongs to every share: it is a small part, and the first to show what a
//! change broke.
//! Invariant: whatever else is swept belongs to exactly one of the shares.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// Shares that a sweep can be divided into at most: of more, some would have nothing of their own.
const SHARES_MAX: u64 = 100;

/// Which of how many, from 1; written `2/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    number: u64,
    of: NonZeroU64,
}

/// A text that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("accepted: NUMBER/OF, 1/1 to {SHARES_MAX}/{SHARES_MAX}, for example 2/3")]
pub struct BadShare;

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { number: 1, of: NonZeroU64::MIN };

    /// Whether it is all.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self == Self::WHOLE
    }

    /// Those that belong to it, in their order, and with them those that belong to every share.
    pub(super) fn of<T>(
        self,
        all: impl IntoIterator<Item = T>,
        belongs_to_every: impl Fn(&T) -> bool,
    ) -> Vec<T> {
        let mut shared = 0..;
        let takes = |one: &T| belongs_to_every(one) || shared.next().is_some_and(|index| self.takes(index));
        all.into_iter().filter(takes).collect()
    }

    fn takes(self, index: u64) -> bool {
        index % self.of == self.number - 1
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Share {
    type Err = BadShare;

    fn from_str(text: &str) -> Result<Self, BadShare> {
        let (number, of) = text.split_once('/').ok_or(BadShare)?;
        let parse = |text: &str| text.parse::<NonZeroU64>().map_err(|_| BadShare);
        let (number, of) = (parse(number)?, parse(of)?);
        (number <= of && of.get() <= SHARES_MAX).then_some(Self { number: number.get(), of }).ok_or(BadShare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(text: &str) -> Share {
        text.parse().expect("it is one")
    }

    #[test]
    fn each_belongs_to_exactly_one_share_and_what_is_for_all_to_every() {
        let shares = ["1/3", "2/3", "3/3"].map(share);
        let points = shares.map(|share| share.of(0..8, |_| false));
        assert_eq!(points, [vec![0, 3, 6], vec![1, 4, 7], vec![2, 5]]);
        let tasks = shares.map(|share| share.of(0..8, |task| *task == 1));
        assert_eq!(tasks, [vec![0, 1, 4, 7], vec![1, 2, 5], vec![1, 3, 6]]);
        assert_eq!(Share::WHOLE.of(0..8, |_| false).len(), 8);
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "2", "0/3", "4/3", "1/0", "1/101", "a/b", "1/2/3", "-1/2", " 1/2"] {
            assert_eq!(text.parse::<Share>(), Err(BadShare), "{text}");
        }
        assert_eq!(share("100/100").to_string(), "100/100");
        assert!(share("1/1").is_whole() && !share("1/2").is_whole());
    }
}
