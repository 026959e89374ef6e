//! The wire: latency, faults and crash points around a call, in virtual time.

use super::*;
use crate::clock::Clock;
use crate::faults::{Kind, Placement, Window};
use crate::journal::{Event, FaultFired, Operation, Record, StripeEvent};
use crate::link::{CrashPoints, Link};
use crate::random::Chance;
use crate::stripe::{Provider, Wire};
use ::stripe::TransportError;
use std::sync::Arc;
use tower::{Service, ServiceExt};

pub(super) struct World {
    pub(super) provider: Provider,
    pub(super) link: Link,
    clock: Clock,
    journal: Journal,
    pub(super) faults: Faults,
}

impl World {
    fn new(kinds: &[Kind]) -> Self {
        let fault = |kind: &Kind| Fault::steady(*kind, Chance::ALWAYS, Window::ALWAYS);
        Self::under(kinds.iter().map(fault).collect())
    }

    pub(super) fn under(configured: Vec<Fault>) -> Self {
        let (clock, journal) = (Clock::starting_at(START), Journal::default());
        let faults = Faults::new(&configured, 1, START, CRASH_HOPS_DEFAULT, journal.clone());
        let stripe = FakeStripe::new(1, SECRET, faults.clone());
        let provider = Provider::new(stripe, 1, faults.clone(), clock, journal.clone());
        Self { provider, link: Link::default(), clock, journal, faults }
    }

    pub(super) fn wire(&self) -> Wire {
        self.provider.connect(self.link.clone(), Arc::new(|| "invocation-1".to_owned()))
    }

    pub(super) async fn call(&self, request: Request<Bytes>) -> Result<Got, TransportError> {
        self.wire().oneshot(request).await.map(Got::from)
    }

    pub(super) async fn create(&self) -> String {
        self.call(post("/v1/payment_intents", VISA, Some("k"))).await.unwrap().id()
    }

    pub(super) fn elapsed_ms(&self) -> i64 {
        self.clock.now().since_ms(START)
    }

    pub(super) fn movements(&self) -> usize {
        self.provider.stripe().book().movements().len()
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.journal.records()
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.records().into_iter().map(|record| record.event).collect()
    }

    /// What the account says of an intent, whatever happens on the wire.
    pub(super) fn status(&self, id: &str) -> String {
        let response =
            self.provider.stripe().handle(&get(&format!("/v1/payment_intents/{id}")), self.clock.now());
        Got::from(response).body["status"].as_str().unwrap_or("none").to_owned()
    }
}

