//! The program as it is typed: what is wrong is said in one line, with exit code 64, and nothing is written.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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

/// The repository's own.
const OWN_TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");

/// A folder of its own for each test, empty.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        Self(crate::tree::folder(&format!("command-line-{test}")))
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
    insta::assert_snapshot!(folder.refused(&["run", "outage-31m"]), @"error: unknown experiment outage-31m; accepted: outage-30m, brownout-30-percent, lost-answers, stripe-2019-07-10, stripe-2015-12-17, stripe-2015-10-08, outage-6h, second-outage, weekend-off, five-days, sns-gone-a-day, outage-short, killed, flapping, poison, stored-500s, credentials-revoked, confirms-refused, account-may-not-charge, consumer-panics, ledger-throttled, gray-failure, duplicate-storm, sale, quarantine-two-weeks, outcomes, frenetic-reload, status-origin-down, edge-under-attack, second-witness, drill, steady, or the path of a .toml file");
    insta::assert_snapshot!(folder.refused(&["run", "--fault", "stripe-sleepy=0.3"]), @"error: --fault <KIND[/PLACEMENT][=SHARE]>: fault kind stripe-sleepy; accepted: those that `cargo chaos list faults` lists");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "local", "--speed", "5"]), @"error: speed 5; accepted: 1 to 3, because an outage must outlast the 600 s in which payments use up their receives and alarms their periods");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "local", "--speed", "0"]), @"error: --speed <NUMBER>: speed 0; accepted: 1 to 1000, as whole numbers");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "local", "--build", "none", "--template", "nowhere.yaml"]), @"error: nowhere.yaml: cannot read the template: No such file or directory (os error 2); accepted: a CloudFormation template in YAML");
    insta::assert_snapshot!(folder.refused(&["run", "--speed", "2"]), @"error: --speed without --target local; accepted: with it");
    insta::assert_snapshot!(folder.refused(&["run", "--fault", "process-stopped"]), @"error: fault process-stopped can only happen to a process; accepted: --target local, or another fault");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "local", "--fault", "panic"]), @"error: fault panic cannot be put into a process; accepted: --target sim, or another fault");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "moon"]), @"error: --target <TARGET>: target moon; accepted: sim, local, aws");
    insta::assert_snapshot!(folder.refused(&["list", "people"]), @"error: invalid value 'people' for '[WHAT]'; accepted: experiments, drills, faults, checks");
    insta::assert_snapshot!(folder.refused(&["drill", "DeadLetters"]), @"error: alarm DeadLetters; accepted: DeadLettersWaiting, PaymentsDelayed, PaymentsWaiting, QuarantineNotEmpty, ProviderFailing, CredentialsRefused, ConsumerFailing, NobodyListens, OutcomesUndelivered, AlarmsSilenced, ResponderFailing, EdgeFailing, EdgeSlow");
    insta::assert_snapshot!(folder.refused(&["rn"]), @"error: unrecognized subcommand 'rn'; accepted: run, drill, sweep, search, merge, diff, replay, list, init, validate, up, stripe, fault, bench, help");
    insta::assert_snapshot!(folder.refused(&["run", "--sead", "3"]), @"error: unexpected argument '--sead' found; accepted: what `cargo chaos help` lists");
}

#[test]
fn a_deployed_stack_is_named_whole_and_only_where_one_is_meant() {
    let folder = Folder::new("on-aws");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "aws"]), @"error: --target aws without --stack; accepted: --stack NAME --region REGION --account ID");
    insta::assert_snapshot!(folder.refused(&["run", "--target", "aws", "--stack", "payments", "--region", "eu-central-1"]), @"error: --target aws without --account; accepted: --stack NAME --region REGION --account ID");
    insta::assert_snapshot!(folder.refused(&["run", "--dry-run"]), @"error: --dry-run without --target aws; accepted: with it");
    insta::assert_snapshot!(folder.refused(&["run", "--stack", "payments", "--target", "sim"]), @"error: --stack without --target aws; accepted: with it");
    let whole = [
        "--stack",
        "payments",
        "--region",
        "eu-central-1",
        "--account",
        "123456789012",
        "--aws-cli",
        "nowhere/aws",
    ];
    insta::assert_snapshot!(folder.refused(&[&["run", "steady", "--target", "aws"], whole.as_slice()].concat()), @"error: cannot start nowhere/aws: No such file or directory (os error 2); accepted: --aws-cli PATH, or the AWS CLI as `aws` on the path");
    insta::assert_snapshot!(folder.refused(&[&["run", "poison", "--target", "aws"], whole.as_slice()].concat()), @"error: poison: poison cannot be had from outside a deployed stack; accepted: those of Stripe in `cargo chaos list faults`, but for poison");
}

