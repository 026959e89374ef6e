//! A run that is ready to begin: everything that speaks against it was looked for.
//!
//! Invariant: nothing has been changed yet, and every call that changes something is in the plan's words.

use super::cli::Cli;
use super::cost::cents;
use super::ground::Ground;
use super::history::payment;
use super::look;
use super::mailbox::Mailbox;
use super::stack::Stack;
use super::stripe::Stripe;
use super::{DeployedError, DeployedError::Refused};
use crate::experiment::{Experiment, served};
use crate::faults::{Fault, Rate, When};
use crate::units::{counted, duration_ms};
use crate::workload::{Arrival, Payments};
use payments::UnixMs;
use std::fmt::Write as _;

/// How the name of a run begins.
pub(super) const RUN: &str = "chaos-";

/// Which stack, and whose.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The account it must be in.
    pub account: &'a str,
    /// Where the controls of its fake Stripe answer; at its `StripeApiBase` when absent.
    pub stripe: Option<&'a str>,
    /// Key of a fake Stripe that was deployed itself.
    pub stripe_key: Option<&'a str>,
}

/// A run, ready to begin.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) cli: Cli,
    pub(super) stack: Stack,
    pub(super) stripe: Stripe,
    pub(super) ground: Ground,
    pub(super) arrivals: Vec<Arrival>,
    /// What is made for it is called so.
    pub(super) run: String,
    /// Runs that were killed, and left what they had made.
    left: Vec<String>,
}

impl Plan {
    /// Makes one, and changes nothing. `now` names the run.
    ///
    /// # Errors
    /// When something speaks against it: in one line, with what is accepted.
    pub fn make(
        wanted: &Wanted<'_>,
        cli: Cli,
        experiment: Experiment,
        seed: u64,
        now: UnixMs,
    ) -> Result<Self, DeployedError> {
        can_be_done_from_outside(&experiment)?;
        let run = run_of(now);
        let mut arrivals = experiment.workload.arrivals(seed).map_err(|error| Refused(error.to_string()))?;
        if matches!(experiment.workload.payments, Payments::Generated(_)) {
            arrivals.iter_mut().for_each(|arrival| arrival.body = renamed(&arrival.body, &run));
        }
        let stack = Stack::find(&cli, wanted.stack, wanted.account)?;
        let stripe = Stripe::find(wanted.stripe.unwrap_or_else(|| stack.stripe()), wanted.stripe_key)?;
        let ground = Ground::find(&cli, &stack, experiment, seed)?;
        if let Some(known) = known(&cli, &stack, &arrivals)? {
            return Err(Refused(format!(
                "{known} is in the ledger of stack {} already; accepted: payments that it does not know",
                stack.name
            )));
        }
        let left = Mailbox::left(&cli, &stack)?;
        Ok(Self { cli, stack, stripe, ground, arrivals, run, left })
    }

    /// What would be run.
    #[must_use]
    pub const fn experiment(&self) -> &Experiment {
        &self.ground.experiment
    }

    /// Until everything was sent and no fault is left, ms.
    pub(super) fn busy_ms(&self) -> u64 {
        let last = self.arrivals.last().map_or(0, |arrival| arrival.at_ms);
        last.max(self.ground.experiment.faults_end_ms())
    }

    /// The longest that it takes, ms.
    pub(super) fn most_ms(&self) -> u64 {
        self.busy_ms() + self.ground.experiment.drain_ms
    }

