//! Exactly one mail for each transition: what the records decided to tell is published once, or twice where a turn died
//! after it had published or never heard that it had; nothing else is; and no incident tells the same thing twice.
//!
//! Where nothing can be published for long, one mail may stand for several transitions: it says for how many, and they are
//! told when it is. What is told within minutes is told as it was. A provider that comes and goes is no more than three
//! incidents in six hours.
//! Invariant: a reminder is a transition of its own once a day, and never sooner; so is each tenfold of a quarantine, and
//! each reason that came to it, once. Of a provider that comes and goes it may be said every two hours. Whoever was told
//! that it recovers, or that it is theirs to move things back, is told when it does not after all; then it may be told again.

use super::letters::{ACTION_NEEDED, Told};
use super::{Evidence, Finding, Verdict};
use crate::faults::Kind;
use crate::journal::{Event, FunctionEvent, Record, TopicEvent};
use crate::units::{counted, duration_ms};
use crate::world::Alerted;
use payments::UnixMs;
use payments::limits::{
    BEGINNINGS_MAX, BEGINNINGS_MS, FLAPPING_REMINDER_MS, REMINDER_MS, STALE_MAIL_MS, TURN_S_MAX,
};
use std::collections::{BTreeMap, BTreeSet};

/// How the letter is called that says so.
const REDRIVE_IS_YOURS: &str = "escalated: redrive_is_yours";
/// Turns are so far apart, and may be late by as much.
const TURN_MS: i64 = TURN_S_MAX as i64 * 1_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    if evidence.history.alerted.responder.is_none() {
        return Verdict::Inconclusive("the template has nobody who tells".to_owned());
    }
    let letters = &evidence.letters;
    let silent = letters.told.iter().filter(|told| told.published.is_none() && !told.restates);
    let silent = silent.map(|told| said(evidence, told.decided, &name(told), "was never published"));
    let surplus = letters.unaccounted.iter();
    let surplus = surplus.map(|(at, subject)| said(evidence, *at, subject, "was published without a reason"));
    let misfolded = letters.misfolded.iter();
    let misfolded = misfolded
        .map(|(at, tells)| said(evidence, *at, tells, "stands for another number of letters than it says"));
    let findings = silent
        .chain(surplus)
        .chain(misfolded)
        .chain(repetitions(evidence))
        .chain(undelivered(evidence))
        .chain(stale(evidence))
        .chain(one_by_one(evidence))
        .chain(unpaged(evidence));
    Verdict::from_findings(findings.collect(), || {
        let again = match letters.repeated {
            0 => String::new(),
            repeated => format!(", {} repeated by a turn that could not know", counted(repeated, "mail")),
        };
        let transitions = letters.told.iter().filter(|told| !told.restates).count();
        let late = match letters.folded {
            0 => String::new(),
            folded => format!(", {} told by a later one", counted(folded, "transition")),
        };
        format!("{}, a mail each{late}{again}", counted(transitions as u64, "transition"))
    })
}

/// What an incident told although it had told it before.
fn repetitions(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut last: BTreeMap<&str, UnixMs> = BTreeMap::new();
    let mut findings = Vec::new();
    for letter in evidence.letters.told.iter().filter(|letter| !letter.restates) {
        let of_incident = told.entry(letter.record).or_default();
        let before = last.insert(letter.record, letter.decided);
        let is_again = match letter.tells {
            "reminder" => before.is_none_or(|before| is_sooner(letter, before, REMINDER_MS)),
            "flapping" => {
                let is_first = of_incident.insert("flapping");
                !is_first && before.is_none_or(|before| is_sooner(letter, before, FLAPPING_REMINDER_MS))
            }
            "back_to_waiting" => {
                let of_before = [of_incident.remove("recovering"), of_incident.remove(REDRIVE_IS_YOURS)];
                of_before == [false; 2]
            }
            // What was resolved or cleared may open again; then everything may be told anew.
            "resolved" | "cleared" => {
                let was_open = of_incident.contains("opened") || of_incident.contains("flapping");
                of_incident.clear();
                !was_open
            }
            other => !of_incident.insert(other),
        };
        if is_again {
            findings.push(said(evidence, letter.decided, &name(letter), "was told again"));
        }
    }
    findings
}

/// What was told so late that it was no longer so, and as if it still were.
fn stale<'e>(evidence: &'e Evidence<'_>) -> impl Iterator<Item = Finding> + 'e {
    let is_stale = |told: &&Told<'_>| {
        let late_ms = told.published.map(|published| published.since_ms(told.decided));
        late_ms.is_some_and(|late_ms| late_ms > STALE_MAIL_MS + TURN_MS)
    };
    let stale = evidence.letters.by_themselves().filter(is_stale);
    stale.map(|told| said(evidence, told.decided, &name(told), "was told late, as if it were still so"))
}

