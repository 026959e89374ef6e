//! What happens at the edge and behind it: to those who look, and to those who hand in.

use crate::faults::{assert_passes, count, fired, run_text};
use chaos::faults::Kind;
use chaos::journal::Source;
use chaos::journal::{EdgeEvent, Event, QueueEvent};
use chaos::world::{EdgeHistory, History};

/// Payments that stay open for a while.
const OPEN: &str = "{ kind = 'processing', rate = 1.0, for = '12m' },";

/// Customers reload; from the fourth minute on, for six, this goes wrong.
fn visited(payments: &str, fault: &str) -> History {
    let text = format!(
        "workload = {{ payments = 20, over = '12m' }}
        fault = [{payments} {{ from = '4m', for = '6m', {fault} }}]
        [edge]
        impatient = 0.6
        reloads_per_second = 2
        reloading = '10s'
        again = '20s'"
    );
    run_text(&text, 3)
}

fn survived(fault: &str) -> History {
    let history = visited(OPEN, fault);
    assert_passes(&history, fault);
    history
}

/// The same of payments that come through, so that each is a charge.
fn handed_in(fault: &str) -> History {
    let history = visited("", fault);
    assert_passes(&history, fault);
    history
}

fn edge(history: &History) -> &EdgeHistory {
    history.edge.as_ref().expect("there is one")
}

/// Looks that were answered so.
fn told(history: &History, wanted: impl Fn(u16, Source) -> bool) -> usize {
    edge(history).looks.iter().filter(|look| wanted(look.status, look.from)).count()
}

#[test]
fn nobody_waits_for_a_function_that_cannot_be_reached_but_who_has_never_looked() {
    let history = survived("kind = 'status-unavailable', rate = 1.0");
    assert!(
        told(&history, |status, from| (status, from) == (503, Source::ErrorPage)) > 0,
        "the page of trouble"
    );
    let copies = edge(&history).looks.iter().filter(|look| look.is_stale).count();
    assert!(copies > 100, "{copies}");
}

#[test]
fn a_function_that_does_not_answer_is_given_up_in_two_seconds() {
    let history = survived("kind = 'status-hanging', rate = 1.0");
    let slowest = edge(&history).looks.iter().map(|look| look.answered.since_ms(look.at)).max();
    assert!(slowest.is_some_and(|ms| (2_000..2_400).contains(&ms)), "{slowest:?}");
    assert!(told(&history, |status, _| status == 503) > 0);
}

#[test]
fn what_lambda_refuses_is_neither_kept_nor_hidden() {
    let history = survived("kind = 'status-throttled', rate = 1.0");
    assert!(told(&history, |status, from| (status, from) == (429, Source::Origin)) > 0);
    assert_eq!(told(&history, |status, from| status == 429 && from == Source::Edge), 0);
}

#[test]
fn an_empty_cache_costs_reads_and_nothing_else() {
    let reads = |history: &History| {
        count(
            history,
            |event| matches!(event, Event::Edge(EdgeEvent::OriginAsked { origin, .. }) if origin == "status"),
        )
    };
    let usual = visited(OPEN, "kind = 'status-throttled', nth = [1]");
    let history = survived("kind = 'copies-evicted', rate = 1.0");
    assert!(2 * reads(&history) > 3 * reads(&usual), "{} and {}", reads(&history), reads(&usual));
}

#[test]
fn what_api_gateway_did_not_take_is_handed_in_again() {
    let history = handed_in("kind = 'gateway-failing', placement = 'before', rate = 0.7");
    assert_eq!((history.sent.len(), history.book.len()), (20, 20));
    let asked = |event: &Event| matches!(event, Event::Edge(EdgeEvent::OriginAsked { path, .. }) if path == "/payments");
    assert_eq!(count(&history, asked), 20 + fired(&history, Kind::GatewayFailing));
}

#[test]
fn what_was_taken_and_not_answered_comes_twice_and_is_charged_once() {
    let history = handed_in("kind = 'gateway-failing', placement = 'after', rate = 0.7");
    let twice = fired(&history, Kind::GatewayFailing) as usize;
    assert_eq!((history.sent.len(), history.book.len()), (20 + twice, 20));
    let sent = |event: &Event| matches!(event, Event::Queue(QueueEvent::Sent { queue, .. }) if *queue == history.names.source);
    assert_eq!(count(&history, sent), 20 + twice as u64);
}

#[test]
fn without_keys_no_link_is_checked_and_nobody_is_told_that_it_is_not_good() {
    let fault = "kind = 'keys-unreadable', rate = 1.0";
    let history = visited("{ from = '1m', for = '10m', rate = 1.0 },", fault);
    assert_passes(&history, fault);
    let refused = told(&history, |status, from| (status, from) == (503, Source::Function));
    assert!(refused > 50, "{refused}");
    let no_link = edge(&history).looks.iter().filter(|look| look.said.state == "no_link").count();
    assert_eq!(no_link, 0);
}
