//! What Lambda itself writes into a function's log, as text or as JSON.
//! <https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html>
//!
//! Invariant: every invocation that began has one report, however it ended.

use crate::cloud::config::{FunctionConfig, LogFormat};
use jiff::Timestamp;
use payments::UnixMs;
use serde_json::{Value, json};

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    /// The function returned an error, and lives.
    Error,
    /// Its process ended; how.
    Exited(std::process::ExitStatus),
    /// It was killed at its deadline.
    TimedOut,
    /// It was killed before that, by whoever runs the world.
    Killed,
}

/// What is measured of an invocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) took_ms: i64,
    /// Of the first invocation of a container.
    pub(super) init_ms: Option<i64>,
    /// Where the system tells.
    pub(super) peak_bytes: Option<u64>,
}

/// The line before the first of a container.
pub(super) fn init_start(function: &FunctionConfig, at: UnixMs) -> String {
    match function.logging.format {
        LogFormat::Text => format!("INIT_START Runtime Version: {RUNTIME}"),
        LogFormat::Json => line(
            at,
            "platform.initStart",
            json!({ "initializationType": "on-demand", "phase": "init", "runtimeVersion": RUNTIME,
                    "functionName": function.name, "functionVersion": function.version() }),
        ),
    }
}

/// The line of an init that came to nothing.
pub(super) fn init_failed(function: &FunctionConfig, at: UnixMs, took_ms: i64, why: &str) -> String {
    match function.logging.format {
        LogFormat::Text => {
            format!(
                "INIT_REPORT Init Duration: {took_ms}.00 ms\tPhase: init\tStatus: error\tError Type: {why}"
            )
        }
        LogFormat::Json => line(
            at,
            "platform.initReport",
            json!({ "initializationType": "on-demand", "phase": "init", "status": "error", "errorType": why,
                    "metrics": { "durationMs": took_ms } }),
        ),
    }
}

/// The first line of an invocation.
pub(super) fn start(function: &FunctionConfig, at: UnixMs, request: &str) -> String {
    match function.logging.format {
        LogFormat::Text => format!("START RequestId: {request} Version: {}", function.version()),
        LogFormat::Json => {
            line(at, "platform.start", json!({ "requestId": request, "version": function.version() }))
        }
    }
}

/// The last lines of an invocation.
pub(super) fn report(
    function: &FunctionConfig,
    at: UnixMs,
    request: &str,
    end: End,
    measured: Measured,
) -> Vec<String> {
    match function.logging.format {
        LogFormat::Text => {
            let said = fatal(function, request, end).map(|said| format!("{} {said}", time(at)));
            let end_line = format!("END RequestId: {request}");
            said.into_iter().chain([end_line, in_words(function, request, end, measured)]).collect()
        }
        LogFormat::Json => {
            let memory = measured.peak_bytes.map(megabytes);
            let mut metrics = json!({
                "durationMs": measured.took_ms, "billedDurationMs": billed_ms(measured),
                "memorySizeMB": function.memory_mb, "maxMemoryUsedMB": memory,
            });
            if let Some(init_ms) = measured.init_ms {
                metrics["initDurationMs"] = init_ms.into();
            }
            let mut record = json!({ "requestId": request, "metrics": metrics, "status": status(end) });
            if let Some(kind) = error_type(end) {
                record["errorType"] = kind.into();
            }
            let done = (!matches!(end, End::Answered)).then(|| {
                let done =
                    json!({ "requestId": request, "status": status(end), "errorType": error_type(end) });
                line(at, "platform.runtimeDone", done)
            });
            done.into_iter().chain([line(at, "platform.report", record)]).collect()
        }
    }
}

/// What Lambda tells whoever waits for an answer, of a process that will not give it.
pub(super) fn fatal(function: &FunctionConfig, request: &str, end: End) -> Option<String> {
    match end {
        End::Answered | End::Error => None,
        End::Exited(status) => Some(format!(
            "RequestId: {request} Error: Runtime exited with error: {}",
            super::process::how(status)
        )),
        End::TimedOut => Some(format!("{request} Task timed out after {}.00 seconds", function.timeout_s)),
        End::Killed => Some(format!("RequestId: {request} Error: Runtime exited with error: signal: killed")),
    }
}

const RUNTIME: &str = "provided:al2023";

const fn status(end: End) -> &'static str {
    match end {
        End::Answered => "success",
        End::Error => "error",
        End::Exited(_) | End::Killed => "failure",
        End::TimedOut => "timeout",
    }
}

const fn error_type(end: End) -> Option<&'static str> {
    match end {
        End::Answered => None,
        End::Error => Some("Runtime.Unknown"),
        End::Exited(_) | End::Killed => Some("Runtime.ExitError"),
        End::TimedOut => Some("Sandbox.Timedout"),
    }
}

fn in_words(function: &FunctionConfig, request: &str, end: End, measured: Measured) -> String {
    let Measured { took_ms, init_ms, peak_bytes } = measured;
    let mut text = format!(
        "REPORT RequestId: {request}\tDuration: {took_ms}.00 ms\tBilled Duration: {} ms\tMemory Size: {} MB",
        billed_ms(measured),
        function.memory_mb
    );
    if let Some(bytes) = peak_bytes {
        text += &format!("\tMax Memory Used: {} MB", megabytes(bytes));
    }
    if let Some(init_ms) = init_ms {
        text += &format!("\tInit Duration: {init_ms}.00 ms");
    }
    if !matches!(end, End::Answered) {
        text += &format!("\tStatus: {}", status(end));
    }
    text
}

const fn billed_ms(measured: Measured) -> i64 {
    let init_ms = match measured.init_ms {
        Some(init_ms) => init_ms,
        None => 0,
    };
    measured.took_ms + init_ms
}

const fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn line(at: UnixMs, kind: &str, record: Value) -> String {
    format!(r#"{{"time":"{}","type":"{kind}","record":{record}}}"#, time(at))
}

fn time(at: UnixMs) -> String {
    let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::MAX);
    format!("{at:.3}")
}
