//! `cargo chaos up` as it is typed.

use chaos::up::Build;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn typed(words: &[&str]) -> Output {
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    chaos.arg("up").args(words).output().expect("the program starts")
}

#[test]
fn what_is_typed_wrong_is_answered_in_one_line_with_64() {
    for (words, wanted) in [
        (&["--port", "70000"][..], "--port <PORT>: port 70000; accepted: 0 to 65535"),
        (&["--listen", "here"], "--listen <ADDRESS>: address here; accepted: an IP address of this machine"),
        (&["--build", "fast"], "accepted: debug, release, none"),
        (&["--failure-rate", "2"], "rate 2; accepted: 0 to 1"),
        (&["--fault", "crash"], "--fault: "),
        (&["--template", "none.yaml", "--build", "none"], "none.yaml"),
    ] {
        let ended = typed(words);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.code() == Some(64) && said.lines().count() == 1, "{words:?}: {said}");
        assert!(said.contains(wanted) && ended.stdout.is_empty(), "{words:?}: {said}");
    }
}

#[test]
fn a_binary_that_is_missing_is_named_with_what_makes_it() {
    let program = Path::new("/no/such/debug/chaos");
    let missing = Build::None.binaries(&"cargo".into(), program, Path::new(".")).expect_err("there is none");
    let wanted = "no /no/such/debug/consumer; accepted: --build debug or release, which build it";
    assert_eq!(missing.to_string(), wanted);
    let cargo =
        Build::Debug.binaries(&"/no/such/cargo".into(), program, Path::new(".")).expect_err("no cargo");
    assert!(cargo.to_string().starts_with("cannot run /no/such/cargo: "), "{cargo}");
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let mut up = super::Up::new("port");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it has one").port();
    let offer = chaos::up::Offer { port, ..super::offer(&up.folder, "bootstrap") };
    let refused = chaos::up::up(&offer, &tokio::sync::Notify::new(), &mut |_| {}).expect_err("it is taken");
    let said = refused.to_string();
    assert!(said.starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")), "{said}");
    assert!(said.ends_with("accepted: a free port, or 0 for any that is free"), "{said}");
    up.end();
}
