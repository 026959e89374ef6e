//! `cargo chaos stripe`, as a client on a socket meets it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const CREATE: &str = "amount=1999&currency=eur&payment_method=pm_card_visa&confirm=true&off_session=true\
                      &metadata[payment_id]=order-1";

/// A served Stripe; ended, at the latest, when it is dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn with(words: &[&str]) -> Self {
        let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
        let served = chaos.args(["stripe", "--port", "0"]).args(words).stdout(Stdio::piped()).spawn();
        let mut child = served.expect("the program starts");
        let out = child.stdout.as_mut().expect("it is piped");
        let mut line = String::new();
        BufReader::with_capacity(1, out).read_line(&mut line).expect("it says where it listens");
        let (_, after) = line.split_once("127.0.0.1:").unwrap_or_else(|| panic!("{line}"));
        let port = after.split(';').next().and_then(|port| port.parse().ok());
        Self { port: port.unwrap_or_else(|| panic!("{line}")), child }
    }

    /// Everything that comes back before the connection ends, and how it ended.
    fn raw(&self, request: &str) -> (String, Option<ErrorKind>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout can be set");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut got = Vec::new();
        let ended = stream.read_to_end(&mut got).err().map(|error| error.kind());
        (String::from_utf8_lossy(&got).into_owned(), ended)
    }

    fn asked(&self, method: &str, path: &str, body: &str) -> (String, Option<ErrorKind>) {
        let length = body.len();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_test_1\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    fn create(&self) -> (String, Option<ErrorKind>) {
        self.asked("POST", "/v1/payment_intents", CREATE)
    }

    fn fault(&self, words: &[&str]) -> Output {
        let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
        let asked = chaos.arg("fault").args(words).args(["--port", &self.port.to_string()]).output();
        asked.expect("the program starts")
    }

    /// Ends it as Ctrl-C does; its exit code and what it printed in the end.
    fn interrupted(mut self) -> (Option<i32>, String) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
        let mut said = String::new();
        self.child.stdout.as_mut().expect("it is piped").read_to_string(&mut said).expect("it ends");
        (self.child.wait().expect("it ended").code(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_charge_is_answered_and_in_the_book_that_is_printed_at_the_end() {
    let server = Server::with(&[]);
    let (answer, ended) = server.create();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"succeeded\""), "{answer}");
    assert_eq!(ended, None);
    let (code, said) = server.interrupted();
    assert_eq!(code, Some(0));
    assert!(said.contains("The book: 1 charge\n  eur  1 charge, 1,999 minor units\n"), "{said}");
}

#[test]
fn a_lost_answer_is_a_broken_connection_and_its_money_has_moved() {
    let server = Server::with(&["--fault", "stripe-lost-answer=1"]);
    assert_eq!(server.create(), (String::new(), Some(ErrorKind::ConnectionReset)));
    let (_, said) = server.interrupted();
    assert!(said.contains("The book: 1 charge") && said.contains("fired 1 of 1 time"), "{said}");
}

#[test]
fn a_reset_before_the_request_was_read_moves_nothing() {
    let server = Server::with(&["--fault", "stripe-reset=1"]);
    assert_eq!(server.create(), (String::new(), Some(ErrorKind::ConnectionReset)));
    assert!(server.interrupted().1.contains("The book: 0 charges"));
}

#[test]
fn a_body_cut_short_is_shorter_than_its_head_says() {
    let server = Server::with(&["--fault", "stripe-garbage/after=1"]);
    let (answer, _) = server.create();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.expect("a length is announced").parse().expect("it is a number");
    assert!(head.starts_with("HTTP/1.1 200 OK") && body.len() < length, "{answer}");
}

#[test]
fn a_silent_stripe_writes_nothing_for_as_long_as_anybody_waits() {
    let server = Server::with(&["--fault", "stripe-timeout=1"]);
    assert_eq!(server.create(), (String::new(), Some(ErrorKind::WouldBlock)));
}

#[test]
fn a_fault_is_set_listed_and_cleared_while_it_runs() {
    let server = Server::with(&[]);
    let set = server.fault(&["set", "stripe-unavailable=1", "--ttl", "5m", "--operations", "create"]);
    let line = "1  stripe-unavailable/before=1.0  operations create  fired 0 of 0, ends in 300 s\n";
    assert_eq!(text(&set.stdout), line, "{}", text(&set.stderr));
    assert!(server.create().0.starts_with("HTTP/1.1 503"));
    assert!(text(&server.fault(&["list"]).stdout).contains("fired 1 of 1"));
    assert_eq!(text(&server.fault(&["clear", "1"]).stdout), "cleared: 1\n");
    assert!(server.create().0.starts_with("HTTP/1.1 200"));
    let again = server.fault(&["clear", "1"]);
    assert_eq!(again.status.code(), Some(64));
    assert_eq!(text(&again.stderr), "error: no open fault 1; accepted: an id that GET /chaos/faults lists\n");
    let (answer, _) = server.asked("POST", "/chaos/faults", "{\"kind\":\"crash\"}");
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("fault kind crash; accepted: "),
        "{answer}"
    );
}

#[test]
fn a_port_in_use_a_key_of_the_other_mode_and_a_fault_of_nobodys_are_refused() {
    let server = Server::with(&["--mode", "live"]);
    assert!(server.create().0.starts_with("HTTP/1.1 401"));
    for words in [vec!["--port", &server.port.to_string()], vec!["--port", "0", "--fault", "crash"]] {
        let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
        let refused = chaos.arg("stripe").args(&words).output().expect("the program starts");
        assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(64), String::new()));
        let line = text(&refused.stderr);
        assert!(line.lines().count() == 1 && line.contains("accepted: "), "{line}");
    }
}
