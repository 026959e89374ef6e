//! The program as it is typed: what is wrong is said in one line, with exit code 64, and nothing is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A template that asks for something the simulated world cannot honour.
const TEMPLATE: &str = "\
Parameters:
  StripeSecretArn: { Type: String }
  AlertEmail: { Type: String }
  StripeMode: { Type: String }
Resources:
  Payments:
    Type: AWS::SQS::Queue
    Properties: { FifoQueue: true }
";

/// A folder of its own for each test, empty.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("command-line-{test}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("cargo's folder for tests can be written to");
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("the folder can be written to");
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the folder exists");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.map(|it| it.file_name().to_string_lossy().into_owned())
        };
        let mut names: Vec<String> =
            entries.map(name).collect::<Result<_, _>>().expect("the folder can be read");
        names.sort();
        names
    }

    fn typed(&self, words: &[&str]) -> Output {
        let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
        chaos.args(words).current_dir(&self.0).env_remove("NO_COLOR").output().expect("the program starts")
    }

    /// The line on stderr about something that is typed wrong.
    fn refused(&self, words: &[&str]) -> String {
        let before = self.files();
        let output = self.typed(words);
        let (said, told) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(64), "{words:?}: {said}{told}");
        assert_eq!((said.as_str(), told.lines().count()), ("", 1), "{words:?}: {told}");
        assert_eq!(self.files(), before, "nothing is written");
        told.trim_end().to_owned()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let folder = Folder::new("unknown");
    insta::assert_snapshot!(folder.refused(&["run", "outage-31m"]), @"error: unknown experiment outage-31m; accepted: outage-30m, brownout-30-percent, lost-answers, stripe-2019-07-10, stripe-2015-12-17, stripe-2015-10-08, outage-6h, second-outage, weekend-off, flapping, poison, stored-500s, credentials-revoked, confirms-refused, account-may-not-charge, consumer-panics, ledger-throttled, gray-failure, duplicate-storm, sale, quarantine-two-weeks, drill, steady, or the path of a .toml file");
    insta::assert_snapshot!(folder.refused(&["run", "--fault", "stripe-sleepy=0.3"]), @"error: --fault <KIND[/PLACEMENT][=SHARE]>: fault kind stripe-sleepy; accepted: those that `cargo chaos list faults` lists");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "aws"]), @"error: --target <TARGET>: target aws does not exist yet; accepted: sim");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "local"]), @"error: --target <TARGET>: target local does not exist yet; accepted: sim");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "moon"]), @"error: --target <TARGET>: target moon; accepted: sim");
    insta::assert_snapshot!(folder.refused(&["list", "people"]), @"error: invalid value 'people' for '[WHAT]'; accepted: experiments, drills, faults, checks");
    insta::assert_snapshot!(folder.refused(&["drill", "DeadLetters"]), @"error: alarm DeadLetters; accepted: DeadLettersWaiting, PaymentsDelayed, PaymentsWaiting, QuarantineNotEmpty, ProviderFailing, CredentialsRefused, ConsumerFailing, NobodyListens, AlarmsSilenced, ResponderFailing");
    insta::assert_snapshot!(folder.refused(&["rn"]), @"error: unrecognized subcommand 'rn'; accepted: run, drill, sweep, search, replay, list, validate, stripe, fault, help");
    insta::assert_snapshot!(folder.refused(&["run", "--sead", "3"]), @"error: unexpected argument '--sead' found; accepted: what `cargo chaos help` lists");
}

