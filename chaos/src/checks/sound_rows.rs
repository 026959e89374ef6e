//! Rows are sound: what a row says of itself fits its state. An unsettled one is in the index of the money at risk, and
//! no other is; only one that succeeded or was declined may expire, and does 400 days after.
//!
//! A settled row in that index is money at risk for ever, in every mail; an unsettled one outside it is in none. And a
//! row that DynamoDB deletes while its payment is unsettled takes the intent id with it: the next delivery makes a new
//! one, and charges twice. So does one that comes after a settled row expired: a producer that repeats itself after weeks.
//! Invariant: every row is looked at as the run left it.

use super::{Evidence, Finding, Verdict};
use crate::units::counted;
use crate::world::LedgerRow;

/// How long a settled row is kept, seconds: a year of chargebacks and any redelivery, 400 days.
const KEPT_S: i64 = 400 * 86_400;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let rows = &evidence.history.ledger;
    let findings = rows.iter().flat_map(|row| {
        let wrong = [wrong_index(row), wrong_expiry(row), wrong_age(row)];
        wrong.into_iter().flatten().map(|what| Finding::payment(&row.payment, what))
    });
    Verdict::from_findings(findings.collect(), || {
        let expiring = rows.iter().filter(|row| row.expires_at_s.is_some()).count() as u64;
        format!("{}, {expiring} of them to expire", counted(rows.len() as u64, "row"))
    })
}

fn wrong_index(row: &LedgerRow) -> Option<String> {
    match (row.state.as_str(), row.is_at_risk) {
        ("received" | "intended", false) => {
            Some(format!("its row is {}, and not among those at risk", row.state))
        }
        ("succeeded" | "declined" | "quarantined", true) => {
            Some(format!("its row is {}, and still among those at risk", row.state))
        }
        _ => None,
    }
}

fn wrong_expiry(row: &LedgerRow) -> Option<String> {
    let may_expire = matches!(row.state.as_str(), "succeeded" | "declined");
    (row.expires_at_s.is_some() && !may_expire).then(|| format!("its row is {}, and will expire", row.state))
}

/// A row that will expire says since when it is settled, and is kept for as long as it should be from then on.
fn wrong_age(row: &LedgerRow) -> Option<String> {
    let expires_at_s = row.expires_at_s?;
    let Some(settled_at) = row.settled_at else {
        return Some(format!("its row is {}, will expire, and does not say since when", row.state));
    };
    let kept_s = expires_at_s - settled_at.0.div_euclid(1_000);
    (kept_s != KEPT_S).then(|| format!("its row is {}, and is kept for {} h", row.state, kept_s / 3_600))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale};
    use super::*;
    use payments::UnixMs;

    const STATES: [(&str, bool); 5] = [
        ("received", true),
        ("intended", true),
        ("quarantined", false),
        ("declined", false),
        ("succeeded", false),
    ];

    fn is_sound(state: &str, edit: impl FnOnce(&mut LedgerRow)) -> bool {
        let mut tale = Tale::new();
        tale.write(ORDER, state);
        edit(tale.row(ORDER));
        matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_))
    }

    #[test]
    fn a_row_that_will_expire_unsettled_or_in_quarantine_is_found() {
        let expires = |state| is_sound(state, |row| expire(row, KEPT_S));
        assert_eq!(STATES.map(|(state, _)| expires(state)), [false, false, false, true, true]);
    }

    fn expire(row: &mut LedgerRow, after_s: i64) {
        row.settled_at = Some(UnixMs(1_767_603_600_999));
        row.expires_at_s = Some(1_767_603_600 + after_s);
    }

    #[test]
    fn a_row_that_is_not_kept_for_as_long_as_it_should_be_is_found() {
        for state in ["declined", "succeeded"] {
            let is_kept = |after_s| is_sound(state, |row| expire(row, after_s));
            assert!(is_kept(KEPT_S) && !is_kept(400 * 3_600) && !is_kept(KEPT_S - 1) && !is_kept(KEPT_S + 1));
            let without = is_sound(state, |row| {
                expire(row, KEPT_S);
                row.settled_at = None;
            });
            assert!(!without, "{state}");
        }
    }

    #[test]
    fn a_row_that_is_unsettled_and_not_at_risk_or_the_other_way_round_is_found() {
        for (state, is_at_risk) in STATES {
            assert!(is_sound(state, |row| row.is_at_risk = is_at_risk), "{state}");
            assert!(!is_sound(state, |row| row.is_at_risk = !is_at_risk), "{state}");
        }
    }
}
