//! An exhaustive search over the charge protocol.
//!
//! Every interleaving of concurrent deliveries of one message, with a bounded number of faults anywhere: crashes,
//! lost answers, calls that fail before their effect or have it at any later time, stored 500s, refusals, throttling, keys
//! that are spent or pruned, look-ups that lag, an intent that is missing or canceled from outside, a customer who
//! authenticates, money that somebody fetches, a lost race against an own write, a past that makes the payment poison, a
//! quarantine released by a human, an event of the provider's that has the payment looked up. The deliveries are the very state machines that run on Lambda, and the row changes
//! through [`Row::apply`]; only the world around them is modelled here.
//!
//! In no reachable state is a payment charged twice; is a row declined or quarantined while its intent is not canceled; has
//! anybody asked for the money of an intent that the row does not name (so one that a create makes late, after the row
//! was settled without it, never charges, although nothing cancels it); is the card asked more often than it may be; or is
//! a message acknowledged while its row is open. From every state at rest, fault-free deliveries settle it.

mod book;
mod digest;
mod look;
mod world;

use payments::UnixMs;
use payments::limits::CONFIRMS_MAX;
use std::collections::{HashSet, VecDeque};
use world::{Copy, World};

const NOW: UnixMs = UnixMs(1_000_000);

/// How the card answers a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Card {
    Good,
    Declined,
    /// Declined softly as often as the issuer pleases; then for good or not at all.
    Soft,
    /// The network takes its time: the intent is processing, then succeeds or is declined.
    Slow,
    /// The customer has to act, and may, as long as the intent is open.
    WantsCustomer,
    /// The money is only held, and somebody may fetch it.
    Holds,
}

/// What is searched.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    card: Card,
    /// Copies of the message that may be delivered at once.
    copies: u8,
    /// Deliveries in all.
    starts: u8,
    /// Faults in all, of any kind.
    faults: u8,
    /// Events of the provider's in all, each at any time; what they say is not looked at.
    events: u8,
    past: Past,
    words: Words,
    rules: Rules,
}

/// What the row says of earlier deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// Outages explain them.
    Explained,
    /// Perhaps nothing does: any delivery may take the payment for poison, the first as well.
    MayBePoisonous,
}

/// How the payment would be put into words today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    AsBefore,
    /// A deployment since the row was made puts it otherwise.
    New,
}

/// The world's rules, or one of them broken: the search must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    AsWritten,
    /// Step 3 puts the whole item that was read, without a condition.
    WholeItemInStep3,
    /// A declined or quarantined row is written without canceling the intent.
    NoFence,
    /// A failed condition is ignored: the conclusion is written over whatever is there.
    NoVersion,
    /// An event is believed: what it names has succeeded.
    BelievesEvents,
    /// A message is acknowledged although its delivery says to hand it back.
    AcknowledgeOnError,
}

type Violation = &'static str;

/// What a search found.
#[derive(Debug)]
struct Found {
    states: usize,
    at_rest: usize,
    violation: Option<(Violation, usize)>,
}

/// Breadth first, so that a violation comes with the fewest moves that lead to it. Stops at the first violation,
/// or, with `only`, at the first of that kind.
fn search(scenario: Scenario, only: Option<Violation>) -> Found {
    let mut found = Found { states: 0, at_rest: 0, violation: None };
    let start = World::new(scenario);
    let mut seen = HashSet::from([digest::of(&start)]);
    let mut frontier = VecDeque::from([(start, 0)]);
    while let Some((world, depth)) = frontier.pop_front() {
        found.states += 1;
        let outcome = world.check(scenario).and_then(|()| {
            if world.is_at_rest() {
                found.at_rest += 1;
                settles_without_faults(&world, scenario)?;
            }
            Ok(world.successors(scenario))
        });
        match outcome {
            Err(violation) if only.is_none_or(|only| only == violation) => {
                found.violation = Some((violation, depth));
                return found;
            }
            Err(_) => {}
            Ok(next) => {
                frontier.extend(
                    next.into_iter()
                        .filter(|world| seen.insert(digest::of(world)))
                        .map(|world| (world, depth + 1)),
                );
            }
        }
    }
    found
}

/// Delivers the message again and again, one delivery at a time and without faults; what is still to happen by itself does
/// not. The banks decide in between.
fn settles_without_faults(world: &World, scenario: Scenario) -> Result<(), Violation> {
    if !world.copies.contains(&Copy::Queued) {
        return world
            .row
            .as_ref()
            .is_none_or(|row| row.state.is_unsettled())
            .then_some("lost")
            .map_or(Ok(()), Err);
    }
    let mut world = World { faults: 0, copies: vec![Copy::Queued], ..world.clone() };
    for _ in 0..=CONFIRMS_MAX {
        world.starts = 1;
        world.book.decide();
        while let Some(next) = world.by_deliveries(scenario).into_iter().next() {
            world = next;
            world.check(scenario)?;
        }
        if world.copies == [Copy::Gone] {
            return Ok(());
        }
    }
    Err("does not settle although nothing fails")
}

