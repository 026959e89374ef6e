//! The DynamoDB adapter and the pure row agree: whatever sequence of changes, from whatever reading, both come to
//! the same row or both refuse.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use chaos::clock::Clock;
use chaos::cloud::wire::{CurrentRequest, Latencies, Wire};
use chaos::cloud::{Blueprint, Cloud};
use chaos::journal::Journal;
use chaos::link::Link;
use chaos::template::{Deployment, Stack};
use ledger::{Changed, Ledger, LedgerError, Opening, Reader, Received};
use payments::cause::Cause;
use payments::ledger::{Change, Forget, HandedBack, OpenDelivery, Reason, Row};
use payments::provider::{ChargeId, Decline, IntentId};
use payments::pulse::Beat;
use payments::request::{Request, Wording};
use payments::suspicion::Refused;
use payments::{Payment, PaymentId, UnixMs};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

const START: UnixMs = UnixMs(1_767_603_600_000);

/// One move of the sequence.
#[derive(Clone, Debug)]
enum Move {
    /// Step 1 of a delivery of this message.
    Receive(u8, Opening),
    /// A change from the newest reading, or from one that many readings ago.
    Change(Change, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let delivery = |n: u8| OpenDelivery { began_at: START, message: format!("message-{n}") };
    let cause = prop_oneof![
        Just(Cause::ProviderTimeout),
        Just(Cause::Panicked),
        Just(Cause::DeclinedSoftly),
        Just(Cause::Refused)
    ];
    // Attempts that overlap: what is noted twice counts once.
    let declined_charges =
        proptest::collection::btree_set((0..3_u8).prop_map(|n| ChargeId(format!("ch_{n}"))), 0..3);
    let refused = (0..4_u32).prop_map(|times| {
        let what = format!("create: code-{times}");
        (times > 0).then(|| Refused { what, since: START.plus_ms(i64::from(times)), times })
    });
    prop_oneof![
        (0..3_u8).prop_map(|n| Change::Record(IntentId(format!("pi_{n}")))),
        Just(Change::NextGeneration(wording("2026-02-02"))),
        Just(Change::Succeed),
        Just(Change::Decline(Decline {
            code: "card_declined".into(),
            decline_code: Some("lost_card".into()),
            advice_code: Some("do_not_try_again".into()),
        })),
        Just(Change::Decline(Decline { code: "expired_card".into(), decline_code: None, advice_code: None })),
        Just(Change::Quarantine(Reason::Poison)),
        Just(Change::Quarantine(Reason::Refused("amount_too_small (amount)".into()))),
        Just(Change::Release(Forget::Nothing, wording("2026-03-03"))),
        Just(Change::Release(Forget::CanceledIntent, wording("2026-04-04"))),
        Just(Change::QuarantineSent("copy-1".into())),
        (0..3_u8, cause, refused, any::<bool>(), declined_charges).prop_map(
            move |(n, cause, refused, declines, declined_charges)| {
                let concluded = declines.then(Decline::authentication_required);
                let delivery = delivery(n);
                Change::HandedBack(HandedBack { cause, delivery, refused, concluded, declined_charges })
            }
        ),
        (1..3_u8).prop_map(move |n| Change::Excuse((0..n).map(delivery).collect())),
        Just(Change::SetAside(Cause::IntentMissing, "copy-2".into())),
    ]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        1 => (0..3_u8, prop_oneof![Just(Opening::Always), Just(Opening::IfNoneIsOpen)])
            .prop_map(|(n, opening)| Move::Receive(n, opening)),
        4 => (change(), prop_oneof![4 => Just(0_usize), 1 => 1..4_usize]).prop_map(|(change, ago)| Move::Change(change, ago)),
    ];
    proptest::collection::vec(one, 1..20)
}

fn request() -> Request {
    let payment = r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa",
        "customer":"cus_1","description":"2 CDs","metadata":{"k":"v"}}"#;
    Request::new(Payment::parse(payment).expect("valid"), wording("2026-01-01"))
}

/// Words that tell their version in each of their parts.
fn wording(version: &str) -> Arc<Wording> {
    Arc::new(Wording {
        version: version.to_owned(),
        create: vec![
            ("amount".to_owned(), "1999".to_owned()),
            ("create \"as of\"".to_owned(), version.to_owned()),
        ],
        confirm: vec![("confirm as of".to_owned(), format!("{version}\n"))],
    })
}

fn ledger(cloud: &Cloud, clock: Clock) -> Ledger {
    Ledger::new(dynamodb(cloud, clock), "payments-ledger".to_owned())
}

