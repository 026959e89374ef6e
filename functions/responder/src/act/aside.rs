//! Payments that settle with no delivery: set aside, taken up again once Stripe knows their intents, settled by order.
//!
//! The intent of such a payment is not ours to read, or says what nobody understands: another account's key, an intent that
//! somebody edited, a status of the future. Trying again moves nothing, and as a dead letter it would keep an incident open
//! for ever. So its message goes to quarantine, where a human is told of it by name, and its row leaves the index that
//! incidents are seen by.
//!
//! Invariant: nothing here says that money did not move, unless Stripe says so, or a human where Stripe cannot.

use super::Act;
use super::release::Copied;
use crate::error::TurnError;
use crate::limits::TAKEN_UP_MAX;
use crate::queues::Queue;
use aws_sdk_sqs::types::Message;
use host::quarantine::Label;
use ledger::Changed;
use payments::incident::{Accused, Found, Observation, Probes, Unsettled};
use payments::ledger::{Change, Reason, Row, State};
use payments::provider::{Answer, Decline, Intent, IntentStatus};
use payments::quarantine::STUCK;
use payments::{Cause, PaymentId, UnixMs};

/// What a reconciliation came to, or why it was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reconciled {
    #[error("it is settled as {0}, by what Stripe says of its intent")]
    AsStripeSays(&'static str),
    #[error("it is settled as {0}, by your word: Stripe does not know its intent")]
    AsYouSay(&'static str),
    #[error("nothing was done: the ledger has no payment of this id")]
    Unknown,
    #[error("nothing was done: it is settled as {0} already")]
    Settled(&'static str),
    #[error("nothing was done: it has no intent that could have charged; to have it tried again, release it")]
    NoIntent,
    #[error(
        "nothing was done: its intent is {0} at Stripe, so it may still be charged; release it, or cancel the intent in \
         Stripe's dashboard and give this order again"
    )]
    StillOpen(String),
    #[error(
        "nothing was done: its intent charged another amount, currency or payment; look at it in Stripe's dashboard"
    )]
    Mismatch,
    #[error(
        "nothing was done: our key does not know its intent. Look for it in the account that it was made in, and say what \
         you found: \"found\":\"charged\" or \"found\":\"not_charged\""
    )]
    IntentMissing,
    #[error("nothing was done: Stripe could not say how its intent stands ({0}); try again")]
    NoAnswer(Cause),
    #[error("nothing was done: its row changed at this moment; look again")]
    LostRace,
}

impl Act {
    /// Moves a dead letter to quarantine and its payment out of the way.
    pub(crate) async fn set_aside(
        &self,
        message: &Message,
        row: &Row,
        cause: Cause,
    ) -> Result<(), TurnError> {
        let label = Label { reason: STUCK, detail: Some(cause.as_str()), original: message.message_id() };
        let copy = self.queues.quarantine_copy(message, label).await?;
        self.ledger.change(row, &Change::SetAside(cause, copy), self.clock.now()).await?;
        self.queues.delete(Queue::DeadLetters, message).await
    }

    /// Sends those on their way again whose intents Stripe can be asked about now. Begins elsewhere every minute, so that
    /// one that stays does not hide the others.
    pub(crate) async fn take_up(&self, seen: &Observation) -> Result<(), TurnError> {
        if seen.quarantine.total() == 0 || matches!(seen.probes, Some(Probes::Unwell(_))) {
            return Ok(());
        }
        let aside = self.ledger.reader().set_aside(seen.now, TAKEN_UP_MAX * TAKEN_UP_MAX).await?.rows;
        let minute = usize::try_from(seen.now.0 / 60_000).unwrap_or(0);
        let start = minute.checked_rem(aside.len()).unwrap_or(0);
        for unsettled in aside.iter().cycle().skip(start).take(aside.len().min(TAKEN_UP_MAX)) {
            if !self.take_up_one(unsettled, seen.now).await? {
                break;
            }
        }
        Ok(())
    }

    async fn take_up_one(&self, unsettled: &Unsettled, now: UnixMs) -> Result<bool, TurnError> {
        let Some(row) = self.ledger.reader().row(&unsettled.payment_id).await? else { return Ok(false) };
        let Some(intent) = row.recorded_intent().filter(|_| row.set_aside.is_some()) else {
            return Ok(false);
        };
        let goes_on = match self.provider.retrieve(&intent).await {
            Answer::Intent(intent) | Answer::UnexpectedState(intent) => goes_on(&intent, &row),
            Answer::Declined(_)
            | Answer::Unknown { .. }
            | Answer::NotDone { .. }
            | Answer::KeySpent
            | Answer::IntentMissing
            | Answer::Refused(_) => false,
        };
        if goes_on {
            tracing::info!(payment_id = %row.payment().payment_id, "taken up again: Stripe can be asked about it");
            self.release_row(&row, Copied::Somewhere, now).await?;
        }
        Ok(goes_on)
    }

