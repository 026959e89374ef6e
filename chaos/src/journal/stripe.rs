//! What the fake Stripe is asked, and does.
//!
//! Invariant: money moves in [`StripeEvent::Charged`] alone.

use crate::faults::Kind;
use serde::Serialize;

/// What can happen at Stripe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum StripeEvent {
    /// A function called Stripe, and this is what came of it.
    #[serde(rename = "stripe-called")]
    Called {
        /// Request id of the Lambda invocation that called.
        request: String,
        /// What it asked for.
        operation: Operation,
        /// Intent id in the path, or in the answer to a create.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
        /// `metadata[payment_id]` of the intent, when it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment: Option<String>,
        /// HTTP status of the answer that was sent; absent when none was. A caller that is killed at the hop that
        /// follows never sees it.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// `error.code` or, for a success, the intent's status.
        #[serde(skip_serializing_if = "Option::is_none")]
        said: Option<String>,
        /// Fault that was injected into this call.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<Kind>,
    },
    /// Stripe did something of its own accord: it carried out late what it had been asked, or a bank decided.
    #[serde(rename = "stripe-acted")]
    Acted {
        /// What it carried out, or [`Operation::Bank`].
        operation: Operation,
        /// Intent id, unless there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
        /// `metadata[payment_id]` of the intent, when it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment: Option<String>,
        /// What it would have answered: `error.code` or, for a success, the intent's status.
        #[serde(skip_serializing_if = "Option::is_none")]
        said: Option<String>,
        /// Fault that made it so.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<Kind>,
    },
    /// One of Stripe's own events, or what looks like one, is put on the event bus.
    #[serde(rename = "stripe-told")]
    Told {
        /// Its `type`.
        what: String,
        /// Id of the intent that it is about.
        intent: String,
        /// `metadata[payment_id]` of the intent, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment: Option<String>,
        /// Fault that made it so.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<Kind>,
    },
    /// Money moved: an intent succeeded. Taken from the fake Stripe's book.
    Charged {
        /// `metadata[payment_id]`.
        payment: String,
        /// Intent id.
        intent: String,
        /// Charge id.
        charge: String,
        /// Amount in minor units.
        amount: i64,
        /// ISO currency, lower case.
        currency: String,
    },
}

/// What Stripe is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Create an intent.
    Create,
    /// Confirm it.
    Confirm,
    /// Look it up.
    Retrieve,
    /// Cancel it.
    Cancel,
    /// List intents.
    List,
    /// Search for intents.
    Search,
    /// Ask for the balance, to see whether anybody answers.
    Probe,
    /// A request that is none of these, such as the one that warms a connection.
    Other,
    /// Nothing: it is the verdict of whoever an intent waited for: its bank, its customer, or whoever captures it.
    Bank,
}

impl Operation {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Confirm,
        Self::Retrieve,
        Self::Cancel,
        Self::List,
        Self::Search,
        Self::Probe,
        Self::Other,
        Self::Bank,
    ];

    /// The word for it, as in the journal and where a fault is limited to operations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Confirm => "confirm",
            Self::Retrieve => "retrieve",
            Self::Cancel => "cancel",
            Self::List => "list",
            Self::Search => "search",
            Self::Probe => "probe",
            Self::Other => "other",
            Self::Bank => "bank",
        }
    }
}
