//! What happens to Stripe's own events on their way: each kind shows, and none of it costs anything but time.

use crate::faults::{assert_passes, fired, run_text};
use chaos::faults::Kind;
use chaos::journal::{Event, StripeEvent};
use chaos::world::History;
use payments::UnixMs;
use std::collections::BTreeMap;

/// Half of the confirms are done and not answered, and so are most look-ups, so that many rows wait with an intent on record
/// when an event comes; and some cards are declined.
const LOST: &str = "{ kind = 'stripe-lost-answer', operations = ['confirm'], rate = 0.5, for = '30m' },
    { kind = 'stripe-unavailable', operations = ['retrieve'], rate = 0.6, for = '30m' },
    { kind = 'declined', rate = 0.2, for = '30m' }";

/// Sixty payments in twenty minutes, while Stripe's events suffer this.
fn heard(fault: &str) -> History {
    let fault = format!("{{ {fault}, for = '30m' }}");
    let text = format!(
        "parameters = {{ StripeEventBus = 'aws.partner/stripe.com/ed_test_1' }}
         workload = {{ payments = 60, over = '20m' }}
         fault = [{LOST}, {fault}]"
    );
    let history = run_text(&text, 1);
    assert_passes(&history, &fault);
    history
}

/// When Stripe told of it, by what happened and to whom; forged events left out.
fn told(history: &History) -> BTreeMap<(&str, &str), Vec<UnixMs>> {
    let mut told: BTreeMap<(&str, &str), Vec<UnixMs>> = BTreeMap::new();
    for record in &history.records {
        if let Event::Stripe(StripeEvent::Told { what, intent, fault, .. }) = &record.event
            && *fault != Some(Kind::EventsForged)
            && what != "payment_intent.created"
        {
            told.entry((what, intent)).or_default().push(record.at);
        }
    }
    told
}

/// How long after each charge it was told of, ms; nothing where it was not.
fn delays_ms(history: &History) -> Vec<Option<i64>> {
    let told = told(history);
    let delay = |intent: &str, at: UnixMs| {
        told.get(&("payment_intent.succeeded", intent)).map(|told| told[0].since_ms(at))
    };
    history.book.iter().map(|movement| delay(&movement.intent, movement.at)).collect()
}

#[test]
fn every_charge_and_every_decline_is_told_of_once_and_soon() {
    let history = heard("kind = 'events-twice', nth = [1]");
    let delays = delays_ms(&history);
    assert!(delays.len() > 40 && delays.iter().all(|delay| delay.is_some_and(|ms| ms < 1_501)), "{delays:?}");
    let declined = history.ledger.iter().filter(|row| row.state == "declined").count();
    for what in ["payment_intent.payment_failed", "payment_intent.canceled"] {
        assert_eq!(told(&history).keys().filter(|(told, _)| *told == what).count(), declined, "{what}");
    }
    let twice = told(&history).values().filter(|told| told.len() == 2).count();
    assert_eq!((twice, fired(&history, Kind::EventsTwice)), (1, 1));
}

#[test]
fn an_event_that_never_comes_is_missed_by_nobody() {
    let history = heard("kind = 'events-lost', rate = 1.0");
    assert!(history.book.len() > 40 && told(&history).is_empty());
}

#[test]
fn an_event_that_comes_late_finds_its_payment_settled() {
    let history = heard("kind = 'events-late', rate = 1.0");
    let delays = delays_ms(&history);
    assert!(delays.iter().flatten().all(|ms| *ms >= 60_000), "{delays:?}");
    assert!(delays.iter().flatten().count() > 20, "most come before the run is over: {delays:?}");
}

#[test]
fn an_event_that_comes_twice_is_heard_twice_and_settles_once() {
    let history = heard("kind = 'events-twice', rate = 1.0");
    let told = told(&history);
    assert!(told.values().filter(|told| told.len() == 2).count() > 40, "{told:?}");
}

#[test]
fn events_that_overtake_each_other_are_all_the_same() {
    let history = heard("kind = 'events-reordered', rate = 0.5");
    let told = told(&history);
    let in_order = history.book.windows(2).filter(|pair| {
        let at = |index: usize| told.get(&("payment_intent.succeeded", pair[index].intent.as_str()));
        matches!((at(0), at(1)), (Some(one), Some(other)) if one[0] <= other[0])
    });
    let overtaken = history.book.len() - 1 - in_order.count();
    assert!(overtaken > 5, "{overtaken}");
}

#[test]
fn a_forged_event_costs_a_look_up_and_settles_nothing() {
    let history = heard("kind = 'events-forged', rate = 1.0");
    let forged = |claim: &str| {
        let is_forged = |event: &Event| match event {
            Event::Stripe(StripeEvent::Told { what, fault: Some(Kind::EventsForged), .. }) => what == claim,
            _ => false,
        };
        history.records.iter().filter(|record| is_forged(&record.event)).count()
    };
    for claim in ["payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"] {
        assert!(forged(claim) > 5, "{claim}");
    }
    let stranger = |event: &Event| match event {
        Event::Stripe(StripeEvent::Told { payment: Some(payment), .. }) => payment.ends_with("-forged"),
        _ => false,
    };
    assert!(history.records.iter().any(|record| stranger(&record.event)), "some name nobody's payment");
    assert!(history.ledger.iter().all(|row| !row.payment.ends_with("-forged")), "and make no row");
}
