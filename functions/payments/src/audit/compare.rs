//! One listed intent, held against the row of its payment.
//!
//! The intent is listed first and the row read afterwards, so a row may be ahead of what was listed, and is ahead of it
//! only if it was settled meanwhile. What is in flight is no difference: it has its time, and the next audit looks again.
//! Invariant: whatever the provider charged in our name is either what its row says, in flight, or a difference.

use crate::limits::{AUDIT_SETTLING_MS, AUDIT_UNSETTLED_MS};
use crate::payment::PaymentId;
use crate::provider::{Intent, IntentId, IntentStatus};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};

/// An intent as the provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The intent.
    pub intent: Intent,
    /// When it was made.
    pub created_at: UnixMs,
}

/// What of a row an audit looks at. Whatever is missing or strange differs from what the provider says; an audit must
/// not stop at a row that nobody can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where the payment stands.
    pub standing: Standing,
    /// The intent that it names.
    pub intent_id: Option<IntentId>,
    /// Minor units.
    pub amount: Option<i64>,
    /// ISO code, lower case.
    pub currency: Option<String>,
    /// First delivery.
    pub received_at: UnixMs,
    /// `SentTimestamp` of the latest delivery's message.
    pub enqueued_at: UnixMs,
    /// When it was settled or quarantined.
    pub settled_at: Option<UnixMs>,
}

/// Where a payment stands, as far as its row can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Known, no intent recorded.
    Received,
    /// An intent is recorded.
    Intended,
    /// Charged.
    Succeeded,
    /// Never charged.
    Declined,
    /// Only a human can mend it.
    Quarantined,
    /// A state that this version does not know.
    Unknown,
}

impl Standing {
    /// Reads a row's `state`.
    #[must_use]
    pub fn of(state: &str) -> Self {
        match state {
            "received" => Self::Received,
            "intended" => Self::Intended,
            "succeeded" => Self::Succeeded,
            "declined" => Self::Declined,
            "quarantined" => Self::Quarantined,
            _ => Self::Unknown,
        }
    }

    /// Its name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Intended => "intended",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Quarantined => "quarantined",
            Self::Unknown => "in a state that this version does not know",
        }
    }
}

/// What comparing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It carries no `payment_id` that could be ours.
    NotOurs,
    /// Row and intent agree.
    Agrees,
    /// They do not yet; the payment is being worked on.
    InFlight,
    /// Nobody was charged, and no row names it: left over from a create whose answer was lost. Harmless, since only what
    /// a row names is ever confirmed.
    LeftOver,
    /// They differ.
    Differs(Box<Difference>),
}

/// A difference between the provider's books and the ledger, with what both say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which sort.
    pub sort: Sort,
    /// The payment that the intent names.
    pub payment_id: PaymentId,
    /// The intent.
    pub intent_id: IntentId,
    /// Its status, as the provider words it.
    pub status: String,
    /// Its amount, minor units.
    pub amount: i64,
    /// Its currency, lower case.
    pub currency: String,
    /// When it was made.
    pub created_at: UnixMs,
    /// What the row says, if there is one.
    pub row: Option<RowSays>,
}

/// What a row says of its payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSays {
    /// Where it stands.
    pub standing: Standing,
    /// The intent that it names.
    pub intent_id: Option<IntentId>,
    /// Minor units.
    pub amount: Option<i64>,
    /// Lower case.
    pub currency: Option<String>,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Charged, and the row that names it does not say so.
    ChargedNotSettled,
    /// The row says succeeded, and the provider does not.
    SettledNotCharged,
    /// Charged, and the row has succeeded on another intent: two charges of one payment.
    ChargedTwice,
    /// Charged, and the row names another intent, or none.
    ChargedUnnamed,
    /// Charged in another amount or currency than the row's.
    OtherMoney,
    /// Charged, and there is no row.
    ChargedWithoutRow,
}

