//! Same experiment and seed, same bytes: in two processes here, twice in one in `world`'s tests, and in a debug and an
//! optimised build in `ci/same-bytes`. Without it no failure could be replayed.

use std::path::Path;
use std::process::Command;

/// Every kind of fault there is, so that every stream is drawn from.
const EVERYTHING: [&str; 15] = [
    "run",
    "steady",
    "--payments",
    "150",
    "--fault",
    "stripe-unavailable=0.1",
    "--fault",
    "stripe-timeout=0.1",
    "--fault",
    "stripe-lost-answer=0.1",
    "--fault",
    "declined=0.1",
    "--fault",
    "malformed=0.1",
    "--fault",
];

/// The journal and the summary of one run in a process of its own.
fn recorded(seed: &str, folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let chaos = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(EVERYTHING)
        .args(["crash=0.1", "--seed", seed, "--out"])
        .arg(folder)
        .output()
        .expect("the binary starts");
    assert!(chaos.status.success(), "{}", String::from_utf8_lossy(&chaos.stdout));
    let read = |file: &str| std::fs::read(folder.join(file)).expect("the run wrote it");
    (read("journal.jsonl"), read("summary.json"))
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_two_processes_and_another_seed_others() {
    let folder = std::env::temp_dir().join(format!("chaos-determinism-{}", std::process::id()));
    let [first, second, other] =
        [("1", "a"), ("1", "b"), ("2", "c")].map(|(seed, name)| recorded(seed, &folder.join(name)));
    std::fs::remove_dir_all(&folder).expect("the runs are read");
    assert!(first.0.len() > 100_000, "a journal this short proves little");
    assert!(first == second, "two runs of one seed differ");
    assert!(first.0 != other.0, "the seed changes nothing");
}
