//! A process of ours: started, listened to, and ended without a word.
//!
//! Invariant: it never outlives its value here. What is killed is this child alone, by the handle that has not yet reaped
//! it, so that no other process can be meant.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

/// How often it is asked whether it has ended, when it says nothing that tells. The end of its output is noticed at once.
const LOOK: Duration = Duration::from_millis(50);
/// The same, once its output has ended.
const LOOK_AT_THE_END: Duration = Duration::from_millis(1);

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A child process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Mutex<Child>,
    /// Rung when an output ends.
    fell_silent: Arc<Notify>,
}

impl Process {
    /// Starts `program` with this environment and no other. Its lines go to `heard`; the last of its senders is dropped
    /// when both outputs have ended.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start<L: Send + 'static>(
        program: &Path,
        environment: &BTreeMap<String, String>,
        heard: &UnboundedSender<L>,
        line: fn(Written, String) -> L,
    ) -> io::Result<Self> {
        Self::of(Command::new(program), environment, heard, line)
    }

    /// The same for a program with arguments, or in a folder of its own.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn of<L: Send + 'static>(
        mut command: Command,
        environment: &BTreeMap<String, String>,
        heard: &UnboundedSender<L>,
        line: fn(Written, String) -> L,
    ) -> io::Result<Self> {
        command.env_clear().envs(environment).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C is for whoever started it, who then ends it.
        let mut child = command.process_group(0).spawn()?;
        let fell_silent = Arc::new(Notify::new());
        let outputs: [(Written, Option<Box<dyn Read + Send>>); 2] = [
            (Written::Out, child.stdout.take().map(|out| Box::new(out) as Box<dyn Read + Send>)),
            (Written::Err, child.stderr.take().map(|err| Box::new(err) as Box<dyn Read + Send>)),
        ];
        for (written, output) in outputs {
            let Some(output) = output else { continue };
            let (heard, fell_silent) = (heard.clone(), Arc::clone(&fell_silent));
            // Threads, because pipes block. Each ends with its output, and that with the process.
            std::thread::spawn(move || {
                listen(output, |text| heard.send(line(written, text)).is_ok());
                fell_silent.notify_one();
            });
        }
        Ok(Self { child: Mutex::new(child), fell_silent })
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// Returns when it has ended.
    pub(crate) async fn end(&self) -> ExitStatus {
        let mut pause = LOOK;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::select! {
                () = self.fell_silent.notified() => pause = LOOK_AT_THE_END,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Its number, for whoever wants to stop or kill it from outside.
    pub(crate) fn id(&self) -> u32 {
        self.child().id()
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child();
        // Neither can fail for a child that was not reaped; one that was is gone.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// How a process ended, as Lambda says it.
pub(crate) fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(9)) => "signal: killed".to_owned(),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => "no status".to_owned(),
    }
}

/// Reads lines until there are no more, or nobody wants them.
fn listen(output: impl Read, mut tell: impl FnMut(String) -> bool) {
    let mut output = BufReader::new(output);
    let mut bytes = Vec::new();
    while output.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes)).into_owned();
        bytes.clear();
        if !tell(text) {
            // Whoever writes on must not be stopped by a full pipe.
            let _ = io::copy(&mut output, &mut io::sink());
        }
    }
}

/// Most memory that a process has held so far, bytes, where the system tells.
pub(crate) fn peak_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
