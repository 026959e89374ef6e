//! The figures of a run.
//!
//! A payment is counted once, however many messages asked for it; a message that is no payment is counted for itself.
//! Invariant: everything that was sent is in exactly one of the outcomes.

use super::{Edge, UnknownMethods};
use crate::checks::{Backlog, End, Evidence, Meaning, PaymentFile};
use crate::faults::Kind;
use crate::journal::{Event, FunctionEvent, MoveTaskEvent, QueueEvent, StripeEvent};
use crate::units::{count, counted, duration_ms, percent, ratio};
use crate::world::Origin;
use payments::UnixMs;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Messages the source queue accepted.
    pub messages: u64,
    /// Messages it would not take.
    pub refused_by_queue: u64,
    /// Different payments among them.
    pub payments: u64,
    /// Payments that were charged.
    pub succeeded: u64,
    /// Payments whose card was declined.
    pub declined: u64,
    /// Payments, and messages that are none, that wait for a human.
    pub quarantined: u64,
    /// Payments and drills in the dead-letter queue.
    pub dead_lettered: u64,
    /// Payments still in the source queue.
    pub queued: u64,
    /// Drills that were acknowledged.
    pub drilled: u64,
    /// What is nowhere. More than none fails the run.
    pub lost: u64,
    /// Movements of money.
    pub charges: u64,
    /// Payments for which money moved more than once. More than none fails the run.
    pub charged_twice: u64,
    /// Those of them whose payment's row does not say so yet. Allowed while the payment is in a queue: whoever takes
    /// it from there finds out.
    pub charges_unsettled: u64,
    /// Messages handed out by the source queue.
    pub deliveries: u64,
    /// Invocations that were killed or failed.
    pub failed_invocations: u64,
    /// Calls to Stripe by operation.
    pub stripe_calls: BTreeMap<&'static str, u64>,
    /// Stripe calls about payments that were charged, per such payment, in hundredths.
    pub calls_per_charge_hundredths: u64,
    /// What was taken for a good card because nothing else is known of it; absent when everything is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_methods: Option<UnknownMethods>,
    /// What an outage did; absent without one.
    pub outage: Option<Outage>,
    /// What an incident came to; absent without dead letters and mails.
    pub incident: Option<Incident>,
    /// What its edge did; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<Edge>,
    /// Simulated time from the first event to the last, ms.
    pub simulated_ms: u64,
}

/// What an outage did to the payments that arrived in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// Payments that arrived in it.
    pub arrived: u64,
    /// Those of them that were dead-lettered.
    pub dead_lettered: u64,
}

/// What was told, and what was recovered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// Mails that arrived.
    pub mails: u64,
    /// From the first dead letter to the first mail, ms; 0 when the mail was there before. Absent without both.
    pub first_mail_ms: Option<u64>,
    /// Dead letters that went back one by one, before the others.
    pub canaries: u64,
    /// Move tasks that were started.
    pub move_tasks: u64,
    /// Dead letters that they moved back.
    pub redriven: u64,
    /// Payments that were not settled when the last fault ended.
    pub backlog: u64,
    /// From then until the last of them was settled, ms. Absent without a backlog, or while one of it is not.
    pub drained_ms: Option<u64>,
}

impl Incident {
    fn of(evidence: &Evidence<'_>) -> Option<Self> {
        let history = evidence.history;
        let backlog = Backlog::of(evidence);
        let dead = evidence.messages.values().filter_map(|message| message.dead_lettered).min();
        let mut incident = Self {
            mails: history.mails.len() as u64,
            first_mail_ms: dead
                .zip(evidence.letters.of_record("recovery").find_map(|told| told.published))
                .map(|(dead, told)| u64::try_from(told.since_ms(dead)).unwrap_or(0)),
            canaries: super::incident::sent_back(evidence).count() as u64,
            backlog: backlog.map_or(0, |backlog| backlog.payments),
            drained_ms: backlog.and_then(|backlog| backlog.took_ms()),
            ..Self::default()
        };
        for record in &history.records {
            if let Event::MoveTask(MoveTaskEvent::Started { .. }) = &record.event {
                incident.move_tasks += 1;
            } else if let Event::Queue(QueueEvent::Redriven { .. }) = &record.event {
                incident.redriven += 1;
            }
        }
        (dead.is_some() || incident.mails > 0).then_some(incident)
    }

