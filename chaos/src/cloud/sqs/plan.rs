//! What may go wrong with queues.
//!
//! A standard queue promises less than it usually keeps: at least one delivery, some order, metrics some time.
//! Invariant: whoever answers something else than the default has made it so; the queue does what it is told.

use super::message::Content;
use payments::UnixMs;
use std::fmt::Debug;

/// Decides what queues get wrong. By default they get nothing wrong.
pub trait QueuePlan: Debug + Send + Sync {
    /// A message of `queue` is handed out: after how many ms it is handed out again, whoever works on it.
    fn duplicates_after_ms(&self, queue: &str, message: &Content, now: UnixMs) -> Option<u64> {
        let _ = (queue, message, now);
        None
    }

    /// A message was deleted from `queue`: after how many ms it is there again.
    fn returns_after_ms(&self, queue: &str, message: &Content, now: UnixMs) -> Option<u64> {
        let _ = (queue, message, now);
        None
    }

    /// A receive finds `visible` messages, 2 or more: how many of them, fewer than all, it takes for the last.
    fn passes_over(&self, queue: &str, visible: usize, now: UnixMs) -> usize {
        let _ = (queue, visible, now);
        0
    }

    /// A receive could take `available` messages, 1 or more: how many of them, one at least, it finds.
    fn finds(&self, queue: &str, available: usize, now: UnixMs) -> usize {
        let _ = (queue, now);
        available
    }

    /// Whether the visibility of a message cannot be changed now.
    fn refuses_visibility(&self, queue: &str, message: &Content, now: UnixMs) -> bool {
        let _ = (queue, message, now);
        false
    }

    /// Whether a message is gone for good when its visibility is changed.
    fn purges(&self, queue: &str, message: &Content, now: UnixMs) -> bool {
        let _ = (queue, message, now);
        false
    }

    /// A move task of `queue` starts and sees `visible` messages, 1 or more: how many of them it will leave behind.
    fn leaves_behind(&self, queue: &str, visible: usize, now: UnixMs) -> usize {
        let _ = (queue, visible, now);
        0
    }

