//! Everything drained: in the time a run has, its queues became empty and its incident ended; and what the faults left
//! behind was settled within the bound, counted from the end of the last of them.
//!
//! Where a human's word is needed, the bound begins with it.
//!
//! The bound: survivors of an outage sit out a visibility, the responder its pause and three turns, and the backlog goes
//! at the permitted pace of charges or of moves, a quarter of it kept for what arrives meanwhile.
//! Invariant: a run whose time was up fails here, whatever else it shows.

use super::{Evidence, Finding, Subject, Verdict};
use crate::faults::Kind;
use crate::journal::{Event, FaultFired};
use crate::units::{counted, duration_ms};
use crate::world::{Ending, History};
use payments::UnixMs;
use payments::limits::{ALIKE_MIN, PAUSE_MS_MAX, VISIBILITY_TIMEOUT_S};
use std::collections::{BTreeMap, BTreeSet};

/// The longest that a message hides, and the longest that the responder waits after a setback, ms.
const WAITS_MS: u64 = VISIBILITY_TIMEOUT_S as u64 * 1_000 + PAUSE_MS_MAX as u64;
/// Turns the responder may take from the heal to the redrive, ms.
const TURNS_MS: u64 = 3 * 60_000;
/// Others came through for so long after a death that it is its payment's own, ms: longer than it takes to be known.
const OUTLIVED_FOR_MS: i64 = 5 * 60_000;
/// Stripe calls of a payment that goes well.
const CALLS_PER_PAYMENT: u64 = 2;
/// One in so many calls is kept for look-ups where Stripe's own events are listened to.
const KEPT_FOR_EVENTS: u64 = (::consumer::limits::EVENTS_WHOLE / ::consumer::limits::EVENTS_PART) as u64;

/// What was left when the last fault ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Payments sent before and settled after, or never; those in quarantine left out.
    pub payments: u64,
    /// When the last of them was settled; none while one is not.
    pub settled: Option<UnixMs>,
    /// When the last fault ended.
    pub healed: UnixMs,
    /// How long after that it had to wait for a human's word, ms: with `AutoRedrive=off` nothing moves without one.
    word_ms: u64,
}

impl Backlog {
    /// The backlog of a run whose faults all ended, if they left one.
    #[must_use]
    pub fn of(evidence: &Evidence<'_>) -> Option<Self> {
        let experiment = &evidence.history.experiment;
        let ends = experiment.faults.iter().all(|fault| fault.window.until_ms < u64::MAX);
        let heals_ms = Some(experiment.faults_end_ms()).filter(|ms| ends && *ms > 0)?;
        let healed = evidence.history.instant(heals_ms);
        let word_ms = waited_for_a_redrive_ms(evidence.history, heals_ms);
        let mut backlog = Self { payments: 0, settled: Some(healed), healed, word_ms };
        for file in evidence.payments.values() {
            // A human mends what is in quarantine, at a human's pace.
            if file.row.is_some_and(|row| row.state == "quarantined") {
                continue;
            }
            let sent = file.messages.first().map(|id| evidence.messages[id].sent.at);
            if sent.is_some_and(|at| at < healed) && file.settled.is_none_or(|at| at > healed) {
                backlog.payments += 1;
                // None is smaller than any instant, and one that is never settled outweighs all others.
                backlog.settled = backlog.settled.zip(file.settled).map(|(last, this)| last.max(this));
            }
        }
        (backlog.payments > 0).then_some(backlog)
    }

    /// Ms from the heal until the backlog must be settled.
    fn bound_ms(&self, evidence: &Evidence<'_>) -> u64 {
        let history = evidence.history;
        let by_backlog = || {
            let charged = history.alerted.stripe_calls_per_s.unwrap_or(u64::MAX) / CALLS_PER_PAYMENT;
            let kept = if history.names.stripe_events.is_some() { charged / KEPT_FOR_EVENTS } else { 0 };
            let charged = charged - kept;
            let moved =
                history.experiment.parameters.get("RedriveRateMax").and_then(|rate| rate.parse().ok());
            let permitted = charged.min(moved.unwrap_or(u64::MAX));
            self.word_ms + WAITS_MS + TURNS_MS + self.payments * 1_250 / permitted.max(1)
        };
        history.experiment.expect.drained_within_ms.unwrap_or_else(by_backlog)
    }

