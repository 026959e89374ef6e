//! What a batch adds to the metrics: one line.
//!
//! Invariant: the names below are what alarms and dashboards refer to.

use crate::record::{End, Report, Why};
use metrique_writer::Entry;
use payments::Cause;
use payments::ledger::State;

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

impl Tally {
    pub(crate) fn add(&mut self, report: &Report) {
        match &report.end {
            End::Acknowledged(Why::Drill) | End::HandedBack { cause: None, .. } => self.drills += 1,
            End::Acknowledged(Why::SettledBefore) => self.duplicates += 1,
            End::Acknowledged(Why::Quarantined) => self.quarantined += 1,
            End::Acknowledged(Why::Settled) => self.settled(report.state.as_ref()),
            End::HandedBack { cause: Some(cause), .. } => {
                self.handed_back += 1;
                self.panicked += u64::from(*cause == Cause::Panicked);
            }
        }
        self.stripe_calls += u64::from(report.calls.made);
        self.stripe_failures += u64::from(report.calls.failed);
        self.stripe_spared += u64::from(report.calls.spared);
        self.credentials_refused += u64::from(report.calls.credentials_refused);
    }

    const fn settled(&mut self, state: Option<&State>) {
        match state {
            Some(State::Succeeded) => self.succeeded += 1,
            Some(State::Declined(_)) => self.declined += 1,
            Some(State::Quarantined(_)) => self.quarantined += 1,
            // Nothing is acknowledged as settled that is not; a mutant may say so, and is told by the checks.
            Some(State::Received | State::Intended) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Calls;
    use host::Metrics;
    use payments::UnixMs;
    use payments::ledger::Reason;
    use payments::provider::Decline;
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

    fn report(end: End, state: State) -> Report {
        Report { end, state: Some(state), ..Report::default() }
    }

    #[test]
    fn a_batch_is_one_line_that_cloudwatch_takes_metrics_from() {
        let output = Output::default();
        let metrics = Metrics::new("payments".to_owned(), Box::new(output.clone()));
        let failed = Calls { made: 2, failed: 1, spared: 3, ..Calls::default() };
        let mut tally = Tally::default();
        let declined = State::Declined(Decline::authentication_required());
        tally.add(&report(End::Acknowledged(Why::Settled), State::Succeeded));
        tally.add(&report(End::Acknowledged(Why::Settled), declined));
        tally.add(&report(End::Acknowledged(Why::Settled), State::Quarantined(Reason::Poison)));
        tally.add(&report(End::Acknowledged(Why::Quarantined), State::Quarantined(Reason::Malformed)));
        tally.add(&report(End::Acknowledged(Why::SettledBefore), State::Succeeded));
        tally.add(&Report { end: End::HandedBack { cause: None, visible_in_s: 5 }, ..Report::default() });
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