/// The client that a function would use.
pub(crate) fn dynamodb(cloud: &Cloud, clock: Clock) -> aws_sdk_dynamodb::Client {
    let wire =
        Wire::new(cloud.services().clone(), Latencies::new(7), Link::default(), CurrentRequest::default());
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
        .http_client(SharedHttpClient::new(wire))
        .time_source(clock)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_partition(RetryPartition::custom("test").build())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// Carries the moves out both ways and compares after each.
async fn agree(moves: Vec<Move>) -> Result<(), TestCaseError> {
    let clock = Clock::starting_at(START);
    let cloud = cloud(clock);
    let (ledger, request) = (ledger(&cloud, clock), request());
    let mut model: Option<Row> = None;
    let mut readings: Vec<Row> = Vec::new();
    for step in moves {
        let found = match step {
            Move::Receive(n, opening) => {
                let delivery = OpenDelivery { began_at: START, message: format!("message-{n}") };
                let occupied = opening == Opening::IfNoneIsOpen
                    && model
                        .as_ref()
                        .is_some_and(|row| !row.open.is_empty() && !row.open.contains(&delivery));
                model = Some(match model.take() {
                    None => Row::received(Arc::new(request.clone()), delivery.clone(), START),
                    Some(row) if occupied => row,
                    Some(row) => row.received_again(delivery.clone(), START),
                });
                match ledger.receive(&request, &delivery, START, opening).await {
                    Ok(Received::Row(row)) if !occupied => Some(row),
                    Ok(Received::Occupied(row)) if occupied => Some(row),
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                }
            }
            Move::Change(change, ago) => {
                let Some(read) = readings.iter().rev().nth(ago).cloned() else { continue };
                let expected = model.as_ref().and_then(|row| row.apply(&change, read.version, START));
                let changed = ledger.change(&read, &change, START).await;
                let row = match (changed, expected) {
                    (Ok(Changed::Row(row)), Some(expected)) => {
                        model = Some(expected);
                        row
                    }
                    (Ok(Changed::LostRace(Some(row))), None) => row,
                    (changed, expected) => {
                        return Err(TestCaseError::fail(format!(
                            "{change:?}: {changed:?}, expected {expected:?}"
                        )));
                    }
                };
                Some(row)
            }
        };
        prop_assert_eq!(&found, &model);
        readings.extend(found);
    }
    prop_assert_eq!(cloud.services().dynamodb().disagreements(), Vec::<String>::new());
    Ok(())
}

/// A way of reading many rows, of so many at most, up to so many milliseconds after the start.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Unsettled(usize, i64),
    Newest(usize, i64),
    SetAside(usize),
    More(u64, i64),
    Entries(u8),
    Row(u8),
}

