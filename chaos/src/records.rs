//! The responder's records, read by eyes of our own: the JSON that the table holds, and no type of the functions'.
//!
//! Only what a run is judged by is read. Invariant: what cannot be read is said, and never passes for an empty record: a
//! responder that renames a field is not taken for one that has nothing to say.

use payments::UnixMs;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// A record that is not what its name says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the responder's record cannot be read: {0}")]
pub struct Unreadable(String);

/// The record of a backlog, `recovery`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Recovery {
    /// Where the incident stands.
    pub phase: Phase,
    /// What happened in it.
    pub history: History,
    /// Since when messages wait that nobody takes.
    pub untouched_since: Option<UnixMs>,
    /// Since when messages are in hand of which nothing is written down.
    pub unrecorded_since: Option<UnixMs>,
    /// Mails on their way.
    pub outbox: Outbox,
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Phase {
    /// There is none.
    Quiet,
    /// Just opened.
    Open,
    /// Stripe must be well first.
    Waiting,
    /// A few dead letters went first.
    Canary,
    /// A move task runs.
    Redriving,
    /// What was moved is being settled.
    Draining,
    /// Over, and not yet quiet.
    Resolved,
}

/// What happened in an incident.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct History {
    /// What only a human can help with, by name.
    pub escalations: BTreeSet<String>,
}

/// The record of the quarantine, `quarantine`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Notice {
    /// Whether something is in quarantine.
    pub phase: NoticePhase,
    /// Mails on their way.
    pub outbox: Outbox,
}

/// Whether something is in quarantine, as people know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum NoticePhase {
    /// Nothing is.
    Clear,
    /// Something is.
    Open,
}

/// The record of audits, `audit`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Audit {
    /// Whether one is under way.
    pub phase: AuditPhase,
    /// What the last one came to.
    pub last: Option<AuditReport>,
    /// Mails on their way.
    pub outbox: Outbox,
}

/// Whether an audit is under way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum AuditPhase {
    /// None is.
    Idle,
    /// This one.
    Running(AuditRound),
}

/// What a finished audit came to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AuditReport {
    /// All of it.
    pub round: AuditRound,
}

/// One audit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AuditRound {
    /// When it began.
    pub began_at: UnixMs,
    /// Why it was made.
    pub asked: Asked,
    /// What it counted.
    pub counts: Counts,
    /// The first of what differs.
    pub differences: Vec<Difference>,
}

/// Why an audit was made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// One is every day.
    Daily,
    /// This person ordered it.
    By(String),
}

/// What an audit counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Intents.
    pub intents: u64,
    /// Those that were charged.
    pub charged: u64,
    /// Those that differ from their rows.
    pub differences: u64,
}

/// An intent of which Stripe and the ledger say different things.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Difference {
    /// What differs, for example `charged_twice`.
    pub sort: String,
    /// The payment.
    pub payment_id: String,
    /// Its intent.
    pub intent_id: String,
}

/// Mails that are written and not known to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Outbox {
    /// Oldest first.
    pub pending: Vec<Mail>,
}

/// A mail that may not have been sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Mail {
    /// Its number within the record.
    pub number: u64,
    /// When the turn that is to publish it laid claim to it.
    pub claimed_at: UnixMs,
    /// What it says.
    pub letter: Letter,
    /// Set when it stands for others.
    pub late: Option<Late>,
}

/// Transitions that nobody could be told of in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Late {
    /// How many.
    pub mails: u64,
}

/// What a mail says: the transition, and its facts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Letter {
    /// About the backlog.
    Recovery(Transition, RecoveryFacts),
    /// About the quarantine.
    Quarantine(Transition, NoticeFacts),
    /// About an audit.
    Audit(Transition, AuditFacts),
}

/// A transition, by its name, or by its name and what it is about: `{"escalated":"redrive_is_yours"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Transition {
    /// It has a name only.
    Plain(String),
    /// One name, and what it is about.
    About(BTreeMap<String, String>),
}

/// Facts of a mail about the backlog.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecoveryFacts {
    source: Depth,
    dead_letters: Depth,
    survey: Survey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Depth {
    visible: u64,
    in_flight: u64,
    delayed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Survey {
    payments: u64,
}

/// Facts of a mail about the quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NoticeFacts {
    told_size: u64,
    new_causes: Vec<String>,
    expires_at: Option<UnixMs>,
}

/// Facts of a mail about an audit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AuditFacts {
    round: Began,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Began {
    began_at: UnixMs,
}

/// Reads a record's `body`.
///
/// # Errors
/// When it is not the JSON of such a record.
pub fn read<R: DeserializeOwned>(body: &str) -> Result<R, Unreadable> {
    serde_json::from_str(body).map_err(|error| Unreadable(error.to_string()))
}

