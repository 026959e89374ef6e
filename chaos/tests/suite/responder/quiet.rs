//! A responder that has nothing to do, or cannot do what it has to.

use crate::responder::town::{Town, in_town, payment};
use chaos::cloud::sns::SubscriptionState;

/// Hops of three calls.
const THREE_CALLS: u64 = 6;
/// And of a fourth, which asks who listens.
const FOUR_CALLS: u64 = 8;

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

/// Turns that made more than three calls.
fn dearer(turns: &[u64]) -> usize {
    turns.iter().filter(|hops| **hops > THREE_CALLS).count()
}

#[test]
fn a_quiet_turn_makes_at_most_three_calls_and_a_fourth_every_ten_minutes() {
    in_town("[]", async |town| {
        let turns = turns_during(&town, async |town| town.pass_s(40 * 60).await).await;
        assert_eq!(turns.len(), 40);
        assert!(turns.iter().all(|hops| (1..=FOUR_CALLS).contains(hops)), "{turns:?}");
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
        assert!(turns.iter().all(|hops| (1..=FOUR_CALLS).contains(hops)), "{turns:?}");
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
        assert!(turns.await.iter().any(|hops| *hops > FOUR_CALLS));
        assert!(town.mails()[0].contains("waiting"), "{:?}", town.mails());
    });
}

/// How long a payment whose delivery was killed may hold an incident open once it is settled, minutes: the last turn that
/// finds it unsettled, three calm ones, and the mail's way.
const OVER_MINUTES_MAX: u64 = 5;

/// Minutes until as many mails have arrived; an hour and no more.
async fn minutes_until(town: &Town, arrived: impl Fn(&Town) -> bool) -> u64 {
    for minute in 0..60 {
        if arrived(town) {
            return minute;
        }
        town.pass_s(60).await;
    }
    panic!("not within an hour: {:?}", town.mails());
}

#[test]
fn an_incident_is_over_as_soon_where_several_containers_take_turns() {
    in_town("[]", async |town| {
        let turns = turns_during(&town, async |town| {
            // As many orders at once as there shall be containers; then time for each to find everything quiet.
            let ask = || town.status();
            tokio::join!(ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask());
            town.pass_s(30 * 60).await;
            town.kill_the_next_delivery_at(4);
            town.send(&payment("order-killed", 1_999));
            let opened = minutes_until(town, |town| !town.mails().is_empty()).await;
            assert!(town.mails()[0].contains("waiting"), "{opened}: {:?}", town.mails());
            minutes_until(town, |town| town.charges().iter().any(|paid| paid == "order-killed")).await;
            let over = minutes_until(town, |town| town.mails().len() > 1).await;
            assert!(town.mails()[1].contains("resolved"), "{:?}", town.mails());
            assert!(over <= OVER_MINUTES_MAX, "over {over} min after its payment was charged");
        });
        assert!(Box::pin(turns).await.len() > 10);
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
