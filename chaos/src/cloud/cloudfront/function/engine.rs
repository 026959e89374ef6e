//! The JavaScript engine, made to be the runtime of a function.
//!
//! Invariant: no invocation sees another. Its scope is made anew, and what it shares with the next, the built-in objects, is
//! frozen; whatever then does not end as if they were not is run once more where nothing is shared.

use super::FunctionError;
use super::crypto;
use payments::UnixMs;
use rquickjs::context::intrinsic::{Date, Eval, Json, MapSet, Promise, RegExp, TypedArrays};
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Exception, Function, Module, Object, Runtime};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// What a function may use besides what the runtime itself takes, bytes.
/// Source: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-functions>
const MEMORY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Deepest stack, bytes. Less than what a thread of the world has left.
const STACK_BYTES_MAX: usize = 256 * 1024;
/// At which question of the engine, whether to go on, the answer is no. It asks at each 10,000th call or turn of a loop, so
/// an invocation has between 20,000 and 30,000; the router takes a few hundred. AWS names no number.
const ASKED_MAX: u32 = 3;
/// The same where a count begins wherever the last invocation left it: one that is not asked this often has for certain
/// less than 20,000. The rest is counted from nothing, by itself.
const ASKED_MAX_SHARED: u32 = 2;

const RUNTIME: &str = include_str!("runtime.js");

type Intrinsics = (Date, Eval, RegExp, Json, Promise, TypedArrays, MapSet);

/// Whether built-in objects may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Realm {
    /// By nobody: for any number of invocations.
    Shared,
    /// By the function: for one.
    Own,
}

/// An engine with a function in it.
pub(super) struct Engine {
    context: Context,
    realm: Realm,
    seen: Arc<Seen>,
}

/// What the engine reads and tells while it runs.
struct Seen {
    now_ms: AtomicI64,
    values: Mutex<Option<BTreeMap<String, String>>>,
    asked: AtomicU32,
    asked_max: u32,
    /// An error that is not the function's own was thrown, whoever caught it.
    is_strange: AtomicBool,
    is_out_of_memory: AtomicBool,
}

impl Engine {
    /// With the code loaded, and nothing of it run.
    pub(super) fn new(code: &str, realm: Realm) -> Result<Self, FunctionError> {
        let seen = Arc::new(Seen::new(realm));
        let runtime = Runtime::new().map_err(broken)?;
        runtime.set_max_stack_size(STACK_BYTES_MAX);
        let context = Context::custom::<Intrinsics>(&runtime).map_err(broken)?;
        context.with(|ctx| {
            let made = load(&ctx, code, realm, &seen).and_then(|run| {
                // In the context, since nothing of it may be held outside.
                ctx.store_userdata(run).map(|_| ()).map_err(|_| rquickjs::Error::Unknown)
            });
            made.catch(&ctx).map_err(|error| thrown(&error))
        })?;
        let limit = usize::try_from(runtime.memory_usage().malloc_size).unwrap_or(0) + MEMORY_BYTES_MAX;
        runtime.set_memory_limit(limit);
        let asking = Arc::clone(&seen);
        runtime.set_interrupt_handler(Some(Box::new(move || asking.ask())));
        Ok(Self { context, realm, seen })
    }

    /// One invocation with an event's JSON; the answer's, or `None` when there was none. Without an event: `true`, when
    /// there is a handler, as JSON. An error in a shared realm is none yet: the invocation is to be done again, by itself.
    pub(super) fn run(
        &self,
        event: Option<String>,
        values: Option<&BTreeMap<String, String>>,
        now: UnixMs,
    ) -> Result<Option<String>, FunctionError> {
        self.seen.now_ms.store(now.0, Relaxed);
        *self.seen.values.lock().unwrap_or_else(PoisonError::into_inner) = values.cloned();
        self.seen.asked.store(0, Relaxed);
        let answer = self.context.with(|ctx| {
            let answer = call(&ctx, event);
            answer.catch(&ctx).map_err(|error| thrown(&error))
        });
        if self.realm == Realm::Shared && self.seen.is_strange.load(Relaxed) {
            return Err(FunctionError::Thrown("it is to be run by itself".to_owned()));
        }
        if self.seen.is_out_of_time() {
            return Err(FunctionError::OutOfTime);
        }
        if self.seen.is_out_of_memory.load(Relaxed) {
            return Err(FunctionError::OutOfMemory { bytes_max: MEMORY_BYTES_MAX });
        }
        answer
    }
}