/// The mails on their way in the record of this name; nothing when no record is called so.
///
/// # Errors
/// When it is not what its name says.
pub fn outbox(record: &str, body: &str) -> Option<Result<Outbox, Unreadable>> {
    match record {
        "recovery" => Some(read::<Recovery>(body).map(|record| record.outbox)),
        "quarantine" => Some(read::<Notice>(body).map(|record| record.outbox)),
        "audit" => Some(read::<Audit>(body).map(|record| record.outbox)),
        _ => None,
    }
}

impl Recovery {
    /// Whether no incident is under way, no mail is on its way, and nothing is waited out.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let nothing_lingers = self.untouched_since.is_none() && self.unrecorded_since.is_none();
        self.phase == Phase::Quiet && self.outbox.is_empty() && nothing_lingers
    }
}

impl Outbox {
    /// Whether no mail is on its way.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

impl Letter {
    /// `opened`, or `escalated: redrive_is_yours`. What may be told several times is told apart by what it is about.
    #[must_use]
    pub fn tells(&self) -> String {
        let (transition, about) = match self {
            Self::Recovery(transition, facts) => (transition, facts.about(transition)),
            Self::Quarantine(transition, facts) => (transition, facts.about(transition)),
            // Every audit may tell the same, and each only once.
            Self::Audit(transition, facts) => (transition, Some(format!("of {}", facts.round.began_at.0))),
        };
        match (transition, about) {
            (Transition::Plain(name), None) => name.clone(),
            (Transition::Plain(name), Some(about)) => format!("{name}: {about}"),
            (Transition::About(named), _) => {
                named.iter().map(|(name, about)| format!("{name}: {about}")).collect()
            }
        }
    }
}

impl Transition {
    fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Plain(name) if name == wanted)
    }
}

impl RecoveryFacts {
    /// Each tenfold is told once.
    fn about(&self, transition: &Transition) -> Option<String> {
        let messages = self.source.total() + self.dead_letters.total();
        transition.is("grown").then(|| messages.max(self.survey.payments).to_string())
    }
}

impl NoticeFacts {
    /// Each tenfold, each reason and each expiry is told once.
    fn about(&self, transition: &Transition) -> Option<String> {
        if transition.is("grown") {
            Some(self.told_size.to_string())
        } else if transition.is("new_reason") {
            Some(self.new_causes.join(" and "))
        } else if transition.is("expiring") {
            Some(self.expires_at.map_or(0, |at| at.0).to_string())
        } else {
            None
        }
    }
}

impl Depth {
    const fn total(self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(letter: Value) -> String {
        serde_json::from_value::<Letter>(letter).expect("it is a letter").tells()
    }

    fn backlog() -> Value {
        let depth = |visible: u64| json!({ "visible": visible, "in_flight": 1, "delayed": 0 });
        json!({ "source": depth(3), "dead_letters": depth(5), "survey": { "payments": 7, "more": {} }, "at": 1 })
    }

    #[test]
    fn what_may_be_told_again_is_told_apart_by_what_it_is_about() {
        assert_eq!(told(json!({ "recovery": ["opened", backlog()] })), "opened");
        assert_eq!(told(json!({ "recovery": ["grown", backlog()] })), "grown: 10");
        let escalated = json!({ "escalated": "redrive_is_yours" });
        assert_eq!(told(json!({ "recovery": [escalated, backlog()] })), "escalated: redrive_is_yours");
        let facts = json!({ "told_size": 20, "new_causes": ["a", "b"], "expires_at": 9 });
        let of_quarantine = |transition: &str| told(json!({ "quarantine": [transition, facts] }));
        let all = ["opened", "grown", "new_reason", "expiring"].map(of_quarantine);
        assert_eq!(all, ["opened", "grown: 20", "new_reason: a and b", "expiring: 9"]);
        let story = json!({ "at": 2, "round": { "began_at": 1 } });
        assert_eq!(told(json!({ "audit": ["overdue", story] })), "overdue: of 1");
    }

    #[test]
    fn a_record_with_another_field_in_the_place_of_its_own_is_not_taken_for_an_empty_one() {
        let body = json!({ "phase": { "name": "clear" }, "outbox": { "pending": [] } }).to_string();
        assert_eq!(outbox("quarantine", &body), Some(Ok(Outbox::default())));
        for renamed in ["outbox", "pending", "phase"].map(|field| body.replace(field, "renamed")) {
            assert!(matches!(outbox("quarantine", &renamed), Some(Err(_))), "{renamed}");
        }
        assert_eq!(outbox("export", &body), None);
    }
}
