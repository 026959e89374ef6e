//! What is to be released.
//!
//! Invariant: a selection names at least one payment, one reason, or those without a message; nothing selects
//! "everything".

use crate::limits::RELEASE_NAMED_MAX;
use crate::payment::PaymentId;
use std::collections::BTreeSet;
use std::fmt;

/// An order to try payments in quarantine again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Which.
    pub selection: Selection,
    /// Whether it is meant.
    pub rehearsal: Rehearsal,
}

/// Whether an order is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearsal {
    /// It is.
    Meant,
    /// It is only said what would come of it.
    DryRun,
}

/// Which payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// This one.
    Payment(PaymentId),
    /// These, in this order.
    Payments(Vec<PaymentId>),
    /// Those in quarantine for this reason and, if it is given, with exactly this detail.
    Reason {
        /// For example `refused`.
        reason: String,
        /// For example `amount_too_small (amount)`.
        detail: Option<String>,
    },
    /// Those that have been unsettled for long, because no queue holds a message for them any more.
    Stranded,
}

/// Why a list of payments is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSelection {
    /// Nothing is selected.
    #[error("it is empty")]
    Empty,
    /// More than one order may name.
    #[error("it names {0} payments")]
    TooLong(usize),
}

impl Selection {
    /// What a list accepts.
    pub const FORM: &str = "a list of 1 to 1000 payment ids";

    /// Payments by name; one that is named twice is meant once.
    ///
    /// # Errors
    /// [`BadSelection`] unless the list has 1 to 1,000 payments.
    pub fn named(ids: Vec<PaymentId>) -> Result<Self, BadSelection> {
        match ids.len() {
            0 => Err(BadSelection::Empty),
            1..=RELEASE_NAMED_MAX => {
                let mut named = BTreeSet::new();
                Ok(Self::Payments(ids.into_iter().filter(|id| named.insert(id.clone())).collect()))
            }
            more => Err(BadSelection::TooLong(more)),
        }
    }

    /// Whether a message in quarantine with this reason and detail is of it. Nothing is, where payments are named.
    #[must_use]
    pub fn takes(&self, reason: Option<&str>, detail: Option<&str>) -> bool {
        match self {
            Self::Payment(_) | Self::Payments(_) | Self::Stranded => false,
            Self::Reason { reason: wanted, detail: None } => reason == Some(wanted),
            Self::Reason { reason: wanted, detail: Some(_) } => {
                reason == Some(wanted) && detail == self.detail()
            }
        }
    }

    fn detail(&self) -> Option<&str> {
        match self {
            Self::Payment(_) | Self::Payments(_) | Self::Stranded => None,
            Self::Reason { detail, .. } => detail.as_deref(),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment(id) => id.fmt(f),
            Self::Payments(ids) => {
                let ids: Vec<&str> = ids.iter().map(PaymentId::as_str).collect();
                f.write_str(&ids.join(" "))
            }
            Self::Reason { reason, detail: None } => f.write_str(reason),
            Self::Stranded => f.write_str("stranded"),
            Self::Reason { reason, detail: Some(detail) } => write!(f, "{reason}, {detail}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<usize>) -> Vec<PaymentId> {
        range.map(|n| PaymentId::new(&format!("order-{n}")).unwrap()).collect()
    }

    #[test]
    fn a_reason_takes_every_detail_of_it_unless_one_is_given() {
        let by = |detail: Option<&str>| Selection::Reason {
            reason: "refused".to_owned(),
            detail: detail.map(str::to_owned),
        };
        let small = Some("amount_too_small (amount)");
        assert!(by(None).takes(Some("refused"), small) && by(None).takes(Some("refused"), None));
        assert!(by(small).takes(Some("refused"), small));
        assert!(!by(small).takes(Some("refused"), Some("amount_too_small")));
        assert!(!by(small).takes(Some("refused"), None) && !by(None).takes(Some("malformed"), small));
        assert!(!by(None).takes(None, None), "what nobody gave a reason has none");
        assert!(!Selection::named(ids(0..1)).unwrap().takes(Some("refused"), small));
    }

    #[test]
    fn a_list_is_neither_empty_nor_endless_and_names_each_payment_once() {
        assert_eq!(Selection::named(Vec::new()), Err(BadSelection::Empty));
        let too_long = Selection::named(ids(0..RELEASE_NAMED_MAX + 1));
        assert_eq!(too_long, Err(BadSelection::TooLong(RELEASE_NAMED_MAX + 1)));
        let twice = ids(0..2).into_iter().chain(ids(0..2)).collect();
        assert_eq!(Selection::named(twice).unwrap().to_string(), "order-0 order-1");
        assert!(Selection::FORM.contains(&RELEASE_NAMED_MAX.to_string()));
    }
}
