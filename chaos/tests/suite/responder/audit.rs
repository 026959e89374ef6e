//! The audit: each sort of difference is planted, found and mailed; nothing stops it for good, and nothing else is found.

use crate::responder::town::{START, Town, in_town, payment};
use chaos::journal::{Event, FailedBy, FunctionEvent, Operation, StripeEvent};
use serde_json::{Value, json};

const ORDER: &str = "order-1";
/// Longer than a charge may be ahead of its row, seconds.
const UNTIL_LATE_S: u64 = 3_700;
/// Ours over 19.99 euro, as a form.
const FORM: &str = "amount=1999&currency=eur&metadata[payment_id]=order-1";

/// Until the first daily audit is over, which finds nothing, seconds.
const UNTIL_AUDITED_S: u64 = 90;

/// A town in which a payment was charged, and then something happened to it that is no longer news.
async fn after(town: &Town, happens: impl AsyncFnOnce(&Town)) {
    town.pass_s(UNTIL_AUDITED_S).await;
    town.send(&payment(ORDER, 1_999));
    town.pass_s(30).await;
    assert_eq!(town.row(ORDER, "state"), "succeeded");
    happens(town).await;
    town.pass_s(UNTIL_LATE_S).await;
}

/// What an audit finds: sort and intent of each difference; and that exactly those are mailed.
async fn found(town: &Town) -> Vec<(String, String)> {
    let round = town.audit("48h").await;
    let word = |difference: &Value, field: &str| difference[field].as_str().unwrap_or_default().to_owned();
    let differences = round["differences"].as_array().expect("a list");
    let mails = town.mails_of_differences();
    assert_eq!(mails.len(), usize::from(!differences.is_empty()), "{mails:?}");
    for difference in differences {
        assert!(
            mails[0].starts_with("[payments] ACTION NEEDED today: books and ledger differ; 1 difference\n")
        );
        assert!(mails[0].contains(&word(difference, "intent_id")) && mails[0].contains(ORDER), "{mails:?}");
    }
    assert_eq!(round["counts"]["differences"], differences.len());
    differences.iter().map(|it| (word(it, "sort"), word(it, "intent_id"))).collect()
}

#[test]
fn books_that_agree_are_a_metric_and_no_mail() {
    in_town("[]", async |town| {
        after(&town, async |_| ()).await;
        assert_eq!(found(&town).await, []);
        let metric = |name: &str| {
            let records = town.journal.records();
            let mut lines = records.iter().filter_map(|record| match &record.event {
                Event::Function(FunctionEvent::Metrics { line }) => line.parsed().get(name)?.as_u64(),
                _ => None,
            });
            lines.next_back()
        };
        assert_eq!((metric("AuditedIntents"), metric("AuditDifferences")), (Some(1), Some(0)));
    });
}

#[test]
fn a_charge_that_the_row_denies_is_found() {
    for state in ["declined", "quarantined", "intended", "received", "of-a-newer-version"] {
        in_town("[]", async |town| {
            after(&town, async |town| town.edit_row(ORDER, json!({"state": {"S": state}})).await).await;
            let intent = town.row(ORDER, "intent_id");
            assert_eq!(found(&town).await, [("charged_not_settled".to_owned(), intent)], "{state}");
        });
    }
}

#[test]
fn a_payment_that_is_being_worked_on_is_no_difference() {
    in_town("[]", async |town| {
        // Its delivery dies once Stripe has charged; the next one comes when its visibility has ended.
        town.kill_the_next_delivery_at(8);
        town.send(&payment(ORDER, 1_999));
        town.pass_s(30).await;
        assert_eq!((town.row(ORDER, "state").as_str(), town.charges().len()), ("intended", 1));
        let round = town.audit("1h").await;
        assert_eq!((&round["counts"]["in_flight"], &round["counts"]["differences"]), (&json!(1), &json!(0)));
        assert!(town.mails_of_differences().is_empty());
    });
}

#[test]
fn success_that_stripe_knows_nothing_of_is_found() {
    in_town("[]", async |town| {
        town.kill_the_next_delivery_at(7);
        town.send(&payment(ORDER, 1_999));
        town.pass_s(10).await;
        assert_eq!((town.row(ORDER, "state").as_str(), town.charges().len()), ("intended", 0));
        town.edit_row(ORDER, json!({"state": {"S": "succeeded"}, "settled_at": {"N": START.0.to_string()}}))
            .await;
        town.pass_s(UNTIL_LATE_S).await;
        let intent = town.row(ORDER, "intent_id");
        assert_eq!(found(&town).await, [("settled_not_charged".to_owned(), intent)]);
    });
}

