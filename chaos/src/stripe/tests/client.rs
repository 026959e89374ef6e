//! What the functions' client makes of every trouble: the two share no type but bytes.

use super::trouble::on;
use super::wire::World;
use super::*;
use crate::faults::{Kind, Placement};
use ::stripe::{ApiBase, ApiKey, Charger, Mode, Probe, Reader, Transport};
use authority::ToCharge;
use payments::charge::Method;
use payments::ledger::{Change, OpenDelivery, RecordedIntent};
use payments::provider::{Answer, Decline, DeclinedCharge, Intent, IntentId, IntentStatus, Replay};
use payments::request::Request as Frozen;
use payments::{Cause, Payment, Row};
use std::sync::Arc;

/// One call of the charger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Create,
    Confirm,
    Retrieve,
    Cancel,
}

const ACTS: [(Act, &str); 4] = [
    (Act::Create, "create"),
    (Act::Confirm, "confirm"),
    (Act::Retrieve, "retrieve"),
    (Act::Cancel, "cancel"),
];

fn payment() -> Payment {
    Payment::parse(
        r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#,
    )
    .unwrap()
}

fn frozen() -> Frozen {
    Frozen::new(payment(), Arc::new(::stripe::wording(&payment())))
}

/// Through a row, because there is no other way.
fn recorded(id: &str) -> RecordedIntent {
    let delivery = OpenDelivery { began_at: START, message: "message".to_owned() };
    let row = Row::received(Arc::new(frozen()), delivery, START);
    let row = row.apply(&Change::Record(IntentId(id.to_owned())), row.version, START).unwrap();
    row.recorded_intent().unwrap()
}

fn base() -> ApiBase {
    ApiBase::parse("https://api.stripe.com").unwrap()
}

fn charger(world: &World) -> Charger {
    Charger::new(Transport::new(world.wire()), base(), Mode::Test, ToCharge::assume())
}

fn reader(world: &World) -> Reader {
    Reader::new(Transport::new(world.wire()), base(), Mode::Test)
}

async fn act(world: &World, act: Act, id: &str) -> Answer {
    let (charger, key, frozen) = (charger(world), ApiKey::parse(SECRET).unwrap(), frozen());
    let reply = match act {
        Act::Create => charger.create(&key, &frozen, "order-1:create:0").await,
        Act::Confirm => charger.confirm(&key, &recorded(id), Method::OfTheIntent, &frozen).await,
        Act::Retrieve => charger.retrieve(&key, &recorded(id)).await,
        Act::Cancel => charger.cancel(&key, &recorded(id)).await,
    };
    reply.answer
}

/// What the client makes of an act that this fault strikes.
async fn meets(kind: Kind, placement: Option<Placement>, (what, operation): (Act, &str)) -> Answer {
    let world = World::under(on(operation, kind, placement));
    let id = if what == Act::Create { String::new() } else { world.create().await };
    act(&world, what, &id).await
}

fn unknown(cause: Cause) -> Answer {
    Answer::Unknown { cause, replay: Replay::Open }
}

fn not_done(cause: Cause) -> Answer {
    Answer::NotDone { cause }
}

fn status(answer: &Answer) -> &IntentStatus {
    let (Answer::Intent(Intent { status, .. }) | Answer::UnexpectedState(Intent { status, .. })) = answer
    else {
        panic!("no intent: {answer:?}")
    };
    status
}

#[tokio::test(start_paused = true)]
async fn without_trouble_every_call_is_read() {
    let world = World::under(Vec::new());
    let Answer::Intent(created) = act(&world, Act::Create, "").await else { panic!() };
    assert!(created.is_for(&payment()));
    let id = created.id.0.as_str();
    assert_eq!(*status(&act(&world, Act::Retrieve, id).await), IntentStatus::RequiresConfirmation);
    assert_eq!(*status(&act(&world, Act::Confirm, id).await), IntentStatus::Succeeded);
    for again in [Act::Confirm, Act::Cancel] {
        let refused = act(&world, again, id).await;
        assert!(matches!(refused, Answer::UnexpectedState(_)), "{refused:?}");
        assert_eq!(*status(&refused), IntentStatus::Succeeded);
    }
    let probe = reader(&world).probe(&ApiKey::parse(SECRET).unwrap()).await;
    assert_eq!(probe.answer, Probe::Well);
    assert_eq!(act(&world, Act::Retrieve, "pi_nobody").await, Answer::IntentMissing);
}

