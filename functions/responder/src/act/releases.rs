//! Releasing many: by their names, or by the reason they are in quarantine for.
//!
//! Each is released as one alone would be, and no more a second than the consumer can charge: what was quarantined for a
//! day must not stand before today's payments as one heap. What is not reached in time is said, and is for the same order,
//! given again.
//! Invariant: by reason, a message is taken once, and only if it was there before the order: one that is back is left.

use super::Act;
use super::release::{Copied, Outcome};
use super::tally::{End, Tally};
use crate::error::TurnError;
use crate::limits::{RELEASE_MS_MAX, RELEASE_RECEIVES_MAX, SQS_BATCH};
use crate::look::{attribute, receipt, sent_at};
use crate::queues::Queue;
use aws_sdk_sqs::types::Message;
use futures_util::future::try_join_all;
use ledger::Extent;
use ledger::limits::UNSETTLED_ROWS_MAX;
use payments::incident::{Rehearsal, Release, Selection};
use payments::ledger::{Row, State};
use payments::limits::DELAYED_MS;
use payments::pace::Pace;
use payments::payment::Body;
use payments::quarantine::{DETAIL, REASON};
use payments::{Payment, PaymentId, UnixMs};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// An order under way.
struct Releasing<'a> {
    selection: &'a Selection,
    rehearsal: Rehearsal,
    began: UnixMs,
    pace: Pace,
    tally: Tally,
}

impl Act {
    /// Releases what is selected, or says what that would come to. Of many, what could be done is said also where the rest
    /// could not.
    ///
    /// # Errors
    /// [`TurnError`] when a single payment could not be released.
    pub(crate) async fn release_all(&self, release: &Release, began: UnixMs) -> Result<Value, TurnError> {
        let pace = Pace::shared(self.releases_per_s, 1);
        let Release { selection, rehearsal } = release;
        let mut releasing =
            Releasing { selection, rehearsal: *rehearsal, began, pace, tally: Tally::default() };
        let result = match (selection, rehearsal) {
            (Selection::Payment(id), Rehearsal::Meant) => {
                let outcome = self.release(id, began).await?;
                return Ok(json!({ "command": "release", "done": outcome.to_string() }));
            }
            (Selection::Payment(id), Rehearsal::DryRun) => {
                self.named(&mut releasing, std::slice::from_ref(id)).await
            }
            (Selection::Payments(ids), _) => self.named(&mut releasing, ids).await,
            (Selection::Reason { .. }, _) => self.by_reason(&mut releasing).await,
            (Selection::Stranded, _) => self.stranded(&mut releasing).await,
        };
        if let Err(error) = result {
            releasing.tally.end = End::Stopped(error.to_string());
        }
        Ok(releasing.answer())
    }

    /// Goes through a list, and then through the quarantine for the copies of what was released.
    async fn named(&self, releasing: &mut Releasing<'_>, ids: &[PaymentId]) -> Result<(), TurnError> {
        let mut copies = BTreeSet::new();
        let result = self.one_by_one(releasing, ids, &mut copies).await;
        releasing.tally.copies_left = self.discard_copies(copies, RELEASE_RECEIVES_MAX).await;
        result
    }

    /// Those in quarantine first: those that are under way may be so because this very order was given a minute ago.
    async fn one_by_one(
        &self,
        releasing: &mut Releasing<'_>,
        ids: &[PaymentId],
        copies: &mut BTreeSet<String>,
    ) -> Result<(), TurnError> {
        let mut under_way = Vec::new();
        for id in ids {
            if !self.is_in_time(releasing) {
                return Ok(());
            }
            match self.ledger.reader().row(id).await? {
                None => releasing.note(id, None, &Outcome::Unknown),
                Some(row) => match row.state {
                    State::Received | State::Intended => under_way.push(row),
                    State::Succeeded | State::Declined(_) => {
                        releasing.note(id, None, &Outcome::Settled(row.state.name()));
                    }
                    State::Quarantined(_) => self.next_row(releasing, &row, copies).await?,
                },
            }
        }
        for row in under_way {
            self.next_row(releasing, &row, copies).await?;
        }
        Ok(())
    }

