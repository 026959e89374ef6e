//! What a run violates: the finding of sweep, search and shrink alike.
//!
//! Invariant: of several checks that failed it is the gravest, so the same run is always the same violation.

use crate::checks::{Evidence, Outcome};
use crate::promises::Check;
use crate::report::{self, Paint};

/// Something that must never be, and is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Whether it is about safety or about liveness.
    pub outcome: Outcome,
    /// The gravest check that failed.
    pub check: Check,
    /// The story of whom it happened to.
    pub story: String,
}

impl Violation {
    /// What a run violates, if it does.
    #[must_use]
    pub fn of(evidence: &Evidence<'_>, paint: Paint) -> Option<Self> {
        let judgement = evidence.judge();
        let (check, _) = judgement.findings().next()?;
        let story = report::failure(evidence, &judgement, paint);
        Some(Self { outcome: judgement.outcome(), check, story })
    }
}
