//! Tales: tiny histories told by hand, so that every check can be seen to fail.
//!
//! Invariant: a second passes between any two events, so order in the tale is order in time.

mod letters;
mod messages;
mod money;

use super::{Evidence, Verdict};
use crate::experiment::Experiment;
use crate::faults::{Fault, Kind, Tally, Window};
use crate::journal::{Event, Operation, Record};
use crate::random::Chance;
use crate::records::{Asked, AuditReport, AuditRound, Counts, Difference};
use crate::world::{Alerted, Audited, Ending, History, LedgerRow, Names, Target};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The topic that people read in a tale, and the second channel.
const ALERTS: &str = "alerts";
const PAGES: &str = "pages";
/// Id of the payment in most tales.
pub(crate) const ORDER: &str = "order-1";
/// The responder's logical id in a tale.
pub(crate) const RESPONDER: &str = "Responder";
/// Queue of Stripe's own events, where somebody listens to them.
pub(crate) const EVENTS: &str = "stripe-events";

/// A body that asks for this payment.
pub(crate) fn body(payment: &str, amount: i64) -> String {
    format!(
        r#"{{"payment_id":"{payment}","amount":{amount},"currency":"eur","payment_method":"pm_card_visa"}}"#
    )
}

/// A history in the making.
pub(crate) struct Tale {
    history: History,
    /// Ms to pass before the next event, beside its own second.
    waited_ms: i64,
    /// Letters written so far.
    letters: u64,
    /// What the audit at the end finds.
    differences: Vec<Difference>,
}

/// What queues and tables are called in a tale.
pub(crate) fn names() -> Names {
    Names {
        source: "payments".to_owned(),
        dead_letters: "dead-letters".to_owned(),
        quarantine: "quarantine".to_owned(),
        ledger: "ledger".to_owned(),
        incidents: Some("incidents".to_owned()),
        outcomes: Some("outcomes".to_owned()),
        stripe_events: None,
    }
}

impl Tale {
    pub(crate) fn new() -> Self {
        let experiment =
            Experiment::parse(Path::new("tale.toml"), "").expect("an empty file is an experiment");
        let began = experiment.starts;
        let names = names();
        let queues = [&names.source, &names.dead_letters, &names.quarantine];
        let queues = queues.map(|name| (name.clone(), Vec::new()));
        let alarms = [
            "CredentialsRefused",
            "DeadLettersWaiting",
            "PaymentsWaiting",
            "ProviderFailing",
            "QuarantineNotEmpty",
            "ResponderFailing",
            "EdgeFailing",
            "EdgeSlow",
        ];
        let history = History {
            experiment,
            target: Target::Simulated,
            seed: 7,
            began,
            ended: began,
            ending: Ending::Drained,
            sent: Vec::new(),
            refused: Vec::new(),
            records: Vec::new(),
            book: Vec::new(),
            intents: Vec::new(),
            ledger: Vec::new(),
            queues: BTreeMap::from(queues),
            mails: Vec::new(),
            audited: Audited::ByNobody,
            given: Vec::new(),
            sdk_calls: 0,
            grants: BTreeSet::new(),
            faults: Vec::new(),
            invocations: Vec::new(),
            turns: Vec::new(),
            alerted: Alerted {
                responder: Some(RESPONDER.to_owned()),
                alarms: alarms.map(|name| (format!("stack-{name}"), name.to_owned())).into(),
                alerts: Some(ALERTS.to_owned()),
                pages: Some(PAGES.to_owned()),
                stripe_calls_per_s: Some(20),
                source_retention_ms: Some(345_600_000),
            },
            edge: None,
            unseen: BTreeMap::new(),
            names,
        };
        Self { history, waited_ms: 0, letters: 0, differences: Vec::new() }
    }

    /// `order-1` over 19.99 euro: sent, charged, settled, acknowledged.
    pub(crate) fn of_one_good_payment() -> Self {
        let mut tale = Self::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.receive(&message);
        tale.charge_as_it_should(ORDER);
        tale.delete(&message);
        tale
    }

    /// Received, created, recorded, confirmed, settled.
    pub(crate) fn charge_as_it_should(&mut self, payment: &str) {
        self.write(payment, "received");
        self.call(payment, Operation::Create, Some(200), None);
        self.write(payment, "intended");
        self.charge(payment, 1999, "eur");
        self.call(payment, Operation::Confirm, Some(200), None);
        self.write(payment, "succeeded");
    }

    pub(crate) fn told(mut self) -> History {
        self.history.ended = self.now();
        self.history.audited = Audited::Finished(Box::new(self.audited()));
        self.history
    }

    /// What a check finds wrong in it, in words.
    pub(crate) fn found_by(self, check: fn(&Evidence<'_>) -> Verdict) -> Vec<String> {
        match check(&Evidence::of(&self.told())) {
            Verdict::Fail(findings) => findings.into_iter().map(|finding| finding.what).collect(),
            Verdict::Pass(_) | Verdict::Inconclusive(_) => Vec::new(),
        }
    }

    /// The audit at the end finds these.
    pub(crate) fn audit_finds(&mut self, differences: Vec<Difference>) {
        self.differences = differences;
    }

    /// An audit that saw every charge.
    fn audited(&self) -> AuditReport {
        let charged = self.history.book.len() as u64;
        let differences = self.differences.clone();
        let counts = Counts { intents: charged, charged, differences: differences.len() as u64 };
        AuditReport { round: AuditRound { began_at: self.now(), asked: Asked::Daily, counts, differences } }
    }

    pub(crate) fn history(&mut self) -> &mut History {
        &mut self.history
    }

    pub(crate) fn row(&mut self, payment: &str) -> &mut LedgerRow {
        self.history.ledger.iter_mut().find(|row| row.payment == payment).expect("the tale wrote it")
    }

    /// Configures a fault that fired so often.
    pub(crate) fn fault(&mut self, kind: Kind, window: Window, fired: u64) {
        let fault = Fault::steady(kind, Chance::ALWAYS, window);
        self.history.experiment.faults.push(fault.clone());
        let first = (fired > 0).then(|| self.now());
        self.history.faults.push(Tally {
            fault,
            asked: fired,
            fired,
            first,
            last: first,
            firings: Vec::new(),
        });
    }

    /// Nothing happens for so long.
    pub(crate) fn wait_ms(&mut self, ms: i64) {
        self.waited_ms += ms;
    }

    pub(crate) fn happen(&mut self, event: impl Into<Event>) {
        let at = self.now().plus_ms(1_000 + std::mem::take(&mut self.waited_ms));
        self.history.records.push(Record { at, event: event.into() });
    }

    fn now(&self) -> UnixMs {
        self.history.records.last().map_or(self.history.began, |record| record.at)
    }
}

/// The intent of a payment in a tale.
pub(crate) fn intent(payment: &str) -> String {
    format!("pi_{payment}")
}
