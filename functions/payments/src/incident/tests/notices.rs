//! The notice: told by size, by reason and by day, and each thing once.

use super::*;
use crate::limits::{NEW_REASON_MS, TURN_S_MAX};
use std::collections::BTreeSet;

/// A responder that is told of the quarantine every minute, and whose mails all go out.
#[derive(Default)]
struct Watch {
    notice: Notice,
    minute: i64,
    told: Vec<(NoticeKind, i64, NoticeFacts)>,
}

impl Watch {
    fn turn(&mut self, messages: u64, details: &[&str]) {
        let quarantine = depth(messages);
        let contents = (!details.is_empty()).then(|| contents(messages, details));
        let seen = Observation { now: minutes(self.minute), quarantine, contents, ..Observation::default() };
        let mut next = notice::decide(&seen, &self.notice);
        let mails = next.outbox.pending().to_vec();
        assert!(mails.len() <= 1, "one mail a turn: {mails:?}");
        for mail in mails {
            let Letter::Quarantine(kind, facts) = mail.letter else { panic!("a notice") };
            self.told.push((kind, self.minute, *facts));
            next.outbox.sent(mail.number);
        }
        self.notice = next;
        self.minute += 1;
    }

    fn turns(&mut self, turns: i64, messages: u64, details: &[&str]) {
        (0..turns).for_each(|_| self.turn(messages, details));
    }

    fn told(&self) -> Vec<(NoticeKind, i64)> {
        self.told.iter().map(|(kind, minute, _)| (*kind, *minute)).collect()
    }
}

fn contents(messages: u64, details: &[&str]) -> Contents {
    let group = |detail: &&str| Group {
        reason: "malformed".to_owned(),
        detail: Some((*detail).to_owned()),
        messages: messages / details.len() as u64,
    };
    let groups = details.iter().map(group).collect();
    Contents { read: messages, last_hour: messages, groups, ..Contents::default() }
}

#[test]
fn it_is_told_again_at_each_tenfold_of_what_the_first_mail_said() {
    let mut watch = Watch::default();
    for messages in [3, 29, 30, 31, 299, 450, 2_999, 3_000] {
        watch.turn(messages, &["one"]);
    }
    assert_eq!(
        watch.told(),
        [(NoticeKind::Opened, 0), (NoticeKind::Grown, 2), (NoticeKind::Grown, 5), (NoticeKind::Grown, 7)]
    );
    let sizes: Vec<u64> = watch.told.iter().map(|(_, _, facts)| facts.told_size).collect();
    assert_eq!(sizes, [3, 30, 300, 3_000]);
}

#[test]
fn a_burst_is_one_mail_however_many_tenfolds_it_is() {
    let mut watch = Watch::default();
    watch.turn(1, &["one"]);
    watch.turns(10, 4_711, &["one"]);
    assert_eq!(watch.told(), [(NoticeKind::Opened, 0), (NoticeKind::Grown, 1)]);
    assert_eq!(watch.notice.told_size, 1_000);
}

#[test]
fn a_new_reason_is_told_once_and_another_position_of_the_same_is_none() {
    let mut watch = Watch::default();
    watch.turn(5, &["line 1, column 9"]);
    watch.turn(6, &["line 1, column 9", "line 1, column 37"]);
    watch.turns(5, 7, &["line 1, column 9", "amount is missing"]);
    watch.turns(5, 7, &["amount is missing", "line 2, column 1"]);
    assert_eq!(watch.told(), [(NoticeKind::Opened, 0), (NoticeKind::NewReason, 2)]);
    assert_eq!(watch.told[1].2.new_causes, ["malformed, amount is missing"]);
}

#[test]
fn new_reasons_within_minutes_of_each_other_are_told_together() {
    let mut watch = Watch::default();
    watch.turn(5, &["one"]);
    let spacing = NEW_REASON_MS / MINUTE;
    watch.turn(6, &["one", "two"]);
    watch.turn(7, &["one", "two", "three"]);
    watch.turns(spacing, 8, &["one", "two", "three", "four"]);
    assert_eq!(
        watch.told(),
        [(NoticeKind::Opened, 0), (NoticeKind::NewReason, 1), (NoticeKind::NewReason, 1 + spacing)]
    );
    assert_eq!(watch.told[2].2.new_causes, ["malformed, three", "malformed, four"]);
}

#[test]
fn growth_that_brings_a_new_reason_is_one_mail_that_names_both() {
    let mut watch = Watch::default();
    watch.turn(1, &["one"]);
    watch.turns(5, 20, &["one", "two"]);
    assert_eq!(watch.told(), [(NoticeKind::Opened, 0), (NoticeKind::Grown, 1)]);
    assert_eq!(watch.told[1].2.new_causes, ["malformed, two"]);
}

