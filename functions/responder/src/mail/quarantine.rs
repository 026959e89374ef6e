//! Mails about the quarantine.
//!
//! Invariant: nobody is told to throw away what may be an order; and what is in quarantine keeps for two weeks, so that only
//! much of it, or more and more, is a reason to hurry.

use super::Site;
use super::commands::{command, command_into};
use super::links::Window;
use super::money::{grouped, sums};
use super::sections::Body;
use super::subject::Subject;
use super::words::{count, span, utc};
use payments::UnixMs;
use payments::incident::{Contents, Late, NoticeFacts, NoticeKind, Quarantined, Reach, Urgency};
use payments::ledger::Reason;
use payments::limits::{DEAD_LETTERS_RETENTION_S, QUARANTINE_FEW};
use payments::quarantine::{NO_LEDGER_ROW, STUCK};
use std::fmt::Write;

/// Reasons that a mail lists. The rest is counted; the runbook says how to see them.
const REASONS_LISTED: usize = 8;

/// Of an old quarantine the last day of the log is shown, milliseconds: what came before was told before.
const LOG_MS_MAX: i64 = 86_400_000;

pub(super) fn write(
    kind: NoticeKind,
    facts: &NoticeFacts,
    late: Option<Late>,
    site: &Site,
) -> (Subject, String) {
    let (forms, body) = forms_and_body(kind, facts, late, site);
    // Q tells it from the number of an incident beside it.
    (Subject::new(forms).numbered("#Q", facts.number), body)
}

fn forms_and_body(
    kind: NoticeKind,
    facts: &NoticeFacts,
    late: Option<Late>,
    site: &Site,
) -> (Vec<String>, String) {
    let window = Window { from: facts.since.max(facts.at.plus_ms(-LOG_MS_MAX)), until: facts.at };
    let since = span(facts.at.since_ms(facts.since));
    match kind {
        NoticeKind::Cleared => (
            vec![format!("quarantine is empty again, after {since}")],
            Body::begin("You are not needed: the quarantine is empty again.", late)
                .part("WHAT HAPPENED", how_it_was_emptied(facts))
                .end("QuarantineNotEmpty", window, site),
        ),
        NoticeKind::Opened
        | NoticeKind::Reminder
        | NoticeKind::Grown
        | NoticeKind::NewReason
        | NoticeKind::Expiring => {
            let urgency = facts.urgency(kind);
            let body = Body::begin(&first_line(kind, urgency, facts), late)
                .part("WHAT HAPPENED", &happened(facts))
                .part("WHAT IS THERE", &there(kind, facts))
                .part("WHAT YOU MUST DO", &must(facts, site))
                .end("QuarantineNotEmpty", window, site);
            (subjects(kind, urgency, facts), body)
        }
    }
}

/// Nobody sees who took a message out; but one whose time was up needed nobody.
fn how_it_was_emptied(facts: &NoticeFacts) -> &'static str {
    if facts.expires_at.is_some_and(|at| at <= facts.at) {
        "Messages expired there: nobody released them within two weeks. What the ledger has of their payments stays\n\
         quarantined, and can still be released by its payment id; a message without a row is gone."
    } else {
        "Every message was released, or taken out by hand."
    }
}

/// From all there is to say to the least: the share is left out first.
fn subjects(kind: NoticeKind, urgency: Urgency, facts: &NoticeFacts) -> Vec<String> {
    let share = share_in_short(facts).map(|share| format!(", {share} of traffic"));
    share.iter().map(String::as_str).chain([""]).map(|share| subject(kind, urgency, facts, share)).collect()
}

