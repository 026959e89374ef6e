//! The parts that mails are made of.
//!
//! Invariant: what most of it waits for is named as the cause of all; a few speak for nobody but themselves.

use super::Site;
use super::commands::NEEDS;
use super::links::{self, Window};
use super::money::{amount, grouped, sums};
use super::needed::in_short;
use super::words::{cause, cause_in_short, count, span, utc};
use payments::cause::Blame;
use payments::incident::{Alike, Escalation, Facts, Late, Probes, Reach, RedriveMode, Trigger, Trouble};
use payments::limits::{BACKOFF_S_MAX, CANARY_MAX, RECEIVES_MAX};
use payments::{Cause, PaymentId};
use std::cmp::Reverse;
use std::fmt::Write;

/// A mail's body: a first line, then parts with a heading each.
pub(super) struct Body(String);

impl Body {
    pub(super) fn begin(first_line: &str, late: Option<Late>) -> Self {
        Self(format!("{first_line}\n{}", late.map_or_else(String::new, silence)))
    }

    pub(super) fn part(mut self, heading: &str, text: &str) -> Self {
        // Writing to a string does not fail.
        let _ = write!(self.0, "\n{heading}\n{}\n", text.trim_end());
        self
    }

    pub(super) fn end(self, runbook: &str, window: Window, site: &Site) -> String {
        let trace = site
            .trace
            .as_ref()
            .map(|trace| format!("Trace:     {}, of the turn that sent this\n", trace.as_str()));
        let places = format!(
            "Account:   {}, {}\nDashboard: {}\nRunbook:   {}/{runbook}.md\n{}Consumer's log, what did not settle:\n{}",
            site.account,
            site.region,
            links::dashboard(site),
            site.runbook_url,
            trace.unwrap_or_default(),
            links::consumer_log(site, window),
        );
        let mut body = self.part("WHERE TO LOOK", &places).0;
        let needs = if body.contains("  aws ") { format!("{NEEDS}\n") } else { String::new() };
        let _ = write!(body, "\n{needs}Sent by {}.\n", site.function_name);
        body
    }
}

/// Why this comes late, and that it is not of then.
fn silence(late: Late) -> String {
    let stands_for = match late.mails {
        0 | 1 => "This mail is late".to_owned(),
        mails => format!("This mail stands for {mails} that were not sent"),
    };
    format!("Nobody could be told since {}: the topic took no mail. {stands_for}.\n", utc(late.since))
}

/// How many wait: `37 payments`, or `1 message` when none of them is known to be a payment.
pub(super) fn how_many(facts: &Facts) -> String {
    let is_known = facts.survey.payments > 0 && !facts.is_mostly_unrecorded();
    count(facts.waiting(), if is_known || facts.survey.reach == Reach::Part { "payment" } else { "message" })
}

/// How much waits, for a subject: `37 payments (EUR 4,210.00)`.
pub(super) fn how_much(facts: &Facts) -> String {
    let floor = match facts.money_reach() {
        Reach::All => "",
        Reach::Part => "at least ",
    };
    match sums(&facts.survey.money).as_slice() {
        [] => how_many(facts),
        [sum] => format!("{} ({floor}{sum})", how_many(facts)),
        [sum, others @ ..] => format!("{} ({floor}{sum} and {} more)", how_many(facts), others.len()),
    }
}

/// Why, for a subject.
pub(super) fn why_in_short(facts: &Facts) -> &'static str {
    if let Some(alike) = &facts.alike {
        return in_short(alike.escalation());
    }
    match found(facts) {
        Some(found) => cause_in_short(found),
        None if facts.trigger == Trigger::Untouched => in_short(Escalation::NobodyTakes),
        None if facts.trigger == Trigger::Backlog => "more than StripeRatePerSecond lets out",
        None if facts.is_mostly_unrecorded() => "cause not in the ledger",
        None => "cause unknown",
    }
}

/// Why, as a sentence.
pub(super) fn why(facts: &Facts) -> String {
    if let Some(alike) = &facts.alike {
        let ids: Vec<&str> = alike.samples.iter().map(PaymentId::as_str).collect();
        let named = if ids.is_empty() { String::new() } else { format!("\nAmong them: {}.", ids.join(", ")) };
        return format!("At least {} of them {}.{named}", alike.payments, shared(alike));
    }
    let text = match found(facts) {
        Some(found) => cause(found),
        None if facts.trigger == Trigger::Untouched => {
            "They are in the payments queue, and no function takes them."
        }
        None if facts.trigger == Trigger::Backlog => {
            return format!(
                "More payments came in than StripeRatePerSecond lets out.\nThe last to go out had waited for {}.",
                span(facts.waited_ms)
            );
        }
        None if facts.is_mostly_unrecorded() && (facts.are_many() || !facts.is_rowless()) => {
            return unrecorded(facts);
        }
        None if facts.is_rowless() => {
            "What waits is a drill, a late copy of a settled payment, or died before it was recorded."
        }
        None => "No attempt could say why it failed: see the consumer's log.",
    };
    text.to_owned()
}

