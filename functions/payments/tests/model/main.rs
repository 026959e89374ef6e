//! An exhaustive search over the charge protocol.
//!
//! Every interleaving of concurrent deliveries of one message, with a bounded number of faults anywhere: crashes,
//! lost answers, failures before the effect, stored 500s, 500s that are rolled forward late, pruned keys, an
//! intent canceled from outside, a quarantine released by a human. The deliveries are the very state machines
//! that run on Lambda, and the row changes through [`Row::apply`]; only the world around them is modelled here.
//!
//! In no reachable state is a payment charged twice, is money moved behind a declined or quarantined row, or is a
//! message acknowledged while its row is open; and from every state at rest, fault-free deliveries settle it.

mod world;

use payments::UnixMs;
use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use world::{Copy, World};

const NOW: UnixMs = UnixMs(1_000_000);

/// How the card answers a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Card {
    Good,
    Declined,
    /// Declined softly at first; then as the issuer pleases, for good or not at all.
    Soft,
    /// The network takes its time: the intent is processing, then succeeds or is declined.
    Slow,
    WantsCustomer,
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
    past: Past,
    rules: Rules,
}

/// What the row says of earlier deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// Outages explain them.
    Explained,
    /// Once an intent is recorded nothing does, so every later delivery takes the payment for poison.
    Poisonous,
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
    let mut seen = HashSet::from([digest(&start)]);
    let mut frontier = VecDeque::from([(start, 0)]);
    while let Some((world, depth)) = frontier.pop_front() {
        found.states += 1;
        let outcome = world.check().and_then(|()| {
            if world.is_at_rest() {
                found.at_rest += 1;
                settles_without_faults(&world, scenario)?;
            }
            world.successors(scenario)
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
                        .filter(|world| seen.insert(digest(world)))
                        .map(|world| (world, depth + 1)),
                );
            }
        }
    }
    found
}

/// Delivers the message again and again, one delivery at a time and without faults.
fn settles_without_faults(world: &World, scenario: Scenario) -> Result<(), Violation> {
    let mut world = world.clone();
    world.faults = 0;
    if !world.copies.contains(&Copy::Queued) {
        return world.row.is_none_or(|row| row.state.is_unsettled()).then_some("lost").map_or(Ok(()), Err);
    }
    world.copies = vec![Copy::Queued];
    for _ in 0..4 {
        world.starts = 1;
        while !(world.is_at_rest() && world.starts == 0) {
            // The last successor is the one without a fault; surroundings come after it, so a slow network
            // answers before the next delivery begins.
            let Some(next) = world.successors(scenario)?.pop() else { break };
            world = next;
            world.check()?;
        }
        if world.copies == [Copy::Gone] {
            return Ok(());
        }
    }
    Err("does not settle although nothing fails")
}

fn digest(world: &World) -> (u64, u64) {
    let mut one = DefaultHasher::new();
    world.hash(&mut one);
    let mut two = DefaultHasher::new();
    (world, 1).hash(&mut two);
    (one.finish(), two.finish())
}

fn scenario(card: Card, copies: u8, starts: u8, faults: u8) -> Scenario {
    Scenario { card, copies, starts, faults, past: Past::Explained, rules: Rules::AsWritten }
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
    for card in [Card::Good, Card::Declined, Card::Soft, Card::Slow, Card::WantsCustomer] {
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
        holds(Scenario { past: Past::Poisonous, ..scenario(card, 2, 3, 2) });
    }
}

#[test]
fn putting_the_whole_item_in_step_3_is_noticed() {
    is_noticed(Scenario { rules: Rules::WholeItemInStep3, ..scenario(Card::Good, 2, 3, 2) }, "charged twice");
}

#[test]
fn declining_without_the_fence_is_noticed() {
    is_noticed(
        Scenario { rules: Rules::NoFence, ..scenario(Card::Soft, 2, 3, 1) },
        "declined, but money moved",
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