#[test]
fn a_second_charge_of_one_payment_is_found() {
    in_town("[]", async |town| {
        after(&town, async |town| drop(town.charge_at_stripe(FORM))).await;
        let [(sort, intent)] = &found(&town).await[..] else { panic!("one difference") };
        assert_eq!(sort, "charged_twice");
        assert_ne!(*intent, town.row(ORDER, "intent_id"));
    });
}

#[test]
fn a_charge_in_the_name_of_a_payment_that_was_declined_is_found() {
    in_town("[]", async |town| {
        let declined = payment(ORDER, 1_999).replace("pm_card_visa", "pm_card_chargeDeclined");
        town.send(&declined);
        town.pass_s(30).await;
        assert_eq!(town.row(ORDER, "state"), "declined");
        let intent = town.charge_at_stripe(FORM);
        assert_eq!(found(&town).await, [("charged_unnamed".to_owned(), intent)]);
    });
}

#[test]
fn another_amount_or_currency_is_found() {
    for edit in [json!({"amount": {"N": "2999"}}), json!({"currency": {"S": "usd"}})] {
        in_town("[]", async |town| {
            after(&town, async |town| town.edit_row(ORDER, edit.clone()).await).await;
            let intent = town.row(ORDER, "intent_id");
            assert_eq!(found(&town).await, [("other_money".to_owned(), intent)], "{edit}");
        });
    }
}

#[test]
fn a_charge_without_a_row_is_found_and_one_that_is_not_ours_is_only_counted() {
    in_town("[]", async |town| {
        after(&town, async |town| {
            town.delete_row(ORDER).await;
            town.charge_at_stripe("amount=1999&currency=eur");
        })
        .await;
        let [(sort, _)] = &found(&town).await[..] else { panic!("one difference") };
        assert_eq!(sort, "charged_without_row");
        let round = &town.status().await["audit"]["last"]["round"];
        assert_eq!((&round["counts"]["intents"], &round["counts"]["not_ours"]), (&json!(2), &json!(1)));
    });
}

#[test]
fn an_orphan_that_charged_nobody_is_harmless_until_somebody_confirms_it() {
    in_town("[]", async |town| {
        town.pass_s(UNTIL_AUDITED_S).await;
        let orphan = town.make_at_stripe(FORM);
        assert_eq!(found(&town).await, []);
        assert_eq!(town.status().await["audit"]["last"]["round"]["counts"]["left_over"], 1);
        town.confirm_at_stripe(&orphan);
        assert_eq!(found(&town).await, [("charged_without_row".to_owned(), orphan)]);
    });
}

#[test]
fn a_day_is_audited_without_anybodys_word_and_a_difference_that_stays_is_told_twice() {
    in_town("[]", async |town| {
        town.pass_s(60 * 60).await;
        town.charge_at_stripe(FORM);
        town.pass_s(26 * 60 * 60).await;
        assert_eq!(town.mails_of_differences().len(), 1);
        town.pass_s(2 * 24 * 60 * 60).await;
        // It is older than two days by then.
        assert_eq!(town.mails_of_differences().len(), 2);
    });
}

/// Charges so many payments that have no row, moments before the town began.
fn charge_many(town: &Town, many: i64) {
    for n in 0..many {
        let form = format!("amount=1999&currency=eur&metadata[payment_id]=old-{n}");
        town.charge_at_stripe_at(&form, START.plus_ms(100 * (n - many)));
    }
}

fn lists(town: &Town) -> Vec<Option<u16>> {
    let records = town.journal.records();
    let lists = records.iter().filter_map(|record| match &record.event {
        Event::Stripe(StripeEvent::Called { operation: Operation::List, status, .. }) => Some(*status),
        _ => None,
    });
    lists.collect()
}

