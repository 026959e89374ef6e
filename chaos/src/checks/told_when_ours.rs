//! Trouble of our own is told at once: while a fault refuses or kills everybody, a mail that asks for a human is out ten
//! minutes after it hit the third payment; while no function takes messages, ten minutes after the first came that waits.
//!
//! No provider comes back from it by itself: what waits, waits for somebody who knows.
//! Invariant: a mail counts while its incident is open; one about an incident that is over tells nobody of the next.

use super::letters::ACTION_NEEDED;
use super::mishaps::{MetBy, Mishap, OTHERS_MIN, mishaps, takes_a_batch_along};
use super::{Evidence, Finding, Verdict};
use crate::faults::Kind;
use crate::journal::{Event, FaultFired, QueueEvent, Record};
use crate::units::duration_ms;
use payments::UnixMs;
use payments::limits::{ALIKE_MIN, BACKOFF_S_MAX, BATCH_SPREAD_MS};
use std::collections::BTreeMap;

/// From the third payment to the mail: a delivery that died is one only when its time is up, and a turn sees it then.
const TELL_MS_MAX: i64 = 600_000;
/// How often a mapping is asked whether it is disabled, ms.
const ASKED_MS: i64 = 60_000;
/// How long a message hides at most that somebody handed back, ms.
const HIDES_MS: i64 = BACKOFF_S_MAX as i64 * 1_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    if evidence.history.alerted.responder.is_none() {
        return Verdict::Inconclusive("the template has nobody who tells".to_owned());
    }
    let mishaps = mishaps(evidence);
    let faults = evidence.history.experiment.faults.iter().enumerate();
    let ours = faults.filter_map(|(index, fault)| Some((fault.kind, known_by(evidence, &mishaps, index)?)));
    let ours = ours.chain(untaken(evidence).into_iter().map(|since| (Kind::MappingDisabled, since)));
    let asked = asked(evidence);
    let mut slowest_ms = None;
    let mut silent = Vec::new();
    for (kind, since) in ours {
        let known = asked.iter().find(|(_, until)| until.is_none_or(|until| until >= since));
        let took_ms = known.map(|(from, _)| from.since_ms(since).max(0));
        match took_ms.filter(|took_ms| *took_ms <= TELL_MS_MAX) {
            Some(took_ms) => slowest_ms = slowest_ms.max(Some(took_ms)),
            None => silent.push(Finding::run(format!(
                "{kind} hit everybody, and no mail asked for a human within {}",
                duration_ms(TELL_MS_MAX.unsigned_abs())
            ))),
        }
    }
    Verdict::from_findings(silent, || match slowest_ms {
        None => "nothing of ours hit everybody for long".to_owned(),
        Some(ms) => {
            format!("at most {} until a human was asked for", duration_ms(u64::try_from(ms).unwrap_or(0)))
        }
    })
}

/// When a fault of everybody hit its third payment, if it hit more and went on for as long as telling may take.
fn known_by(evidence: &Evidence<'_>, mishaps: &[Mishap], fault: usize) -> Option<UnixMs> {
    let mut first: BTreeMap<&str, UnixMs> = BTreeMap::new();
    let of_fault = |it: &&Mishap| it.met_by == MetBy::Everybody(fault);
    for mishap in mishaps.iter().filter(of_fault) {
        first.entry(&mishap.payment).or_insert(mishap.at);
    }
    let mut hits: Vec<UnixMs> = first.into_values().collect();
    hits.sort_unstable();
    if takes_a_batch_along(evidence.history.experiment.faults[fault].kind) {
        // Whoever died in the same moment may have been taken along.
        hits.dedup_by(|later, earlier| later.since_ms(*earlier) <= BATCH_SPREAD_MS);
    }
    let known = *hits.get(ALIKE_MIN - 1)?;
    let told_ms = u64::try_from(known.plus_ms(TELL_MS_MAX).since_ms(evidence.history.began)).unwrap_or(0);
    let lasts = evidence.history.experiment.faults[fault].window.contains(told_ms);
    (hits.len() >= OTHERS_MIN && lasts).then_some(known)
}

