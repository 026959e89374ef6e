//! What is told of the quarantine.

use super::*;

/// What is in quarantine, by body, reason and detail; each sent two minutes before.
fn contents(copies: &[(&str, &str, Option<&str>)], reach: Reach) -> Contents {
    let sent_at = Some(NOTICED.plus_ms(-2 * MINUTE));
    let copies =
        copies.iter().map(|(body, reason, detail)| Copied::read(body, Some(reason), *detail, sent_at));
    Contents::of(copies.collect(), reach, NOTICED)
}

/// A day and two hours after the first came.
const NOTICED: UnixMs = UnixMs(SINCE.0 + 26 * 60 * MINUTE);

const TEXT_FOR_AN_AMOUNT: &str = "amount is not acceptable; accepted: a positive integer, in minor units";

fn order(n: usize) -> String {
    format!(r#"{{"payment_id":"order-{n}","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}}"#)
}

fn a_few() -> Contents {
    let small = r#"{"payment_id":"order-1042","amount":12,"currency":"usd","payment_method":"pm_card_visa"}"#;
    let copies = [
        (
            r#"{"currency":"eur"}"#,
            "malformed",
            Some("amount is missing; accepted: a positive integer, in minor units"),
        ),
        (small, "refused", Some("amount_too_small (amount)")),
        (&order(1_043), "poison", None),
    ];
    contents(&copies, Reach::All)
}

/// `many` messages of one cause, and one of another.
fn many(many: usize, body: impl Fn(usize) -> String, reason: &str, detail: &str, reach: Reach) -> Contents {
    let bodies: Vec<String> = (0..many).map(body).collect();
    let mut copies: Vec<_> = bodies.iter().map(|body| (body.as_str(), reason, Some(detail))).collect();
    let last = order(9_999);
    copies.push((&last, "poison", None));
    contents(&copies, reach)
}

fn noticed(messages: u64, contents: Contents, passed: Option<u64>) -> NoticeFacts {
    NoticeFacts {
        at: NOTICED,
        number: 29,
        since: SINCE,
        messages,
        samples: Vec::new(),
        contents: Some(contents),
        traffic: passed.map(|passed| Traffic { passed }),
        new_causes: Vec::new(),
        expires_at: None,
        told_size: messages,
    }
}

fn notice(kind: NoticeKind, facts: NoticeFacts) -> String {
    shown(&write(&Letter::Quarantine(kind, Box::new(facts)), None, &site()))
}

#[test]
fn opened() {
    insta::assert_snapshot!(notice(NoticeKind::Opened, noticed(3, a_few(), Some(417))));
}

#[test]
fn opened_by_what_no_release_can_mend() {
    let (first, second) = (order(1_042), order(1_043));
    let copies = [
        ("PYMT_FAILED", "no_ledger_row", Some("no ledger row; came back after 3 redrives")),
        (first.as_str(), "no_ledger_row", Some("no ledger row; came back after 3 redrives")),
        (second.as_str(), "intent_mismatch", None),
    ];
    insta::assert_snapshot!(notice(NoticeKind::Opened, noticed(3, contents(&copies, Reach::All), None)));
}

#[test]
fn opened_for_a_reason_of_a_later_version() {
    let body = order(1_042);
    let stuck = contents(&[(&body, "stuck", Some("intent_missing"))], Reach::All);
    let mail = notice(NoticeKind::Opened, noticed(1, stuck, Some(0)));
    assert!(
        mail.contains("1  stuck, intent_missing") && mail.contains(r#""payment_id":"order-1042""#),
        "{mail}"
    );
}

#[test]
fn grown_by_a_producer_that_writes_texts_for_amounts() {
    let body = |n| order(n).replace("1999", "\"1999\"");
    let contents = many(500, body, "malformed", TEXT_FOR_AN_AMOUNT, Reach::Part);
    let facts = NoticeFacts {
        new_causes: vec!["poison".to_owned()],
        expires_at: None,
        told_size: 1_000,
        ..noticed(2_001, contents, Some(10_000))
    };
    insta::assert_snapshot!(notice(NoticeKind::Grown, facts));
}

#[test]
fn grown_by_orders_in_an_envelope() {
    let envelope =
        |n| serde_json::json!({"Type": "Notification", "MessageId": "m-1", "Message": order(n)}).to_string();
    let contents = many(119, envelope, "malformed", "body has an unknown field", Reach::All);
    insta::assert_snapshot!(notice(NoticeKind::Grown, noticed(120, contents, Some(0))));
}

#[test]
fn grown_by_refusals() {
    let contents = many(150, order, "refused", "amount_too_small (amount)", Reach::All);
    insta::assert_snapshot!(notice(NoticeKind::Grown, noticed(151, contents, Some(604))));
}

#[test]
fn with_a_new_reason() {
    let facts =
        NoticeFacts { new_causes: vec!["poison".to_owned()], told_size: 2, ..noticed(3, a_few(), Some(417)) };
    insta::assert_snapshot!(notice(NoticeKind::NewReason, facts));
}

#[test]
fn reminder() {
    let old = Contents { last_hour: 0, ..a_few() };
    insta::assert_snapshot!(notice(NoticeKind::Reminder, noticed(3, old, Some(417))));
}

#[test]
fn that_could_not_be_read() {
    let facts = NoticeFacts { contents: None, traffic: None, ..noticed(14, Contents::default(), None) };
    insta::assert_snapshot!(notice(NoticeKind::Opened, facts));
}

#[test]
fn cleared() {
    insta::assert_snapshot!(notice(NoticeKind::Cleared, noticed(0, Contents::default(), None)));
}

#[test]
fn that_expires_soon() {
    let expires_at = Some(NOTICED.plus_ms(22 * 60 * MINUTE));
    insta::assert_snapshot!(notice(
        NoticeKind::Expiring,
        NoticeFacts { expires_at, ..noticed(3, a_few(), Some(417)) }
    ));
}

#[test]
fn cleared_by_time_alone() {
    let cleared = |expires_at| {
        let facts = NoticeFacts { expires_at, ..noticed(0, Contents::default(), None) };
        notice(NoticeKind::Cleared, facts).contains("Messages expired there")
    };
    assert!(cleared(Some(NOTICED)) && cleared(Some(NOTICED.plus_ms(-1))));
    assert!(!cleared(Some(NOTICED.plus_ms(1))) && !cleared(None));
}

#[test]
fn of_more_reasons_than_are_listed_the_rest_is_counted() {
    let bodies: Vec<String> = (0..55).map(order).collect();
    // One for the first reason, two for the second, and so on: each number stands for one of them.
    let letters = ('a'..='j').enumerate();
    let reasons: Vec<String> =
        letters.flat_map(|(n, letter)| vec![format!("reason_{letter}"); n + 1]).collect();
    let copies: Vec<_> =
        bodies.iter().zip(&reasons).map(|(body, reason)| (body.as_str(), reason.as_str(), None)).collect();
    insta::assert_snapshot!(notice(
        NoticeKind::Opened,
        noticed(55, contents(&copies, Reach::All), Some(945))
    ));
}

#[test]
fn of_many_with_one_cause_and_of_orders_in_an_envelope_nobody_is_told_to_delete() {
    for body in [order(1), serde_json::json!({"Message": order(1)}).to_string(), "{".to_owned()] {
        let contents = many(40, |_| body.clone(), "malformed", "body has an unknown field", Reach::All);
        let mail = notice(NoticeKind::Reminder, noticed(41, contents, None)).to_lowercase();
        assert!(
            !mail.contains("delete") && mail.contains("send them again") && mail.contains("export"),
            "{mail}"
        );
    }
}

#[test]
fn a_reason_that_is_no_name_stands_in_no_command() {
    let odd = many(40, order, "it's odd", "x", Reach::All);
    let mail = notice(NoticeKind::Grown, noticed(41, odd, None));
    assert!(!mail.contains(r#""command":"release","reason""#), "{mail}");
}
