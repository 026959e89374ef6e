//! Rows never go back: no write lowers a row's version, changes its state without raising it, or takes it out of
//! succeeded or declined.
//!
//! A write without a condition, or of a whole item read a moment ago, undoes what another delivery wrote in between.
//! Most of the time nothing comes of it; this looks at every write instead of waiting for the time when it does.
//! Invariant: one pass over the journal in order, each write beside the one before of the same row.

use super::{Evidence, Finding, Verdict};
use crate::journal::{Event, TableEvent};
use crate::units::counted;
use std::collections::BTreeMap;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let mut rows: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    let (mut findings, mut writes) = (Vec::new(), 0_u64);
    for record in &evidence.history.records {
        if let Event::Table(TableEvent::LedgerWritten { payment, state, version, .. }) = &record.event {
            writes += 1;
            let before = rows.insert(payment, (state, *version));
            let what = before.and_then(|before| wrong_step(before, (state, *version)));
            findings.extend(what.map(|what| Finding::payment(payment, what)));
        }
    }
    Verdict::from_findings(findings, || format!("{}, each onwards", counted(writes, "write")))
}

fn wrong_step(before: (&str, u64), after: (&str, u64)) -> Option<String> {
    let ((was, from), (is, to)) = (before, after);
    if was != is && matches!(was, "succeeded" | "declined") {
        Some(format!("its row said {was}, and then {is}"))
    } else if to < from {
        Some(format!("its row went back from version {from} to {to}"))
    } else if was != is && to == from {
        Some(format!("its row went from {was} to {is} within version {to}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_settled_stays_so() {
        assert!(wrong_step(("succeeded", 2), ("intended", 3)).is_some());
        assert!(wrong_step(("declined", 2), ("succeeded", 3)).is_some());
        assert_eq!(wrong_step(("quarantined", 2), ("received", 3)), None, "a human released it");
        assert_eq!(wrong_step(("quarantined", 2), ("succeeded", 3)), None, "it turned out to be charged");
    }

    #[test]
    fn a_version_neither_falls_nor_stays_under_another_state() {
        assert!(wrong_step(("intended", 2), ("intended", 1)).is_some());
        assert!(wrong_step(("received", 1), ("intended", 1)).is_some());
        assert_eq!(wrong_step(("intended", 1), ("intended", 1)), None, "a note");
        assert_eq!(wrong_step(("intended", 1), ("succeeded", 2)), None);
    }

    #[test]
    fn an_undone_write_is_found_in_a_history() {
        use super::super::fixtures::{ORDER, Tale};
        let mut tale = Tale::of_one_good_payment();
        assert!(matches!(check(&Evidence::of(tale.history())), Verdict::Pass(_)));
        tale.write(ORDER, "intended");
        let finding = Finding::payment(ORDER, "its row said succeeded, and then intended");
        assert_eq!(check(&Evidence::of(&tale.told())), Verdict::Fail(vec![finding]));
    }
}
