//! CloudFront Functions: JavaScript at the edge, run as it is deployed and held to the limits of its runtime.
//!
//! Invariant: what a function answers depends on its code, the event, the values and the time, and on nothing else: not on
//! what it was asked before, nor on the machine.
//!
//! The engine is QuickJS and not AWS's, so it understands more of the language than `cloudfront-js-2.0` does: what is
//! deployed is held to that by `ci/edge-function`. What is not here, a function does not find: `Buffer`, text encoders,
//! the modules but `cloudfront` and `crypto`, of `crypto` whatever is not text, `Math.random`. What it logs is nobody's.

mod answer;
mod crypto;
mod engine;
#[cfg(test)]
mod tests;

use engine::{Engine, Realm};
use payments::UnixMs;
use regex_lite::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Longest code, bytes.
/// Source: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-functions>
pub const CODE_BYTES_MAX: usize = 10_240;

/// Why CloudFront does not take a function, or what it says in the place of its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    /// There is too much of it.
    #[error("the code has {bytes} bytes; CloudFront takes at most {CODE_BYTES_MAX}")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// It is no JavaScript; where, and what the engine says.
    #[error("the code cannot be parsed: {0}")]
    Syntax(String),
    /// Nothing in it can be called.
    #[error("the code has no function of the name handler")]
    NoHandler,
    /// It threw, or never answered; what it threw.
    #[error("the function failed: {0}")]
    Thrown(String),
    /// It computed for too long.
    #[error("the function was ended: it made more calls and turns of loops than it may")]
    OutOfTime,
    /// It kept too much.
    #[error("the function was ended: it used more than {bytes_max} bytes of memory")]
    OutOfMemory {
        /// How many it may use.
        bytes_max: usize,
    },
    /// CloudFront does not pass on what it answered; why.
    #[error("the function returned an invalid value: {0}")]
    Invalid(String),
    /// The engine itself cannot run; what it says.
    #[error("the JavaScript engine: {0}")]
    Engine(String),
}

impl FunctionError {
    /// What the viewer gets in the place of an answer: 502 when the answer cannot be passed on, else 503.
    /// Source: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html>
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 502,
            Self::TooLarge { .. }
            | Self::Syntax(_)
            | Self::NoHandler
            | Self::Thrown(_)
            | Self::OutOfTime
            | Self::OutOfMemory { .. }
            | Self::Engine(_) => 503,
        }
    }
}

/// The code of an `AWS::CloudFront::Function`, ready to run.
pub struct EdgeFunction {
    code: String,
    /// `None` after an invocation that it may remember.
    shared: Mutex<Option<Engine>>,
}

impl fmt::Debug for EdgeFunction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EdgeFunction").field("code_bytes", &self.code.len()).finish_non_exhaustive()
    }
}

impl EdgeFunction {
    /// The function of this code, which is run once without an event: what it does outside of its handler must not fail.
    ///
    /// # Errors
    /// It is too large, cannot be parsed, fails, or has no `handler`.
    pub fn new(code: &str) -> Result<Self, FunctionError> {
        if code.len() > CODE_BYTES_MAX {
            return Err(FunctionError::TooLarge { bytes: code.len() });
        }
        let code = with_imports(code);
        engine::check_syntax(&code)?;
        let ready = Engine::new(&code, Realm::Own)?.run(None, Some(&BTreeMap::new()), UnixMs(0))?;
        if ready.as_deref() != Some("true") {
            return Err(FunctionError::NoHandler);
        }
        Ok(Self { code, shared: Mutex::new(None) })
    }

    /// One invocation.
    ///
    /// `event` is what CloudFront hands over: `version`, `context`, `viewer`, `request`, and `response` for
    /// `viewer-response`; headers, cookies and query are objects of `{ value, multiValue }`. `values` is the function's
    /// key value store, `None` when it cannot be read; `now` is what its clock says.
    ///
    /// # Errors
    /// The function fails, does not come to an end, or answers what CloudFront does not pass on.
    pub fn run(
        &self,
        event: &Value,
        values: Option<&BTreeMap<String, String>>,
        now: UnixMs,
    ) -> Result<Value, FunctionError> {
        let text = event.to_string();
        let answer = match self.run_beside_others(&text, values, now) {
            Ok(answer) => answer,
            // What went wrong may have to do with what is shared: the truth is what happens without.
            Err(_) => self.run_by_itself(text, values, now)?,
        };
        let answer = answer.map_or(Ok(Value::Null), |answer| serde_json::from_str(&answer));
        let answer = answer.map_err(|error| FunctionError::Invalid(error.to_string()))?;
        answer::check(event, &answer).map_err(FunctionError::Invalid)?;
        Ok(answer)
    }

    fn run_beside_others(
        &self,
        event: &str,
        values: Option<&BTreeMap<String, String>>,
        now: UnixMs,
    ) -> Result<Option<String>, FunctionError> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = match shared.take() {
            Some(engine) => engine,
            None => Engine::new(&self.code, Realm::Shared)?,
        };
        let answer = engine.run(Some(event.to_owned()), values, now)?;
        // Kept only by one that left nothing behind.
        *shared = Some(engine);
        Ok(answer)
    }

    fn run_by_itself(
        &self,
        event: String,
        values: Option<&BTreeMap<String, String>>,
        now: UnixMs,
    ) -> Result<Option<String>, FunctionError> {
        Engine::new(&self.code, Realm::Own)?.run(Some(event), values, now)
    }
}

/// The code of a module as that of a function's body: each `import` of a whole module, on a line of its own, calls for it.
fn with_imports(code: &str) -> String {
    let import = Regex::new(r#"(?m)^[ \t]*import[ \t]+([A-Za-z_$][\w$]*)[ \t]+from[ \t]+(['"])([a-z]+)['"]"#);
    let import = import.expect("the pattern is well formed");
    import.replace_all(code, "const $1 = imported($2$3$2)").into_owned()
}
