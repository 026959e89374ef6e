//! The story of a run: the few events a reader needs to understand what happened, in order of simulated time.
//!
//! Invariant: every line is a fact of the journal, with its instant.

use super::incident;
use crate::checks::{Evidence, Meaning, Message};
use crate::faults::{Fault, Kind, Rate, Tally, When};
use crate::journal::{Event, FunctionEvent, QueueEvent, StripeEvent};
use crate::random::Chance;
use crate::units::{count, counted, duration_ms, percent};
use crate::world::Ending;
use payments::UnixMs;

/// One line of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// When.
    pub(super) at: UnixMs,
    /// What.
    pub(super) text: String,
}

/// The story.
pub(super) fn of(evidence: &Evidence<'_>) -> Vec<Told> {
    let mut lines = Vec::new();
    lines.extend(producer(evidence));
    for tally in &evidence.history.faults {
        lines.extend(fault(evidence, tally));
    }
    lines.extend(first_handed_back(evidence));
    lines.extend(dead_letters(evidence));
    lines.extend(incident::lines(evidence));
    lines.extend(last_survivor(evidence));
    lines.push(ending(evidence));
    lines.sort_by_key(|told| told.at);
    lines
}

fn producer(evidence: &Evidence<'_>) -> Vec<Told> {
    let sent = &evidence.history.sent;
    let (Some(first), Some(last)) = (sent.first(), sent.last()) else { return Vec::new() };
    let all = counted(sent.len() as u64, "message");
    let begins = Told { at: first.at, text: format!("the first of {all} is sent") };
    let ends = Told { at: last.at, text: "the last message is sent".to_owned() };
    if sent.len() == 1 { vec![begins] } else { vec![begins, ends] }
}

fn fault(evidence: &Evidence<'_>, tally: &Tally) -> Vec<Told> {
    let history = evidence.history;
    let (kind, window) = (tally.fault.kind, tally.fault.window);
    let begins = history.instant(window.from_ms);
    let mut text = format!("{} begins {}", named(&tally.fault), often(&tally.fault.when));
    if window.until_ms < u64::MAX {
        text.push_str(&format!(", for {}", duration_ms(window.until_ms.saturating_sub(window.from_ms))));
    }
    let mut lines = vec![Told { at: begins, text }];
    let ends = history.instant(window.until_ms);
    if ends <= history.ended {
        let text = format!("{} ends; it fired {}", named(&tally.fault), counted(tally.fired, "time"));
        lines.push(Told { at: ends, text: text + &traffic(evidence, kind, begins, ends) });
    }
    lines
}

/// The kind, and the placement where it is not the usual one.
pub(super) fn named(fault: &Fault) -> String {
    let usual = fault.kind.describe().placements.first().copied();
    let placement = fault.placement.filter(|placement| Some(*placement) != usual);
    placement
        .map_or_else(|| fault.kind.to_string(), |placement| format!("{}/{}", fault.kind, placement.name()))
}

/// `at a rate of 30 %`, and so on.
pub(super) fn often(when: &When) -> String {
    let listed = |chances: &[Chance], between: &str| {
        let shares: Vec<String> = chances.iter().map(|chance| share(chance.ppm())).collect();
        shares.join(between)
    };
    match when {
        When::Rate(Rate::Steady(chance)) => format!("at a rate of {}", share(chance.ppm())),
        When::Rate(Rate::Ramp(from, to)) => {
            format!("at a rate that goes from {}", listed(&[*from, *to], " to "))
        }
        When::Rate(Rate::Step(steps)) => format!("at rates of {}", listed(steps, ", then ")),
        When::Nth(counted) => {
            let numbers: Vec<String> = counted.iter().map(u64::to_string).collect();
            format!("to hit number {}", numbers.join(", "))
        }
    }
}

/// `100 %`, `33.5 %`, of parts per million.
fn share(ppm: u32) -> String {
    match (ppm / 10_000, ppm % 10_000 / 1_000) {
        (whole, 0) => format!("{whole} %"),
        (whole, tenth) => format!("{whole}.{tenth} %"),
    }
}

/// What went on while Stripe was gone: far fewer calls than deliveries is what a circuit breaker looks like from
/// outside.
fn traffic(evidence: &Evidence<'_>, kind: Kind, from: UnixMs, until: UnixMs) -> String {
    if kind != Kind::StripeUnavailable {
        return String::new();
    }
    let records = &evidence.history.records;
    let first = records.partition_point(|record| record.at < from);
    let (mut deliveries, mut calls) = (0, 0);
    for record in records[first..].iter().take_while(|record| record.at < until) {
        if let Event::Queue(QueueEvent::Received { queue, .. }) = &record.event {
            deliveries += u64::from(*queue == evidence.history.names.source);
        } else if let Event::Stripe(StripeEvent::Called { .. }) = &record.event {
            calls += 1;
        }
    }
    format!(
        ". Payments were delivered {}, Stripe was called {}",
        counted(deliveries, "time"),
        counted(calls, "time")
    )
}