    /// A queue that nobody polls holds something again: after how many ms its metrics say so, if they had stopped.
    fn metrics_wake_after_ms(&self, queue: &str, now: UnixMs) -> Option<u64> {
        let _ = (queue, now);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::fixtures::{START, queues};
    use crate::cloud::sqs::{Call, Delivery, MoveOrder, NewMessage, Sqs};
    use crate::journal::Journal;
    use serde_json::{Value, json};
    use std::sync::Arc;

    const URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/payments";

    /// Gets everything wrong that it can.
    #[derive(Debug)]
    struct Murphy;

    impl QueuePlan for Murphy {
        fn duplicates_after_ms(&self, _: &str, message: &Content, _: UnixMs) -> Option<u64> {
            (message.body == "twice").then_some(2_000)
        }

        fn returns_after_ms(&self, _: &str, message: &Content, _: UnixMs) -> Option<u64> {
            (message.body == "undead").then_some(60_000)
        }

        fn passes_over(&self, _: &str, visible: usize, _: UnixMs) -> usize {
            visible - 1
        }

        fn refuses_visibility(&self, _: &str, message: &Content, _: UnixMs) -> bool {
            message.body == "stubborn"
        }

        fn purges(&self, _: &str, message: &Content, _: UnixMs) -> bool {
            message.body == "doomed"
        }

        fn leaves_behind(&self, _: &str, visible: usize, _: UnixMs) -> usize {
            visible
        }
    }

    fn holding(bodies: &[&str]) -> Sqs {
        let mut sqs = Sqs::new(&queues(1), 1, START, Journal::default()).unwrap().under(Arc::new(Murphy));
        for body in bodies {
            sqs.send("payments", NewMessage::text(*body), START).unwrap();
        }
        sqs
    }

    fn receive(sqs: &mut Sqs, after_ms: i64) -> Vec<Delivery> {
        sqs.receive("payments", 10, None, START.plus_ms(after_ms)).unwrap()
    }

    fn bodies(deliveries: &[Delivery]) -> Vec<&str> {
        deliveries.iter().map(|delivery| delivery.content.body.as_str()).collect()
    }

    #[test]
    fn a_duplicate_is_handed_out_while_the_first_delivery_is_at_work() {
        let mut sqs = holding(&["twice"]);
        sqs.queue_mut("payments").unwrap().config.redrive = None;
        let first = receive(&mut sqs, 0);
        assert!(receive(&mut sqs, 1_999).is_empty());
        let second = receive(&mut sqs, 2_000);
        assert_eq!((bodies(&second), second[0].receives), (vec!["twice"], 2));
        sqs.delete("payments", &first[0].receipt_handle, START.plus_ms(2_100)).unwrap();
        assert_eq!(sqs.messages("payments", START.plus_ms(2_100)).unwrap().len(), 1, "an old handle");
    }

    #[test]
    fn what_was_deleted_is_seen_by_nobody_until_it_is_back() {
        let mut sqs = holding(&["undead"]);
        let got = receive(&mut sqs, 0);
        sqs.delete("payments", &got[0].receipt_handle, START).unwrap();
        assert_eq!(sqs.depth("payments", START.plus_ms(59_999)).unwrap().total(), 0);
        assert_eq!(sqs.next_receivable("payments"), Some(START.plus_ms(60_000)));
        assert_eq!(sqs.depth("payments", START.plus_ms(60_000)).unwrap().visible, 1);
    }

    #[test]
    fn a_later_message_is_handed_out_before_earlier_ones() {
        assert_eq!(bodies(&receive(&mut holding(&["a", "b", "c"]), 0)), ["c", "a", "b"]);
    }

    /// Finds one message where there are several.
    #[derive(Debug)]
    struct Nearsighted;

    impl QueuePlan for Nearsighted {
        fn finds(&self, _: &str, available: usize, _: UnixMs) -> usize {
            assert!(available > 1, "of one message none is held back");
            1
        }
    }

    #[test]
    fn a_receive_finds_a_part_and_the_rest_is_there_for_the_next() {
        let mut sqs = holding(&["a", "b"]).under(Arc::new(Nearsighted));
        let found: Vec<usize> = [0, 1, 2].map(|ms| receive(&mut sqs, ms).len()).into();
        assert_eq!(found, [1, 1, 0]);
    }

    #[test]
    fn a_count_that_is_behind_is_that_of_the_last_full_minute() {
        let mut sqs = holding(&["a"]);
        let waiting = |behind_ms: i64, sqs: &mut Sqs| {
            let body = json!({ "QueueUrl": URL, "AttributeNames": ["ApproximateNumberOfMessages"] });
            let call = Call::read("GetQueueAttributes", body.to_string().as_bytes()).unwrap();
            let reply = sqs.answer(&call.behind(behind_ms), START).into_reply();
            let answer: Value = serde_json::from_slice(&reply.body).unwrap();
            answer["Attributes"]["ApproximateNumberOfMessages"].clone()
        };
        sqs.count(START);
        sqs.send("payments", NewMessage::text("b"), START).unwrap();
        assert_eq!([waiting(0, &mut sqs), waiting(1, &mut sqs)], ["2", "1"]);
    }

    #[test]
    fn one_entry_of_a_batch_fails_and_is_not_the_senders_fault() {
        let mut sqs = holding(&["stubborn", "meek"]);
        let got = receive(&mut sqs, 0);
        let entry = |delivery: &Delivery| json!({ "Id": delivery.content.body, "ReceiptHandle": delivery.receipt_handle, "VisibilityTimeout": 5 });
        let body = json!({ "QueueUrl": URL, "Entries": got.iter().map(entry).collect::<Vec<_>>() });
        let call = Call::read("ChangeMessageVisibilityBatch", body.to_string().as_bytes()).unwrap();
        let reply = sqs.answer(&call, START).into_reply();
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(answer["Successful"], json!([{ "Id": "meek" }]));
        let text = "We encountered an internal error. Please try again.";
        let failed =
            json!([{ "Id": "stubborn", "SenderFault": false, "Code": "InternalError", "Message": text }]);
        assert_eq!((reply.status, &answer["Failed"]), (200, &failed));
        assert_eq!(sqs.next_receivable("payments"), Some(START.plus_ms(5_000)));
    }

    #[test]
    fn a_message_is_gone_for_good_once_it_is_handed_back() {
        let mut sqs = holding(&["doomed"]);
        let got = receive(&mut sqs, 0);
        sqs.change_visibility("payments", &got[0].receipt_handle, 5, START).unwrap();
        assert_eq!(
            (sqs.depth("payments", START).unwrap().total(), sqs.next_receivable("payments")),
            (0, None)
        );
    }

    #[test]
    fn a_move_task_ends_and_leaves_messages_behind() {
        let mut sqs = holding(&["a"]);
        receive(&mut sqs, 0);
        let later = START.plus_ms(360_000);
        sqs.receive("payments", 10, None, later).unwrap();
        let order = MoveOrder { source: "dead", destination: None, rate_per_s: None };
        sqs.start_move(order, later.plus_ms(10_000)).unwrap();
        sqs.move_due(later.plus_ms(60_000));
        assert_eq!(sqs.next_move(), None, "it is over");
        assert_eq!(sqs.depth("dead", later.plus_ms(60_000)).unwrap().visible, 1);
    }
}
