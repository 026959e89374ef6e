//! Durable functions beside ours, in the same outage: what `docs/durable.md` tells of them.
//!
//! Invariant: no figure of the page is typed; each is what these runs come to.

mod contestants;
mod context;
mod service;
mod stack;
mod tally;

use chaos::experiment::Experiment;
use chaos::journal::{Event, StripeEvent};
use chaos::world::own_template;
use contestants::{CONTESTANTS, Contestant, Start};
use std::fs;
use std::path::Path;
use tally::{Dark, Tally};

const SEED: u64 = 1;
const MIN: u64 = 60_000;

/// An outage an hour after the beginning: for ten minutes Stripe does what it is asked and answers nobody, and then it
/// is gone. Before it a tenth of all answers is lost for a while; from then on a tenth of all invocations is killed.
struct Outage {
    lasts_min: u64,
    /// Payments come so many minutes apart, until then.
    paces: &'static [(usize, u64)],
}

const BEGINS_MIN: u64 = 60;
const MUTE_MIN: u64 = 10;

const HALF_AN_HOUR: Outage = Outage { lasts_min: 30, paces: &[(1, 4 * 60)] };
/// An hour longer than Stripe keeps a key.
const TWENTY_FIVE_HOURS: Outage = Outage { lasts_min: 25 * 60, paces: &[(2, 2 * 60), (60, 28 * 60)] };

impl Outage {
    const fn dark(&self) -> Dark {
        Dark { from_ms: BEGINS_MIN * MIN, to_ms: (BEGINS_MIN + self.lasts_min) * MIN }
    }

    fn experiment(&self) -> Experiment {
        let mut at = Vec::new();
        for (apart_min, until_min) in self.paces {
            let from_min = at.last().copied().unwrap_or(0);
            at.extend((from_min..*until_min).step_by(*apart_min).skip(1));
        }
        let (payments, gone_from) = (at.len(), BEGINS_MIN + MUTE_MIN);
        let at: Vec<String> = at.into_iter().map(|min| format!("'{min}m'")).collect();
        let (at, gone_for) = (at.join(", "), self.lasts_min - MUTE_MIN);
        experiment(&format!(
            "workload = {{ payments = {payments}, at = [{at}] }}
             fault = [
               {{ kind = 'repeated', rate = 0.05 }},
               {{ kind = 'redelivered', rate = 0.05 }},
               {{ kind = 'crash', operations = ['consumer'], from = '{BEGINS_MIN}m', rate = 0.1 }},
               {{ kind = 'stripe-lost-answer', rate = 0.1, for = '45m' }},
               {{ kind = 'stripe-lost-answer', rate = 1.0, from = '{BEGINS_MIN}m', for = '{MUTE_MIN}m' }},
               {{ kind = 'stripe-unavailable', rate = 1.0, from = '{gone_from}m', for = '{gone_for}m' }},
             ]"
        ))
    }

    /// What it comes to for each contestant, and for ours at the end. The page has it in these words.
    fn tallies(&self) -> [Tally; 7] {
        let dark = self.dark();
        let of = |contestant: Contestant| {
            let (history, service) = stack::run(contestant, self.experiment(), SEED);
            // Behind a mapping it is the message that is kept, and an execution that failed keeps nothing.
            let kept = match contestant.start {
                Start::Mapping => Vec::new(),
                Start::Dispatcher => service.unsuccessful(),
            };
            Tally::of(&history, dark, &kept)
        };
        let [step, once, key, name, look, protocol] = CONTESTANTS.map(of);
        let ours = Tally::of(&stack::run_ours(self.experiment(), SEED), dark, &[]);
        let tallies = [step, once, key, name, look, protocol, ours];
        let names = CONTESTANTS.iter().map(|it| it.name).chain(["this repository"]);
        let rows: Vec<String> = names.zip(&tallies).map(|(name, tally)| tally.row(name)).collect();
        let table = rows.join("\n");
        let page = own_template().with_file_name("docs").join("durable.md");
        let page = fs::read_to_string(page).expect("the page is readable");
        assert!(page.contains(&table), "docs/durable.md should say:\n{table}");
        tallies
    }
}

