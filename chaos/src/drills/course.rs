//! The course of a drill: from its cause to the alarm, the mail and the end of both.
//!
//! Invariant: it is read off the history alone, by the names the template has.

use super::Trouble;
use crate::experiment::Experiment;
use crate::journal::{AlarmChanged, Event, MoveTaskEvent, StateValue};
use crate::units::{counted, duration_ms};
use crate::world::History;
use payments::UnixMs;
use std::collections::BTreeSet;

/// From a cause to its alarm, and to the mail about it, ms: the slowest needs four deliveries of a payment, which take
/// five minutes, and six more for its metric to arrive and to be judged.
pub const FIRES_MS_MAX: i64 = 15 * 60_000;

/// What a drill wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    alarm: &'static str,
    /// Alarms that may fire beside it.
    others: BTreeSet<String>,
    /// When its cause begins, ms since the start.
    cause_ms: u64,
    fires_ms_max: i64,
}

/// Who tells of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// The alarm, to the topic.
    Itself,
    /// The responder.
    TheResponder,
}

/// What was seen of an alarm, each in ms since its cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// When it fired, each time.
    pub fired: Vec<i64>,
    /// When somebody was first told.
    pub told: Option<i64>,
    /// When it cleared for the last time.
    pub cleared: Option<i64>,
    /// Alarms that fired and should not have.
    pub unwanted: BTreeSet<String>,
    /// What was done about the cause.
    pub done: Vec<String>,
}

impl Wanted {
    /// What is wanted of the drill of this alarm. The experiment keeps its faults and is judged by what follows from them:
    /// which alarms may fire is for the drill to say.
    pub(super) fn of(alarm: &'static str, experiment: &mut Experiment, trouble: Trouble) -> Self {
        let mut others = experiment.expect.alarms.take().unwrap_or_default();
        others.extend(trouble.may_raise().iter().map(|name| (*name).to_owned()));
        let cause_ms = experiment.faults.first().map_or(0, |fault| fault.window.from_ms);
        Self { alarm, others, cause_ms, fires_ms_max: FIRES_MS_MAX + trouble.delays_ms() }
    }
}

impl Course {
    pub(super) fn of(wanted: &Wanted, speaks: Speaks, history: &History) -> Self {
        let cause = history.instant(wanted.cause_ms);
        let mut course = Self { done: done(history), ..Self::default() };
        for record in &history.records {
            let Event::Alarm(AlarmChanged { alarm, to, .. }) = &record.event else { continue };
            let name = history.alerted.alarms.get(alarm).unwrap_or(alarm);
            match (name == wanted.alarm, *to) {
                (true, StateValue::Alarm) => course.fired.push(record.at.since_ms(cause)),
                (true, StateValue::Ok) if !course.fired.is_empty() => {
                    course.cleared = Some(record.at.since_ms(cause));
                }
                (true, StateValue::Ok | StateValue::InsufficientData) => course.cleared = None,
                (false, StateValue::Alarm) if !wanted.others.contains(name) => {
                    course.unwanted.insert(name.clone());
                }
                (false, _) => {}
            }
        }
        course.told = told(wanted, speaks, history, cause);
        course
    }

    /// What is wrong with it, a line each.
    pub(super) fn wrong(&self, wanted: &Wanted) -> Vec<String> {
        let mut wrong = Vec::new();
        let late = |ms: i64| ms > wanted.fires_ms_max;
        match self.fired.as_slice() {
            [] => wrong.push("it never fired".to_owned()),
            [first] if late(*first) => wrong.push(format!("it fired only {} after its cause", after(*first))),
            [_] => {}
            [..] => wrong.push(format!("it fired {}", counted(self.fired.len() as u64, "time"))),
        }
        match self.told {
            None => wrong.push("nobody was told".to_owned()),
            Some(ms) if late(ms) => wrong.push(format!("somebody was told only after {}", after(ms))),
            Some(_) => {}
        }
        if self.cleared.is_none() && !self.fired.is_empty() {
            wrong.push("it never cleared".to_owned());
        }
        wrong.extend(self.unwanted.iter().map(|alarm| format!("{alarm} fired without a reason")));
        wrong
    }
}

/// A length of time as a reader of the table wants it.
pub(crate) fn after(ms: i64) -> String {
    duration_ms(u64::try_from(ms).unwrap_or(0))
}

