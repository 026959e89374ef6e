//! `cargo chaos up`, as clients on sockets meet it, with functions that are processes.
//!
//! The functions here are a script that does what an event asks of it; the real ones are driven by `ci/walkthrough`.

mod bench;
mod command;
mod edge;
mod functions;
mod page;
mod sdk;

use chaos::serve;
use chaos::stripe::{Latency, Mode};
use chaos::up::{self, Binaries, Offer, Standing, Told};
use chaos::world::Deployed;
use payments::UnixMs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Seconds after which a function of these tests is killed.
const TIMEOUT_S: u64 = 2;

/// Longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stack that is up; it is ended, at the latest, when this is dropped.
struct Up {
    standing: Standing,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
    notices: Arc<Mutex<Vec<String>>>,
    folder: PathBuf,
}

/// An answer over HTTP.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/up").join(name)
}

/// The repository's template, with functions that are killed sooner.
fn template(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("chaos-up-{test}-{}", std::process::id()));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("template.yaml")).expect("the template is there");
    let hurried = text.replace("      Timeout: 60\n", &format!("      Timeout: {TIMEOUT_S}\n"));
    assert_ne!(text, hurried, "the timeout is where it was");
    fs::create_dir_all(folder.join("alarms")).expect("it can be made");
    fs::write(folder.join("template.yaml"), hurried).expect("it can be written");
    fs::copy(root.join("alarms/template.yaml"), folder.join("alarms/template.yaml"))
        .expect("it can be copied");
    folder
}

/// A stack of the template in `folder`, with this script in the place of both functions.
fn offer(folder: &Path, program: &str) -> Offer {
    let now = UnixMs(1_767_603_600_000);
    let (mode, latency) = (Mode::Test, Latency::None);
    Offer {
        deployed: Deployed::load(&folder.join("template.yaml"), &BTreeMap::new()).expect("it is good"),
        binaries: Binaries { consumer: script(program), responder: script(program), status: script(program) },
        edge_port: None,
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        stripe: serve::Offer { port: 0, mode, latency, faults: vec![], seed: 1, now },
        seed: 1,
        now,
    }
}

/// Asks whoever listens there.
fn asked(base: &str, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .expect("it reads");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it answers");
    let (head, body) = said.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

impl Up {
    fn new(test: &str) -> Self {
        Self::with(test, "bootstrap")
    }

    /// With this script in the place of both functions.
    fn with(test: &str, program: &str) -> Self {
        let folder = template(test);
        let offer = offer(&folder, program);
        Self::of(folder, offer)
    }

    fn of(folder: PathBuf, offer: Offer) -> Self {
        let (stop, notices) = (Arc::new(Notify::new()), Arc::<Mutex<Vec<String>>>::default());
        let (stands, standing): (_, Receiver<Standing>) = channel();
        let (rung, told) = (Arc::clone(&stop), Arc::clone(&notices));
        let thread = std::thread::spawn(move || {
            let served = up::up(&offer, &rung, &mut |said| match said {
                Told::Standing(standing) => drop(stands.send(standing.clone())),
                Told::Mail(subject, _) => {
                    told.lock().expect("nobody panicked").push(format!("mail: {subject}"))
                }
                Told::Notice(text) => told.lock().expect("nobody panicked").push(text.to_owned()),
            });
            served.expect("it stays up");
        });
        let standing = standing.recv_timeout(PATIENCE).expect("it comes up");
        Self { standing, stop, thread: Some(thread), notices, folder }
    }

    fn raw(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        asked(&self.standing.aws, method, path, headers, body)
    }

    /// One call of a JSON protocol.
    fn json(&self, target: &str, body: &str) -> Answer {
        let target = format!("X-Amz-Target: {target}");
        self.raw("POST", "/", &["Content-Type: application/x-amz-json-1.0", &target], body)
    }

    /// Invokes the consumer and waits for its answer.
    fn invoke(&self, event: &str) -> Answer {
        self.raw("POST", "/2015-03-31/functions/payments-consumer/invocations", &[], event)
    }

    /// Every line of the consumer's log.
    fn log(&self) -> Vec<String> {
        let asked = r#"{"logGroupName":"/aws/lambda/payments-consumer"}"#;
        let lines = self.json("Logs_20140328.FilterLogEvents", asked).value();
        let lines = lines["events"].as_array().expect("lines").iter();
        lines.map(|line| line["message"].as_str().expect("a text").to_owned()).collect()
    }

    fn state(&self) -> Value {
        self.raw("GET", "/chaos/state", &[], "").value()
    }

    /// Ends it as Ctrl-C does.
    fn end(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends without a panic");
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Answer {
    fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Waits until something is so.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    #[expect(clippy::disallowed_methods, reason = "these tests are about real time")]
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not yet: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process is there, and not only what is left of it until somebody asks how it ended.
fn lives(process: u64) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}
