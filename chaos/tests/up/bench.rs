//! `cargo chaos bench` with functions that are scripts, as a terminal never shows it.

use chaos::bench::{self, BenchError, Folders, Offer, Part};
use std::collections::BTreeMap;
use tokio::sync::Notify;

fn offer(folder: &std::path::Path, program: &str) -> Offer {
    let super::Offer { deployed, now, .. } = super::offer(folder, program);
    Offer {
        parts: vec![Part::Functions],
        deployed,
        runs: 1,
        binaries: [(); 4].map(|()| super::script(program)),
        folders: Folders { sources: folder.to_owned(), installations: folder.to_owned() },
        peers: BTreeMap::new(),
        now,
    }
}

fn why(test: &str, program: &str) -> String {
    let folder = super::template(test);
    let ended = bench::bench(&offer(&folder, program), &Notify::new(), &mut |_, _, _| {});
    let _ = std::fs::remove_dir_all(folder);
    ended.expect_err("nothing was charged").to_string()
}

#[test]
fn a_function_that_only_says_that_it_charged_is_not_measured() {
    assert_eq!(why("bench-idle", "bootstrap"), "consumer: charged 0 of 1210 payments");
}

#[test]
fn a_function_that_does_not_start_says_why() {
    let said = why("bench-fails", "fails");
    assert_eq!(
        said,
        "consumer: ends with exit status 1; it says: environment variable LEDGER_TABLE is missing"
    );
}

#[test]
fn what_is_given_up_is_given_up_at_once() {
    let folder = super::template("bench-given-up");
    let stop = Notify::new();
    let ended = bench::bench(&offer(&folder, "bootstrap"), &stop, &mut |_, _, _| stop.notify_one());
    assert!(matches!(ended, Err(BenchError::Ended)), "{ended:?}");
    let _ = std::fs::remove_dir_all(folder);
}
