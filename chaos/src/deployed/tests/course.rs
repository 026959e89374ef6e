//! How a run goes, and that it is undone however it ends.

use super::*;
use crate::promises::Check;
use crate::world::{Ending, History};

const TWO: &str = r#"[workload]
bodies = [
  '{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}',
  '{"payment_id":"order-2","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}',
]
at = ["0s"]

[[fault]]
kind = "stripe-unavailable"
from = "10s"
for = "20s"
rate = 1.0
"#;

/// The ledger says that both were charged.
fn settled(stand: &Stand) {
    let row = |number: u32| {
        let text = |text: String| json!({ "S": text });
        let number_of = |number: i64| json!({ "N": number.to_string() });
        json!({
            "payment_id": text(format!("order-{number}")), "state": text("succeeded".to_owned()), "version": number_of(3),
            "intent_id": text(format!("pi_{number}")), "amount": number_of(1_999), "currency": text("eur".to_owned()),
            "received_at": number_of(BEGAN.0 + 2_000), "settled_at": number_of(BEGAN.0 + 4_000),
            "expires_at": number_of((BEGAN.0 + 4_000).div_euclid(1_000) + 400 * 86_400),
        })
    };
    // Before the run the ledger must not know them: they appear with the first message.
    stand.answers("dynamodb.scan", &json!({ "Items": [row(1), row(2)] }));
    let entry = |id: u32| json!({ "Id": id.to_string(), "MessageId": format!("m-{}", id + 1) });
    stand.answers("sqs.send-message-batch", &json!({ "Successful": [entry(0), entry(1)] }));
}

fn ran(stand: &Stand, interrupted: &dyn Fn() -> bool) -> (Result<History, DeployedError>, Vec<String>) {
    let (Ended { history, .. }, said) = ended(stand, interrupted);
    (history, said)
}

fn ended(stand: &Stand, interrupted: &dyn Fn() -> bool) -> (Ended, Vec<String>) {
    let plan = stand.plan(TWO).expect("nothing speaks against it");
    settled(stand);
    let hands = Hands::new();
    let (now, wait) = (|| hands.now(), |ms| hands.wait(ms));
    let time = Time { now: &now, wait: &wait, interrupted };
    let mut said = Vec::new();
    let ended = run(plan, &time, &mut |line| said.push(line.to_owned()));
    (ended, said)
}

fn undone(stand: &Stand) -> Vec<String> {
    let mut called = stand.called();
    called.retain(|call| call.contains("unsubscribe") || call.contains("delete-queue"));
    called
}

const UNDONE: [&str; 2] = [
    "sns unsubscribe --subscription-arn arn:aws:sns:eu-central-1:1:alerts:s-1",
    "sqs delete-queue --queue-url https://sqs/1/mailbox",
];

#[test]
fn a_run_is_watched_to_its_end_and_judged_by_what_was_seen() {
    let served = Served::with(Vec::new());
    let stand = Stand::new("course", &served.base);
    let (ended, said) = ran(&stand, &|| false);
    let history = ended.expect("it comes to its end");
    assert_eq!(
        (history.ending, history.sent.len(), history.ledger.len()),
        (Ending::Drained, 2, 2),
        "{said:?}"
    );
    assert_eq!(undone(&stand), UNDONE);
    let faults = served.ended();
    let lasted_ms: Vec<u64> = faults.iter().map(|tally| tally.fault.window.length_ms()).collect();
    assert!(lasted_ms.len() == 1 && lasted_ms[0] < 20_000, "it was set, and cleared by us: {lasted_ms:?}");

    let judgement = crate::checks::judge(&history);
    let verdict = |check| judgement.of(check).map(crate::checks::Verdict::name);
    // The ledger of this stack lies: nothing was ever charged.
    assert_eq!(verdict(Check::LedgerAgrees), Some("fail"));
    // Nobody called while it was set.
    assert_eq!(verdict(Check::FaultsFired), Some("inconclusive"));
    // The log is empty, and the checks that need it are told so by name.
    assert!(judgement.unseen().any(|check| check == Check::CallsBounded));
}

