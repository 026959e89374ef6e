//! What is told rarely, and then by nobody who has seen it before.

use super::*;
use payments::incident::Late;

fn escalated(escalation: Escalation, facts: Facts) -> String {
    text(Kind::Escalated(escalation), facts)
}

fn alike(trouble: Trouble, what: &str) -> Facts {
    let samples = vec![id("order-2001"), id("order-2002")];
    let alike = Alike { trouble, what: what.to_owned(), payments: 22, samples };
    Facts { alike: Some(alike), tasks: 5, moved: 61, setbacks: 4, ..facts() }
}

#[test]
fn grown() {
    let at = SINCE.plus_ms(70 * MINUTE);
    let source = Depth { visible: 390, in_flight: 7, delayed: 3 };
    insta::assert_snapshot!(text(Kind::Grown, Facts { at, source, ..facts() }));
}

#[test]
fn escalated_for_intents_that_stripe_does_not_know() {
    let facts = alike(Trouble::IntentMissing, "confirm: resource_missing (intent)");
    insta::assert_snapshot!(escalated(Escalation::IntentsMissing, facts));
}

#[test]
fn escalated_for_a_consumer_that_dies() {
    insta::assert_snapshot!(escalated(Escalation::ConsumerDies, alike(Trouble::Dying, "")));
}

#[test]
fn escalated_for_messages_that_are_no_payments() {
    let facts = alike(Trouble::Unreadable, "currency is missing; accepted: three lower-case letters");
    insta::assert_snapshot!(escalated(Escalation::Unreadable, facts));
}

#[test]
fn escalated_because_nobody_takes_the_messages() {
    let source = Depth { visible: 18, ..Depth::default() };
    let escalations = vec![Escalation::NobodyTakes];
    let dead_letters = Depth::default();
    let facts = Facts { trigger: Trigger::Untouched, source, dead_letters, escalations, ..drill() };
    insta::assert_snapshot!(escalated(Escalation::NobodyTakes, facts));
}

#[test]
fn escalated_because_what_is_in_line_expires() {
    let facts = Facts {
        trigger: Trigger::Backlog,
        source: Depth { visible: 15_190, in_flight: 4, delayed: 0 },
        dead_letters: Depth::default(),
        survey: Survey::default(),
        drain_ms: 126 * MINUTE,
        expires_at: Some(SINCE.plus_ms(100 * MINUTE)),
        ..facts()
    };
    insta::assert_snapshot!(escalated(Escalation::Expiring, facts));
}

#[test]
fn resolved_although_some_went_elsewhere() {
    let at = SINCE.plus_ms(141 * MINUTE);
    let nothing = Depth::default();
    let facts = Facts {
        at,
        survey: Survey::default(),
        source: nothing,
        dead_letters: nothing,
        tasks: 2,
        moved: 46,
        gone: 14,
        ..facts()
    };
    insta::assert_snapshot!(text(Kind::Resolved, facts));
}

#[test]
fn how_many_went_first_is_told_as_it_was() {
    let recovering =
        |went_first| text(Kind::Recovering, Facts { probes: Some(Probes::Well), went_first, ..facts() });
    for (went_first, told) in [
        (0, "None of what waits calls Stripe, so none went first."),
        (1, "The payment that went first was settled."),
        (2, "The 2 payments that went first were settled."),
    ] {
        assert!(recovering(went_first).contains(told), "{went_first}");
    }
}

#[test]
fn one_mail_that_is_late_stands_for_itself_alone() {
    let late = |mails| {
        let late = Some(Late { since: SINCE.plus_ms(-5 * MINUTE), mails });
        write(&Letter::Recovery(Kind::Opened, Box::new(facts())), late, &site()).body
    };
    let since = "Nobody could be told since 2026-01-05 10:37 UTC: the topic took no mail. This mail";
    assert!(late(1).contains(&format!("{since} is late.")), "{}", late(1));
    assert!(late(7).contains(&format!("{since} stands for 7 that were not sent.")), "{}", late(7));
}
