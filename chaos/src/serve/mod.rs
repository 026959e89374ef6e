//! The fake Stripe over HTTP on loopback, for whoever has a Stripe client to test.
//!
//! Account, faults and wire are the simulation's; here they meet real sockets and real time, which nothing simulated
//! ever does.
//! Invariant: what a client is made to meet is what the wire says, down to the connection: no answer is no answer.

pub(crate) mod control;
pub(crate) mod edge;
pub(crate) mod guard;
pub mod lasting;
mod remote;
pub(crate) mod said;
pub(crate) mod socket;
mod sums;

pub use remote::{Remote, RemoteError};
pub use sums::Sums;

use crate::clock::Clock;
use crate::faults::{CRASH_HOPS_DEFAULT, Fault, Faults, Tally};
use crate::journal::Journal;
use crate::stripe::{FakeStripe, Latency, Mode, Provider};
use control::Control;
use edge::Edge;
use payments::UnixMs;
use socket::accept;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Port that is used when nobody names one: that of the mock that Stripe publishes.
pub const PORT: u16 = 12_111;

/// A Stripe to be served.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Port on loopback; 0 takes any that is free.
    pub port: u16,
    /// Which keys it takes.
    pub mode: Mode,
    /// How long its answers take when nothing is wrong.
    pub latency: Latency,
    /// What goes wrong from the beginning.
    pub faults: Vec<Fault>,
    /// Seed of ids and draws.
    pub seed: u64,
    /// What time it is.
    pub now: UnixMs,
}

/// What was served, once it is over.
#[derive(Clone, Debug)]
pub struct Served {
    /// The money.
    pub sums: Sums,
    /// What came of every fault, in the order in which they were set.
    pub faults: Vec<Tally>,
}

/// Why nothing could be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}: {why}; accepted: a free port, or 0 for any that is free")]
    Port {
        /// Which one.
        port: u16,
        /// What the system says.
        why: io::Error,
    },
    /// The machine does not let a program listen, wait or be interrupted.
    #[error("cannot serve: {0}")]
    System(io::Error),
}

/// Serves until `stop` is rung; `listens` is told the port once it can be asked.
///
/// # Errors
/// When the port cannot be had, or nothing else can.
pub fn serve(offer: &Offer, stop: &Notify, listens: impl FnOnce(u16)) -> Result<Served, ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ServeError::System)?.block_on(offer.until(stop, listens))
}

/// A Stripe that listens. It answers once, and as long as, it is served.
pub struct Stand {
    listener: TcpListener,
    port: u16,
    provider: Provider,
    faults: Faults,
    control: Control,
    edge: Arc<Edge>,
}

impl Offer {
    async fn until(&self, stop: &Notify, listens: impl FnOnce(u16)) -> Result<Served, ServeError> {
        let stand = self.open(Clock::starting_at(self.now), Journal::default()).await?;
        listens(stand.port());
        tokio::select! {
            biased;
            () = stop.notified() => {}
            never = stand.serve() => match never {},
        }
        Ok(stand.close())
    }

    /// Listens, on the clock and with the journal of whoever else is there.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn open(&self, clock: Clock, journal: Journal) -> Result<Stand, ServeError> {
        let taken = |why| ServeError::Port { port: self.port, why };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.map_err(taken)?;
        let port = listener.local_addr().map_err(ServeError::System)?.port();
        let faults = Faults::new(&self.faults, self.seed, self.now, CRASH_HOPS_DEFAULT, journal.clone());
        let stripe = FakeStripe::open_to(self.seed, self.mode, faults.clone());
        let provider =
            Provider::with(self.latency, stripe, self.seed, faults.clone(), clock, journal.clone());
        let control = Control::new(provider.clone(), faults.clone(), clock, journal);
        let edge = Arc::new(Edge::new(provider.clone(), control.clone()));
        Ok(Stand { listener, port, provider, faults, control, edge })
    }
}

impl Stand {
    /// The port on which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The account behind it.
    #[must_use]
    pub const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Its faults and its book, for whoever stands beside it.
    pub(crate) const fn control(&self) -> &Control {
        &self.control
    }

    /// Serves whoever comes. Never returns; connections end when this is dropped.
    pub async fn serve(&self) -> Infallible {
        let edge = Arc::clone(&self.edge);
        let answer = move |request| {
            let edge = Arc::clone(&edge);
            async move { edge.answer(request).await }
        };
        tokio::select! {
            biased;
            never = self.provider.keep_up() => match never {},
            never = accept(&self.listener, answer) => match never {},
        }
    }

    /// What was served.
    #[must_use]
    pub fn close(self) -> Served {
        self.provider.finish();
        let sums = Sums::of(self.provider.stripe().book());
        Served { sums, faults: self.faults.tally() }
    }
}