fn subject(kind: NoticeKind, urgency: Urgency, facts: &NoticeFacts, share: &str) -> String {
    let how_many = count(facts.messages, "message");
    let what = match kind {
        NoticeKind::Reminder => {
            format!("still {how_many} in quarantine, for {}", span(facts.at.since_ms(facts.since)))
        }
        NoticeKind::NewReason => format!("{how_many} in quarantine, some for a new reason"),
        NoticeKind::Expiring => format!("messages in quarantine expire; {how_many} there"),
        NoticeKind::Opened | NoticeKind::Grown | NoticeKind::Cleared => format!("{how_many} in quarantine"),
    };
    match urgency {
        Urgency::OfficeHours if kind == NoticeKind::Reminder => what,
        Urgency::OfficeHours => format!("{what}: for office hours"),
        Urgency::Today => format!("ACTION NEEDED today: {what}{share}"),
        Urgency::Now => format!("ACTION NEEDED now: {what}{share}"),
    }
}

fn first_line(kind: NoticeKind, urgency: Urgency, facts: &NoticeFacts) -> String {
    match (urgency, kind) {
        (Urgency::Now, _) => {
            "YES, YOU ARE NEEDED NOW: most orders end in quarantine, and are not paid for.".to_owned()
        }
        (Urgency::Today, NoticeKind::Expiring) => format!(
            "YES, YOU ARE NEEDED TODAY: what is in quarantine begins to expire {}, and is lost then.",
            facts.expires_at.map_or_else(String::new, utc)
        ),
        (Urgency::Today, NoticeKind::Grown) => format!(
            "YES, YOU ARE NEEDED TODAY: {} are in quarantine, ten times what you were told or more.",
            count(facts.messages, "message")
        ),
        (Urgency::Today, _) => {
            "YES, YOU ARE NEEDED TODAY: many orders end in quarantine, and are not paid for.".to_owned()
        }
        (Urgency::OfficeHours, NoticeKind::Reminder) => {
            "You do not have to get up, but somebody has to look during office hours.".to_owned()
        }
        (Urgency::OfficeHours, _) => "You do not have to get up: this can wait for office hours.".to_owned(),
    }
}

fn happened(facts: &NoticeFacts) -> String {
    let text = "Only a human can mend what is in quarantine. No other payment is held up.";
    let listed = facts.contents.iter().flat_map(|contents| &contents.groups).map(|group| &group.reason);
    let mut reasons = listed.chain(samples(facts).iter().map(|sample| &sample.reason));
    let is_all = facts.contents.as_ref().is_some_and(|contents| contents.reach == Reach::All);
    let may_be_charged = [Reason::IntentMismatch.name(), STUCK];
    let charged = if reasons.any(|reason| may_be_charged.contains(&reason.as_str())) {
        "Where it says intent_mismatch\nor stuck, a card may have been charged; the others were not."
    } else if is_all {
        "None of it was charged."
    } else {
        "None of it was charged,\nunless its reason is intent_mismatch or stuck."
    };
    format!("{text} {charged}\n")
}

fn there(kind: NoticeKind, facts: &NoticeFacts) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "Number:  {} since {}", count(facts.messages, "message"), utc(facts.since));
    let _ = writeln!(text, "Share:   {}", share(facts));
    let _ = writeln!(text, "Money:   {}", money(facts));
    let _ = writeln!(text, "Expires: {}", expires(facts));
    if let Some(contents) = &facts.contents {
        reasons(&mut text, kind, facts, contents);
    }
    if !samples(facts).is_empty() {
        text.push_str("Some of them:\n");
    }
    for sample @ Quarantined { payment_id, .. } in samples(facts) {
        let payment = payment_id.as_ref().map_or("(no payment id)", |id| id.as_str());
        let _ = writeln!(text, "  {payment}: {}", sample.name());
    }
    text
}

fn samples(facts: &NoticeFacts) -> &[Quarantined] {
    facts.contents.as_ref().map_or(&facts.samples, |contents| &contents.samples)
}

