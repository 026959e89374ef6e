//! Whether the reader is needed, and for what.
//!
//! It follows from the cause. What Stripe causes ends with Stripe; what we cause is not promised to end by itself; and of a
//! cause that nobody knows it depends on how many wait for it ([`UNEXPLAINED_MANY`](payments::limits::UNEXPLAINED_MANY)).
//!
//! Invariant: "no" is only said of what goes on by itself, and never while a message may expire before tomorrow.

use super::Site;
use super::commands::{command, order};
use super::sections::{found, how_many, is_in_line};
use super::words::cause_in_short;
use payments::Cause;
use payments::cause::Blame;
use payments::incident::{Escalation, Facts, Kind, RedriveMode};
use payments::limits::SOURCE_RETENTION_S;

/// A message that expires within this makes any mail urgent, milliseconds: a day leaves time to act.
const URGENT_MS: i64 = 86_400_000;

/// Whether the reader is needed.
pub(super) enum Needed {
    /// At once, for this.
    For(Escalation),
    /// At once: time runs out.
    BeforeTheyExpire,
    /// At once: many wait, and nobody knows why.
    ToFindOut,
    /// In office hours: some wait, and nobody knows why.
    ToFindOutLater,
    /// Not before another mail.
    Later(String),
    /// Not at all.
    No(String),
}

pub(super) fn needed(kind: Kind, facts: &Facts) -> Needed {
    let is_urgent = facts.expires_at.is_some_and(|at| at.since_ms(facts.at) < URGENT_MS);
    match (kind, facts.escalations.first()) {
        (Kind::Escalated(escalation), _) => Needed::For(escalation),
        (Kind::Resolved, _) => {
            Needed::No("You are not needed: it is over, and nothing waits any more.".to_owned())
        }
        (
            Kind::Opened | Kind::Grown | Kind::Reminder | Kind::BackToWaiting | Kind::Flapping,
            Some(escalation),
        ) => Needed::For(*escalation),
        (Kind::Opened | Kind::Grown | Kind::Reminder | Kind::Recovering | Kind::BackToWaiting | Kind::Flapping, _)
            if is_urgent =>
        {
            Needed::BeforeTheyExpire
        }
        (Kind::Recovering, _) => Needed::No(match &facts.ordered_by {
            Some(who) => {
                format!("You do not have to get up: the backlog is being moved back, as ordered by {who}.")
            }
            None => {
                "You do not have to get up: Stripe is well, and the backlog is being moved back.".to_owned()
            }
        }),
        (Kind::Flapping, _) if comes_and_goes(facts) => Needed::No(
            "You do not have to get up: Stripe comes and goes, and the payments are safe and go out in between."
                .to_owned(),
        ),
        (Kind::Opened | Kind::Grown | Kind::Reminder | Kind::BackToWaiting | Kind::Flapping, _) => {
            while_they_wait(facts)
        }
    }
}

/// Whether it is Stripe that comes and goes; what else waits again and again does so for other reasons.
pub(super) fn comes_and_goes(facts: &Facts) -> bool {
    found(facts).is_some_and(|cause| cause.blame() == Blame::Provider)
}

fn while_they_wait(facts: &Facts) -> Needed {
    if is_in_line(facts) {
        return Needed::No(
            "You do not have to get up: Stripe charges payments as fast as StripeRatePerSecond lets them out."
                .to_owned(),
        );
    }
    if facts.is_rowless() && !facts.are_many() && facts.redrive == RedriveMode::Automatic {
        return Needed::No(
            "You do not have to get up: no payment of the ledger waits; what does is tried again by itself."
                .to_owned(),
        );
    }
    match (found(facts), &facts.redrive) {
        (Some(cause), mode) => for_cause(cause, mode),
        (None, _) if facts.are_many() => Needed::ToFindOut,
        (None, _) => Needed::ToFindOutLater,
    }
}

fn for_cause(cause: Cause, mode: &RedriveMode) -> Needed {
    let ours = format!("The cause is ours, not Stripe's: {}.", cause_in_short(cause));
    match (cause.blame(), mode) {
        (Blame::Provider, RedriveMode::Automatic) => Needed::No(
            "You do not have to get up: the payments are safe and go out by themselves once Stripe is well."
                .to_owned(),
        ),
        (Blame::Provider, RedriveMode::Off | RedriveMode::PausedBy(_)) => Needed::Later(
            "You do not have to get up yet: the payments are safe, and another mail comes once Stripe is well."
                .to_owned(),
        ),
        (Blame::Us | Blame::Payment, RedriveMode::Automatic) => Needed::No(format!(
            "You do not have to get up: the payments are safe and are tried again by themselves.\n{ours} If that is still \
             so in the morning, mend it then."
        )),
        (Blame::Us | Blame::Payment, RedriveMode::Off | RedriveMode::PausedBy(_)) => Needed::Later(format!(
            "You do not have to get up, but somebody has to look during office hours: the payments are safe, and none \
             is moved back.\n{ours}"
        )),
    }
}