fn first_handed_back(evidence: &Evidence<'_>) -> Option<Told> {
    evidence.history.records.iter().find_map(|record| {
        let Event::Function(event) = &record.event else { return None };
        let text = match event {
            FunctionEvent::Answered { failed, .. } => {
                format!("first message handed back: {}", name(evidence, failed.first()?))
            }
            FunctionEvent::Failed { how, hops, .. } => {
                format!("first invocation lost, by {how} after {}", counted(*hops, "hop"))
            }
            FunctionEvent::ContainerStarted { .. }
            | FunctionEvent::ContainerFailed { .. }
            | FunctionEvent::Invoked { .. }
            | FunctionEvent::Dropped { .. }
            | FunctionEvent::Metrics { .. } => return None,
        };
        Some(Told { at: record.at, text })
    })
}

fn dead_letters(evidence: &Evidence<'_>) -> Vec<Told> {
    let mut dead: Vec<(UnixMs, &Message<'_>)> =
        evidence.messages.values().filter_map(|message| Some((message.dead_lettered?, message))).collect();
    dead.sort_by_key(|(at, message)| (*at, message.sent.message.as_str()));
    let (Some((first, message)), Some((last, _))) = (dead.first(), dead.last()) else { return Vec::new() };
    let age_ms = u64::try_from(first.since_ms(message.sent.at)).unwrap_or(0);
    let id = name(evidence, &message.sent.message);
    let text = format!("first dead letter: {id}, {} after it was sent", duration_ms(age_ms));
    let mut lines = vec![Told { at: *first, text }];
    if dead.len() > 1 {
        let all = count(dead.len() as u64);
        let share = percent(dead.len() as u64, evidence.messages.len() as u64);
        let text = format!("last dead letter; {all} in all, {share} of everything sent");
        lines.push(Told { at: *last, text });
    }
    lines
}

/// Of the payments sent before the last fault ended and settled after it, the last.
fn last_survivor(evidence: &Evidence<'_>) -> Option<Told> {
    let heals_ms = evidence.history.experiment.faults_end_ms();
    let heals = (heals_ms > 0).then(|| evidence.history.instant(heals_ms))?;
    let survivors = evidence.payments.iter().filter_map(|(id, file)| {
        let first = &evidence.messages[file.messages.first()?];
        let settled = file.settled.filter(|settled| *settled > heals && first.sent.at < heals)?;
        Some((settled, id))
    });
    let survivors: Vec<(UnixMs, &String)> = survivors.collect();
    let (at, id) = survivors.iter().max()?;
    let after_ms = u64::try_from(at.since_ms(heals)).unwrap_or(0);
    let all = counted(survivors.len() as u64, "survivor");
    let text = format!("last of {all} settled: {id}, {} after the faults ended", duration_ms(after_ms));
    Some(Told { at: *at, text })
}

fn ending(evidence: &Evidence<'_>) -> Told {
    let history = evidence.history;
    let left = history.held(&history.names.source).len() as u64;
    match history.ending {
        Ending::Drained => {
            let names = &history.names;
            let dead = history.held(&names.dead_letters).len() as u64;
            let quarantined = history.held(&names.quarantine).len() as u64;
            let text = match (dead, quarantined) {
                (0, 0) => "it is over: every queue is empty".to_owned(),
                (0, _) => format!("it is over, with {} in quarantine", counted(quarantined, "message")),
                (_, 0) => format!("it is over, with {} left to a command", counted(dead, "dead letter")),
                (_, _) => format!(
                    "it is over, with {} and {} in quarantine",
                    counted(dead, "dead letter"),
                    counted(quarantined, "message")
                ),
            };
            Told { at: history.ended, text }
        }
        Ending::TimeUp => {
            let text = format!("time is up, with {} in the source queue", counted(left, "message"));
            Told { at: history.ended, text }
        }
    }
}

/// What a reader calls a message: its payment, or itself.
fn name(evidence: &Evidence<'_>, message: &str) -> String {
    match evidence.messages.get(message).map(|known| &known.meaning) {
        Some(Meaning::Payment(payment)) => payment.payment_id.to_string(),
        Some(Meaning::Drill(_)) => format!("drill {message}"),
        Some(Meaning::NoPayment) | None => format!("message {message}"),
    }
}
