//! One process of a function, measured from its start to its end.
//!
//! Invariant: what counts as done was done: every payment that was handed over is in the fake Stripe's book, once, and every
//! look at one was told that it is paid.

use super::backends::Backends;
use super::looks;
use super::subject::{CONSUMER, Duties, Subject};
use crate::cloud::container::InvocationContext;
use crate::cloud::event_source::record::event;
use crate::cloud::names;
use crate::cloud::sqs::{Content, Delivery};
use crate::serve::socket::accept;
use crate::up::process::{self, Process};
use crate::up::runtime::{Init, RuntimeApi};
use payments::UnixMs;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Payments of a batch: what the template has SQS hand over at most.
pub(super) const BATCH: usize = 10;

/// Batches before a process counts as warm.
const WARMING: usize = 20;

/// Batches that are measured together: their processor time is counted in hundredths of a second, of which they take many.
pub(super) const BATCHES: usize = 100;

/// Requests before a process counts as warm.
pub(super) const REQUESTS_WARMING: usize = 200;

/// Requests that are measured together, for the same reason as [`BATCHES`].
pub(super) const REQUESTS: usize = 4_000;

/// Longest that an init, or a batch, may take; above what Lambda allows an init.
const PATIENCE: Duration = Duration::from_secs(30);

/// Hundredths of a second in which Linux counts a process's time, whatever its own ticks are (`USER_HZ`).
const TICKS_PER_S: f64 = 100.0;

/// What one process came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// From the start of the process until it asks for its first event, ms.
    pub init_ms: f64,
    /// Its first batch of ten, for the responder its first turn, for whoever is asked by a URL its first request, ms.
    pub first_ms: Option<f64>,
    /// The median of those that follow, ms.
    pub warm_ms: Option<f64>,
    /// Payments a second, one batch after the other.
    pub payments_per_s: Option<f64>,
    /// Payments a second of its own processor time.
    pub payments_per_core_s: Option<f64>,
    /// Requests a second, one after the other.
    pub requests_per_s: Option<f64>,
    /// Requests a second of its own processor time.
    pub requests_per_core_s: Option<f64>,
    /// Most memory it held, bytes.
    pub peak_bytes: Option<u64>,
}

/// Starts a subject, hands it what it is there for, and ends it.
pub(super) async fn measure(subject: &Subject, backends: &Backends, run: u32) -> Result<Sample, String> {
    let mut started = Started::new(subject, backends, run).await?;
    let mut sample = Sample { init_ms: started.init_ms, ..Sample::default() };
    match subject.duties {
        Duties::Payments => started.charge(&mut sample).await?,
        Duties::Turns => {
            sample.first_ms = Some(started.turn().await?);
            sample.warm_ms = Some(started.turn().await?);
        }
        Duties::Looks => started.look(&mut sample, run, looks::is_told).await?,
        Duties::None => started.look(&mut sample, run, |_| Ok(())).await?,
    }
    sample.peak_bytes = process::peak_bytes(started.process.id());
    Ok(sample)
}

/// A process that has asked for its first event.
struct Started<'a> {
    backends: &'a Backends,
    runtime: Arc<RuntimeApi>,
    process: Process,
    said: UnboundedReceiver<String>,
    init_ms: f64,
    /// How its payments are called.
    name: String,
    invocations: usize,
    sent: usize,
    /// Payments that were charged before it was started.
    charged_before: usize,
    _door: JoinSet<()>,
}

