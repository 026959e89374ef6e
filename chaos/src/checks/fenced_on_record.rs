//! What is given up is fenced: from the moment at which a row says declined or quarantined, the intent that it names is
//! canceled in Stripe's book, and stays so; and no intent that it does not name, of the same payment, is on its way to
//! money: processing, waiting for its customer, held, or charged.
//!
//! An intent that nobody confirms moves nothing, so one that was made and lost, its answer or its record, may stay as it
//! is. Who finds in the dashboard what our key cannot see settles by word, not by cancel: such a row is left alone.
//! Invariant: one pass over ledger and book in order of time, and whatever changes on either side is held against the
//! other at once, until somebody releases the row.

use super::{Evidence, Finding, Verdict};
use crate::experiment::{Order, Word};
use crate::journal::{Event, TableEvent};
use crate::stripe::Stage;
use crate::units::counted;
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let by_word = evidence.history.given.iter().filter_map(settled_by_word).collect();
    let mut watch = Watch { by_word, ..Watch::default() };
    let mut stages = evidence.history.intents.iter().peekable();
    for record in &evidence.history.records {
        if let Event::Table(TableEvent::LedgerWritten { payment, state, intent, .. }) = &record.event {
            // Of one instant the book is first: whoever writes has asked before.
            while let Some(stage) = stages.next_if(|stage| stage.at <= record.at) {
                watch.stands(stage);
            }
            watch.written(payment, state, intent.as_deref(), record.at);
        }
    }
    stages.for_each(|stage| watch.stands(stage));
    let Watch { findings, fenced, .. } = watch;
    Verdict::from_findings(findings.into_values().collect(), || {
        format!("{}, each before its row said so", counted(fenced, "fence"))
    })
}

/// Ledger and book at one instant.
#[derive(Default)]
struct Watch<'h> {
    /// Payments that are given up, since when, and the intent that the row names.
    given_up: BTreeMap<&'h str, GivenUp<'h>>,
    /// Where each intent of a payment stands.
    intents: BTreeMap<&'h str, BTreeMap<&'h str, &'static str>>,
    /// The first thing that is wrong with each payment.
    findings: BTreeMap<&'h str, Finding>,
    /// Payments that a human settles who sees what our key cannot.
    by_word: BTreeSet<&'h str>,
    /// Rows that were given up.
    fenced: u64,
}

#[derive(Clone, Copy)]
struct GivenUp<'h> {
    state: &'h str,
    intent: Option<&'h str>,
    since: UnixMs,
}

impl<'h> Watch<'h> {
    fn written(&mut self, payment: &'h str, state: &'h str, intent: Option<&'h str>, at: UnixMs) {
        if self.by_word.contains(payment) {
            return;
        }
        if matches!(state, "declined" | "quarantined") {
            if self.given_up.insert(payment, GivenUp { state, intent, since: at }).is_none() {
                self.fenced += 1;
            }
            self.judge(payment, at);
        } else {
            self.given_up.remove(payment);
        }
    }

    fn stands(&mut self, stage: &'h Stage) {
        // What names no payment is another check's to find.
        if let Some(payment) = stage.payment.as_deref() {
            self.intents.entry(payment).or_default().insert(&stage.intent, stage.status);
            self.judge(payment, stage.at);
        }
    }

    fn judge(&mut self, payment: &'h str, at: UnixMs) {
        let Some(given_up) = self.given_up.get(payment) else { return };
        let GivenUp { state, intent: named, since } = *given_up;
        let of_payment = self.intents.get(payment);
        let stands = |intent: &str| of_payment.and_then(|intents| intents.get(intent)).copied();
        let when = if at == since { "was" } else { "came to be" };
        let unfenced = named.and_then(|intent| match stands(intent) {
            Some("canceled") => None,
            Some(status) => Some(format!("{state}, and its intent {when} {status}")),
            None => Some(format!("{state}, and Stripe has no intent {intent}")),
        });
        let astray = || {
            let mut others = of_payment.into_iter().flatten();
            let (other, status) = others.find(|(id, status)| Some(**id) != named && is_on_its_way(status))?;
            Some(format!("{state}, and {other}, which its row does not name, {when} {status}"))
        };
        if let Some(what) = unfenced.or_else(astray) {
            self.findings.entry(payment).or_insert_with(|| Finding::payment(payment, what));
        }
    }
}

/// The payment that this order settles as not charged, where Stripe says nothing of its intent to our key.
fn settled_by_word(order: &Order) -> Option<&str> {
    let word = |name: &str| match order.with.get(name)? {
        Word::Text(text) => Some(text.as_str()),
        Word::Flag(_) => None,
    };
    (order.command == "reconcile" && word("found") == Some("not_charged")).then(|| word("payment_id"))?
}

