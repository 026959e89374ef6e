//! A run in real time: what is due is done, the rest is looked at, and in the end everything is undone.
//!
//! Invariant: it ends, and however it does, whatever it changed is undone.

use super::change::{Change, Changes};
use super::history::{self, firsts, payment};
use super::look;
use super::mailbox::Mailbox;
use super::plan::Plan;
use super::seen::{Gap, Letter, Seen};
use super::{CliError, DeployedError, LOOK_MS, Time};
use crate::cloud::names;
use crate::cloud::sqs::{Content, Held, MessageAttribute};
use crate::faults::{Fault, Tally};
use crate::journal::{Event, StripeEvent};
use crate::units::{count, duration_ms};
use crate::world::{Ending, History, Origin, Refused, Sent};
use payments::UnixMs;
use payments::quarantine::ORIGINAL;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Messages that SQS takes in one call.
const BATCH: usize = 10;
/// Looks in a row at which nothing may be left: what SQS counts is approximate.
const EMPTY_LOOKS: u32 = 2;
/// Looks in a row that may fail: a call may be throttled, or its answer lost.
const FAILED_LOOKS_MAX: u32 = 5;
/// Looks at the log until a line that is missing is not waited for any longer.
const LOG_LOOKS: u32 = 5;
/// The longest that nobody asks whether to go on, ms.
const NAP_MS: u64 = 500;
/// By how much another clock may be behind, ms.
const SKEW_MS: i64 = 60_000;

/// How a run came to its end.
#[derive(Debug)]
pub struct Ended {
    /// What was seen, unless it was interrupted or somebody did not answer.
    pub history: Result<History, DeployedError>,
    /// How much of what was changed could not be undone.
    pub left: usize,
}

/// Runs it. `say` is told what is seen, a line whenever that has changed, and of what could not be undone.
pub fn run(plan: Plan, time: &Time<'_>, say: &mut dyn FnMut(&str)) -> Ended {
    let mut watch = Watch::of(plan, (time.now)());
    let ended = watch.watch(time, say);
    let Watch { plan, mut changes, seen, .. } = watch;
    if matches!(ended, Err(DeployedError::Interrupted)) {
        say("undoing what was changed; another Ctrl-C leaves it to you:");
        changes.lines(&plan.cli, &plan.stripe).iter().for_each(|line| say(&format!("  {line}")));
    }
    let left = changes.undo_all(&plan.cli, &plan.stripe);
    left.iter().for_each(|line| say(line));
    Ended { history: ended.map(|()| history::made(seen, &plan.ground)), left: left.len() }
}

struct Watch {
    plan: Plan,
    changes: Changes,
    seen: Seen,
    /// How much of the workload was sent.
    sent: usize,
    /// Faults that are set, by their place in the experiment.
    open: BTreeMap<usize, u64>,
    /// Faults that are over.
    over: BTreeSet<usize>,
    /// Messages that are among the dead letters, by the ids under which they were sent.
    dead: BTreeSet<String>,
    /// How much was in quarantine before.
    quarantined: u64,
    /// Looks in a row at which nothing was left.
    empty: u32,
    /// What was last said.
    said: String,
}

impl Watch {
    fn of(plan: Plan, now: UnixMs) -> Self {
        let tally = |fault: &Fault| Tally {
            fault: fault.clone(),
            asked: 0,
            fired: 0,
            first: None,
            last: None,
            firings: Vec::new(),
        };
        let seen = Seen {
            began: now,
            ended: now,
            ending: Ending::TimeUp,
            sent: Vec::new(),
            refused: Vec::new(),
            letters: Vec::new(),
            phases: Vec::new(),
            mails: Vec::new(),
            lines: Vec::new(),
            records: Vec::new(),
            calls: Vec::new(),
            book: Vec::new(),
            faults: plan.experiment().faults.iter().map(tally).collect(),
            ledger: Vec::new(),
            queues: BTreeMap::new(),
            gaps: BTreeSet::new(),
        };
        Self {
            plan,
            changes: Changes::default(),
            seen,
            sent: 0,
            open: BTreeMap::new(),
            over: BTreeSet::new(),
            dead: BTreeSet::new(),
            quarantined: 0,
            empty: 0,
            said: String::new(),
        }
    }

