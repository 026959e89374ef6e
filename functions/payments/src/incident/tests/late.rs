//! A topic that takes nothing: what people are told once it takes mails again.

use super::story::{calm, dead, unwell, well};
use super::*;
use crate::cause::Cause;
use crate::limits::STALE_MAIL_MS;

/// A recovery none of whose mails can be sent, a minute a turn.
#[derive(Default)]
struct Silence {
    record: Recovery,
    minute: i64,
}

impl Silence {
    fn turn(&mut self, seen: Observation) {
        self.minute += 1;
        let seen = Observation { now: minutes(self.minute), ..seen };
        (self.record, _) = turn::decide(&seen, &self.record, &ON);
    }

    fn turns(&mut self, turns: i64, seen: &Observation) {
        (0..turns).for_each(|_| self.turn(seen.clone()));
    }

    fn mail(&self) -> &Mail {
        let [mail] = self.record.outbox.pending() else { panic!("one mail: {:?}", self.record.outbox) };
        mail
    }

    fn told(&self) -> (Kind, &Facts, Late) {
        let mail = self.mail();
        let Letter::Recovery(kind, facts) = &mail.letter else { panic!("a recovery") };
        (*kind, facts, mail.late.expect("it comes late"))
    }
}

#[test]
fn a_mail_that_is_a_little_late_still_says_what_it_said() {
    let mut silence = Silence::default();
    silence.turn(dead(5));
    let written = silence.mail().letter.clone();
    silence.turns(STALE_MAIL_MS / MINUTE - 1, &unwell(Cause::ProviderError));
    assert_eq!((silence.mail().number, &silence.mail().letter, silence.mail().late), (0, &written, None));
}

#[test]
fn one_that_has_gone_stale_gives_way_to_how_things_stand_and_says_since_when_nobody_knew() {
    let mut silence = Silence::default();
    silence.turn(dead(5));
    let later = Observation { dead_letters: depth(700), ..unwell(Cause::ProviderError) };
    silence.turns(24 * 60, &later);
    let (kind, facts, late) = silence.told();
    assert_eq!((kind, late), (Kind::Opened, Late { since: minutes(1), mails: 1 }));
    assert_eq!(facts.dead_letters, depth(700));
    assert!(minutes(silence.minute).since_ms(facts.at) < STALE_MAIL_MS + 2 * MINUTE, "as of now");
}

#[test]
fn what_happens_meanwhile_is_told_for_all_that_went_before() {
    let mut silence = Silence::default();
    silence.turn(dead(5));
    silence.turns(10, &unwell(Cause::ProviderError));
    silence.turns(2, &unwell(Cause::CredentialsRefused));
    silence.turns(10, &unwell(Cause::CredentialsRefused));
    let (kind, facts, late) = silence.told();
    assert_eq!((kind, late), (Kind::Opened, Late { since: minutes(1), mails: 2 }));
    assert_eq!(facts.escalations, [Escalation::CredentialsRefused], "what needs a hand is in it");
}

#[test]
fn the_newest_of_what_this_turn_writes_stands_for_the_stale() {
    let mut silence = Silence::default();
    silence.turn(dead(5));
    silence.turns(7, &unwell(Cause::ProviderError));
    silence.turn(unwell(Cause::CredentialsRefused));
    while silence.record.outbox.pending().len() > 1 {
        silence.turn(unwell(Cause::CredentialsRefused));
    }
    assert_eq!(silence.told().2, Late { since: minutes(1), mails: 2 });
}

#[test]
fn an_incident_that_nobody_heard_of_is_told_by_its_end_as_that_was() {
    let mut silence = Silence::default();
    silence.turn(dead(5));
    silence.turns(10, &unwell(Cause::ProviderError));
    silence.turns(10, &Observation { probes: Some(Probes::Well), ..calm() });
    assert_eq!(silence.record.phase, Phase::Quiet);
    let ended = silence.told().1.at;
    silence.turns(60, &calm());
    let (kind, facts, late) = silence.told();
    assert_eq!((kind, facts.at, late), (Kind::Resolved, ended, Late { since: minutes(1), mails: 2 }));
    assert!(!silence.record.is_quiet(), "somebody has to be told");
}

#[test]
fn the_next_incident_is_told_of_with_its_own_number() {
    let mut silence = Silence::default();
    silence.turn(dead(5));
    silence.turns(10, &Observation { probes: Some(Probes::Well), ..calm() });
    silence.turns(20, &unwell(Cause::ProviderError));
    let (kind, facts, late) = silence.told();
    assert_eq!((kind, facts.number, late.mails), (Kind::Opened, 2, 3));
}

#[test]
fn what_was_said_to_be_well_is_not_said_to_be_yours_once_it_fails() {
    let mut record = Recovery::default();
    for minute in 1..10 {
        (record, _) = turn::decide(&Observation { now: minutes(minute), ..well(5) }, &record, &OFF);
    }
    assert!(record.history.escalations.contains(&Escalation::RedriveIsYours));
    for (seen, expected) in
        [(well(5), &[Escalation::RedriveIsYours][..]), (unwell(Cause::ProviderError), &[])]
    {
        let seen = Observation { now: minutes(10), ..seen };
        assert_eq!(Facts::of(&seen, &record, &OFF).escalations, expected);
    }
}

#[test]
fn of_a_quarantine_that_nobody_heard_of_the_size_of_now_is_told() {
    let mut notice = Notice::default();
    for minute in 1..60 {
        let quarantine = depth(if minute < 30 { 3 } else { 450 });
        let seen = Observation { now: minutes(minute), quarantine, ..Observation::default() };
        notice = notice::decide(&seen, &notice);
    }
    let [mail] = notice.outbox.pending() else { panic!("one mail: {:?}", notice.outbox) };
    let Letter::Quarantine(kind, facts) = &mail.letter else { panic!("a notice") };
    let late = Some(Late { since: minutes(1), mails: 2 });
    assert_eq!((*kind, facts.messages, facts.number, mail.late), (NoticeKind::Opened, 450, 1, late));
}
