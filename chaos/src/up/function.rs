//! A function that is a process of its own: a `bootstrap` binary, as it would be deployed.
//!
//! Invariant: one process is one container; it ends with it, and whatever it said by then is in its log.

use super::door::{Door, StripeDoor};
use super::logs::Logs;
use super::mischief::Mischief;
use super::platform::{self, End, Measured};
use super::process::{self, Process, Written};
use super::runtime::{Init, RuntimeApi};
use super::stripe_port::StripePort;
use crate::cloud::config::LogFormat;
use crate::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use crate::cloud::crew::Crew;
use crate::cloud::names;
use crate::faults::Faults;
use crate::serve::socket::accept;
use crate::stripe::Provider;
use payments::UnixMs;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// For how long the last lines of an invocation may be on their way through the pipe when its answer has arrived.
const LATE_LINES: Duration = Duration::from_millis(20);

/// Starts a function in processes.
#[derive(Clone)]
pub(crate) struct ProcessFunction {
    /// `consumer` or `responder`, as faults name it.
    pub(crate) role: &'static str,
    /// The binary.
    pub(crate) program: PathBuf,
    /// Where its lines go.
    pub(crate) logs: Logs,
    /// Whom it calls where the template says `stripe_base`.
    pub(crate) stripe: Provider,
    /// Where that Stripe is, as the template says it.
    pub(crate) stripe_base: String,
    /// Does what outlives a container: writing down its last lines.
    pub(crate) crew: Crew,
    /// Is told, in a line each, what somebody in front of a terminal should see.
    pub(crate) notices: UnboundedSender<String>,
}

/// What goes into a container's log.
enum Said {
    /// By the function.
    Line(Written, String),
    /// By Lambda, at once.
    Lambda(UnixMs, String),
    /// By Lambda, when what was written before has arrived.
    Last(UnixMs, Vec<String>),
}

impl Function for ProcessFunction {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let function = self.clone();
        Box::pin(async move {
            let running = function.run(&container).await?;
            Ok(Box::new(running) as Box<dyn Handler>)
        })
    }
}

impl ProcessFunction {
    async fn run(self, container: &Container) -> Result<Running, String> {
        let began = container.clock.now();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|error| format!("no port for its Runtime API: {error}"))?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let runtime = Arc::new(RuntimeApi::new());
        let door = Door { container: container.clone(), runtime: Arc::clone(&runtime) };
        let stripe_door = StripeDoor { container: container.clone(), stripe: self.stripe.clone() };
        let stripe = StripePort::open(move |request| stripe_door.clone().answer(request)).await;
        let (stripe, at_stripe) = stripe.map_err(|error| format!("no port for Stripe: {error}"))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(
            async move { match accept(&listener, move |request| door.clone().answer(request)).await {} },
        );
        tasks.spawn(async move { match at_stripe.await {} });
        let (said, heard) = unbounded_channel();
        let _ = said.send(Said::Lambda(began, platform::init_start(&container.function, began)));
        let last_words = LastWords::default();
        let scribe = Scribe::new(self.logs.clone(), container.clone(), last_words.clone());
        let ports = Ports { door: port, stripe: stripe.port() };
        let environment = environment(container, &scribe.stream, ports, &self.stripe_base);
        self.crew.start(scribe.write_down(heard));
        let process = Process::start(&self.program, &environment, &said, Said::Line);
        let process = process.map_err(|error| format!("cannot start {}: {error}", self.program.display()))?;
        let initialised = tokio::select! {
            biased;
            init = runtime.init() => match init {
                Init::Failed(why) => Err(why),
                Init::Running | Init::Done => Ok(()),
            },
            status = process.end() => {
                Err(format!("Runtime exited with error: {} (Runtime.ExitError)", process::how(status)))
            }
        };
        let now = container.clock.now();
        let init_ms = now.since_ms(began);
        if let Err(why) = initialised {
            let line = platform::init_failed(&container.function, now, init_ms, "Runtime.ExitError");
            let _ = said.send(Said::Last(now, vec![line]));
            // What it said before it ended is still on its way.
            tokio::time::sleep(LATE_LINES).await;
            let why = last_words.after(why);
            let _ = self.notices.send(format!("{}: its init fails: {why}", container.function.name));
            return Err(why);
        }
        let is_first = AtomicBool::new(true);
        Ok(Running {
            container: container.clone(),
            runtime,
            process,
            said,
            init_ms,
            is_first,
            _doors: tasks,
            notices: self.notices,
            role: self.role,
            faults: self.stripe.faults().clone(),
            stripe,
        })
    }
}