#[test]
fn a_turn_that_dies_between_two_pages_loses_one_page_at_most() {
    let mut resumed = 0;
    // An odd step, so that some die before the effect of a call and some after it.
    for hop in (1..60).step_by(3) {
        let killed = in_town("[]", async |town| {
            town.pass_s(90).await;
            charge_many_now(&town, 250).await;
            let before = lists(&town).len();
            assert!(town.order_audit("1h").await.contains("has begun"));
            town.kill_the_next_turn_at(hop);
            town.pass_s(5 * 60).await;
            let audit = town.status().await["audit"].clone();
            let counts = &audit["last"]["round"]["counts"];
            assert_eq!((&counts["intents"], &counts["differences"]), (&json!(250), &json!(250)), "hop {hop}");
            // The page that the dead turn was at; and once more by Lambda's retry, which meets the next turn and loses.
            let asked = lists(&town).len() - before;
            assert!((3..=5).contains(&asked), "hop {hop}: {asked} pages were asked for");
            let mails = town.mails_of_differences().len();
            assert!((1..=2).contains(&mails), "hop {hop}: {mails} mails");
            let was_killed = town.journal.records().iter().any(|record| {
                matches!(&record.event, Event::Function(FunctionEvent::Failed { how: FailedBy::Crash, .. }))
            });
            resumed += usize::from(asked > 3);
            was_killed
        });
        if !killed {
            assert!(resumed >= 3, "it was killed at a page {resumed} times");
            return;
        }
    }
    panic!("the turn has more hops than were tried");
}

/// Charges so many payments that have no row, now.
async fn charge_many_now(town: &Town, many: u64) {
    for n in 0..many {
        town.pass_ms(50).await;
        town.charge_at_stripe(&format!("amount=1999&currency=eur&metadata[payment_id]=new-{n}"));
    }
}

#[test]
fn an_outage_or_a_limit_holds_an_audit_up_and_loses_nothing() {
    let outage = "[{ kind = 'stripe-unavailable', from = '5m', for = '12m' }]";
    let limits = "[{ kind = 'stripe-throttled', operations = ['list'], rate = 0.7, from = '5m' }]";
    let silence = "[{ kind = 'stripe-timeout', operations = ['list'], rate = 0.7, from = '5m' }]";
    let garbage = "[{ kind = 'stripe-garbage', operations = ['list'], rate = 0.7, from = '5m' }]";
    let table = "[{ kind = 'ledger-throttled', operations = ['BatchGetItem'], rate = 0.9, from = '5m' }]";
    for faults in [outage, limits, silence, garbage, table] {
        in_town(faults, async |town| {
            charge_many(&town, 250);
            // The daily one sees them first, and tells.
            town.pass_s(6 * 60).await;
            assert_eq!(town.mails_of_differences().len(), 1, "{faults}");
            assert!(town.order_audit("1h").await.contains("has begun"));
            town.pass_s(2 * 60).await;
            let hindered = town.status().await["audit"]["phase"].clone();
            town.pass_s(40 * 60).await;
            let audit = town.status().await["audit"].clone();
            let round = &audit["last"]["round"];
            assert_eq!(round["counts"]["differences"], 250, "{faults}: {hindered}");
            assert_eq!(round["asked"]["by"], "ada");
            if faults == outage {
                assert_eq!(hindered["hindered_by"], "provider_error");
            }
            assert!(lists(&town).len() > 6 || faults == table, "{faults}: it was hindered");
        });
    }
}

#[test]
fn an_open_incident_holds_up_the_daily_audit_and_not_one_that_is_ordered() {
    let outage =
        "[{ kind = 'stripe-unavailable', operations = ['create', 'confirm', 'probe'], for = '30m' }]";
    in_town(outage, async |town| {
        for n in 0..10 {
            town.send(&payment(&format!("order-{n}"), 1_999));
        }
        town.pass_s(10 * 60).await;
        assert_ne!(town.status().await["recovery"]["phase"]["name"], "quiet");
        let listed = lists(&town).len();
        assert!(town.order_audit("1h").await.contains("has begun"));
        town.pass_s(2 * 60).await;
        assert_eq!(lists(&town).len(), listed + 1);
    });
}

#[test]
fn an_order_says_what_will_happen_and_a_second_one_that_it_must_wait() {
    in_town("[]", async |town| {
        town.pass_s(120).await;
        let (first, second) = (town.order_audit("48h").await, town.order_audit("7d").await);
        assert!(
            first.starts_with("an audit of the last 2d has begun; the turns of the schedule carry it on")
        );
        assert!(second.starts_with("nothing was started: an audit is under way"), "{second}");
        let bad = town.order_audit("2 weeks").await;
        assert!(bad.starts_with("since: it is no span; accepted: a whole number with s, m, h or d"), "{bad}");
        assert!(town.status().await["audit"]["phase"]["window"]["until_s"].is_i64());
    });
}