    fn watch(&mut self, time: &Time<'_>, say: &mut dyn FnMut(&str)) -> Result<(), DeployedError> {
        let Plan { cli, stack, run, .. } = &self.plan;
        self.quarantined = look::attributes(cli, stack.quarantine())?.depth.total();
        let mailbox = Mailbox::open(cli, stack, run, &mut self.changes)?;
        self.seen.began = (time.now)();
        let mut failed = 0;
        loop {
            match self.step(&mailbox, time, say) {
                Ok(None) => failed = 0,
                Ok(Some(ending)) => {
                    self.seen.ending = ending;
                    break;
                }
                Err(DeployedError::Cli(error @ CliError::Failed { .. })) if failed < FAILED_LOOKS_MAX => {
                    failed += 1;
                    say(&format!("note: {error}; it is asked again"));
                    (time.wait)(LOOK_MS);
                }
                Err(error) => return Err(error),
            }
        }
        self.seen.ended = (time.now)();
        for _ in 0..FAILED_LOOKS_MAX {
            match self.look_back(&mailbox, time) {
                Err(DeployedError::Cli(error @ CliError::Failed { .. })) => {
                    say(&format!("note: {error}; it is asked again"));
                    (time.wait)(LOOK_MS);
                }
                looked => return looked,
            }
        }
        self.look_back(&mailbox, time)
    }

    /// One look, and until the next; how it ended, once it has.
    fn step(
        &mut self,
        mailbox: &Mailbox,
        time: &Time<'_>,
        say: &mut dyn FnMut(&str),
    ) -> Result<Option<Ending>, DeployedError> {
        let looked = (time.now)();
        let is_over = self.look(mailbox, time, say)?;
        self.empty = if is_over { self.empty + 1 } else { 0 };
        if self.empty >= EMPTY_LOOKS {
            return Ok(Some(Ending::Drained));
        }
        if self.elapsed_ms(time) > self.plan.most_ms() {
            return Ok(Some(Ending::TimeUp));
        }
        self.until_the_next(looked, time)?;
        Ok(None)
    }

    fn elapsed_ms(&self, time: &Time<'_>) -> u64 {
        u64::try_from((time.now)().since_ms(self.seen.began)).unwrap_or(0)
    }

    fn until_the_next(&mut self, looked: UnixMs, time: &Time<'_>) -> Result<(), DeployedError> {
        while (time.now)().since_ms(looked) < LOOK_MS.cast_signed() {
            self.due(time)?;
            (time.wait)(NAP_MS);
        }
        Ok(())
    }

    /// Does what is due: faults begin and end, messages are sent.
    fn due(&mut self, time: &Time<'_>) -> Result<(), DeployedError> {
        if (time.interrupted)() {
            return Err(DeployedError::Interrupted);
        }
        let elapsed_ms = self.elapsed_ms(time);
        for place in 0..self.seen.faults.len() {
            let window = self.seen.faults[place].fault.window;
            if self.open.contains_key(&place) && elapsed_ms >= window.until_ms {
                self.end(place)?;
            } else if window.contains(elapsed_ms)
                && !self.open.contains_key(&place)
                && !self.over.contains(&place)
            {
                // Also if the answer gets lost.
                self.changes.note(Change::Faults);
                let number =
                    self.plan.stripe.set(&self.seen.faults[place].fault, window.until_ms - elapsed_ms)?;
                self.open.insert(place, number);
            } else if elapsed_ms >= window.until_ms {
                self.over.insert(place);
            }
        }
        self.send(elapsed_ms, time)
    }

    fn end(&mut self, place: usize) -> Result<(), DeployedError> {
        self.tally()?;
        if let Some(number) = self.open.remove(&place) {
            self.over.insert(place);
            self.plan.stripe.clear(number)?;
        }
        Ok(())
    }

    /// Reads off what came of the faults that are set.
    fn tally(&mut self) -> Result<(), DeployedError> {
        for (place, number) in &self.open {
            if let Some((asked, fired)) = self.plan.stripe.told(*number)? {
                let tally = &mut self.seen.faults[*place];
                (tally.asked, tally.fired) = (asked, fired);
            }
        }
        Ok(())
    }

    fn send(&mut self, elapsed_ms: u64, time: &Time<'_>) -> Result<(), DeployedError> {
        let due = self.plan.arrivals[self.sent..].iter().take_while(|arrival| arrival.at_ms <= elapsed_ms);
        let bodies: Vec<String> = due.take(BATCH).map(|arrival| arrival.body.clone()).collect();
        if bodies.is_empty() {
            return Ok(());
        }
        let entries = bodies.iter().enumerate();
        let entries = entries.map(|(index, body)| json!({ "Id": index.to_string(), "MessageBody": body }));
        let input = json!({ "QueueUrl": self.plan.stack.source(), "Entries": entries.collect::<Vec<_>>() });
        let at = (time.now)();
        let said = self.plan.cli.ask_with(&["sqs", "send-message-batch"], &input)?;
        for (index, body) in bodies.into_iter().enumerate() {
            let of_it = |list: &str, what: &str| {
                let mut entries = said[list].as_array().into_iter().flatten();
                let entry = entries.find(|entry| entry["Id"] == index.to_string().as_str())?;
                entry[what].as_str().map(str::to_owned)
            };
            match of_it("Successful", "MessageId") {
                Some(message) => self.seen.sent.push(Sent { at, message, body, origin: Origin::Workload }),
                None => {
                    let why = of_it("Failed", "Message").unwrap_or_default();
                    self.seen.refused.push(Refused { at, why });
                }
            }
            self.sent += 1;
        }
        Ok(())
    }

