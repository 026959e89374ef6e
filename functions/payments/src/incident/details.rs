//! What mails say beyond what decisions need. It is gathered once a decision writes one, and filled in.
//!
//! Invariant: no decision depends on it. What it changes of a record is what people know once they have read the mail.

use super::contents::Contents;
use super::letter::{Letter, NoticeFacts, NoticeKind};
use super::notice::Notice;
use super::recovery::Recovery;
use super::survey::Survey;
use super::traffic::Traffic;
use super::{Decision, Incident};
use std::mem;

/// What mails say beyond what decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The payments at risk.
    pub survey: Survey,
    /// What is in quarantine, if a mail is about it and it could be read.
    pub contents: Option<Contents>,
    /// What the quarantine is a share of, if a mail is about it and that could be counted.
    pub traffic: Option<Traffic>,
}

impl Decision {
    /// With its details in each mail that it writes on the way from `before`.
    #[must_use]
    pub fn filled(self, before: &Incident, details: &Details) -> Self {
        Self {
            recovery: self.recovery.map(|next| next.filled(&before.recovery, &details.survey)),
            notice: self.notice.map(|next| next.filled(&before.notice, details)),
            effect: self.effect,
        }
    }
}

impl Recovery {
    /// With the payments at risk in each mail that was written on the way from `before`.
    #[must_use]
    pub fn filled(mut self, before: &Self, survey: &Survey) -> Self {
        for letter in self.outbox.written_since(&before.outbox) {
            match letter {
                Letter::Recovery(_, facts) => facts.survey = survey.clone(),
                Letter::Quarantine(..) | Letter::Audit(..) => {}
            }
        }
        self
    }
}

impl Notice {
    fn filled(mut self, before: &Self, details: &Details) -> Self {
        let mut outbox = mem::take(&mut self.outbox);
        for letter in outbox.written_since(&before.outbox) {
            match letter {
                Letter::Quarantine(kind, facts) => self.fill(*kind, facts, details),
                Letter::Recovery(..) | Letter::Audit(..) => {}
            }
        }
        Self { outbox, ..self }
    }

    fn fill(&mut self, kind: NoticeKind, facts: &mut NoticeFacts, details: &Details) {
        facts.traffic = details.traffic;
        let Some(contents) = &details.contents else { return };
        facts.messages = facts.messages.max(contents.read);
        match kind {
            NoticeKind::Cleared => {}
            NoticeKind::Opened
            | NoticeKind::Reminder
            | NoticeKind::Grown
            | NoticeKind::NewReason
            | NoticeKind::Expiring => {
                self.take_note_of_expiry(contents);
                let new_causes = self.new_causes(contents);
                self.know_size(kind, facts.messages);
                self.told_causes.extend(new_causes.iter().cloned());
                facts.new_causes.extend(new_causes);
                (facts.expires_at, facts.told_size) = (self.expires_at, self.told_size);
            }
        }
        facts.contents = Some(contents.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{AutoRedrive, Depth, Observation, Policy, Reach, decide};
    use crate::limits::DEAD_LETTERS_RETENTION_S;
    use crate::time::UnixMs;

    const NOW: UnixMs = UnixMs(1_767_609_720_000);
    const POLICY: Policy = Policy { auto_redrive: AutoRedrive::On, redrive_cycles_max: 3 };

    fn details() -> Details {
        let copied = |id: &str| {
            let body = format!(
                r#"{{"payment_id":"{id}","amount":100,"currency":"eur","payment_method":"pm_card_visa"}}"#
            );
            crate::incident::Copied::read(&body, Some("refused"), Some("amount_too_small"), Some(NOW))
        };
        let contents = Contents::of(vec![copied("a"), copied("b"), copied("c")], Reach::All, NOW);
        let survey = Survey { payments: 7, ..Survey::default() };
        Details { survey, contents: Some(contents), traffic: None }
    }

    #[test]
    fn what_was_read_for_a_mail_is_in_it_and_is_known_from_then_on() {
        let seen = Observation {
            now: NOW,
            quarantine: Depth { visible: 2, ..Depth::default() },
            dead_letters: Depth { visible: 5, ..Depth::default() },
            ..Observation::default()
        };
        let before = Incident::default();
        let decision = decide(&seen, &before, &POLICY).filled(&before, &details());
        let (recovery, notice) = (decision.recovery.expect("it opens"), decision.notice.expect("it opens"));
        let Letter::Recovery(_, facts) = &recovery.outbox.pending()[0].letter else {
            panic!("of the backlog")
        };
        assert_eq!(facts.survey.payments, 7);
        let Letter::Quarantine(kind, facts) = &notice.outbox.pending()[0].letter else {
            panic!("of the quarantine")
        };
        let expires_at = Some(NOW.plus_ms(DEAD_LETTERS_RETENTION_S * 1_000));
        assert_eq!((*kind, facts.messages, facts.told_size), (NoticeKind::Opened, 3, 3));
        assert_eq!((facts.new_causes.len(), facts.expires_at), (1, expires_at));
        assert_eq!((notice.told_size, notice.told_causes.len(), notice.expires_at), (3, 1, expires_at));

        let later = Observation { now: NOW.plus_ms(60_000), contents: details().contents, ..seen };
        let known = Incident { recovery, notice };
        let again = decide(&later, &known, &POLICY);
        assert!(!again.writes_a_notice(&known), "it is told once");
    }

    #[test]
    fn a_mail_that_was_written_before_keeps_what_it_says() {
        let seen = Observation {
            now: NOW,
            dead_letters: Depth { visible: 5, ..Depth::default() },
            ..Observation::default()
        };
        let before = Incident::default();
        let told = decide(&seen, &before, &POLICY).filled(&before, &details()).recovery.expect("it opens");
        let filled = told.clone().filled(&told, &Survey::default());
        assert_eq!(filled, told);
    }
}
