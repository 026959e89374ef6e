//! Trying a quarantined payment again, because a human says so.
//!
//! Invariant: it never changes money, and an intent is forgotten only when Stripe says that it can never charge.

use super::Act;
use crate::error::TurnError;
use crate::limits::RECEIVES_MAX;
use crate::look::receipt;
use crate::queues::Queue;
use aws_sdk_sqs::types::Message;
use ledger::Changed;
use payments::ledger::{Change, Forget, Row, State};
use payments::provider::{Answer, IntentStatus};
use payments::{Cause, PaymentId, UnixMs};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a release came to, or why it was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Outcome {
    /// Stripe had charged it: the row says so now.
    #[error("Stripe had charged it already: its row is settled as succeeded, nothing was sent")]
    HadSucceeded,
    /// It is on its way again.
    #[error("its row is set back and its stored request was sent to the consumer; its intent was {0}")]
    Sent(&'static str),
    /// Its row was unsettled; perhaps no queue held its message any more.
    #[error("it was not in quarantine but {0}: its stored request was sent once more, which is harmless")]
    SentAgain(&'static str),
    /// Nothing knows it.
    #[error("nothing was done: the ledger has no payment of this id")]
    Unknown,
    /// It is over.
    #[error("nothing was done: it is settled as {0}")]
    Settled(&'static str),
    /// Money moved that is not this payment's.
    #[error(
        "nothing was done: its intent charged another amount, currency or payment; look at it in Stripe's dashboard"
    )]
    Mismatch,
    /// Stripe does not know.
    #[error("nothing was done: Stripe could not say how its intent stands ({0}); try again")]
    NoAnswer(Cause),
    /// The intent is another account's, or another mode's.
    #[error(
        "nothing was done: its intent does not exist for our Stripe key; is the key for the right account and mode?"
    )]
    IntentMissing,
    /// Somebody else was at it.
    #[error("nothing was done: its row changed at this moment; look again")]
    LostRace,
    /// What is in quarantine is another request than the ledger's.
    #[error("nothing was done: the ledger has another request under this id; send it under an id of its own")]
    OtherRequest,
    /// What is in quarantine never was a payment.
    #[error("nothing was done: its message holds no payment; mend it and send it again")]
    NoPayment,
}

/// Where the copy in quarantine is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Copied<'m> {
    /// It is to be found, by the id that the row names.
    Somewhere,
    /// Here.
    InHand(&'m Message),
    /// Whoever releases many looks for their copies at the end.
    LeftForLater,
}

impl Outcome {
    /// Whether the payment is on its way, or over.
    pub(crate) const fn is_release(&self) -> bool {
        match self {
            Self::HadSucceeded | Self::Sent(_) | Self::SentAgain(_) => true,
            Self::Unknown
            | Self::Settled(_)
            | Self::Mismatch
            | Self::NoAnswer(_)
            | Self::IntentMissing
            | Self::LostRace
            | Self::OtherRequest
            | Self::NoPayment => false,
        }
    }
}

impl Act {
    /// Releases a payment.
    pub(crate) async fn release(&self, id: &PaymentId, now: UnixMs) -> Result<Outcome, TurnError> {
        let Some(row) = self.ledger.reader().row(id).await? else { return Ok(Outcome::Unknown) };
        self.release_row(&row, Copied::Somewhere, now).await
    }

    /// Releases the payment of a row.
    pub(crate) async fn release_row(
        &self,
        row: &Row,
        copied: Copied<'_>,
        now: UnixMs,
    ) -> Result<Outcome, TurnError> {
        match &row.state {
            State::Succeeded | State::Declined(_) => Ok(Outcome::Settled(row.state.name())),
            State::Received | State::Intended => {
                self.queues.send_payment(row.payment()).await?;
                match copied {
                    // One that was set aside has its message in quarantine.
                    Copied::Somewhere => self.discard_copy(row).await,
                    Copied::InHand(_) | Copied::LeftForLater => self.discard(copied).await,
                }
                Ok(Outcome::SentAgain(row.state.name()))
            }
            State::Quarantined(_) => match self.judge(row).await {
                Ok(change) => self.carry_release_out(row, &change, copied, now).await,
                Err(refused) => Ok(refused),
            },
        }
    }

