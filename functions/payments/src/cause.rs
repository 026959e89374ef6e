//! Why a payment was handed back to the queue.
//!
//! The cause is noted on the row, counted in metrics and read by people; its text is part of the ledger's format.
//! Invariant: every cause says whose fault it is, so poison, breaker and e-mails never have to guess.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A reason to try later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Stripe answered 5xx.
    ProviderError,
    /// Stripe did not answer within our time-out.
    ProviderTimeout,
    /// No connection to Stripe could be made, or it broke.
    ProviderUnreachable,
    /// Stripe's answer could not be read.
    ProviderUnreadable,
    /// The confirmation's answer was lost and a look-up shows that nothing happened yet.
    OutcomeOpen,
    /// 429 of a rate limiter.
    RateLimited,
    /// 429 `lock_timeout`: the object is in use on Stripe's side.
    LockTimeout,
    /// 409: the same idempotency key is in flight.
    InFlight,
    /// The circuit breaker spared the call.
    BreakerOpen,
    /// The intent is processing; the card network decides.
    Processing,
    /// The issuer declined for now: the card is tried again after a pause.
    DeclinedSoftly,
    /// 401 or 403, also after the secret was fetched again: this outage is ours.
    CredentialsRefused,
    /// Stripe refuses the account, whatever is asked of it: not activated, closed, not allowed to charge.
    AccountRefused,
    /// The key, or an intent that it leads to, is of the other mode: test where live is expected, or live where test is.
    WrongMode,
    /// The Stripe secret could not be read.
    SecretUnavailable,
    /// The recorded intent does not exist for these credentials: the key is another account's.
    IntentMissing,
    /// Something speaks against the payment; whether it or we are to blame, others will show.
    Refused,
    /// Several payments met the same and none came through: we are broken, not they.
    RefusedInARow,
    /// The ledger did not answer or throttled.
    LedgerUnavailable,
    /// Other deliveries of the same payment kept winning the ledger's races.
    Contended,
    /// The quarantine queue did not take the message.
    QuarantineUnavailable,
    /// The provider's rate left no turn before the invocation's end.
    NoTurn,
    /// The invocation's time was up.
    OutOfTime,
    /// The work on this payment panicked.
    Panicked,
    /// The row vanished between two writes.
    RowMissing,
    /// The recorded intent has moved money, but not this payment's.
    IntentMismatch,
    /// The intent has a status this version does not know.
    UnknownStatus,
}

/// Who has to act on a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blame {
    /// Stripe, or the way to it.
    Provider,
    /// This system and its configuration.
    Us,
    /// Something about this one payment, as far as one delivery can see.
    Payment,
}

impl Cause {
    /// Whose fault it is.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::ProviderError
            | Self::ProviderTimeout
            | Self::ProviderUnreachable
            | Self::ProviderUnreadable
            | Self::OutcomeOpen
            | Self::RateLimited
            | Self::LockTimeout
            | Self::InFlight
            | Self::BreakerOpen
            | Self::Processing
            | Self::DeclinedSoftly => Blame::Provider,
            Self::CredentialsRefused
            | Self::AccountRefused
            | Self::WrongMode
            | Self::IntentMissing
            | Self::SecretUnavailable
            | Self::Refused
            | Self::RefusedInARow
            | Self::LedgerUnavailable
            | Self::Contended
            | Self::QuarantineUnavailable
            | Self::NoTurn => Blame::Us,
            Self::OutOfTime
            | Self::Panicked
            | Self::RowMissing
            | Self::IntentMismatch
            | Self::UnknownStatus => Blame::Payment,
        }
    }

    /// Whether a delivery that ended so must not count towards poison. Only failures that follow the payment
    /// around count: an outage, ours included, must never quarantine the payments that met it.
    #[must_use]
    pub const fn excuses(self) -> bool {
        match self.blame() {
            Blame::Provider | Blame::Us => true,
            Blame::Payment => false,
        }
    }

    /// Whether it says that the provider is unwell: what the circuit breaker counts.
    #[must_use]
    pub const fn is_provider_failure(self) -> bool {
        matches!(
            self,
            Self::ProviderError
                | Self::ProviderTimeout
                | Self::ProviderUnreachable
                | Self::ProviderUnreadable
        )
    }

    /// Whether no later delivery can be expected to end otherwise, unless somebody mends something about this payment, or
    /// gives us the key that knows it.
    #[must_use]
    pub const fn sticks(self) -> bool {
        matches!(self, Self::IntentMissing | Self::IntentMismatch | Self::UnknownStatus)
    }

    /// Whether the key or the account is refused, so that another key may be what is missing.
    #[must_use]
    pub const fn is_refusal_of_credentials(self) -> bool {
        matches!(self, Self::CredentialsRefused | Self::AccountRefused | Self::WrongMode)
    }

    /// Reads the text back; `None` when this version does not know it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(text.into()).ok()
    }

    /// The text under which it is stored and counted, for example `provider_timeout`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderError => "provider_error",
            Self::ProviderTimeout => "provider_timeout",
            Self::ProviderUnreachable => "provider_unreachable",
            Self::ProviderUnreadable => "provider_unreadable",
            Self::OutcomeOpen => "outcome_open",
            Self::RateLimited => "rate_limited",
            Self::LockTimeout => "lock_timeout",
            Self::InFlight => "in_flight",
            Self::BreakerOpen => "breaker_open",
            Self::Processing => "processing",
            Self::DeclinedSoftly => "declined_softly",
            Self::CredentialsRefused => "credentials_refused",
            Self::AccountRefused => "account_refused",
            Self::WrongMode => "wrong_mode",
            Self::SecretUnavailable => "secret_unavailable",
            Self::Refused => "refused",
            Self::RefusedInARow => "refused_in_a_row",
            Self::LedgerUnavailable => "ledger_unavailable",
            Self::Contended => "contended",
            Self::QuarantineUnavailable => "quarantine_unavailable",
            Self::NoTurn => "no_turn",
            Self::OutOfTime => "out_of_time",
            Self::Panicked => "panicked",
            Self::RowMissing => "row_missing",
            Self::IntentMissing => "intent_missing",
            Self::IntentMismatch => "intent_mismatch",
            Self::UnknownStatus => "unknown_status",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