#[tokio::test(start_paused = true)]
async fn what_certainly_did_not_happen_is_known_not_to_have() {
    for call in ACTS {
        let throttled = meets(Kind::StripeThrottled, None, call).await;
        assert!(
            matches!(throttled, Answer::NotDone { cause: Cause::RateLimited, .. }),
            "{call:?} {throttled:?}"
        );
        let unauthorized = meets(Kind::StripeUnauthorized, None, call).await;
        assert_eq!(unauthorized, not_done(Cause::CredentialsRefused), "{call:?}");
        if call.0 != Act::Create {
            let locked = meets(Kind::StripeLockTimeout, None, call).await;
            assert_eq!(locked, not_done(Cause::LockTimeout), "{call:?}");
        }
    }
    assert_eq!(meets(Kind::StripeConflict, None, ACTS[0]).await, not_done(Cause::InFlight));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_happened_is_unknown_whether_it_did_or_not() {
    let after = Some(Placement::After);
    for call in ACTS {
        for (kind, placement, cause) in [
            (Kind::StripeUnavailable, None, Cause::ProviderError),
            (Kind::StripeTimeout, None, Cause::ProviderTimeout),
            (Kind::StripeTimeout, after, Cause::ProviderTimeout),
            (Kind::StripeReset, None, Cause::ProviderUnreachable),
            (Kind::StripeLostAnswer, None, Cause::ProviderUnreachable),
            (Kind::StripeGarbage, None, Cause::ProviderError),
            (Kind::StripeGarbage, after, Cause::ProviderUnreadable),
        ] {
            let met = meets(kind, placement, call).await;
            assert_eq!(met, unknown(cause), "{kind} {placement:?} {call:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_500_is_unknown_and_so_is_its_replay_whose_key_is_spent() {
    for placement in [Placement::Stored, Placement::After] {
        for call in [ACTS[0], ACTS[1], ACTS[3]] {
            let failed = meets(Kind::StripeServerError, Some(placement), call).await;
            assert!(matches!(failed, Answer::Unknown { cause: Cause::ProviderError, .. }), "{failed:?}");
        }
        let world = World::under(on("create", Kind::StripeServerError, Some(placement)));
        act(&world, Act::Create, "").await;
        let replayed = act(&world, Act::Create, "").await;
        assert_eq!(replayed, Answer::Unknown { cause: Cause::ProviderError, replay: Replay::Stored });
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_counts_if_it_comes_in_time() {
    let mut seen = Vec::new();
    let world = World::under(on("retrieve", Kind::StripeSlow, None));
    let id = world.create().await;
    for _ in 0..40 {
        seen.push(act(&world, Act::Retrieve, &id).await);
    }
    assert!(seen.contains(&unknown(Cause::ProviderTimeout)), "{seen:?}");
    assert!(seen.iter().any(|answer| matches!(answer, Answer::Intent(_))), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_used_for_other_parameters_is_a_conflict() {
    let world = World::under(Vec::new());
    let other = VISA.replace("1999", "2000");
    world.call(post("/v1/payment_intents", &other, Some("order-1:create:0"))).await.unwrap();
    assert_eq!(act(&world, Act::Create, "").await, Answer::KeySpent);
}

#[tokio::test(start_paused = true)]
async fn what_an_issuer_says_is_read_in_its_words() {
    let hard = meets(Kind::Declined, None, ACTS[1]).await;
    let words = ["generic_decline", "try_again_later"].map(|word| Some(word.to_owned()));
    let [decline_code, advice_code] = words;
    let Answer::Declined(hard) = hard else { panic!("{hard:?}") };
    assert_eq!(hard.decline, Decline { code: "card_declined".to_owned(), decline_code, advice_code });
    assert!(hard.charge.is_some(), "the attempt has an id");
    let soft = meets(Kind::DeclinedSoftly, None, ACTS[1]).await;
    assert!(matches!(&soft, Answer::Declined(soft) if soft.decline.is_soft()), "{soft:?}");
    let processing = meets(Kind::Processing, None, ACTS[1]).await;
    assert_eq!(*status(&processing), IntentStatus::Processing);
}

#[tokio::test(start_paused = true)]
async fn an_absent_cardholder_is_a_decline_or_an_intent_that_waits_for_one() {
    let world = World::under(on("confirm", Kind::AuthenticationRequired, None));
    let (mut declined, mut waiting) = (0, 0);
    for number in 0..40 {
        let created =
            world.call(post("/v1/payment_intents", VISA, Some(&format!("k{number}")))).await.unwrap();
        let answer = act(&world, Act::Confirm, &created.id()).await;
        if let Answer::Declined(DeclinedCharge { decline, .. }) = answer {
            assert_eq!((decline.reason(), decline.is_soft()), ("authentication_required", false));
            declined += 1;
        } else {
            assert_eq!(*status(&answer), IntentStatus::RequiresAction);
            assert_eq!(*status(&act(&world, Act::Cancel, &created.id()).await), IntentStatus::Canceled);
            waiting += 1;
        }
    }
    assert!(declined > waiting && waiting > 0, "{declined} {waiting}");
}

#[tokio::test(start_paused = true)]
async fn a_processing_intent_cannot_be_canceled_and_shows_in_the_end_what_the_bank_said() {
    let world = World::under(on("confirm", Kind::Processing, None));
    let mut ends = Vec::new();
    for number in 0..12 {
        let created =
            world.call(post("/v1/payment_intents", VISA, Some(&format!("k{number}")))).await.unwrap();
        let id = created.id();
        act(&world, Act::Confirm, &id).await;
        let refused = act(&world, Act::Cancel, &id).await;
        assert!(matches!(refused, Answer::UnexpectedState(_)), "{refused:?}");
        let due = world.provider.stripe().next_due().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(
            (due.since_ms(START) - world.elapsed_ms()) as u64,
        ))
        .await;
        let Answer::Intent(intent) = act(&world, Act::Retrieve, &id).await else { panic!() };
        ends.push((intent.status, intent.last_decline.map(|last| last.decline.reason().to_owned())));
    }
    assert!(ends.contains(&(IntentStatus::Succeeded, None)), "{ends:?}");
    let declined = (IntentStatus::RequiresPaymentMethod, Some("generic_decline".to_owned()));
    assert!(ends.contains(&declined), "{ends:?}");
}
