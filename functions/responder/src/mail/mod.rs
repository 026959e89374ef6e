//! Mails, in words.
//!
//! Each is read by someone woken at three. So the subject says how much waits and whether they are needed, and the
//! first line answers the only question of that hour: do I have to get up?
//!
//! Invariant: a subject is what SNS takes: ASCII, one line, under 100 characters; a body is plain text that names no
//! card, no key and no customer.

mod audit;
mod money;
mod needed;
mod quarantine;
mod recovery;
mod sections;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use money::sums;
pub(crate) use words::utc;

use crate::config::Config;
use payments::incident::Letter;

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// ASCII, under 100 characters.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// What mails have to know of this installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The responder's own name, for the commands.
    pub function_name: String,
    /// The region, for the commands.
    pub region: String,
    /// Messages a second that a move task moves at most.
    pub redrive_rate_max: i32,
    /// Move tasks after which dead letters without a ledger row are quarantined.
    pub redrive_cycles_max: u32,
}

impl Site {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            function_name: config.function_name.clone(),
            region: config.region.clone(),
            redrive_rate_max: config.redrive_rate_max,
            redrive_cycles_max: config.policy.redrive_cycles_max,
        }
    }
}

/// Longest subject, characters: SNS wants fewer than 100.
const SUBJECT_CHARS_MAX: usize = 99;

/// Puts a letter into words.
#[must_use]
pub fn write(letter: &Letter, site: &Site) -> Email {
    let (subject, body) = match letter {
        Letter::Recovery(kind, facts) => recovery::write(*kind, facts, site),
        Letter::Quarantine(kind, facts) => quarantine::write(*kind, facts, site),
        Letter::Audit(kind, story) => audit::write(*kind, story, site),
    };
    Email { subject: subject_line(&subject), body }
}

/// Cut to what SNS takes. Payment ids and codes are ASCII already; this is for what nobody thought of.
fn subject_line(text: &str) -> String {
    let line = format!("[payments] {text}");
    let plain = |char: char| if char.is_ascii_graphic() || char == ' ' { char } else { '?' };
    line.chars().map(plain).take(SUBJECT_CHARS_MAX).collect()
}
