//! Looking through dead letters: who goes first, who would not call Stripe, who came back too often.
//!
//! Invariant: whatever was received is sent on and then deleted, or shown again; nothing is kept.

use super::Act;
use crate::error::TurnError;
use crate::limits::RECEIVES_MAX;
use crate::look::sent_at;
use crate::queues::Queue;
use aws_sdk_sqs::types::Message;
use host::quarantine::Label;
use ledger::LedgerError;
use payments::incident::{BodyDigest, Escalation, Member, Observation, Policy, Recovery, Sorted, Stray};
use payments::ledger::Reason;
use payments::limits::{CANARY_MAX, ROWLESS_CULPRITS_MAX, UNREADABLE_HELD_MS};
use payments::payment::Body;
use payments::quarantine::NO_LEDGER_ROW;
use payments::{Cause, Row, UnixMs};
use std::collections::BTreeSet;
use std::mem;

/// Dead letters in hand.
#[derive(Debug, Default)]
pub(crate) struct Sorting {
    pub(crate) found: Sorted,
    canary: Vec<Message>,
    rest: Vec<Message>,
    /// Those that came back as often as is allowed, and how often that is.
    spent: Vec<(Message, Stray, u32)>,
}

/// What a dead letter is.
enum Kind {
    /// A payment that would call the provider.
    CallsProvider(Member, Age),
    /// One that settles with no delivery.
    Stuck(Box<Row>, Cause),
    /// One that would be acknowledged at once, or whose row cannot be read.
    Settled(Age),
    /// It is no payment, and what is wrong with it.
    Unreadable(Stray, String),
    /// Nothing in the ledger knows it.
    Rowless(Stray),
}

/// Whether a dead letter was moved back before.
#[derive(Clone, Copy)]
enum Age {
    /// It is the message with which its payment came first.
    Straggler,
    /// It was sent after its payment had been received; or nobody can say, and neither can the consumer.
    CameBack,
}

impl Act {
    /// Looks through dead letters: those that stay are shown again, but for a canary, which is kept in hand.
    pub(crate) async fn look_through(
        &self,
        record: &Recovery,
        seen: &Observation,
        policy: &Policy,
    ) -> Result<Sorting, TurnError> {
        let mut sorting = self.sorted(record, seen, policy).await?;
        // A move task takes only what is visible, so that alone is what a decision may count on.
        sorting.found.others = self.queues.reader().show(Queue::DeadLetters, &sorting.rest).await?;
        Ok(sorting)
    }

    /// Sends a canary on its way.
    pub(crate) async fn send(&self, sorting: &Sorting) -> Result<(), TurnError> {
        for message in &sorting.canary {
            self.queues.send_back(message).await?;
            self.queues.delete(Queue::DeadLetters, message).await?;
        }
        Ok(())
    }

    /// Shows a canary again that is not sent.
    pub(crate) async fn give_back(&self, sorting: &Sorting) {
        self.queues.reader().give_back(Queue::DeadLetters, &sorting.canary).await;
    }

