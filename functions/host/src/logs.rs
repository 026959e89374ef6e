//! Log lines, as Lambda files and filters them.
//!
//! Lambda reads the level of a line from its `level`, but takes every line for INFO that has no valid RFC 3339
//! `timestamp`: a WARN or an ERROR without one can be neither found nor kept by its level. The default subscriber of
//! `lambda_runtime` writes none.
//! (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>)
//!
//! Invariant: every line of JSON says when it was written, by the clock that was passed in.

use crate::Clock;
use std::fmt;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// From now on, what is logged goes to standard output, as the environment that Lambda sets asks for it.
pub fn to_stdout(environment: impl Fn(&str) -> Option<String>, clock: Clock) {
    // Whoever logged before keeps that; there is nobody.
    let _ = dispatcher::set_global_default(lines(environment, clock, std::io::stdout));
}

/// Writes lines to `output`: JSON if `AWS_LAMBDA_LOG_FORMAT` says so, of the level in `AWS_LAMBDA_LOG_LEVEL` (INFO
/// without one) and above, unless `RUST_LOG` says more.
pub fn lines<W>(environment: impl Fn(&str) -> Option<String>, clock: Clock, output: W) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = environment("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let filter = EnvFilter::builder()
        .with_default_directive(level.unwrap_or(LevelFilter::INFO).into())
        .parse_lossy(environment("RUST_LOG").unwrap_or_default());
    let lines = tracing_subscriber::fmt().with_target(false).with_env_filter(filter).with_writer(output);
    let is_json =
        environment("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    match is_json {
        true => lines.json().with_timer(Stamp(clock)).finish().into(),
        false => lines.without_time().finish().into(),
    }
}

/// The time of a line.
struct Stamp(Clock);

impl FormatTime for Stamp {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        let now = jiff::Timestamp::from_millisecond(self.0.now().0).map_err(|_| fmt::Error)?;
        write!(line, "{now:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
    use serde_json::Value;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is written of a line of each level, as Lambda sets the environment for this level.
    fn written(level: &'static str) -> Vec<Value> {
        let output = Output::default();
        let clock = Clock::new(SharedTimeSource::new(StaticTimeSource::from_secs(1_767_603_600)));
        let environment = |name: &str| match name {
            "AWS_LAMBDA_LOG_FORMAT" => Some("JSON".to_owned()),
            "AWS_LAMBDA_LOG_LEVEL" => Some(level.to_owned()),
            _ => None,
        };
        let to = output.clone();
        let lines = lines(environment, clock, move || to.clone());
        dispatcher::with_default(&lines, || {
            tracing::debug!("a detail");
            tracing::info!(payment = "order-1042", "delivery");
            tracing::warn!("metrics not written");
            tracing::error!("a turn failed");
        });
        let bytes = output.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The level that Lambda files a line under, by AWS's page.
    fn filed(line: &Value) -> &str {
        let has_time = line["timestamp"].as_str().is_some_and(|it| it.parse::<jiff::Timestamp>().is_ok());
        line["level"].as_str().filter(|_| has_time).unwrap_or("INFO")
    }

    #[test]
    fn lambda_files_every_line_under_its_own_level() {
        let lines = written("DEBUG");
        assert_eq!(lines.iter().map(filed).collect::<Vec<_>>(), ["DEBUG", "INFO", "WARN", "ERROR"]);
        assert_eq!(lines[1]["timestamp"], "2026-01-05T09:00:00.000Z");
        assert_eq!(lines[1]["fields"]["payment"], "order-1042");
    }

    #[test]
    fn what_is_below_the_level_that_lambda_sets_is_not_written() {
        let levels = |level| written(level).iter().map(filed).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(levels("WARN"), ["WARN", "ERROR"]);
        assert_eq!(levels("FATAL"), ["INFO", "WARN", "ERROR"], "a level that is not known here is INFO");
    }
}
