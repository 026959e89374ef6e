//! Every check that a run on a deployed stack is held to, seen to fail: by one observation that is not as it should be.
//!
//! Invariant: a check that no observation makes fail is not judged; it is in the list of what cannot be seen.

use super::*;
use crate::checks::{Verdict, fixtures, judge};
use crate::cloud::sns::Mail;
use crate::cloud::sqs::{Content, Held, MessageAttribute, Standing};
use crate::deployed::ground::Ground;
use crate::deployed::history::made;
use crate::deployed::lines::Line;
use crate::deployed::seen::{Gap, Letter, Seen};
use crate::deployed::witness::unseen;
use crate::experiment::DeadLetters;
use crate::faults::{Kind, Window};
use crate::journal::{AlarmChanged, Event, MoveTaskEvent, Operation, Record, StateValue, StripeEvent};
use crate::promises::Check;
use crate::random::Chance;
use crate::stripe::Movement;
use crate::world::{Alerted, Ending, LedgerRow, Origin, Sent};
use payments::quarantine::{ORIGINAL, REASON};
use std::collections::{BTreeMap, BTreeSet};

const ORDER: &str = "order-1";
const DAY_S: i64 = 86_400;

fn at(ms: i64) -> UnixMs {
    BEGAN.plus_ms(ms)
}

fn called(
    ms: i64,
    operation: Operation,
    payment: &str,
    intent: &str,
    status: u16,
    fault: Option<Kind>,
) -> Record {
    let event = StripeEvent::Called {
        request: "http".to_owned(),
        operation,
        intent: Some(intent.to_owned()),
        payment: Some(payment.to_owned()),
        status: Some(status),
        said: None,
        fault,
    };
    Record { at: at(ms), event: event.into() }
}

fn sent(ms: i64, number: usize) -> Sent {
    let body = format!(
        r#"{{"payment_id":"order-{number}","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}}"#
    );
    Sent { at: at(ms), message: format!("m-{number}"), body, origin: Origin::Workload }
}

/// One payment, as it should be.
fn good() -> (Seen, Ground) {
    let settled_at = at(3_000);
    let row = LedgerRow {
        payment: ORDER.to_owned(),
        state: "succeeded".to_owned(),
        version: 3,
        intent: Some("pi_1".to_owned()),
        amount_minor: Some(1_999),
        currency: Some("eur".to_owned()),
        settled_at: Some(settled_at),
        expires_at_s: Some(settled_at.0.div_euclid(1_000) + 400 * DAY_S),
        ..LedgerRow::default()
    };
    let movement = Movement {
        at: at(2_500),
        intent: "pi_1".to_owned(),
        charge: "ch_1".to_owned(),
        payment: Some(ORDER.to_owned()),
        amount_minor: 1_999,
        currency: "eur".to_owned(),
    };
    let line = Line {
        at: at(3_100),
        message: "m-1".to_owned(),
        receives: 1,
        payment: Some(ORDER.to_owned()),
        is_acknowledged: true,
    };
    let names = fixtures::names();
    let queues = [&names.source, &names.dead_letters, &names.quarantine];
    let seen = Seen {
        began: BEGAN,
        ended: at(1_000_000),
        ending: Ending::Drained,
        sent: vec![sent(1_000, 1)],
        refused: Vec::new(),
        letters: Vec::new(),
        phases: Vec::new(),
        mails: Vec::new(),
        lines: vec![line],
        records: Vec::new(),
        calls: vec![
            called(2_000, Operation::Create, ORDER, "pi_1", 200, None),
            called(2_500, Operation::Confirm, ORDER, "pi_1", 200, None),
        ],
        book: vec![movement],
        faults: Vec::new(),
        ledger: vec![(row, at(1_500))],
        queues: queues.map(|name| (name.clone(), Vec::new())).into(),
        gaps: BTreeSet::new(),
    };
    let alarms = ["DeadLettersWaiting", "ProviderFailing"];
    let alerted = Alerted {
        responder: Some("Responder".to_owned()),
        alarms: alarms.map(|name| (format!("stack-{name}"), name.to_owned())).into(),
        alerts: Some("alerts".to_owned()),
        pages: Some("pages".to_owned()),
        stripe_calls_per_s: Some(4),
        source_retention_ms: Some(345_600_000),
    };
    (seen, Ground { experiment: experiment(""), seed: 1, names, alerted })
}

fn fault(seen: &mut Seen, ground: &mut Ground, kind: Kind, window: Window, fired: u64) {
    let fault = Fault::steady(kind, Chance::ALWAYS, window);
    ground.experiment.faults.push(fault.clone());
    seen.faults.push(Tally { fault, asked: fired, fired, first: None, last: None, firings: Vec::new() });
}