    async fn sorted(
        &self,
        record: &Recovery,
        seen: &Observation,
        policy: &Policy,
    ) -> Result<Sorting, TurnError> {
        let mut sorting = Sorting::default();
        for _ in 0..RECEIVES_MAX {
            let messages = self.queues.reader().receive(Queue::DeadLetters).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                match self.kind(&message).await? {
                    Kind::CallsProvider(member, age) => sorting.add_payment(message, member, age),
                    Kind::Stuck(row, cause) => {
                        self.set_aside(&message, &row, cause).await?;
                        sorting.found.set_aside += 1;
                    }
                    Kind::Settled(age) => sorting.add_other(message, age),
                    Kind::Unreadable(stray, problem) if is_held_for_long(record, seen.now) => {
                        self.quarantine(&message, Reason::Malformed.name(), &problem).await?;
                        sorting.found.quarantined.push(stray.body);
                    }
                    Kind::Unreadable(stray, _) => {
                        sorting.found.unreadable += 1;
                        sorting.add_rowless(message, stray);
                    }
                    Kind::Rowless(stray) => {
                        let task = seen.task.as_ref().map(|task| task.started_at);
                        let returns = record.rowless.returns(&stray, task);
                        if returns < policy.redrive_cycles_max {
                            sorting.add_rowless(message, stray);
                        } else {
                            sorting.spent.push((message, stray, returns));
                        }
                    }
                }
            }
            // Once the canary is full, the rest is only looked at for those that must be known again.
            if sorting.canary.len() == CANARY_MAX && record.rowless.is_empty() {
                break;
            }
        }
        self.quarantine_the_spent(&mut sorting, record, seen.now).await?;
        Ok(sorting)
    }

    /// Quarantines those that came back too often, unless so many come back that it cannot be them. A drill always is.
    async fn quarantine_the_spent(
        &self,
        sorting: &mut Sorting,
        record: &Recovery,
        now: UnixMs,
    ) -> Result<(), TurnError> {
        let spent: BTreeSet<&BodyDigest> = sorting.spent.iter().map(|(_, stray, _)| &stray.body).collect();
        let suspects: BTreeSet<_> = record.rowless.came_back_lately(now).chain(spent).collect();
        let are_culprits = suspects.len() <= ROWLESS_CULPRITS_MAX;
        for (message, stray, returns) in mem::take(&mut sorting.spent) {
            if are_culprits || is_drill(&message) {
                let detail = format!("no ledger row; came back after {returns} redrives");
                self.quarantine(&message, NO_LEDGER_ROW, &detail).await?;
                sorting.found.quarantined.push(stray.body);
            } else {
                sorting.found.blameless += 1;
                sorting.add_rowless(message, stray);
            }
        }
        Ok(())
    }

    async fn kind(&self, message: &Message) -> Result<Kind, TurnError> {
        let body = message.body().unwrap_or_default();
        let payment = match Body::parse(body) {
            Ok(Body::Payment(payment)) => payment,
            Ok(Body::Drill(_)) => return Ok(Kind::Rowless(stray(message))),
            Err(malformed) => return Ok(Kind::Unreadable(stray(message), malformed.to_string())),
        };
        match self.ledger.reader().row(&payment.payment_id).await {
            Ok(None) => Ok(Kind::Rowless(stray(message))),
            // Another request under the same id is quarantined by the consumer, without asking Stripe.
            Ok(Some(row)) if row.state.is_unsettled() && row.request.fingerprint == payment.fingerprint() => {
                let age = age(message, row.received_at);
                if let Some(cause) = stuck(&row, age) {
                    return Ok(Kind::Stuck(Box::new(row), cause));
                }
                let member = Member { payment_id: payment.payment_id, attempts: row.attempts };
                Ok(Kind::CallsProvider(member, age))
            }
            Ok(Some(row)) => Ok(Kind::Settled(age(message, row.received_at))),
            Err(LedgerError::Unreadable(error)) => {
                tracing::error!(%error, payment_id = %payment.payment_id, "a row cannot be read");
                Ok(Kind::Settled(Age::CameBack))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Moves one dead letter to quarantine.
    async fn quarantine(&self, message: &Message, reason: &str, detail: &str) -> Result<(), TurnError> {
        let label = Label { reason, detail: Some(detail), original: message.message_id() };
        self.queues.quarantine_copy(message, label).await?;
        self.queues.delete(Queue::DeadLetters, message).await
    }
}

/// Whether a human was told of messages that cannot be read, so long ago that a deployment would have been taken back.
fn is_held_for_long(record: &Recovery, now: UnixMs) -> bool {
    let history = &record.history;
    let is_told = history.escalations.contains(&Escalation::Unreadable);
    is_told && now.since_ms(history.opened_at) >= UNREADABLE_HELD_MS
}

/// Why a payment is stuck, if it is: it was moved back already, and its last delivery met the same for all that.
fn stuck(row: &Row, age: Age) -> Option<Cause> {
    match age {
        Age::CameBack => row.last_error.filter(|cause| cause.sticks()),
        Age::Straggler => None,
    }
}

impl Sorting {
    fn add_payment(&mut self, message: Message, member: Member, age: Age) {
        let is_new = |known: &Member| known.payment_id != member.payment_id;
        if self.canary.len() < CANARY_MAX && self.found.members.iter().all(is_new) {
            self.found.members.push(member);
            self.canary.push(message);
            self.count(age);
        } else {
            self.add_other(message, age);
        }
    }

    fn add_rowless(&mut self, message: Message, stray: Stray) {
        self.found.rowless.push(stray);
        self.add_other(message, Age::Straggler);
    }

    fn add_other(&mut self, message: Message, age: Age) {
        self.rest.push(message);
        self.count(age);
    }

    const fn count(&mut self, age: Age) {
        match age {
            Age::Straggler => {}
            Age::CameBack => self.found.came_back += 1,
        }
    }
}

fn is_drill(message: &Message) -> bool {
    matches!(Body::parse(message.body().unwrap_or_default()), Ok(Body::Drill(_)))
}

/// A move gives a message a new time; SQS itself keeps it when it dead-letters one.
fn age(message: &Message, received_at: UnixMs) -> Age {
    let is_older = sent_at(message).is_some_and(|sent_at| sent_at < received_at);
    if is_older { Age::Straggler } else { Age::CameBack }
}

fn stray(message: &Message) -> Stray {
    Stray { body: BodyDigest::of(message.body().unwrap_or_default()), sent_at: sent_at(message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::types::MessageSystemAttributeName;

    #[test]
    fn only_a_message_sent_after_its_payment_was_first_received_came_back() {
        let message = |sent_at: Option<&str>| {
            let sent_at = sent_at.map(|text| (MessageSystemAttributeName::SentTimestamp, text.to_owned()));
            Message::builder().set_attributes(Some(sent_at.into_iter().collect())).build()
        };
        let came_back = |sent_at| matches!(age(&message(sent_at), UnixMs(1_000)), Age::CameBack);
        assert!(!came_back(Some("999")));
        assert!(came_back(Some("1001")) && came_back(None) && came_back(Some("soon")));
    }
}