fn unrecorded(facts: &Facts) -> String {
    let (known, others) = match facts.survey.payments {
        0 => ("none of them".to_owned(), ""),
        1 => ("1 payment that waits".to_owned(), "\nWhat that one met is no cause of the rest."),
        few => {
            (format!("{} that wait", count(few, "payment")), "\nWhat those few met is no cause of the rest.")
        }
    };
    format!(
        "{} are dead-lettered, and the ledger knows of {known}: the consumer fails before it writes\nanything down, or \
         cannot write.{others}",
        count(facts.dead_letters.total(), "message")
    )
}

/// What several share.
fn shared(alike: &Alike) -> String {
    match alike.trouble {
        Trouble::Refused => format!("were refused alike, and nobody came through: {}", alike.what),
        Trouble::IntentMissing => {
            format!("have an intent that Stripe does not know under our key: {}", alike.what)
        }
        Trouble::Dying => "took the consumer down, one after the other, before it could say why".to_owned(),
        Trouble::Unreadable => format!("are no payment: {}", alike.what),
        Trouble::Credentials => "were refused for what is ours: the key, or the account".to_owned(),
    }
}

/// What is to blame. What the probes met is newer than what the rows say, and what is ours will not mend itself.
pub(super) fn found(facts: &Facts) -> Option<Cause> {
    let probed = match facts.probes {
        Some(Probes::Unwell(cause)) if cause.blame() == Blame::Us => Some(cause),
        Some(Probes::Unwell(_) | Probes::Well) | None => None,
    };
    let refused = (facts.trigger == Trigger::CredentialsRefused).then_some(Cause::CredentialsRefused);
    probed.or_else(|| facts.main_cause()).or(refused)
}

/// What waits, where, and until when.
pub(super) fn at_risk(facts: &Facts) -> String {
    let mut text = String::new();
    let sums = sums(&facts.survey.money);
    let floor = match facts.money_reach() {
        Reach::All => "",
        Reach::Part => "at least ",
    };
    if sums.is_empty() {
        text.push_str("Money:   none that the ledger knows of\n");
    } else {
        let _ = writeln!(text, "Money:   {floor}{}", sums.join(", "));
    }
    let tried = if is_in_line(facts) {
        "in line"
    } else if is_untaken(facts) {
        "in the queue, taken by nobody"
    } else {
        "still being tried"
    };
    let (dead, source) = (facts.dead_letters.total(), facts.source.total());
    let _ = writeln!(text, "Where:   {} dead-lettered, {} {tried}", grouped(dead), grouped(source));
    if !facts.survey.causes.is_empty() {
        let _ = writeln!(text, "Causes:  {}", causes(facts));
    }
    if let Some(oldest) = &facts.survey.oldest {
        let _ = writeln!(
            text,
            "Oldest:  {} ({}), waiting for {}",
            oldest.payment_id,
            amount(oldest.currency, oldest.amount.get()),
            span(facts.at.since_ms(oldest.received_at)),
        );
    }
    if let Some(expires_at) = facts.expires_at {
        let whose = if facts.survey.oldest.is_some() { "its message" } else { "the first message" };
        let _ = writeln!(
            text,
            "Expires: {whose} on {}, in {}",
            utc(expires_at),
            span(expires_at.since_ms(facts.at))
        );
    }
    text.push_str("Trying a payment again never charges it twice.\n");
    text
}

/// The causes that rows name, the most frequent first.
fn causes(facts: &Facts) -> String {
    let mut causes: Vec<(&Cause, &u64)> = facts.survey.causes.iter().collect();
    causes.sort_by_key(|(cause, number)| (Reverse(**number), **cause));
    causes.iter().map(|(cause, number)| format!("{cause} {number}")).collect::<Vec<_>>().join(", ")
}