    /// Ms from the heal until the last of it was settled.
    #[must_use]
    pub fn took_ms(&self) -> Option<u64> {
        self.settled.map(|settled| u64::try_from(settled.since_ms(self.healed)).unwrap_or(0))
    }
}

/// Ms from the heal to the first order to redrive, where nothing is redriven without one.
fn waited_for_a_redrive_ms(history: &History, heals_ms: u64) -> u64 {
    if history.experiment.parameters.get("AutoRedrive").is_none_or(|mode| mode != "off") {
        return 0;
    }
    let redrives = history.given.iter().filter(|order| order.command == "redrive");
    let since_heal = redrives.filter_map(|order| order.at_ms.checked_sub(heals_ms));
    since_heal.min().unwrap_or(0)
}

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    if history.ending == Ending::TimeUp {
        return match waiting_for_a_word(evidence) {
            Some(payments) => Verdict::Pass(format!(
                "{} that nobody can bring through wait for a human, who was told",
                counted(payments as u64, "payment")
            )),
            None => Verdict::Fail(vec![time_up(evidence)]),
        };
    }
    let Some(backlog) = Backlog::of(evidence) else {
        return Verdict::Pass("nothing left in the source queue".to_owned());
    };
    let (payments, bound_ms) = (counted(backlog.payments, "payment"), backlog.bound_ms(evidence));
    let bound = duration_ms(bound_ms);
    match backlog.took_ms() {
        None if history.held(&history.names.dead_letters).is_empty() => Verdict::Fail(vec![Finding::run(
            format!("some of {payments} left by the faults were never settled"),
        )]),
        None => {
            Verdict::Pass(format!("nothing left in the source queue; of {payments} some wait for a command"))
        }
        Some(took_ms) if took_ms > bound_ms => Verdict::Fail(vec![Finding::run(format!(
            "{payments} left by the faults took {} instead of {bound}",
            duration_ms(took_ms)
        ))]),
        Some(took_ms) => Verdict::Pass(format!(
            "{payments} left by the faults settled within {} of {bound}",
            duration_ms(took_ms)
        )),
    }
}

/// Payments that nobody can bring through, where they are all that is left, of so many that the deployment is suspected
/// and not they, and a human was told: then nothing goes on without one.
fn waiting_for_a_word(evidence: &Evidence<'_>) -> Option<usize> {
    let history = evidence.history;
    let hopeless = hopeless(evidence);
    let mut left = BTreeSet::new();
    for held in
        [&history.names.source, &history.names.dead_letters].into_iter().flat_map(|queue| history.held(queue))
    {
        match evidence.subject(&held.content.id) {
            Subject::Payment(payment) if hopeless.contains(payment.as_str()) => left.insert(payment),
            Subject::Payment(_) | Subject::Message(_) | Subject::Run => return None,
        };
    }
    let is_told = history.mails.iter().any(|mail| TELLS.iter().any(|words| mail.body.contains(words)));
    (hopeless.len() > ALIKE_MIN && !left.is_empty() && is_told).then_some(left.len())
}

/// What a mail says where everything waits for a human's word.
const TELLS: [&str; 2] = ["our consumer dies", "moving the payments back is left to you"];

