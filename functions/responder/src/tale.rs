//! What one turn saw and did: a wide log line, and a line of metrics.
//!
//! Invariant: a metric is written only of what this turn saw itself; what it did not look at is no zero.

use crate::Inner;
use crate::look::Glanced;
use metrique_writer::Entry;
use payments::incident::{Effect, Incident, Observation, Probes};

/// What one turn saw and did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tale {
    pub(crate) looked: &'static str,
    pub(crate) phase_before: Option<&'static str>,
    pub(crate) phase: Option<&'static str>,
    pub(crate) source: Option<u64>,
    pub(crate) dead_letters: Option<u64>,
    pub(crate) quarantined: Option<u64>,
    pub(crate) oldest_ms: Option<i64>,
    pub(crate) probes: Option<String>,
    pub(crate) effect: Option<&'static str>,
    pub(crate) audited: Option<u64>,
    pub(crate) differences: Option<u64>,
    pub(crate) silenced_alarms: Option<u64>,
    pub(crate) mails: u64,
    pub(crate) listeners: Option<u64>,
    pub(crate) races_lost: u64,
}

impl Tale {
    pub(crate) const fn glanced(&mut self, glanced: Glanced) {
        self.dead_letters = glanced.dead_letters;
        self.quarantined = glanced.quarantined;
        self.oldest_ms = glanced.oldest_ms;
    }

    pub(crate) fn saw(&mut self, seen: &Observation, incident: &Incident) {
        self.looked = "everything";
        self.phase_before = Some(incident.recovery.phase.name());
        self.phase = self.phase_before;
        self.source = Some(seen.source.total());
        self.dead_letters = Some(seen.dead_letters.total());
        self.quarantined = Some(seen.quarantine.total());
        self.oldest_ms = Some(seen.oldest_ms());
        self.probes = seen.probes.map(|probes| match probes {
            Probes::Well => "well".to_owned(),
            Probes::Unwell(cause) => cause.to_string(),
        });
    }

    pub(crate) const fn does(&mut self, effect: Option<Effect>) {
        self.effect = match effect {
            None => None,
            Some(Effect::StartMoveTask) => Some("start_move_task"),
            Some(Effect::CancelMoveTask) => Some("cancel_move_task"),
            Some(Effect::SortDeadLetters) => Some("sort_dead_letters"),
        };
    }
}

impl Inner {
    /// Tells the tale of a turn. Metrics that cannot be written are no reason to fail it.
    pub(crate) fn tell(&self, wake: &'static str, tale: &Tale, error: Option<String>) {
        tracing::info!(
            wake,
            looked = tale.looked,
            phase_before = tale.phase_before,
            phase = tale.phase,
            source = tale.source,
            dead_letters = tale.dead_letters,
            quarantined = tale.quarantined,
            oldest_ms = tale.oldest_ms,
            probes = tale.probes,
            effect = tale.effect,
            audited = tale.audited,
            differences = tale.differences,
            silenced_alarms = tale.silenced_alarms,
            mails = tale.mails,
            listeners = tale.listeners,
            races_lost = tale.races_lost,
            error,
            "turn"
        );
        self.metrics.write(&Line::of(tale, u64::from(error.is_some())), self.clock.now());
    }
}

/// The names below are what alarms and dashboards refer to.
#[derive(Entry)]
#[entry(rename_all = "PascalCase")]
struct Line {
    turns: u64,
    failed_turns: u64,
    mails: u64,
    oldest_unsettled_seconds: Option<u64>,
    dead_letters: Option<u64>,
    quarantined: Option<u64>,
    listeners: Option<u64>,
    audited_intents: Option<u64>,
    audit_differences: Option<u64>,
    silenced_alarms: Option<u64>,
}

impl Line {
    fn of(tale: &Tale, failed_turns: u64) -> Self {
        Self {
            turns: 1,
            failed_turns,
            mails: tale.mails,
            oldest_unsettled_seconds: tale.oldest_ms.map(|ms| u64::try_from(ms / 1_000).unwrap_or(0)),
            dead_letters: tale.dead_letters,
            quarantined: tale.quarantined,
            listeners: tale.listeners,
            audited_intents: tale.audited,
            audit_differences: tale.differences,
            silenced_alarms: tale.silenced_alarms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::Metrics;
    use payments::UnixMs;
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

    #[test]
    fn an_audit_is_two_metrics_and_a_turn_without_one_is_none() {
        let output = Output::default();
        let metrics = Metrics::new("payments".to_owned(), Box::new(output.clone()));
        let tale = Tale { audited: Some(250), differences: Some(0), ..Tale::default() };
        metrics.write(&Line::of(&tale, 0), UnixMs(1_767_603_600_000));
        let line = String::from_utf8(output.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        assert!(line.contains(r#"{"Name":"AuditedIntents"},{"Name":"AuditDifferences"}"#), "{line}");
        assert!(line.contains(r#""AuditedIntents":250,"AuditDifferences":0"#), "{line}");
    }

    #[test]
    fn a_turn_is_one_line_with_a_metric_for_each_thing_it_saw() {
        let output = Output::default();
        let metrics = Metrics::new("payments".to_owned(), Box::new(output.clone()));
        let tale = Tale { dead_letters: Some(3), oldest_ms: Some(301_999), ..Tale::default() };
        metrics.write(&Line::of(&tale, 0), UnixMs(1_767_603_600_000));
        let line = String::from_utf8(output.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        assert_eq!(
            line,
            concat!(
                r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"payments","Dimensions":[[]],"Metrics":["#,
                r#"{"Name":"Turns"},{"Name":"FailedTurns"},{"Name":"Mails"},{"Name":"OldestUnsettledSeconds"},"#,
                r#"{"Name":"DeadLetters"}]}],"Timestamp":1767603600000},"#,
                r#""Turns":1,"FailedTurns":0,"Mails":0,"OldestUnsettledSeconds":301,"DeadLetters":3}"#,
                "\n"
            )
        );
    }
}