#[test]
fn runs_are_laid_side_by_side_and_what_is_no_run_is_refused() {
    let folder = Folder::new("diff");
    for (out, payments) in [("a", "3"), ("b", "4")] {
        let ran = folder.typed(&[
            "run",
            "steady",
            "--payments",
            payments,
            "--template",
            OWN_TEMPLATE,
            "--out",
            out,
        ]);
        assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stdout));
    }
    let said = folder.typed(&["diff", "a", "b/summary.json"]);
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
    let said = text(&said.stdout);
    let row = |name: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("succeeded"), ["succeeded", "3", "4", "+1"]);
    assert_eq!(row("calls to Stripe"), ["calls", "to", "Stripe", "9", "11", "+2"]);
    assert_eq!(row("first dead letter"), ["first", "dead", "letter", "-", "-"]);
    folder.file("no.json", "{\"seeds\":[]}");
    insta::assert_snapshot!(folder.refused(&["diff", "a", "nowhere"]), @"error: cannot read nowhere: No such file or directory (os error 2); accepted: the folder of a run, or its summary.json");
    insta::assert_snapshot!(folder.refused(&["diff", "no.json", "a"]), @"error: cannot read no.json: missing field `experiment` at line 1 column 12; accepted: the folder of a run, or its summary.json");
    insta::assert_snapshot!(folder.refused(&["diff", "a"]), @"error: <B> is missing; accepted: what `cargo chaos help` lists");
}

