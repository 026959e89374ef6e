//! Exit codes: what a script learns without reading a word.
//!
//! Invariant: 0 means that everything was proved that can be seen where it ran; whatever is not known besides is not 0.

use crate::checks::Outcome;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: every check passed, or the question was answered.
    Passed,
    /// 1: a safety check failed.
    Unsafe,
    /// 2: the run cannot tell.
    Inconclusive,
    /// 3: a liveness check failed.
    Stuck,
    /// 64: bad arguments or a bad file (`EX_USAGE` of sysexits.h).
    BadInput,
    /// 70: the harness itself failed (`EX_SOFTWARE`).
    Harness,
    /// 130: somebody ended it before it was done, as a shell says it of what Ctrl-C ended.
    Interrupted,
}

impl Exit {
    /// The code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Unsafe => 1,
            Self::Inconclusive => 2,
            Self::Stuck => 3,
            Self::BadInput => 64,
            Self::Harness => 70,
            Self::Interrupted => 130,
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Passed,
            Outcome::Unsafe => Self::Unsafe,
            Outcome::Inconclusive => Self::Inconclusive,
            Outcome::Stuck => Self::Stuck,
        }
    }
}
