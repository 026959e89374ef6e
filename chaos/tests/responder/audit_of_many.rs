//! A hundred thousand intents, audited by the responder as it is deployed, within what its function is given.

use crate::town::{START, in_town};
use chaos::journal::Event;
use payments::limits::TURN_S_MAX;
use std::collections::BTreeMap;

const MANY: i64 = 100_000;
/// From one charge to the next, ms: as fast as Stripe lets one endpoint go.
const APART_MS: i64 = 40;
/// Pages a second that an audit may ask for; see the responder's limits.
const PAGES_PER_S: usize = 2;

#[test]
fn a_hundred_thousand_intents_are_audited_within_the_functions_limits() {
    in_town("[]", async |town| {
        // The stack has settled: no alarm says any more how it finds things, so turns come one by one.
        town.pass_s(5 * 60).await;
        // Another program's, unpaid, all but a few: a row each would make this a test of the embedded database.
        for n in 0..MANY {
            let at = START.plus_ms(APART_MS * (n - MANY));
            if n % 10_000 == 0 {
                let form = format!("amount=1999&currency=eur&metadata[payment_id]=lost-{n}");
                town.charge_at_stripe_at(&form, at);
            } else {
                town.make_at_stripe_at("amount=1999&currency=eur", at);
            }
        }
        assert!(town.order_audit("2h").await.contains("has begun"));
        // Up to twelve turns until each container has looked at the record, and one for each fifty pages.
        town.pass_s(45 * 60).await;
        let audit = town.status().await["audit"]["last"].clone();
        let counts = &audit["round"]["counts"];
        assert_eq!((&counts["intents"], &counts["differences"]), (&MANY.into(), &10.into()));

        let mut lists: BTreeMap<i64, usize> = BTreeMap::new();
        let mut turns: BTreeMap<String, usize> = BTreeMap::new();
        let mut ends: Vec<&'static str> = Vec::new();
        for record in town.journal.records() {
            match record.event {
                Event::StripeCalled { operation: "list", request, .. } => {
                    *lists.entry(record.at.0 / 1_000).or_default() += 1;
                    *turns.entry(request).or_default() += 1;
                }
                Event::Failed { how, .. } => ends.push(how),
                _ => {}
            }
        }
        let took_s =
            (audit["ended_at"].as_i64().unwrap() - audit["round"]["began_at"].as_i64().unwrap()) / 1_000;
        let most = turns.values().max().copied().unwrap_or(0);
        let peak = lists.values().max().copied().unwrap_or(0);
        println!(
            "{} pages in {} turns, {most} at most in one; {took_s} s; at most {peak} calls in a second",
            lists.values().sum::<usize>(),
            turns.len()
        );
        assert_eq!(ends, [""; 0], "no turn ran out of its {TURN_S_MAX} s");
        assert_eq!(lists.values().sum::<usize>() as i64, MANY / 100 + 1, "the first daily one, and this");
        // A second of the calendar may hold one more than a second of the pace.
        assert!(peak <= PAGES_PER_S + 1, "{peak} pages in one second");
    });
}
