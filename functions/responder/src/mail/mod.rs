//! Mails, in words.
//!
//! Each is read by someone woken at three. So the subject says how much waits and whether they are needed, and the
//! first line answers the only question of that hour: do I have to get up?
//!
//! Invariant: a subject is what SNS takes: ASCII, one line, under 100 characters; a body is plain text that names no
//! card, no key and no customer.

mod audit;
mod commands;
mod links;
mod money;
mod needed;
mod quarantine;
mod recovery;
mod sections;
mod subject;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use money::sums;
pub(crate) use words::utc;

use crate::config::Config;
use host::TraceId;
use payments::incident::{Late, Letter};

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// ASCII, under 100 characters.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// The words that begin every subject, after the stack and the number, of a mail that needs somebody at once.
pub(crate) const ACTION_NEEDED: &str = "ACTION NEEDED";

impl Email {
    /// Whether it needs somebody at once.
    pub(crate) fn needs_somebody(&self) -> bool {
        self.subject.contains(ACTION_NEEDED)
    }
}

/// What mails have to know of this installation, and of the turn that sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The stack's name, which is the dashboard's as well.
    pub stack: String,
    /// The account, twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`: each has a console of its own.
    pub partition: String,
    /// The region, for the commands and the links.
    pub region: String,
    /// The responder's own name, for the commands.
    pub function_name: String,
    /// The consumer's log group.
    pub consumer_log_group: String,
    /// Where the runbooks are, without a slash at the end.
    pub runbook_url: String,
    /// Messages a second that a move task moves at most.
    pub redrive_rate_max: i32,
    /// Move tasks after which dead letters without a ledger row are quarantined.
    pub redrive_cycles_max: u32,
    /// The trace that X-Ray keeps of the turn.
    pub trace: Option<TraceId>,
}

impl Site {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            stack: config.stack.clone(),
            account: config.alerts_topic.account.clone(),
            partition: config.alerts_topic.partition.clone(),
            region: config.region.clone(),
            function_name: config.function_name.clone(),
            consumer_log_group: config.consumer_log_group.clone(),
            runbook_url: config.runbook_url.clone(),
            redrive_rate_max: config.redrive_rate_max,
            redrive_cycles_max: config.policy.redrive_cycles_max,
            trace: None,
        }
    }

    /// The same, for the mails of a turn.
    pub(crate) fn of_turn(&self, trace: Option<&TraceId>) -> Self {
        Self { trace: trace.cloned(), ..self.clone() }
    }
}

/// Puts a letter into words; `late` when it stands for others that could not be sent.
#[must_use]
pub fn write(letter: &Letter, late: Option<Late>, site: &Site) -> Email {
    let (subject, body) = match letter {
        Letter::Recovery(kind, facts) => recovery::write(*kind, facts, late, site),
        Letter::Quarantine(kind, facts) => quarantine::write(*kind, facts, late, site),
        Letter::Audit(kind, story) => audit::write(*kind, story, late, site),
    };
    Email { subject: subject.line(&site.stack), body }
}