/// Refuses what is no JavaScript, with the line.
pub(super) fn check_syntax(code: &str) -> Result<(), FunctionError> {
    let runtime = Runtime::new().map_err(broken)?;
    let context = Context::custom::<Intrinsics>(&runtime).map_err(broken)?;
    context.with(|ctx| {
        let parsed = Module::declare(ctx.clone(), "function", code).catch(&ctx).map(|_| ());
        parsed.map_err(|error| FunctionError::Syntax(error.to_string().trim().replace('\n', " ")))
    })
}

fn call(ctx: &Ctx<'_>, event: Option<String>) -> rquickjs::Result<Option<String>> {
    let run = ctx.userdata::<Function<'_>>().map(|run| (*run).clone()).ok_or(rquickjs::Error::Unknown)?;
    let answer: rquickjs::Promise<'_> = run.call((event,))?;
    // Comes to an end as the function does: what is interrupted is not resumed, whoever awaits it.
    answer.finish()
}

fn load<'js>(ctx: &Ctx<'js>, code: &str, realm: Realm, seen: &Arc<Seen>) -> rquickjs::Result<Function<'js>> {
    let host = Object::new(ctx.clone())?;
    let at = Arc::clone(seen);
    host.set("now", Function::new(ctx.clone(), move || at.now_ms.load(Relaxed) as f64)?)?;
    let at = Arc::clone(seen);
    let value = move |name: String| at.read(|values| values.get(&name).cloned());
    host.set("value", Function::new(ctx.clone(), value)?)?;
    let at = Arc::clone(seen);
    let count = move || at.read(|values| u32::try_from(values.len()).ok());
    host.set("count", Function::new(ctx.clone(), count)?)?;
    let digest = |algorithm: String, key: Option<String>, text: String, encoding: String| {
        crypto::digest(&algorithm, key.as_deref(), &text, &encoding)
    };
    host.set("digest", Function::new(ctx.clone(), digest)?)?;
    let at = Arc::clone(seen);
    let saw = move |is_out_of_memory| at.notice(is_out_of_memory);
    host.set("saw", Function::new(ctx.clone(), saw)?)?;
    let make: Function<'js> = ctx.eval(RUNTIME)?;
    make.call((host, code, realm == Realm::Shared))
}

impl Seen {
    fn new(realm: Realm) -> Self {
        let asked_max = match realm {
            Realm::Shared => ASKED_MAX_SHARED,
            Realm::Own => ASKED_MAX,
        };
        let (now_ms, values, asked) = (AtomicI64::new(0), Mutex::new(None), AtomicU32::new(0));
        let (is_strange, is_out_of_memory) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { now_ms, values, asked, asked_max, is_strange, is_out_of_memory }
    }

    /// Whether to stop.
    fn ask(&self) -> bool {
        self.asked.fetch_add(1, Relaxed) + 1 >= self.asked_max
    }

    fn is_out_of_time(&self) -> bool {
        self.asked.load(Relaxed) >= self.asked_max
    }

    fn read<T>(&self, what: impl FnOnce(&BTreeMap<String, String>) -> Option<T>) -> Option<T> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(what)
    }

    fn notice(&self, is_out_of_memory: bool) {
        self.is_strange.store(true, Relaxed);
        self.is_out_of_memory.fetch_or(is_out_of_memory, Relaxed);
    }
}

fn thrown(error: &CaughtError<'_>) -> FunctionError {
    let text = match error {
        CaughtError::Error(rquickjs::Error::WouldBlock) => "it waits for what never comes".to_owned(),
        CaughtError::Exception(exception) => named(exception),
        // What the engine throws when there is no room even for an error.
        CaughtError::Value(value) if value.is_null() => {
            return FunctionError::OutOfMemory { bytes_max: MEMORY_BYTES_MAX };
        }
        CaughtError::Error(_) | CaughtError::Value(_) => error.to_string(),
    };
    FunctionError::Thrown(text)
}

fn named(exception: &Exception<'_>) -> String {
    let name: String = exception.as_object().get("name").unwrap_or_else(|_| "Error".to_owned());
    format!("{name}: {}", exception.message().unwrap_or_default())
}

fn broken(error: rquickjs::Error) -> FunctionError {
    FunctionError::Engine(error.to_string())
}
