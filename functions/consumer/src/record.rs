//! One record: from a message to what becomes of it.
//!
//! Invariant: a record is acknowledged only when its payment's row is settled, its copy is in quarantine, or it
//! was a drill.

use crate::Inner;
use crate::config::Drills;
use crate::event;
use crate::limits::NOTE_TRIES;
use crate::provider::{Call, Calls, Lane};
use aws_lambda_events::event::sqs::SqsMessage;
use ledger::{Changed, LedgerError, Opening, Received};
use payments::backoff;
use payments::charge::{Delivery, Event, Outcome, Step};
use payments::ledger::{Blamed, Change, HandedBack, OpenDelivery, Reason, Row, State};
use payments::limits::{
    COMPANY_ROWS_MAX, DRILL_BACKOFF_S, POISON_DEATHS, SUSPECT_PAUSE_S, UNREADABLE_PAUSE_S,
};
use payments::payment::{Body, Drill, Malformed};
use payments::pulse::may_be_ours;
use payments::request::{Request, Wording};
use payments::suspicion::{Operation, Refused, Suspect, company};
use payments::{Cause, Payment, UnixMs};
use std::collections::BTreeSet;
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
    /// An event of Stripe's goes back, to be looked into again after so many seconds.
    LookAgain { cause: Cause, visible_in_s: u32 },
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
    /// An event of Stripe's led to a look-up, and that settled the row.
    Witnessed,
    /// An event of Stripe's, after which there was nothing to settle, or nothing that its message does not do.
    Overheard,
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
            Self::Witnessed => "witnessed",
            Self::Overheard => "overheard",
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
    /// Its first receive.
    pub(crate) received_at: Option<UnixMs>,
}

