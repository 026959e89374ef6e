//! Same experiment and seed, same bytes: in two processes here, twice in one in `world`'s tests, and in a debug and an
//! optimised build in `ci/same-bytes`. Without it no failure could be replayed.

use chaos::faults::{Family, Kind, Placement};
use std::path::Path;
use std::process::Command;

/// Every kind of fault in every place, so that every stream is drawn from, and twenty minutes without Stripe, so that
/// those have an occasion that need dead letters, mails and redrives.
fn everything() -> String {
    let mut text = "
        title = 'Everything at once'
        workload = { payments = 200, over = '1h45m' }
        expect = { dead_letters = 'some', drained_within = '2h' }
        parameters = { StripeEventBus = 'aws.partner/stripe.com/ed_test_1' }
        [[fault]]
        kind = 'stripe-unavailable'
        from = '20m'
        for = '20m'
        rate = 1.0
        "
    .to_owned();
    let of_the_stack = |kind: &Kind| kind.is_simulated() && kind.describe().family != Family::Edge;
    for kind in Kind::ALL.into_iter().filter(of_the_stack) {
        let placements = kind.describe().placements;
        let placed = placements.iter().map(|it: &Placement| format!("placement = '{}'", it.name()));
        let placed = if placements.is_empty() { vec![String::new()] } else { placed.collect() };
        for placement in placed {
            let (often, window) = (often(kind), window(kind));
            text += &format!("[[fault]]\nkind = '{kind}'\n{window}\n{often}\n{placement}\n");
        }
    }
    // Whoever lost their message is brought back by a human's word alone.
    text + "[[order]]\nat = '2h'\ncommand = 'release'\nwith = { stranded = true }\n"
}

/// An edge at which everybody comes and everything goes wrong, one after the other: what hides the others is short.
fn at_the_edge() -> String {
    let mut text = "
        title = 'Everything at the edge'
        workload = { payments = 80, over = '40m' }
        expect = { dead_letters = 'any' }
        [edge]
        impatient = 0.2
        reloads_per_second = 2
        reloading = '10s'
        again = '20s'
        shared = 2
        shared_with = 400
        forged_per_second = 0.5
        keys_change = '20m'
        [[fault]]
        from = '2m'
        for = '30m'
        rate = 1.0
        "
    .to_owned();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.describe().family == Family::Edge) {
        let from = if matches!(kind, Kind::KeysUnreadable) { 30 } else { 5 };
        // Few hand in in five minutes.
        let rate = if matches!(kind, Kind::GatewayFailing) { 0.8 } else { 0.3 };
        text += &format!("[[fault]]\nkind = '{kind}'\nfrom = '{from}m'\nfor = '5m'\nrate = {rate}\n");
    }
    text
}

/// Kinds to which a run gives few occasions, and one that needs few.
const SELDOM: [(Kind, f64); 12] = [
    (Kind::StripeOtherAccount, 0.5),
    (Kind::StripeStale, 0.2),
    (Kind::ShortReceive, 0.2),
    (Kind::MoveTaskMisses, 1.0),
    (Kind::SlowStart, 0.5),
    (Kind::MetricsLate, 0.5),
    (Kind::SnsFailing, 0.5),
    (Kind::ReorderedDelivery, 0.2),
    (Kind::SecretRotated, 0.2),
    (Kind::VisibilityRefused, 0.2),
    (Kind::Poison, 0.04),
    (Kind::MessagePurged, 0.01),
];

/// A key of another account hides the intents that were made before: there are some to be met again when Stripe is gone.
const fn window(kind: Kind) -> &'static str {
    if matches!(kind, Kind::StripeOtherAccount) {
        "from = '20m'\nfor = '80m'"
    } else {
        "from = '10m'\nfor = '90m'"
    }
}

/// Often enough to fire in one run, seldom enough for the others to have something left.
fn often(kind: Kind) -> String {
    // Where money of many is held and nobody else comes through, we suspect ourselves and wait for a human's word.
    if matches!(kind, Kind::Held) {
        return "nth = [3]".to_owned();
    }
    let seldom = SELDOM.iter().find(|(it, _)| *it == kind).map(|(_, rate)| *rate);
    let rate = seldom.unwrap_or(match kind.describe().family {
        // Together they must leave Stripe well enough for the responder to redrive.
        Family::Stripe => 0.015,
        Family::Input | Family::Lambda | Family::Aws | Family::Edge | Family::Process => 0.03,
    });
    format!("rate = {rate}")
}

/// The journal and the summary of one run in a process of its own.
fn recorded(text: &str, seed: &str, folder: &Path) -> (Vec<u8>, Vec<u8>) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let experiment = folder.join("everything.toml");
    std::fs::write(&experiment, text).expect("it can be written");
    let chaos = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .arg("run")
        .arg(&experiment)
        .args(["--seed", seed, "--out"])
        .arg(folder)
        .output()
        .expect("the binary starts");
    // It passes only if every fault fired.
    assert!(chaos.status.success(), "{}", String::from_utf8_lossy(&chaos.stdout));
    let read = |file: &str| std::fs::read(folder.join(file)).expect("the run wrote it");
    (read("journal.jsonl"), read("summary.json"))
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_two_processes_and_another_seed_others() {
    for (name, text, [seed, other]) in
        [("all", everything(), ["16", "38"]), ("edge", at_the_edge(), ["1", "2"])]
    {
        let folder = std::env::temp_dir().join(format!("chaos-determinism-{name}-{}", std::process::id()));
        let [first, second, other] = [(seed, "a"), (seed, "b"), (other, "c")]
            .map(|(seed, name)| recorded(&text, seed, &folder.join(name)));
        std::fs::remove_dir_all(&folder).expect("the runs are read");
        assert!(first.0.len() > 100_000, "a journal this short proves little");
        assert!(first == second, "two runs of one seed differ: {name}");
        assert!(first.0 != other.0, "the seed changes nothing: {name}");
    }
}