#[test]
fn a_producer_that_errs_in_ever_new_words_is_not_told_for_ever() {
    let word = |n: u8| String::from_utf8(vec![b'a' + n / 26, b'a' + n % 26]).unwrap();
    let mut watch = Watch::default();
    for n in 0..100 {
        let words = word(n);
        watch.turns(NEW_REASON_MS / MINUTE, 5, &[&words]);
    }
    let new_reasons = watch.told.iter().filter(|(kind, ..)| *kind == NoticeKind::NewReason).count();
    assert_eq!((new_reasons, watch.notice.told_causes.len()), (19, 20));
}

#[test]
fn what_stays_is_told_daily_counted_from_the_last_mail_and_what_shrank_may_grow_again() {
    let mut watch = Watch::default();
    let day = 24 * 60;
    watch.turns(60, 50, &["one"]);
    watch.turns(60, 500, &["one"]);
    watch.turns(day, 20, &["one"]);
    watch.turn(199, &["one"]);
    watch.turn(200, &["one"]);
    assert_eq!(
        watch.told(),
        [
            (NoticeKind::Opened, 0),
            (NoticeKind::Grown, 60),
            (NoticeKind::Reminder, 60 + day),
            (NoticeKind::Grown, 60 + 60 + day + 1)
        ]
    );
}

#[test]
fn once_it_was_empty_everything_is_news_again() {
    let mut watch = Watch::default();
    watch.turn(40, &["one"]);
    watch.turns(5, 0, &[]);
    watch.turn(1, &["one"]);
    watch.turn(9, &["one"]);
    watch.turn(10, &["one"]);
    let kinds: Vec<NoticeKind> = watch.told.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(kinds, [NoticeKind::Opened, NoticeKind::Cleared, NoticeKind::Opened, NoticeKind::Grown]);
    assert_eq!(watch.told[2].2.new_causes, ["malformed, one"]);
}

#[test]
fn a_quarantine_that_could_not_be_read_is_told_by_its_size_alone() {
    let mut watch = Watch::default();
    watch.turns(5, 3, &[]);
    watch.turn(30, &[]);
    watch.turn(30, &["one"]);
    assert_eq!(watch.told(), [(NoticeKind::Opened, 0), (NoticeKind::Grown, 5), (NoticeKind::NewReason, 6)]);
}

/// As the last version saved it: no sizes, no causes, and a mail that lists samples.
const OF_THE_LAST_VERSION: &str = r#"{"phase":{"name":"open","since":1767603600000,"told_at":1767603600000,
    "empty":{"turns":0,"last_at":0}},"outbox":{"written":1,"pending":[{"number":0,"written_at":1767603600000,
    "claimed_at":1767603600000,"letter":{"quarantine":["opened",{"at":1767603600000,"since":1767603600000,
    "messages":15,"samples":[{"payment_id":null,"reason":"malformed","detail":"amount is not acceptable"}]}]}}]}}"#;

#[test]
fn a_record_of_the_last_version_is_read_and_tells_of_growth_but_of_no_reason_that_was_there() {
    let notice: Notice = serde_json::from_str(OF_THE_LAST_VERSION).expect("it is read");
    let mut watch = Watch { notice, minute: 1, ..Watch::default() };
    watch.notice.outbox.sent(0);
    watch.turns(5, 9, &["one"]);
    watch.turn(9, &["one", "two"]);
    watch.turn(15, &["one"]);
    assert_eq!(watch.told(), [(NoticeKind::NewReason, 6), (NoticeKind::Grown, 7)]);
    let json = serde_json::to_string(&watch.notice).unwrap();
    assert_eq!(serde_json::from_str::<Notice>(&json).unwrap(), watch.notice);
    assert_eq!(serde_json::from_str::<Notice>("{}").unwrap(), Notice::default());
}

#[test]
fn a_mail_that_was_not_sent_still_says_what_was_new_then() {
    let at = |now, details: &[&str]| Observation {
        now,
        quarantine: depth(5),
        contents: Some(contents(5, details)),
        ..Observation::default()
    };
    let opened = notice::decide(&at(START, &["one"]), &Notice::default());
    let later = notice::decide(&at(START.plus_ms(i64::from(TURN_S_MAX) * 1_000 + 1), &["one"]), &opened);
    let claimed: Vec<&Mail> = later.outbox.claimed_since(&opened.outbox).collect();
    assert_eq!((claimed.len(), &claimed[0].letter), (1, &opened.outbox.pending()[0].letter));
    assert_eq!(opened.told_causes, BTreeSet::from(["malformed, one".to_owned()]));
}

fn facts(messages: u64, last_hour: u64, passed: Option<u64>) -> NoticeFacts {
    let contents = Contents { read: messages, last_hour, ..Contents::default() };
    NoticeFacts {
        at: START,
        number: 1,
        since: START,
        messages,
        samples: Vec::new(),
        contents: Some(contents),
        traffic: passed.map(|passed| Traffic { passed }),
        new_causes: Vec::new(),
        expires_at: None,
        told_size: messages,
    }
}

