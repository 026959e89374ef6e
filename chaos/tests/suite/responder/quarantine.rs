//! Quarantine is told by its size, over whole days: as it grows, at a new reason, daily, and what it holds.

use crate::responder::town::{in_town, payment};
use chaos::checks::{Outcome, judge};
use chaos::experiment::Experiment;
use chaos::world::{Code, History, run};
use std::path::Path;

fn history_of(title: &str, bodies: &[String], over: &str) -> History {
    let bodies: Vec<String> = bodies.iter().map(|body| format!("'{body}'")).collect();
    let experiment = format!(
        "title = '{title}'\ndrain = '1h'\nworkload = {{ bodies = [{}], over = '{over}' }}",
        bodies.join(", ")
    );
    let experiment = Experiment::parse(Path::new("test.toml"), &experiment).expect("it is well formed");
    run(experiment, 1, Code::DEPLOYED).expect("the world runs")
}

fn good(n: usize) -> String {
    format!(r#"{{"payment_id":"good-{n}","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}}"#)
}

/// Its amount is a text, as some serialisers write decimals.
fn malformed(n: usize) -> String {
    format!(
        r#"{{"payment_id":"order-{n}","amount":"1999","currency":"eur","payment_method":"pm_card_visa"}}"#
    )
}

/// An order as a topic hands it on when raw message delivery is off, in the form that AWS documents:
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>.
fn wrapped(n: usize) -> String {
    let order = good(n).replace("good-", "order-").replace('"', "\\\"");
    format!(
        r#"{{"Type":"Notification","MessageId":"m-{n}","TopicArn":"arn:aws:sns:eu-central-1:123456789012:shop","Message":"{order}","Timestamp":"2026-01-05T10:00:00.000Z","SignatureVersion":"1"}}"#
    )
}

/// Of mails about the quarantine. A container that has read no payment yet holds back what it cannot read, and that may be
/// told before.
fn subjects(history: &History) -> Vec<&str> {
    let subjects = history.mails.iter().map(|mail| mail.subject.as_str());
    subjects.filter(|subject| subject.contains("in quarantine")).collect()
}

#[test]
fn two_thousand_malformed_orders_among_good_ones_are_told_again_at_each_tenfold() {
    let bodies: Vec<String> =
        (0..2_001).flat_map(|n| [malformed(n)].into_iter().chain((n % 10 == 0).then(|| good(n)))).collect();
    let history = history_of("A text for an amount", &bodies, "5h");
    let judgement = judge(&history);
    assert_eq!(judgement.outcome(), Outcome::Passed, "{judgement:?}");
    let told = subjects(&history);
    assert!((3..=4).contains(&told.len()), "opened, ten, a hundred and a thousand times as many: {told:?}");
    assert!(told[0].contains("for office hours"), "{told:?}");
    let last = history.mails.last().expect("a mail");
    assert!(last.body.starts_with("YES, YOU ARE NEEDED"), "{}", last.body);
    for said in
        ["of the last hour's traffic", "at least EUR", "malformed, amount is not acceptable", "export"]
    {
        assert!(last.body.contains(said), "{said} in {}", last.body);
    }
    assert!(!last.body.to_lowercase().contains("delete"), "{}", last.body);
}

#[test]
fn orders_in_an_envelope_are_counted_with_their_money_and_nobody_is_told_to_delete_them() {
    let bodies: Vec<String> = (0..200).map(wrapped).collect();
    let history = history_of("Orders in an envelope", &bodies, "48h");
    let judgement = judge(&history);
    assert_eq!(judgement.outcome(), Outcome::Passed, "{judgement:?}");
    let told = subjects(&history);
    assert_eq!(told.len(), 4, "opened, ten and a hundred times as many, and a day later: {told:?}");
    let last = history.mails.last().expect("a mail");
    for said in ["EUR ", "order-", "envelope", "all of the last hour's traffic", "send them again", "expires"]
    {
        assert!(last.body.contains(said), "{said} in {}", last.body);
    }
    assert!(!last.body.to_lowercase().contains("delete"), "{}", last.body);
}

#[test]
fn a_new_reason_is_told_within_minutes_and_another_message_of_a_known_one_is_not() {
    in_town("[]", async |town| {
        town.send("{");
        town.pass_s(5 * 60).await;
        town.send("{ ");
        town.pass_s(15 * 60).await;
        assert_eq!(town.mails().len(), 1, "{:?}", town.mails());
        town.send(&payment("small", 1));
        town.pass_s(6 * 60).await;
        let told = town.mails();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].contains("3 messages in quarantine, some for a new reason"), "{told:?}");
        town.pass_s(60 * 60).await;
        assert_eq!(town.mails().len(), 2, "{:?}", town.mails());
        let known = town.status().await["quarantine_notice"]["told_causes"].clone();
        assert_eq!(known.as_array().map(Vec::len), Some(2), "{known}");
    });
}
