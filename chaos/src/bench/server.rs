//! Servers that stand in for AWS: ours, in a thread of its own, and those of others, in processes.
//!
//! Invariant: a server ends with its value here.

use super::peers::{MINISTACK, Peer};
use super::{Offer, backends};
use crate::clock::Clock;
use crate::cloud::names;
use crate::journal::Journal;
use crate::serve;
use crate::stripe::{Latency, Mode};
use crate::up::process::{self, Process};
use crate::up::{Alone, UpError};
use crate::world::{Deployed, WorldError};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;

/// Longest that a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is asked whether it does.
const LOOK: Duration = Duration::from_millis(50);

/// A server that listens.
pub(super) struct Server {
    /// Where it is: `http://127.0.0.1:PORT`.
    pub(super) base: String,
    /// A queue that is there from the beginning.
    pub(super) queue_url: Option<String>,
    _keeps: Keeps,
}

enum Keeps {
    Thread { _ours: Thread },
    Process { _theirs: Process },
}

impl Server {
    /// The embedded services, as `up` serves them: one thread, which whoever calls does not share.
    pub(super) fn ours(offer: &Offer) -> Result<Self, UpError> {
        let (deployed, now) = (offer.deployed.clone(), offer.now);
        let stop = Arc::new(Notify::new());
        let rung = Arc::clone(&stop);
        let (stands, standing) = channel();
        let thread = std::thread::spawn(move || {
            let ended = serve_ours(deployed, now, &rung, &stands);
            let _ = ended.map_err(|error| stands.send(Err(error)));
        });
        let thread = Thread { stop, thread: Some(thread) };
        let gone = || UpError::Harness("nobody serves".to_owned());
        let base = standing.recv().map_err(|_| gone())??;
        let queue = &offer.deployed.names.quarantine;
        let queue_url = Some(format!("{base}/{}/{queue}", names::ACCOUNT));
        Ok(Self { base, queue_url, _keeps: Keeps::Thread { _ours: thread } })
    }

    /// Somebody else's.
    pub(super) async fn theirs(key: &str, peer: &Peer, folder: &Path) -> Result<Self, String> {
        let port = free_port().map_err(|error| format!("no port: {error}"))?;
        let scratch = folder.join("scratch");
        std::fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
        let mut command = Command::new(&peer.program);
        command.current_dir(&scratch);
        let mut environment = BTreeMap::from(
            [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "C.UTF-8")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let scratch = scratch.display().to_string();
        environment.extend(["HOME", "TMPDIR"].map(|name| (name.to_owned(), scratch.clone())));
        let port_text = port.to_string();
        if key == MINISTACK {
            let variables = [
                ("BIND_HOST", "127.0.0.1"),
                ("MINISTACK_HOST", "127.0.0.1"),
                ("GATEWAY_PORT", &port_text),
                ("IOT_MTLS_ENABLED", "0"),
                ("SFTP_ENABLED", "0"),
                ("LOG_LEVEL", "WARNING"),
            ];
            environment.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        } else {
            command.args(["-H", "127.0.0.1", "-p", &port_text]);
        }
        let (says, mut said) = unbounded_channel();
        let process = Process::of(command, &environment, &says, |_, line| line);
        let process = process.map_err(|error| format!("cannot be started: {error}"))?;
        let listens = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = listens => {}
            status = process.end() => {
                let lines = std::iter::from_fn(|| said.try_recv().ok());
                let last = lines.filter(|line| !line.trim().is_empty()).last().unwrap_or_default();
                return Err(format!("ends with {}: {}", process::how(status), last.trim()));
            }
            () = tokio::time::sleep(PATIENCE) => {
                return Err(format!("does not listen within {} s", PATIENCE.as_secs()));
            }
        }
        let base = format!("http://127.0.0.1:{port}");
        Ok(Self { base, queue_url: None, _keeps: Keeps::Process { _theirs: process } })
    }
}

/// Our own thread, with a runtime of its own.
struct Thread {
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve_ours(
    deployed: Deployed,
    now: UnixMs,
    stop: &Notify,
    stands: &Sender<Result<String, UpError>>,
) -> Result<(), UpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(UpError::System)?.block_on(async {
        let (clock, journal) = (Clock::starting_at(now), Journal::default());
        let (mode, latency, faults) = (Mode::Test, Latency::None, Vec::new());
        let stripe = serve::Offer { port: 0, mode, latency, faults, seed: 1, now };
        let stripe = stripe.open(clock, journal.clone()).await?;
        let cloud =
            backends::cloud(&deployed, clock, &journal).map_err(|error: WorldError| UpError::World(error))?;
        let alone = Alone::open(deployed, cloud, &stripe).await?;
        let _ = stands.send(Ok(alone.base().to_owned()));
        tokio::select! {
            () = stop.notified() => Ok(()),
            never = alone.serve() => match never {},
        }
    })
}

/// A port that nobody has just now; whoever is quicker may take it still.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