    /// Those that have been unsettled for long, several at a time and without a pace: none of them calls Stripe sooner than
    /// the consumer lets it, and they have waited for long enough. Who has a message all the same gets a second one.
    async fn stranded(&self, releasing: &mut Releasing<'_>) -> Result<(), TurnError> {
        let until = releasing.began.plus_ms(-DELAYED_MS);
        let page = self.ledger.reader().unsettled(until, UNSETTLED_ROWS_MAX).await?;
        let rehearsal = releasing.rehearsal;
        for rows in page.rows.chunks(SQS_BATCH) {
            if !self.is_in_time(releasing) {
                return Ok(());
            }
            let again = rows.iter().map(|row| async {
                let Some(row) = self.ledger.reader().row(&row.payment_id).await? else { return Ok(None) };
                let outcome = self.try_row(rehearsal, &row, Copied::Somewhere).await?;
                Ok::<_, TurnError>(Some((row, outcome)))
            });
            for (row, outcome) in try_join_all(again).await?.into_iter().flatten() {
                releasing.note(&row.payment().payment_id, Some(row.payment()), &outcome);
            }
        }
        if page.extent == Extent::CutOff {
            releasing.tally.end = End::OutOfTime;
        }
        Ok(())
    }

    async fn next_row(
        &self,
        releasing: &mut Releasing<'_>,
        row: &Row,
        copies: &mut BTreeSet<String>,
    ) -> Result<(), TurnError> {
        if !self.may_go_on(releasing).await {
            return Ok(());
        }
        let outcome = self.try_row(releasing.rehearsal, row, Copied::LeftForLater).await?;
        if outcome.is_release() && releasing.rehearsal == Rehearsal::Meant {
            copies.extend(row.quarantine_message_id.clone());
        }
        releasing.note(&row.payment().payment_id, Some(row.payment()), &outcome);
        Ok(())
    }

    /// Goes through the quarantine. What is not released is shown again at the end, or would be received over and over.
    async fn by_reason(&self, releasing: &mut Releasing<'_>) -> Result<(), TurnError> {
        let mut others = Vec::new();
        let result = self.go_through(releasing, &mut others).await;
        self.queues.reader().give_back(Queue::Quarantine, &others).await;
        result
    }

    async fn go_through(
        &self,
        releasing: &mut Releasing<'_>,
        others: &mut Vec<Message>,
    ) -> Result<(), TurnError> {
        for _ in 0..RELEASE_RECEIVES_MAX {
            if !self.is_in_time(releasing) {
                return Ok(());
            }
            let messages = self.queues.reader().receive(Queue::Quarantine).await?;
            if messages.is_empty() {
                return Ok(());
            }
            let mut result = Ok(());
            for message in messages {
                let is_wanted = releasing.takes(&message) && result.is_ok();
                let gone = if is_wanted { self.one_in_hand(releasing, &message).await } else { Ok(Gone::No) };
                match gone {
                    Ok(Gone::Yes) => continue,
                    Ok(Gone::No) => {}
                    Err(error) => result = Err(error),
                }
                others.push(receipt(message));
            }
            result?;
        }
        releasing.tally.end = End::OutOfTime;
        Ok(())
    }