#[test]
fn whoever_ends_it_leaves_nothing_behind() {
    let served = Served::with(Vec::new());
    let stand = Stand::new("interrupted", &served.base);
    let asked = Cell::new(0);
    // In the middle of the outage, a good while after the mailbox was opened.
    let interrupted = || {
        asked.set(asked.get() + 1);
        asked.get() > 40
    };
    let (ended, said) = ran(&stand, &interrupted);
    assert!(matches!(ended, Err(DeployedError::Interrupted)), "{said:?}");
    assert_eq!(undone(&stand), UNDONE);
    let by_hand = said.iter().skip_while(|line| !line.contains("another Ctrl-C leaves it to you")).skip(1);
    let by_hand: Vec<&str> = by_hand.map(|line| line.trim_start()).collect();
    assert!(by_hand.len() == 3 && by_hand[0].starts_with("curl "), "{by_hand:?}");
    assert!(by_hand[1..].iter().zip(UNDONE).all(|(line, undone)| line.contains(undone)), "{by_hand:?}");
    let faults = served.ended();
    assert!(faults.len() == 1 && faults[0].fault.window.length_ms() < 20_000, "{faults:?}");
}

#[test]
fn what_cannot_be_undone_is_said_with_its_command_and_the_rest_is_undone() {
    let served = Served::with(Vec::new());
    let stand = Stand::new("stuck", &served.base);
    stand.refuses("sns.unsubscribe", "An error occurred (AuthorizationError): not you\n");
    let (ended, said) = ended(&stand, &|| false);
    assert!(ended.history.is_ok());
    assert_eq!(ended.left, 1);
    assert_eq!(undone(&stand), UNDONE);
    let left: Vec<&String> = said.iter().filter(|line| line.starts_with("not undone")).collect();
    insta::assert_snapshot!(left[0], @"not undone: aws sns unsubscribe: An error occurred (AuthorizationError): not you; by hand: aws sns unsubscribe --subscription-arn arn:aws:sns:eu-central-1:1:alerts:s-1 --region eu-central-1");
    assert_eq!(left.len(), 1);
    served.ended();
}

#[test]
fn a_stack_that_answers_no_more_is_asked_again_and_then_left_as_it_was() {
    let served = Served::with(Vec::new());
    let stand = Stand::new("gone", &served.base);
    stand.refuses("sqs.receive-message", "An error occurred (ThrottlingException): later\n");
    let (ended, said) = ran(&stand, &|| false);
    let asked_again = said.iter().filter(|line| line.ends_with("it is asked again")).count();
    assert_eq!((ended.is_err(), asked_again), (true, 5), "{said:?}");
    assert_eq!(undone(&stand), UNDONE);
    served.ended();
}

#[test]
fn what_may_have_been_made_although_nobody_heard_of_it_is_looked_for_and_undone() {
    let served = Served::with(Vec::new());
    let lost = "Read timeout on endpoint URL\n";
    let stand = Stand::new("unheard", &served.base);
    stand.refuses("sqs.create-queue", lost);
    stand.answers("sqs.get-queue-url", &json!({ "QueueUrl": "https://sqs/1/unheard" }));
    assert!(ran(&stand, &|| false).0.is_err());
    assert_eq!(undone(&stand), ["sqs delete-queue --queue-url https://sqs/1/unheard"]);

    let stand = Stand::new("never-made", &served.base);
    stand.refuses("sqs.create-queue", lost);
    stand.refuses("sqs.get-queue-url", "An error occurred (AWS.SimpleQueueService.NonExistentQueue): none\n");
    let (ended, said) = ended(&stand, &|| false);
    assert_eq!((ended.left, undone(&stand)), (0, Vec::new()), "{said:?}");

    let stand = Stand::new("unheard-subscription", &served.base);
    stand.refuses("sns.subscribe", lost);
    let subscription = |queue: &str, arn: &str| json!({ "Endpoint": queue, "SubscriptionArn": arn });
    let (ours, others) = ("arn:aws:sqs:eu-central-1:123456789012:mailbox", "somebody@example.com");
    let listed = [subscription(others, "arn:other"), subscription(ours, "arn:ours")];
    stand.answers("sns.list-subscriptions-by-topic", &json!({ "Subscriptions": listed }));
    assert!(ran(&stand, &|| false).0.is_err());
    assert_eq!(undone(&stand), ["sns unsubscribe --subscription-arn arn:ours", UNDONE[1]]);
    served.ended();
}

#[test]
fn a_mailbox_that_was_made_is_taken_away_when_its_subscription_is_refused() {
    let served = Served::with(Vec::new());
    let stand = Stand::new("half", &served.base);
    stand.refuses("sns.subscribe", "An error occurred (AuthorizationError): not you\n");
    let (ended, _) = ran(&stand, &|| false);
    assert_eq!(
        ended.err().map(|it| it.to_string()).as_deref(),
        Some("aws sns subscribe: An error occurred (AuthorizationError): not you")
    );
    assert_eq!(undone(&stand), UNDONE[1..]);
    assert!(
        !stand.called().iter().any(|call| call.contains("send-message-batch")),
        "nothing is sent that nobody sees"
    );
    served.ended();
}