impl Needed {
    pub(super) fn first_line(&self, facts: &Facts) -> String {
        let why = match self {
            Self::For(escalation) => in_full(*escalation, facts),
            Self::BeforeTheyExpire => "messages of payments expire within a day.".to_owned(),
            Self::ToFindOut => {
                format!(
                    "{} wait, and nobody knows why. It is most likely ours, not Stripe's.",
                    how_many(facts)
                )
            }
            Self::ToFindOutLater => {
                return "You do not have to get up, but somebody has to look during office hours: nobody knows why \
                        they wait."
                    .to_owned();
            }
            Self::Later(text) | Self::No(text) => return text.clone(),
        };
        format!("YES, YOU ARE NEEDED: {why}")
    }
}

fn in_full(escalation: Escalation, facts: &Facts) -> String {
    let text = match escalation {
        Escalation::CredentialsRefused => {
            "Stripe refuses our key or account, or we cannot read the key: no payment goes out until that is mended."
        }
        Escalation::RefusedInARow => {
            return format!(
                "Stripe refuses payment after payment with {}; something of ours is wrong.",
                what(facts)
            );
        }
        Escalation::IntentsMissing => {
            "Stripe does not know the intents of several payments: is our key another account's?"
        }
        Escalation::ConsumerDies => {
            "our consumer dies on payment after payment. No payment is to blame; our deployment is."
        }
        Escalation::Unreadable => return format!("message after message is no payment: {}.", what(facts)),
        Escalation::RedriveIsYours => "Stripe is well, and moving the payments back is left to you.",
        Escalation::TaskFailed => "SQS could not move the payments back.",
        Escalation::TaskCanceled => "somebody canceled the move task; say whether it should go on.",
        Escalation::KeepsComingBack => "Stripe looks well, and yet what is moved back keeps coming back.",
        Escalation::Stranded => "payments are unsettled, and no queue holds a message for them.",
        Escalation::NobodyTakes => {
            "messages wait, and no function takes them: nothing goes out until that is mended."
        }
        Escalation::Expiring => {
            "messages of payments expire before they can be charged, if nobody does anything."
        }
    };
    text.to_owned()
}

/// What several payments met alike, in the words of whoever said so.
pub(super) fn what(facts: &Facts) -> &str {
    facts.alike.as_ref().map_or("the same code", |alike| alike.what.as_str())
}

pub(super) const fn in_short(escalation: Escalation) -> &'static str {
    match escalation {
        Escalation::CredentialsRefused => "Stripe refuses our key",
        Escalation::RefusedInARow => "Stripe refuses every payment",
        Escalation::IntentsMissing => "intents unknown to Stripe",
        Escalation::ConsumerDies => "our consumer dies",
        Escalation::Unreadable => "messages are no payments",
        Escalation::RedriveIsYours => "Stripe is well, move them back",
        Escalation::TaskFailed => "move task failed",
        Escalation::TaskCanceled => "move task canceled",
        Escalation::KeepsComingBack => "what is moved back comes back",
        Escalation::Stranded => "payments without a message",
        Escalation::NobodyTakes => "nobody takes the messages",
        Escalation::Expiring => "messages expire",
    }
}

pub(super) fn must_find_out(site: &Site) -> String {
    format!(
        "See the consumer's log (below) and the alarm {}-ConsumerFailing: does the consumer start, does it die, may it\n\
         write to the ledger? Take back what was deployed last. Nothing is lost meanwhile; but nothing that fails so is\n\
         charged until that is mended.",
        site.stack
    )
}

pub(super) fn must_before_they_expire(site: &Site) -> String {
    format!(
        "Move the dead letters back. Whether Stripe is well or not, each gets a new message, and with it {} more\n\
         days:\n{}",
        SOURCE_RETENTION_S / 86_400,
        order(site, "redrive")
    )
}

