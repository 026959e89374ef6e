//! One record: from a message to what becomes of it.
//!
//! Invariant: a record is acknowledged only when its payment's row is settled, its copy is in quarantine, or it
//! was a drill.

use crate::Inner;
use crate::config::Drills;
use crate::limits::NOTE_TRIES;
use crate::provider::{Call, Calls};
use aws_lambda_events::event::sqs::SqsMessage;
use ledger::{Changed, LedgerError, Opening, Received};
use payments::backoff;
use payments::charge::{Delivery, Event, Outcome, Step};
use payments::ledger::{Change, OpenDelivery, Reason, Row, State};
use payments::limits::DRILL_BACKOFF_S;
use payments::payment::{Body, Drill, Malformed};
use payments::request::{Request, Wording};
use payments::{Cause, Payment, UnixMs};
use std::str::FromStr;
use std::sync::Arc;

/// What became of a record, and what is worth telling about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) payment_id: Option<String>,
    pub(crate) end: End,
    /// Where the payment stands at the end; for a message without a row, why it is in quarantine.
    pub(crate) state: Option<State>,
    pub(crate) attempts: Option<u32>,
    pub(crate) intent_id: Option<String>,
    pub(crate) calls: Calls,
}

/// How a record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The message may go: settled, quarantined, or a drill that succeeds.
    Acknowledged(Why),
    /// The message goes back, to be seen again after so many seconds.
    HandedBack { cause: Option<Cause>, visible_in_s: u32 },
}

/// Why a message may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The row was settled by this delivery.
    Settled,
    /// The row had been settled before.
    SettledBefore,
    /// A copy is in quarantine.
    Quarantined,
    /// A drill.
    Drill,
}

impl Default for End {
    fn default() -> Self {
        // What is true of a record nobody has looked at yet: it is not done.
        Self::HandedBack { cause: Some(Cause::OutOfTime), visible_in_s: 0 }
    }
}

impl Why {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::SettledBefore => "settled_before",
            Self::Quarantined => "quarantined",
            Self::Drill => "drill",
        }
    }
}

/// Who else is worked on in this container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// Other records: a payment with a death behind it steps aside.
    Others,
    /// Nobody.
    Nobody,
}

/// What became of the work on a record.
#[derive(Clone, Debug)]
pub(crate) enum Worked {
    /// It ended.
    Ended(Report),
    /// Deliveries of it died, so it must not have company. Its delivery was not opened; what `report` says is true
    /// unless it is worked on again.
    SteppedAside { deaths: usize, report: Report },
}

/// What SQS says about a delivery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) receives: u32,
    pub(crate) sent_at: Option<UnixMs>,
}

impl Envelope {
    pub(crate) fn of(message: &SqsMessage) -> Self {
        Self {
            receives: attribute(message, "ApproximateReceiveCount").unwrap_or(1),
            sent_at: attribute(message, "SentTimestamp").map(UnixMs),
        }
    }
}

/// Works on one record until it is settled, has to wait, or wants to be alone. Stops calling Stripe at `deadline`.
pub(crate) async fn process(
    inner: Arc<Inner>,
    message: Arc<SqsMessage>,
    company: Company,
    deadline: UnixMs,
) -> Worked {
    let work = Work { inner: &inner, message: &message, envelope: Envelope::of(&message), company, deadline };
    match parse(&message, inner.drills) {
        Ok(Body::Payment(payment)) => work.payment(payment).await,
        Ok(Body::Drill(drill)) => Worked::Ended(Report { end: drill_end(drill), ..Report::default() }),
        Err(malformed) => {
            let detail = malformed.to_string();
            let quarantined = work.quarantine_message(Reason::Malformed, Some(&detail), Report::default());
            Worked::Ended(quarantined.await)
        }
    }
}

fn parse(message: &SqsMessage, drills: Drills) -> Result<Body, Malformed> {
    match (Body::parse(message.body.as_deref().unwrap_or_default())?, drills) {
        (Body::Drill(_), Drills::Off) => Err(Malformed::DrillsOff),
        (body @ (Body::Drill(_) | Body::Payment(_)), Drills::On | Drills::Off) => Ok(body),
    }
}

fn drill_end(drill: Drill) -> End {
    match drill {
        Drill::Succeed => End::Acknowledged(Why::Drill),
        Drill::Fail => End::HandedBack { cause: None, visible_in_s: DRILL_BACKOFF_S },
    }
}

struct Work<'a> {
    inner: &'a Inner,
    message: &'a SqsMessage,
    envelope: Envelope,
    company: Company,
    deadline: UnixMs,
}