/// When messages began to wait that no function took for as long as telling may take: while one is in hand that was received
/// before, it looks as if one did.
fn untaken(evidence: &Evidence<'_>) -> Vec<UnixMs> {
    let (mut stretches, mut in_hand): (Vec<Untaken>, BTreeMap<&str, UnixMs>) = Default::default();
    for Record { at, event, .. } in &evidence.history.records {
        if let Event::Fault(FaultFired { fault: Kind::MappingDisabled, .. }) = event {
            match stretches.last_mut().filter(|stretch| at.since_ms(stretch.until) <= ASKED_MS) {
                Some(stretch) => stretch.until = *at,
                None => {
                    let seen_from = in_hand.values().max().map_or(*at, |last| last.plus_ms(HIDES_MS));
                    stretches.push(Untaken { seen_from, until: *at, waits_since: None });
                }
            }
        } else if let Event::Queue(QueueEvent::Received { queue, message, .. }) = event
            && *queue == evidence.history.names.source
        {
            in_hand.insert(message, *at);
        } else if let Event::Queue(
            QueueEvent::Deleted { message, .. } | QueueEvent::DeadLettered { message, .. },
        ) = event
        {
            in_hand.remove(message.as_str());
        } else if let Event::Queue(QueueEvent::Sent { queue, .. }) = event
            && *queue == evidence.history.names.source
            && let Some(stretch) = stretches.last_mut().filter(|it| at.since_ms(it.until) < ASKED_MS)
        {
            stretch.waits_since.get_or_insert(*at);
        }
    }
    stretches.iter().filter_map(Untaken::since).collect()
}

/// A stretch in which a mapping was disabled.
struct Untaken {
    /// From when on nobody has a message in hand.
    seen_from: UnixMs,
    /// When it was last found disabled.
    until: UnixMs,
    /// When the first message came that waits for its end.
    waits_since: Option<UnixMs>,
}

impl Untaken {
    fn since(&self) -> Option<UnixMs> {
        let since = self.waits_since?.max(self.seen_from);
        (self.until.since_ms(since) >= TELL_MS_MAX).then_some(since)
    }
}