/// The last line that a container wrote.
#[derive(Clone, Default)]
struct LastWords(Arc<Mutex<String>>);

impl LastWords {
    fn say(&self, text: &str) {
        text.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What happened, and what the function itself said of it.
    fn after(&self, why: String) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_empty() || why.contains(said.as_str()) { why } else { format!("{why}; it says: {said}") }
    }
}

/// A function's process that has asked for its first event.
struct Running {
    container: Container,
    runtime: Arc<RuntimeApi>,
    process: Process,
    said: UnboundedSender<Said>,
    init_ms: i64,
    is_first: AtomicBool,
    /// Serve the container; their connections end with it.
    _doors: JoinSet<()>,
    notices: UnboundedSender<String>,
    role: &'static str,
    faults: Faults,
    stripe: StripePort,
}

impl Handler for Running {
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let mut invocation = Invocation::begin(self, &context);
            let request = context.request_id.clone();
            let outcome = self.runtime.offer(payload, context);
            tokio::select! {
                biased;
                never = self.mischief(&request).befall() => match never {},
                Ok(outcome) = outcome => {
                    invocation.end = if outcome.is_ok() { End::Answered } else { End::Error };
                    outcome
                }
                status = self.process.end() => {
                    invocation.end = End::Exited(status);
                    drop(invocation);
                    // The container is dead, and is not asked again.
                    self.container.link.trip();
                    std::future::pending().await
                }
            }
        })
    }

    fn is_alive(&self) -> bool {
        self.process.ended().is_none()
    }
}

impl Running {
    fn mischief<'a>(&'a self, request: &'a str) -> Mischief<'a> {
        let Self { container, role, faults, process, stripe, .. } = self;
        Mischief { faults, clock: container.clock, role, request, process, stripe }
    }
}

/// An invocation in hand. Its report is written when it is dropped, which is also how one ends that is given up.
struct Invocation<'a> {
    running: &'a Running,
    request: String,
    deadline: UnixMs,
    began: UnixMs,
    end: End,
}

impl<'a> Invocation<'a> {
    fn begin(running: &'a Running, context: &InvocationContext) -> Self {
        let (request, deadline) = (context.request_id.clone(), context.deadline);
        let began = running.container.clock.now();
        let line = platform::start(&running.container.function, began, &request);
        let _ = running.said.send(Said::Lambda(began, line));
        Self { running, request, deadline, began, end: End::Killed }
    }
}

impl Drop for Invocation<'_> {
    fn drop(&mut self) {
        let Running { container, process, said, init_ms, is_first, notices, .. } = self.running;
        let now = container.clock.now();
        let is_late = self.end == End::Killed && now >= self.deadline;
        let end = if is_late { End::TimedOut } else { self.end };
        let measured = Measured {
            took_ms: now.since_ms(self.began),
            init_ms: is_first.swap(false, Ordering::Relaxed).then_some(*init_ms),
            peak_bytes: process::peak_bytes(process.id()),
        };
        let lines = platform::report(&container.function, now, &self.request, end, measured);
        let _ = said.send(Said::Last(now, lines));
        if let Some(said) = platform::fatal(&container.function, &self.request, end) {
            let _ = notices.send(format!("{}: {said}", container.function.name));
        }
    }
}

