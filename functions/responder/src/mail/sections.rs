//! The parts that mails are made of.
//!
//! Invariant: every command runs as it stands when it is pasted into a shell.

use super::Site;
use super::money::{amount, sums};
use super::needed::in_short;
use super::words::{cause, cause_in_short, count, span, utc};
use payments::cause::Blame;
use payments::incident::{Alike, Escalation, Facts, Probes, Reach, RedriveMode, Trigger, Trouble};
use payments::limits::{BACKOFF_S_MAX, CANARY_MAX, RECEIVES_MAX};
use payments::{Cause, PaymentId};
use std::fmt::Write;

/// A mail's body: a first line, then parts with a heading each.
pub(super) struct Body(String);

impl Body {
    pub(super) fn begin(first_line: &str) -> Self {
        Self(format!("{first_line}\n"))
    }

    pub(super) fn part(mut self, heading: &str, text: &str) -> Self {
        // Writing to a string does not fail.
        let _ = write!(self.0, "\n{heading}\n{}\n", text.trim_end());
        self
    }

    pub(super) fn end(mut self, runbook: &str, site: &Site) -> String {
        let _ = write!(
            self.0,
            "\nRunbook: alarms/runbooks/{runbook}.md\nSent by {} in {}.\n",
            site.function_name, site.region
        );
        self.0
    }
}

/// The command of the command line that invokes this function, on a line of its own.
pub(super) fn command(site: &Site, payload: &str) -> String {
    command_into(site, payload, "/dev/stdout")
}

/// The same, with its answer in a file.
pub(super) fn command_into(site: &Site, payload: &str, file: &str) -> String {
    format!(
        "  aws lambda invoke --region {} --function-name {} \\\n    --cli-binary-format raw-in-base64-out \\\n    \
         --payload '{payload}' {file}\n",
        site.region, site.function_name
    )
}

/// An order that can be given as it stands; whoever gives it may put their name in.
pub(super) fn order(site: &Site, name: &str) -> String {
    command(site, &format!(r#"{{"command":"{name}","who":"on-call","why":"told by mail"}}"#))
}

/// How many wait: `37 payments`, or `1 message` when none of them is known to be a payment.
pub(super) fn how_many(facts: &Facts) -> String {
    count(facts.waiting(), if facts.is_rowless() { "message" } else { "payment" })
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
        None if facts.is_rowless() => "cause not in the ledger",
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
                "More payments came in than StripeRatePerSecond lets out. The last to go out had waited for {}; the last \
                 in line\ngoes out in about {}.",
                span(facts.waited_ms),
                span(facts.drain_ms)
            );
        }
        None if facts.is_rowless() => {
            "What waits is a drill, a late copy of a settled payment, or died before it was recorded."
        }
        None => "No attempt could say why it failed: see the consumer's log.",
    };
    text.to_owned()
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
fn found(facts: &Facts) -> Option<Cause> {
    let probed = match facts.probes {
        Some(Probes::Unwell(cause)) if cause.blame() == Blame::Us => Some(cause),
        Some(Probes::Unwell(_) | Probes::Well) | None => None,
    };
    let refused = (facts.trigger == Trigger::CredentialsRefused).then_some(Cause::CredentialsRefused);
    probed.or_else(|| facts.survey.main_cause()).or(refused)
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
    let _ = writeln!(
        text,
        "Where:   {} dead-lettered, {} still being tried",
        facts.dead_letters.total(),
        facts.source.total()
    );
    if !facts.survey.causes.is_empty() {
        let causes: Vec<String> =
            facts.survey.causes.iter().map(|(cause, number)| format!("{cause} {number}")).collect();
        let _ = writeln!(text, "Causes:  {}", causes.join(", "));
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
        let _ = writeln!(
            text,
            "Expires: its message on {}, in {}",
            utc(expires_at),
            span(expires_at.since_ms(facts.at))
        );
    }
    text.push_str("Trying a payment again never charges it twice.\n");
    text
}

/// What was done by itself so far.
pub(super) fn done(facts: &Facts) -> String {
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
    if text.is_empty() && facts.is_rowless() {
        let _ = writeln!(text, "Each was tried {RECEIVES_MAX} times, and waits as a dead letter.");
    } else if text.is_empty() {
        let _ = writeln!(
            text,
            "Each payment was tried, with growing pauses; after {RECEIVES_MAX} attempts it waits as a dead letter."
        );
    }
    text
}

/// What happens next by itself while payments wait, and when.
pub(super) fn next(facts: &Facts, site: &Site) -> String {
    match &facts.redrive {
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

/// The commands that override what happens by itself.
pub(super) fn overrides(facts: &Facts, site: &Site) -> String {
    let mut text = format!("See how things stand:\n{}", command(site, r#"{"command":"status"}"#));
    let _ =
        write!(text, "Move the dead letters back now, whatever the probes say:\n{}", order(site, "redrive"));
    match &facts.redrive {
        RedriveMode::Automatic => {
            let _ = write!(text, "Move nothing until you say so:\n{}", order(site, "pause"));
        }
        RedriveMode::PausedBy(_) => {
            let _ = write!(text, "Take the pause back:\n{}", order(site, "resume"));
        }
        RedriveMode::Off => {}
    }
    text
}