    fn told(&self) -> String {
        let mails = counted(self.mails, "mail");
        match self.first_mail_ms {
            Some(0) => format!("{mails}, the first before the first dead letter"),
            Some(ms) => format!("{mails}, the first {} after the first dead letter", duration_ms(ms)),
            None => mails,
        }
    }

    fn recovered(&self) -> String {
        let (tasks, redriven) =
            (counted(self.move_tasks, "move task"), counted(self.redriven, "dead letter"));
        let mut text = format!("{tasks} sent back {redriven}, after {} as a canary", count(self.canaries));
        if let Some(ms) = self.drained_ms {
            let backlog = counted(self.backlog, "payment");
            text.push_str(&format!("; {backlog} settled within {} of the heal", duration_ms(ms)));
        }
        text
    }
}

impl Figures {
    /// Counts.
    #[must_use]
    pub fn of(evidence: &Evidence<'_>) -> Self {
        let history = evidence.history;
        let mut figures = Self {
            messages: history.sent.len() as u64,
            refused_by_queue: history.refused.len() as u64,
            charges: history.book.len() as u64,
            simulated_ms: u64::try_from(history.ended.since_ms(history.began)).unwrap_or(0),
            unknown_methods: UnknownMethods::of(evidence),
            outage: outage(evidence),
            incident: Incident::of(evidence),
            edge: Edge::of(evidence),
            ..Self::default()
        };
        figures.count_payments(evidence);
        figures.count_other_messages(evidence);
        figures.count_events(evidence);
        figures
    }

