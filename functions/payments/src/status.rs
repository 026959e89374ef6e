//! What the holder of a status link is told of a payment: never more than is known.
//!
//! Invariant: nobody is told that a payment is settled before its row says so, nor that one is not charged which still may
//! be. Only a declined row says that: it is written after its intent was canceled, and nothing changes it any more. One in
//! quarantine may be released, may be found charged by a look-up, and in some cases was
//! ([`Reason::IntentMismatch`](crate::ledger::Reason::IntentMismatch)).

use crate::money::{AmountMinor, Currency};
use crate::payment::PaymentId;
use crate::time::UnixMs;

/// As much of a row as its customer may see. No id of the provider's, and no reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The producer's id of the payment.
    pub payment_id: PaymentId,
    /// Where it stands.
    pub told: Told,
    /// Minor units.
    pub amount: AmountMinor,
    /// Of that amount.
    pub currency: Currency,
    /// First delivery.
    pub received_at: UnixMs,
    /// When it was settled; `None` for what is not.
    pub settled_at: Option<UnixMs>,
    /// The row's version. A row that was set aside has the version of before.
    pub version: u64,
}

/// Where a payment stands, in the words of its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// We have it and are still trying. It may be charged already: the answer may be lost, or the row not written yet.
    InProgress,
    /// Charged, once.
    Paid,
    /// The card was declined: not charged, and never will be.
    Declined,
    /// It goes on only when a person has looked at it. It may have been charged.
    Held,
}

impl Told {
    /// Of a row's `state`; `None` for one that this version does not know. A row that was set aside settles with no
    /// delivery, so nobody is still trying.
    #[must_use]
    pub fn of(state: &str, is_set_aside: bool) -> Option<Self> {
        Some(match (state, is_set_aside) {
            ("succeeded", _) => Self::Paid,
            ("declined", _) => Self::Declined,
            ("quarantined", _) | ("received" | "intended", true) => Self::Held,
            ("received" | "intended", false) => Self::InProgress,
            _ => return None,
        })
    }

    /// Its name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Held => "held",
        }
    }

    /// Whether it stays so: no [`Change`](crate::ledger::Change) leads out of it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Paid | Self::Declined => true,
            Self::InProgress | Self::Held => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Reason, State};
    use crate::provider::Decline;

    #[test]
    fn every_state_of_a_row_is_told_as_what_is_known_of_it() {
        let code = "card_declined".to_owned();
        let decline = Decline { code, decline_code: None, advice_code: None };
        let told = [
            (State::Received, Told::InProgress),
            (State::Intended, Told::InProgress),
            (State::Succeeded, Told::Paid),
            (State::Declined(decline), Told::Declined),
            (State::Quarantined(Reason::Poison), Told::Held),
        ];
        for (state, expected) in told {
            assert_eq!(Told::of(state.name(), false), Some(expected), "{state:?}");
            let settles_alone = expected == Told::InProgress;
            let aside = if settles_alone { Told::Held } else { expected };
            assert_eq!(Told::of(state.name(), true), Some(aside), "{state:?}, set aside");
            // A quarantined row is settled for the pipeline, and may be released all the same.
            assert_eq!(expected.is_final(), !state.is_unsettled() && expected != Told::Held);
        }
        assert_eq!(Told::of("of_the_future", false), None);
    }
}