impl<'a> Started<'a> {
    async fn new(subject: &Subject, backends: &'a Backends, run: u32) -> Result<Self, String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|error| format!("no port for its Runtime API: {error}"))?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let runtime = Arc::new(RuntimeApi::new());
        let door = backends.door(&runtime);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { match accept(&listener, door).await {} });
        let (says, said) = unbounded_channel();
        let (command, environment) = (subject.command()?, subject.environment(port));
        let began = Instant::now();
        let process = Process::of(command, &environment, &says, |_, line| line);
        let process = process.map_err(|error| format!("cannot be started: {error}"))?;
        let mut started = Self {
            backends,
            runtime: Arc::clone(&runtime),
            process,
            said,
            init_ms: 0.0,
            name: payments_of(&subject.name, run),
            invocations: 0,
            sent: 0,
            charged_before: backends.charged(),
            _door: tasks,
        };
        let init = started.unless_it_ends(runtime.init()).await?;
        started.init_ms = ms(began.elapsed());
        if let Init::Failed(why) = init {
            return Err(format!("its init fails: {why}"));
        }
        Ok(started)
    }

    async fn charge(&mut self, sample: &mut Sample) -> Result<(), String> {
        sample.first_ms = Some(self.batch().await?);
        let mut warm = Vec::new();
        for _ in 0..WARMING {
            warm.push(self.batch().await?);
        }
        let began = self.lap()?;
        for _ in 0..BATCHES {
            warm.push(self.batch().await?);
        }
        (sample.payments_per_s, sample.payments_per_core_s) = self.rates(BATCHES * BATCH, &began)?;
        sample.warm_ms = super::Figure::of(warm.split_off(WARMING)).map(|figure| figure.median);
        match self.backends.charged() - self.charged_before {
            charged if charged == self.sent => Ok(()),
            charged => Err(format!("charged {charged} of {} payments", self.sent)),
        }
    }

    /// Asks it, as its URL does, how the first payment stands that the consumer charged in this run, over and over.
    async fn look(
        &mut self,
        sample: &mut Sample,
        run: u32,
        is_answered: fn(&Value) -> Result<(), String>,
    ) -> Result<(), String> {
        let request = looks::request(&payment_id(&payments_of(CONSUMER, run), 0), self.backends.now());
        sample.first_ms = Some(self.request(&request, is_answered).await?);
        for _ in 0..REQUESTS_WARMING {
            self.request(&request, is_answered).await?;
        }
        let (began, mut warm) = (self.lap()?, Vec::with_capacity(REQUESTS));
        for _ in 0..REQUESTS {
            warm.push(self.request(&request, is_answered).await?);
        }
        (sample.requests_per_s, sample.requests_per_core_s) = self.rates(REQUESTS, &began)?;
        sample.warm_ms = super::Figure::of(warm).map(|figure| figure.median);
        Ok(())
    }

    /// One request; how long it took, ms.
    async fn request(
        &mut self,
        request: &[u8],
        is_answered: fn(&Value) -> Result<(), String>,
    ) -> Result<f64, String> {
        let began = Instant::now();
        let answer = self.invoke(request.to_vec()).await?;
        let took_ms = ms(began.elapsed());
        is_answered(&answer).map_err(|why| why + &self.last_words())?;
        Ok(took_ms)
    }

    /// The time, and the processor time it has used so far.
    fn lap(&self) -> Result<Lap, String> {
        Ok(Lap { began: Instant::now(), processor_s: self.processor_s()? })
    }

    /// How many of these were done a second since then, and a second of its processor time; none of the latter where it
    /// used less than is counted.
    fn rates(&self, done: usize, since: &Lap) -> Result<(Option<f64>, Option<f64>), String> {
        let core_s = self.processor_s()? - since.processor_s;
        let done = to_f64(done);
        Ok((Some(done / since.began.elapsed().as_secs_f64()), (core_s > 0.0).then(|| done / core_s)))
    }

    /// Hands over ten new payments; how long they took, ms.
    async fn batch(&mut self) -> Result<f64, String> {
        let now = self.backends.now();
        let numbers = self.sent..self.sent + BATCH;
        let batch: Vec<Delivery> = numbers.map(|number| delivery(&self.name, number, now)).collect();
        self.sent += BATCH;
        let payload = event(self.backends.source(), &batch);
        let began = Instant::now();
        let answer = self.invoke(payload).await?;
        let took_ms = ms(began.elapsed());
        let failed = answer["batchItemFailures"].as_array().map(Vec::len);
        match failed {
            Some(0) => Ok(took_ms),
            _ => Err(format!("does not settle a batch: {answer}{}", self.last_words())),
        }
    }

    /// A turn of the schedule; how long it took, ms.
    async fn turn(&mut self) -> Result<f64, String> {
        let woken = json!({
            "version": "0", "id": "bench", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {},
            "account": names::ACCOUNT, "region": names::REGION, "resources": [],
        });
        let began = Instant::now();
        self.invoke(woken.to_string().into_bytes()).await?;
        Ok(ms(began.elapsed()))
    }

    async fn invoke(&mut self, payload: Vec<u8>) -> Result<Value, String> {
        self.invocations += 1;
        let context = InvocationContext {
            request_id: format!("00000000-0000-4000-8000-{:012}", self.invocations),
            deadline: self.backends.now().plus_ms(60_000),
            function_name: "bench".to_owned(),
            function_arn: names::function_arn("bench"),
            xray_header: None,
        };
        let outcome = self.runtime.offer(payload, context);
        let outcome = self.unless_it_ends(outcome).await?;
        let answer = outcome.map_err(|_| "its invocation was given up".to_owned())?;
        let answer = answer.map_err(|why| format!("answers an error: {why}"))?;
        serde_json::from_slice(&answer).map_err(|error| format!("answers no JSON: {error}"))
    }

    async fn unless_it_ends<T>(&mut self, waited: impl Future<Output = T>) -> Result<T, String> {
        let why = tokio::select! {
            biased;
            done = waited => return Ok(done),
            status = self.process.end() => format!("ends with {}", process::how(status)),
            () = tokio::time::sleep(PATIENCE) => format!("does not answer within {} s", PATIENCE.as_secs()),
        };
        // Its last line is still on its way.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(why + &self.last_words())
    }

    fn last_words(&mut self) -> String {
        let lines = std::iter::from_fn(|| self.said.try_recv().ok());
        let last = lines.filter(|line| !line.trim().is_empty()).last();
        last.map(|line| format!("; it says: {}", line.trim())).unwrap_or_default()
    }

    /// Processor time it has used so far, of all its threads, s.
    fn processor_s(&self) -> Result<f64, String> {
        let path = format!("/proc/{}/stat", self.process.id());
        let stat = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        processor_ticks(&stat).map(|ticks| ticks / TICKS_PER_S).ok_or_else(|| format!("{path}: {stat}"))
    }
}