    /// Looks around, and says whether nothing is left to wait for.
    fn look(
        &mut self,
        mailbox: &Mailbox,
        time: &Time<'_>,
        say: &mut dyn FnMut(&str),
    ) -> Result<bool, DeployedError> {
        self.due(time)?;
        let source = look::attributes(&self.plan.cli, self.plan.stack.source())?.depth;
        self.due(time)?;
        let dead = look::attributes(&self.plan.cli, self.plan.stack.dead_letters())?.depth;
        if dead.total() > 0 || !self.dead.is_empty() {
            self.due(time)?;
            self.look_at_letters(dead.total(), (time.now)())?;
        }
        self.due(time)?;
        self.seen.mails.extend(mailbox.empty(&self.plan.cli)?);
        self.due(time)?;
        let incident = look::incident(&self.plan.cli, &self.plan.stack, look::Of::Recovery)?;
        let last = self.seen.phases.last().map(|(_, phase, _)| phase.as_str());
        if let Some(incident) = incident.as_ref().filter(|incident| last != Some(&incident.phase)) {
            let since = incident.since.unwrap_or((time.now)());
            self.seen.phases.push((since, incident.phase.clone(), incident.version));
        }
        self.tally()?;
        let calls = self.plan.stripe.calls()?;
        self.seen.calls.extend(calls);
        let phase = incident.as_ref().map_or("none", |incident| &incident.phase);
        let line = format!(
            "{} sent, {} waiting, {} dead letters, {} mails, incident {phase}",
            count(self.seen.sent.len() as u64),
            count(source.total()),
            count(dead.total()),
            count(self.seen.mails.len() as u64),
        );
        if line != self.said {
            say(&format!("{:>7}  {line}", duration_ms(self.elapsed_ms(time))));
            self.said = line;
        }
        let is_done = self.sent == self.plan.arrivals.len() && self.over.len() == self.seen.faults.len();
        let is_empty = source.total() == 0 && dead.total() == 0;
        let is_recovered = incident.is_none_or(|incident| incident.is_over);
        Ok(is_done && is_empty && is_recovered && self.is_noticed()?)
    }

    /// Whether people know of what came into quarantine.
    fn is_noticed(&self) -> Result<bool, DeployedError> {
        let Plan { cli, stack, .. } = &self.plan;
        if look::attributes(cli, stack.quarantine())?.depth.total() <= self.quarantined {
            return Ok(true);
        }
        Ok(look::incident(cli, stack, look::Of::Quarantine)?.is_some_and(|notice| notice.is_over))
    }

    /// Which messages are among the dead letters. One that is not read is gone only if as many were read as there are.
    fn look_at_letters(&mut self, expected: u64, now: UnixMs) -> Result<(), DeployedError> {
        let held = look::messages(&self.plan.cli, self.plan.stack.dead_letters(), expected)?;
        let is_whole = held.len() as u64 >= expected;
        let there: BTreeSet<String> = held.iter().filter_map(|held| self.first(held)).collect();
        let came: Vec<String> = there.difference(&self.dead).cloned().collect();
        let went: Vec<String> = self.dead.difference(&there).filter(|_| is_whole).cloned().collect();
        self.dead.retain(|message| !went.contains(message));
        self.dead.extend(came.iter().cloned());
        self.seen.letters.extend(came.into_iter().map(|message| (now, Letter::Came(message))));
        self.seen.letters.extend(went.into_iter().map(|message| (now, Letter::Went(message))));
        Ok(())
    }

    /// The id under which a message of this run was sent: it has another after a move, and the same body.
    fn first(&self, held: &Held) -> Option<String> {
        let sent = &self.seen.sent;
        let same = sent.iter().find(|sent| sent.message == held.content.id);
        same.or_else(|| sent.iter().find(|sent| sent.body == held.content.body))
            .map(|sent| sent.message.clone())
    }