/// The first mail about it: CloudWatch's own, or any of the responder's since the cause.
fn told(wanted: &Wanted, speaks: Speaks, history: &History, cause: UnixMs) -> Option<i64> {
    let of_the_alarm = format!("-{}\"", wanted.alarm);
    let is_about = |subject: &str| match speaks {
        Speaks::Itself => subject.starts_with("ALARM:") && subject.contains(&of_the_alarm),
        Speaks::TheResponder => !subject.starts_with("ALARM:") && !subject.starts_with("OK:"),
    };
    let mut mails = history.mails.iter().filter(|mail| mail.at >= cause && is_about(&mail.subject));
    mails.next().map(|mail| mail.at.since_ms(cause))
}

/// What brought payments back.
fn done(history: &History) -> Vec<String> {
    let orders = history.experiment.orders.iter().map(|order| format!("{} by order", order.command));
    let moved = history.records.iter().filter_map(|record| {
        let Event::MoveTask(MoveTaskEvent::Ended { moved, .. }) = &record.event else { return None };
        Some(*moved)
    });
    let moved: u64 = moved.sum();
    let moved = (moved > 0).then(|| format!("{} moved back", counted(moved, "dead letter")));
    orders.chain(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixtures::Tale;
    use crate::faults::{Kind, Window};

    const ALARM: &str = "DeadLettersWaiting";
    const FIRES: StateValue = StateValue::Alarm;
    const CLEARS: StateValue = StateValue::Ok;
    const MINUTE_MS: i64 = 60_000;

    /// A drill whose cause is there from the beginning, in which alarms change after so many minutes.
    fn drilled(changes: &[(i64, &str, StateValue)], mail_at: Option<i64>) -> Vec<String> {
        let mut tale = Tale::new();
        tale.fault(Kind::StripeUnavailable, Window::ALWAYS, 1);
        let began = tale.history().began;
        let mut now = 0;
        for (minute, alarm, to) in changes {
            tale.wait_ms((minute - now) * MINUTE_MS);
            now = *minute;
            tale.alarm(alarm, *to);
        }
        let history = tale.history();
        if let Some(minute) = mail_at {
            history.mails.push(mail(began.plus_ms(minute * MINUTE_MS)));
        }
        history.experiment.expect.alarms = Some([ALARM.to_owned(), "ProviderFailing".to_owned()].into());
        let wanted = Wanted::of(ALARM, &mut history.experiment, Trouble::None);
        Course::of(&wanted, Speaks::TheResponder, history).wrong(&wanted)
    }

    fn mail(at: UnixMs) -> crate::cloud::sns::Mail {
        let text = |text: &str| text.to_owned();
        let subject = text("[payments] 1 payment waiting");
        crate::cloud::sns::Mail {
            at,
            topic: text("alerts"),
            to: text("on-call"),
            subject,
            body: String::new(),
        }
    }

    #[test]
    fn an_alarm_that_fires_is_told_of_and_clears_is_well_and_so_may_others_be_that_the_drill_names() {
        let changes = [(1, "ProviderFailing", FIRES), (5, ALARM, FIRES), (30, ALARM, CLEARS)];
        assert_eq!(drilled(&changes, Some(2)), [""; 0]);
    }

    #[test]
    fn an_alarm_that_is_missed_or_late_or_never_clears_is_found() {
        assert_eq!(drilled(&[], Some(2)), ["it never fired"]);
        assert_eq!(drilled(&[(5, ALARM, FIRES)], Some(2)), ["it never cleared"]);
        let late = drilled(&[(16, ALARM, FIRES), (30, ALARM, CLEARS)], Some(2));
        assert_eq!(late, ["it fired only 16m 1s after its cause"]);
    }

    #[test]
    fn an_alarm_that_flaps_is_found() {
        let changes = [(5, ALARM, FIRES), (9, ALARM, CLEARS), (10, ALARM, FIRES), (12, ALARM, CLEARS)];
        assert_eq!(drilled(&changes, Some(2)), ["it fired 2 times"]);
    }

    #[test]
    fn an_alarm_that_nobody_was_told_of_in_time_is_found() {
        let changes = [(5, ALARM, FIRES), (30, ALARM, CLEARS)];
        assert_eq!(drilled(&changes, None), ["nobody was told"]);
        assert_eq!(drilled(&changes, Some(16)), ["somebody was told only after 16m"]);
    }

    #[test]
    fn an_alarm_that_the_drill_does_not_name_is_false() {
        let changes = [(3, "CredentialsRefused", FIRES), (5, ALARM, FIRES), (30, ALARM, CLEARS)];
        assert_eq!(drilled(&changes, Some(2)), ["CredentialsRefused fired without a reason"]);
    }
}