fn reasons(text: &mut String, kind: NoticeKind, facts: &NoticeFacts, contents: &Contents) {
    let read = match contents.reach {
        Reach::All => String::new(),
        Reach::Part => format!(", of {} that were read", grouped(contents.read)),
    };
    let _ = writeln!(text, "Reasons{read}:");
    for group in contents.groups.iter().take(REASONS_LISTED) {
        // At opening everything is new.
        let is_news = kind != NoticeKind::Opened && facts.new_causes.contains(&group.cause());
        let news = if is_news { " (new)" } else { "" };
        let _ = writeln!(text, "  {:>6}  {}{news}", grouped(group.messages), group.name());
    }
    let unlisted = contents.groups.iter().skip(REASONS_LISTED).map(|group| group.messages).sum::<u64>();
    if unlisted + contents.others > 0 {
        let _ = writeln!(text, "  {:>6}  for other reasons", grouped(unlisted + contents.others));
    }
}

fn share(facts: &NoticeFacts) -> String {
    let Some(share) = facts.share() else {
        return "of the last hour's traffic unknown, because Stripe did not list it".to_owned();
    };
    let of = format!("{} of about {}", grouped(share.quarantined), count(share.all, "message"));
    match share.percent() {
        0 => "nothing of the last hour's traffic".to_owned(),
        100 => format!("all of the last hour's traffic, {}", count(share.all, "message")),
        percent => format!("about {percent} % of the last hour's traffic, {of}"),
    }
}

fn share_in_short(facts: &NoticeFacts) -> Option<String> {
    match facts.share()?.percent() {
        0 => None,
        100 => Some("all".to_owned()),
        percent => Some(format!("about {percent} %")),
    }
}

fn money(facts: &NoticeFacts) -> String {
    let Some(contents) = &facts.contents else { return "unknown, the messages could not be read".to_owned() };
    match (sums(&contents.money).join(", "), contents.money_reach()) {
        (none, _) if none.is_empty() => "none that can be read".to_owned(),
        (sums, Reach::All) => format!("{sums}, as the messages have it"),
        (sums, Reach::Part) => format!("at least {sums}, as the messages have it"),
    }
}

fn expires(facts: &NoticeFacts) -> String {
    let expiry = |at: UnixMs| {
        let at = at.plus_ms(DEAD_LETTERS_RETENTION_S * 1_000);
        format!("{}, in {}", utc(at), span(at.since_ms(facts.at)))
    };
    match facts.contents.as_ref().map(|contents| (contents.oldest_sent_at, contents.reach)) {
        Some((Some(oldest), Reach::All)) => format!("the oldest expires on {}", expiry(oldest)),
        Some((Some(oldest), Reach::Part)) => {
            format!("the oldest of those that were read expires on {}", expiry(oldest))
        }
        Some((None, _)) | None => format!("the first expires on {}", expiry(facts.since)),
    }
}

/// What the advice depends on.
struct Case<'a> {
    facts: &'a NoticeFacts,
    site: &'a Site,
    /// So many share one cause that it is not theirs.
    main_reason: Option<&'a str>,
}

fn must(facts: &NoticeFacts, site: &Site) -> String {
    let case = Case { facts, site, main_reason: main_reason(facts) };
    let wrapped = facts.contents.as_ref().map_or(0, |contents| contents.wrapped);
    let mut text = String::new();
    if wrapped > 0 || case.main_reason.is_some() {
        case.mend_the_producer(&mut text, wrapped);
    } else {
        case.one_by_one(&mut text);
    }
    text
}

/// The reason of most of them, when many have it.
fn main_reason(facts: &NoticeFacts) -> Option<&str> {
    let contents = facts.contents.as_ref()?;
    let group = contents.groups.first()?;
    let is_most = group.messages * 2 >= contents.read && group.messages >= QUARANTINE_FEW;
    is_most.then_some(&group.reason)
}