/// When something began.
struct Lap {
    began: Instant,
    /// Of the process, of all its threads, s.
    processor_s: f64,
}

/// How the payments of a subject begin in a run.
fn payments_of(subject: &str, run: u32) -> String {
    format!("run-{run}-of-{}", subject.replace(' ', "-"))
}

fn payment_id(name: &str, number: usize) -> String {
    format!("{name}-{number}")
}

/// `utime` and `stime` of `/proc/PID/stat`, which may have anything in its second field, spaces and parentheses included.
fn processor_ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u32>);
    Some(f64::from(times.next()?.ok()?) + f64::from(times.next()?.ok()?))
}

fn delivery(name: &str, number: usize, now: UnixMs) -> Delivery {
    let payment = json!({
        "payment_id": payment_id(name, number), "amount": 1999, "currency": "eur", "payment_method": "pm_card_visa",
    });
    let body = payment.to_string();
    let content = Content {
        id: format!("00000000-0000-4000-9000-{number:012}"),
        body_md5: format!("{:x}", md5::compute(&body)),
        body,
        attributes: BTreeMap::new(),
        trace_header: None,
        sent_at: now,
    };
    Delivery {
        content: Arc::new(content),
        receipt_handle: format!("receipt-{number}"),
        receives: 1,
        first_received_at: now,
        dead_letter_source: None,
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Exact: there are never so many.
fn to_f64(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_is_found_behind_any_name() {
        let stat = "42 (a (b) c 7) S 1 42 42 0 -1 4194560 9 0 0 0 120 34 5 6 20 0 3 0 99 8 7";
        assert_eq!(processor_ticks(stat), Some(154.0));
        assert_eq!(processor_ticks("42 (x) S 1"), None);
    }
}
