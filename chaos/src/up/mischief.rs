//! What only a process can suffer: it is stopped, it is not heard, it is refused where it calls.
//!
//! Each strikes at an instant of an invocation that is drawn, so most of them in the middle of a payment.
//! Invariant: whatever was done to a process is undone when its time is up, or with its invocation.

use super::process::Process;
use super::stripe_port::StripePort;
use crate::clock::Clock;
use crate::faults::{Faults, Kind, Subject};
use std::convert::Infallible;
use std::time::Duration;

/// How long after the beginning of an invocation something strikes, ms: a payment alone takes about as long.
const STRIKES_MS: (u64, u64) = (0, 500);
/// How long it lasts, ms.
const LASTS_MS: (u64, u64) = (1_000, 20_000);

/// What may befall one invocation.
pub(super) struct Mischief<'a> {
    pub(super) faults: &'a Faults,
    pub(super) clock: Clock,
    /// `consumer` or `responder`.
    pub(super) role: &'static str,
    pub(super) request: &'a str,
    pub(super) process: &'a Process,
    pub(super) stripe: &'a StripePort,
}

impl Mischief<'_> {
    /// Lets happen what happens. Never returns; what is under way ends when this is dropped.
    pub(super) async fn befall(self) -> Infallible {
        let stop = async {
            if self.strikes(Kind::ProcessStopped).await {
                let _stopped = self.process.stopped();
                self.last(Kind::ProcessStopped).await;
            }
        };
        let block = async {
            if self.strikes(Kind::OutputBlocked).await {
                let _unheard = self.process.unheard();
                self.last(Kind::OutputBlocked).await;
            }
        };
        let refuse = async {
            if self.strikes(Kind::ConnectionRefused).await {
                let _closed = self.stripe.closed();
                self.last(Kind::ConnectionRefused).await;
            }
        };
        tokio::join!(stop, block, refuse);
        std::future::pending().await
    }

    /// Waits for the instant at which it would strike; whether it does.
    async fn strikes(&self, kind: Kind) -> bool {
        // Without such a fault nothing needs to wake.
        if !self.faults.include(kind) {
            return false;
        }
        self.wait(kind, STRIKES_MS).await;
        let subject = Subject { operation: self.role, payment: None, id: self.request };
        self.faults.fires(kind, self.clock.now(), &subject).is_some()
    }

    async fn last(&self, kind: Kind) {
        self.wait(kind, LASTS_MS).await;
    }

    async fn wait(&self, kind: Kind, (low, high): (u64, u64)) {
        tokio::time::sleep(Duration::from_millis(self.faults.between(kind, low, high))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::process::Written;
    use super::*;
    use crate::faults::{CRASH_HOPS_DEFAULT, Fault, Window};
    use crate::journal::Journal;
    use crate::random::Chance;
    use crate::serve::said::said;
    use http::StatusCode;
    use payments::UnixMs;
    use std::collections::BTreeMap;
    use std::path::Path;
    use tokio::sync::mpsc::unbounded_channel;

    /// How a process stands, as the system tells: `S` when it sleeps, `T` when it is stopped.
    fn state(process: &Process) -> String {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
        stat.rsplit(')').next().unwrap_or_default().trim().chars().take(1).collect()
    }

    /// Lets one kind befall an invocation, until `seen` says that it did, and then until it is undone.
    async fn befalls(
        kind: Kind,
        role: &'static str,
        seen: impl Fn(&Process, &StripePort) -> bool,
    ) -> (u64, bool) {
        let (heard, _hears) = unbounded_channel();
        let environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/up/still");
        let process = Process::start(&program, &environment, &heard, |_: Written, text| text);
        let process = process.expect("a shell starts");
        let answer = |_| async { Ok(said(StatusCode::OK, "text/plain", "".into())) };
        let (stripe, serving) = StripePort::open(answer).await.expect("a port");
        let clock = Clock::starting_at(UnixMs(1));
        let mut fault = Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS);
        fault.scope.operations = ["consumer".to_owned()].into();
        let faults = Faults::new(&[fault], 1, UnixMs(1), CRASH_HOPS_DEFAULT, Journal::default());
        let mischief =
            Mischief { faults: &faults, clock, role, request: "r-1", process: &process, stripe: &stripe };
        let was_seen = tokio::select! {
            never = mischief.befall() => match never {},
            never = serving => match never {},
            was_seen = async {
                for _ in 0..100 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    if seen(&process, &stripe) {
                        return true;
                    }
                }
                false
            } => was_seen,
        };
        // The invocation is over, and with it whatever befell it.
        assert!(!seen(&process, &stripe), "{kind} outlasts its invocation");
        (faults.tally()[0].fired, was_seen)
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn each_befalls_an_invocation_of_the_function_it_is_meant_for_and_ends_with_it() {
        type Seen = fn(&Process, &StripePort) -> bool;
        let kinds: [(Kind, Seen); 3] = [
            (Kind::ProcessStopped, |process, _| state(process) == "T"),
            (Kind::OutputBlocked, |process, _| process.is_unheard()),
            (Kind::ConnectionRefused, |_, stripe| stripe.is_closed()),
        ];
        for (kind, seen) in kinds {
            assert_eq!(befalls(kind, "consumer", seen).await, (1, true), "{kind}");
            assert_eq!(befalls(kind, "responder", seen).await, (0, false), "{kind}");
        }
    }
}