/// What happens to one of a few payments, received so many milliseconds after the start.
#[derive(Clone, Debug)]
enum Act {
    Receive(u8, i64),
    Change(u8, Change),
    Read(Reading),
    Beat(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let reading = prop_oneof![
        (1..6_usize, 0..50_i64).prop_map(|(rows, ms)| Reading::Unsettled(rows, ms)),
        (1..6_usize, 0..50_i64).prop_map(|(rows, ms)| Reading::Newest(rows, ms)),
        (1..6_usize).prop_map(Reading::SetAside),
        (0..8_u64, 0..50_i64).prop_map(|(rows, ms)| Reading::More(rows, ms)),
        (0..12_u8).prop_map(Reading::Entries),
        (0..12_u8).prop_map(Reading::Row),
    ];
    let one = prop_oneof![
        3 => (0..10_u8, 0..40_i64).prop_map(|(payment, ms)| Act::Receive(payment, ms)),
        2 => (0..10_u8, change()).prop_map(|(payment, change)| Act::Change(payment, change)),
        3 => reading.prop_map(Act::Read),
        1 => (0..9_i64).prop_map(Act::Beat),
    ];
    proptest::collection::vec(one, 1..60)
}

/// Does it all, and asks what dynoxide would have said otherwise.
async fn read_alike(acts: Vec<Act>) -> Result<(), TestCaseError> {
    let clock = Clock::starting_at(START);
    let cloud = cloud(clock);
    let ledger = ledger(&cloud, clock);
    for act in acts {
        let done = match act {
            Act::Receive(payment, ms) => {
                let at = START.plus_ms(ms);
                let delivery = OpenDelivery { began_at: at, message: format!("message-{payment}") };
                ledger.receive(&request_of(payment), &delivery, at, Opening::Always).await.err()
            }
            Act::Change(payment, change) => match ledger.reader().row(&id(payment)).await {
                Ok(Some(row)) => ledger.change(&row, &change, START.plus_ms(99)).await.err(),
                Ok(None) => None,
                Err(error) => Some(error),
            },
            Act::Read(reading) => read(ledger.reader(), reading).await,
            Act::Beat(ms) => ledger.beat(Beat::of(1), ms, START.plus_ms(ms)).await.err(),
        };
        prop_assert!(done.is_none(), "{:?}", done);
    }
    prop_assert_eq!(cloud.services().dynamodb().disagreements(), Vec::<String>::new());
    Ok(())
}

async fn read(reader: &Reader, reading: Reading) -> Option<LedgerError> {
    match reading {
        Reading::Unsettled(rows, ms) => reader.unsettled(START.plus_ms(ms), rows).await.err(),
        Reading::Newest(rows, ms) => reader.newest_unsettled(START.plus_ms(ms), rows).await.err(),
        Reading::SetAside(rows) => reader.set_aside(START.plus_ms(60), rows).await.err(),
        Reading::More(rows, ms) => reader.more_unsettled_than(rows, START.plus_ms(ms)).await.err(),
        Reading::Entries(payments) => reader.entries(&(0..payments).map(id).collect()).await.err(),
        Reading::Row(payment) => reader.row(&id(payment)).await.err(),
    }
}

fn id(payment: u8) -> PaymentId {
    PaymentId::new(&format!("order-{payment}")).expect("has the form")
}

/// Payments of which some have what others lack.
fn request_of(payment: u8) -> Request {
    let customer = if payment.is_multiple_of(2) { r#","customer":"cus_1""# } else { "" };
    let metadata = if payment.is_multiple_of(3) { r#","metadata":{"shop":"eu","empty":""}"# } else { "" };
    let json = format!(
        r#"{{"payment_id":"order-{payment}","amount":{},"currency":"eur","payment_method":"pm_card_visa"{customer}{metadata}}}"#,
        1_000 + i32::from(payment)
    );
    Request::new(Payment::parse(&json).expect("valid"), wording("2026-01-01"))
}

fn cloud(clock: Clock) -> Cloud {
    let parameters = BTreeMap::from([
        (
            "StripeSecretArn".to_owned(),
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-a1B2c3".to_owned(),
        ),
        ("AlertEmail".to_owned(), "on-call@example.com".to_owned()),
        ("StripeMode".to_owned(), "test".to_owned()),
    ]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let stack = Stack::load(&path, &Deployment { parameters, ..Deployment::default() }).expect("it loads");
    let blueprint = Blueprint {
        tables: stack.tables.into_values().collect(),
        // One that puts every call to dynoxide.
        seed: 16,
        ..Blueprint::default()
    };
    Cloud::start(blueprint, clock, &Journal::default()).expect("it starts")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_read_in_every_way_as_dynoxide_reads_them(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime without I/O starts").block_on(read_alike(acts))?;
    }

    #[test]
    fn the_adapter_and_the_rules_agree_on_every_sequence_of_changes(moves in moves()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime without I/O starts").block_on(agree(moves))?;
    }
}

#[test]
fn another_request_under_the_same_id_is_told_apart_and_changes_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O starts").block_on(async {
        let clock = Clock::starting_at(START);
        let cloud = cloud(clock);
        let ledger = ledger(&cloud, clock);
        let first = request();
        let delivery = OpenDelivery { began_at: START, message: "message".to_owned() };
        let row =
            ledger.receive(&first, &delivery, START, Opening::Always).await.expect("the ledger answers");
        let json =
            r#"{"payment_id":"order-1","amount":2999,"currency":"eur","payment_method":"pm_card_visa"}"#;
        let other = Request::new(Payment::parse(json).expect("valid"), wording("2026-01-01"));
        for opening in [Opening::IfNoneIsOpen, Opening::Always] {
            let refused = ledger.receive(&other, &delivery, START, opening).await;
            assert_eq!(refused.expect("the ledger answers"), Received::OtherRequest);
        }
        let Received::Row(before) = row else { panic!("the first request made the row") };
        let change = Change::HandedBack(HandedBack {
            cause: Cause::Panicked,
            delivery,
            refused: None,
            concluded: None,
            declined_charges: BTreeSet::new(),
        });
        let Changed::Row(after) = ledger.change(&before, &change, START).await.expect("the ledger answers")
        else {
            panic!("the row is there")
        };
        assert_eq!(after.request, before.request);
        assert_eq!(after.attempts, 1);
    });
}