fn mail(ms: i64, subject: &str) -> Mail {
    let (topic, to, body) = ("alerts".to_owned(), "mailbox".to_owned(), "You need not get up.".to_owned());
    Mail { at: at(ms), topic, to, subject: subject.to_owned(), body }
}

/// Makes this check fail, or, where it never does, doubt. Nothing for one that cannot be seen.
fn doctor(check: Check, seen: &mut Seen, ground: &mut Ground) -> bool {
    const FIRST: Window = Window { from_ms: 0, until_ms: 100_000 };
    match check {
        Check::ChargedAtMostOnce => {
            seen.book.push(Movement { charge: "ch_2".to_owned(), ..seen.book[0].clone() })
        }
        Check::NothingLost => (seen.ledger, seen.book) = (Vec::new(), Vec::new()),
        Check::LedgerAgrees => seen.book.clear(),
        Check::NoStrangeCharge => seen.book[0].payment = Some("order-2".to_owned()),
        Check::RowsAreSound => seen.ledger[0].0.is_at_risk = true,
        Check::NoRedriveIntoOutage => {
            fault(seen, ground, Kind::StripeUnavailable, FIRST, 1);
            let (task, source) = ("t-1".to_owned(), "dead-letters".to_owned());
            let started = MoveTaskEvent::Started { task, source, destination: None, to_move: 1 };
            seen.records.push(Record { at: at(50_000), event: started.into() });
        }
        Check::QuarantineExplained => {
            let attributes = [(ORIGINAL, "m-1"), (REASON, "stuck")];
            let attributes = attributes.map(|(name, value)| (name.to_owned(), MessageAttribute::text(value)));
            let content = Content {
                id: "copy-1".to_owned(),
                body: seen.sent[0].body.clone(),
                body_md5: String::new(),
                attributes: attributes.into(),
                trace_header: None,
                sent_at: at(4_000),
            };
            let standing = Standing::Visible;
            let copy = Held { content: Arc::new(content), receives: 1, standing, dead_letter_source: None };
            seen.queues.insert("quarantine".to_owned(), vec![copy]);
        }
        Check::DeclinedForCause => seen.ledger[0].0.state = "declined".to_owned(),
        Check::AlarmsAsExpected => {
            let (alarm, reason) = ("stack-ProviderFailing".to_owned(), String::new());
            let changed = AlarmChanged { alarm, from: StateValue::Ok, to: StateValue::Alarm, reason };
            seen.records.push(Record { at: at(5_000), event: Event::from(changed) });
        }
        Check::ToldInTime => {
            seen.letters.push((at(2_000), Letter::Came("m-1".to_owned())));
            seen.mails.push(mail(123_000, "[stack] #1 1 payment waiting: Stripe failing since 09:00Z"));
        }
        Check::ToldWhenOurs => {
            fault(seen, ground, Kind::StripeRefusing, Window { from_ms: 0, until_ms: 900_000 }, 6);
            let refused = (2..=7).map(|number| {
                let payment = format!("order-{number}");
                called(number * 1_000, Operation::Create, &payment, "", 402, Some(Kind::StripeRefusing))
            });
            seen.calls.extend(refused);
            seen.mails.push(mail(20_000, "[stack] #1 6 payments waiting: Stripe failing since 09:00Z"));
        }
        Check::BacklogTold => {
            seen.sent.extend((2..=2_000).map(|number| sent(4_000, number)));
        }
        Check::ResolvedWhenOver => {
            seen.calls.push(called(10_000, Operation::Probe, ORDER, "", 503, None));
            seen.mails.push(mail(5_000, "[stack] #1 1 payment waiting: Stripe failing since 09:00Z"));
            seen.mails.push(mail(20_000, "[stack] #1 resolved after 1 min: nothing waits any more"));
        }
        Check::CallsBounded => seen.calls.push(called(2_600, Operation::Retrieve, ORDER, "pi_1", 200, None)),
        Check::OneIntentPerGeneration => {
            seen.calls.push(called(2_100, Operation::Create, ORDER, "pi_2", 200, None))
        }
        Check::SteadyBefore => {
            fault(seen, ground, Kind::StripeUnavailable, Window { from_ms: 100_000, until_ms: 200_000 }, 1);
            (seen.lines[0].is_acknowledged, seen.ledger[0].0.settled_at) = (false, None);
        }
        Check::FaultsFired => fault(seen, ground, Kind::StripeUnavailable, FIRST, 0),
        Check::DeadLettersAsExpected => {
            ground.experiment.expect.dead_letters = DeadLetters::None;
            seen.letters.push((at(2_000), Letter::Came("m-1".to_owned())));
        }
        Check::Drained => seen.ending = Ending::TimeUp,
        Check::AcknowledgedOnRecord
        | Check::ChargedOnRecord
        | Check::FencedOnRecord
        | Check::EventsNotBelieved
        | Check::RowsNeverGoBack
        | Check::AuditAgrees
        | Check::OneMoveTaskAtATime
        | Check::MovesSpared
        | Check::NothingDenied
        | Check::QuarantinedForCause
        | Check::StrandedTold
        | Check::OutcomesTrue
        | Check::OutcomesTold
        | Check::LooksTrue
        | Check::LooksGuarded
        | Check::LooksAnswered
        | Check::LooksCurrent
        | Check::LooksSpared
        | Check::WarnedInTime
        | Check::OneMailPerTransition
        | Check::OutageSpared
        | Check::SuspicionSpared => return false,
    }
    true
}

