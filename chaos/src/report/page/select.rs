//! Which payments the page tells of: those that did not go straight through.
//!
//! Invariant: a payment that a check found wrong comes before all others, so a cap never takes it first.

use crate::checks::{End, Evidence, Message, Subject};
use crate::promises::Check;
use crate::report::{Report, subject};
use payments::UnixMs;
use std::collections::BTreeMap;

/// Why a payment can be looked up; the gravest reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// A check found something wrong with it.
    Violation,
    /// It, or a copy of its message, is in quarantine.
    Quarantined,
    /// It was a dead letter.
    DeadLettered,
    /// It was delivered more than once.
    Retried,
}

impl Why {
    pub(super) const ALL: [Self; 4] = [Self::Violation, Self::Quarantined, Self::DeadLettered, Self::Retried];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Violation => "In a violation",
            Self::Quarantined => "Quarantined",
            Self::DeadLettered => "Dead-lettered",
            Self::Retried => "Delivered more than once",
        }
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) why: Why,
    pub(super) deliveries: u64,
    /// How it ended, in a word or two.
    pub(super) ended: String,
    /// When the first of its messages was sent.
    pub(super) sent: UnixMs,
}

/// All of them, the gravest first, then those that were delivered most.
#[derive(Debug)]
pub(super) struct Selected<'r> {
    pub(super) subjects: Vec<Subject>,
    pub(super) chosen: Vec<Chosen>,
    /// What was found wrong with whom.
    pub(super) found: BTreeMap<&'r Subject, Vec<(Check, &'r str)>>,
    places: BTreeMap<Subject, usize>,
}

impl<'r> Selected<'r> {
    /// Looks through everything that was sent.
    pub(super) fn of(report: &Report<'r>) -> Self {
        let evidence = report.evidence;
        let mut found: BTreeMap<&Subject, Vec<(Check, &str)>> = BTreeMap::new();
        for (check, finding) in report.judgement.findings() {
            found.entry(&finding.subject).or_default().push((check, &finding.what));
        }
        found.remove(&Subject::Run);
        let mut all: BTreeMap<Subject, Vec<&Message<'_>>> = BTreeMap::new();
        for (id, message) in &evidence.messages {
            all.entry(evidence.subject(id)).or_default().push(message);
        }
        for subject in found.keys() {
            all.entry((*subject).clone()).or_default();
        }
        let mut chosen: Vec<(Subject, Chosen)> = all
            .into_iter()
            .filter_map(|(subject, messages)| {
                let why = if found.contains_key(&subject) {
                    Some(Why::Violation)
                } else {
                    why(evidence, &subject, &messages)
                };
                let chosen = chosen(evidence, &subject, &messages, why?);
                Some((subject, chosen))
            })
            .collect();
        // As many are alike, they stand in the order in which they were sent.
        chosen.sort_by(|(one, a), (other, b)| {
            let key = |it: &Chosen| (it.why, u64::MAX - it.deliveries, it.sent);
            key(a).cmp(&key(b)).then_with(|| subject::name(one).cmp(subject::name(other)))
        });
        let places =
            chosen.iter().enumerate().map(|(place, (subject, _))| (subject.clone(), place)).collect();
        let (subjects, chosen) = chosen.into_iter().unzip();
        Self { subjects, chosen, found, places }
    }

    /// Its place among them.
    pub(super) fn place(&self, subject: &Subject) -> Option<usize> {
        self.places.get(subject).copied()
    }

    /// How many there are for this reason.
    pub(super) fn count(&self, why: Why) -> usize {
        self.chosen.iter().filter(|chosen| chosen.why == why).count()
    }
}

fn why(evidence: &Evidence<'_>, subject: &Subject, messages: &[&Message<'_>]) -> Option<Why> {
    let is_quarantined = state(evidence, subject) == Some("quarantined");
    if is_quarantined || messages.iter().any(|message| !message.copies.is_empty()) {
        Some(Why::Quarantined)
    } else if messages.iter().any(|message| message.dead_lettered.is_some()) {
        Some(Why::DeadLettered)
    } else {
        messages.iter().any(|message| message.receives > 1).then_some(Why::Retried)
    }
}

fn chosen(evidence: &Evidence<'_>, subject: &Subject, messages: &[&Message<'_>], why: Why) -> Chosen {
    let ends = messages.first().map(|message| evidence.end(message));
    let ended = match (state(evidence, subject), ends) {
        (Some("succeeded"), _) => "charged",
        (Some(state @ ("declined" | "quarantined")), _) => state,
        (_, Some(End::Settled)) => "settled",
        (_, Some(End::Quarantined)) => "quarantined",
        (_, Some(End::DeadLettered)) => "dead letter",
        (_, Some(End::Queued)) => "queued",
        (_, Some(End::Drilled)) => "drill, done",
        (_, Some(End::Lost(_))) => "lost",
        (_, None) => "never sent",
    };
    Chosen {
        why,
        deliveries: messages.iter().map(|message| message.receives).sum(),
        ended: ended.to_owned(),
        sent: messages.iter().map(|message| message.sent.at).min().unwrap_or(evidence.history.began),
    }
}

/// What its row says.
fn state<'e>(evidence: &'e Evidence<'_>, subject: &Subject) -> Option<&'e str> {
    match subject {
        Subject::Payment(id) => evidence.payments.get(id)?.row.map(|row| row.state.as_str()),
        Subject::Message(_) | Subject::Run => None,
    }
}
