//! A responder that has nothing to do, or cannot do what it has to.

use crate::town::{Town, in_town, payment};

/// Hops of two calls.
const TWO_CALLS: u64 = 4;

/// How long a stack that was just deployed is not quiet, seconds: its alarms say how they find it, an event each.
const SETTLING_S: u64 = 5 * 60;

/// The turns of a settled stack while `quiet` goes on.
async fn turns_during(town: &Town, quiet: impl AsyncFnOnce(&Town)) -> Vec<u64> {
    town.pass_s(SETTLING_S).await;
    let before = town.hops_of_turns().len();
    quiet(town).await;
    town.hops_of_turns().split_off(before)
}

#[test]
fn a_quiet_turn_makes_at_most_two_calls() {
    in_town("[]", async |town| {
        let turns = turns_during(&town, async |town| town.pass_s(40 * 60).await).await;
        assert_eq!(turns.len(), 40);
        assert!(turns.iter().all(|hops| (1..=TWO_CALLS).contains(hops)), "{turns:?}");
        assert!(town.mails().is_empty());
    });
}

#[test]
fn payments_that_settle_make_a_turn_no_dearer() {
    in_town("[]", async |town| {
        let turns = turns_during(&town, async |town| {
            for n in 0..120 {
                town.send(&payment(&format!("order-{n}"), 1_999));
                town.pass_s(20).await;
            }
        });
        let turns = turns.await;
        assert!(turns.iter().all(|hops| (1..=TWO_CALLS).contains(hops)), "{turns:?}");
    });
}

#[test]
fn a_turn_that_finds_something_looks_at_everything() {
    in_town("[]", async |town| {
        let turns = turns_during(&town, async |town| {
            town.send("PYMT_FAILED");
            town.pass_s(2 * 60).await;
        });
        assert!(turns.await.iter().any(|hops| *hops > TWO_CALLS));
        assert!(town.mails()[0].contains("waiting"), "{:?}", town.mails());
    });
}

#[test]
fn a_responder_that_may_not_show_dead_letters_again_is_not_silent_about_it() {
    in_town("[]", async |town| {
        town.refuse_to_show_dead_letters();
        town.send("PYMT_FAILED");
        town.pass_s(20 * 60).await;
        let mails = town.mails();
        assert!(mails.iter().any(|subject| subject.contains("ResponderFailing")), "{mails:?}");
        assert_eq!(town.dead_letters().len(), 1);
    });
}
