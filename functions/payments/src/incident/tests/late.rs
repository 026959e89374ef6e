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
fn what_a_turn_writes_itself_stands_for_the_stale() {
    let mut record = Recovery::default();
    let at = |minute, seen: Observation| Observation { now: minutes(minute), ..seen };
    (record, _) = turn::decide(&at(1, dead(5)), &record, &ON);
    (record, _) =
        turn::decide(&at(1 + STALE_MAIL_MS / MINUTE, unwell(Cause::CredentialsRefused)), &record, &ON);
    let [mail] = record.outbox.pending() else { panic!("one mail: {:?}", record.outbox) };
    let Letter::Recovery(kind, _) = &mail.letter else { panic!("a recovery") };
    let late = Some(Late { since: minutes(1), mails: 2 });
    assert_eq!((*kind, mail.late), (Kind::Escalated(Escalation::CredentialsRefused), late));
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

#[test]
fn that_something_in_quarantine_expires_is_told_also_when_it_was_written_into_a_silence() {
    let mut notice = Notice::default();
    let oldest =
        Contents { oldest_sent_at: Some(START.plus_ms(-12 * 24 * 60 * MINUTE)), ..Contents::default() };
    for minute in 1..30 {
        let contents = (minute > 1).then(|| Contents { read: 3, ..oldest.clone() });
        let seen =
            Observation { now: minutes(minute), quarantine: depth(3), contents, ..Observation::default() };
        notice = notice::decide(&seen, &notice);
    }
    let [mail] = notice.outbox.pending() else { panic!("one mail: {:?}", notice.outbox) };
    assert!(matches!(mail.letter, Letter::Quarantine(NoticeKind::Expiring, _)), "{mail:?}");
}

#[test]
fn nothing_is_folded_while_another_turn_may_be_sending_some_of_it() {
    let mut record = Recovery::default();
    let turns = [
        (60, dead(5)),
        (300, unwell(Cause::ProviderError)),
        (345, unwell(Cause::CredentialsRefused)),
        (370, unwell(Cause::CredentialsRefused)),
    ];
    for (second, seen) in turns {
        let seen = Observation { now: START.plus_ms(second * 1_000), ..seen };
        (record, _) = turn::decide(&seen, &record, &ON);
    }
    let late: Vec<Option<Late>> = record.outbox.pending().iter().map(|mail| mail.late).collect();
    assert_eq!(late, [None, None]);
}