#[test]
fn a_few_wait_for_office_hours_and_growth_or_a_large_share_does_not() {
    let urgency = |kind, messages, last_hour, passed| facts(messages, last_hour, passed).urgency(kind);
    let cases = [
        (NoticeKind::Opened, 1, 1, Some(0), Urgency::OfficeHours),
        (NoticeKind::Opened, 9, 9, Some(0), Urgency::OfficeHours),
        (NoticeKind::Opened, 15, 15, None, Urgency::OfficeHours),
        (NoticeKind::Opened, 10, 10, Some(90), Urgency::OfficeHours),
        (NoticeKind::Opened, 10, 10, Some(80), Urgency::Today),
        (NoticeKind::Opened, 20, 20, Some(20), Urgency::Today),
        (NoticeKind::Opened, 20, 20, Some(19), Urgency::Now),
        (NoticeKind::Grown, 10, 1, Some(900), Urgency::Today),
        (NoticeKind::Grown, 10, 10, Some(0), Urgency::Now),
        (NoticeKind::Grown, 10, 1, Some(0), Urgency::Today),
        (NoticeKind::Grown, 1_000, 0, None, Urgency::Today),
        (NoticeKind::NewReason, 11, 1, Some(900), Urgency::OfficeHours),
        (NoticeKind::Reminder, 2_001, 0, Some(900), Urgency::OfficeHours),
        (NoticeKind::Reminder, 2_001, 90, Some(900), Urgency::OfficeHours),
        (NoticeKind::Reminder, 150, 4, Some(0), Urgency::Today),
        (NoticeKind::Cleared, 0, 0, None, Urgency::OfficeHours),
    ];
    for (kind, messages, last_hour, passed, expected) in cases {
        assert_eq!(urgency(kind, messages, last_hour, passed), expected, "{kind:?} {messages} {passed:?}");
    }
}

#[test]
fn a_share_of_what_was_read_stands_for_the_rest_and_without_traffic_there_is_none() {
    assert_eq!(facts(40, 40, Some(60)).share().map(|share| share.percent()), Some(40));
    assert_eq!(facts(40, 40, None).share(), None);
    let mut part = facts(2_000, 100, Some(1_000));
    part.contents = Some(Contents { read: 200, last_hour: 100, reach: Reach::Part, ..Contents::default() });
    assert_eq!(part.share(), Some(Share { quarantined: 1_000, all: 2_000 }));
}

#[test]
fn an_order_that_only_asks_is_not_in_the_record_and_one_that_is_meant_is_noted_cut() {
    let selection = Selection::named((0..500).map(payment_id).collect()).unwrap();
    let order = |rehearsal| Order {
        command: Command::Release(Release { selection: selection.clone(), rehearsal }),
        who: "ada".to_owned(),
        why: "mended".to_owned(),
    };
    let (record, seen) = (Recovery::default(), Observation { now: START, ..Observation::default() });
    let (meant, _) = record.obey(&order(Rehearsal::Meant), &seen, &ON).unwrap();
    assert!(meant.audit[0].command.starts_with("release order-0 order-1 "), "{:?}", meant.audit);
    assert_eq!(meant.audit[0].command.chars().count(), crate::limits::AUDIT_CHARS_MAX);
    assert_eq!(record.obey(&order(Rehearsal::DryRun), &seen, &ON), Ok((record.clone(), None)));
}

#[test]
fn two_days_before_something_expires_it_is_told_and_the_truth_when_it_has() {
    let sent_at = START;
    let mut notice = Notice::default();
    let mut told = Vec::new();
    for hours in 0..=14 * 24 + 1 {
        let now = START.plus_ms(hours * 60 * MINUTE);
        let is_there = hours < 14 * 24;
        for turn in 0..4 {
            let contents =
                Contents { oldest_sent_at: Some(sent_at), ..contents(u64::from(is_there), &["one"]) };
            let seen = Observation {
                now: now.plus_ms(turn * MINUTE),
                quarantine: depth(u64::from(is_there)),
                contents: is_there.then_some(contents),
                ..Observation::default()
            };
            notice = notice::decide(&seen, &notice);
        }
        for mail in notice.outbox.pending().to_vec() {
            let Letter::Quarantine(kind, facts) = mail.letter else { panic!("a notice") };
            if kind != NoticeKind::Reminder {
                told.push((kind, hours, facts.expires_at.is_some_and(|at| at <= facts.at)));
            }
            notice.outbox.sent(mail.number);
        }
    }
    let warned = 12 * 24 + 1;
    assert_eq!(
        told,
        [
            (NoticeKind::Opened, 0, false),
            (NoticeKind::Expiring, warned, false),
            (NoticeKind::Cleared, 14 * 24, true)
        ]
    );
    assert!(notice.is_quiet() && notice.told_expiry.is_none());
}