    /// Settles a payment by what Stripe says of its intent, or by what a human `found` where Stripe does not know it.
    pub(crate) async fn reconcile(
        &self,
        id: &PaymentId,
        found: Option<Found>,
        now: UnixMs,
    ) -> Result<Reconciled, TurnError> {
        let Some(row) = self.ledger.reader().row(id).await? else { return Ok(Reconciled::Unknown) };
        if matches!(row.state, State::Succeeded | State::Declined(_)) {
            return Ok(Reconciled::Settled(row.state.name()));
        }
        match self.concluded(&row, found).await {
            // What is quarantined can but turn out to have been charged.
            Ok((change, _)) if matches!(row.state, State::Quarantined(_)) && change != Change::Succeed => {
                Ok(Reconciled::Settled(row.state.name()))
            }
            Ok((change, done)) => match self.ledger.change(&row, &change, now).await? {
                Changed::Row(after) => {
                    // One that is quarantined by it has its copy there already.
                    if after.quarantine_message_id.is_none() || !matches!(after.state, State::Quarantined(_))
                    {
                        self.discard_copy(&row).await;
                    }
                    Ok(done)
                }
                Changed::LostRace(_) => Ok(Reconciled::LostRace),
            },
            Err(refused) => Ok(refused),
        }
    }

    async fn concluded(&self, row: &Row, found: Option<Found>) -> Result<(Change, Reconciled), Reconciled> {
        let intent = row.recorded_intent().ok_or(Reconciled::NoIntent)?;
        match (self.provider.retrieve(&intent).await, found) {
            (Answer::Intent(intent) | Answer::UnexpectedState(intent), _) => by_intent(&intent, row),
            (Answer::IntentMissing, None) => Err(Reconciled::IntentMissing),
            (Answer::IntentMissing, Some(Found::Charged)) => {
                Ok((Change::Succeed, Reconciled::AsYouSay("succeeded")))
            }
            (Answer::IntentMissing, Some(Found::NotCharged)) => {
                Ok((Change::Decline(Decline::not_charged()), Reconciled::AsYouSay("declined")))
            }
            (Answer::Unknown { cause, .. } | Answer::NotDone { cause }, _) => {
                Err(Reconciled::NoAnswer(cause))
            }
            (Answer::Declined(_) | Answer::KeySpent | Answer::Refused(_), _) => {
                Err(Reconciled::NoAnswer(Cause::ProviderUnreadable))
            }
        }
    }

    /// Marks payments that wait: refused once more, each goes into quarantine. How many.
    pub(crate) async fn blame(&self, accused: &Accused, now: UnixMs) -> Result<usize, TurnError> {
        let page = self.ledger.reader().unsettled(now, ledger::limits::UNSETTLED_ROWS_MAX).await?;
        let is_meant = |row: &&Unsettled| match accused {
            Accused::Payment(payment_id) => row.payment_id == *payment_id,
            Accused::Refused(what) => row.met() == Some(what),
        };
        let mut blamed = 0;
        for row in page.rows.iter().filter(is_meant) {
            self.ledger.blame(&row.payment_id).await?;
            blamed += 1;
        }
        Ok(blamed)
    }
}

/// Whether a delivery would come further than the last one.
fn goes_on(intent: &Intent, row: &Row) -> bool {
    let is_understood = !matches!(intent.status, IntentStatus::Other(_));
    is_understood && intent.is_for(row.payment())
}

fn by_intent(intent: &Intent, row: &Row) -> Result<(Change, Reconciled), Reconciled> {
    match (&intent.status, intent.last_decline.as_ref().map(|last| last.decline.clone())) {
        (IntentStatus::Succeeded, _) if intent.is_for(row.payment()) => {
            Ok((Change::Succeed, Reconciled::AsStripeSays("succeeded")))
        }
        (IntentStatus::Succeeded, _) => Err(Reconciled::Mismatch),
        (IntentStatus::Canceled, Some(decline)) => {
            Ok((Change::Decline(decline), Reconciled::AsStripeSays("declined")))
        }
        (IntentStatus::Canceled, None) => {
            let change = Change::Quarantine(Reason::CanceledElsewhere);
            Ok((change, Reconciled::AsStripeSays("quarantined (canceled_elsewhere)")))
        }
        (
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::RequiresCapture
            | IntentStatus::Processing
            | IntentStatus::Other(_),
            _,
        ) => Err(Reconciled::StillOpen(intent.status.name().to_owned())),
    }
}
