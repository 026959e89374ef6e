//! A service for durable executions, beside the embedded ones: it keeps what each execution has done so far, outside of
//! every container, and invokes its function again until the execution is over.
//!
//! How it behaves is taken from AWS's guides, which `docs/durable.md` names; of no SDK there is a line in it.
//! Invariant: what was written into an execution's log is there for every invocation that comes after.

use chaos::clock::Clock;
use chaos::cloud::lambda::Pool;
use chaos::random::Stream;
use payments::UnixMs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use tokio::task::JoinSet;

/// Until an invocation that died is made up for, ms. AWS says that it is, and no number.
const AGAIN_MS: i64 = 1_000;

/// All executions of a function. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Service(Arc<Shared>);

struct Shared {
    function: OnceLock<Weak<Pool>>,
    state: Mutex<State>,
}

struct State {
    executions: BTreeMap<String, Execution>,
    /// Those for whose end nobody waits.
    at_work: JoinSet<()>,
    draws: Stream,
}

struct Execution {
    input: String,
    log: BTreeMap<&'static str, Step>,
    outcome: Option<Outcome>,
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It was begun, for the so manieth time, and nothing was heard of it since.
    Begun(u32),
    /// It failed so many times and is tried again then.
    Waits(u32, UnixMs),
    /// It is done, with this result.
    Done(String),
    /// It failed for good.
    Failed(String),
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
}

/// Whether an execution was begun.
/// <https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html>, "Idempotency behavior".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    New,
    /// It was, earlier, whether or not it is over.
    Before,
    /// `DurableExecutionAlreadyStartedException`.
    OfAnotherInput,
}

/// What an invocation says of its execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    Succeeded,
    Failed(String),
    /// Nothing can be done before then, in ms since 1970.
    Pending(i64),
}

impl Service {
    /// One without executions, whose draws come from this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let draws = Stream::new(seed, "durable executions");
        let state = State { executions: BTreeMap::new(), at_work: JoinSet::new(), draws };
        Self(Arc::new(Shared { function: OnceLock::new(), state: Mutex::new(state) }))
    }

    /// Hears where its function is.
    pub(crate) fn serve(&self, function: Weak<Pool>) {
        self.0.function.set(function).expect("a world deploys a function once");
    }

    /// Begins an execution under a name of its own.
    pub(crate) fn begin(&self, input: &str) -> String {
        let name = format!("execution-{}", self.lock().executions.len());
        assert_eq!(self.begin_as(&name, input), Begun::New, "{name}");
        name
    }

    /// Begins an execution under this name, unless there is one.
    pub(crate) fn begin_as(&self, name: &str, input: &str) -> Begun {
        let mut state = self.lock();
        match state.executions.get(name) {
            Some(execution) if execution.input == input => Begun::Before,
            Some(_) => Begun::OfAnotherInput,
            None => {
                let begun = Execution { input: input.to_owned(), log: BTreeMap::new(), outcome: None };
                state.executions.insert(name.to_owned(), begun);
                Begun::New
            }
        }
    }

    /// Invokes the function until the execution is over, however often that is.
    pub(crate) async fn run(&self, name: &str, clock: Clock) -> Outcome {
        let payload = json!({ "execution": name }).to_string().into_bytes();
        let outcome = loop {
            let function = self.0.function.get().and_then(Weak::upgrade).expect("the world goes on");
            let ended = function.invoke(payload.clone(), Vec::new()).await;
            let said = ended.outcome.ok().and_then(|answer| serde_json::from_slice(&answer).ok());
            match said {
                Some(Said::Succeeded) => break Outcome::Succeeded,
                Some(Said::Failed(_)) => break Outcome::Failed,
                Some(Said::Pending(until_ms)) => clock.sleep_until(UnixMs(until_ms)).await,
                None => clock.sleep_until(clock.now().plus_ms(AGAIN_MS)).await,
            }
        };
        self.of(name, |execution| execution.outcome = Some(outcome));
        outcome
    }

    /// The same, without anybody who waits for it.
    pub(crate) fn set_off(&self, name: String, clock: Clock) {
        let service = self.clone();
        self.lock().at_work.spawn(async move {
            service.run(&name, clock).await;
        });
    }

    /// What an execution was begun with.
    pub(crate) fn input(&self, name: &str) -> String {
        self.of(name, |execution| execution.input.clone())
    }

    /// How far a step is; `None` before it was begun.
    pub(crate) fn step(&self, name: &str, step: &str) -> Option<Step> {
        self.of(name, |execution| execution.log.get(step).cloned())
    }

    /// Writes down how far a step is.
    pub(crate) fn write(&self, name: &str, step: &'static str, how_far: Step) {
        self.of(name, |execution| execution.log.insert(step, how_far));
    }

    /// How many executions there were.
    pub(crate) fn count(&self) -> usize {
        self.lock().executions.len()
    }

    /// A number from 0 to `most`.
    pub(crate) fn draw(&self, most: u64) -> u64 {
        self.lock().draws.between(0, most)
    }

    /// The inputs of the executions that did not succeed: they are on record, and their function's dead letters.
    pub(crate) fn unsuccessful(&self) -> Vec<String> {
        let state = self.lock();
        let others = state.executions.values().filter(|it| it.outcome != Some(Outcome::Succeeded));
        others.map(|execution| execution.input.clone()).collect()
    }

    fn of<T>(&self, name: &str, ask: impl FnOnce(&mut Execution) -> T) -> T {
        ask(self.lock().executions.get_mut(name).expect("it was begun"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