    /// What it will do, what that costs, and how it is undone.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { cli, stack, arrivals, run, .. } = self;
        let (name, account, region) = (&stack.name, &stack.account, &cli.region);
        let mut out = format!(
            "stack {name} in {region}, account {account}, StripeMode test, Stripe at {}\n\nChanges:\n",
            stack.stripe()
        );
        // Writing to a string does not fail.
        let (messages, over) = (counted(arrivals.len() as u64, "message"), duration_ms(self.busy_ms()));
        let sending = ["sqs", "send-message-batch", "--queue-url", stack.source()];
        let _ = writeln!(out, "  {messages} over {over}: {} --entries …", cli.line(&sending));
        for fault in &self.ground.experiment.faults {
            let window = fault.window;
            let (from, lasts_ms) = (duration_ms(window.from_ms), window.length_ms());
            let setting = self.stripe.setting(fault, lasts_ms);
            let _ = writeln!(out, "  {from} after the beginning, for {}: {setting}", duration_ms(lasts_ms));
        }
        let made = Mailbox::told(cli, stack, run);
        made.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        out.push_str("Undone at its end and at Ctrl-C; whoever kills it instead types:\n");
        Mailbox::undoing(cli, stack, run).iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        let _ = writeln!(
            out,
            "  {}\nWhat stays: the payments' rows in the ledger, and log lines.",
            self.stripe.clearing()
        );
        for run in &self.left {
            let _ = writeln!(out, "note: {run} was killed, and left what these take away:");
            Mailbox::undoing(cli, stack, run).iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        }
        let cents = cents(arrivals.len() as u64, self.most_ms());
        let _ = writeln!(
            out,
            "Takes {} and up to {} more to drain, and at most about USD {}.{:02} (us-east-1, lists of mid 2026).",
            duration_ms(self.busy_ms()),
            duration_ms(self.ground.experiment.drain_ms),
            cents / 100,
            cents % 100
        );
        out
    }
}

/// `chaos-20260105t090000z`.
fn run_of(now: UnixMs) -> String {
    let instant = jiff::Timestamp::from_millisecond(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{RUN}{}", instant.strftime("%Y%m%dt%H%M%Sz"))
}

/// A made-up payment under an id of this run alone: the ledger knows those of others.
fn renamed(body: &str, run: &str) -> String {
    body.replacen("\"payment_id\":\"order-", &format!("\"payment_id\":\"{run}-"), 1)
}

/// Whether everything that is to go wrong can go wrong in the fake Stripe.
fn can_be_done_from_outside(experiment: &Experiment) -> Result<(), DeployedError> {
    let refused = |what: &str, accepted: &str| {
        let name = &experiment.name;
        Err(Refused(format!(
            "{name}: {what} cannot be had from outside a deployed stack; accepted: {accepted}"
        )))
    };
    if experiment.turns.is_some() {
        return refused("an order of turns", "an experiment without one");
    }
    if let Some(order) = experiment.orders.first() {
        return refused(&format!("the order {}", order.command), "an experiment that orders nothing");
    }
    match experiment.faults.iter().find_map(|fault| Some((fault, unfit(fault)?))) {
        Some((fault, accepted)) => refused(fault.kind.name(), accepted),
        None => Ok(()),
    }
}

/// What would be accepted in the place of a fault that cannot be set.
fn unfit(fault: &Fault) -> Option<&'static str> {
    if served(fault.kind).is_err() {
        return Some("those of Stripe in `cargo chaos list faults`, but for poison");
    }
    if fault.window.until_ms == u64::MAX {
        return Some("a fault that ends");
    }
    if !fault.scope.payments.is_empty() {
        return Some("a fault that does not pick payments");
    }
    let is_steady = matches!(fault.when, When::Rate(Rate::Steady(_)));
    (!is_steady).then_some("a fault at one rate")
}

/// A payment that the ledger knows already. Made-up ones have ids of their own, and nobody is asked about them.
fn known(cli: &Cli, stack: &Stack, arrivals: &[Arrival]) -> Result<Option<String>, DeployedError> {
    let ids = arrivals.iter().filter_map(|arrival| Some(payment(&arrival.body)?.payment_id.to_string()));
    let ids: std::collections::BTreeSet<String> = ids.filter(|id| !id.starts_with(RUN)).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    Ok(look::ledger(cli, stack)?
        .into_iter()
        .map(|(row, _)| row.payment)
        .find(|payment| ids.contains(payment)))
}