/// Payments that kill whoever works on them, or whose money an issuer only holds. Who died while others went on coming
/// through is poison, and to be taken for it.
fn hopeless<'a>(evidence: &Evidence<'a>) -> BTreeSet<&'a str> {
    let come_through = evidence.payments.values().filter_map(|file| file.settled).max();
    let mut is_outlived: BTreeMap<&str, bool> = BTreeMap::new();
    for record in &evidence.history.records {
        let Event::Fault(FaultFired { fault, on, .. }) = &record.event else { continue };
        if *fault == Kind::Poison {
            *is_outlived.entry(on).or_default() |= come_through > Some(record.at.plus_ms(OUTLIVED_FOR_MS));
        } else if *fault == Kind::Held {
            is_outlived.entry(on.strip_prefix("confirm ").unwrap_or(on)).or_default();
        }
    }
    is_outlived.into_iter().filter(|(_, is_outlived)| !is_outlived).map(|(payment, _)| payment).collect()
}

fn time_up(evidence: &Evidence<'_>) -> Finding {
    let history = evidence.history;
    let queues = [&history.names.source, &history.names.dead_letters];
    let left = queues.map(|queue| history.held(queue).len() as u64);
    let what = match left {
        [0, 0] => "the incident was not over when the time to drain was up".to_owned(),
        [source, 0] => {
            format!("{} left in the source queue when the time to drain was up", counted(source, "message"))
        }
        [source, dead] => format!(
            "{} and {} left when the time to drain was up",
            counted(source, "message"),
            counted(dead, "dead letter")
        ),
    };
    let held = queues.into_iter().flat_map(|queue| history.held(queue));
    let oldest = held.min_by_key(|held| held.content.sent_at);
    let subject = oldest.map_or(Subject::Run, |held| evidence.subject(&held.content.id));
    Finding { subject, what }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;
    use crate::experiment::Order;
    use crate::faults::{Kind, Window};

    #[test]
    fn a_queue_that_is_not_empty_in_time_fails_and_names_its_oldest_payment() {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.leave(&message);
        tale.history().ending = Ending::TimeUp;
        let what = "1 message left in the source queue when the time to drain was up".to_owned();
        let finding = Finding { subject: Subject::Payment(ORDER.to_owned()), what };
        assert_eq!(check(&Evidence::of(&tale.told())), Verdict::Fail(vec![finding]));
    }

    #[test]
    fn dead_letters_that_are_left_fail() {
        let mut tale = Tale::of_one_dead_letter();
        tale.history().ending = Ending::TimeUp;
        let what = "0 messages and 1 dead letter left when the time to drain was up";
        assert_eq!(tale.found_by(check), [what]);
    }

    #[test]
    fn what_the_faults_left_and_nobody_settled_fails_unless_it_waits_for_a_command() {
        let unsettled = |dead_lettered: bool| {
            let mut tale = Tale::new();
            let message = tale.send(&body(ORDER, 1999));
            tale.fault(Kind::StripeUnavailable, Window { from_ms: 0, until_ms: 2_000 }, 1);
            if dead_lettered {
                tale.dead_letter(&message);
            }
            tale.found_by(check)
        };
        assert_eq!(unsettled(false), ["some of 1 payment left by the faults were never settled"]);
        assert_eq!(unsettled(true), [""; 0]);
    }

    #[test]
    fn payments_that_kill_whoever_takes_them_may_wait_for_a_human_who_was_told() {
        let left = |payments: usize, told: &str| {
            let mut tale = Tale::new();
            for order in (0..payments).map(|n| format!("order-{n}")) {
                let message = tale.send(&body(&order, 1999));
                tale.happen(FaultFired { fault: Kind::Poison, placement: None, on: order });
                tale.dead_letter(&message);
            }
            tale.tell("recovery", "opened");
            told.clone_into(&mut tale.history().mails[0].body);
            tale.history().ending = Ending::TimeUp;
            tale.found_by(check).len()
        };
        assert_eq!(left(ALIKE_MIN + 1, "our consumer dies of them"), 0);
        assert_eq!(left(ALIKE_MIN + 1, "they wait"), 1, "nobody was told");
        assert_eq!(left(ALIKE_MIN, "our consumer dies of them"), 1, "so few are poison");
    }

    #[test]
    fn payments_whose_money_is_only_held_may_wait_for_a_human_who_was_told() {
        let found = |held: usize, dead: usize, told: &str| {
            let mut tale = Tale::new();
            for n in 0..dead {
                let order = format!("order-{n}");
                let message = tale.send(&body(&order, 1999));
                if n < held {
                    let on = format!("confirm {order}");
                    tale.happen(FaultFired { fault: Kind::Held, placement: None, on });
                }
                // All but the last two were blamed at last.
                if n + 2 < dead {
                    tale.quarantine(&message, "requires_capture")
                } else {
                    tale.dead_letter(&message)
                }
            }
            tale.tell("recovery", "opened");
            told.clone_into(&mut tale.history().mails[0].body);
            tale.history().ending = Ending::TimeUp;
            tale.found_by(check).len()
        };
        let told = "Stripe is well, and moving the payments back is left to you.";
        assert_eq!(found(ALIKE_MIN + 1, ALIKE_MIN + 1, told), 0);
        assert_eq!(found(ALIKE_MIN + 1, ALIKE_MIN + 1, "they wait"), 1, "nobody was told");
        assert_eq!(found(ALIKE_MIN, ALIKE_MIN, told), 1, "so few are to blame");
        assert_eq!(found(ALIKE_MIN + 1, ALIKE_MIN + 2, told), 1, "another payment is left as well");
    }

    #[test]
    fn an_incident_that_does_not_end_fails() {
        let mut tale = Tale::of_one_good_payment();
        tale.history().ending = Ending::TimeUp;
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_)));
    }

    #[test]
    fn what_waits_for_a_human_is_due_from_the_order_on() {
        let settled = |order_at_ms: u64, ms: i64| {
            let mut tale = settled_after(ms);
            let history = tale.history();
            history.experiment.parameters.insert("AutoRedrive".to_owned(), "off".to_owned());
            let command = "redrive".to_owned();
            history.given.push(Order { at_ms: order_at_ms, command, with: BTreeMap::new() });
            check(&Evidence::of(&tale.told()))
        };
        let (day_ms, hour_ms) = (86_400_000, 3_600_000);
        assert!(matches!(settled(day_ms, 86_400_000 + 60_000), Verdict::Pass(_)));
        assert!(matches!(settled(day_ms, 86_400_000 + 3_600_000), Verdict::Fail(_)));
        assert!(matches!(settled(hour_ms, 86_400_000), Verdict::Fail(_)));
    }

    #[test]
    fn what_may_move_slowly_has_time_to() {
        let settled = |rate: &str| {
            let mut tale = settled_after(1_000_000);
            let experiment = &mut tale.history().experiment;
            experiment.parameters.insert("RedriveRateMax".to_owned(), rate.to_owned());
            let history = tale.told();
            let evidence = Evidence::of(&history);
            Backlog::of(&evidence).map(|backlog| backlog.bound_ms(&evidence))
        };
        assert!(settled("1") > settled("2"));
    }

    /// One payment sent before the heal and settled so long after it.
    fn settled_after(ms: i64) -> Tale {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.fault(Kind::StripeUnavailable, Window { from_ms: 0, until_ms: 2_000 }, 1);
        tale.wait_ms(ms);
        tale.charge_as_it_should(ORDER);
        tale.delete(&message);
        tale
    }

    #[test]
    fn a_backlog_that_takes_longer_than_its_bound_fails() {
        let verdict = |ms| check(&Evidence::of(&settled_after(ms).told()));
        assert!(matches!(verdict(1_000_000), Verdict::Pass(_)));
        assert!(matches!(verdict(1_100_000), Verdict::Fail(_)));
    }

    #[test]
    fn an_experiment_can_set_the_bound() {
        let mut tale = settled_after(1_100_000);
        tale.history().experiment.expect.drained_within_ms = Some(1_200_000);
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
    }
}
