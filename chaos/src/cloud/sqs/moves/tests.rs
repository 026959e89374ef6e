//! Move tasks, first as a state machine and then through the real client.

mod client;
mod protocol;

use super::*;
use crate::cloud::config::QueueConfig;
use crate::cloud::fixtures::{START, queue, queues};
use crate::cloud::sqs::{Call, Delivery, Depth, MessageAttribute, NewMessage};
use crate::journal::{Event, Journal, MoveTaskEvent, QueueEvent, Record};
use serde_json::{Value, json};

const DEAD: &str = "arn:aws:sqs:eu-central-1:123456789012:dead";
const TO_ORIGIN: MoveOrder<'static> = MoveOrder { source: "dead", destination: None, rate_per_s: Some(1) };

/// SQS with `payments` and `refunds`, which dead-letter to `dead`, and its journal.
struct Town {
    sqs: Sqs,
    journal: Journal,
}

impl Town {
    fn new() -> Self {
        let journal = Journal::default();
        let mut queues = queues(1);
        queues.push(QueueConfig { name: "refunds".to_owned(), ..queues[0].clone() });
        queues.push(queue("elsewhere"));
        Self { sqs: Sqs::new(&queues, 1, START, journal.clone()).unwrap(), journal }
    }

    /// With `count` messages in `dead`, named by number, that have been there for a minute.
    fn with_dead_letters(count: usize) -> Self {
        let mut town = Self::new();
        for number in 0..count {
            town.dead_letter("payments", NewMessage::text(number.to_string()), at_s(-60));
        }
        town
    }

    fn dead_letter(&mut self, from: &str, message: NewMessage, at: UnixMs) {
        self.sqs.send(from, message, at).unwrap();
        self.sqs.receive(from, 10, Some(0), at).unwrap();
        assert!(self.sqs.receive(from, 10, Some(0), at).unwrap().is_empty());
    }

    fn start(&mut self, order: MoveOrder<'_>) -> String {
        self.sqs.start_move(order, START).unwrap()
    }

    /// Carries tasks forward as the cloud does: at each of their instants, up to `until`.
    fn run(&mut self, until: UnixMs) {
        while let Some(at) = self.sqs.next_move().filter(|at| *at <= until) {
            self.sqs.move_due(at);
        }
    }

    fn list(&mut self, now: UnixMs) -> Value {
        self.call("ListMessageMoveTasks", json!({ "SourceArn": DEAD, "MaxResults": 10 }), now).2["Results"]
            .clone()
    }

    /// The answer of the JSON protocol: status, query code, body.
    fn call(&mut self, operation: &str, body: Value, now: UnixMs) -> (u16, Option<String>, Value) {
        let call = Call::read(operation, body.to_string().as_bytes()).unwrap();
        let reply = self.sqs.answer(&call, now).into_reply();
        let code = reply.headers.iter().find(|(name, _)| *name == "x-amzn-query-error");
        (reply.status, code.map(|(_, value)| value.clone()), serde_json::from_slice(&reply.body).unwrap())
    }

    fn bodies(&mut self, queue: &str, now: UnixMs) -> Vec<String> {
        let held = self.sqs.messages(queue, now).unwrap();
        held.iter().map(|message| message.content.body.clone()).collect()
    }

    fn visible(&mut self, queue: &str, now: UnixMs) -> usize {
        self.sqs.depth(queue, now).unwrap().visible
    }

    fn receive_one(&mut self, queue: &str, now: UnixMs) -> Delivery {
        self.sqs.receive(queue, 1, None, now).unwrap().remove(0)
    }

    /// When messages were redriven.
    fn moved_at(&self) -> Vec<UnixMs> {
        let moved = |record: &Record| {
            matches!(record.event, Event::Queue(QueueEvent::Redriven { .. })).then_some(record.at)
        };
        self.journal.records().iter().filter_map(moved).collect()
    }
}

fn at_s(seconds: i64) -> UnixMs {
    START.plus_ms(1000 * seconds)
}

fn end() -> UnixMs {
    at_s(3600)
}