impl Envelope {
    pub(crate) fn of(message: &SqsMessage) -> Self {
        Self {
            receives: attribute(message, "ApproximateReceiveCount").unwrap_or(1),
            sent_at: attribute(message, "SentTimestamp").map(UnixMs),
            received_at: attribute(message, "ApproximateFirstReceiveTimestamp").map(UnixMs),
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
        Ok(Body::Payment(payment)) => {
            inner.provider.has_read();
            work.payment(payment).await
        }
        Ok(Body::Drill(drill)) => Worked::Ended(Report { end: drill_end(drill), ..Report::default() }),
        // Its mapping may outlive the last version that listens, by a minute.
        Err(_) if (inner.protocol.named)(message.body.as_deref().unwrap_or_default()).is_some() => {
            Worked::Ended(event::overheard())
        }
        Err(malformed) => Worked::Ended(work.unreadable(&malformed).await),
    }
}

/// Leaves on the row that the work on `message` panicked, so that others who panic know of company. What it did is open
/// there anyway, and counts as a death.
pub(crate) async fn note_panic(inner: &Inner, message: &SqsMessage) {
    let Ok(Body::Payment(payment)) = parse(message, inner.drills) else { return };
    if let Err(error) = inner.ledger.note(&payment, Cause::Panicked).await {
        tracing::warn!(%error, payment_id = %payment.payment_id, "panic not noted");
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
            Ok(Received::Row(row)) => match self.excused(row, &delivery).await {
                Ok(row) => self.deliver(row, delivery, &request.wording, report).await,
                Err(error) => {
                    tracing::warn!(%error, payment_id = report.payment_id, "nobody is blamed: who else died is not known");
                    self.close(&request, &delivery).await;
                    Report { end: self.handed_back(Cause::LedgerUnavailable, None), ..report }
                }
            },
            Ok(Received::Occupied(row)) => return self.step_aside(&row, &delivery, report),
            Ok(Received::OtherRequest) => {
                self.quarantine_message(Reason::ConflictingRequest, None, report).await
            }
            Err(error) => {
                tracing::warn!(%error, payment_id = report.payment_id, "step 1 failed");
                self.close(&request, &delivery).await;
                let visible_in_s = backoff::unrecorded_s(self.envelope.receives, self.inner.draw());
                let end = End::HandedBack { cause: Some(Cause::LedgerUnavailable), visible_in_s };
                Report { end, ..report }
            }
        })
    }

    /// A message that cannot be read goes into quarantine when others can be: unless it is we who cannot read.
    async fn unreadable(&self, malformed: &Malformed) -> Report {
        let detail = malformed.to_string();
        let refused = Refused {
            what: format!("{}: {}", Operation::Read.name(), malformed.kind()),
            since: self.envelope.received_at.unwrap_or(self.inner.clock.now()),
            times: self.envelope.receives,
        };
        let who = self.message.message_id.as_deref().unwrap_or_default();
        let suspect = self.inner.provider.judge(Operation::Read, who, &refused, 0);
        if suspect == Suspect::Payment {
            return self.quarantine_message(Reason::Malformed, Some(&detail), Report::default()).await;
        }
        let visible_in_s = backoff::spread_s(UNREADABLE_PAUSE_S, None, self.inner.draw());
        let calls = Calls { refused: Some(refused), ..Calls::default() };
        let end = End::HandedBack { cause: Some(suspect.cause()), visible_in_s };
        Report { end, calls, ..Report::default() }
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

    /// The row of one that would be poison, without deliveries that died when nobody came through, if others die as well,
    /// or come through again by now: then it was our deployment, not the payment.
    async fn excused(&self, row: Row, delivery: &OpenDelivery) -> Result<Row, LedgerError> {
        let dead: BTreeSet<OpenDelivery> = row.dead(delivery).cloned().collect();
        let is_judged = dead.len() >= POISON_DEATHS && row.state.is_unsettled();
        if !is_judged || row.blamed == Blamed::Payment || !self.may_be_ours(&row, &dead).await? {
            return Ok(row);
        }
        let payment_id = row.payment().payment_id.as_str();
        tracing::error!(payment_id, deaths = dead.len(), "not held against it: it may have died of us");
        self.inner.provider.count(dead.len());
        match self.inner.ledger.change(&row, &Change::Excuse(dead), self.inner.clock.now()).await? {
            Changed::Row(excused) => Ok(excused),
            Changed::LostRace(found) => Ok(found.unwrap_or(row)),
        }
    }

    /// Whether its deaths may be our doing: who keeps dying while others come through kills.
    async fn may_be_ours(&self, row: &Row, dead: &BTreeSet<OpenDelivery>) -> Result<bool, LedgerError> {
        let pulse = self.inner.ledger.reader().pulse().await?;
        let now = self.inner.clock.now();
        let others = self.inner.ledger.reader().newest_unsettled(now, COMPANY_ROWS_MAX).await?.rows;
        Ok(may_be_ours(row, dead, pulse.as_ref(), &others, now))
    }

    /// Lets every container know that payments came through, once a minute; this one after so many deaths.
    async fn beat(&self, deaths: usize) {
        let now = self.inner.clock.now();
        if let Some(beat) = self.inner.provider.came_through(deaths, now)
            && let Err(error) = self.inner.ledger.beat(beat, self.waited_ms(), now).await
        {
            tracing::warn!(%error, "nobody else is told that a payment came through");
        }
    }

    /// How long the message waited before anybody took it; one that was taken before says nothing of that.
    fn waited_ms(&self) -> i64 {
        let taken_at = self.envelope.received_at.filter(|_| self.envelope.receives == 1);
        taken_at.zip(self.envelope.sent_at).map_or(0, |(taken_at, sent_at)| taken_at.since_ms(sent_at).max(0))
    }

    /// Whom to suspect for what the payment met. Before it is blamed, the ledger is asked what others met, and where it
    /// cannot be asked nobody is.
    async fn judge(&self, operation: Operation, what: String, row: &Row, calls: &mut Calls) -> Suspect {
        let now = self.inner.clock.now();
        let refused = calls.refused.insert(Refused::again(row.refused.as_ref(), what, now));
        let who = row.payment().payment_id.as_str();
        let judge = |company| self.inner.provider.judge(operation, who, refused, company);
        match (row.blamed, judge(0)) {
            (Blamed::Payment, _) => Suspect::Payment,
            (Blamed::Nobody, Suspect::Payment) => {
                match self.inner.ledger.reader().newest_unsettled(now, COMPANY_ROWS_MAX).await {
                    Ok(page) => judge(company(row, &refused.what, &page.rows)),
                    Err(error) => {
                        tracing::warn!(%error, payment_id = who, "nobody is blamed: no company is known");
                        Suspect::Nobody
                    }
                }
            }
            (Blamed::Nobody, suspect @ (Suspect::Us | Suspect::Nobody)) => suspect,
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
        let (settled_before, deaths) = (!row.state.is_unsettled(), row.deaths(&open));
        let (mut delivery, mut step) = (self.inner.protocol.begin)(row, &open, wording);
        let outcome = loop {
            let event = match step {
                Step::Done(outcome) => break outcome,
                Step::Create => {
                    self.call(Call::Create(delivery.create_key()), &delivery, &mut report.calls).await
                }
                Step::Confirm(intent, method) => {
                    self.call(Call::Confirm(intent, method), &delivery, &mut report.calls).await
                }
                Step::Retrieve(intent) => {
                    self.call(Call::Retrieve(intent), &delivery, &mut report.calls).await
                }
                Step::Cancel(intent) => self.call(Call::Cancel(intent), &delivery, &mut report.calls).await,
                Step::Write(change) => self.write(delivery.row(), &change).await,
                Step::Judge(operation, what) => {
                    Event::Judged(self.judge(operation, what, delivery.row(), &mut report.calls).await)
                }
                Step::SendToQuarantine(reason) => self.copy(&reason).await,
            };
            step = (self.inner.protocol.next)(&mut delivery, event);
        };
        let row = delivery.row();
        if !settled_before && matches!(row.state, State::Succeeded | State::Declined(_)) {
            self.beat(deaths).await;
        }
        report.end = match outcome {
            Outcome::Acknowledge if settled_before => End::Acknowledged(Why::SettledBefore),
            Outcome::Acknowledge => End::Acknowledged(Why::Settled),
            Outcome::HandBack { cause } => {
                let refused = report.calls.refused.clone();
                let note = HandedBack {
                    cause,
                    delivery: open,
                    refused,
                    concluded: delivery.concluded(),
                    declined_charges: delivery.declined_charges().clone(),
                };
                self.note(row, Change::HandedBack(note)).await;
                self.handed_back(cause, report.calls.retry_after_s)
            }
        };
        report.state = Some(row.state.clone());
        report.attempts = Some(row.attempts);
        report.intent_id = row.intent_id().map(ToString::to_string);
        report
    }

    async fn call(&self, call: Call, delivery: &Delivery, calls: &mut Calls) -> Event {
        let lane = (Lane::Payments, self.deadline);
        Event::Answered(self.inner.provider.call(&call, delivery.row(), lane, calls).await)
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
        let draw = self.inner.draw();
        let is_suspicion = matches!(cause, Cause::Refused | Cause::RefusedInARow | Cause::AccountRefused);
        let visible_in_s = if is_suspicion {
            backoff::spread_s(SUSPECT_PAUSE_S, retry_after_s, draw)
        } else {
            backoff::visibility_s(self.envelope.receives, retry_after_s, draw)
        };
        End::HandedBack { cause: Some(cause), visible_in_s }
    }
}

fn attribute<T: FromStr>(message: &SqsMessage, name: &str) -> Option<T> {
    message.attributes.get(name)?.parse().ok()
}

#[cfg(test)]
mod tests;
