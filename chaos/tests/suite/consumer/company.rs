//! Poison in company: a container that dies takes all payments with it that it works on, and only the culprit is to
//! be held to account.

use crate::consumer::VISA;
use crate::consumer::town::{DEAD_LETTERS, Plan, SOURCE, Town, fault, in_town, payment, until};
use chaos::faults::{Kind, Window};
use chaos::journal::{Event, FaultFired};
use std::collections::BTreeSet;

/// What Stripe's answers are deadly for.
fn culprits(town: &Town) -> BTreeSet<String> {
    let poisoned = |event: &Event| match event {
        Event::Fault(FaultFired { fault: Kind::Poison, on, .. }) => Some(on.clone()),
        _ => None,
    };
    town.journal.records().iter().filter_map(|record| poisoned(&record.event)).collect()
}

fn send_batch(town: &Town, payments: usize) {
    for n in 0..payments {
        town.send(&payment(&format!("order-{n}"), 1999, VISA));
    }
}

/// Sends payments at once, of which a share is poison: the culprits end in one of these states, all others settled, and
/// nothing is dead-lettered that was settled.
fn end_of_a_batch(payments: usize, share: f64, guilty_ends: &[&str]) {
    let faults = vec![fault(Kind::Poison, share, Window::ALWAYS)];
    in_town(Plan { faults, ..Plan::default() }, async |town| {
        send_batch(&town, payments);
        town.pass_s(2 * 3_600).await;
        let culprits = culprits(&town);
        assert!(!culprits.is_empty() && culprits.len() < payments, "{culprits:?}");
        assert_eq!(town.states().len(), payments);
        for (payment, state) in town.states() {
            let accepted = if culprits.contains(&payment) { guilty_ends } else { &["succeeded"] };
            assert!(accepted.contains(&state.as_str()), "{payment}: {state}");
        }
        assert!(town.quarantined().iter().all(|copy| copy["quarantine_reason"] == "poison"));
        assert!(town.held(SOURCE).is_empty());
        let dead = town.held(DEAD_LETTERS);
        for (payment, state) in town.states() {
            let is_dead = dead.iter().any(|held| held.content.body.contains(&format!("\"{payment}\"")));
            assert_eq!(is_dead, state == "received", "{payment}: {state}");
        }
    });
}

#[test]
fn the_culprit_of_a_fatal_batch_is_quarantined_and_its_company_settled() {
    end_of_a_batch(10, 0.05, &["quarantined"]);
}

#[test]
fn however_many_culprits_share_a_batch_their_company_settles() {
    // Some culprits are dead-lettered before they had four turns; after a redrive they would go on from there.
    end_of_a_batch(20, 0.3, &["quarantined", "received"]);
}

#[test]
fn suspects_that_get_no_turn_before_the_deadline_go_back_uncounted() {
    // All ten are under way when the container dies; then Stripe is silent, and each costs its whole time-out.
    let plan =
        Plan { kill_first_at: Some(25), faults: until(Kind::StripeTimeout, 900_000), ..Plan::default() };
    in_town(plan, async |town| {
        send_batch(&town, 10);
        town.pass_s(359).await;
        assert_eq!(tried_once(&town), 10);
        town.pass_s(44).await;
        // Four began while there was time for two calls.
        assert_eq!(tried_once(&town), 6);
        assert_eq!(town.attributes("last_error").len(), 4);
        town.pass_s(2 * 3_600).await;
        assert!(town.quarantined().is_empty());
    });
}

/// Rows that have seen one delivery.
fn tried_once(town: &Town) -> usize {
    town.attributes("attempts").values().filter(|counted| *counted == "1").count()
}