#[test]
fn four_messages_at_one_a_second_take_three_seconds() {
    let mut town = Town::with_dead_letters(4);
    town.start(TO_ORIGIN);
    assert!(town.moved_at().is_empty(), "a start moves nothing by itself");
    town.run(end());
    let times = town.moved_at();
    let gaps: Vec<i64> = times.windows(2).map(|pair| pair[1].since_ms(pair[0])).collect();
    assert_eq!(gaps, [1000, 1000, 1000]);
    assert_eq!(town.list(end())[0]["Status"], json!("COMPLETED"));
    let ended = town.journal.records().pop().unwrap();
    let Event::MoveTask(MoveTaskEvent::Ended { source, status, moved, reason, .. }) = ended.event else {
        panic!("the last event is the end, not {:?}", ended.event);
    };
    assert_eq!((source.as_str(), status, moved, reason), ("dead", MoveEnd::Completed, 4, None));
}

#[test]
fn a_rate_that_does_not_divide_a_second_does_not_drift() {
    let mut town = Town::with_dead_letters(7);
    town.start(MoveOrder { rate_per_s: Some(3), ..TO_ORIGIN });
    town.run(end());
    let times = town.moved_at();
    let since_first: Vec<i64> = times.iter().map(|at| at.since_ms(times[0])).collect();
    assert_eq!(since_first, [0, 333, 666, 1000, 1333, 1666, 2000]);
}

#[test]
fn without_a_rate_the_backlog_decides() {
    for (backlog, expected_ms) in [(20, 1900), (1200, 59_950)] {
        let mut town = Town::with_dead_letters(backlog);
        town.start(MoveOrder { rate_per_s: None, ..TO_ORIGIN });
        town.run(end());
        let times = town.moved_at();
        assert_eq!(times[backlog - 1].since_ms(times[0]), expected_ms);
    }
}

#[test]
fn a_redriven_message_is_a_new_one_with_the_old_body_and_attributes() {
    let mut town = Town::new();
    let mut message = NewMessage::text("order");
    message.trace_header = Some("Root=1-5759e988".to_owned());
    message.attributes.insert("origin".to_owned(), MessageAttribute::text("till 4"));
    town.dead_letter("payments", message.clone(), at_s(-300_000));
    let dead = town.receive_one("dead", at_s(-400));
    town.start(TO_ORIGIN);
    town.run(end());

    let moved_at = town.moved_at()[0];
    let redriven = town.receive_one("payments", at_s(300_000));
    assert_ne!(redriven.content.id, dead.content.id);
    assert_eq!(redriven.content.body, "order");
    assert_eq!(redriven.content.attributes, message.attributes);
    assert_eq!(redriven.content.trace_header, message.trace_header);
    assert_eq!(redriven.content.sent_at, moved_at, "and so its retention begins again");
    assert_eq!((redriven.receives, redriven.first_received_at), (1, at_s(300_000)));
    assert_eq!(redriven.dead_letter_source, None);
    assert_eq!(town.bodies("dead", end()), Vec::<String>::new());
    let moved = QueueEvent::Redriven {
        from: "dead".to_owned(),
        to: "payments".to_owned(),
        message: dead.content.id.clone(),
        as_message: redriven.content.id.clone(),
    };
    assert!(town.journal.records().contains(&Record { at: moved_at, event: moved.into() }));
}

#[test]
fn without_a_destination_every_message_goes_back_to_its_own_queue() {
    let mut town = Town::new();
    town.dead_letter("payments", NewMessage::text("charge"), at_s(-60));
    town.dead_letter("refunds", NewMessage::text("refund"), at_s(-60));
    town.start(TO_ORIGIN);
    town.run(end());
    assert_eq!(town.bodies("payments", end()), ["charge"]);
    assert_eq!(town.bodies("refunds", end()), ["refund"]);
}

#[test]
fn with_a_destination_every_message_goes_there_wherever_it_came_from() {
    let mut town = Town::new();
    town.dead_letter("payments", NewMessage::text("charge"), at_s(-60));
    town.sqs.send("dead", NewMessage::text("sent here"), at_s(-50)).unwrap();
    town.start(MoveOrder { destination: Some("elsewhere"), ..TO_ORIGIN });
    town.run(end());
    assert_eq!(town.bodies("elsewhere", end()), ["charge", "sent here"]);
}

