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
            End::Acknowledged(Why::Settled | Why::Witnessed) => self.settled(report.state.as_ref()),
            // No delivery: the payment's own message is counted when it comes.
            End::Acknowledged(Why::Overheard) | End::LookAgain { .. } => {}
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

    fn declined() -> State {
        State::Declined(Decline::authentication_required())
    }

    fn handed_back(cause: Option<Cause>) -> Report {
        Report { end: End::HandedBack { cause, visible_in_s: 9 }, ..Report::default() }
    }

    #[test]
    fn a_batch_is_one_line_that_cloudwatch_takes_metrics_from() {
        let output = Output::default();
        let metrics = Metrics::new("payments".to_owned(), Box::new(output.clone()));
        // No two counts are alike, or one could stand for another.
        let tally = Tally {
            succeeded: 2,
            declined: 3,
            quarantined: 5,
            duplicates: 7,
            handed_back: 11,
            panicked: 13,
            drills: 17,
            stripe_calls: 19,
            stripe_failures: 23,
            stripe_spared: 29,
            credentials_refused: 31,
        };
        metrics.write(&tally, UnixMs(1_767_603_600_000));

        let line = String::from_utf8(output.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        assert_eq!(
            line,
            concat!(
                r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"payments","Dimensions":[[]],"Metrics":["#,
                r#"{"Name":"Succeeded"},{"Name":"Declined"},{"Name":"Quarantined"},{"Name":"Duplicates"},"#,
                r#"{"Name":"HandedBack"},{"Name":"Panicked"},{"Name":"Drills"},{"Name":"StripeCalls"},"#,
                r#"{"Name":"StripeFailures"},{"Name":"StripeSpared"},{"Name":"CredentialsRefused"}]}],"#,
                r#""Timestamp":1767603600000},"Succeeded":2,"Declined":3,"Quarantined":5,"Duplicates":7,"#,
                r#""HandedBack":11,"Panicked":13,"Drills":17,"StripeCalls":19,"StripeFailures":23,"#,
                r#""StripeSpared":29,"CredentialsRefused":31}"#,
                "\n"
            )
        );
    }

    #[test]
    fn each_report_counts_where_it_belongs_and_nowhere_else() {
        let calls = Calls { made: 2, failed: 3, spared: 5, credentials_refused: 7, ..Calls::default() };
        let zero = Tally::default();
        let cases = [
            (
                report(End::Acknowledged(Why::Settled), State::Succeeded),
                Tally { succeeded: 1, ..zero.clone() },
            ),
            (report(End::Acknowledged(Why::Settled), declined()), Tally { declined: 1, ..zero.clone() }),
            (
                report(End::Acknowledged(Why::Settled), State::Quarantined(Reason::Poison)),
                Tally { quarantined: 1, ..zero.clone() },
            ),
            (
                report(End::Acknowledged(Why::Quarantined), State::Received),
                Tally { quarantined: 1, ..zero.clone() },
            ),
            (
                report(End::Acknowledged(Why::SettledBefore), State::Succeeded),
                Tally { duplicates: 1, ..zero.clone() },
            ),
            (report(End::Acknowledged(Why::Drill), State::Received), Tally { drills: 1, ..zero.clone() }),
            (
                report(End::Acknowledged(Why::Witnessed), State::Succeeded),
                Tally { succeeded: 1, ..zero.clone() },
            ),
            (report(End::Acknowledged(Why::Overheard), State::Succeeded), zero.clone()),
            (
                Report {
                    end: End::LookAgain { cause: Cause::BreakerOpen, visible_in_s: 9 },
                    calls: Calls { made: 1, failed: 1, ..Calls::default() },
                    ..Report::default()
                },
                Tally { stripe_calls: 1, stripe_failures: 1, ..zero.clone() },
            ),
            (handed_back(None), Tally { drills: 1, ..zero.clone() }),
            (handed_back(Some(Cause::ProviderError)), Tally { handed_back: 1, ..zero.clone() }),
            (handed_back(Some(Cause::Panicked)), Tally { handed_back: 1, panicked: 1, ..zero.clone() }),
            (
                Report { calls, ..handed_back(Some(Cause::BreakerOpen)) },
                Tally {
                    handed_back: 1,
                    stripe_calls: 2,
                    stripe_failures: 3,
                    stripe_spared: 5,
                    credentials_refused: 7,
                    ..zero.clone()
                },
            ),
        ];
        for (report, expected) in cases {
            let mut tally = zero.clone();
            tally.add(&report);
            assert_eq!(format!("{tally:?}"), format!("{expected:?}"), "{:?}", report.end);
        }
    }
}
