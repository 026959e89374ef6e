//! What a file means, what is refused and in which words, and the shipped experiments against their sources.

use super::*;
use crate::faults::{Kind, Placement, Rate, When, Window};
use crate::promises::Check;
use crate::random::Chance;
use crate::workload::{Pace, Payments};

fn parsed(text: &str) -> Result<Experiment, String> {
    Experiment::parse(Path::new("mine.toml"), text).map_err(|error| error.to_string())
}

fn refusal(text: &str) -> String {
    let refusal = parsed(text).expect_err("the file must be refused");
    assert!(!refusal.contains('\n'), "one line, not {refusal}");
    refusal
}

fn shipped(name: &str) -> Experiment {
    Experiment::find(name).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_field_has_a_default() {
    let experiment = parsed("").expect("an empty file is an experiment");
    assert_eq!((experiment.name.as_str(), experiment.title.as_str()), ("mine", "mine"));
    assert_eq!(experiment.workload.payments, Payments::Generated(2_000));
    assert_eq!(experiment.expect.dead_letters, DeadLetters::Any);
    let starts = jiff::Timestamp::from_millisecond(experiment.starts.0).expect("a time");
    assert_eq!(starts.to_string(), "2026-01-05T09:00:00Z");

    let faults = parsed("[[fault]]").expect("a fault has defaults too").faults;
    assert_eq!(faults, [Fault::steady(Kind::StripeUnavailable, Chance::ALWAYS, Window::ALWAYS)]);
}

#[test]
fn an_outage_must_leave_dead_letters_unless_its_author_says_otherwise() {
    let expected = |text: &str| parsed(text).expect("it is good").expect.dead_letters;
    assert_eq!(expected("[[fault]]\nkind = 'stripe-unavailable'"), DeadLetters::Some);
    assert_eq!(expected("[[fault]]\nkind = 'declined'"), DeadLetters::Any);
    assert_eq!(expected("[[fault]]\n[expect]\ndead_letters = 'any'"), DeadLetters::Any);
}

#[test]
fn a_file_of_payments_is_looked_for_beside_the_experiment() {
    let text = "[workload]\nfile = 'payments.ndjson'\nper_second = 0.5";
    let experiment = Experiment::parse(Path::new("some/where/mine.toml"), text).expect("it is good");
    assert_eq!(experiment.workload.payments, Payments::File("some/where/payments.ndjson".into()));
    assert_eq!(experiment.workload.pace, Pace::Rate { per_second_micros: 500_000 });
}

#[test]
fn what_was_typed_wrong_is_named_with_file_line_field_and_what_is_accepted() {
    insta::assert_snapshot!(refusal("[[fault]]\nkind = 'stripe-sleepy'"), @"mine.toml:2: fault kind stripe-sleepy; accepted: those that `cargo chaos list faults` lists");
    insta::assert_snapshot!(refusal("[[fault]]\n\nrate = 1.5"), @"mine.toml:3: rate 1.5; accepted: 0 to 1");
    insta::assert_snapshot!(refusal("[[fault]]\nrate = -1"), @"mine.toml:2: rate -1; accepted: 0 to 1");
    insta::assert_snapshot!(refusal("[[fault]]\nrate = nan"), @"mine.toml:2: rate NaN; accepted: 0 to 1");
    insta::assert_snapshot!(refusal("[[fault]]\nfor = 'a while'"), @r#"mine.toml:2: for "a while"; accepted: lengths such as 90s, 35m, 1h30m, 2d; at most 14d"#);
    insta::assert_snapshot!(refusal("[[fault]]\nfrom = '-5m'"), @r#"mine.toml:2: from "-5m"; accepted: lengths such as 90s, 35m, 1h30m, 2d; at most 14d"#);
    insta::assert_snapshot!(refusal("drain = '337h'"), @r#"mine.toml:1: drain "337h"; accepted: lengths such as 90s, 35m, 1h30m, 2d; at most 14d"#);
    insta::assert_snapshot!(refusal("starts = 'yesterday'"), @r#"mine.toml:1: starts "yesterday"; accepted: an instant such as 2019-07-10T16:00:00Z"#);
    insta::assert_snapshot!(refusal("[workload]\npayments = 0"), @"mine.toml:2: payments 0; accepted: 1 to 1000000");
    insta::assert_snapshot!(refusal("[workload]\nper_second = 0"), @"mine.toml:2: per_second 0; accepted: 0.000001 to 10000");
    insta::assert_snapshot!(refusal("[workload]\nbodies = []"), @"mine.toml:2: bodies []; accepted: at least one text");
    insta::assert_snapshot!(refusal("[workload]\npayments = 5\nfile = 'a.ndjson'"), @"mine.toml:3: file beside another of its kind; accepted: one of payments, file, bodies");
    insta::assert_snapshot!(refusal("[workload]\nper_second = 1\nover = '1h'"), @"mine.toml:3: over beside another of its kind; accepted: one of over, per_second, at");
    insta::assert_snapshot!(refusal("[workload]\nat = ['5m', '1m']"), @r#"mine.toml:2: at ["5m", "1m"]; accepted: one or more, ascending"#);
}

#[test]
fn a_fault_says_where_to_whom_when_and_how_often() {
    let text = "[[fault]]\nkind = 'stripe-timeout'\nplacement = 'after'\nfrom = '1m'\nfor = '2m'\n\
        rate = { ramp = [0.25, 1.0] }\noperations = ['confirm']\npayments = ['order-7']\n\
        [[fault]]\nrate = { step = [0.25, 1] }\nfor = '1m'\n[[fault]]\nkind = 'crash'\nnth = [3, 1]\nhop = 4";
    let faults = parsed(text).expect("it is good").faults;
    let quarter = Chance::from_ppm(250_000);
    assert_eq!(faults[0].placement, Some(Placement::After));
    assert_eq!(faults[0].window, Window { from_ms: 60_000, until_ms: 180_000 });
    assert_eq!(faults[0].when, When::Rate(Rate::Ramp(quarter, Chance::ALWAYS)));
    assert!(faults[0].scope.operations.contains("confirm") && faults[0].scope.payments.contains("order-7"));
    assert_eq!(faults[1].when, When::Rate(Rate::Step(vec![quarter, Chance::ALWAYS])));
    assert_eq!((&faults[2].when, faults[2].hop), (&When::Nth([1, 3].into()), Some(4)));
}

#[test]
fn a_fault_that_cannot_happen_is_refused() {
    let refused = |rest: &str| refusal(&format!("[[fault]]\n{rest}"));
    insta::assert_snapshot!(refused("rate = { ramp = [0, 1] }"), @"mine.toml:2: rate that changes; accepted: one with `for`, the time it changes in");
    insta::assert_snapshot!(refused("for = '1m'\nrate = { step = [] }"), @"mine.toml:3: rate { step = [] }; accepted: at least one share");
    insta::assert_snapshot!(refused("rate = 'often'"), @"mine.toml:2: expected a share, { ramp = [FROM, TO] } or { step = [SHARE, …] } in `fault.rate`");
    insta::assert_snapshot!(refused("rate = 0.3\nnth = [1]"), @"mine.toml:2: rate beside nth; accepted: one of rate, nth");
    insta::assert_snapshot!(refused("nth = [0]"), @"mine.toml:2: nth [0]; accepted: a list of numbers from 1");
    insta::assert_snapshot!(refused("hop = 3"), @"mine.toml:2: hop 3; accepted: for crash, function-timeout and out-of-memory alone");
    insta::assert_snapshot!(refused("kind = 'crash'\nhop = 0"), @"mine.toml:3: hop 0; accepted: 1 or more");
    insta::assert_snapshot!(refused("status = 402"), @"mine.toml:2: status 402; accepted: 400, 402, 403, 404, for stripe-refusing alone");
    insta::assert_snapshot!(refused("kind = 'stripe-refusing'\nstatus = 500"), @"mine.toml:3: status 500; accepted: 400, 402, 403, 404, for stripe-refusing alone");
    insta::assert_snapshot!(refused("kind = 'stripe-refusing'\ncode = 'card_declined'"), @"mine.toml:3: code card_declined; accepted: account_country_invalid_address, account_invalid, capability_not_active, country_unsupported, livemode_mismatch, not_allowed_on_standard_account, platform_account_required, secret_key_required, testmode_charges_only, for stripe-refusing alone");
    insta::assert_snapshot!(refused("kind = 'stripe-slow'\ntimes = 1"), @"mine.toml:3: times 1; accepted: 2 to 1000, for stripe-slow alone");
    insta::assert_snapshot!(refused("placement = 'stored'"), @"mine.toml:2: placement stored; accepted: before");
    insta::assert_snapshot!(refused("operations = ['refund']"), @"mine.toml:2: operation refund; accepted: create, confirm, retrieve, cancel, probe, list, search");
    insta::assert_snapshot!(refused("kind = 'malformed'\noperations = ['create']"), @"mine.toml:3: operation create; accepted: none for this kind");
}

#[test]
fn an_experiment_can_be_excused_from_checks_of_liveness_and_from_no_other() {
    let text = "[expect]\nexcused = ['told-in-time']";
    assert_eq!(parsed(text).expect("it is good").expect.excused, [Check::ToldInTime].into());
    let refusal = refusal("[expect]\nexcused = ['nothing-lost']");
    assert!(refusal.starts_with("mine.toml:2: excused nothing-lost; accepted: one-move-task"), "{refusal}");
}

#[test]
fn what_is_no_experiment_is_named_with_file_and_line() {
    insta::assert_snapshot!(refusal("title = 'x'\n[[fault]]\nrate 0.3"), @"mine.toml:3: key with no value, expected `=`");
    insta::assert_snapshot!(refusal("[[fault]]\nrates = 0.3"), @"mine.toml:2: unknown field `rates`, expected one of `kind`, `placement`, `from`, `for`, `rate`, `nth`, `hop`, `status`, `code`, `times`, `operations`, `payments` in `fault`");
    insta::assert_snapshot!(refusal("[workload]\npayments = 'many'"), @r#"mine.toml:2: invalid type: string "many", expected a whole number in `workload.payments`"#);
    insta::assert_snapshot!(refusal("[[fault]]\nfrom = 30"), @"mine.toml:2: invalid type: integer `30`, expected a string in `fault.from`");
    insta::assert_snapshot!(refusal("[expect]\ndead_letters = 'few'"), @"mine.toml:2: unknown variant `few`, expected one of `some`, `none`, `any` in `expect.dead_letters`");
    insta::assert_snapshot!(refusal("[fault]\nrate = 0.3"), @"mine.toml:1: invalid type: table, expected a list of tables, [[fault]]");
    insta::assert_snapshot!(refusal("title = 'x'\ntitle = 'y'"), @"mine.toml:2: duplicate key");
}

#[test]
fn an_unknown_name_or_an_unreadable_file_is_answered_with_what_there_is() {
    let refusal = |name: &str| Experiment::find(name).expect_err("refused").to_string();
    insta::assert_snapshot!(refusal("outage-31m"), @"unknown experiment outage-31m; accepted: outage-30m, brownout-30-percent, lost-answers, stripe-2019-07-10, stripe-2015-12-17, stripe-2015-10-08, outage-6h, second-outage, weekend-off, five-days, sns-gone-a-day, outage-short, killed, flapping, poison, stored-500s, credentials-revoked, confirms-refused, account-may-not-charge, consumer-panics, ledger-throttled, gray-failure, duplicate-storm, sale, quarantine-two-weeks, outcomes, frenetic-reload, status-origin-down, edge-under-attack, second-witness, drill, steady, or the path of a .toml file");
    insta::assert_snapshot!(refusal("no/such/mine.toml"), @"cannot read the experiment no/such/mine.toml: No such file or directory (os error 2); accepted: outage-30m, brownout-30-percent, lost-answers, stripe-2019-07-10, stripe-2015-12-17, stripe-2015-10-08, outage-6h, second-outage, weekend-off, five-days, sns-gone-a-day, outage-short, killed, flapping, poison, stored-500s, credentials-revoked, confirms-refused, account-may-not-charge, consumer-panics, ledger-throttled, gray-failure, duplicate-storm, sale, quarantine-two-weeks, outcomes, frenetic-reload, status-origin-down, edge-under-attack, second-witness, drill, steady, or the path of a .toml file");
}

#[test]
fn what_is_typed_on_the_command_line_is_refused_in_the_same_words() {
    insta::assert_snapshot!(rate("1.5").unwrap_err(), @"rate 1.5; accepted: 0 to 1");
    insta::assert_snapshot!(rate("often").unwrap_err(), @"rate often; accepted: 0 to 1");
    insta::assert_snapshot!(duration_ms("half an hour").unwrap_err(), @r#"duration "half an hour"; accepted: lengths such as 90s, 35m, 1h30m, 2d; at most 14d"#);
    insta::assert_snapshot!(fault("stripe-sleepy=0.3").unwrap_err(), @"fault kind stripe-sleepy; accepted: those that `cargo chaos list faults` lists");
    insta::assert_snapshot!(fault("declined=2").unwrap_err(), @"rate 2; accepted: 0 to 1");
    insta::assert_snapshot!(fault("stripe-timeout/stored").unwrap_err(), @"placement stored; accepted: before, after");
    insta::assert_snapshot!(fault("declined/after").unwrap_err(), @"placement after; accepted: none for declined");
}

#[test]
fn lengths_of_time_are_read_as_people_write_them() {
    for (text, seconds) in [
        ("90s", 90),
        ("35m", 2_100),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        ("93m", 5_580),
        ("2d", 172_800),
        ("1d 12h", 129_600),
    ] {
        assert_eq!(duration_ms(text), Ok(seconds * 1_000), "{text}");
    }
}

#[test]
fn a_failure_rate_and_an_outage_change_the_outage_and_nothing_else() {
    let overrides =
        Overrides { failure_rate: Chance::from_share(0.3), outage_ms: Some(600_000), ..Overrides::default() };
    let changed = overrides.apply(shipped(DEFAULT));
    let [outage] = changed.faults.as_slice() else { panic!("one outage") };
    assert_eq!(Some(outage.ppm_at(outage.window.from_ms)), Chance::from_share(0.3).map(Chance::ppm));
    assert_eq!((outage.window.from_ms, outage.window.until_ms), (1_800_000, 2_400_000));
    assert_eq!(changed.workload, shipped(DEFAULT).workload);
}

#[test]
fn an_experiment_without_an_outage_gets_one_after_a_steady_phase() {
    let overrides = Overrides { failure_rate: Some(Chance::ALWAYS), ..Overrides::default() };
    let changed = overrides.apply(shipped("steady"));
    let window = changed.faults[0].window;
    assert_eq!((window.from_ms, window.until_ms), (1_800_000, 3_600_000));
    assert_eq!(changed.expect.dead_letters, DeadLetters::Some);
}

/// The window of a fault that is added to an experiment.
fn window_of_more(experiment: Experiment) -> Window {
    let faults = vec![fault("crash").expect("it is good")];
    let changed = Overrides { faults, ..Overrides::default() }.apply(experiment);
    changed.faults.last().expect("it was added").window
}

#[test]
fn a_further_fault_outlasts_the_outage_for_much_can_happen_only_when_stripe_answers() {
    assert_eq!(window_of_more(shipped(DEFAULT)), Window { from_ms: 1_800_000, until_ms: 5_400_000 });
    let overrides =
        Overrides { faults: vec![fault("declined").expect("it is good")], ..Overrides::default() };
    assert_eq!(overrides.apply(shipped(DEFAULT)).idle().count(), 0);
}

#[test]
fn without_an_outage_a_further_fault_comes_after_a_steady_phase_if_there_is_time_for_one() {
    assert_eq!(window_of_more(shipped("steady")), Window { from_ms: 1_800_000, until_ms: 3_600_000 });
    assert_eq!(window_of_more(shipped("drill")), Window { from_ms: 0, until_ms: 3_600_000 });
}

#[test]
fn what_an_author_expected_of_his_payments_holds_for_no_others() {
    let payments = Some(Payments::Generated(1));
    let changed = Overrides { payments, ..Overrides::default() }.apply(shipped(DEFAULT));
    assert_eq!(changed.expect.alarms, None);
}

#[test]
fn a_further_fault_may_leave_dead_letters_where_none_were_expected() {
    assert_eq!(shipped("steady").expect.dead_letters, DeadLetters::None);
    let faults = vec![fault("crash").expect("it is good")];
    let changed = Overrides { faults, ..Overrides::default() }.apply(shipped("steady"));
    assert_eq!(changed.expect.dead_letters, DeadLetters::Any);
}

#[test]
fn other_payments_arrive_over_the_same_stretch_of_time() {
    let text = "[workload]\npayments = 3600\nper_second = 0.5";
    let payments = Some(Payments::File("payments.ndjson".into()));
    let changed = Overrides { payments, ..Overrides::default() }.apply(parsed(text).expect("it is good"));
    assert_eq!(changed.workload.pace, Pace::Over { span_ms: 7_200_000 });
}

#[test]
fn every_file_of_the_folder_is_shipped_under_its_name_and_good() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/experiments"));
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is part of the repository")
        .map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "README.md")
        .collect();
    files.sort();
    let mut names: Vec<String> = SHIPPED.iter().map(|it| format!("{}.toml", it.name)).collect();
    names.sort();
    assert_eq!(files, names);
    for shipped in SHIPPED {
        shipped.experiment().unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(shipped(DEFAULT).name, DEFAULT);
}

/// The outages of an experiment as instants, in the order of the file.
fn windows(experiment: &Experiment) -> Vec<String> {
    let at = |ms: u64| {
        let instant = experiment.starts.plus_ms(i64::try_from(ms).expect("a short time"));
        jiff::Timestamp::from_millisecond(instant.0).expect("a time").to_string()
    };
    let windows = experiment.faults.iter().map(|fault| fault.window);
    windows.map(|window| format!("{} to {}", at(window.from_ms), at(window.until_ms))).collect()
}

#[test]
fn the_outages_of_2019_and_2015_lie_where_stripe_said() {
    let a = "2019-07-10T16:35:00Z to 2019-07-10T17:02:00Z";
    let b = "2019-07-10T21:14:00Z to 2019-07-10T22:47:00Z";
    assert_eq!(windows(&shipped("stripe-2019-07-10")), [a, a, b, b]);
    let partial = "2015-12-17T02:59:00Z to 2015-12-17T03:08:00Z";
    let total = "2015-12-17T03:08:00Z to 2015-12-17T03:52:00Z";
    assert_eq!(windows(&shipped("stripe-2015-12-17")), [partial, total]);
    let degraded = "2015-10-08T00:06:00Z to 2015-10-08T01:36:00Z";
    assert_eq!(windows(&shipped("stripe-2015-10-08")), [degraded, degraded]);
}

#[test]
fn shares_that_were_not_published_are_marked() {
    for (name, mark) in [
        ("stripe-2019-07-10", "borrowed"),
        ("stripe-2015-12-17", "assumed"),
        ("stripe-2015-10-08", "assumed"),
    ] {
        let source = shipped(name).source.expect("it has a source");
        assert!(source.contains(mark) && source.contains("https://"), "{source}");
    }
    // Half answered 503, and a third of the rest timing out, make the borrowed two thirds.
    let [unavailable, timeout, ..] = &shipped("stripe-2019-07-10").faults[..] else { panic!("four faults") };
    let passing = |fault: &Fault| u64::from(1_000_000 - fault.ppm_at(fault.window.from_ms));
    assert_eq!(passing(unavailable) * passing(timeout), 330_000 * 1_000_000);
}

#[test]
fn on_8_october_2015_two_thirds_of_all_calls_failed_more_of_them_later() {
    let experiment = shipped("stripe-2015-10-08");
    let window = experiment.faults[0].window;
    let failing_ppm = |at_ms: u64| {
        let passing = |left, fault: &Fault| left * u64::from(1_000_000 - fault.ppm_at(at_ms)) / 1_000_000;
        1_000_000 - experiment.faults.iter().fold(1_000_000, passing)
    };
    let minutes: Vec<u64> = (window.from_ms..window.until_ms).step_by(60_000).map(failing_ppm).collect();
    let mean = minutes.iter().sum::<u64>() / minutes.len() as u64;
    assert!((655_000..=675_000).contains(&mean), "{mean}");
    assert!(minutes.is_sorted());
}

#[test]
fn every_fault_of_a_shipped_experiment_meets_arrivals() {
    for shipped in SHIPPED {
        let experiment = shipped.experiment().expect("it is good");
        let count = experiment.workload.payments.count().expect("no file is shipped with it");
        let span_ms = experiment.workload.pace.span_ms(count);
        for fault in &experiment.faults {
            assert!(fault.window.from_ms > 0, "{} has a steady phase", shipped.name);
            assert!(fault.window.until_ms < span_ms, "{} is sent past its faults", shipped.name);
        }
    }
}
