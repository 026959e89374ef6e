//! What is told of a measurement.

use super::subject::{BARE, STATUS, Subject};
use super::{BenchError, Column, Folders, Measured, Offer, Part, Rates, Sample};
use crate::world::{Deployed, own_edge, own_template};
use payments::UnixMs;
use std::collections::BTreeMap;

fn column<T>(name: &str, runs: Vec<T>) -> Column<T> {
    let is_peer = ["Node", "Python", "ministack", "moto"].iter().any(|peer| name.starts_with(peer));
    Column { name: name.to_owned(), is_peer, size_bytes: None, runs, missing: None, repeated: None }
}

fn charging(init_ms: f64, payments_per_core_s: f64) -> Sample {
    Sample {
        init_ms,
        first_ms: Some(2.0 * init_ms),
        warm_ms: Some(init_ms / 2.0),
        payments_per_s: Some(payments_per_core_s / 2.0),
        payments_per_core_s: Some(payments_per_core_s),
        peak_bytes: Some(12_345_678),
        ..Sample::default()
    }
}

fn idle(init_ms: f64) -> Sample {
    Sample { init_ms, peak_bytes: Some(4_000_000), ..Sample::default() }
}

fn looking(init_ms: f64, requests_per_core_s: Option<f64>) -> Sample {
    Sample { requests_per_s: Some(900.0), requests_per_core_s, ..idle(init_ms) }
}

fn rates(calls_per_s: f64) -> Rates {
    let (receives_per_s, deletes_per_s) = (calls_per_s / 2.0, calls_per_s * 2.0);
    Rates { sends_per_s: calls_per_s, receives_per_s, deletes_per_s, client_us: Some(120.0) }
}

fn measured() -> Measured {
    let consumer = vec![charging(10.0, 2_000.0), charging(30.0, 1_000.0), charging(11.0, 1_900.0)];
    let node = vec![charging(300.0, 250.0), charging(330.0, 250.0), charging(310.0, 250.0)];
    let python = Column { missing: Some("no python3 on the path".to_owned()), ..column("Python", vec![]) };
    let functions = vec![
        Column { size_bytes: Some(8_300_000), ..column("consumer", consumer) },
        column("responder", vec![idle(12.0), idle(13.0), idle(14.0)]),
        column(
            STATUS,
            vec![looking(5.0, Some(3_000.0)), looking(28.0, Some(3_300.0)), looking(9.0, Some(4_000.0))],
        ),
        column(
            BARE,
            vec![looking(2.0, Some(9_000.0)), looking(21.0, Some(11_000.0)), looking(4.0, Some(16_000.0))],
        ),
        Column { size_bytes: Some(660_491), ..column("Node 20.20.2", node) },
        python,
    ];
    let services = vec![
        column("embedded", vec![rates(4_000.0), rates(5_000.0), rates(6_000.0)]),
        column("ministack 1.5.33", vec![rates(800.0), rates(400.0), rates(700.0)]),
        Column {
            repeated: Some((2, "SendMessage: no JSON".to_owned())),
            ..column("moto 5.2.5", vec![rates(100.0), rates(120.0), rates(110.0)])
        },
    ];
    Measured { runs: 3, functions, services }
}

#[test]
fn a_table_has_medians_and_spreads_and_says_which_goals_are_missed_and_who_is_missing() {
    insta::assert_snapshot!(measured().text());
}

#[test]
fn runs_are_compared_with_the_runs_beside_them() {
    // The second run of all was slow: of medians alone, the init would be 7 ms beyond bare.
    let text = measured().text();
    assert!(
        text.contains("init of the consumer beside bare `lambda_runtime`: 8.00 ms more; the goal of at most 8 ms more is met."),
        "{text}"
    );
}

#[test]
fn a_function_that_used_less_processor_time_than_is_counted_has_no_figure_and_is_compared_with_nobody() {
    let mut measured = measured();
    assert!(measured.text().contains("- requests a second and core of the status function beside"));
    for sample in measured.functions.iter_mut().filter(|it| it.name == BARE).flat_map(|it| &mut it.runs) {
        sample.requests_per_core_s = None;
    }
    let text = measured.text();
    assert!(
        text.contains("| requests a second and core | – | – | 3,300 (3,000–4,000) | – | – | – |"),
        "{text}"
    );
    assert!(!text.contains("- requests a second"), "{text}");
}

#[test]
fn a_stack_without_an_edge_says_that_its_status_function_was_not_measured() {
    let stack = Deployed::load(&own_template(), &BTreeMap::new()).expect("it is good");
    let edged = stack.with_edge(&own_edge(), &BTreeMap::new()).expect("it is good");
    let columns = |deployed: Deployed| -> Vec<Column<Sample>> {
        let offer = Offer {
            parts: vec![Part::Functions],
            deployed,
            runs: 1,
            binaries: [(); 4].map(|()| "/no/such/binary".into()),
            folders: Folders { sources: "/no".into(), installations: "/no".into() },
            peers: BTreeMap::new(),
            now: UnixMs(0),
        };
        Subject::all(&offer).iter().map(Subject::column).collect()
    };
    let missing = |columns: &[Column<Sample>]| {
        let status = columns.iter().find(|it| it.name == STATUS).expect("it has a column");
        status.missing.clone()
    };
    assert_eq!(missing(&columns(edged)), None);
    let functions = columns(stack);
    assert_eq!(missing(&functions).as_deref(), Some("no edge stands in front of this stack"));
    let text = Measured { runs: 1, functions, services: Vec::new() }.text();
    assert!(
        text.contains("- status function was not measured: no edge stands in front of this stack\n"),
        "{text}"
    );
}

#[test]
fn what_was_not_asked_for_is_not_told() {
    let measured = Measured { functions: Vec::new(), ..measured() };
    assert!(measured.text().starts_with("| SQS over HTTP |"), "{}", measured.text());
}

#[test]
fn a_call_to_a_peer_is_made_again_a_few_times_and_one_to_ours_never() {
    let mut peer = column("moto", vec![rates(1.0)]);
    let again = (0..100).filter(|_| peer.repeats("no JSON")).count();
    assert_eq!((again, peer.repeated), (50, Some((50, "no JSON".to_owned()))));
    let mut ours = column("embedded", vec![rates(1.0)]);
    assert!(!ours.repeats("no JSON") && ours.repeated.is_none());
}

#[test]
fn a_peer_that_fails_is_left_out_and_one_of_ours_ends_it_all() {
    let mut peer = column("Node", vec![charging(1.0, 1.0)]);
    peer.fails("answers an error".to_owned()).expect("the rest goes on");
    assert_eq!((peer.runs.len(), peer.missing.as_deref()), (0, Some("answers an error")));
    let mut ours = column("consumer", vec![charging(1.0, 1.0)]);
    let ended = ours.fails("ends with exit status 1".to_owned());
    let said = ended.as_ref().map_err(BenchError::to_string);
    assert_eq!(said, Err("consumer: ends with exit status 1".to_owned()));
}
