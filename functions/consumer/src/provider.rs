//! Calls to Stripe, as this container may make them: spared by the breaker, paced, with a fresh key if refused.
//!
//! Invariant: a call that was not made is answered `NotDone`, so the protocol never takes it for a failure whose
//! effect is unknown.

use crate::limits::{EVENTS_PART, EVENTS_WHOLE, PULSE_MS};
use host::Clock;
use payments::breaker::{Breaker, Health, Permit};
use payments::charge::Method;
use payments::ledger::{Blamed, RecordedIntent, Row};
use payments::pace::Pace;
use payments::provider::Answer;
use payments::pulse::Beat;
use payments::suspicion::{Leave, Operation, Refused, Suspect, Suspicions};
use payments::{Cause, UnixMs};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stripe::{ApiKey, Charger, Refusable, Reply, Secret, Tried};

/// Stripe, seen from one container.
#[derive(Debug)]
pub(crate) struct Provider {
    charger: Charger,
    secret: Secret,
    clock: Clock,
    memory: Mutex<Memory>,
    may: fn(&mut Suspicions, Operation, UnixMs) -> Leave,
}

/// What the container remembers of Stripe between payments.
#[derive(Debug)]
struct Memory {
    breaker: Breaker,
    paces: Paces,
    suspicions: Suspicions,
    beat_at: Option<UnixMs>,
    beat: Beat,
}

/// In whose name a call is made: each has a pace of its own, so that neither takes the other's turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A delivery of the payment itself.
    Payments,
    /// An event of Stripe's.
    Events,
}

/// The container's share of the calls that may be made a second.
#[derive(Clone, Debug)]
pub(crate) struct Paces {
    payments: Pace,
    events: Pace,
}

impl Paces {
    /// All for payments where no events are listened to; otherwise they get [`EVENTS_PART`] of [`EVENTS_WHOLE`].
    pub(crate) fn of(whole: Pace, listens: bool) -> Self {
        let part = |part| whole.clone().in_part(part, EVENTS_WHOLE);
        let payments = if listens { part(EVENTS_WHOLE - EVENTS_PART) } else { whole.clone() };
        Self { payments, events: part(EVENTS_PART) }
    }

    fn turn(&mut self, lane: Lane, now: UnixMs, deadline: UnixMs) -> Option<UnixMs> {
        match lane {
            Lane::Payments => self.payments.turn(now, deadline),
            Lane::Events => self.events.turn(now, deadline),
        }
    }
}

/// One call of the protocol.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// Under this idempotency key.
    Create(String),
    Confirm(RecordedIntent, Method),
    Retrieve(RecordedIntent),
    Cancel(RecordedIntent),
}

impl Call {
    const fn operation(&self) -> Operation {
        match self {
            Self::Create(_) => Operation::Create,
            Self::Confirm(..) => Operation::Confirm,
            Self::Retrieve(_) => Operation::Retrieve,
            Self::Cancel(_) => Operation::Cancel,
        }
    }
}

/// What of the calls made for one payment belongs in its log line and in the metrics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    pub(crate) made: u32,
    pub(crate) failed: u32,
    pub(crate) spared: u32,
    pub(crate) credentials_refused: u32,
    pub(crate) last_status: Option<u16>,
    /// The longest pause that any answer asked for, seconds.
    pub(crate) retry_after_s: Option<u32>,
    /// `Request-Id` of the last answer: what Stripe's support asks for.
    pub(crate) last_request: Option<String>,
    pub(crate) last_failure: Option<String>,
    /// What was met that would be held against the payment.
    pub(crate) refused: Option<Refused>,
}

impl Calls {
    fn add(&mut self, reply: &Reply) {
        self.made += 1;
        self.failed += u32::from(Health::of(&reply.answer) == Health::Unwell);
        self.last_status = reply.status;
        self.retry_after_s = self.retry_after_s.max(reply.retry_after_s);
        self.last_request.clone_from(&reply.request_id);
        self.last_failure.clone_from(&reply.failure);
    }
}

