//! Nothing is in quarantine without a reason and without a mail. Whether the mail came in time is for another check: it
//! depends on who was well, and that a reason is there depends on nobody.
//!
//! A mail tells of what is there, and for a day of more of the same: for another reason, and for ten times as many, there
//! is another one.
//! Invariant: every message in quarantine is looked at, whoever put it there.

use super::evidence::attribute;
use super::{Evidence, Finding, Verdict};
use crate::cloud::sqs::Held;
use crate::journal::{Event, QueueEvent};
use crate::units::counted;
use payments::UnixMs;
use payments::limits::{NEW_REASON_MS, REMINDER_MS, TENFOLD};
use payments::quarantine::{ORIGINAL, REASON};
use std::collections::BTreeMap;

/// From the first message in quarantine to the mail about it, ms. A quiet responder looks every fourth turn, the alarm is
/// there a little sooner, and there is no hurry: a payment in quarantine waits for office hours.
pub(super) const NOTICE_MS_MAX: i64 = 360_000;
/// From another reason, or ten times as many, to the mail about that, ms: what is known is read again every ten minutes, and
/// new reasons are told as far apart.
const NEWS_MS_MAX: i64 = NOTICE_MS_MAX + 2 * NEW_REASON_MS;
/// Messages of which it is certain that all are read in that time.
const READ_MAX: u64 = 50;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let held = evidence.history.held(&evidence.history.names.quarantine);
    let unexplained = held.iter().filter(|copy| attribute(copy, REASON).is_none_or(str::is_empty));
    let unexplained = unexplained.map(|copy| found(evidence, copy, "it is in quarantine without a reason"));
    let silent = notices(evidence).into_iter().filter(|notice| notice.took_ms.is_none());
    let silent = silent.map(|it| found(evidence, it.copy, "it is in quarantine, and no mail said so"));
    Verdict::from_findings(unexplained.chain(silent).collect(), || match held.len() {
        0 => "nothing is in quarantine".to_owned(),
        held => format!("{} in quarantine, each with a reason and a mail", counted(held as u64, "message")),
    })
}

/// A message in quarantine, and when people heard of it.
pub(super) struct Notice<'h> {
    pub(super) copy: &'h Held,
    /// How many ms passed until a mail told of it, if one did.
    took_ms: Option<i64>,
    /// How many may.
    due_ms: i64,
}

impl Notice<'_> {
    /// Whether a mail told of it, and too late. One that was never told of is not late.
    pub(super) fn is_late(&self) -> bool {
        self.took_ms.is_some_and(|took_ms| took_ms > self.due_ms)
    }
}

/// Every message in quarantine. Empty where nobody tells.
pub(super) fn notices<'h>(evidence: &Evidence<'h>) -> Vec<Notice<'h>> {
    let history = evidence.history;
    if history.alerted.responder.is_none() {
        return Vec::new();
    }
    let past = Past::of(evidence);
    history.held(&history.names.quarantine).iter().map(|copy| past.notice(copy)).collect()
}

/// What came into quarantine, how much there was, and what was told of it.
struct Past<'e> {
    /// Every copy and when it came, in order, with its reason as far as it is still there.
    arrivals: Vec<(UnixMs, &'e str, Option<&'e str>)>,
    /// How much there was from each instant on.
    sizes: BTreeMap<UnixMs, u64>,
    /// Each mail in the order of their decisions: when that was, when it was published, and what it tells.
    mails: Vec<(UnixMs, UnixMs, &'e str)>,
    ended: UnixMs,
}

impl<'e> Past<'e> {
    fn of(evidence: &'e Evidence<'_>) -> Self {
        let (history, name) = (evidence.history, &evidence.history.names.quarantine);
        let reasons: BTreeMap<&str, Option<&str>> =
            history.held(name).iter().map(|copy| (&*copy.content.id, attribute(copy, REASON))).collect();
        let (mut arrivals, mut sizes, mut size) = (Vec::new(), BTreeMap::new(), 0_u64);
        for record in &history.records {
            if let Event::Queue(QueueEvent::Sent { queue, message, .. }) = &record.event
                && queue == name
            {
                arrivals.push((record.at, &**message, reasons.get(&**message).copied().flatten()));
                size += 1;
            } else if let Event::Queue(event) = &record.event
                && let QueueEvent::Deleted { queue, .. } | QueueEvent::Expired { queue, .. } = event
                && queue == name
            {
                size = size.saturating_sub(1);
            }
            sizes.insert(record.at, size);
        }
        let told = evidence.letters.of_record("quarantine");
        let mails = told.filter_map(|told| Some((told.decided, told.published?, told.tells))).collect();
        Self { arrivals, sizes, mails, ended: history.ended }
    }