    /// Name and text of each figure, for people.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("sent", self.sent()), ("ended", self.ended())];
        if let Some(methods) = &self.unknown_methods {
            lines.push(("methods", methods.told()));
        }
        if let Some(Outage { arrived, dead_lettered }) = self.outage {
            let share = percent(dead_lettered, arrived);
            let text = format!(
                "{} arrived in the outage; {} of them ({share}) were dead-lettered",
                counted(arrived, "payment"),
                count(dead_lettered)
            );
            lines.push(("outage", text));
        }
        if let Some(incident) = &self.incident {
            lines.push(("told", incident.told()));
            lines.push(("recovery", incident.recovered()));
        }
        if let Some(edge) = &self.edge {
            lines.push(("edge", edge.answered()));
            lines.push(("spared", edge.spared()));
        }
        lines.push(("money", self.moved()));
        lines.push(("deliveries", self.delivered()));
        lines.push(("stripe", self.called()));
        lines
    }

    fn sent(&self) -> String {
        let mut text =
            format!("{}, {}", counted(self.messages, "message"), counted(self.payments, "payment"));
        if self.refused_by_queue > 0 {
            text.push_str(&format!("; {} refused by the queue", count(self.refused_by_queue)));
        }
        text
    }

    fn ended(&self) -> String {
        let always = [
            (self.succeeded, "charged"),
            (self.declined, "declined"),
            (self.quarantined, "quarantined"),
            (self.dead_lettered, "dead-lettered"),
        ];
        let sometimes = [(self.queued, "still queued"), (self.drilled, "drilled"), (self.lost, "lost")];
        let some = sometimes.into_iter().filter(|(number, _)| *number > 0);
        let parts = always.into_iter().chain(some).map(|(number, what)| format!("{} {what}", count(number)));
        parts.collect::<Vec<_>>().join(" · ")
    }

    fn moved(&self) -> String {
        let unsettled = match self.charges_unsettled {
            0 => String::new(),
            unsettled => format!("; {} of them not in the ledger yet", count(unsettled)),
        };
        format!("{}{unsettled}", counted(self.charges, "charge"))
    }

    fn delivered(&self) -> String {
        let failed = match self.failed_invocations {
            0 => String::new(),
            failed => format!("; {} failed or were killed", counted(failed, "invocation")),
        };
        format!("{}{failed}", count(self.deliveries))
    }

    fn called(&self) -> String {
        let total = self.stripe_calls.values().sum();
        let each =
            self.stripe_calls.iter().map(|(operation, number)| format!("{} {operation}", count(*number)));
        let each = each.collect::<Vec<_>>().join(", ");
        let mean = self.calls_per_charge_hundredths;
        format!("{} ({each}); {}.{:02} per charge", counted(total, "call"), mean / 100, mean % 100)
    }

    fn count_payments(&mut self, evidence: &Evidence<'_>) {
        let mut calls = 0;
        for file in evidence.payments.values().filter(|file| !file.messages.is_empty()) {
            self.payments += 1;
            match file.row.map(|row| row.state.as_str()) {
                Some("succeeded") => {
                    self.succeeded += 1;
                    calls += file.calls;
                }
                Some("declined") => self.declined += 1,
                Some("quarantined") => self.quarantined += 1,
                _ => *self.place(&waiting(evidence, file)) += 1,
            }
            let says_so = file.row.is_some_and(|row| row.state == "succeeded");
            self.charges_unsettled += if says_so { 0 } else { file.movements.len() as u64 };
            self.charged_twice += u64::from(file.movements.len() > 1);
        }
        self.calls_per_charge_hundredths = ratio(100 * calls, self.succeeded);
    }

    /// Messages that are no payment, and those that conflict with one.
    fn count_other_messages(&mut self, evidence: &Evidence<'_>) {
        for message in evidence.messages.values() {
            let counts = match &message.meaning {
                Meaning::Payment(payment) => evidence.conflicts(payment),
                Meaning::Drill(_) | Meaning::NoPayment => true,
            };
            if counts {
                *self.place(&evidence.end(message)) += 1;
            }
        }
    }

    fn place(&mut self, end: &End) -> &mut u64 {
        match end {
            End::Settled => &mut self.succeeded,
            End::Quarantined => &mut self.quarantined,
            End::DeadLettered => &mut self.dead_lettered,
            End::Queued => &mut self.queued,
            End::Drilled => &mut self.drilled,
            End::Lost(_) => &mut self.lost,
        }
    }

    fn count_events(&mut self, evidence: &Evidence<'_>) {
        self.deliveries = evidence.messages.values().map(|message| message.receives).sum();
        for record in &evidence.history.records {
            if let Event::Stripe(StripeEvent::Called { operation, .. }) = &record.event {
                *self.stripe_calls.entry(operation.name()).or_default() += 1;
            } else if let Event::Function(FunctionEvent::Failed { .. }) = &record.event {
                self.failed_invocations += 1;
            }
        }
    }
}

/// Where the messages of a payment are whose row does not say how it ended.
fn waiting(evidence: &Evidence<'_>, file: &PaymentFile<'_>) -> End {
    let ends: Vec<End> = file.messages.iter().map(|id| evidence.end(&evidence.messages[id])).collect();
    let anywhere =
        [End::Queued, End::DeadLettered, End::Quarantined].into_iter().find(|end| ends.contains(end));
    anywhere.unwrap_or_else(|| End::Lost(String::new()))
}

fn outage(evidence: &Evidence<'_>) -> Option<Outage> {
    let mut outage = evidence.history.experiment.faults.iter().any(is_outage).then(Outage::default)?;
    for file in evidence.payments.values() {
        let messages = file.messages.iter().map(|id| &evidence.messages[id]);
        let first = messages.clone().map(|message| message.sent).next();
        let arrived =
            first.is_some_and(|sent| sent.origin == Origin::Workload && in_outage(evidence, sent.at));
        outage.arrived += u64::from(arrived);
        let dead = messages.clone().any(|message| message.dead_lettered.is_some());
        outage.dead_lettered += u64::from(arrived && dead);
    }
    Some(outage)
}

fn is_outage(fault: &crate::faults::Fault) -> bool {
    fault.kind == Kind::StripeUnavailable
}

fn in_outage(evidence: &Evidence<'_>, at: UnixMs) -> bool {
    let history = evidence.history;
    let at_ms = u64::try_from(at.since_ms(history.began)).unwrap_or(0);
    history.experiment.faults.iter().any(|fault| is_outage(fault) && fault.window.contains(at_ms))
}