impl Work<'_> {
    async fn payment(&self, payment: Payment) -> Worked {
        let report = Report { payment_id: Some(payment.payment_id.to_string()), ..Report::default() };
        let wording = Arc::new((self.inner.protocol.wording)(&payment));
        let request = Request::new(payment, wording);
        let delivery = OpenDelivery {
            began_at: self.inner.clock.now(),
            message: self.message.message_id.clone().unwrap_or_default(),
        };
        Worked::Ended(match self.receive(&request, &delivery).await {
            Ok(Received::Row(row)) => self.deliver(row, delivery, &request.wording, report).await,
            Ok(Received::Occupied(row)) => return self.step_aside(&row, &delivery, report),
            Ok(Received::OtherRequest) => {
                self.quarantine_message(Reason::ConflictingRequest, None, report).await
            }
            Err(error) => {
                tracing::warn!(%error, payment_id = report.payment_id, "step 1 failed");
                self.close(&request, &delivery).await;
                Report { end: self.handed_back(Cause::LedgerUnavailable, None), ..report }
            }
        })
    }

    /// Step 1. In company it opens the delivery only if no other died; copies that are worked on at this moment are no
    /// reason to step aside.
    async fn receive(&self, request: &Request, delivery: &OpenDelivery) -> Result<Received, LedgerError> {
        let enqueued_at = self.envelope.sent_at.unwrap_or(delivery.began_at);
        let receive = |opening| self.inner.ledger.receive(request, delivery, enqueued_at, opening);
        match self.company {
            Company::Nobody => receive(Opening::Always).await,
            Company::Others => match receive(Opening::IfNoneIsOpen).await? {
                Received::Occupied(row) if row.deaths(delivery) == 0 => receive(Opening::Always).await,
                received @ (Received::Row(_) | Received::Occupied(_) | Received::OtherRequest) => {
                    Ok(received)
                }
            },
        }
    }

    fn step_aside(&self, row: &Row, delivery: &OpenDelivery, report: Report) -> Worked {
        let report = Report {
            end: self.handed_back(Cause::OutOfTime, None),
            state: Some(row.state.clone()),
            attempts: Some(row.attempts),
            ..report
        };
        Worked::SteppedAside { deaths: row.deaths(delivery), report }
    }

    /// Runs the protocol: does what it says, tells it what came of it.
    async fn deliver(
        &self,
        row: Row,
        open: OpenDelivery,
        wording: &Arc<Wording>,
        mut report: Report,
    ) -> Report {
        let settled_before = !row.state.is_unsettled();
        let (mut delivery, mut step) = (self.inner.protocol.begin)(row, &open, wording);
        let outcome = loop {
            let event = match step {
                Step::Done(outcome) => break outcome,
                Step::Create => self.call(Call::Create, &delivery, &mut report.calls).await,
                Step::Confirm(intent, method) => {
                    self.call(Call::Confirm(intent, method), &delivery, &mut report.calls).await
                }
                Step::Retrieve(intent) => {
                    self.call(Call::Retrieve(intent), &delivery, &mut report.calls).await
                }
                Step::Cancel(intent) => self.call(Call::Cancel(intent), &delivery, &mut report.calls).await,
                Step::Write(change) => self.write(delivery.row(), &change).await,
                Step::SendToQuarantine(reason) => self.copy(&reason).await,
            };
            step = (self.inner.protocol.next)(&mut delivery, event);
        };
        let row = delivery.row();
        report.end = match outcome {
            Outcome::Acknowledge if settled_before => End::Acknowledged(Why::SettledBefore),
            Outcome::Acknowledge => End::Acknowledged(Why::Settled),
            Outcome::HandBack { cause } => {
                self.note(row, Change::HandedBack(cause, open)).await;
                self.handed_back(cause, report.calls.retry_after_s)
            }
        };
        report.state = Some(row.state.clone());
        report.attempts = Some(row.attempts);
        report.intent_id = row.intent_id().map(ToString::to_string);
        report
    }

    async fn call(&self, call: Call, delivery: &Delivery, calls: &mut Calls) -> Event {
        Event::Answered(self.inner.provider.call(&call, delivery, self.deadline, calls).await)
    }

    async fn write(&self, read: &Row, change: &Change) -> Event {
        match self.inner.ledger.change(read, change, self.inner.clock.now()).await {
            Ok(Changed::Row(row)) => Event::Written(row),
            Ok(Changed::LostRace(row)) => Event::LostRace(row),
            Err(error) => {
                tracing::warn!(%error, payment_id = %read.payment().payment_id, "ledger change failed");
                Event::LedgerFailed
            }
        }
    }

    async fn copy(&self, reason: &Reason) -> Event {
        match self.inner.quarantine.send(self.message, reason.name(), reason.detail()).await {
            Ok(id) => Event::QuarantineSent(id),
            Err(error) => {
                tracing::error!(%error, "quarantine failed");
                Event::QuarantineFailed
            }
        }
    }

    /// Leaves the cause on the row, for people, and takes the delivery out of the open ones: left there, it would be
    /// taken for one that died, and so many of them make a payment poison.
    async fn note(&self, read: &Row, note: Change) {
        for _ in 0..NOTE_TRIES {
            match self.inner.ledger.change(read, &note, self.inner.clock.now()).await {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, payment_id = %read.payment().payment_id, "cause not noted");
                }
            }
        }
    }

    /// The same for a delivery whose step 1 was not answered. It may be open for all that.
    async fn close(&self, request: &Request, delivery: &OpenDelivery) {
        for _ in 0..NOTE_TRIES {
            match self.inner.ledger.close(request, delivery, Cause::LedgerUnavailable).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, payment_id = %request.payment.payment_id, "delivery not closed");
                }
            }
        }
    }

    /// Quarantines a message that has no row of its own.
    async fn quarantine_message(&self, reason: Reason, detail: Option<&str>, report: Report) -> Report {
        let end = match self.inner.quarantine.send(self.message, reason.name(), detail).await {
            Ok(_) => End::Acknowledged(Why::Quarantined),
            Err(error) => {
                tracing::error!(%error, "quarantine failed");
                self.handed_back(Cause::QuarantineUnavailable, None)
            }
        };
        Report { end, state: Some(State::Quarantined(reason)), ..report }
    }

    fn handed_back(&self, cause: Cause, retry_after_s: Option<u32>) -> End {
        let visible_in_s = backoff::visibility_s(self.envelope.receives, retry_after_s, self.inner.draw());
        End::HandedBack { cause: Some(cause), visible_in_s }
    }
}

fn attribute<T: FromStr>(message: &SqsMessage, name: &str) -> Option<T> {
    message.attributes.get(name)?.parse().ok()
}
