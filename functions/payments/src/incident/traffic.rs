//! How much of the traffic is in quarantine.
//!
//! Nothing counts the messages that the consumer finished in a way that this can ask for. But every payment that came
//! through has an intent, and the provider lists intents by the time they were made: so the last hour's payments are
//! those it lists, and those in quarantine that it does not.
//! Invariant: a share is an estimate, and is called one; without a count to hold the quarantine against there is none.

use crate::audit::Listed;
use crate::limits::HOUR_MS;
use crate::payment::PaymentId;
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The payments of the last hour that came through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// How many, approximately.
    pub passed: u64,
}

impl Traffic {
    /// Counts our payments among the newest intents of the hour before `now`, those `in_quarantine` left out. Where there
    /// are more than were listed, an hour at their pace.
    #[must_use]
    pub fn of(listed: &[Listed], rest: Rest, in_quarantine: &BTreeSet<PaymentId>, now: UnixMs) -> Self {
        let passed = listed.iter().filter_map(Listed::payment_id).filter(|id| !in_quarantine.contains(id));
        let passed = passed.count() as u64;
        let oldest = listed.iter().map(|listed| listed.created_at).min();
        let covered_ms = match (rest, oldest) {
            (Rest::Unlisted, Some(oldest)) => now.since_ms(oldest).clamp(1_000, HOUR_MS),
            (Rest::Unlisted, None) | (Rest::None, _) => HOUR_MS,
        };
        let per_hour = i64::try_from(passed).unwrap_or(i64::MAX).saturating_mul(HOUR_MS) / covered_ms;
        Self { passed: u64::try_from(per_hour).unwrap_or(0) }
    }
}

/// Whether the provider has more intents of the hour than were listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It has not.
    None,
    /// It has; the newest were listed.
    Unlisted,
}

/// A part of the last hour's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Messages that came to quarantine.
    pub quarantined: u64,
    /// Messages in all.
    pub all: u64,
}

impl Share {
    /// Rounded to the nearest; but what is neither nothing nor all is not called so.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let rounded = (self.quarantined.saturating_mul(200) + self.all) / (2 * self.all.max(1));
        if self.quarantined == 0 || self.quarantined >= self.all { rounded } else { rounded.clamp(1, 99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Intent, IntentId, IntentStatus};

    const NOW: UnixMs = UnixMs(1_767_609_720_000);

    fn listed(n: usize, age_ms: i64) -> Listed {
        let intent = Intent {
            id: IntentId(format!("pi_{n}")),
            status: IntentStatus::Succeeded,
            amount: 1_999,
            currency: "eur".to_owned(),
            payment_id: (n > 0).then(|| format!("order-{n}")),
            last_decline: None,
        };
        Listed { intent, created_at: NOW.plus_ms(-age_ms) }
    }

    fn passed(listed: &[Listed], rest: Rest) -> u64 {
        let in_quarantine = BTreeSet::from([PaymentId::new("order-2").unwrap()]);
        Traffic::of(listed, rest, &in_quarantine, NOW).passed
    }

    #[test]
    fn payments_of_others_and_those_in_quarantine_did_not_come_through() {
        assert_eq!(passed(&[listed(0, 1), listed(1, 1), listed(2, 1), listed(3, 1)], Rest::None), 2);
        assert_eq!(passed(&[], Rest::None), 0);
    }

    #[test]
    fn what_was_not_listed_is_taken_to_have_come_at_the_pace_of_what_was() {
        let newest: Vec<Listed> = (10..110).map(|n| listed(n, (n as i64 - 9) * 1_800)).collect();
        assert_eq!(passed(&newest, Rest::Unlisted), 2_000, "a hundred in three minutes");
        assert_eq!(passed(&newest, Rest::None), 100);
    }

    #[test]
    fn a_share_is_rounded_and_neither_nothing_nor_all_unless_it_is() {
        let percent = |quarantined, all| Share { quarantined, all }.percent();
        assert_eq!(
            [(0, 9), (1, 1_000), (1, 3), (2, 3), (999, 1_000), (9, 9)].map(|(part, all)| percent(part, all)),
            [0, 1, 33, 67, 99, 100]
        );
    }
}