fn scenario(card: Card, copies: u8, starts: u8, faults: u8) -> Scenario {
    let (past, words, rules) = (Past::Explained, Words::AsBefore, Rules::AsWritten);
    Scenario { card, copies, starts, faults, events: 0, past, words, rules }
}

fn holds(scenario: Scenario) {
    let found = search(scenario, None);
    println!("{scenario:?}: {} states, {} at rest", found.states, found.at_rest);
    assert_eq!(found.violation, None, "{scenario:?}");
    assert!(found.at_rest > 0, "a search that never comes to rest proves nothing");
}

fn is_noticed(scenario: Scenario, expected: Violation) {
    let found = search(scenario, Some(expected));
    let (violation, moves) = found.violation.expect("the broken rule is noticed");
    println!("{:?}: {violation} in {moves} moves, {} states", scenario.rules, found.states);
}

#[test]
fn two_deliveries_and_any_two_faults_never_charge_twice_or_lose_a_payment() {
    for card in [Card::Good, Card::Declined, Card::Soft, Card::Slow, Card::WantsCustomer, Card::Holds] {
        holds(scenario(card, 2, 3, 2));
    }
}

#[test]
fn two_deliveries_and_any_three_faults_never_charge_a_good_card_twice() {
    holds(scenario(Card::Good, 2, 3, 3));
}

#[test]
fn three_deliveries_and_any_fault_never_charge_twice_or_lose_a_payment() {
    for card in [Card::Good, Card::Declined, Card::Soft] {
        holds(scenario(card, 3, 3, 1));
    }
}

#[test]
fn poison_and_its_release_never_charge_twice_or_lose_a_payment() {
    for card in [Card::Good, Card::Declined, Card::Slow] {
        holds(Scenario { past: Past::MayBePoisonous, ..scenario(card, 2, 3, 2) });
    }
}

#[test]
fn a_deployment_that_words_payments_anew_never_charges_twice_or_loses_one() {
    holds(Scenario { words: Words::New, ..scenario(Card::Good, 2, 3, 2) });
}

#[test]
fn one_delivery_after_another_and_any_three_faults_never_charge_twice_or_lose_a_payment() {
    for card in [Card::Good, Card::Declined, Card::Soft, Card::Slow, Card::WantsCustomer, Card::Holds] {
        holds(Scenario { past: Past::MayBePoisonous, words: Words::New, ..scenario(card, 1, 4, 3) });
    }
}

#[test]
fn a_card_that_is_declined_for_now_is_asked_no_more_often_than_it_may_be() {
    holds(scenario(Card::Soft, 1, 5, 2));
}

#[test]
fn an_event_at_any_time_beside_two_deliveries_never_charges_twice_or_loses_a_payment() {
    for card in [Card::Good, Card::Declined, Card::Slow] {
        holds(Scenario { events: 1, ..scenario(card, 2, 2, 2) });
    }
    holds(Scenario { events: 1, ..scenario(Card::WantsCustomer, 2, 2, 1) });
}

#[test]
fn two_events_and_any_two_faults_never_charge_twice_or_lose_a_payment() {
    for card in [Card::Good, Card::Declined, Card::Soft, Card::Slow, Card::WantsCustomer, Card::Holds] {
        holds(Scenario { events: 2, ..scenario(card, 1, 2, 2) });
    }
}

#[test]
fn believing_an_event_is_noticed() {
    let rules = Rules::BelievesEvents;
    is_noticed(
        Scenario { events: 1, rules, ..scenario(Card::Good, 1, 2, 1) },
        "succeeded, but no money moved",
    );
}

#[test]
fn putting_the_whole_item_in_step_3_is_noticed() {
    is_noticed(Scenario { rules: Rules::WholeItemInStep3, ..scenario(Card::Good, 2, 3, 2) }, "charged twice");
}

#[test]
fn declining_without_the_fence_is_noticed() {
    is_noticed(
        Scenario { rules: Rules::NoFence, ..scenario(Card::Soft, 2, 3, 1) },
        "settled without a charge, but the intent may still charge",
    );
}

#[test]
fn settling_whatever_version_was_read_is_noticed() {
    is_noticed(
        Scenario { rules: Rules::NoVersion, ..scenario(Card::Good, 2, 3, 2) },
        "quarantined, but money moved",
    );
}

#[test]
fn acknowledging_on_an_error_is_noticed() {
    is_noticed(
        Scenario { rules: Rules::AcknowledgeOnError, ..scenario(Card::Good, 2, 3, 1) },
        "acknowledged an open payment",
    );
}