    fn notice<'h>(&self, copy: &'h Held) -> Notice<'h> {
        let arrived = self.arrivals.iter().find(|(_, id, _)| **id == *copy.content.id);
        let Some((at, _, reason)) = arrived.copied() else {
            return Notice { copy, took_ms: None, due_ms: NOTICE_MS_MAX };
        };
        let before = self.mails.partition_point(|(decided, ..)| *decided < at);
        let cleared = self.mails[..before].iter().rposition(|(_, _, tells)| *tells == "cleared");
        let since = cleared.map_or(UnixMs(i64::MIN), |cleared| self.mails[cleared].0);
        let of_these = &self.mails[cleared.map_or(0, |cleared| cleared + 1)..before];
        let knew = of_these.iter().find(|(decided, ..)| self.tells_of(*decided, at, since, reason));
        let told = knew.or_else(|| self.mails[before..].iter().find(|(_, _, tells)| *tells != "cleared"));
        let is_open = !of_these.is_empty();
        let is_not_due = is_open && self.ended.since_ms(at) < NEWS_MS_MAX;
        let took_ms = told.map(|(_, published, _)| published.since_ms(at).max(0));
        let due_ms = if is_open { NEWS_MS_MAX } else { NOTICE_MS_MAX };
        Notice { copy, took_ms: took_ms.or(is_not_due.then_some(0)), due_ms }
    }

    /// Whether a mail of `decided` tells of what comes later, at `at`: it is of the same day, there are not ten times as
    /// many, and it named the reason. `since`: from when on quarantine was not empty.
    fn tells_of(&self, decided: UnixMs, at: UnixMs, since: UnixMs, reason: Option<&str>) -> bool {
        let size = |at: UnixMs| self.sizes.range(..=at).next_back().map_or(0, |(_, size)| *size);
        let arrivals = self.arrivals.iter().filter(|(at, ..)| since < *at && *at <= decided);
        // Of what is gone nobody knows any more why it was there.
        let is_named = || arrivals.clone().any(|(_, _, known)| known.is_none() || *known == reason);
        at.since_ms(decided) <= REMINDER_MS + NOTICE_MS_MAX
            && size(at) < TENFOLD * size(decided).max(1)
            && (size(at) > READ_MAX || is_named())
    }
}

/// A finding about a message in quarantine, named for the message it is a copy of.
pub(super) fn found(evidence: &Evidence<'_>, copy: &Held, what: &str) -> Finding {
    let original = attribute(copy, ORIGINAL).unwrap_or(&copy.content.id);
    Finding { subject: evidence.subject(original), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;

    fn said(reason: &str, told: bool) -> Vec<String> {
        let mut tale = Tale::new();
        let message = tale.send("not json");
        tale.quarantine(&message, reason);
        if told {
            tale.tell("quarantine", "opened");
        }
        match check(&Evidence::of(&tale.told())) {
            Verdict::Fail(findings) => findings.into_iter().map(|finding| finding.what).collect(),
            Verdict::Pass(_) | Verdict::Inconclusive(_) => Vec::new(),
        }
    }

    /// One message in quarantine is told of; so long after comes another, for this reason, and time passes.
    fn another_after(ms: i64, reason: &str, others: usize) -> Vec<String> {
        let mut tale = Tale::new();
        let first = tale.send("not json");
        tale.quarantine(&first, "malformed");
        tale.tell("quarantine", "opened");
        tale.wait_ms(ms);
        for _ in 0..others {
            let another = tale.send("not json either");
            tale.quarantine(&another, reason);
        }
        tale.wait_ms(NEWS_MS_MAX);
        tale.delete(&first);
        tale.found_by(check)
    }

    #[test]
    fn what_comes_hours_after_the_mail_is_told_by_it_only_where_it_is_more_of_the_same() {
        let what = "it is in quarantine, and no mail said so";
        let hours_ms = 3 * 3_600_000;
        assert_eq!(another_after(hours_ms, "malformed", 8), [""; 0]);
        assert_eq!(another_after(hours_ms, "poison", 1), [what], "no mail named that reason");
        assert_eq!(another_after(hours_ms, "malformed", 9), [what], "ten times as many");
        assert_eq!(another_after(9 * hours_ms, "malformed", 1), [what], "the mail is of the day before");
    }

    #[test]
    fn a_mail_about_what_is_gone_again_tells_nobody_of_what_comes_next() {
        let mut tale = Tale::new();
        tale.tell("quarantine", "opened");
        tale.tell("quarantine", "cleared");
        let message = tale.send("not json");
        tale.quarantine(&message, "malformed");
        tale.wait_ms(NEWS_MS_MAX);
        tale.delete(&message);
        assert_eq!(tale.found_by(check), ["it is in quarantine, and no mail said so"]);
    }

    #[test]
    fn quarantine_without_a_reason_or_without_a_mail_is_found() {
        assert_eq!(said("malformed", true), [""; 0]);
        assert_eq!(said("", true), ["it is in quarantine without a reason"]);
        assert_eq!(said("malformed", false), ["it is in quarantine, and no mail said so"]);
    }
}
