//! Runs that end badly, through the command line and with known-bad consumers.

use super::*;
use crate::world::fixtures::Answers;
use std::sync::Arc;

/// Consumers that always answer the same.
const LOSSY: Code<'static> = Code { consumer: &|_| Arc::new(Answers(Ok("{}"))), ..Code::DEPLOYED };
const STUCK: Code<'static> = Code { consumer: &|_| Arc::new(Answers(Err("no"))), ..Code::DEPLOYED };

/// An empty folder of a test's own, for `--out`.
fn folder(test: &str) -> String {
    let folder = std::env::temp_dir().join(format!("chaos-commands-{}-{test}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder.display().to_string()
}

/// How `run` with these words ends, and what it printed.
fn ended(test: &str, words: &[&str], code: Code<'_>) -> (Exit, String) {
    let folder = folder(test);
    let ended = typed(&[&["run", "--out", &folder], words].concat(), code);
    let _ = std::fs::remove_dir_all(folder);
    ended
}

/// How a command line ends with this code, and what it printed.
fn typed(words: &[&str], code: Code<'_>) -> (Exit, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let around = Surroundings {
        started: jiff::Timestamp::UNIX_EPOCH,
        elapsed: &|| Duration::ZERO,
        folder: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        program: PathBuf::new(),
        cargo: OsString::new(),
        cores: NonZeroUsize::MIN,
        paint: Paint::Plain,
        bar: Visibility::Hidden,
        interrupted: &|| false,
        code,
        out: &mut out,
        err: &mut err,
    };
    let exit = main(["cargo-chaos"].iter().chain(words).map(OsString::from), around);
    assert_eq!(err, b"", "{}", String::from_utf8_lossy(&err));
    (exit, String::from_utf8_lossy(&out).into_owned())
}

const FEW: [&str; 3] = ["steady", "--payments", "3"];

#[test]
fn a_consumer_that_acknowledges_without_work_ends_with_1_and_a_payments_story() {
    let (exit, said) = ended("lossy", &FEW, LOSSY);
    assert_eq!((exit, exit.code()), (Exit::Unsafe, 1));
    let story = said.split("nothing-lost: order-").nth(1).expect("the first finding is told");
    for fact in
        ["it has no row and is in no queue", "receive 1", "acknowledged: deleted from", "2 more like it"]
    {
        assert!(story.contains(fact), "{fact}: {story}");
    }
    assert!(said.contains("again: cargo chaos run steady --payments 3 --seed 1\n"), "{said}");
}

#[test]
fn a_consumer_that_gets_nothing_done_ends_with_3() {
    let (exit, said) = ended("stuck", &FEW, STUCK);
    assert_eq!((exit, exit.code()), (Exit::Stuck, 3), "{said}");
    assert!(said.contains("fail          dead-letters-as-expected"), "{said}");
}

#[test]
fn a_fault_that_had_nothing_to_hit_ends_with_2() {
    let (exit, said) =
        ended("silent", &[FEW[0], FEW[1], FEW[2], "--fault", "declined=0.000001"], Code::DEPLOYED);
    assert_eq!((exit, exit.code()), (Exit::Inconclusive, 2));
    assert!(said.contains("declined never fired"), "{said}");
}

#[test]
fn a_violation_the_search_finds_is_shrunk_and_the_saved_experiment_fails_by_itself() {
    let folder = folder("search");
    let (exit, said) = typed(&["search", "--seeds", "9", "--from", "4", "--out", &folder], LOSSY);
    assert_eq!(exit, Exit::Unsafe);
    assert!(said.contains("\nseed 4 violates nothing-lost: order-"), "{said}");
    assert!(said.contains("again: cargo chaos replay 4\n"), "{said}");
    assert!(said.contains("1 seed, 1 violation;"), "the first violation ends it: {said}");
    assert!(said.contains("cargo chaos search --from 5 --seeds 8\n"), "what is left: {said}");
    let saved = format!("{folder}/seed-4-nothing-lost.toml");
    assert!(said.contains(&format!("again: cargo chaos run {saved}\n")), "{said}");

    let (exit, said) = ended("saved", &[&saved], LOSSY);
    assert_eq!(exit, Exit::Unsafe);
    assert!(said.contains("seed 4; again"), "the seed is the file's: {said}");
    let (exit, _) = typed(&["replay", "4", "--out", &folder], LOSSY);
    assert_eq!(exit, Exit::Unsafe);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_point_of_the_sweep_that_violates_a_check_is_saved_and_fails_by_itself() {
    let folder = folder("sweep");
    let (exit, said) = typed(&["sweep", "--only", "malformed", "--out", &folder], LOSSY);
    assert_eq!(exit, Exit::Unsafe);
    let saved = format!("{folder}/malformed-message.toml");
    assert!(said.contains(&format!("again: cargo chaos run {saved}\n")), "{said}");
    assert_eq!(ended("swept", &[&saved], LOSSY).0, Exit::Unsafe);
    let _ = std::fs::remove_dir_all(folder);
}