impl Case<'_> {
    fn mend_the_producer(&self, text: &mut String, wrapped: u64) {
        if wrapped > 0 {
            text.push_str(
                "Orders come inside an envelope, as a topic or a bus puts around them. Have them sent bare (for SNS: raw \
                 message\ndelivery), then send them again without it.\n",
            );
        } else {
            text.push_str(
                "Many have one cause, and it is not theirs: mend whoever sends them, then send them again.\n",
            );
        }
        if let Some(reason) = self.main_reason.filter(|reason| has_row(reason)) {
            self.release_by_reason(text, reason);
        }
        let _ = write!(
            text,
            "Write out what is here, mend each line, and send it again, as the runbook shows. Nothing is lost by it:\n{}",
            command_into(self.site, r#"{"command":"export"}"#, "quarantine.json")
        );
        text.push_str("What is in quarantine may be an order that nobody else remembers: keep it until it was sent again.\n");
    }

    fn release_by_reason(&self, text: &mut String, reason: &str) {
        let _ = write!(
            text,
            "If the fault was not in the payments, have them all tried again; first see what that comes to:\n{}",
            command(self.site, &format!(r#"{{"command":"release","reason":"{reason}","dry_run":true}}"#))
        );
        let payload = format!(
            r#"{{"command":"release","reason":"{reason}","who":"YOUR NAME","why":"WHAT YOU MENDED"}}"#
        );
        let _ = write!(text, "Then:\n{}", command(self.site, &payload));
        text.push_str(
            "A payment that asks for another amount then is another payment, with a payment_id of its own.\n",
        );
    }

    fn one_by_one(&self, text: &mut String) {
        text.push_str("For each of them, before it expires, one of these.\n");
        if let Some(id) = samples(self.facts).iter().find_map(releasable) {
            let payload = format!(
                r#"{{"command":"release","payment_id":"{id}","who":"YOUR NAME","why":"WHAT YOU MENDED"}}"#
            );
            let _ = write!(
                text,
                "Mend what the reason names, then have the payment tried again:\n{}",
                command(self.site, &payload)
            );
        }
        if let Some(id) = samples(self.facts).iter().filter(|sample| sample.reason == STUCK).find_map(by_id) {
            let payload = format!(
                r#"{{"command":"reconcile","payment_id":"{id}","who":"YOUR NAME","why":"WHAT YOU FOUND"}}"#
            );
            let _ = write!(
                text,
                "Where it says stuck, Stripe could not be asked about its intent, and no delivery settles it. It goes on by\n\
                 itself once Stripe can be. To settle it by what Stripe says now:\n{}",
                command(self.site, &payload)
            );
        }
        if samples(self.facts).iter().any(|sample| sample.reason == NO_LEDGER_ROW) {
            text.push_str(
                "Where it says no_ledger_row, the ledger knows nothing to release: see the consumer's log for why it died, \
                 mend\nthat, and send the body to the payments queue once more.\n",
            );
        }
        let _ = write!(
            text,
            "Have its producer send it again, mended: under the same payment_id when it is malformed, under another when\n\
             another amount is wanted. This writes out what is here, as it came:\n{}",
            command_into(self.site, r#"{"command":"export"}"#, "quarantine.json")
        );
        text.push_str("Delete a message here once it was sent again, or when it is no order at all.");
    }
}

fn by_id(sample: &Quarantined) -> Option<&payments::PaymentId> {
    sample.payment_id.as_ref()
}

/// The payment, if it may be tried again once its trouble is mended.
fn releasable(sample: &Quarantined) -> Option<&payments::PaymentId> {
    sample.payment_id.as_ref().filter(|_| has_row(&sample.reason))
}

/// Whether the ledger has a row that a release could set back. A reason that only a newer version knows may have one; one
/// that nobody's version writes could be anything, and stands in a command.
fn has_row(reason: &str) -> bool {
    let is_name = reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let others = [Reason::Malformed, Reason::ConflictingRequest, Reason::IntentMismatch];
    is_name && reason != NO_LEDGER_ROW && reason != STUCK && others.iter().all(|other| other.name() != reason)
}