/// Writes down what is said in a container.
struct Scribe {
    logs: Logs,
    container: Container,
    stream: String,
    last_words: LastWords,
}

impl Scribe {
    fn new(logs: Logs, container: Container, last_words: LastWords) -> Self {
        let at = jiff::Timestamp::from_millisecond(container.clock.now().0).unwrap_or_default();
        let day = at.strftime("%Y/%m/%d");
        let stream = format!(
            "{day}/[{}]{:016x}{:016x}",
            container.function.version(),
            container.seed,
            container.number
        );
        Self { logs, container, stream, last_words }
    }

    /// Ends when nobody is left who could say anything.
    async fn write_down(mut self, mut heard: UnboundedReceiver<Said>) {
        let mut last: Option<(UnixMs, Vec<String>)> = None;
        loop {
            let said = match last {
                Some(_) => tokio::time::timeout(LATE_LINES, heard.recv()).await,
                None => Ok(heard.recv().await),
            };
            if let Ok(Some(Said::Line(written, text))) = said {
                self.line(written, text);
                continue;
            }
            if let Some((at, texts)) = last.take() {
                texts.into_iter().for_each(|text| self.write(at, text));
            }
            match said {
                Ok(Some(Said::Lambda(at, text))) => self.write(at, text),
                Ok(Some(Said::Last(at, texts))) => last = Some((at, texts)),
                Ok(Some(Said::Line(..))) | Err(_) => {}
                Ok(None) => return,
            }
        }
    }

    fn line(&mut self, written: Written, text: String) {
        if written == Written::Out {
            // A line of metrics never fails anybody.
            let _ = self.container.metrics.write_all(format!("{text}\n").as_bytes());
        }
        if !text.trim().is_empty() {
            self.last_words.say(&text);
        }
        self.write(self.container.clock.now(), text);
    }

    fn write(&self, at: UnixMs, text: String) {
        self.logs.write(&self.container.function.log_group, &self.stream, at, text);
    }
}

/// Where a container calls.
#[derive(Clone, Copy)]
struct Ports {
    /// The Runtime API and AWS.
    door: u16,
    stripe: u16,
}

/// The environment that Lambda gives a function.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
fn environment(
    container: &Container,
    stream: &str,
    ports: Ports,
    stripe_base: &str,
) -> BTreeMap<String, String> {
    let function = &container.function;
    let door = format!("127.0.0.1:{}", ports.door);
    let stripe = format!("http://127.0.0.1:{}", ports.stripe);
    let base = format!("http://{door}");
    let mut environment = BTreeMap::new();
    for (name, value) in &function.environment {
        let value = if value == stripe_base { &stripe } else { value };
        environment.insert(name.clone(), value.clone());
    }
    let format = match function.logging.format {
        LogFormat::Text => "Text",
        LogFormat::Json => "JSON",
    };
    let memory_mb = function.memory_mb.to_string();
    let key = format!("ASIA{:016X}", container.seed);
    let ours = [
        ("AWS_LAMBDA_RUNTIME_API", door.as_str()),
        ("AWS_ENDPOINT_URL", &base),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", function.version()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory_mb),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &function.log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ("AWS_LAMBDA_LOG_FORMAT", format),
        ("AWS_REGION", names::REGION),
        ("AWS_DEFAULT_REGION", names::REGION),
        ("AWS_ACCESS_KEY_ID", &key),
        ("AWS_SECRET_ACCESS_KEY", "of-a-role"),
        ("AWS_SESSION_TOKEN", "of-a-session"),
        ("_HANDLER", "bootstrap"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
    ];
    environment.extend(ours.map(|(name, value)| (name.to_owned(), value.to_owned())));
    if let Some(level) = &function.logging.level {
        environment.insert("AWS_LAMBDA_LOG_LEVEL".to_owned(), level.clone());
    }
    environment
}
