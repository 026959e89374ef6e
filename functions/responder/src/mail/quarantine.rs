//! Mails about the quarantine.
//!
//! Invariant: such a mail never wakes anybody: what is in quarantine keeps for two weeks, and the rest goes on.

use super::Site;
use super::sections::{Body, command};
use super::words::{count, span, utc};
use payments::PaymentId;
use payments::incident::{NoticeFacts, NoticeKind, Quarantined};
use payments::ledger::Reason;
use payments::limits::DEAD_LETTERS_RETENTION_S;
use payments::quarantine::NO_LEDGER_ROW;
use std::fmt::Write;

pub(super) fn write(kind: NoticeKind, facts: &NoticeFacts, site: &Site) -> (String, String) {
    let how_many = count(facts.messages, "message");
    let since = span(facts.at.since_ms(facts.since));
    match kind {
        NoticeKind::Opened => (
            format!("{how_many} in quarantine: for office hours"),
            filled("You do not have to get up: this can wait for office hours.", facts, site),
        ),
        NoticeKind::Reminder => (
            format!("still {how_many} in quarantine, for {since}"),
            filled("You do not have to get up, but somebody has to look during office hours.", facts, site),
        ),
        NoticeKind::Cleared => (
            format!("quarantine is empty again, after {since}"),
            Body::begin("You are not needed: the quarantine is empty again.")
                .part("WHAT HAPPENED", "Every message was released, or deleted by hand.")
                .end("QuarantineNotEmpty", site),
        ),
    }
}

fn filled(first_line: &str, facts: &NoticeFacts, site: &Site) -> String {
    Body::begin(first_line)
        .part("WHAT HAPPENED", &happened(facts))
        .part("WHAT YOU MUST DO", &must(facts, site))
        .end("QuarantineNotEmpty", site)
}

fn happened(facts: &NoticeFacts) -> String {
    let mut text = "Only a human can mend what is in quarantine. No other payment is held up. ".to_owned();
    text.push_str(if facts.samples.iter().any(|sample| sample.reason == Reason::IntentMismatch.name()) {
        "Where it says intent_mismatch,\na card may have been charged:\n"
    } else {
        "None of it was charged:\n"
    });
    for Quarantined { payment_id, reason, detail } in &facts.samples {
        let payment = payment_id.as_ref().map_or("(no payment)", |id| id.as_str());
        // Writing to a string does not fail.
        let _ = match detail {
            Some(detail) => writeln!(text, "  {payment}: {reason}, {detail}"),
            None => writeln!(text, "  {payment}: {reason}"),
        };
    }
    let listed = u64::try_from(facts.samples.len()).unwrap_or(u64::MAX);
    if facts.messages > listed {
        let _ = writeln!(text, "  and {} more", count(facts.messages - listed, "message"));
    }
    text
}

fn must(facts: &NoticeFacts, site: &Site) -> String {
    let expires_at = facts.since.plus_ms(DEAD_LETTERS_RETENTION_S * 1_000);
    let mut text =
        format!("For each of them, before the first expires on {}, one of these.\n", utc(expires_at));
    if let Some(id) = facts.samples.iter().find_map(releasable) {
        let payload = format!(
            r#"{{"command":"release","payment_id":"{id}","who":"YOUR NAME","why":"WHAT YOU MENDED"}}"#
        );
        let _ = write!(
            text,
            "Mend what the reason names, then have the payment tried again:\n{}",
            command(site, &payload)
        );
    }
    if facts.samples.iter().any(|sample| sample.reason == NO_LEDGER_ROW) {
        text.push_str(
            "Where it says no_ledger_row, the ledger knows nothing to release: see the consumer's log for why it died, \
             mend\nthat, send the body to the payments queue once more, and delete the message here.\n",
        );
    }
    text.push_str(
        "Delete the message, when it holds no payment; or when another amount is wanted: that is another payment,\n\
         to be sent under a payment_id of its own.",
    );
    text
}

/// The payment, if it may be tried again once its trouble is mended.
fn releasable(sample: &Quarantined) -> Option<&PaymentId> {
    let others = [Reason::ConflictingRequest, Reason::IntentMismatch];
    let has_no_row =
        sample.reason == NO_LEDGER_ROW || others.iter().any(|other| other.name() == sample.reason);
    sample.payment_id.as_ref().filter(|_| !has_no_row)
}
