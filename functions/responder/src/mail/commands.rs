//! Commands that a reader pastes into a shell.
//!
//! Invariant: every command runs as it stands, with any version 2 of the AWS CLI. Version 1 knows neither
//! `--cli-binary-format` nor the commands of move tasks. An answer goes to a file, and that is shown: one that goes to
//! `/dev/stdout` is lost where that is redirected, and mixed with the command line's own.

use super::Site;
use crate::config::ALIAS;
use payments::incident::{Facts, RedriveMode};
use std::fmt::Write;

/// What a mail with commands says of them.
pub(super) const NEEDS: &str =
    "The commands need version 2 of the AWS CLI; version 1 does not know them all.";

/// The command of the command line that invokes this function, on a line of its own.
pub(super) fn command(site: &Site, payload: &str) -> String {
    format!("{} && cat answer.json\n", invocation(site, payload, "answer.json"))
}

/// The same, with an answer in a file that is for a program.
pub(super) fn command_into(site: &Site, payload: &str, file: &str) -> String {
    format!("{}\n", invocation(site, payload, file))
}

fn invocation(site: &Site, payload: &str, file: &str) -> String {
    format!(
        "  aws lambda invoke --region {} --function-name {}:{ALIAS} \\\n    --cli-binary-format raw-in-base64-out \\\n    \
         --payload '{payload}' {file}",
        site.region, site.function_name
    )
}

/// An order that can be given as it stands; whoever gives it may put their name in.
pub(super) fn order(site: &Site, name: &str) -> String {
    command(site, &format!(r#"{{"command":"{name}","who":"on-call","why":"told by mail"}}"#))
}

/// Whether moving the dead letters back is among what overrides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Redrive,
    NoRedrive,
}

/// The commands that override what happens by itself.
pub(super) fn overrides(facts: &Facts, offer: Offer, site: &Site) -> String {
    let mut text = format!("See how things stand:\n{}", command(site, r#"{"command":"status"}"#));
    match offer {
        Offer::Redrive => {
            let redrive = order(site, "redrive");
            let _ = write!(text, "Move the dead letters back now, whatever the probes say:\n{redrive}");
        }
        Offer::NoRedrive => {}
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn an_answer_is_shown_from_a_file_unless_it_is_for_a_program() {
        let site = super::super::tests::site();
        let shown = command(&site, r#"{"command":"status"}"#);
        assert!(shown.ends_with(" answer.json && cat answer.json\n"), "{shown}");
        let kept = command_into(&site, r#"{"command":"export"}"#, "quarantine.json");
        assert!(kept.ends_with(" quarantine.json\n"), "{kept}");
    }

    #[test]
    fn runbooks_do_as_mails_do() {
        let runbooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../alarms/runbooks");
        let mut read = 0;
        for runbook in fs::read_dir(runbooks).expect("there are runbooks") {
            let path = runbook.expect("readable").path();
            let text = fs::read_to_string(&path).expect("readable");
            let invokes = text.contains("aws lambda invoke");
            assert!(!text.contains("/dev/stdout"), "{}", path.display());
            assert!(!invokes || text.contains("cat answer.json"), "{}", path.display());
            assert!(!invokes || text.contains("version 2 of the AWS CLI"), "{}", path.display());
            read += usize::from(invokes);
        }
        assert!(read > 0, "some give orders");
    }
}
