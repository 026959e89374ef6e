//! Mails about a backlog.
//!
//! Invariant: the order of the parts is the order of a reader's questions: am I needed, what happened, how bad is it,
//! what must I do, what goes on without me, how do I step in.

use super::Site;
use super::commands::{Offer, overrides};
use super::links::Window;
use super::needed::{Needed, comes_and_goes, in_short, must, must_before_they_expire, must_find_out, needed};
use super::sections::{
    Body, at_risk, done, how_many, how_much, is_in_line, next, next_while_recovering, why, why_in_short,
};
use super::subject::Subject;
use super::words::{count, short, span, utc};
use payments::incident::{Escalation, Facts, Kind, Late, Probes, Trigger};
use payments::limits::STRANDED_TURNS;

pub(super) fn write(kind: Kind, facts: &Facts, late: Option<Late>, site: &Site) -> (Subject, String) {
    let subject = Subject::new(subjects(kind, facts)).numbered("#", facts.number);
    (subject, body(kind, facts, late, site))
}

/// From all there is to say to the least: money is left out first, then since when, why, and how many.
fn subjects(kind: Kind, facts: &Facts) -> Vec<String> {
    let with = |money: fn(&Facts) -> String| subject(kind, facts, &money(facts));
    let mut forms = vec![with(how_much), with(how_many)];
    let (why, since) = (why_in_short(facts), short(facts.since, facts.at));
    let details = [format!(" since {since}"), format!(": {why}"), format!("; {} waiting", how_many(facts))];
    for detail in details {
        let shorter = forms.last().and_then(|form| form.strip_suffix(&detail)).map(str::to_owned);
        forms.extend(shorter);
    }
    forms
}

fn subject(kind: Kind, facts: &Facts, how_much: &str) -> String {
    let (why, since) = (why_in_short(facts), short(facts.since, facts.at));
    let waiting = format!("{how_much} waiting: {why} since {since}");
    match (kind, needed(kind, facts)) {
        (_, Needed::BeforeTheyExpire) => {
            format!("ACTION NEEDED: messages expire; {how_much} waiting: {why}")
        }
        (_, Needed::For(Escalation::RedriveIsYours)) => {
            format!("ACTION NEEDED: Stripe is well, move {how_much} back")
        }
        (Kind::BackToWaiting, Needed::For(_) | Needed::ToFindOut) => {
            format!("ACTION NEEDED: back to waiting: {how_much}: {why}")
        }
        (
            Kind::Opened | Kind::Grown | Kind::Reminder | Kind::Flapping,
            Needed::For(_) | Needed::ToFindOut,
        ) => {
            format!("ACTION NEEDED: {waiting}")
        }
        (Kind::Flapping, Needed::ToFindOutLater | Needed::Later(_) | Needed::No(_)) => {
            let who =
                if comes_and_goes(facts) { "Stripe comes and goes" } else { "it begins again and again" };
            format!("{who}, {} times in six hours; {how_much} waiting", facts.flaps)
        }
        (Kind::Opened | Kind::Grown, Needed::ToFindOutLater | Needed::Later(_) | Needed::No(_)) => waiting,
        (Kind::Reminder, Needed::ToFindOutLater | Needed::Later(_) | Needed::No(_)) => {
            format!("still {waiting}")
        }
        (Kind::Recovering, _) if facts.is_mostly_unrecorded() => {
            format!("recovering: {how_much} going back")
        }
        (Kind::Recovering, _) => format!("recovering: {how_much} going back to Stripe"),
        (Kind::BackToWaiting, _) => format!("back to waiting: {how_much}: {why}"),
        (Kind::Resolved, _) => {
            format!("resolved after {}: nothing waits any more", span(facts.at.since_ms(facts.opened_at)))
        }
        (Kind::Escalated(escalation), _) => {
            format!("ACTION NEEDED: {}; {how_much} waiting", in_short(escalation))
        }
    }
}

fn body(kind: Kind, facts: &Facts, late: Option<Late>, site: &Site) -> String {
    let needed = needed(kind, facts);
    let runbook = runbook(&needed, facts.trigger);
    let window = Window { from: facts.since, until: facts.at };
    let body =
        Body::begin(&needed.first_line(facts), late).part("WHAT HAPPENED", &happened(kind, &needed, facts));
    if kind == Kind::Resolved {
        return body.part("DONE BY ITSELF", &done(facts)).end(runbook, window, site);
    }
    let body = body.part("AT RISK", &at_risk(facts));
    let body = match needed {
        Needed::For(escalation) => body.part("WHAT YOU MUST DO", &must(escalation, facts, site)),
        Needed::BeforeTheyExpire => body.part("WHAT YOU MUST DO", &must_before_they_expire(site)),
        Needed::ToFindOut | Needed::ToFindOutLater => body.part("WHAT YOU MUST DO", &must_find_out(site)),
        Needed::Later(_) | Needed::No(_) => body,
    };
    let next = match (kind, &needed) {
        (Kind::Recovering, _) => next_while_recovering(facts, site),
        (_, Needed::For(Escalation::RedriveIsYours)) => {
            "Nothing, until you move them back. You are told when it is over.".to_owned()
        }
        (Kind::Escalated(Escalation::Stranded), _) => {
            "Nothing, until their requests are sent again. You are told when it is over.".to_owned()
        }
        (Kind::Escalated(Escalation::KeepsComingBack), _) if facts.is_rowless() => {
            "They are moved back until the consumer takes them. You are told when it is over.".to_owned()
        }
        (
            Kind::Opened
            | Kind::BackToWaiting
            | Kind::Grown
            | Kind::Reminder
            | Kind::Flapping
            | Kind::Escalated(_)
            | Kind::Resolved,
            _,
        ) => next(facts, site),
    };
    let done = match kind {
        Kind::Escalated(Escalation::Stranded) => {
            format!(
                "Both queues were looked at for {STRANDED_TURNS} minutes running, and hold fewer messages than payments wait."
            )
        }
        Kind::Opened
        | Kind::Recovering
        | Kind::BackToWaiting
        | Kind::Grown
        | Kind::Reminder
        | Kind::Flapping
        | Kind::Escalated(_)
        | Kind::Resolved => done(facts),
    };
    body.part("DONE BY ITSELF", &done)
        .part("WHAT HAPPENS NEXT", &next)
        .part("IF YOU WANT TO STEP IN", &overrides(facts, offer(kind, &needed, facts), site))
        .end(runbook, window, site)
}