impl Sort {
    /// Its name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChargedNotSettled => "charged_not_settled",
            Self::SettledNotCharged => "settled_not_charged",
            Self::ChargedTwice => "charged_twice",
            Self::ChargedUnnamed => "charged_unnamed",
            Self::OtherMoney => "other_money",
            Self::ChargedWithoutRow => "charged_without_row",
        }
    }
}

impl Listed {
    /// The payment it names, if that could be one of ours.
    #[must_use]
    pub fn payment_id(&self) -> Option<PaymentId> {
        PaymentId::new(self.intent.payment_id.as_deref()?)
    }

    /// Whether money moved.
    #[must_use]
    pub fn is_charged(&self) -> bool {
        self.intent.status == IntentStatus::Succeeded
    }
}

/// Holds an intent that was listed at `listed_at` against the row that was read afterwards.
#[must_use]
pub fn compare(listed: &Listed, entry: Option<&Entry>, listed_at: UnixMs) -> Verdict {
    let Some(payment_id) = listed.payment_id() else { return Verdict::NotOurs };
    let differs = |sort| Verdict::Differs(Box::new(Difference::of(sort, payment_id.clone(), listed, entry)));
    match (listed.is_charged(), entry) {
        (true, None) => differs(Sort::ChargedWithoutRow),
        (true, Some(entry)) => charged(listed, entry, listed_at).map_or_else(|agreed| agreed, differs),
        (false, Some(entry)) if entry.names(listed) && entry.standing == Standing::Succeeded => {
            let is_news = entry.settled_at.is_some_and(|at| listed_at.since_ms(at) < AUDIT_SETTLING_MS);
            if is_news { Verdict::InFlight } else { differs(Sort::SettledNotCharged) }
        }
        (false, Some(entry)) if entry.names(listed) => Verdict::Agrees,
        (false, None | Some(_)) => Verdict::LeftOver,
    }
}

/// How a charge differs from its row, or else what it is.
fn charged(listed: &Listed, entry: &Entry, listed_at: UnixMs) -> Result<Sort, Verdict> {
    let is_same_money = entry.amount == Some(listed.intent.amount)
        && entry.currency.as_deref() == Some(listed.intent.currency.as_str());
    match (entry.names(listed), entry.standing) {
        (false, Standing::Succeeded) => Ok(Sort::ChargedTwice),
        (
            false,
            Standing::Received
            | Standing::Intended
            | Standing::Declined
            | Standing::Quarantined
            | Standing::Unknown,
        ) => Ok(Sort::ChargedUnnamed),
        (true, _) if !is_same_money => Ok(Sort::OtherMoney),
        (true, Standing::Succeeded) => Err(Verdict::Agrees),
        (true, Standing::Received | Standing::Intended) if entry.is_fresh(listed_at) => {
            Err(Verdict::InFlight)
        }
        (
            true,
            Standing::Received
            | Standing::Intended
            | Standing::Declined
            | Standing::Quarantined
            | Standing::Unknown,
        ) => Ok(Sort::ChargedNotSettled),
    }
}

impl Entry {
    fn names(&self, listed: &Listed) -> bool {
        self.intent_id.as_ref() == Some(&listed.intent.id)
    }

    /// Whether it was received, or sent once more, so lately that it may still be worked on.
    fn is_fresh(&self, now: UnixMs) -> bool {
        now.since_ms(self.received_at.max(self.enqueued_at)) < AUDIT_UNSETTLED_MS
    }
}

impl Difference {
    fn of(sort: Sort, payment_id: PaymentId, listed: &Listed, entry: Option<&Entry>) -> Self {
        let Listed { intent, created_at } = listed;
        Self {
            sort,
            payment_id,
            intent_id: intent.id.clone(),
            status: intent.status.name().to_owned(),
            amount: intent.amount,
            currency: intent.currency.clone(),
            created_at: *created_at,
            row: entry.map(|entry| RowSays {
                standing: entry.standing,
                intent_id: entry.intent_id.clone(),
                amount: entry.amount,
                currency: entry.currency.clone(),
            }),
        }
    }
}
