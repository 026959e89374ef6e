//! A responder that has nothing to do, or cannot do what it has to.

use crate::responder::town::{Town, in_town, payment};
use chaos::cloud::sns::SubscriptionState;

/// Hops of two calls.
const TWO_CALLS: u64 = 4;
/// And of a third, which asks who listens.
const THREE_CALLS: u64 = 6;

/// What the second channel hears of a stack that is new and well, and once the mails are read again.
const WELL: &str = "OK: \"payments-NobodyListens\" in EU (Frankfurt)";

/// How often that is asked in 40 minutes, each of two containers for itself.
const ASKS_MAX: usize = 8;

/// How long a stack that was just deployed, and a stack that charged its first payment, is not quiet, seconds: its alarms
/// say how they find it, an event each.
const SETTLING_S: u64 = 5 * 60;

/// The turns of a settled stack while `quiet` goes on.
async fn turns_during(town: &Town, quiet: impl AsyncFnOnce(&Town)) -> Vec<u64> {
    town.send(&payment("order-first", 1_999));
    town.pass_s(SETTLING_S).await;
    let before = town.hops_of_turns().len();
    quiet(town).await;
    town.hops_of_turns().split_off(before)
}

/// Turns that made more than two calls.
fn dearer(turns: &[u64]) -> usize {
    turns.iter().filter(|hops| **hops > TWO_CALLS).count()
}

#[test]
fn a_quiet_turn_makes_at_most_two_calls_and_a_third_every_ten_minutes() {
    in_town("[]", async |town| {
        let turns = turns_during(&town, async |town| town.pass_s(40 * 60).await).await;
        assert_eq!(turns.len(), 40);
        assert!(turns.iter().all(|hops| (1..=THREE_CALLS).contains(hops)), "{turns:?}");
        assert!((1..=ASKS_MAX).contains(&dearer(&turns)), "every ten minutes it asks who listens: {turns:?}");
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
        assert!(turns.iter().all(|hops| (1..=THREE_CALLS).contains(hops)), "{turns:?}");
        assert!((1..=ASKS_MAX).contains(&dearer(&turns)), "{turns:?}");
    });
}

#[test]
fn a_turn_that_finds_something_looks_at_everything() {
    in_town("[]", async |town| {
        let turns = turns_during(&town, async |town| {
            town.send("PYMT_FAILED");
            town.pass_s(2 * 60).await;
        });
        assert!(turns.await.iter().any(|hops| *hops > THREE_CALLS));
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

#[test]
fn a_stack_that_nobody_listens_to_says_so_on_the_second_channel_until_somebody_does() {
    in_town("[]", async |town| {
        town.pass_s(SETTLING_S).await;
        town.readers_are(SubscriptionState::Deleted);
        town.pass_s(15 * 60).await;
        assert_eq!(town.mails(), Vec::<String>::new(), "nobody reads mails");
        assert_eq!(town.pages(), [WELL, "ALARM: \"payments-NobodyListens\" in EU (Frankfurt)"]);
        town.readers_are(SubscriptionState::Confirmed);
        town.pass_s(6 * 60).await;
        assert_eq!(town.pages().last().map(String::as_str), Some(WELL));
    });
}

#[test]
fn what_needs_somebody_at_once_goes_to_the_second_channel_as_well() {
    in_town("[{ kind = 'stripe-unauthorized', rate = 1.0 }]", async |town| {
        town.pass_s(SETTLING_S).await;
        for n in 0..20 {
            town.send(&payment(&format!("order-{n}"), 1_999));
        }
        town.pass_s(30 * 60).await;
        let urgent = |subjects: Vec<String>| -> Vec<String> {
            subjects.into_iter().filter(|subject| subject.contains("ACTION NEEDED")).collect()
        };
        let mailed = urgent(town.mails());
        assert!(!mailed.is_empty(), "a key that is refused needs somebody");
        assert_eq!(urgent(town.pages()), mailed);
        assert_eq!(town.pages().len(), mailed.len() + 1, "and nothing else does but the state of the mails");
    });
}
