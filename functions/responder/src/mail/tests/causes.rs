//! What a mail promises follows from the cause.

use super::*;
use payments::incident::Late;

/// Dead letters of which the ledger knows a few: the consumer crashes, and Stripe is well.
fn crashing(dead_letters: u64) -> Facts {
    let survey = Survey { payments: 3, causes: BTreeMap::from([(Cause::ProviderTimeout, 3)]), ..survey() };
    let dead_letters = Depth { visible: dead_letters, ..Depth::default() };
    Facts { survey, dead_letters, source: Depth::default(), probes: Some(Probes::Well), ..facts() }
}

fn waiting_for(cause: Cause) -> Facts {
    Facts { survey: Survey { causes: BTreeMap::from([(cause, 37)]), ..survey() }, ..facts() }
}

fn first_lines(facts: Facts) -> String {
    let mail = text(Kind::Opened, facts);
    mail.split_once("\n\n").and_then(|(_, body)| body.split_once("\n\n")).expect("a body").0.to_owned()
}

#[test]
fn opened_by_a_consumer_that_crashes() {
    insta::assert_snapshot!(text(Kind::Opened, crashing(120)));
}

#[test]
fn opened_by_a_consumer_that_crashes_on_a_few() {
    insta::assert_snapshot!(text(Kind::Opened, crashing(8)));
}

#[test]
fn opened_by_a_consumer_that_never_writes_anything_down() {
    let dead_letters = Depth { visible: 287, ..Depth::default() };
    insta::assert_snapshot!(text(Kind::Opened, Facts { dead_letters, ..drill() }));
}

#[test]
fn opened_by_a_ledger_that_fails() {
    insta::assert_snapshot!(text(Kind::Opened, waiting_for(Cause::LedgerUnavailable)));
}

#[test]
fn opened_after_a_silence() {
    let since = SINCE.plus_ms(9 * MINUTE);
    let late = Some(Late { since, mails: 6 });
    let facts = Facts { at: SINCE.plus_ms(26 * 60 * MINUTE), ..facts() };
    insta::assert_snapshot!(shown(&write(&Letter::Recovery(Kind::Opened, Box::new(facts)), late, &site())));
}

#[test]
fn only_what_stripe_causes_is_said_to_end_with_stripe() {
    let causes = [
        (Cause::ProviderError, true),
        (Cause::BreakerOpen, true),
        (Cause::Panicked, false),
        (Cause::OutOfTime, false),
        (Cause::LedgerUnavailable, false),
        (Cause::SecretUnavailable, false),
        (Cause::CredentialsRefused, false),
        (Cause::NoTurn, false),
    ];
    let modes = [RedriveMode::Automatic, RedriveMode::Off, RedriveMode::PausedBy("ada".to_owned())];
    for (cause, is_stripes) in causes {
        for redrive in modes.clone() {
            let lines = first_lines(Facts { redrive, ..waiting_for(cause) });
            assert_eq!(lines.contains("once Stripe is well"), is_stripes, "{cause}: {lines}");
            assert_eq!(lines.contains("ours, not Stripe's"), !is_stripes, "{cause}: {lines}");
        }
    }
}

#[test]
fn a_cause_that_nobody_knows_is_not_stripes_and_many_that_wait_for_it_are_for_now() {
    let unknown = || Survey { causes: BTreeMap::new(), ..survey() };
    let nobody_said = Facts { survey: unknown(), ..facts() };
    let unreadable = Facts { survey: Survey { reach: Reach::Part, ..Survey::default() }, ..facts() };
    for facts in [crashing(120), crashing(10), nobody_said, unreadable] {
        let lines = first_lines(facts);
        assert!(lines.starts_with("YES, YOU ARE NEEDED") && lines.contains("most likely ours"), "{lines}");
    }
    let few = first_lines(crashing(9));
    assert!(few.starts_with("You do not have to get up, but somebody has to look"), "{few}");
}

#[test]
fn a_backlog_of_which_few_had_their_turn_is_explained_by_those() {
    let source = Depth { visible: 19_000, ..Depth::default() };
    let lines =
        first_lines(Facts { source, dead_letters: Depth { visible: 40, ..Depth::default() }, ..facts() });
    assert!(lines.contains("once Stripe is well"), "{lines}");
}

#[test]
fn causes_are_listed_by_size() {
    let causes = [(Cause::ProviderError, 3), (Cause::LedgerUnavailable, 30), (Cause::Panicked, 4)];
    let survey = Survey { causes: BTreeMap::from(causes), ..survey() };
    let mail = text(Kind::Opened, Facts { survey, ..facts() });
    assert!(mail.contains("Causes:  ledger_unavailable 30, panicked 4, provider_error 3\n"), "{mail}");
}

#[test]
fn whatever_the_stack_is_called_subjects_say_what_matters_in_whole_words() {
    let escalations = [Escalation::KeepsComingBack, Escalation::Stranded, Escalation::RefusedInARow];
    let kinds = [Kind::Opened, Kind::Reminder, Kind::Recovering, Kind::BackToWaiting, Kind::Resolved];
    let kinds = kinds.into_iter().chain(escalations.map(Kind::Escalated));
    let since = SINCE.plus_ms(-40 * 60 * MINUTE);
    let source = Depth { visible: 1_234_567, ..Depth::default() };
    for (kind, length) in kinds.flat_map(|kind| (1..=54).map(move |length| (kind, length))) {
        let stack = "acme-payments-".chars().cycle().take(length).collect();
        let facts = Facts { number: 12_345, since, source, ..facts() };
        let site = Site { stack, ..site() };
        let Email { subject, .. } = write(&Letter::Recovery(kind, Box::new(facts)), None, &site);
        let ends = ["waiting", "more", "Z", "5xx", "back", "Stripe", "message", "payment"];
        assert!(subject.contains("] #12345 ") && subject.len() < 100, "{subject}");
        assert!(ends.iter().any(|end| subject.ends_with(end)), "{subject}");
    }
}

#[test]
fn flapping_by_stripe() {
    insta::assert_snapshot!(text(Kind::Flapping, Facts { flaps: 4, ..facts() }));
}

#[test]
fn what_begins_again_and_again_without_stripe_is_not_told_as_stripes() {
    let mail = text(Kind::Flapping, Facts { flaps: 4, ..drill() });
    assert!(!mail.contains("Stripe comes and goes"), "{mail}");
    assert!(mail.contains("it begins again and again, 4 times in six hours; 1 message waiting"), "{mail}");
    assert!(mail.contains("You do not have to get up: no payment of the ledger waits"), "{mail}");
    let mail = text(Kind::Flapping, Facts { flaps: 4, ..crashing(120) });
    assert!(mail.contains("ACTION NEEDED") && mail.contains("nobody knows why"), "{mail}");
}