/// The beginning that was told by itself although it was one too many of a provider that comes and goes.
fn one_by_one(evidence: &Evidence<'_>) -> Option<Finding> {
    let letters = evidence.letters.of_record("recovery").filter(|letter| !letter.restates);
    let begins: Vec<&Told<'_>> =
        letters.filter(|letter| matches!(letter.tells, "opened" | "back_to_waiting")).collect();
    let many = begins
        .windows(BEGINNINGS_MAX + 1)
        .find(|many| many[BEGINNINGS_MAX].decided.since_ms(many[0].decided) < BEGINNINGS_MS)?;
    let last = many[BEGINNINGS_MAX];
    Some(said(evidence, last.decided, &name(last), "was one too many to be told by itself"))
}

/// Whether it came sooner than this, by more than turns are apart.
fn is_sooner(letter: &Told<'_>, before: UnixMs, every_ms: i64) -> bool {
    letter.decided.since_ms(before) < every_ms - TURN_MS
}

/// What needs somebody at once and did not go to the second channel.
fn unpaged(evidence: &Evidence<'_>) -> Vec<Finding> {
    let Alerted { alerts, pages: Some(pages), .. } = &evidence.history.alerted else { return Vec::new() };
    let published = evidence.history.records.iter().filter_map(|record| {
        let Event::Topic(TopicEvent::Published { request, topic, subject, .. }) = &record.event else {
            return None;
        };
        Some((record.at, request.as_ref()?, topic, subject.as_ref()?))
    });
    let (mailed, others): (Vec<_>, Vec<_>) =
        published.partition(|(_, _, topic, _)| Some(*topic) == alerts.as_ref());
    let paged: BTreeSet<&str> = others
        .into_iter()
        .filter(|(_, _, topic, _)| *topic == pages)
        .map(|(_, _, _, subject)| subject.as_str())
        .collect();
    let failed: BTreeSet<&str> = evidence.history.records.iter().filter_map(failed).collect();
    let unpaged = mailed.into_iter().filter(|(_, request, _, subject)| {
        subject.contains(ACTION_NEEDED)
            && !paged.contains(subject.as_str())
            && !failed.contains(request.as_str())
    });
    unpaged
        .map(|(at, _, _, subject)| said(evidence, at, subject, "was not sent to the second channel"))
        .collect()
}

/// The invocation that failed: SNS, or its death, kept it from what it was about.
fn failed(record: &Record) -> Option<&str> {
    let Event::Function(FunctionEvent::Failed { request, .. }) = &record.event else { return None };
    Some(request)
}

/// Publications of which no mail came, while somebody was subscribed.
fn undelivered(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mailed: BTreeSet<&str> = evidence
        .history
        .records
        .iter()
        .filter_map(|record| {
            let Event::Topic(TopicEvent::Mailed { message, .. }) = &record.event else { return None };
            Some(&**message)
        })
        .collect();
    let lost = evidence.history.records.iter().filter_map(|record| {
        if let Event::Topic(TopicEvent::Published { message, topic, subject, .. }) = &record.event
            && Some(topic) == evidence.history.alerted.alerts.as_ref()
            && !nobody_reads(evidence, record.at)
            && !mailed.contains(message.as_str())
        {
            let subject = subject.as_deref().unwrap_or_default();
            return Some(said(evidence, record.at, subject, "was published and reached nobody"));
        }
        None
    });
    lost.collect()
}

/// Whether the only reader was unsubscribed at that time, which is asked once a minute.
fn nobody_reads(evidence: &Evidence<'_>, at: UnixMs) -> bool {
    let elapsed_ms = u64::try_from(at.since_ms(evidence.history.began)).unwrap_or(0);
    let unsubscribes = evidence.history.experiment.faults.iter().filter(|it| it.kind == Kind::Unsubscribed);
    unsubscribes
        .map(|it| it.window)
        .any(|it| it.from_ms <= elapsed_ms && elapsed_ms <= it.until_ms.saturating_add(60_000))
}

fn name(told: &Told<'_>) -> String {
    format!("{} {}", told.record, told.tells)
}

