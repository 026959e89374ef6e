//! What a run came to, counted alike for whoever ran.
//!
//! Invariant: counted from Stripe's book, the queues, the mails and what the contestant itself keeps, never from what it
//! says of itself.

use chaos::cloud::sqs::payment_in;
use chaos::journal::{Event, StripeEvent};
use chaos::world::History;
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// The part of an experiment in which Stripe answers nobody, ms from its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dark {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

/// What became of the payments of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) payments: usize,
    pub(super) charged: usize,
    pub(super) charged_twice: usize,
    /// Not charged, in no queue, in no execution, and no row says why.
    pub(super) lost: usize,
    /// In a queue that nobody reads but a human.
    pub(super) left_to_humans: usize,
    /// Of these, charged all the same, which nobody knows.
    pub(super) left_and_charged: usize,
    /// Sent before Stripe was back, and not charged by then.
    pub(super) caught: usize,
    /// Of these, charged later.
    pub(super) came_back: usize,
    /// After how long, ms, the last of these.
    pub(super) last_back_ms: Option<i64>,
    /// From the beginning of the dark to the first mail in it, ms.
    pub(super) told_ms: Option<i64>,
    /// Calls of Stripe in the dark.
    pub(super) calls_into_it: usize,
}

impl Tally {
    /// Of a run; `kept` are messages that the contestant keeps beside the queues.
    pub(super) fn of(history: &History, dark: Dark, kept: &[String]) -> Self {
        let (from, to) = (history.instant(dark.from_ms), history.instant(dark.to_ms));
        let mut sent = BTreeMap::new();
        for message in &history.sent {
            sent.entry(payment(&message.body)).or_insert(message.at);
        }
        let mut charges: BTreeMap<&str, Vec<UnixMs>> = BTreeMap::new();
        for movement in &history.book {
            charges.entry(movement.payment.as_deref().unwrap_or_default()).or_default().push(movement.at);
        }
        let held = |queue: &str| -> BTreeSet<String> {
            history.held(queue).iter().map(|held| payment(&held.content.body)).collect()
        };
        let names = &history.names;
        let of_humans: BTreeSet<String> =
            [&names.dead_letters, &names.quarantine].into_iter().flat_map(|it| held(it)).collect();
        let ended =
            history.ledger.iter().filter(|row| ["declined", "quarantined"].contains(&row.state.as_str()));
        let mut somewhere: BTreeSet<String> = ended.map(|row| row.payment.clone()).collect();
        somewhere.extend(of_humans.iter().cloned().chain(held(&names.source)));
        somewhere.extend(kept.iter().map(|body| payment(body)));

        let charged_at = |id: &String| charges.get(id.as_str()).and_then(|charges| charges.first().copied());
        let caught: Vec<&String> = sent
            .iter()
            .filter(|(id, at)| **at < to && charged_at(id).is_none_or(|charged| charged >= to))
            .map(|(id, _)| id)
            .collect();
        let back: Vec<UnixMs> = caught.iter().filter_map(|id| charged_at(id)).collect();
        let within = |at: UnixMs| from < at && at < to;
        Self {
            payments: sent.len(),
            charged: sent.keys().filter(|id| charged_at(id).is_some()).count(),
            charged_twice: charges.values().filter(|charges| charges.len() > 1).count(),
            lost: sent.keys().filter(|id| charged_at(id).is_none() && !somewhere.contains(*id)).count(),
            left_to_humans: of_humans.len(),
            left_and_charged: of_humans.iter().filter(|id| charged_at(id).is_some()).count(),
            caught: caught.len(),
            came_back: back.len(),
            last_back_ms: back.iter().max().map(|last| last.since_ms(to)),
            told_ms: history.mails.iter().find(|mail| within(mail.at)).map(|mail| mail.at.since_ms(from)),
            calls_into_it: history
                .records
                .iter()
                .filter(|record| {
                    within(record.at) && matches!(record.event, Event::Stripe(StripeEvent::Called { .. }))
                })
                .count(),
        }
    }
}

impl Tally {
    /// How the page's table has it: times in minutes, calls in two figures.
    pub(super) fn row(&self, name: &str) -> String {
        let Self { payments, charged, charged_twice, lost, caught, came_back, .. } = self;
        let last =
            self.last_back_ms.map_or_else(String::new, |ms| format!(", the last after {}", minutes(ms)));
        let left = match (self.left_to_humans, self.left_and_charged) {
            (left, 0) => left.to_string(),
            (left, charged) => format!("{left}, {charged} of them charged"),
        };
        let told = self.told_ms.map_or_else(|| "nobody".to_owned(), minutes);
        let calls = in_two_figures(self.calls_into_it);
        format!(
            "| {name} | {charged} of {payments} | {charged_twice} | {lost} | {came_back} of {caught}{last} | {left} | {told} | {calls} |"
        )
    }
}

fn minutes(ms: i64) -> String {
    format!("{} min", (ms + 30_000) / 60_000)
}

fn in_two_figures(count: usize) -> String {
    let mut unit = 1;
    while count / unit >= 100 {
        unit *= 10;
    }
    let rounded = (count + unit / 2) / unit * unit;
    match rounded {
        0..1_000 => rounded.to_string(),
        _ => format!("{},{:03}", rounded / 1_000, rounded % 1_000),
    }
}

fn payment(body: &str) -> String {
    payment_in(body).unwrap_or_else(|| panic!("every message is a payment: {body}"))
}