#[test]
fn a_value_that_makes_no_sense_is_answered_with_those_that_do() {
    let folder = Folder::new("values");
    insta::assert_snapshot!(folder.refused(&["run", "--failure-rate", "1.5"]), @"error: --failure-rate <SHARE>: rate 1.5; accepted: 0 to 1");
    insta::assert_snapshot!(folder.refused(&["run", "--failure-rate", "-1"]), @"error: --failure-rate <SHARE>: rate -1; accepted: 0 to 1");
    insta::assert_snapshot!(folder.refused(&["run", "--fault", "declined=1.5"]), @"error: --fault <KIND[/PLACEMENT][=SHARE]>: rate 1.5; accepted: 0 to 1");
    insta::assert_snapshot!(folder.refused(&["run", "--outage", "a while"]), @r#"error: --outage <LENGTH>: duration "a while"; accepted: lengths such as 90s, 35m, 1h30m, 2d; at most 14d"#);
    insta::assert_snapshot!(folder.refused(&["run", "--outage", "30d"]), @r#"error: --outage <LENGTH>: duration "30d"; accepted: lengths such as 90s, 35m, 1h30m, 2d; at most 14d"#);
    insta::assert_snapshot!(folder.refused(&["run", "--payments", "0"]), @"error: --payments <NUMBER>: payments 0; accepted: 1 to 1000000");
    insta::assert_snapshot!(folder.refused(&["run", "--seed", "abc"]), @"error: --seed <NUMBER>: seed abc; accepted: 0 to 18446744073709551615");
    insta::assert_snapshot!(folder.refused(&["search", "--seeds", "0"]), @"error: --seeds <NUMBER>: seeds 0; accepted: 1 to 1000000000");
    insta::assert_snapshot!(folder.refused(&["search", "--jobs", "0"]), @"error: --jobs <NUMBER>: jobs 0; accepted: 1 to 256");
    insta::assert_snapshot!(folder.refused(&["replay", "first"]), @"error: <SEED>: seed first; accepted: 0 to 18446744073709551615");
    insta::assert_snapshot!(folder.refused(&["run", "--seed"]), @"error: a value is required for '--seed <NUMBER>' but none was supplied; accepted: what `cargo chaos help` lists");
    insta::assert_snapshot!(folder.refused(&["run", "--payments", "5", "--file", "x.ndjson"]), @"error: the argument '--payments <NUMBER>' cannot be used with '--file <PATH>'; accepted: what `cargo chaos help` lists");
}

#[test]
fn a_measurement_that_cannot_be_made_is_refused_before_anything_is_built() {
    let folder = Folder::new("bench");
    insta::assert_snapshot!(folder.refused(&["bench", "lambda"]), @"error: invalid value 'lambda' for '[WHAT]'; accepted: functions, services");
    insta::assert_snapshot!(folder.refused(&["bench", "--runs", "0"]), @"error: --runs <NUMBER>: runs 0; accepted: 1 to 99");
    insta::assert_snapshot!(folder.refused(&["bench", "--runs", "-3"]), @"error: --runs <NUMBER>: runs -3; accepted: 1 to 99");
    insta::assert_snapshot!(folder.refused(&["bench", "--build", "debug"]), @"error: invalid value 'debug' for '--build <PROFILE>'; accepted: release, none");
    insta::assert_snapshot!(folder.refused(&["bench", "--json", "no/such.json"]), @"error: --json <PATH>: no/such.json; accepted: a file in a folder that is there");
    insta::assert_snapshot!(folder.refused(&["bench", "--json", "."]), @"error: --json <PATH>: .; accepted: a file in a folder that is there");
    let elsewhere = folder.refused(&["bench"]);
    assert!(elsewhere.ends_with("/chaos/peers; accepted: a folder of this workspace"), "{elsewhere}");
}

#[test]
fn a_bad_file_is_named_with_its_line() {
    let folder = Folder::new("files");
    folder.file("broken.toml", "title = 'x'\n[[fault]]\nrate 0.3\n");
    folder.file("rate.toml", "[[fault]]\nrate = 1.5\n");
    folder.file("broken.ndjson", "{\"payment_id\":\"a\"}\n{\"amount\":1999\n");
    folder.file("fifo.yaml", TEMPLATE);
    insta::assert_snapshot!(folder.refused(&["run", "broken.toml"]), @"error: broken.toml:3: key with no value, expected `=`");
    insta::assert_snapshot!(folder.refused(&["run", "rate.toml"]), @"error: rate.toml:2: rate 1.5; accepted: 0 to 1");
    insta::assert_snapshot!(folder.refused(&["run", "no/such.toml"]), @"error: cannot read the experiment no/such.toml: No such file or directory (os error 2); accepted: outage-30m, brownout-30-percent, lost-answers, stripe-2019-07-10, stripe-2015-12-17, stripe-2015-10-08, outage-6h, second-outage, weekend-off, five-days, sns-gone-a-day, outage-short, killed, flapping, poison, stored-500s, credentials-revoked, confirms-refused, account-may-not-charge, consumer-panics, ledger-throttled, gray-failure, duplicate-storm, sale, quarantine-two-weeks, outcomes, frenetic-reload, status-origin-down, edge-under-attack, second-witness, drill, steady, or the path of a .toml file");
    insta::assert_snapshot!(folder.refused(&["run", "--file", "broken.ndjson"]), @r#"error: broken.ndjson:2: not a JSON object: EOF while parsing an object at column 14: {"amount":1999; accepted: one JSON object on each line"#);
    insta::assert_snapshot!(folder.refused(&["run", "--file", "missing.ndjson"]), @"error: cannot read payments from missing.ndjson: No such file or directory (os error 2); accepted: a file with one JSON object on each line");
    insta::assert_snapshot!(folder.refused(&["run", "--file", "."]), @"error: cannot read payments from .: Is a directory (os error 21); accepted: a file with one JSON object on each line");
    insta::assert_snapshot!(folder.refused(&["run", "--template", "fifo.yaml"]), @"error: fifo.yaml:8: Payments: the simulated world cannot honour the property FifoQueue; accepted: QueueName, VisibilityTimeout, MessageRetentionPeriod, DelaySeconds, MaximumMessageSize, RedrivePolicy, RedriveAllowPolicy, SqsManagedSseEnabled, ReceiveMessageWaitTimeSeconds, Tags");
    insta::assert_snapshot!(folder.refused(&["run", "--template", "missing.yaml"]), @"error: missing.yaml: cannot read the template: No such file or directory (os error 2); accepted: a CloudFormation template in YAML");
    insta::assert_snapshot!(folder.refused(&["run", "--out", "rate.toml/below"]), @"error: cannot make the folder rate.toml/below: Not a directory (os error 20); accepted: --out DIR, a folder that can be written to");
    insta::assert_snapshot!(folder.refused(&["validate", "--template", "fifo.yaml"]), @"error: fifo.yaml:8: Payments: the simulated world cannot honour the property FifoQueue; accepted: QueueName, VisibilityTimeout, MessageRetentionPeriod, DelaySeconds, MaximumMessageSize, RedrivePolicy, RedriveAllowPolicy, SqsManagedSseEnabled, ReceiveMessageWaitTimeSeconds, Tags");
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
fn a_run_says_how_it_ended_and_leaves_three_files() {
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
        (vec!["here".to_owned()], ["journal.jsonl", "junit.xml", "summary.json"].map(str::to_owned).to_vec())
    );
}

#[test]
fn a_page_is_left_where_it_is_wanted_or_needed_and_none_of_an_earlier_run() {
    let folder = Folder::new("report");
    let here = || Folder(folder.0.join("here")).files().contains(&"report.html".to_owned());
    let steady = ["run", "steady", "--payments", "3", "--out", "here"];
    let wanted = folder.typed(&[&steady[..], &["--report"]].concat());
    assert!(here() && text(&wanted.stdout).contains("\nhere/report.html\n"), "{}", text(&wanted.stdout));
    folder.typed(&steady);
    assert!(!here(), "a run that passes leaves none unasked, and not that of another");
    folder.typed(&[&steady[..], &["--fault", "declined=0"]].concat());
    assert!(here(), "a run that does not pass leaves one");
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
fn a_run_that_is_too_small_to_meet_its_outage_ends_with_2() {
    let folder = Folder::new("small");
    let output = folder.typed(&["run", "--payments", "1"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
}

#[test]
fn what_cannot_fire_is_said_before_the_run() {
    let folder = Folder::new("idle");
    let output = folder.typed(&["run", "steady", "--payments", "5", "--fault", "declined=0"]);
    let said = text(&output.stdout);
    let (note, story) =
        (said.find("note: declined cannot fire: its rate is 0\n"), said.find("What happened"));
    assert!(note.is_some() && note < story, "{said}");
}

#[test]
fn a_folder_that_was_used_keeps_no_mail_of_an_earlier_run() {
    let folder = Folder::new("mails");
    folder.typed(&["run", "drill", "--out", "here"]);
    assert!(folder.0.join("here/mails").is_dir(), "the drill is told of");
    folder.file("here/mails/mine.txt", "");
    folder.typed(&["run", "steady", "--payments", "3", "--out", "here"]);
    assert_eq!(Folder(folder.0.join("here/mails")).files(), ["mine.txt"]);
}

#[test]
fn runs_of_the_same_second_share_no_folder() {
    let folder = Folder::new("twins");
    let mut twins = [(); 3].map(|()| {
        let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
        chaos.args(["run", "steady", "--payments", "2"]).current_dir(&folder.0).stdout(Stdio::null());
        chaos.spawn().expect("the program starts")
    });
    assert!(twins.iter_mut().all(|twin| twin.wait().is_ok_and(|status| status.success())));
    assert_eq!(Folder(folder.0.join("chaos-runs")).files().len(), 3);
}

#[test]
fn the_last_seed_there_is_ends_the_search() {
    let folder = Folder::new("last");
    let output = folder.typed(&["search", "--from", "18446744073709551615", "--jobs", "2"]);
    assert!(text(&output.stdout).contains("\n1 seed, "), "{}", text(&output.stdout));
}

#[test]
fn what_could_not_be_told_is_no_success() {
    let folder = Folder::new("full");
    for words in [&["list"][..], &["run", "steady", "--payments", "3", "--out", "here"]] {
        let full = fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
        let output = chaos.args(words).current_dir(&folder.0).stdout(full).output().expect("it starts");
        assert_eq!(output.status.code(), Some(70), "{words:?}");
        assert!(text(&output.stderr).starts_with("error: cannot write to standard output: No space left"));
    }
}

#[test]
fn a_journal_that_could_not_be_written_whole_is_no_success() {
    let folder = Folder::new("journal");
    fs::create_dir(folder.0.join("here")).expect("it can be made");
    std::os::unix::fs::symlink("/dev/full", folder.0.join("here/journal.jsonl")).expect("it can be made");
    let output = folder.typed(&["run", "steady", "--payments", "3", "--out", "here"]);
    assert_eq!(output.status.code(), Some(70));
    assert!(text(&output.stderr).starts_with("error: cannot write to here: No space left"));
    assert!(!text(&output.stdout).contains("PASS"));
}

#[test]
fn a_file_that_may_not_grow_is_no_success_and_no_end_without_a_word() {
    let folder = Folder::new("small-files");
    let limited = format!("ulimit -f 8; exec {} run --payments 50 --out here", env!("CARGO_BIN_EXE_chaos"));
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &limited]).current_dir(&folder.0).output().expect("there is a shell");
    assert_eq!(output.status.code(), Some(70), "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("error: cannot write to here: "), "{}", text(&output.stderr));
}

/// How a command ends that is interrupted once it has begun.
fn interrupted(folder: &Folder, words: &[&str]) -> (Option<i32>, String) {
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    let mut child =
        chaos.args(words).current_dir(&folder.0).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut said = String::new();
    // Its first line comes before its work, and after it hears signals.
    out.read_line(&mut said).expect("it says something");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().is_ok_and(|status| status.success()));
    out.read_to_string(&mut said).expect("it ends");
    (child.wait().expect("it ends").code(), said)
}

#[test]
fn ctrl_c_ends_a_run_with_how_far_it_was_and_leaves_no_folder() {
    let folder = Folder::new("ctrl-c");
    let (code, said) = interrupted(&folder, &["run", "--payments", "5000"]);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("INTERRUPTED at ") && said.contains(" of 5,000 messages sent"), "{said}");
    assert_eq!(folder.files(), [""; 0]);
}

#[test]
fn ctrl_c_ends_a_search_with_its_sums_so_far() {
    let folder = Folder::new("ctrl-c-search");
    let (code, said) = interrupted(&folder, &["search", "--seeds", "100000"]);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains(" seeds a second") && said.contains(", 0 violations"), "{said}");
    assert_eq!(folder.files(), [""; 0]);
}

#[test]
fn without_a_template_above_the_working_folder_one_has_to_be_named() {
    let nowhere = Path::new("/");
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    let output = chaos.args(["run", "steady"]).current_dir(nowhere).output().expect("it starts");
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("; accepted: --template PATH"), "{}", text(&output.stderr));
}

#[test]
fn the_template_is_the_nearest_one_and_is_named() {
    let folder = Folder::new("copied");
    crate::tree::copy_the_templates(&folder.0);
    let below = folder.0.join("below");
    fs::create_dir(&below).expect("it can be made");
    let output = Folder(below).typed(&["run", "steady", "--payments", "2"]);
    let named = format!("template: {}\n", folder.0.join("template.yaml").display());
    assert!(text(&output.stdout).starts_with(&named), "{}", text(&output.stdout));
}

#[test]
fn init_writes_an_experiment_that_runs_and_overwrites_nothing() {
    let folder = Folder::new("init");
    assert_eq!(folder.typed(&["init", "mine.toml"]).status.code(), Some(0));
    insta::assert_snapshot!(folder.refused(&["init", "mine.toml"]), @"error: mine.toml is there already; accepted: a path where there is no file");
    let output = folder.typed(&["run", "mine.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn validate_knows_alarms_and_orders() {
    let folder = Folder::new("alarms-and-orders");
    folder.file("alarm.toml", "[expect]\nalarms = [\"DeadLetterWaiting\"]\n");
    folder.file("order.toml", "[[order]]\nat = \"5m\"\ncommand = \"redrve\"\n");
    folder.file("field.toml", "[[order]]\nat = \"5m\"\ncommand = \"pause\"\nwith = { whom = \"a\" }\n");
    let refused = |name: &str| {
        let output = folder.typed(&["validate", name]);
        assert_eq!(output.status.code(), Some(64), "{name}");
        text(&output.stderr).trim_end().to_owned()
    };
    insta::assert_snapshot!(refused("alarm.toml"), @"error: alarm: expect.alarms DeadLetterWaiting; accepted: AlarmsSilenced, ConsumerFailing, CredentialsRefused, DeadLettersWaiting, NobodyListens, OutcomesUndelivered, PaymentsDelayed, PaymentsWaiting, ProviderFailing, QuarantineNotEmpty, ResponderFailing");
    insta::assert_snapshot!(refused("order.toml"), @r#"error: order.toml:3: order redrve: command: there is no "redrve"; accepted: redrive, pause, resume, release, reconcile, blame, export, audit, status"#);
    insta::assert_snapshot!(refused("field.toml"), @"error: field.toml:3: order pause: whom: pause takes no such field; accepted: who, why");
}

#[test]
fn two_processes_write_the_same_bytes() {
    let folder = Folder::new("bytes");
    for out in ["one", "two"] {
        folder.typed(&["run", "--payments", "100", "--seed", "3", "--report", "--out", out]);
    }
    for file in ["journal.jsonl", "summary.json", "junit.xml", "report.html"] {
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
