//! What people were told, read off the subjects of their mails: where nobody saw the responder decide.
//!
//! A subject says whether an incident opens, recovers or is over. Which of its other words a letter stands for, and when it
//! was decided, it does not say: a letter counts from when it was published.
//! Invariant: a mail whose subject has no number of ours tells nothing, as one that an alarm sends by itself.

use super::{Letters, Told};
use crate::cloud::sns::Mail;
use std::collections::BTreeSet;

/// What a mail tells that neither opens nor closes anything.
const MORE: &str = "more";

/// The letters behind these mails, in their order.
pub(super) fn read(mails: &[Mail]) -> Letters<'_> {
    let mut begun = BTreeSet::new();
    let told = mails.iter().filter_map(|mail| {
        let (record, number, words) = parts(&mail.subject)?;
        let is_first = begun.insert((record, number));
        Some(Told {
            record,
            tells: tells(record, words, is_first),
            decided: mail.at,
            published: Some(mail.at),
            subject: Some(&mail.subject),
            restates: false,
            stands_for: Vec::new(),
        })
    });
    Letters { told: told.collect(), ..Letters::default() }
}

/// `[stack] #17 words` is about a backlog, `[stack] #Q3 words` about quarantine.
fn parts(subject: &str) -> Option<(&'static str, u64, &str)> {
    let (number, words) = subject.split_once("] #")?.1.split_once(' ')?;
    let record = if number.starts_with('Q') { "quarantine" } else { "recovery" };
    Some((record, number.trim_start_matches('Q').parse().ok()?, words))
}

fn tells(record: &str, words: &str, is_first: bool) -> &'static str {
    let begins = |with: &str| words.starts_with(with);
    if record == "quarantine" && begins("quarantine is empty again") {
        "cleared"
    } else if record == "quarantine" {
        if is_first { "opened" } else { MORE }
    } else if begins("resolved after") {
        "resolved"
    } else if begins("recovering:") {
        "recovering"
    } else if words.contains(" times in six hours") {
        "flapping"
    } else if begins("back to waiting:") || begins("ACTION NEEDED: back to waiting:") {
        "back_to_waiting"
    } else if is_first {
        "opened"
    } else {
        MORE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Evidence;
    use crate::experiment::Experiment;
    use crate::world::{self, Code};
    use payments::UnixMs;
    use std::path::Path;

    fn mail(subject: &str) -> Mail {
        let (topic, to, body) = (String::new(), String::new(), String::new());
        Mail { at: UnixMs(0), topic, to, subject: subject.to_owned(), body }
    }

    #[test]
    fn a_subject_says_what_opens_and_what_closes() {
        let subjects = [
            "[payments] #1 65 payments waiting: Stripe failing since 09:30Z",
            "[payments] #Q1 8 messages in quarantine: for office hours",
            "[payments] #1 ACTION NEEDED: an escalation; 65 payments waiting",
            "[payments] #1 recovering: 448 payments going back to Stripe",
            "[payments] #1 ACTION NEEDED: back to waiting: 3 payments: Stripe failing",
            "ALARM: \"payments-ResponderFailing\" in EU (Frankfurt)",
            "[payments] #1 resolved after 32 min: nothing waits any more",
            "[payments] #Q1 quarantine is empty again, after 2 h",
            "[payments] #2 Stripe comes and goes, 3 times in six hours; 5 payments waiting",
        ];
        let mails = subjects.map(mail);
        let told: Vec<_> = read(&mails).told.iter().map(|told| (told.record, told.tells)).collect();
        assert_eq!(
            told,
            [
                ("recovery", "opened"),
                ("quarantine", "opened"),
                ("recovery", MORE),
                ("recovery", "recovering"),
                ("recovery", "back_to_waiting"),
                ("recovery", "resolved"),
                ("quarantine", "cleared"),
                ("recovery", "flapping"),
            ]
        );
    }

    /// The words are the responder's: were they to change, whoever reads only mails would be told nothing.
    #[test]
    fn the_mails_of_a_run_say_what_its_journal_says() {
        let text = "[workload]\npayments = 60\nover = \"20m\"\n[[fault]]\nkind = \"stripe-unavailable\"\nfrom = \"1m\"\nfor = \"12m\"\nrate = 1.0\n[[fault]]\nkind = \"malformed\"\nfrom = \"1m\"\nfor = \"12m\"\nrate = 0.2\n";
        let experiment = Experiment::parse(Path::new("mails.toml"), text).expect("it is an experiment");
        let history = world::run(experiment, 1, Code::DEPLOYED).expect("it runs");
        let by_journal = Evidence::of(&history).letters;
        let by_mail = read(&history.mails);
        let told = |letters: &Letters<'_>| -> Vec<(&'static str, String)> {
            let known = ["opened", "recovering", "resolved", "back_to_waiting"];
            let told = letters.told.iter().filter(|told| known.contains(&told.tells));
            told.map(|told| {
                if told.record == "recovery" {
                    ("recovery", told.tells.to_owned())
                } else {
                    ("quarantine", told.tells.to_owned())
                }
            })
            .collect()
        };
        assert_eq!(told(&by_mail), told(&by_journal));
        assert!(told(&by_mail).len() >= 4, "an incident and a quarantine were told of: {:?}", told(&by_mail));
    }
}