#[test]
fn every_check_can_fail_by_what_is_seen_or_is_inconclusive_by_name() {
    let (seen, ground) = good();
    let blind: BTreeMap<Check, String> = unseen(&BTreeSet::new());
    let judgement = judge(&made(seen, &ground));
    for check in Check::ALL {
        let (mut seen, mut ground) = good();
        let can_fail = doctor(check, &mut seen, &mut ground);
        let before = judgement.of(check).expect("nothing is excused");
        assert_eq!(can_fail, !blind.contains_key(&check), "{check}");
        let Some(why) = blind.get(&check) else {
            assert!(matches!(before, Verdict::Pass(_)), "{check}, of what is as it should be: {before:?}");
            let after = judge(&made(seen, &ground)).of(check).cloned().expect("nothing is excused");
            let only_doubts = matches!(check, Check::FaultsFired | Check::SteadyBefore);
            assert_eq!(after.name(), if only_doubts { "inconclusive" } else { "fail" }, "{check}: {after:?}");
            continue;
        };
        assert_eq!(before, &Verdict::Inconclusive(why.clone()), "{check}");
        assert!(why.contains("deployed stack"), "{check}: {why}");
    }
}

#[test]
fn what_turns_out_to_be_missing_is_inconclusive_too() {
    for (gap, checks) in [
        (Gap::Queues, [Check::NothingLost, Check::LedgerAgrees, Check::QuarantineExplained].as_slice()),
        (Gap::Log, [Check::BacklogTold, Check::CallsBounded, Check::SteadyBefore].as_slice()),
        (Gap::Emulated, [Check::AlarmsAsExpected, Check::NoRedriveIntoOutage].as_slice()),
    ] {
        for check in checks {
            let (mut seen, mut ground) = good();
            doctor(*check, &mut seen, &mut ground);
            seen.gaps.insert(gap);
            let judgement = judge(&made(seen, &ground));
            assert_eq!(judgement.of(*check).map(Verdict::name), Some("inconclusive"), "{check}");
            assert!(judgement.unseen().any(|unseen| unseen == *check), "{check}");
        }
    }
}

#[test]
fn a_message_that_was_moved_back_is_the_payment_it_was() {
    let (mut seen, ground) = good();
    // Delivered in vain, dead-lettered, sent back under another id, and settled.
    seen.lines.insert(0, Line { at: at(1_500), is_acknowledged: false, ..seen.lines[0].clone() });
    seen.lines[1].message = "another".to_owned();
    seen.letters.push((at(2_000), Letter::Came("m-1".to_owned())));
    seen.letters.push((at(2_500), Letter::Went("m-1".to_owned())));
    let history = made(seen, &ground);
    let evidence = crate::checks::Evidence::of(&history);
    let message = &evidence.messages["m-1"];
    assert_eq!(
        (message.receives, message.deleted, message.dead_lettered),
        (2, Some(at(3_100)), Some(at(2_000)))
    );
    assert_eq!(evidence.end(message), crate::checks::End::Settled);
}

#[test]
fn the_docs_name_every_check_that_cannot_be_seen_and_no_other() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/suite.md");
    let page = fs::read_to_string(page).expect("it is there");
    let (_, section) = page.split_once("## Against a deployed stack").expect("it has such a section");
    let (section, _) = section.split_once("\n## ").expect("it ends");
    let blind = unseen(&BTreeSet::from([Gap::Emulated]));
    let named = Check::ALL.into_iter().filter(|check| section.contains(&format!("`{check}`")));
    assert_eq!(named.collect::<BTreeSet<_>>(), blind.into_keys().collect());
}