fn experiment(text: &str) -> Experiment {
    Experiment::parse(Path::new("durable.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether each payment was charged, once, without anybody's help.
fn is_whole(tally: &Tally) -> bool {
    (tally.charged, tally.charged_twice, tally.left_to_humans) == (tally.payments, 0, 0)
}

#[test]
fn half_an_hour_is_outlived_by_all_whose_key_is_the_payments() {
    let [step, once, key, name, look, protocol, ours] = HALF_AN_HOUR.tallies();
    for tally in [&step, &once] {
        assert!(tally.charged_twice > 0, "a delivery is an execution: {tally:?}");
    }
    for tally in [&key, &name, &look, &protocol, &ours] {
        assert!(is_whole(tally), "{tally:?}");
    }
    assert_eq!((name.told_ms, look.told_ms, protocol.told_ms), (None, None, None), "nothing failed");
    assert!(ours.told_ms.is_some() && 2 * ours.calls_into_it < name.calls_into_it);
}

#[test]
fn a_day_is_outlived_by_those_who_look_or_confirm_what_they_wrote_down() {
    let [step, once, key, name, look, protocol, ours] = TWENTY_FIVE_HOURS.tallies();
    for tally in [&step, &once, &key] {
        assert!(tally.left_to_humans > 0 && tally.left_and_charged > 0, "they give up: {tally:?}");
    }
    assert!(name.charged_twice > 0, "its key is forgotten: {name:?}");
    for tally in [&look, &protocol, &ours] {
        assert!(is_whole(tally), "{tally:?}");
    }
    assert!(ours.told_ms.is_some() && 10 * ours.calls_into_it < look.calls_into_it);
    assert!(protocol.last_back_ms < ours.last_back_ms, "the page says that they come back sooner");
    for tally in [&step, &once, &key, &name, &look, &protocol, &ours] {
        assert_eq!(tally.lost, 0, "{tally:?}");
    }
}

/// What one payment comes to when an invocation is killed at one of its hops; the first is the mapping's, or the
/// dispatcher's. Charges, calls, executions.
fn killed(contestant: &str, nth: u32, hop: u32) -> (usize, usize, usize) {
    let contestant = CONTESTANTS.into_iter().find(|it| it.name == contestant).expect("there is one");
    let crash = format!("{{ kind = 'crash', operations = ['consumer'], nth = [{nth}], hop = {hop} }}");
    let text = format!("workload = {{ payments = 1, over = '1m' }}\nfault = [{crash}]");
    let (history, service) = stack::run(contestant, experiment(&text), SEED);
    assert_eq!(history.faults[0].fired, 1, "the invocation comes so far");
    let calls =
        history.records.iter().filter(|it| matches!(it.event, Event::Stripe(StripeEvent::Called { .. })));
    (history.book.len(), calls.count(), service.count())
}

#[test]
fn what_is_in_the_log_is_not_done_again() {
    // Behind the checkpoint of the charge.
    assert_eq!(killed("a key made in a step", 2, 6), (1, 1, 1));
}

#[test]
fn a_step_that_was_interrupted_is_run_again_in_the_same_execution() {
    // Behind the charge: the step is run again, under the same key.
    assert_eq!(killed("a key made in a step", 2, 4), (1, 2, 1));
}

#[test]
fn at_most_once_ends_with_the_execution_and_the_next_delivery_begins_another() {
    assert_eq!(killed("at most once, no key", 2, 4), (2, 2, 2));
}

#[test]
fn a_name_begins_one_execution_however_often_it_is_dispatched() {
    // Behind the dispatch, which is not acknowledged.
    assert_eq!(killed("… and as name, retried for days", 1, 2), (1, 1, 1));
}

#[test]
fn the_same_seed_is_the_same_run() {
    let [_, _, _, name, ..] = CONTESTANTS;
    let [one, other] = [(); 2].map(|()| stack::run(name, HALF_AN_HOUR.experiment(), SEED).0.records);
    assert!(one == other);
}