impl Provider {
    pub(crate) fn new(
        charger: Charger,
        secret: Secret,
        clock: Clock,
        paces: Paces,
        may: fn(&mut Suspicions, Operation, UnixMs) -> Leave,
    ) -> Self {
        let memory = Memory {
            breaker: Breaker::default(),
            paces,
            suspicions: Suspicions::default(),
            beat_at: None,
            beat: Beat::default(),
        };
        Self { charger, secret, clock, memory: Mutex::new(memory), may }
    }

    /// Opens the connection and fetches the key; whatever fails will be met again by the first payment.
    pub(crate) async fn warm_up(&self) {
        let (warm, _) = tokio::join!(self.charger.warm(), self.secret.key(self.clock.now()));
        if let Err(error) = warm {
            tracing::warn!(%error, "no connection to Stripe yet");
        }
    }

    /// Makes `call` for the payment of `row`, no later than `deadline`.
    pub(crate) async fn call(
        &self,
        call: &Call,
        row: &Row,
        (lane, deadline): (Lane, UnixMs),
        calls: &mut Calls,
    ) -> Answer {
        let not_done = |cause| Answer::NotDone { cause };
        let Some(key) = self.secret.key(self.clock.now()).await else {
            return not_done(Cause::SecretUnavailable);
        };
        let now = self.clock.now();
        if self.memory().breaker.permit(now) == Permit::Spared {
            calls.spared += 1;
            return not_done(Cause::BreakerOpen);
        }
        if let Leave::Spared(met) = self.leave(call, row, lane, now) {
            self.memory().breaker.report(Health::Unclear, now);
            calls.refused = Some(Refused::spared(row.refused.as_ref(), met.what, now));
            return not_done(met.cause);
        }
        if !self.wait_for_turn(lane, deadline).await {
            self.memory().breaker.report(Health::Unclear, now);
            return not_done(Cause::NoTurn);
        }
        let send = |key| self.send(call, row, key);
        let Tried { refused, answer: reply } = self.secret.with_key(key, || self.clock.now(), send).await;
        let is_refused = refused.is_some() || reply.is_refusal_of_credentials();
        calls.credentials_refused += u32::from(is_refused);
        refused.iter().chain([&reply]).for_each(|reply| calls.add(reply));
        self.remember(call, row, &reply.answer);
        reply.answer
    }

    /// What others are to know of an answer. One that speaks against its payment is remembered when it is judged.
    fn remember(&self, call: &Call, row: &Row, answer: &Answer) {
        let (who, now) = (row.payment().payment_id.as_str(), self.clock.now());
        match answer {
            Answer::Intent(_) | Answer::Declined(_) | Answer::UnexpectedState(_) => {
                self.memory().suspicions.accepted(call.operation(), who, now);
            }
            Answer::NotDone { cause: cause @ Cause::AccountRefused } => {
                self.memory().suspicions.met(call.operation(), who, *cause, now);
            }
            Answer::NotDone { .. }
            | Answer::Unknown { .. }
            | Answer::KeySpent
            | Answer::IntentMissing
            | Answer::Refused(_) => {}
        }
    }

    /// Whether the call may be made while we suspect ourselves. A human's word is to be carried out: it may.
    /// An event takes no probe from the payments, which are judged by what it meets.
    fn leave(&self, call: &Call, row: &Row, lane: Lane, now: UnixMs) -> Leave {
        match (row.blamed, lane) {
            (Blamed::Payment, _) => Leave::Granted,
            (Blamed::Nobody, Lane::Events) => {
                let standing = self.memory().suspicions.standing(call.operation());
                standing.map_or(Leave::Granted, Leave::Spared)
            }
            (Blamed::Nobody, Lane::Payments) => {
                (self.may)(&mut self.memory().suspicions, call.operation(), now)
            }
        }
    }