#[test]
fn a_value_that_makes_no_sense_is_answered_with_those_that_do() {
    let folder = Folder::new("values");
    insta::assert_snapshot!(folder.refused(&["run", "--failure-rate", "1.5"]), @"error: --failure-rate <SHARE>: rate 1.5; accepted: 0 to 1");
    insta::assert_snapshot!(folder.refused(&["run", "--failure-rate", "-1"]), @"error: --failure-rate <SHARE>: rate -1; accepted: 0 to 1");
    insta::assert_snapshot!(folder.refused(&["run", "--fault", "declined=1.5"]), @"error: --fault <KIND[/PLACEMENT][=SHARE]>: rate 1.5; accepted: 0 to 1");
    insta::assert_snapshot!(folder.refused(&["run", "--outage", "a while"]), @r#"error: --outage <LENGTH>: duration "a while"; accepted: lengths such as 90s, 35m, 1h30m; at most 336h"#);
    insta::assert_snapshot!(folder.refused(&["run", "--payments", "0"]), @"error: --payments <NUMBER>: payments 0; accepted: 1 to 1000000");
    insta::assert_snapshot!(folder.refused(&["run", "--seed", "abc"]), @"error: --seed <NUMBER>: seed abc; accepted: 0 to 18446744073709551615");
    insta::assert_snapshot!(folder.refused(&["search", "--seeds", "0"]), @"error: --seeds <NUMBER>: seeds 0; accepted: 1 to 1000000000");
    insta::assert_snapshot!(folder.refused(&["search", "--jobs", "0"]), @"error: --jobs <NUMBER>: jobs 0; accepted: 1 to 256");
    insta::assert_snapshot!(folder.refused(&["replay", "first"]), @"error: <SEED>: seed first; accepted: 0 to 18446744073709551615");
    insta::assert_snapshot!(folder.refused(&["run", "--seed"]), @"error: a value is required for '--seed <NUMBER>' but none was supplied; accepted: what `cargo chaos help` lists");
    insta::assert_snapshot!(folder.refused(&["run", "--payments", "5", "--file", "x.ndjson"]), @"error: the argument '--payments <NUMBER>' cannot be used with '--file <PATH>'; accepted: what `cargo chaos help` lists");
}

#[test]
fn a_bad_file_is_named_with_its_line() {
    let folder = Folder::new("files");
    folder.file("broken.toml", "title = 'x'\n[[fault]]\nrate 0.3\n");
    folder.file("rate.toml", "[[fault]]\nrate = 1.5\n");
    folder.file("broken.ndjson", "{\"payment_id\":\"a\"}\n{\"amount\":1999\n");
    folder.file("template.yaml", TEMPLATE);
    insta::assert_snapshot!(folder.refused(&["run", "broken.toml"]), @"error: broken.toml:3: key with no value, expected `=`");
    insta::assert_snapshot!(folder.refused(&["run", "rate.toml"]), @"error: rate.toml:2: rate 1.5; accepted: 0 to 1");
    insta::assert_snapshot!(folder.refused(&["run", "no/such.toml"]), @"error: cannot read the experiment no/such.toml: No such file or directory (os error 2); accepted: outage-30m, brownout-30-percent, lost-answers, stripe-2019-07-10, stripe-2015-12-17, stripe-2015-10-08, outage-6h, second-outage, weekend-off, flapping, poison, stored-500s, credentials-revoked, confirms-refused, account-may-not-charge, consumer-panics, ledger-throttled, gray-failure, duplicate-storm, sale, quarantine-two-weeks, drill, steady, or the path of a .toml file");
    insta::assert_snapshot!(folder.refused(&["run", "--file", "broken.ndjson"]), @r#"error: broken.ndjson:2: not a JSON object: EOF while parsing an object at column 14: {"amount":1999; accepted: one JSON object on each line"#);
    insta::assert_snapshot!(folder.refused(&["run", "--file", "missing.ndjson"]), @"error: cannot read payments from missing.ndjson: No such file or directory (os error 2); accepted: a file with one JSON object on each line");
    insta::assert_snapshot!(folder.refused(&["run", "--file", "."]), @"error: cannot read payments from .: Is a directory (os error 21); accepted: a file with one JSON object on each line");
    insta::assert_snapshot!(folder.refused(&["run", "--template", "template.yaml"]), @"error: template.yaml:8: Payments: the simulated world cannot honour the property FifoQueue; accepted: QueueName, VisibilityTimeout, MessageRetentionPeriod, DelaySeconds, MaximumMessageSize, RedrivePolicy, RedriveAllowPolicy, SqsManagedSseEnabled, ReceiveMessageWaitTimeSeconds, Tags");
    insta::assert_snapshot!(folder.refused(&["run", "--template", "missing.yaml"]), @"error: missing.yaml: cannot read the template: No such file or directory (os error 2); accepted: a CloudFormation template in YAML");
    insta::assert_snapshot!(folder.refused(&["run", "--out", "rate.toml/below"]), @"error: cannot make the folder rate.toml/below: Not a directory (os error 20); accepted: --out DIR, a folder that can be written to");
    insta::assert_snapshot!(folder.refused(&["validate", "--template", "template.yaml"]), @"error: template.yaml:8: Payments: the simulated world cannot honour the property FifoQueue; accepted: QueueName, VisibilityTimeout, MessageRetentionPeriod, DelaySeconds, MaximumMessageSize, RedrivePolicy, RedriveAllowPolicy, SqsManagedSseEnabled, ReceiveMessageWaitTimeSeconds, Tags");
}

#[test]
fn validate_names_every_bad_experiment_and_goes_on() {
    let folder = Folder::new("validate");
    folder.file("rate.toml", "[[fault]]\nrate = 1.5\n");
    let output = folder.typed(&["validate", "rate.toml", "steady", "nothing"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stdout).contains("steady"));
    assert_eq!(text(&output.stderr).lines().count(), 2);
    assert_eq!(folder.typed(&["validate"]).status.code(), Some(0));
    assert_eq!(folder.files(), ["rate.toml"]);
}

#[test]
fn a_run_says_how_it_ended_and_leaves_two_files() {
    let folder = Folder::new("run");
    let output = folder.typed(&["run", "steady", "--payments", "20", "--out", "here"]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let said = text(&output.stdout);
    assert!(said.contains("PASS  seed 1; again: cargo chaos run steady --payments 20 --seed 1\n"), "{said}");
    assert!(!said.contains('\u{1b}'), "no colours in a pipe");
    let mut left = Folder(folder.0.join("here")).files();
    left.sort();
    assert_eq!(
        (folder.files(), left),
        (vec!["here".to_owned()], vec!["journal.jsonl".to_owned(), "summary.json".to_owned()])
    );
}

#[test]
fn without_a_folder_the_output_is_named_by_time_and_experiment() {
    let folder = Folder::new("folder");
    folder.typed(&["run", "drill"]);
    let runs = Folder(folder.0.join("chaos-runs")).files();
    assert!(runs.len() == 1 && runs[0].ends_with("Z-drill"), "{runs:?}");
}

#[test]
fn a_fault_that_never_fires_ends_with_2() {
    let folder = Folder::new("silent");
    let output =
        folder.typed(&["run", "steady", "--payments", "20", "--fault", "declined=0", "--out", "here"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains("INCONCLUSIVE"));
}

#[test]
fn two_processes_write_the_same_bytes() {
    let folder = Folder::new("bytes");
    for out in ["one", "two"] {
        folder.typed(&["run", "--payments", "100", "--seed", "3", "--out", out]);
    }
    for file in ["journal.jsonl", "summary.json"] {
        let read = |out: &str| fs::read(folder.0.join(out).join(file)).expect("the run wrote it");
        assert!(!read("one").is_empty() && read("one") == read("two"), "{file}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let folder = Folder::new("help");
    for words in [&[][..], &["help"], &["--help"], &["run", "--help"], &["--version"], &["list"]] {
        let output = folder.typed(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{words:?}");
    }
}
