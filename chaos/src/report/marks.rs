//! The marks of a run: when what matters in an outage first happened, so that two runs can be laid side by side.
//!
//! Invariant: what did not happen has no mark; none is ever 0 in its place.

use super::incident::sent_back;
use crate::checks::{Backlog, Evidence};
use crate::journal::{AlarmChanged, Event, StateValue, TableEvent};
use payments::UnixMs;
use serde::{Deserialize, Serialize};

/// Where an incident stands whose dead letters are sent back by ones.
const CANARY: &str = "canary";

/// Instants, each in ms since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// A message was first dead-lettered.
    pub first_dead_letter_ms: Option<u64>,
    /// An alarm first went off.
    pub alarm_ms: Option<u64>,
    /// A mail first arrived.
    pub mail_ms: Option<u64>,
    /// A dead letter was first sent back by itself.
    pub canary_ms: Option<u64>,
    /// The last payment was settled that the faults had left.
    pub drained_ms: Option<u64>,
}

impl Marks {
    /// Reads them off.
    #[must_use]
    pub fn of(evidence: &Evidence<'_>) -> Self {
        let history = evidence.history;
        let since = |at: UnixMs| u64::try_from(at.since_ms(history.began)).unwrap_or(0);
        let first = |is: fn(&Event) -> bool| {
            history.records.iter().find(|record| is(&record.event)).map(|record| record.at)
        };
        let dead = evidence.messages.values().filter_map(|message| message.dead_lettered).min();
        // From outside nobody sees what is sent back, only that the responder is at it.
        let canary = sent_back(evidence).next().or_else(|| first(is_canary));
        let drained = Backlog::of(evidence).and_then(|backlog| backlog.settled);
        Self {
            first_dead_letter_ms: dead.map(since),
            alarm_ms: first(is_alarm).map(since),
            mail_ms: history.mails.first().map(|mail| since(mail.at)),
            canary_ms: canary.map(since),
            drained_ms: drained.map(since),
        }
    }

    /// What each is called, in the order in which an outage usually comes to them.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, Option<u64>); 5] {
        [
            ("first dead letter", self.first_dead_letter_ms),
            ("alarm", self.alarm_ms),
            ("mail", self.mail_ms),
            ("canary", self.canary_ms),
            ("drained", self.drained_ms),
        ]
    }
}

fn is_alarm(event: &Event) -> bool {
    matches!(event, Event::Alarm(AlarmChanged { to: StateValue::Alarm, .. }))
}

fn is_canary(event: &Event) -> bool {
    matches!(event, Event::Table(TableEvent::IncidentSaved { record, phase, .. })
        if record == "recovery" && phase == CANARY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixtures::{ORDER, Tale};
    use crate::faults::{Kind, Window};

    #[test]
    fn an_outage_leaves_every_mark_and_a_quiet_run_none() {
        let quiet = Tale::of_one_good_payment().told();
        assert_eq!(Marks::of(&Evidence::of(&quiet)), Marks::default());

        let mut tale = Tale::of_one_dead_letter();
        tale.fault(Kind::StripeUnavailable, Window { from_ms: 0, until_ms: 10_000 }, 1);
        tale.alarm("DeadLettersWaiting", StateValue::Ok);
        tale.alarm("DeadLettersWaiting", StateValue::Alarm);
        tale.tell("recovery", "opened");
        tale.send_back("m-1", "m-2");
        tale.delete_dead_letter("m-1");
        tale.charge_as_it_should(ORDER);
        let told = tale.told();
        let marks = Marks::of(&Evidence::of(&told));
        let mail = told.mails.first().map(|mail| mail.at.since_ms(told.began).unsigned_abs());
        let expected = Marks {
            first_dead_letter_ms: Some(4_000),
            alarm_ms: Some(6_000),
            mail_ms: mail,
            canary_ms: marks.canary_ms.filter(|at| Some(*at) > mail),
            drained_ms: Some(told.ended.since_ms(told.began).unsigned_abs()),
        };
        assert_eq!(marks, expected);
        assert!(marks.named().iter().all(|(_, at)| at.is_some()), "{marks:?}");
    }

    #[test]
    fn seen_from_outside_a_canary_is_what_the_responder_is_at() {
        let mut tale = Tale::of_one_dead_letter();
        for phase in ["waiting", CANARY, CANARY] {
            tale.happen(TableEvent::IncidentSaved {
                request: "seen".to_owned(),
                record: "recovery".to_owned(),
                phase: phase.to_owned(),
                version: 1,
                pending: Vec::new(),
            });
        }
        assert_eq!(Marks::of(&Evidence::of(&tale.told())).canary_ms, Some(6_000));
    }
}