pub(super) fn confirm(id: &str) -> Request<Bytes> {
    post(&format!("/v1/payment_intents/{id}/confirm"), OFF_SESSION, None)
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_its_time_and_two_hops() {
    let world = World::new(&[]);
    let id = world.create().await;
    assert!((80..=251).contains(&world.elapsed_ms()), "{}", world.elapsed_ms());
    let before = world.elapsed_ms();
    world.call(confirm(&id)).await.unwrap();
    assert!((300..=1_201).contains(&(world.elapsed_ms() - before)));
    assert_eq!(world.link.hops(), 4);
}

#[tokio::test(start_paused = true)]
async fn calls_and_charges_are_journalled_with_their_payment() {
    let world = World::new(&[]);
    let id = world.create().await;
    world.call(confirm(&id)).await.unwrap();
    let events = world.events();
    let [
        Event::Stripe(StripeEvent::Called { operation: Operation::Create, .. }),
        Event::Stripe(StripeEvent::Charged { charge, .. }),
        called,
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(charge.starts_with("ch_"));
    let expected = Event::Stripe(StripeEvent::Called {
        request: "invocation-1".to_owned(),
        operation: Operation::Confirm,
        intent: Some(id),
        payment: Some("order-1".to_owned()),
        status: Some(200),
        said: Some("succeeded".to_owned()),
        fault: None,
    });
    assert_eq!(*called, expected);
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_stripe_answers_503_and_nothing_has_happened() {
    let world = World::new(&[Kind::StripeUnavailable]);
    let got = world.call(post("/v1/payment_intents", VISA, Some("k"))).await.unwrap();
    assert_eq!(got.status, 503);
    let [
        Event::Fault(FaultFired { placement: Some(Placement::Before), on, .. }),
        Event::Stripe(StripeEvent::Called { status, fault, payment, .. }),
    ] = &world.events()[..]
    else {
        panic!("{:?}", world.events())
    };
    assert_eq!((on.as_str(), payment.as_deref()), ("create order-1", Some("order-1")));
    assert_eq!((*status, *fault), (Some(503), Some(Kind::StripeUnavailable)));
    assert_eq!(world.link.hops(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_silent_stripe_outlasts_every_client_and_nothing_has_happened() {
    let world = World::new(&[Kind::StripeTimeout]);
    let error = world.call(post("/v1/payment_intents", VISA, Some("k"))).await.err().unwrap();
    assert!(matches!(error, TransportError::Broken(_)));
    assert!(world.elapsed_ms() >= 80_000);
    let events = world.events();
    assert!(
        matches!(
            events[1],
            Event::Stripe(StripeEvent::Called { status: None, fault: Some(Kind::StripeTimeout), .. })
        ),
        "{events:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_has_its_effect() {
    let world = World::new(&[Kind::StripeLostAnswer]);
    let form = format!("{VISA}&confirm=true");
    let error = world.call(post("/v1/payment_intents", &form, Some("k"))).await.err().unwrap();
    assert!(matches!(error, TransportError::Broken(_)));
    assert_eq!(world.movements(), 1);
    let events = world.events();
    let lost = |event: &Event| {
        matches!(
            event,
            Event::Stripe(StripeEvent::Called {
                status: None,
                said: None,
                intent: Some(_),
                fault: Some(Kind::StripeLostAnswer),
                ..
            })
        )
    };
    assert!(events.iter().any(lost), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_stripe_loses_no_answers() {
    let world = World::new(&[Kind::StripeLostAnswer, Kind::StripeTimeout, Kind::StripeUnavailable]);
    assert_eq!(world.call(get("/v1/balance")).await.unwrap().status, 503);
    assert_eq!(world.faults.tally().iter().map(|tally| tally.asked).collect::<Vec<_>>(), [0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_declined_confirm_names_its_fault() {
    let world = World::new(&[Kind::Declined]);
    let id = world.create().await;
    assert_eq!(world.call(confirm(&id)).await.unwrap().status, 402);
    let events = world.events();
    let Some(Event::Stripe(StripeEvent::Called { status, said, fault, .. })) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((*status, said.as_deref(), *fault), (Some(402), Some("card_declined"), Some(Kind::Declined)));
}

#[tokio::test(start_paused = true)]
async fn an_odd_hop_kills_before_the_effect_and_an_even_one_after_it() {
    for (hop, movements) in [(1, 0), (2, 1)] {
        let world = World::new(&[]);
        let id = world.create().await;
        world.link.arm(Some(hop), CrashPoints::default());
        tokio::select! {
            biased;
            _ = world.call(confirm(&id)) => panic!("hop {hop} returned"),
            () = async {
                world.link.tripped().await;
            } => {}
        }
        assert_eq!(world.movements(), movements, "hop {hop}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_calls_under_one_key_at_once_are_one_create_and_one_conflict() {
    let world = World::new(&[]);
    let (one, two) = tokio::join!(
        biased;
        world.call(post("/v1/payment_intents", VISA, Some("k"))),
        world.call(post("/v1/payment_intents", VISA, Some("k")))
    );
    let mut statuses = [one.unwrap().status, two.unwrap().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_on_the_way_leaves_its_key_free() {
    let world = World::new(&[]);
    let request = || post("/v1/payment_intents", VISA, Some("k"));
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(70), world.call(request())).await;
    assert!(given_up.is_err());
    assert_eq!(world.call(request()).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_wire_fits_where_a_client_wants_its_transport() {
    type Transport = tower::util::BoxCloneSyncService<Request<Bytes>, Response<Bytes>, TransportError>;
    let world = World::new(&[]);
    let mut transport: Transport = Transport::new(world.wire());
    let response = transport.ready().await.unwrap().call(get("/v1/balance")).await.unwrap();
    assert_eq!(response.status(), 200);
}
