//! The architecture, kept by a test: who may depend on whom, and who may do what.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const FUNCTIONS: [&str; 8] = [
    "functions/payments",
    "functions/authority",
    "functions/stripe",
    "functions/host",
    "functions/ledger",
    "functions/consumer",
    "functions/responder",
    "functions/status",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names of the direct dependencies of the crate in `folder`, without those for tests.
fn dependencies(folder: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("the crate is there");
    let manifest: toml::Table = manifest.parse().expect("it is TOML");
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    dependencies.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

/// Everything the crate in `folder` is made of, as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("it can be read").path())
        .map(|path| match path.is_dir() {
            true => sources(&path),
            false => fs::read_to_string(&path).unwrap_or_default(),
        })
        .collect()
}

#[test]
fn the_rules_depend_on_nothing_that_could_do_anything() {
    assert_eq!(dependencies("functions/payments"), ["serde", "serde_json", "sha2", "thiserror"]);
    let rules = sources(&root().join("functions/payments/src"));
    for word in
        ["std::env", "std::fs", "std::net", "std::time", "SystemTime", "Instant", "async fn", "rand::"]
    {
        assert!(!rules.contains(word), "functions/payments says {word}");
    }
}

/// Else its difference to the functions would be more than their duties.
#[test]
fn the_function_without_duties_is_built_of_the_same_and_like_the_functions() {
    let read = |file: &str| -> toml::Table {
        let text = fs::read_to_string(root().join(file)).expect("it is there");
        text.parse().expect("it is TOML")
    };
    let packages = |lock: &str| -> BTreeSet<(String, String)> {
        let lock = read(lock);
        let packages = lock["package"].as_array().expect("packages").iter();
        let text = |package: &toml::Value, field: &str| package[field].as_str().expect("a text").to_owned();
        packages.map(|package| (text(package, "name"), text(package, "version"))).collect()
    };
    let (bare, ours) = (packages("chaos/peers/bare/Cargo.lock"), packages("Cargo.lock"));
    let others: Vec<_> = bare.difference(&ours).map(|(name, _)| name.as_str()).collect();
    assert_eq!(others, ["bare"]);
    let profile = |manifest: &str| read(manifest)["profile"]["release"].clone();
    assert_eq!(profile("chaos/peers/bare/Cargo.toml"), profile("Cargo.toml"));
}

#[test]
fn no_function_knows_of_the_chaos() {
    for folder in FUNCTIONS {
        assert!(!dependencies(folder).contains(&"chaos".to_owned()), "{folder}");
    }
}

#[test]
fn only_the_consumer_confirms_and_only_the_responder_redrives() {
    assert!(!dependencies("functions/responder").contains(&"consumer".to_owned()));
    assert!(!dependencies("functions/consumer").contains(&"responder".to_owned()));
    let consumer = sources(&root().join("functions/consumer/src"));
    let responder = sources(&root().join("functions/responder/src"));
    // Programs that must not compile are no code.
    let code = |source: &str| {
        source.lines().filter(|line| !line.starts_with("//!")).any(|line| line.contains(".confirm("))
    };
    assert!(code(&consumer) && !code(&responder));
    assert!(responder.contains("start_message_move_task") && !consumer.contains("start_message_move_task"));
}

/// By types: what a crate does not depend on it cannot name, as long as nothing in between hands it on.
#[test]
fn the_right_to_charge_is_the_consumers_alone() {
    let who_can_name_it =
        FUNCTIONS.into_iter().filter(|it| dependencies(it).contains(&"authority".to_owned()));
    assert_eq!(who_can_name_it.collect::<Vec<_>>(), ["functions/stripe", "functions/consumer"]);
    let stripe = sources(&root().join("functions/stripe/src"));
    assert!(!stripe.contains("assume()") && !stripe.contains("pub use authority"));
}

/// It is asked by the whole world.
#[test]
fn what_tells_customers_can_read_the_ledger_and_nothing_else() {
    let ours = dependencies("functions/status").into_iter();
    let ours: BTreeSet<String> = ours.filter(|it| root().join("functions").join(it).is_dir()).collect();
    assert_eq!(ours, ["host", "ledger", "payments"].map(str::to_owned).into());
    let services: Vec<_> =
        dependencies("functions/status").into_iter().filter(|it| it.starts_with("aws-sdk-")).collect();
    assert_eq!(services, ["aws-sdk-dynamodb"]);
}

#[test]
fn time_randomness_and_environment_enter_through_main_alone() {
    for function in &FUNCTIONS[1..] {
        let folder = root().join(function).join("src");
        let main = fs::read_to_string(folder.join("main.rs")).unwrap_or_default();
        let library = sources(&folder).replacen(&main, "", 1);
        for word in ["SystemTime::now", "Instant::now", "env::var", "SysRng", "SystemTimeSource"] {
            assert!(!library.contains(word), "{function} says {word} outside main");
        }
    }
}

#[test]
fn the_fake_stripe_shares_no_type_with_the_client_but_the_transports_error() {
    let folder = root().join("chaos/src/stripe");
    // Its tests hold fake and client against each other.
    let fake = sources(&folder).replacen(&sources(&folder.join("tests")), "", 1);
    let uses = fake.lines().filter(|line| line.contains("::stripe::") && !line.contains("crate::stripe"));
    let uses: Vec<&str> = uses.map(str::trim).collect();
    assert!(uses.iter().all(|line| *line == "use ::stripe::TransportError;"), "{uses:?}");
}

/// Else what is wrong with a type of theirs would be wrong on both sides, and nobody would see it.
#[test]
fn the_cloud_shares_no_type_with_the_functions_but_the_instant() {
    let of_functions = ["payments::", "host::", "ledger::", "consumer::", "responder::", "::stripe::"];
    let cloud = sources(&root().join("chaos/src/cloud"));
    let code = cloud.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let shared = code.filter(|line| of_functions.iter().any(|it| line.contains(it)));
    let shared: Vec<&str> = shared.filter(|line| *line != "use payments::UnixMs;").collect();
    assert!(shared.is_empty(), "{shared:?}");
}

#[test]
fn what_the_responder_writes_down_is_read_with_eyes_of_our_own() {
    let chaos = sources(&root().join("chaos/src"));
    for types in ["payments::incident", "payments::audit"] {
        assert!(!chaos.contains(types), "chaos/src says {types}");
    }
}

/// Else they close a circle: a check is made of a run's evidence, and a run of its experiment.
#[test]
fn an_experiment_is_read_without_those_who_judge_it() {
    let chaos = root().join("chaos/src");
    assert!(!sources(&chaos.join("experiment")).contains("checks::"));
    let names = fs::read_to_string(chaos.join("promises/check.rs")).expect("it can be read");
    for word in ["crate::", "super::"] {
        let others = names.replace("use super::*;", "");
        assert!(!others.contains(word), "the checks' names say {word}");
    }
}

/// Everybody writes into it: whom it knew, everybody would know.
#[test]
fn the_journal_knows_nobody_but_the_names_of_faults() {
    let chaos = root().join("chaos/src");
    let journal = sources(&chaos.join("journal"));
    let others = journal.lines().filter(|line| line.contains("crate::")).collect::<BTreeSet<_>>();
    assert_eq!(others, ["use crate::faults::Kind;", "use crate::faults::{Kind, Placement};"].into());
    let kinds = fs::read_to_string(chaos.join("faults/kinds.rs")).expect("it can be read");
    let names = kinds + &sources(&chaos.join("faults/table"));
    assert!(!names.contains("journal::"), "a name of a fault knows the journal");
}