    /// What to do with the row, by what Stripe says of its intent.
    async fn judge(&self, row: &Row) -> Result<Change, Outcome> {
        let release = |forget| Change::Release(forget, Arc::new(stripe::wording(row.payment())));
        let Some(intent) = row.recorded_intent() else { return Ok(release(Forget::Nothing)) };
        match self.provider.retrieve(&intent).await {
            Answer::Intent(intent) | Answer::UnexpectedState(intent) => match intent.status {
                IntentStatus::Succeeded if intent.is_for(row.payment()) => Ok(Change::Succeed),
                IntentStatus::Succeeded => Err(Outcome::Mismatch),
                IntentStatus::Canceled => Ok(release(Forget::CanceledIntent)),
                IntentStatus::RequiresPaymentMethod
                | IntentStatus::RequiresConfirmation
                | IntentStatus::RequiresAction
                | IntentStatus::Processing
                | IntentStatus::RequiresCapture
                | IntentStatus::Other(_) => Ok(release(Forget::Nothing)),
            },
            Answer::Unknown { cause, .. } | Answer::NotDone { cause } => Err(Outcome::NoAnswer(cause)),
            Answer::IntentMissing => Err(Outcome::IntentMissing),
            Answer::Declined(_) | Answer::KeySpent | Answer::Refused(_) => {
                Err(Outcome::NoAnswer(Cause::ProviderUnreadable))
            }
        }
    }

    async fn carry_release_out(
        &self,
        row: &Row,
        change: &Change,
        copied: Copied<'_>,
        now: UnixMs,
    ) -> Result<Outcome, TurnError> {
        if let Changed::LostRace(_) = self.ledger.change(row, change, now).await? {
            return Ok(Outcome::LostRace);
        }
        match copied {
            Copied::Somewhere => self.discard_copy(row).await,
            Copied::InHand(_) | Copied::LeftForLater => self.discard(copied).await,
        }
        match change {
            Change::Succeed => Ok(Outcome::HadSucceeded),
            Change::Release(forget, _) => {
                // If this fails, the row is unsettled without a message: the same command sends it again.
                self.queues.send_payment(row.payment()).await?;
                Ok(Outcome::Sent(match (forget, row.intent_id()) {
                    (Forget::CanceledIntent, _) => "canceled and is forgotten",
                    (Forget::Nothing, Some(_)) => "kept",
                    (Forget::Nothing, None) => "never made",
                }))
            }
            Change::Record(_)
            | Change::NextGeneration(_)
            | Change::Decline(_)
            | Change::Quarantine(_)
            | Change::QuarantineSent(_)
            | Change::HandedBack(_)
            | Change::Excuse(_)
            | Change::SetAside(..) => unreachable!("a release is judged to one of two changes"),
        }
    }

    /// Deletes the copy that `row` named, if it is found: the row no longer needs it, and the alarm should not either.
    /// By its id, and before the payment is on its way again: it may be back in quarantine a second later, with a copy
    /// of its own. What stays is a human's to delete.
    pub(crate) async fn discard_copy(&self, row: &Row) {
        if let Some(copy) = row.quarantine_message_id.clone() {
            self.discard_copies(BTreeSet::from([copy]), RECEIVES_MAX).await;
        }
    }

    /// Deletes the messages with these ids, as far as so many receives find them; how many were not found.
    pub(crate) async fn discard_copies(&self, mut copies: BTreeSet<String>, receives: usize) -> usize {
        let mut others = Vec::new();
        for _ in 0..receives {
            if copies.is_empty() {
                break;
            }
            let Ok(messages) = self.queues.reader().receive(Queue::Quarantine).await else { break };
            if messages.is_empty() {
                break;
            }
            for message in messages {
                if message.message_id().is_some_and(|id| copies.remove(id)) {
                    self.discard(Copied::InHand(&message)).await;
                } else {
                    others.push(receipt(message));
                }
            }
        }
        self.queues.reader().give_back(Queue::Quarantine, &others).await;
        copies.len()
    }

    /// Deletes a copy that is in hand. One that stays is released once more with the next order, which is harmless.
    async fn discard(&self, copied: Copied<'_>) {
        if let Copied::InHand(message) = copied
            && let Err(error) = self.queues.delete(Queue::Quarantine, message).await
        {
            tracing::warn!(%error, "a released payment's copy stays in quarantine");
        }
    }
}
