//! Metrics in CloudWatch's embedded metric format: one line a batch.
//!
//! Invariant: the names below are what alarms and dashboards refer to.

use crate::record::{End, Report, Why};
use metrique_writer::Entry;
use metrique_writer::format::Format;
use metrique_writer_format_emf::Emf;
use payments::{Cause, UnixMs};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Counts of one batch. CloudWatch adds them up over time; the namespace keeps stacks apart.
#[derive(Clone, Debug, Default, Entry)]
#[entry(rename_all = "PascalCase")]
pub(crate) struct Tally {
    succeeded: u64,
    declined: u64,
    quarantined: u64,
    duplicates: u64,
    handed_back: u64,
    panicked: u64,
    drills: u64,
    stripe_calls: u64,
    /// Calls that the provider failed.
    stripe_failures: u64,
    /// Calls that the breaker spared. An alarm on failing calls counts them as failures, or it would flap.
    stripe_spared: u64,
    credentials_refused: u64,
}

/// A tally and its time.
#[derive(Entry)]
struct Line {
    #[entry(timestamp)]
    at: SystemTime,
    #[entry(flatten)]
    tally: Tally,
}

impl Tally {
    pub(crate) fn add(&mut self, report: &Report) {
        match (&report.end, report.state) {
            (End::Acknowledged(Why::Drill), _) | (End::HandedBack { cause: None, .. }, _) => self.drills += 1,
            (End::Acknowledged(Why::SettledBefore), _) => self.duplicates += 1,
            (End::Acknowledged(Why::Quarantined), _) => self.quarantined += 1,
            (End::Acknowledged(Why::Settled), Some("succeeded")) => self.succeeded += 1,
            (End::Acknowledged(Why::Settled), Some("declined")) => self.declined += 1,
            (End::Acknowledged(Why::Settled), _) => self.quarantined += 1,
            (End::HandedBack { cause: Some(cause), .. }, _) => {
                self.handed_back += 1;
                self.panicked += u64::from(*cause == Cause::Panicked);
            }
        }
        self.stripe_calls += u64::from(report.calls.made);
        self.stripe_failures += u64::from(report.calls.failed);
        self.stripe_spared += u64::from(report.calls.spared);
        self.credentials_refused += u64::from(report.calls.credentials_refused);
    }

    fn line(&self, now: UnixMs) -> Line {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
        Line { at, tally: self.clone() }
    }
}

/// Where the lines go: on Lambda, standard output.
pub(crate) struct Metrics(Mutex<(Emf, Box<dyn Write + Send>)>);

impl Metrics {
    pub(crate) fn new(namespace: String, output: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new((Emf::all_validations(namespace, vec![vec![]]), output)))
    }

    /// Writes the line of one batch. Metrics that cannot be written are no reason to fail payments.
    pub(crate) fn write(&self, tally: &Tally, now: UnixMs) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (emf, output) = &mut *guard;
        let mut line = Vec::new();
        let written = emf.format(&tally.line(now), &mut line).map_err(|error| error.to_string());
        if let Err(error) = written.and_then(|()| output.write_all(&line).map_err(|error| error.to_string()))
        {
            tracing::warn!(%error, "metrics not written");
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Calls;
    use std::sync::Arc;

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

    fn report(end: End, state: &'static str) -> Report {
        Report { end, state: Some(state), ..Report::default() }
    }

    #[test]
    fn a_batch_is_one_line_that_cloudwatch_takes_metrics_from() {
        let output = Output::default();
        let metrics = Metrics::new("payments".to_owned(), Box::new(output.clone()));
        let failed = Calls { made: 2, failed: 1, spared: 3, ..Calls::default() };
        let mut tally = Tally::default();
        tally.add(&report(End::Acknowledged(Why::Settled), "succeeded"));
        tally.add(&report(End::Acknowledged(Why::Settled), "declined"));
        tally.add(&report(End::Acknowledged(Why::Settled), "quarantined"));
        tally.add(&report(End::Acknowledged(Why::Quarantined), "malformed"));
        tally.add(&report(End::Acknowledged(Why::SettledBefore), "succeeded"));
        tally.add(&report(End::HandedBack { cause: None, visible_in_s: 5 }, "drill"));
        let panicked = End::HandedBack { cause: Some(Cause::Panicked), visible_in_s: 9 };
        tally.add(&Report { end: panicked, calls: failed, ..Report::default() });
        metrics.write(&tally, UnixMs(1_767_603_600_000));

        let line = String::from_utf8(output.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        assert_eq!(
            line,
            concat!(
                r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"payments","Dimensions":[[]],"Metrics":["#,
                r#"{"Name":"Succeeded"},{"Name":"Declined"},{"Name":"Quarantined"},{"Name":"Duplicates"},"#,
                r#"{"Name":"HandedBack"},{"Name":"Panicked"},{"Name":"Drills"},{"Name":"StripeCalls"},"#,
                r#"{"Name":"StripeFailures"},{"Name":"StripeSpared"},{"Name":"CredentialsRefused"}]}],"#,
                r#""Timestamp":1767603600000},"Succeeded":1,"Declined":1,"Quarantined":2,"Duplicates":1,"#,
                r#""HandedBack":1,"Panicked":1,"Drills":1,"StripeCalls":2,"StripeFailures":1,"#,
                r#""StripeSpared":3,"CredentialsRefused":0}"#,
                "\n"
            )
        );
    }
}