#[test]
fn what_was_sent_first_is_moved_first() {
    let mut town = Town::new();
    for body in ["first", "second"] {
        town.sqs
            .send("payments", NewMessage::text(body), at_s(if body == "first" { -90 } else { -80 }))
            .unwrap();
    }
    let first = town.receive_one("payments", at_s(-80));
    town.receive_one("payments", at_s(-80));
    town.sqs.change_visibility("payments", &first.receipt_handle, 400, at_s(-80)).unwrap();
    for now in [at_s(280), at_s(320)] {
        town.sqs.receive("payments", 10, None, now).unwrap();
    }
    assert_eq!(town.bodies("dead", at_s(320)), ["second", "first"], "in the order they were dead-lettered");
    town.sqs.start_move(TO_ORIGIN, at_s(400)).unwrap();
    town.run(end());
    assert_eq!(town.bodies("payments", end()), ["first", "second"]);
}

#[test]
fn the_number_to_move_is_fixed_and_the_number_moved_lags() {
    let mut town = Town::with_dead_letters(10);
    town.start(TO_ORIGIN);
    assert_eq!(town.list(START)[0].get("ApproximateNumberOfMessagesToMove"), None, "not looked at yet");
    town.sqs.send("dead", NewMessage::text("late"), START).unwrap();
    let mut lags = Vec::new();
    for second in 1..9 {
        town.run(at_s(second));
        let task = town.list(at_s(second))[0].clone();
        assert_eq!(task["ApproximateNumberOfMessagesToMove"], json!(10));
        lags.push(town.moved_at().len() as u64 - task["ApproximateNumberOfMessagesMoved"].as_u64().unwrap());
    }
    assert!(lags.contains(&1) && lags.iter().all(|lag| *lag <= 3), "{lags:?}");
    town.run(end());
    assert_eq!(town.list(end())[0]["ApproximateNumberOfMessagesMoved"], json!(10), "exact once it has ended");
}

#[test]
fn what_lands_after_the_start_stays_and_the_task_completes() {
    let mut town = Town::with_dead_letters(3);
    town.start(TO_ORIGIN);
    town.run(at_s(1));
    town.dead_letter("refunds", NewMessage::text("late"), at_s(2));
    town.run(end());
    assert_eq!(town.bodies("dead", end()), ["late"]);
    assert_eq!(town.list(end())[0]["Status"], json!("COMPLETED"));
}

#[test]
fn what_landed_just_before_the_start_may_be_missed_and_the_task_completes() {
    let mut town = Town::new();
    town.dead_letter("payments", NewMessage::text("fresh"), at_s(-44));
    town.sqs.overlook_in_moves((45_000, 45_000));
    town.start(TO_ORIGIN);
    town.run(end());
    let task = town.list(end())[0].clone();
    assert_eq!(
        (&task["Status"], &task["ApproximateNumberOfMessagesMoved"]),
        (&json!("COMPLETED"), &json!(0))
    );
    assert_eq!(task["ApproximateNumberOfMessagesToMove"], json!(1));
    assert_eq!(town.bodies("dead", end()), ["fresh"]);

    town.sqs.start_move(TO_ORIGIN, at_s(60)).unwrap();
    town.run(end());
    assert_eq!(town.bodies("dead", end()), Vec::<String>::new(), "who looks again moves it");
}

#[test]
fn a_message_that_somebody_holds_is_left_to_them() {
    let mut town = Town::with_dead_letters(3);
    town.start(TO_ORIGIN);
    town.sqs.receive("dead", 1, Some(600), START).unwrap();
    town.run(end());
    assert_eq!(town.bodies("dead", end()), ["0"]);
    assert_eq!(town.bodies("payments", end()), ["1", "2"]);
}