/// From each mail that asked for a human to the end of its incident.
fn asked(evidence: &Evidence<'_>) -> Vec<(UnixMs, Option<UnixMs>)> {
    let letters: Vec<_> = evidence.letters.of_record("recovery").collect();
    let asks = |(nth, letter): (usize, &&super::Told<'_>)| {
        letter.subject.is_some_and(|subject| subject.contains(ACTION_NEEDED)).then_some(())?;
        let end = letters[nth..].iter().find(|later| later.tells == "resolved");
        Some((letter.published?, end.map(|end| end.decided)))
    };
    letters.iter().enumerate().filter_map(asks).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Tale, body};
    use super::*;
    use crate::faults::{Kind, Window};
    use crate::journal::{FailedBy, Operation};

    const HOUR: Window = Window { from_ms: 0, until_ms: 3_600_000 };

    /// So many payments are refused, five seconds apart, and then this happens.
    fn refused(payments: usize, window: Window, then: impl FnOnce(&mut Tale)) -> Verdict {
        let mut tale = Tale::new();
        tale.fault(Kind::StripeRefusing, window, 1);
        for payment in (0..payments).map(|n| format!("order-{n}")) {
            tale.call(&payment, Operation::Confirm, Some(400), Some(Kind::StripeRefusing));
        }
        then(&mut tale);
        check(&Evidence::of(&tale.told()))
    }

    fn ask(tale: &mut Tale) {
        tale.decide("recovery", "opened");
        tale.publish("request-1", "[payments] ACTION NEEDED: 3 payments waiting");
    }

    #[test]
    fn a_refusal_of_everybody_that_nobody_is_asked_about_is_found() {
        assert!(matches!(refused(5, HOUR, |_| ()), Verdict::Fail(_)));
        assert!(matches!(refused(5, HOUR, |tale| tale.tell("recovery", "opened")), Verdict::Fail(_)));
        assert!(matches!(refused(5, HOUR, ask), Verdict::Pass(_)));
    }

    #[test]
    fn a_mail_that_comes_late_or_before_another_incident_is_found() {
        let late = |tale: &mut Tale| {
            tale.wait_ms(TELL_MS_MAX);
            ask(tale);
        };
        assert!(matches!(refused(5, HOUR, late), Verdict::Fail(_)));
        let mut tale = Tale::new();
        ask(&mut tale);
        tale.tell("recovery", "resolved");
        tale.fault(Kind::StripeRefusing, HOUR, 1);
        for payment in (0..5).map(|n| format!("order-{n}")) {
            tale.call(&payment, Operation::Confirm, Some(400), Some(Kind::StripeRefusing));
        }
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Fail(_)));
    }

    /// The mapping is disabled for so many minutes, a message comes at once, and a human is asked for in this minute.
    fn untaken(mut tale: Tale, minutes: i64, asked_in: i64) -> Verdict {
        for minute in 0..=minutes {
            let (fault, on) = (Kind::MappingDisabled, "payments".to_owned());
            tale.happen(FaultFired { fault, placement: None, on });
            if minute == 0 {
                tale.send("{}");
            }
            if minute == asked_in {
                ask(&mut tale);
            }
            tale.wait_ms(ASKED_MS - 5_000);
        }
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn messages_that_no_function_takes_and_nobody_is_asked_about_are_found() {
        let untaken = |minutes, asked_in| untaken(Tale::new(), minutes, asked_in);
        assert!(matches!(untaken(12, 20), Verdict::Fail(_)));
        assert!(matches!(untaken(12, 12), Verdict::Fail(_)), "late");
        assert!(matches!(untaken(12, 9), Verdict::Pass(_)));
        assert!(matches!(untaken(8, 20), Verdict::Pass(_)), "over before anybody had to know");
    }

    #[test]
    fn while_a_message_is_in_hand_a_function_seems_to_take_them() {
        let received = |ends: fn(&mut Tale, &str)| {
            let mut tale = Tale::new();
            let message = tale.send("{}");
            tale.receive(&message);
            ends(&mut tale, &message);
            untaken(tale, 12, 20)
        };
        assert!(matches!(received(|_, _| ()), Verdict::Pass(_)));
        assert!(matches!(received(|tale, message| tale.delete(message)), Verdict::Fail(_)));
    }

    #[test]
    fn payments_that_die_one_after_the_other_make_a_case_and_in_one_moment_none() {
        let died = |batches: &[usize]| {
            let mut tale = Tale::new();
            tale.fault(Kind::Crash, HOUR, 1);
            tale.history().experiment.faults[0].hop = Some(1);
            let mut orders = (0..).map(|n| body(&format!("order-{n}"), 1));
            for batch in batches {
                let messages: Vec<String> =
                    orders.by_ref().take(*batch).map(|order| tale.send(&order)).collect();
                tale.die_together(&messages, FailedBy::Crash);
            }
            check(&Evidence::of(&tale.told()))
        };
        assert!(matches!(died(&[1, 1, 1, 1, 1]), Verdict::Fail(_)));
        assert!(matches!(died(&[6]), Verdict::Pass(_)));
        assert!(matches!(died(&[3, 3]), Verdict::Pass(_)));
    }

    #[test]
    fn few_payments_or_a_short_fault_make_no_case() {
        let short = Window { from_ms: 0, until_ms: 300_000 };
        for verdict in [refused(4, HOUR, |_| ()), refused(5, short, |_| ())] {
            assert!(matches!(verdict, Verdict::Pass(_)), "{verdict:?}");
        }
    }
}