pub(super) fn must(escalation: Escalation, facts: &Facts, site: &Site) -> String {
    match escalation {
        Escalation::CredentialsRefused => {
            "Put a valid key into the secret (template parameter StripeSecretArn): one of the right account, and of the\n\
             mode that the template parameter StripeMode names. It is picked up by itself, within seconds and without a\n\
             deployment. If it is the account that is refused, Stripe's dashboard says what it lacks. If payments go through and only the probes are refused: the key is a\n\
             restricted one that may not read the balance; allow it to."
                .to_owned()
        }
        Escalation::RefusedInARow => refused_in_a_row(facts, site),
        Escalation::IntentsMissing => {
            "Look at the secret (template parameter StripeSecretArn): does it hold the key of the account under which\n\
             these payments were begun? With the right key they settle by themselves."
                .to_owned()
        }
        Escalation::ConsumerDies => {
            "See the consumer's log for how it dies, and take back what was deployed last. Nothing is quarantined for\n\
             it, and the payments are tried again by themselves."
                .to_owned()
        }
        Escalation::Unreadable => {
            "Either what was deployed last reads bodies wrongly: take it back, and they are charged by themselves. Or\n\
             a producer sends what is no payment: have it mended. Once good messages come in, or two\n\
             hours after this began, those that cannot be read go into quarantine, from where they can be written out,\n\
             mended and sent again. None is lost meanwhile."
                .to_owned()
        }
        Escalation::RedriveIsYours => format!("Move the dead letters back:\n{}", order(site, "redrive")),
        Escalation::TaskFailed => format!(
            "SQS says: {}.\nSet right what that names (a permission, a queue that is gone). Moving is tried again by \
             itself.",
            facts.failure.as_deref().unwrap_or("nothing more")
        ),
        Escalation::TaskCanceled => {
            format!("Nothing is moved until then. To let it go on by itself:\n{}", order(site, "resume"))
        }
        Escalation::KeepsComingBack if facts.is_rowless() => {
            "They are too many to be to blame: the consumer fails before it writes anything down. See its log, and take\n\
             back what was deployed last. Moving goes on by itself; to stop that, use the command pause below."
                .to_owned()
        }
        Escalation::KeepsComingBack => {
            "Look at the consumer's log for the causes above. Moving is tried again by itself, with pauses; to stop\n\
             that, use the command pause below."
                .to_owned()
        }
        Escalation::Stranded => format!(
            "Their messages expired, or somebody purged or deleted them. Have the stored requests of all of them sent once\n\
             more, which charges nobody twice:\n{}",
            command(
                site,
                r#"{"command":"release","stranded":true,"who":"on-call","why":"told by mail"}"#
            )
        ),
        Escalation::NobodyTakes => {
            "See whether the consumer's event source mapping is enabled (aws lambda list-event-source-mappings), and\n\
             enable it (aws lambda update-event-source-mapping --uuid UUID --enabled). If it is: is the function there,\n\
             may it receive from the queue, and has the account concurrency left? The runbook of ConsumerFailing says how\n\
             to tell. Purge nothing."
                .to_owned()
        }
        Escalation::Expiring if facts.dead_letters.total() > 0 => must_before_they_expire(site),
        Escalation::Expiring if facts.escalations.contains(&Escalation::NobodyTakes) => format!(
            "{}\nUntil then have the queue keep them for longer: MessageRetentionPeriod, 14 days at most, holds for messages\n\
             that are there already.",
            must(Escalation::NobodyTakes, facts, site)
        ),
        Escalation::Expiring => {
            "Let them be charged faster: raise the template parameter StripeRatePerSecond as far as Stripe's limits for\n\
             this account allow, and deploy. Or have the queue keep them for longer: MessageRetentionPeriod, 14 days at\n\
             most, holds for messages that are there already. Purge nothing."
                .to_owned()
        }
    }
}

/// A producer's mistake, or ours: only a human can tell when none comes through.
fn refused_in_a_row(facts: &Facts, site: &Site) -> String {
    let what = what(facts);
    let payload = format!(
        r#"{{"command":"blame","refused":"{what}","who":"YOUR NAME","why":"WHAT IS WRONG WITH THEM"}}"#
    );
    format!(
        "Find out what Stripe means by {what}: a parameter that it no longer takes, a restricted key, an account that\n\
         may not do this yet, an API version. Mend that, and the payments are charged by themselves: nothing is\n\
         quarantined for it, and one call a minute asks whether it still holds.\n\
         If the payments are at fault after all (a producer sends wrong amounts), say so, and each that is refused once\n\
         more goes into quarantine:\n{}",
        command(site, &payload)
    )
}