const fn runbook(needed: &Needed, trigger: Trigger) -> &'static str {
    match (needed, trigger) {
        (Needed::ToFindOut | Needed::ToFindOutLater, _) | (_, Trigger::Untouched) => "ConsumerFailing",
        (_, Trigger::CredentialsRefused) => "CredentialsRefused",
        (_, Trigger::DeadLetters) => "DeadLettersWaiting",
        (_, Trigger::Backlog) => "PaymentsWaiting",
        (_, Trigger::Alike | Trigger::Delayed) => "PaymentsDelayed",
    }
}

/// Moving them back is not offered to whoever is told to do it, or that it is under way.
const fn offer(kind: Kind, needed: &Needed, facts: &Facts) -> Offer {
    match (kind, needed) {
        (Kind::Recovering, _) | (_, Needed::BeforeTheyExpire | Needed::For(Escalation::RedriveIsYours)) => {
            Offer::NoRedrive
        }
        _ if facts.dead_letters.total() == 0 => Offer::NoRedrive,
        _ => Offer::Redrive,
    }
}

fn happened(kind: Kind, needed: &Needed, facts: &Facts) -> String {
    let (how_many, why) = (how_many(facts), why(facts));
    // Without a row nobody knows since when.
    let since = if facts.survey.oldest.is_some() { "Since" } else { "Noticed" };
    let since = format!("{since} {} ({}).", utc(facts.since), span(facts.at.since_ms(facts.since)));
    let is_theirs = matches!(needed, Needed::For(Escalation::RedriveIsYours));
    match kind {
        Kind::Opened | Kind::Grown | Kind::Reminder | Kind::Escalated(_) if is_theirs => {
            format!("Stripe was well on two minutes running.\nTo be moved back: {how_many}.\n{since}")
        }
        Kind::Opened | Kind::Grown | Kind::Reminder | Kind::Escalated(_) if facts.is_mostly_unrecorded() => {
            format!("{how_many} could not be processed.\n{why}\n{since}")
        }
        Kind::Opened | Kind::Grown | Kind::Reminder | Kind::Escalated(_) if is_in_line(facts) => {
            format!("{how_many} wait in line.\n{why}\n{since}")
        }
        Kind::Opened | Kind::Grown | Kind::Reminder | Kind::Escalated(_) => {
            format!("{how_many} cannot settle.\n{why}\n{since}")
        }
        Kind::Flapping => format!(
            "Payments began to wait {} times within six hours, or since that was told.\n{why}\n{since}\nYou are not told of \
             each time, but every two hours, and once it has been calm for an hour.",
            facts.flaps
        ),
        Kind::Recovering => match &facts.ordered_by {
            Some(who) => {
                format!("The dead letters are being moved back, as ordered by {who}.\nTo go: {how_many}.")
            }
            None => format!("{}\nTo go: {how_many}.", tried(facts)),
        },
        // What came back may have trouble that is nobody's outage.
        Kind::BackToWaiting if facts.probes == Some(Probes::Well) => {
            format!("The backlog was moved back, and payments fail again.\n{why}\n{since}")
        }
        Kind::BackToWaiting => {
            format!(
                "Stripe was well, and fails again. What was begun to move the payments back is stopped.\n{why}\n{since}"
            )
        }
        Kind::Resolved => format!(
            "{}\nIt began {} and took {}.",
            how_it_ended(facts),
            utc(facts.opened_at),
            span(facts.at.since_ms(facts.opened_at))
        ),
    }
}

fn how_it_ended(facts: &Facts) -> String {
    match facts.gone {
        0 => "Every payment is settled or in quarantine, and no message is dead-lettered.".to_owned(),
        gone => format!(
            "{} went without being moved back from here: they expired, or somebody took or deleted them. What the\n\
             ledger knows of is settled or in quarantine.",
            count(gone, "dead letter")
        ),
    }
}

/// What made it seem time to move the backlog back.
fn tried(facts: &Facts) -> String {
    let first = match facts.went_first {
        0 => "None of what waits calls Stripe, so none went first.".to_owned(),
        1 => "The payment that went first was settled.".to_owned(),
        more => format!("The {} that went first were settled.", count(more, "payment")),
    };
    format!("Stripe was well on two minutes running. {first}")
}
