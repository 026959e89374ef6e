//! A process of ours: started, listened to, and ended without a word.
//!
//! Invariant: it never outlives its value here. What is killed is this child alone, by the handle that has not yet reaped
//! it, so that no other process can be meant.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

/// How often it is asked whether it has ended, when it says nothing that tells. The end of its output is noticed at once.
const LOOK: Duration = Duration::from_millis(50);
/// The same, once its output has ended.
const LOOK_AT_THE_END: Duration = Duration::from_millis(1);

/// What a pipe holds that nobody reads, bytes: the least that a system gives.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 4096;

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
    /// Closed while nobody is to read what it writes.
    valve: Arc<Valve>,
    /// Its outputs, to make their pipes small.
    pipes: Vec<OwnedFd>,
}

/// Stands still until this is dropped.
#[derive(Debug)]
pub(super) struct Stopped<'a>(&'a Process);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.signal(Signal::CONT);
    }
}

/// Not heard until this is dropped.
#[derive(Debug)]
pub(super) struct Unheard<'a>(&'a Process);

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        self.0.valve.set(Flow::On);
    }
}

/// Whether outputs are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flow {
    #[default]
    On,
    Off,
}

#[derive(Debug, Default)]
struct Valve {
    flow: Mutex<Flow>,
    turned: Condvar,
}

impl Valve {
    fn set(&self, flow: Flow) {
        *self.flow.lock().unwrap_or_else(PoisonError::into_inner) = flow;
        self.turned.notify_all();
    }

    /// Returns when it is open.
    fn pass(&self) {
        let flow = self.flow.lock().unwrap_or_else(PoisonError::into_inner);
        let open = self.turned.wait_while(flow, |flow| *flow == Flow::Off);
        drop(open.unwrap_or_else(PoisonError::into_inner));
    }
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
        let (valve, mut pipes) = (Arc::<Valve>::default(), Vec::new());
        let outputs = [
            (Written::Out, child.stdout.take().map(OwnedFd::from)),
            (Written::Err, child.stderr.take().map(OwnedFd::from)),
        ];
        for (written, output) in outputs {
            let Some(output) = output else { continue };
            pipes.extend(output.try_clone());
            let output = Watched { output: File::from(output), valve: Arc::clone(&valve) };
            let (heard, fell_silent) = (heard.clone(), Arc::clone(&fell_silent));
            // Threads, because pipes block. Each ends with its output, and that with the process.
            std::thread::spawn(move || {
                listen(output, |text| heard.send(line(written, text)).is_ok());
                fell_silent.notify_one();
            });
        }
        Ok(Self { child: Mutex::new(child), fell_silent, valve, pipes })
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

    /// Stops it where it is, as SIGSTOP does.
    pub(super) fn stopped(&self) -> Stopped<'_> {
        self.signal(Signal::STOP);
        Stopped(self)
    }

    /// Leaves unread what it writes, in pipes that are soon full.
    pub(super) fn unheard(&self) -> Unheard<'_> {
        for pipe in &self.pipes {
            // One that holds more than that stays as it is; other systems have no say in it.
            #[cfg(target_os = "linux")]
            let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
        }
        self.valve.set(Flow::Off);
        Unheard(self)
    }

    /// Whether nobody reads what it writes.
    #[cfg(test)]
    pub(super) fn is_unheard(&self) -> bool {
        *self.valve.flow.lock().unwrap_or_else(PoisonError::into_inner) == Flow::Off
    }

    fn signal(&self, signal: Signal) {
        let mut child = self.child();
        // The number of one that was reaped may be another's by now.
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        if let Some(process) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(process, signal);
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whoever listens is to see the end of it.
        self.valve.set(Flow::On);
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

/// An output, and what may keep it from being read.
struct Watched {
    output: File,
    valve: Arc<Valve>,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.valve.pass();
        let read = self.output.read(into);
        // What arrived while it was being closed is not passed on before it is open.
        self.valve.pass();
        read
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    /// Longest that a process may take to say something.
    const PATIENCE: Duration = Duration::from_secs(10);
    /// Longer than one that is free to speak says nothing.
    const SILENCE: Duration = Duration::from_millis(300);

    fn shell(script: &str) -> (Process, UnboundedReceiver<String>) {
        let (heard, hears) = unbounded_channel();
        let environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]);
        let process = Process::of(shell, &environment, &heard, |_, text| text);
        (process.expect("a shell starts"), hears)
    }

    async fn next(hears: &mut UnboundedReceiver<String>) -> String {
        let next = tokio::time::timeout(PATIENCE, hears.recv()).await;
        next.expect("it says something").expect("it lives")
    }

    /// Whether, soon, nothing comes for a moment: a reader that was not let to the processor may still have some.
    async fn falls_silent(hears: &mut UnboundedReceiver<String>) -> bool {
        let silence = async { while tokio::time::timeout(SILENCE, hears.recv()).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, silence).await.is_ok()
    }

    #[tokio::test]
    async fn a_process_that_is_stopped_does_nothing_and_goes_on_where_it_was() {
        let (process, mut hears) = shell("n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done");
        next(&mut hears).await;
        let stopped = process.stopped();
        assert!(falls_silent(&mut hears).await);
        assert_eq!(process.ended(), None);
        drop(stopped);
        assert!(next(&mut hears).await.parse::<u32>().expect("a number") > 1, "it did not begin again");
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_process_that_nobody_hears_waits_at_a_full_pipe_and_loses_nothing() {
        let (process, mut hears) = shell("n=0; while :; do n=$((n+1)); echo $n; done");
        next(&mut hears).await;
        let unheard = process.unheard();
        assert!(falls_silent(&mut hears).await);
        let spent = || std::fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("it lives");
        let waits = async {
            let mut before = spent();
            loop {
                tokio::time::sleep(SILENCE).await;
                let now = spent();
                if now == before {
                    return;
                }
                before = now;
            }
        };
        tokio::time::timeout(PATIENCE, waits).await.expect("it does nothing but wait");
        drop(unheard);
        let mut number = async || next(&mut hears).await.parse::<u32>().expect("a number");
        let first = number().await;
        for following in 1..10_000 {
            assert_eq!(number().await, first + following, "a line is lost");
        }
    }

    #[tokio::test]
    async fn one_that_was_stopped_or_not_heard_is_killed_all_the_same() {
        let (process, mut hears) = shell("while :; do echo here; done");
        next(&mut hears).await;
        let (stopped, unheard) = (process.stopped(), process.unheard());
        std::mem::forget((stopped, unheard));
        drop(process);
        while tokio::time::timeout(PATIENCE, hears.recv()).await.expect("its outputs end").is_some() {}
    }
}