    async fn wait_for_turn(&self, lane: Lane, deadline: UnixMs) -> bool {
        let now = self.clock.now();
        let turn = self.memory().paces.turn(lane, now, deadline);
        let Some(turn) = turn else { return false };
        if let Ok(wait_ms @ 1..) = u64::try_from(turn.since_ms(now)) {
            tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
        }
        true
    }

    async fn send(&self, call: &Call, row: &Row, key: ApiKey) -> Reply {
        let reply = match call {
            Call::Create(once) => self.charger.create(&key, &row.request, once).await,
            Call::Confirm(intent, method) => self.charger.confirm(&key, intent, *method, &row.request).await,
            Call::Retrieve(intent) => self.charger.retrieve(&key, intent).await,
            Call::Cancel(intent) => self.charger.cancel(&key, intent).await,
        };
        self.memory().breaker.report(Health::of(&reply.answer), self.clock.now());
        reply
    }

    /// Says whom to suspect for what `who` met, as far as this container can see.
    pub(crate) fn judge(
        &self,
        operation: Operation,
        who: &str,
        refused: &Refused,
        company: usize,
    ) -> Suspect {
        let now = self.clock.now();
        self.memory().suspicions.judge(operation, who, refused, company, now)
    }

    /// Counts a payment that came through after so many deaths; and when it is time to tell the other containers, says what
    /// was counted since they were told.
    pub(crate) fn came_through(&self, deaths: usize, now: UnixMs) -> Option<Beat> {
        self.count(deaths);
        let mut memory = self.memory();
        if memory.beat_at.is_some_and(|at| now.since_ms(at) < PULSE_MS) {
            return None;
        }
        memory.beat_at = Some(now);
        Some(std::mem::take(&mut memory.beat))
    }

    /// Counts a payment that goes on after so many deaths, of which its row no longer tells.
    pub(crate) fn count(&self, deaths: usize) {
        let mut memory = self.memory();
        memory.beat = memory.beat.plus(Beat::of(deaths));
    }

    /// Takes note that a payment was read.
    pub(crate) fn has_read(&self) {
        self.memory().suspicions.has_read();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing panics while it holds the lock; if something did, the memory would still be sound.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_events_are_listened_to_they_have_one_turn_in_five_and_payments_the_others() {
        let in_a_second = |listens, lane| {
            let mut paces = Paces::of(Pace::shared(20, 2), listens);
            (0..100).filter(|_| paces.turn(lane, UnixMs(0), UnixMs(999)).is_some()).count()
        };
        assert_eq!((in_a_second(true, Lane::Payments), in_a_second(true, Lane::Events)), (8, 2));
        assert_eq!(in_a_second(false, Lane::Payments), 10);
    }

    #[test]
    fn of_several_calls_the_last_is_told_with_the_longest_pause_and_the_number_that_failed() {
        let reply = |answer, status, retry_after_s, name: &str| Reply {
            answer,
            status: Some(status),
            retry_after_s,
            request_id: Some(format!("req_{name}")),
            failure: Some(format!("failure {name}")),
        };
        let failed = Answer::NotDone { cause: Cause::ProviderUnreachable };
        let refused = Answer::NotDone { cause: Cause::CredentialsRefused };
        let mut calls = Calls { spared: 7, credentials_refused: 9, ..Calls::default() };
        calls.add(&reply(failed.clone(), 501, Some(30), "a"));
        calls.add(&reply(failed, 502, Some(60), "b"));
        calls.add(&reply(refused, 401, None, "c"));
        assert_eq!((calls.made, calls.failed, calls.spared, calls.credentials_refused), (3, 2, 7, 9));
        assert_eq!((calls.last_status, calls.retry_after_s), (Some(401), Some(60)));
        assert_eq!(calls.last_request.as_deref(), Some("req_c"));
        assert_eq!(calls.last_failure.as_deref(), Some("failure c"));
    }
}
