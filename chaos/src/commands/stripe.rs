//! `stripe`: the fake Stripe, served to whoever has a client to test.
//!
//! Invariant: nothing is said on standard output before it listens, and the book is printed however it is ended.

use super::values::{self, DEFAULT_SEED, fault, port, seed};
use super::{Exit, Refusal, Surroundings, say};
use crate::experiment::{self, FaultArgument, served};
use crate::faults::{Fault, Kind, Placement, Tally, Window};
use crate::random::Chance;
use crate::serve::{self, Offer, ServeError};
use crate::stripe as fake;
use crate::units::{count, counted};
use clap::{Args, ValueEnum};
use payments::UnixMs;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::sync::Notify;

const EXAMPLES: &str = "\
Examples:
  cargo chaos stripe                                        answers like Stripe, nothing goes wrong
  cargo chaos stripe --fault stripe-lost-answer=0.3         three answers in ten are lost, their effect is not
  cargo chaos stripe --failure-rate 0.5 --fault stripe-timeout/after=0.1
  cargo chaos fault set stripe-throttled=1 --ttl 5m --operations confirm

Exit codes:
  0   ended by Ctrl-C
  64  bad arguments, or the port is in use
  70  it could not be served";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Stripe {
    /// Port on 127.0.0.1; 0 takes any that is free
    #[arg(long, value_name = "PORT", value_parser = port, default_value_t = serve::PORT, allow_negative_numbers = true)]
    pub(super) port: u16,

    #[command(flatten)]
    pub(super) beginning: Beginning,

    /// Which keys it takes, and what `livemode` says
    #[arg(long, value_name = "MODE", default_value = "test")]
    pub(super) mode: Mode,

    /// Let every answer take as long as Stripe's usually do, instead of none
    #[arg(long)]
    pub(super) latency: bool,
}

/// How a served Stripe begins.
#[derive(Debug, Args)]
pub(super) struct Beginning {
    /// Share of Stripe calls that are answered with 503, 0 to 1
    #[arg(long, value_name = "SHARE", value_parser = experiment::rate, allow_negative_numbers = true)]
    pub(super) failure_rate: Option<Chance>,

    /// What goes wrong at Stripe from the beginning, by kind (those of Stripe in `cargo chaos list faults`), placement and
    /// share, 0 to 1; repeatable
    #[arg(long = "fault", value_name = "KIND[/PLACEMENT][=SHARE]", value_parser = fault)]
    pub(super) faults: Vec<values::Fault>,

    /// Seed of ids and of what goes wrong, 0 to 18446744073709551615
    #[arg(long, value_name = "NUMBER", value_parser = seed, default_value_t = DEFAULT_SEED, allow_negative_numbers = true)]
    pub(super) seed: u64,
}

/// Live or test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Keys that begin with sk_test_ or rk_test_
    Test,
    /// Keys that begin with sk_live_ or rk_live_
    Live,
}

/// Serves until Ctrl-C, then prints what was charged and what went wrong.
pub(super) fn stripe(wanted: &Stripe, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let offer = Offer {
        port: wanted.port,
        mode: wanted.mode.meant(),
        latency: wanted.latency(),
        faults: wanted.beginning.faults()?,
        seed: wanted.beginning.seed,
        now: now(around),
    };
    let stop = Arc::new(Notify::new());
    ring_when_ended(stop.clone()).map_err(|error| Refusal::Harness(error.to_string()))?;
    let served = serve::serve(&offer, &stop, |port| say(around.out, &greeting(wanted, port)));
    let served = served.map_err(|error| match error {
        ServeError::Port { .. } => Refusal::Bad(error.to_string()),
        ServeError::System(_) => Refusal::Harness(error.to_string()),
    })?;
    say(around.out, &format!("\n{}{}", served.sums.text(), told(&served.faults)));
    Ok(Exit::Passed)
}

/// What time it is.
pub(super) fn now(around: &Surroundings<'_>) -> UnixMs {
    let elapsed_ms = i64::try_from((around.elapsed)().as_millis()).unwrap_or(i64::MAX);
    UnixMs(around.started.as_millisecond()).plus_ms(elapsed_ms)
}

/// Rings at the first Ctrl-C, or when whoever started the program asks it to end.
pub(super) fn ring_when_ended(stop: Arc<Notify>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // A thread, because a signal may come while nothing else of the program is awake; it ends with the program.
    std::thread::spawn(move || signals.forever().for_each(|_| stop.notify_one()));
    Ok(())
}

impl Beginning {
    /// What goes wrong.
    pub(super) fn faults(&self) -> Result<Vec<Fault>, Refusal> {
        let unavailable = |chance| Fault::steady(Kind::StripeUnavailable, chance, Window::ALWAYS);
        let faults = self.faults.iter().map(|fault| fault.meant);
        let meant = faults.map(|FaultArgument { kind, placement, chance }| {
            let kind = served(kind).map_err(|error| Refusal::Bad(format!("--fault: {error}")))?;
            Ok(Fault { placement, ..Fault::steady(kind, chance, Window::ALWAYS) })
        });
        self.failure_rate.map(unavailable).map(Ok).into_iter().chain(meant).collect()
    }
}

fn greeting(wanted: &Stripe, port: u16) -> String {
    let mode = wanted.mode.name();
    format!(
        "A fake Stripe listens on http://127.0.0.1:{port}; it takes any sk_{mode}_… or rk_{mode}_… as its key. Try:\n\n  \
         curl http://127.0.0.1:{port}/v1/payment_intents -u sk_{mode}_123: -d amount=1999 -d currency=eur \
         -d payment_method=pm_card_visa -d confirm=true -d off_session=true -d 'metadata[payment_id]=order-1'\n\n\
         Faults: cargo chaos fault list|set|clear --port {port}. Ctrl-C ends it and prints the book.\n"
    )
}

pub(super) fn told(faults: &[Tally]) -> String {
    if faults.is_empty() {
        return "Faults: none were set\n".to_owned();
    }
    let mut out = "Faults:\n".to_owned();
    for Tally { fault, asked, fired, .. } in faults {
        let place = fault.placement.map(|it| format!("/{}", Placement::name(it))).unwrap_or_default();
        let name = format!("{}{place}", fault.kind);
        let _ = writeln!(out, "  {name:<28}  fired {} of {}", count(*fired), counted(*asked, "time"));
    }
    out
}

impl Stripe {
    pub(super) const fn latency(&self) -> fake::Latency {
        if self.latency { fake::Latency::Usual } else { fake::Latency::None }
    }
}

impl Mode {
    pub(super) const fn meant(self) -> fake::Mode {
        match self {
            Self::Test => fake::Mode::Test,
            Self::Live => fake::Mode::Live,
        }
    }

    /// As keys spell it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}