    /// What is left, once it is over.
    fn look_back(&mut self, mailbox: &Mailbox, time: &Time<'_>) -> Result<(), DeployedError> {
        let began = self.seen.began;
        self.seen.mails.extend(mailbox.empty(&self.plan.cli)?);
        let calls = self.plan.stripe.calls()?;
        self.seen.calls.extend(calls);
        self.seen.book = self.plan.stripe.book()?;
        self.first_and_last();
        self.look_into_queues()?;
        let ours: BTreeSet<String> = firsts(&self.seen).into_keys().collect();
        let rows = look::ledger(&self.plan.cli, &self.plan.stack)?;
        // A row that appeared meanwhile and that nobody sent is the run's, too.
        let is_of_run = |payment: &str, received_at: UnixMs| ours.contains(payment) || received_at >= began;
        self.seen.ledger = rows.into_iter().filter(|(row, at)| is_of_run(&row.payment, *at)).collect();
        self.read_log(time)?;
        if self.is_emulated() {
            self.seen.gaps.insert(Gap::Emulated);
            return Ok(());
        }
        let Plan { cli, stack, ground, .. } = &self.plan;
        self.seen.records = look::changes_of_alarms(cli, &ground.alerted.alarms, began)?;
        self.seen.records.extend(look::move_tasks(cli, stack, began)?);
        Ok(())
    }

    fn is_emulated(&self) -> bool {
        let url = self.plan.cli.endpoint_url.as_deref().and_then(|url| url.parse::<http::Uri>().ok());
        let host = url.as_ref().and_then(http::Uri::host);
        host.is_some_and(|host| !host.ends_with(".amazonaws.com") && !host.ends_with(".amazonaws.com.cn"))
    }

    /// When each fault first and last fired: as the calls say that it hit.
    fn first_and_last(&mut self) {
        for tally in &mut self.seen.faults {
            let hit = self.seen.calls.iter().filter(|record| {
                matches!(&record.event, Event::Stripe(StripeEvent::Called { fault: Some(kind), .. }) if *kind == tally.fault.kind)
            });
            let mut hit = hit.map(|record| record.at);
            tally.first = hit.next();
            tally.last = hit.next_back().or(tally.first);
        }
    }

    fn look_into_queues(&mut self) -> Result<(), DeployedError> {
        let Plan { cli, stack, .. } = &self.plan;
        for (url, before) in
            [(stack.source(), 0), (stack.dead_letters(), 0), (stack.quarantine(), self.quarantined)]
        {
            let depth = look::attributes(cli, url)?.depth;
            let expected = depth.total();
            // Reading costs a message of the source one of its receives.
            let may_read = url != stack.source() && expected > before;
            let found = if may_read { look::messages(cli, url, expected)? } else { Vec::new() };
            if expected > before && (found.len() as u64) < expected {
                self.seen.gaps.insert(Gap::Queues);
            }
            let of_run = found.iter().filter(|held| before == 0 || held.content.sent_at >= self.seen.began);
            let held = of_run.map(|held| self.under_its_first_id(held, url == stack.quarantine())).collect();
            self.seen.queues.insert(names::queue_in_url(url).to_owned(), held);
        }
        Ok(())
    }

    /// A message as it is known here; a copy in quarantine says which message it is a copy of.
    fn under_its_first_id(&self, held: &Held, is_copy: bool) -> Held {
        let Some(first) = self.first(held) else { return held.clone() };
        let content = Content::clone(&held.content);
        let content = if is_copy && payment(&content.body).is_some() {
            let original = (ORIGINAL.to_owned(), MessageAttribute::text(first));
            Content { attributes: content.attributes.into_iter().chain([original]).collect(), ..content }
        } else if is_copy {
            content
        } else {
            Content { id: first, ..content }
        };
        Held { content: Arc::new(content), ..held.clone() }
    }

    /// The log is written a moment later than things happen.
    fn read_log(&mut self, time: &Time<'_>) -> Result<(), DeployedError> {
        let from = self.seen.began.plus_ms(-SKEW_MS);
        for look in 1..=LOG_LOOKS {
            self.seen.lines = look::log(&self.plan.cli, &self.plan.stack, from)?;
            let told: BTreeSet<&str> =
                self.seen.lines.iter().filter_map(|line| line.payment.as_deref()).collect();
            let is_told = |(row, _): &(crate::world::LedgerRow, UnixMs)| told.contains(row.payment.as_str());
            if self.seen.ledger.iter().all(is_told) {
                return Ok(());
            }
            if look < LOG_LOOKS {
                let looked = (time.now)();
                self.until_the_next(looked, time)?;
            }
        }
        self.seen.gaps.insert(Gap::Log);
        Ok(())
    }
}
