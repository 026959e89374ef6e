//! A page of the account's intents, newest first.
//!
//! Source: <https://docs.stripe.com/api/payment_intents/list>, <https://docs.stripe.com/api/pagination>.
//! Invariant: a page is read whole or not at all; an intent that cannot be read never looks like one that is not there.

use crate::classify::{self, Seen};
use crate::envelope;
use crate::limits::BODY_BYTES_MAX;
use crate::mode::Mode;
use payments::Cause;
use payments::audit::{Listed, Window};
use payments::provider::IntentId;

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// When the intents were created.
    pub window: Window,
    /// The last intent of the page before; none for the first page.
    pub after: Option<&'a IntentId>,
    /// Intents on the page at most, from 1 to 100 (Stripe's limit).
    pub limit: u32,
}

/// What asking for a page came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Here it is.
    Page {
        /// The intents, newest first.
        listed: Vec<Listed>,
        /// Whether older ones follow within the window.
        has_more: bool,
    },
    /// It is larger than what is read of one answer. A shorter one may fit.
    TooLarge,
    /// There is none now, and why.
    Failed(Cause),
}

pub(crate) fn listing(mode: Mode, seen: &Seen) -> Listing {
    match seen {
        Ok(response) if response.status().is_success() => {
            if response.body().len() > BODY_BYTES_MAX {
                return Listing::TooLarge;
            }
            match envelope::list(response.body()) {
                Some((listed, _)) if listed.iter().any(|(_, of_intent)| *of_intent != mode) => {
                    Listing::Failed(Cause::WrongMode)
                }
                Some((listed, has_more)) => {
                    Listing::Page { listed: listed.into_iter().map(|(listed, _)| listed).collect(), has_more }
                }
                None => Listing::Failed(Cause::ProviderUnreadable),
            }
        }
        Ok(_) | Err(_) => Listing::Failed(classify::failed_listing(mode, seen)),
    }
}