/// Whether an intent has been confirmed and not come to nothing: its money has moved, or may without anybody of ours.
fn is_on_its_way(status: &str) -> bool {
    matches!(status, "processing" | "requires_action" | "requires_capture" | "succeeded")
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, intent};
    use super::*;

    const GIVEN_UP: [&str; 2] = ["declined", "quarantined"];
    const OPEN: [&str; 6] = [
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "requires_capture",
        "processing",
        "succeeded",
    ];

    fn found(tale: Tale) -> Vec<String> {
        tale.found_by(check)
    }

    /// `order-1`, whose intent stands so when its row is given up.
    fn given_up(state: &str, status: &'static str) -> Tale {
        let mut tale = Tale::new();
        tale.write(ORDER, "received");
        tale.stand(ORDER, &intent(ORDER), "requires_confirmation");
        tale.write(ORDER, "intended");
        tale.stand(ORDER, &intent(ORDER), status);
        tale.write(ORDER, state);
        tale
    }

    #[test]
    fn a_row_that_is_given_up_before_its_intent_is_canceled_is_found() {
        for state in GIVEN_UP {
            assert!(found(given_up(state, "canceled")).is_empty(), "{state}");
            for status in OPEN {
                let expected = format!("{state}, and its intent was {status}");
                assert_eq!(found(given_up(state, status)), [expected]);
            }
        }
    }

    #[test]
    fn an_intent_that_is_canceled_only_afterwards_was_open_all_the_same() {
        let mut tale = given_up("declined", "requires_action");
        tale.stand(ORDER, &intent(ORDER), "canceled");
        assert_eq!(found(tale), ["declined, and its intent was requires_action"]);
    }

    #[test]
    fn an_intent_that_does_not_stay_canceled_is_found() {
        let mut tale = given_up("quarantined", "canceled");
        tale.stand(ORDER, &intent(ORDER), "succeeded");
        assert_eq!(found(tale), ["quarantined, and its intent came to be succeeded"]);
    }

    #[test]
    fn an_intent_that_stripe_does_not_know_is_no_fence() {
        let mut tale = Tale::new();
        tale.write(ORDER, "intended");
        tale.write(ORDER, "declined");
        assert_eq!(found(tale), [format!("declined, and Stripe has no intent {}", intent(ORDER))]);
    }

    #[test]
    fn an_intent_that_its_row_does_not_name_must_not_be_on_its_way() {
        for status in OPEN {
            let before = |state: &str| {
                let mut tale = Tale::new();
                tale.note(ORDER, "received", 0, None);
                tale.stand(ORDER, "pi_lost", status);
                tale.note(ORDER, state, 1, None);
                tale
            };
            let after = |state: &str| {
                let mut tale = Tale::new();
                tale.note(ORDER, "received", 0, None);
                tale.note(ORDER, state, 1, None);
                tale.stand(ORDER, "pi_lost", status);
                tale
            };
            for state in GIVEN_UP {
                let what = |when: &str| {
                    let what = format!("{state}, and pi_lost, which its row does not name, {when} {status}");
                    if is_on_its_way(status) { vec![what] } else { Vec::new() }
                };
                assert_eq!(found(before(state)), what("was"));
                assert_eq!(found(after(state)), what("came to be"));
            }
        }
    }

    #[test]
    fn a_second_intent_beside_the_one_that_is_canceled_is_found() {
        let mut tale = given_up("declined", "canceled");
        tale.stand(ORDER, "pi_second", "processing");
        let what = "declined, and pi_second, which its row does not name, came to be processing";
        assert_eq!(found(tale), [what]);
    }

    #[test]
    fn what_a_human_settles_by_word_needs_no_fence_and_nobody_elses_does() {
        let settled = |order: &str, found_it: &str| {
            let mut tale = given_up("declined", "requires_confirmation");
            let text = |word: &str| Word::Text(word.to_owned());
            let with = [("payment_id", order), ("found", found_it)];
            let with = with.map(|(name, word)| (name.to_owned(), text(word))).into();
            tale.history().given.push(Order { at_ms: 0, command: "reconcile".to_owned(), with });
            found(tale).len()
        };
        assert_eq!(settled(ORDER, "not_charged"), 0);
        assert_eq!(settled("order-2", "not_charged"), 1);
        assert_eq!(settled(ORDER, "charged"), 1);
    }

    #[test]
    fn what_is_released_may_be_charged() {
        let mut tale = given_up("quarantined", "canceled");
        tale.note(ORDER, "received", 4, None);
        tale.stand(ORDER, "pi_second", "succeeded");
        assert!(found(tale).is_empty());
    }
}
