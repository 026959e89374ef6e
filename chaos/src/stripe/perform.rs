//! Executing what was admitted: now, later or never; answered as it is, with a 500, or not at all.
//!
//! Stripe's engineers reconcile what a 500 left open: forward if it reached the card network, else back. The stored 500
//! stays what it is either way. Source: <https://docs.stripe.com/error-low-level>.
//! Invariant: an admitted request is executed at most once, and its key only ever replays its first answer.

use super::account::Account;
use super::answer::{Answer, RetryHint};
use super::book::Movement;
use super::calls::Call;
use super::errors::ApiError;
use super::idempotency::Stored;
use super::later::{Due, Late, Unanswered};
use super::limits::POINTLESS_SHARE_PERCENT;
use super::{FakeStripe, Reply, Ticket, reply};
use crate::faults::Refusal;
use crate::journal::Operation;
use payments::UnixMs;

/// What becomes of a request that was answered with a 500, or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never happened.
    RolledBack,
    /// It happens after all, and nobody is told.
    RolledForward {
        /// When.
        at: UnixMs,
    },
}

impl FakeStripe {
    /// Executes an admitted request and stores its answer under its key.
    pub fn perform(&mut self, ticket: Ticket, now: UnixMs) -> Reply {
        self.catch_up(now);
        let Ticket { call, key, envelope } = ticket;
        let (answer, movement) = self.booked(|account| account.execute(call, now));
        self.store(key.as_deref(), &envelope.request_id, &answer);
        Reply { movement, ..reply(envelope, answer) }
    }

    /// Answers an admitted request with a 500 and stores that under its key.
    pub fn perform_and_fail(&mut self, ticket: Ticket, fate: Fate, now: UnixMs) -> Reply {
        self.catch_up(now);
        let Ticket { call, key, envelope } = ticket;
        self.leave_to(fate, call);
        let pointless = self.hints.below(100) < POINTLESS_SHARE_PERCENT;
        let answer = Answer::failed(if pointless { RetryHint::Pointless } else { RetryHint::None });
        self.store(key.as_deref(), &envelope.request_id, &answer);
        reply(envelope, answer)
    }

    /// Refuses an admitted request for what the account is, and stores that under its key.
    pub fn perform_and_refuse(&mut self, ticket: Ticket, refusal: Refusal, fate: Fate, now: UnixMs) -> Reply {
        self.catch_up(now);
        let Ticket { call, key, envelope } = ticket;
        self.leave_to(fate, call);
        let answer = Answer::from(ApiError::account_refused(refusal));
        self.store(key.as_deref(), &envelope.request_id, &answer);
        reply(envelope, answer)
    }

    /// Executes an admitted request at `at`, whether or not anyone still waits for the answer. Until then its key is in
    /// use.
    pub fn perform_later(&mut self, ticket: Ticket, at: UnixMs) {
        let Ticket { call, key, envelope } = ticket;
        let under = key.map(|key| Unanswered { key, request_id: envelope.request_id });
        self.account.later.promise(at, Due::Call { call: Box::new(call), under });
    }

    /// Drops an admitted request that was never executed; its key is free again.
    pub fn abandon(&mut self, ticket: Ticket) {
        if let Some(key) = ticket.key {
            self.keys.release(&key);
        }
    }

    /// Does what was promised for any instant up to `now`, each thing at its own. Whatever reads or changes the account
    /// does this first.
    pub fn catch_up(&mut self, now: UnixMs) {
        while let Some((at, due)) = self.account.later.take(now) {
            let late = self.keep(due, at);
            self.late.push(late);
        }
    }

    /// Does everything that was promised: what a run that is over would still have brought.
    pub fn finish(&mut self) {
        self.catch_up(UnixMs(i64::MAX));
    }

    /// Draws when something is done that may take up to `latest_ms`.
    pub fn some_time_after(&mut self, now: UnixMs, latest_ms: u64) -> UnixMs {
        self.account.later.some_time_after(now, latest_ms)
    }

    /// When the next promised effect is due.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixMs> {
        self.account.later.next()
    }

    /// What was done of Stripe's own accord since this was last asked, oldest first.
    pub fn take_late(&mut self) -> Vec<Late> {
        std::mem::take(&mut self.late)
    }

    fn leave_to(&mut self, fate: Fate, call: Call) {
        match fate {
            Fate::RolledBack => {}
            Fate::RolledForward { at } => {
                self.account.later.promise(at, Due::Call { call: Box::new(call), under: None });
            }
        }
    }

    fn keep(&mut self, due: Due, at: UnixMs) -> Late {
        let (operation, (answer, movement)) = match due {
            Due::Verdict { intent, bank } => {
                (Operation::Bank, self.booked(|account| account.settle(&intent, bank, at)))
            }
            Due::Call { call, under } => {
                let operation = call.operation();
                let booked = self.booked(|account| account.execute(*call, at));
                if let Some(Unanswered { key, request_id }) = under {
                    self.store(Some(&key), &request_id, &booked.0);
                }
                (operation, booked)
            }
        };
        Late { at, operation, facts: answer.facts, movement }
    }

    fn store(&mut self, key: Option<&str>, request_id: &str, answer: &Answer) {
        if let Some(key) = key {
            self.keys.store(key, Stored { answer: answer.clone(), request_id: request_id.to_owned() });
        }
    }

    /// Lets something happen to the account, and tells what it moved. One call confirms one intent at most.
    fn booked(&mut self, act: impl FnOnce(&mut Account) -> Answer) -> (Answer, Option<Movement>) {
        let known = self.account.book.movements().len();
        let answer = act(&mut self.account);
        (answer, self.account.book.movements().get(known).cloned())
    }
}
