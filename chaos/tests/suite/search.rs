//! The search as it is typed: the same seeds come to the same, on however many threads, and each can be told again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder(test: &str) -> PathBuf {
    crate::tree::folder(&format!("search-{test}"))
}

fn typed(folder: &Path, words: &[&str]) -> Output {
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    chaos.args(words).current_dir(folder).env_remove("NO_COLOR").output().expect("the program starts")
}

/// Everything but the line that tells of wall time, and what comes after it.
fn said(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (timed, next) = said.trim_end().rsplit_once('\n').expect("more lines than one");
    assert!(next.starts_with("the next ones, here or elsewhere: cargo chaos search --from "), "{next}");
    let (timeless, speed) = timed.rsplit_once('\n').expect("more lines than two");
    assert!(speed.contains(" seeds a second"), "{speed}");
    timeless.to_owned()
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = folder("threads");
    let search = |jobs| typed(&folder, &["search", "--seeds", "6", "--keep-going", "--jobs", jobs]);
    let (one, three) = (search("1"), search("3"));
    assert_eq!(one.status.code(), three.status.code());
    assert_eq!(said(&one), said(&three));
    assert!(said(&one).contains("6 seeds, "), "{}", said(&one));
    assert!(said(&one).contains("never fired: "), "six seeds do not reach everything");
}

#[test]
fn a_seed_is_replayed_byte_for_byte() {
    let folder = folder("replay");
    let files = ["here", "there"].map(|out| {
        let output = typed(&folder, &["replay", "3", "--out", out]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("Seed 3 (seed-3, seed 3)"), "{said}");
        assert!(said.contains("again: cargo chaos replay 3\n"), "{said}");
        let read = |name| fs::read(folder.join(out).join(name)).expect("a run leaves it");
        [read("journal.jsonl"), read("summary.json")]
    });
    assert_eq!(files[0], files[1]);
}

#[test]
fn a_sweep_counts_its_points_alike_on_any_number_of_threads() {
    let folder = folder("sweep");
    let sweep = |jobs| typed(&folder, &["sweep", "--only", "malformed", "--jobs", jobs]);
    let (one, three) = (sweep("1"), sweep("3"));
    let said = String::from_utf8_lossy(&one.stdout).into_owned();
    assert_eq!((one.status.code(), three.status.code()), (Some(0), Some(0)), "{said}");
    assert_eq!(one.stdout, three.stdout);
    assert!(said.contains(" points, ") && said.contains(" 0 violations"), "{said}");
}