#[test]
fn one_task_of_a_queue_is_active_at_a_time_and_a_cancelled_one_still_is() {
    let mut town = Town::with_dead_letters(20);
    let running = "There is already a task running. Only one active task is allowed for a source queue arn at a given time.";
    let handle = town.start(TO_ORIGIN);
    let refused = |town: &mut Town, now| town.sqs.start_move(TO_ORIGIN, now).unwrap_err().to_string();
    assert_eq!(refused(&mut town, at_s(1)), running);
    town.sqs.cancel_move(&handle, at_s(1)).unwrap();
    assert_eq!(town.list(at_s(1))[0]["Status"], json!("CANCELLING"));
    assert_eq!(refused(&mut town, at_s(2)), running);
    town.run(at_s(30));
    assert_eq!(town.list(at_s(30))[0]["Status"], json!("CANCELLED"));
    town.sqs.start_move(TO_ORIGIN, at_s(30)).unwrap();
}

#[test]
fn a_cancelled_task_goes_on_for_a_while_and_what_it_moved_stays_moved() {
    let mut town = Town::with_dead_letters(20);
    let handle = town.start(TO_ORIGIN);
    town.run(at_s(3));
    let answered = town.sqs.cancel_move(&handle, at_s(3)).unwrap();
    town.run(end());
    let moved = town.moved_at().len();
    assert!(moved as u64 >= answered + 2 && moved < 12, "answered {answered}, moved {moved}");
    assert_eq!(town.list(end())[0]["ApproximateNumberOfMessagesMoved"], json!(moved));
    assert_eq!((town.visible("payments", end()), town.visible("dead", end())), (moved, 20 - moved));
}

#[test]
fn a_cancelled_task_that_finds_nothing_more_ends_as_cancelled() {
    let mut town = Town::with_dead_letters(2);
    let handle = town.start(TO_ORIGIN);
    town.run(at_s(1));
    town.sqs.cancel_move(&handle, at_s(1)).unwrap();
    town.run(end());
    assert_eq!(town.moved_at().len(), 2);
    assert_eq!(town.list(end())[0]["Status"], json!("CANCELLED"));
}

#[test]
fn a_task_fails_when_its_destination_goes_away_and_the_rest_stays() {
    let mut town = Town::with_dead_letters(4);
    town.start(MoveOrder { destination: Some("elsewhere"), ..TO_ORIGIN });
    town.run(at_s(2));
    let moved = town.moved_at().len();
    assert!(town.sqs.remove_queue("elsewhere"));
    town.run(end());
    let task = town.list(end())[0].clone();
    assert_eq!(task["Status"], json!("FAILED"));
    assert_eq!(task["FailureReason"], json!("AWS.SimpleQueueService.NonExistentQueue"));
    assert_eq!(task["ApproximateNumberOfMessagesMoved"], json!(moved));
    assert_eq!(town.bodies("dead", end()).len(), 4 - moved);
}

#[test]
fn a_message_that_was_sent_to_the_dead_letter_queue_has_no_queue_to_go_back_to() {
    let mut town = Town::new();
    town.sqs.send("dead", NewMessage::text("sent here"), at_s(-60)).unwrap();
    town.start(TO_ORIGIN);
    town.run(end());
    let task = town.list(end())[0].clone();
    assert_eq!(
        (&task["Status"], &task["FailureReason"]),
        (&json!("FAILED"), &json!("CouldNotDetermineMessageSource"))
    );
    assert_eq!(town.sqs.depth("dead", end()).unwrap(), Depth { visible: 1, ..Depth::default() });
}

#[test]
fn a_task_that_has_ended_cannot_be_cancelled() {
    let mut town = Town::with_dead_letters(1);
    let handle = town.start(TO_ORIGIN);
    town.run(end());
    assert!(matches!(town.sqs.cancel_move(&handle, end()), Err(SqsError::InvalidParameterValue(_))));
    assert_eq!(town.list(end())[0]["Status"], json!("COMPLETED"));
}

#[test]
fn the_seed_decides_every_instant_and_every_id() {
    let journal = |seed| {
        let journal = Journal::default();
        let mut town = Town { sqs: Sqs::new(&queues(1), seed, START, journal.clone()).unwrap(), journal };
        town.dead_letter("payments", NewMessage::text("order"), at_s(-60));
        town.start(TO_ORIGIN);
        town.run(end());
        town.journal.records()
    };
    assert_eq!(journal(1), journal(1));
    assert_ne!(journal(1), journal(2));
}