fn said(evidence: &Evidence<'_>, at: UnixMs, what: &str, wrong: &str) -> Finding {
    let after = duration_ms(u64::try_from(at.since_ms(evidence.history.began)).unwrap_or(0));
    Finding::run(format!("\"{what}\", {after} after the beginning, {wrong}"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;
    use crate::faults::Placement;
    use crate::journal::{FailedBy, FaultFired};

    #[test]
    fn what_needs_somebody_and_went_to_one_channel_alone_is_found() {
        let subject = "[payments] #1 ACTION NEEDED: 3 payments waiting";
        let alone = found(|tale| {
            tale.decide("recovery", "opened");
            tale.publish("request-1", subject);
        });
        assert_eq!(alone.len(), 1, "{alone:?}");
        assert!(alone[0].ends_with("was not sent to the second channel"), "{alone:?}");
        let both = found(|tale| {
            tale.decide("recovery", "opened");
            tale.publish("request-1", subject);
            tale.publish_to_nobody("request-1", "pages", subject);
        });
        assert_eq!(both, [""; 0]);
    }

    fn found(tell: impl FnOnce(&mut Tale)) -> Vec<String> {
        let mut tale = Tale::new();
        tell(&mut tale);
        tale.found_by(check)
    }

    #[test]
    fn a_transition_nobody_was_told_of_is_found() {
        let found = found(|tale| tale.decide("recovery", "opened"));
        assert_eq!(found, [r#""recovery opened", 1s after the beginning, was never published"#]);
    }

    #[test]
    fn a_mail_without_a_transition_is_found() {
        let found = found(|tale| {
            tale.tell("recovery", "opened");
            tale.publish("request-1", "[payments] still waiting");
        });
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("was published without a reason"), "{found:?}");
    }

    #[test]
    fn what_is_told_late_as_if_it_were_still_so_is_found() {
        let published_after = |ms: i64| {
            found(|tale| {
                tale.decide("recovery", "opened");
                tale.wait_ms(ms);
                tale.publish("request-1", "opened");
            })
        };
        assert_eq!(published_after(STALE_MAIL_MS), [""; 0]);
        let [late] = published_after(STALE_MAIL_MS + TURN_MS).try_into().expect("one finding");
        assert!(late.ends_with("was told late, as if it were still so"), "{late}");
    }

    #[test]
    fn a_fourth_beginning_in_six_hours_that_is_told_by_itself_is_found() {
        let begun = |times: usize, apart_ms: i64| {
            found(|tale| {
                for _ in 0..times {
                    tale.tell("recovery", "opened");
                    tale.tell("recovery", "resolved");
                    tale.wait_ms(apart_ms);
                }
            })
        };
        assert_eq!(begun(BEGINNINGS_MAX, 0), [""; 0]);
        assert_eq!(begun(BEGINNINGS_MAX + 1, BEGINNINGS_MS), [""; 0]);
        let [many] = begun(BEGINNINGS_MAX + 1, 60_000).try_into().expect("one finding");
        assert!(many.ends_with("was one too many to be told by itself"), "{many}");
    }

    #[test]
    fn a_second_mail_is_excused_by_a_crash_between_publishing_and_noting_it() {
        let twice = |crash: &'static str| {
            found(|tale| {
                tale.decide("recovery", "opened");
                tale.publish("request-1", "opened");
                tale.happen(FunctionEvent::Failed {
                    request: crash.to_owned(),
                    how: FailedBy::Crash,
                    hops: 9,
                    detail: None,
                });
                tale.claim("request-2", "recovery", "opened");
                tale.publish("request-2", "opened");
            })
        };
        assert_eq!(twice("request-1"), [""; 0]);
        assert_eq!(twice("request-of-the-consumer").len(), 1);
    }

    #[test]
    fn what_was_noted_as_sent_is_excused_no_more_by_the_turn_that_died_before() {
        let found = found(|tale| {
            tale.decide("recovery", "opened");
            tale.publish("request-1", "opened");
            let request = "request-1".to_owned();
            tale.happen(FunctionEvent::Failed { request, how: FailedBy::Crash, hops: 9, detail: None });
            tale.note_sent("request-2", "recovery");
            tale.wait_ms(REMINDER_MS);
            tale.tell("recovery", "reminder");
            tale.note_sent("request-1", "recovery");
            tale.publish("request-3", "reminder");
        });
        let [what] = found.try_into().expect("one finding");
        assert!(what.contains("reminder") && what.ends_with("was published without a reason"), "{what}");
    }

    #[test]
    fn a_mail_belongs_to_the_letter_that_its_turn_claimed() {
        let published_by = |second: &'static str| {
            found(|tale| {
                tale.decide("recovery", "opened");
                let request = "request-1".to_owned();
                tale.happen(FunctionEvent::Failed { request, how: FailedBy::Crash, hops: 9, detail: None });
                tale.decide("quarantine", "opened");
                tale.publish("request-1", "in quarantine");
                tale.claim("request-2", "quarantine", "opened");
                tale.publish(second, "in quarantine");
            })
        };
        for second in ["request-1", "request-2"] {
            let found = published_by(second);
            assert!(found.len() == 2 && found[0].starts_with("\"recovery opened\""), "{found:?}");
        }
    }

    #[test]
    fn a_second_mail_is_excused_by_the_lost_answer_to_the_first_and_a_third_is_not() {
        let published = |times: usize| {
            found(|tale| {
                tale.decide("recovery", "opened");
                tale.publish_to_nobody("request-1", "alerts", "never mailed");
                tale.history().records.pop();
                let (fault, on) = (Kind::SnsFailing, "Publish request-1".to_owned());
                tale.happen(FaultFired { fault, placement: Some(Placement::After), on });
                for _ in 0..times {
                    tale.publish("request-1", "opened");
                }
            })
        };
        assert_eq!(published(2), [""; 0]);
        assert_eq!(published(3).len(), 1);
    }

    #[test]
    fn transitions_that_a_later_mail_stands_for_are_told_by_it() {
        let folded = |stands_for: u64, publish: bool| {
            found(|tale| {
                tale.decide("recovery", "opened");
                tale.fold("recovery", "recovering", 2);
                tale.fold("recovery", "reminder", stands_for);
                if publish {
                    tale.publish("request-1", "still waiting");
                }
            })
        };
        assert_eq!(folded(2, true), [""; 0]);
        let silent = folded(2, false);
        assert!(silent.len() == 2 && silent[0].ends_with("was never published"), "{silent:?}");
        for wrong in [1, 4] {
            let found = folded(wrong, true);
            assert!(found.len() == 1 && found[0].contains("stands for another number"), "{wrong}: {found:?}");
        }
    }

    #[test]
    fn a_letter_that_is_gone_without_one_that_stands_for_it_is_found() {
        let found = found(|tale| {
            tale.decide("recovery", "opened");
            tale.tell("recovery", "recovering");
        });
        assert_eq!(found.len(), 1, "{found:?}");
        let found = super::tests::found(|tale| {
            tale.tell("quarantine", "opened");
            tale.fold("recovery", "opened", 1);
            tale.publish("request-1", "waiting");
        });
        assert!(found.len() == 1 && found[0].contains("stands for another number"), "{found:?}");
    }

    #[test]
    fn an_incident_that_tells_the_same_twice_is_found() {
        let found = found(|tale| {
            for kind in ["opened", "recovering", "recovering", "resolved", "opened", "resolved"] {
                tale.tell("recovery", kind);
            }
        });
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("recovery recovering"), "{found:?}");
    }

    #[test]
    fn each_tenfold_and_each_new_reason_is_told_once_until_the_quarantine_was_empty() {
        let told = |kinds: &[&str]| found(|tale| kinds.iter().for_each(|kind| tale.tell("quarantine", kind)));
        let grows =
            ["opened", "grown: 10", "grown: 100", "new_reason: poison", "cleared", "opened", "grown: 10"];
        assert_eq!(told(&grows), [""; 0]);
        let twice = told(&["opened", "grown: 10", "grown: 10"]);
        assert!(twice.len() == 1 && twice[0].contains("quarantine grown: 10"), "{twice:?}");
        let twice = told(&["opened", "new_reason: poison", "new_reason: poison"]);
        assert!(twice.len() == 1 && twice[0].contains("new_reason: poison"), "{twice:?}");
    }

    #[test]
    fn a_reminder_comes_once_a_day_and_never_sooner() {
        let reminded_after = |ms| {
            found(|tale| {
                tale.tell("recovery", "opened");
                tale.wait_ms(ms);
                tale.tell("recovery", "reminder");
            })
        };
        assert_eq!(reminded_after(REMINDER_MS), [""; 0]);
        assert_eq!(reminded_after(60_000).len(), 1);
    }

    #[test]
    fn a_reminder_of_each_day_is_a_transition_of_its_own() {
        let after_a_week = found(|tale| {
            tale.tell("recovery", "opened");
            for _ in 0..7 {
                tale.wait_ms(REMINDER_MS);
                tale.tell("recovery", "reminder");
            }
        });
        assert_eq!(after_a_week, [""; 0]);
        let twice_a_day = found(|tale| {
            tale.tell("recovery", "opened");
            tale.wait_ms(REMINDER_MS);
            tale.tell("recovery", "reminder");
            tale.tell("recovery", "reminder");
        });
        assert!(twice_a_day.len() == 1 && twice_a_day[0].contains("was told again"), "{twice_a_day:?}");
    }

    #[test]
    fn a_publication_that_reaches_nobody_is_found() {
        let found = found(|tale| {
            tale.decide("quarantine", "opened");
            tale.publish_to_nobody("request-1", "alerts", "opened");
        });
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("was published and reached nobody"), "{found:?}");
    }
}