    async fn one_in_hand(&self, releasing: &mut Releasing<'_>, message: &Message) -> Result<Gone, TurnError> {
        let Ok(Body::Payment(payment)) = Body::parse(message.body().unwrap_or_default()) else {
            releasing.tally.add(None, None, &Outcome::NoPayment);
            return Ok(Gone::No);
        };
        let outcome = match self.ledger.reader().row(&payment.payment_id).await? {
            None => Outcome::Unknown,
            Some(row) if row.request.fingerprint != payment.fingerprint() => Outcome::OtherRequest,
            Some(row) => match row.state {
                State::Succeeded | State::Declined(_) => Outcome::Settled(row.state.name()),
                State::Received | State::Intended | State::Quarantined(_) => {
                    if !self.may_go_on(releasing).await {
                        return Ok(Gone::No);
                    }
                    self.try_row(releasing.rehearsal, &row, Copied::InHand(message)).await?
                }
            },
        };
        releasing.note(&payment.payment_id, Some(&payment), &outcome);
        let is_gone = releasing.rehearsal == Rehearsal::Meant && outcome.is_release();
        Ok(if is_gone { Gone::Yes } else { Gone::No })
    }

    async fn try_row(
        &self,
        rehearsal: Rehearsal,
        row: &Row,
        copied: Copied<'_>,
    ) -> Result<Outcome, TurnError> {
        match (rehearsal, &row.state) {
            (Rehearsal::Meant, _) => self.release_row(row, copied, self.clock.now()).await,
            (Rehearsal::DryRun, State::Succeeded | State::Declined(_)) => {
                Ok(Outcome::Settled(row.state.name()))
            }
            (Rehearsal::DryRun, State::Received | State::Intended) => {
                Ok(Outcome::SentAgain(row.state.name()))
            }
            // How its intent stands is asked when it is meant.
            (Rehearsal::DryRun, State::Quarantined(_)) => Ok(Outcome::Sent("not looked up")),
        }
    }

    /// Whether there is time for more.
    fn is_in_time(&self, releasing: &mut Releasing<'_>) -> bool {
        if self.clock.now() > releasing.until() && releasing.tally.end == End::All {
            releasing.tally.end = End::OutOfTime;
        }
        releasing.tally.end == End::All
    }

    /// Waits for the next turn, if one comes in time. A rehearsal needs none.
    async fn may_go_on(&self, releasing: &mut Releasing<'_>) -> bool {
        if !self.is_in_time(releasing) {
            return false;
        }
        let (now, until) = (self.clock.now(), releasing.until());
        let turn = match releasing.rehearsal {
            Rehearsal::Meant => releasing.pace.turn(now, until),
            Rehearsal::DryRun => Some(now),
        };
        let Some(turn) = turn else {
            releasing.tally.end = End::OutOfTime;
            return false;
        };
        if let Ok(wait_ms @ 1..) = u64::try_from(turn.since_ms(now)) {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
        true
    }
}

/// Whether a message left the quarantine.
enum Gone {
    Yes,
    No,
}

impl Releasing<'_> {
    fn takes(&self, message: &Message) -> bool {
        let was_there = sent_at(message).is_some_and(|at| at < self.began);
        was_there && self.selection.takes(attribute(message, REASON), attribute(message, DETAIL))
    }

    const fn until(&self) -> UnixMs {
        self.began.plus_ms(RELEASE_MS_MAX)
    }

    /// Where Stripe cannot say how one intent stands, it will not say it of the next.
    fn note(&mut self, id: &PaymentId, payment: Option<&Payment>, outcome: &Outcome) {
        self.tally.add(Some(id), payment, outcome);
        if matches!(outcome, Outcome::NoAnswer(_)) {
            self.tally.end = End::Stopped("Stripe does not answer".to_owned());
        }
    }

    fn answer(&self) -> Value {
        let tally = &self.tally;
        let left = tally.left.iter().map(|(id, why)| json!({ "payment_id": id, "why": why }));
        json!({
            "command": "release",
            "selection": self.selection.to_string(),
            "dry_run": self.rehearsal == Rehearsal::DryRun,
            "done": tally.in_words(self.rehearsal),
            "released": tally.released,
            "money": tally.money,
            "payment_ids": tally.payment_ids,
            "not_released": tally.not_released,
            "why_not": tally.why_not,
            "left": left.collect::<Vec<_>>(),
            "more": tally.end != End::All,
        })
    }
}
