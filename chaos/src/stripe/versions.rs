//! The versions of Stripe's API that the fake knows.
//!
//! A named version is in the table because an official SDK pins it: the second column is a release of PyPI's `stripe`
//! whose `_api_version.py` says so. Versions before the first of these are named by
//! <https://docs.stripe.com/upgrades#api-versions>. Previews (`….preview`) are not known.
//! Invariant: the table runs from the oldest to the newest, and a version sorts by its date.

/// A version and who pins it.
const VERSIONS: [(&str, &str); 33] = [
    ("2020-08-27", ""),
    ("2022-08-01", ""),
    ("2022-11-15", "5.0.0"),
    ("2023-08-16", "6.0.0"),
    ("2023-10-16", "8.0.0"),
    ("2024-04-10", "9.0.0"),
    ("2024-06-20", "10.12.1"),
    ("2024-09-30.acacia", "11.0.0"),
    ("2024-10-28.acacia", "11.2.0"),
    ("2024-11-20.acacia", "11.3.0"),
    ("2024-12-18.acacia", "11.4.1"),
    ("2025-01-27.acacia", "11.5.0"),
    ("2025-02-24.acacia", "11.6.1"),
    ("2025-03-31.basil", "12.0.1"),
    ("2025-04-30.basil", "12.1.0"),
    ("2025-05-28.basil", "12.2.0"),
    ("2025-06-30.basil", "12.3.0"),
    ("2025-07-30.basil", "12.4.0"),
    ("2025-08-27.basil", "12.5.2"),
    ("2025-09-30.clover", "13.0.1"),
    ("2025-10-29.clover", "13.2.1"),
    ("2025-11-17.clover", "14.0.1"),
    ("2025-12-15.clover", "14.2.0"),
    ("2026-01-28.clover", "14.3.0"),
    ("2026-02-25.clover", "14.4.2"),
    ("2026-03-25.dahlia", "15.0.1"),
    ("2026-04-22.dahlia", "15.1.0"),
    ("2026-05-27.dahlia", "15.2.1"),
    ("2026-06-24.dahlia", "15.3.1"),
    ("2026-07-29.dahlia", "15.5.1"),
    ("2026-08-26.dahlia", "15.6.2"),
    ("2026-09-30.endive", "16.0.1"),
    ("2026-10-28.endive", "16.1.0"),
];

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(&'static str);

impl Version {
    /// Answers a request that names none: the account's default, which somebody raised in the dashboard to the newest there
    /// is. No client of ours is written for it, so one that forgets to name its own version is refused.
    pub(super) const DEFAULT: Self = Self("2026-10-28.endive");

    /// The oldest that the fake knows.
    pub(super) const OLDEST: Self = Self(VERSIONS[0].0);

    /// From here on an intent takes whatever the account's dashboard enables unless it is told otherwise; before, cards
    /// (<https://docs.stripe.com/changelog/2023-08-16/automatic-payment-methods>).
    pub(super) const AUTOMATIC_METHODS: Self = Self("2023-08-16");

    /// From here on what is captured by itself is captured asynchronously unless told otherwise
    /// (<https://docs.stripe.com/changelog/2024-04-10/automatic-sync-default-paymentintents>).
    pub(super) const ASYNC_CAPTURE: Self = Self("2024-04-10");

    /// `allowed_payment_method_types` begins
    /// (<https://docs.stripe.com/changelog/dahlia/2026-07-29/allowed-payment-method-types-parameter>).
    pub(super) const ALLOWED_METHODS: Self = Self("2026-07-29.dahlia");

    /// `payment_method_types` ends
    /// (<https://docs.stripe.com/changelog/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents>).
    pub(super) const NO_LISTED_METHODS: Self = Self("2026-09-30.endive");

    /// The version of this name, which is exact: Stripe takes no prefix and no other release of the same date.
    pub(super) fn named(name: &str) -> Option<Self> {
        VERSIONS.iter().find(|(known, _)| *known == name).map(|(known, _)| Self(known))
    }

    /// For the tables of this crate, which a test holds to the one above.
    pub(super) const fn listed(name: &'static str) -> Self {
        Self(name)
    }

    pub(super) const fn name(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_runs_from_the_oldest_version_to_the_newest() {
        assert!(VERSIONS.is_sorted_by(|(older, _), (newer, _)| older < newer));
        assert!(VERSIONS.iter().skip(2).all(|(_, sdk)| !sdk.is_empty()), "each has its evidence");
    }

    #[test]
    fn every_version_that_a_rule_turns_on_is_in_the_table() {
        let turning = [
            Version::DEFAULT,
            Version::AUTOMATIC_METHODS,
            Version::ASYNC_CAPTURE,
            Version::ALLOWED_METHODS,
            Version::NO_LISTED_METHODS,
        ];
        for version in turning {
            assert_eq!(Version::named(version.name()), Some(version));
        }
    }

    #[test]
    fn what_only_resembles_a_version_is_none() {
        for name in
            ["", "latest", "2026-08-26", "2026-08-26.Dahlia", "2026-08-27.dahlia", "2026-08-26.preview"]
        {
            assert_eq!(Version::named(name), None, "{name}");
        }
    }
}