/// What was done by itself so far.
pub(super) fn done(facts: &Facts) -> String {
    if is_in_line(facts) {
        return "Each goes out in its turn, at the pace that StripeRatePerSecond allows.".to_owned();
    }
    let mut text = String::new();
    match facts.probes {
        Some(Probes::Well) => text.push_str("Stripe was probed just now and is well.\n"),
        Some(Probes::Unwell(found)) => {
            let _ = writeln!(text, "Stripe was probed just now and is not well: {}", cause(found));
        }
        None => {}
    }
    if facts.tasks > 0 {
        let times = if facts.tasks == 1 { "once".to_owned() } else { format!("{} times", facts.tasks) };
        let _ =
            writeln!(text, "Dead letters were moved back {times}, {} in all.", count(facts.moved, "message"));
    }
    if facts.setbacks > 0 {
        let _ = writeln!(text, "Recoveries that were begun and did not hold: {}.", facts.setbacks);
    }
    if text.is_empty() && is_untaken(facts) {
        text.push_str("Nothing yet: no function has taken them.\n");
    } else if text.is_empty() && facts.is_rowless() {
        let _ = writeln!(text, "Each was tried {RECEIVES_MAX} times, and waits as a dead letter.");
    } else if text.is_empty() {
        let _ = writeln!(
            text,
            "Each payment was tried, with growing pauses; after {RECEIVES_MAX} attempts it waits as a dead letter."
        );
    }
    text
}

/// Whether nothing is wrong with what waits, but that so much stands before it.
pub(super) fn is_in_line(facts: &Facts) -> bool {
    facts.trigger == Trigger::Backlog && facts.dead_letters.total() == 0 && found(facts).is_none()
}

/// Whether all that waits lies in the queue, and no function takes it.
fn is_untaken(facts: &Facts) -> bool {
    facts.escalations.contains(&Escalation::NobodyTakes) && facts.dead_letters.total() == 0
}

/// What happens next by itself while payments wait, and when.
pub(super) fn next(facts: &Facts, site: &Site) -> String {
    if is_in_line(facts) {
        return format!(
            "The last in line goes out in about {}. To have them go out faster, raise the template parameter\n\
             StripeRatePerSecond as far as Stripe's limits for this account allow, and deploy. Purge nothing.\nYou are \
             told when it is over.\n",
            span(facts.drain_ms)
        );
    }
    if is_untaken(facts) {
        return "What waits is charged by itself, as soon as a function takes it. You are told when it is over.\n"
            .to_owned();
    }
    match &facts.redrive {
        RedriveMode::Automatic if facts.is_rowless() && facts.are_many() => {
            "They are moved back once Stripe is well on two minutes running, on and on, until the consumer takes them. \
             You\nare told when that begins and when it is over.\n"
                .to_owned()
        }
        RedriveMode::Automatic if facts.is_rowless() => format!(
            "They are moved back once Stripe is well on two minutes running. One that comes back after {} moves is\nput \
             into quarantine, for office hours. You are told when that begins and when it is over.\n",
            site.redrive_cycles_max
        ),
        RedriveMode::Automatic => {
            let mut text = format!(
                "Stripe is probed every minute. Once it is well on two minutes running, up to {CANARY_MAX} dead \
                 letters go\nfirst; when they are settled, the rest follows, at most {} a second. You are told \
                 when\nthat begins and when it is over.\n",
                site.redrive_rate_max
            );
            if let Some(at) = facts.next_try_at {
                let _ = writeln!(text, "The next try is not before {}.", utc(at));
            }
            text
        }
        RedriveMode::Off => {
            "Stripe is probed every minute, and you are told once it is well. Nothing is moved \
                             back by itself:\nthe parameter AutoRedrive is off.\n"
                .to_owned()
        }
        RedriveMode::PausedBy(who) => format!(
            "Stripe is probed every minute. Nothing is moved back by itself until the command resume:\nit was paused \
             by {who}.\n"
        ),
    }
}

/// What happens next once the backlog is on its way.
pub(super) fn next_while_recovering(facts: &Facts, site: &Site) -> String {
    if facts.is_rowless() {
        return format!(
            "They go back and are tried again. One that comes back after {} moves is put into quarantine, for\noffice \
             hours. You are told when it is over.\n",
            site.redrive_cycles_max
        );
    }
    format!(
        "The dead letters go back, at most {} a second, and are charged at the pace that StripeRatePerSecond\nallows. \
         Payments that are still being tried come back within {} minutes. You are told when it is\nover, or when it \
         does not hold.\n",
        site.redrive_rate_max,
        BACKOFF_S_MAX / 60
    )
}
