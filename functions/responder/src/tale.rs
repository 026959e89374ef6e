//! What one turn saw and did: a wide log line, and a line of metrics.
//!
//! Invariant: a metric is written only of what this turn saw itself; what it did not look at is no zero.

use crate::Inner;
use crate::look::Glanced;
use host::TraceId;
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
    /// The trace that X-Ray keeps of it.
    pub(crate) trace: Option<TraceId>,
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
            trace_id = tale.trace.as_ref().map(TraceId::as_str),
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
    use payments::incident::Depth;
    use payments::{Cause, UnixMs};
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

    fn written(tale: &Tale, failed_turns: u64) -> String {
        let output = Output::default();
        let metrics = Metrics::new("payments".to_owned(), Box::new(output.clone()));
        metrics.write(&Line::of(tale, failed_turns), UnixMs(1_767_603_600_000));
        let bytes = output.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_turn_is_one_line_with_a_metric_for_each_thing_it_saw() {
        // No two are alike, or one could stand for another.
        let tale = Tale {
            source: Some(2),
            dead_letters: Some(3),
            quarantined: Some(5),
            oldest_ms: Some(301_999),
            audited: Some(7),
            differences: Some(0),
            silenced_alarms: Some(11),
            mails: 13,
            listeners: Some(17),
            races_lost: 19,
            ..Tale::default()
        };
        assert_eq!(
            written(&tale, 23),
            concat!(
                r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"payments","Dimensions":[[]],"Metrics":["#,
                r#"{"Name":"Turns"},{"Name":"FailedTurns"},{"Name":"Mails"},{"Name":"OldestUnsettledSeconds"},"#,
                r#"{"Name":"DeadLetters"},{"Name":"Quarantined"},{"Name":"Listeners"},{"Name":"AuditedIntents"},"#,
                r#"{"Name":"AuditDifferences"},{"Name":"SilencedAlarms"}]}],"Timestamp":1767603600000},"#,
                r#""Turns":1,"FailedTurns":23,"Mails":13,"OldestUnsettledSeconds":301,"DeadLetters":3,"#,
                r#""Quarantined":5,"Listeners":17,"AuditedIntents":7,"AuditDifferences":0,"SilencedAlarms":11}"#,
                "\n"
            )
        );
    }

    #[test]
    fn what_a_turn_did_not_look_at_is_no_metric() {
        let line = written(&Tale::default(), 0);
        assert!(
            line.contains(r#""Metrics":[{"Name":"Turns"},{"Name":"FailedTurns"},{"Name":"Mails"}]"#),
            "{line}"
        );
    }

    #[test]
    fn what_was_seen_of_each_queue_is_told_of_that_queue() {
        let depth = |visible| Depth { visible, in_flight: 10 * visible, delayed: 100 * visible };
        let seen = Observation {
            source: depth(2),
            dead_letters: depth(3),
            quarantine: depth(5),
            probes: Some(Probes::Unwell(Cause::ProviderError)),
            ..Observation::default()
        };
        let mut tale = Tale::default();
        tale.saw(&seen, &Incident::default());
        assert_eq!(
            (tale.source, tale.dead_letters, tale.quarantined, tale.probes.as_deref()),
            (Some(222), Some(333), Some(555), Some("provider_error"))
        );
        let glanced =
            Glanced { dead_letters: Some(2), quarantined: Some(3), oldest_ms: Some(5), ..Glanced::default() };
        tale.glanced(glanced);
        assert_eq!((tale.dead_letters, tale.quarantined, tale.oldest_ms), (Some(2), Some(3), Some(5)));
    }
}
