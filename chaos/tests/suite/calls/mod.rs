//! Everything that the functions say to others, by shape: which fields a call has, of which types, and what in it is always
//! the same. A field that is dropped, a number that becomes a text, a read that is no longer consistent, a header that is
//! missing: each is a line that changes, whatever the services around would make of it.

mod recorder;
mod shape;

use chaos::consumer::ConsumerFunction;
use chaos::experiment::Experiment;
use chaos::responder::ResponderFunction;
use chaos::stripe::Provider;
use chaos::world::{self, Code};
use consumer::Ports;
use recorder::Recorder;
use std::path::Path;
use std::sync::Arc;

/// An outage, all sorts of input, and every order there is, so that everything is said that can be.
const EVERYTHING: &str = "
    workload = { payments = 200, over = '2h' }
    expect = { dead_letters = 'any', drained_within = '2h' }
    fault = [
        { kind = 'stripe-unavailable', from = '20m', for = '20m', rate = 1.0 },
        { kind = 'stripe-lost-answer', from = '5m', for = '90m', rate = 0.1 },
        { kind = 'stripe-unavailable', from = '100m', for = '15m', rate = 1.0 },
        { kind = 'declined', from = '5m', for = '90m', rate = 0.1 },
        { kind = 'declined-softly', from = '5m', for = '90m', rate = 0.1 },
        { kind = 'malformed', from = '5m', for = '15m', rate = 0.1 },
        { kind = 'oversized', from = '5m', for = '15m', rate = 0.1 },
        { kind = 'conflicting', from = '5m', for = '15m', rate = 0.1 },
        { kind = 'poison', from = '5m', for = '90m', nth = [30] },
        { kind = 'crash', from = '5m', for = '90m', rate = 0.05 },
        { kind = 'message-purged', from = '45m', for = '10m', nth = [1, 2] },
        { kind = 'secret-rotated', from = '50m', for = '20m', nth = [1] },
    ]
    order = [
        { at = '10m', command = 'status' },
        { at = '23m', command = 'pause' },
        { at = '24m', command = 'resume' },
        { at = '50m', command = 'export' },
        { at = '52m', command = 'release', with = { reason = 'malformed', dry_run = true } },
        { at = '55m', command = 'release', with = { reason = 'malformed' } },
        { at = '80m', command = 'release', with = { stranded = true } },
        { at = '85m', command = 'reconcile', with = { payment_id = 'order-000020' } },
        { at = '90m', command = 'audit', with = { since = '24h' } },
        { at = '112m', command = 'redrive' },
    ]";

/// A move that is slow, into Stripe that fails again.
const A_MOVE_IN_VAIN: &str = "
    workload = { payments = 260, over = '25m' }
    parameters = { RedriveRateMax = 1 }
    expect = { dead_letters = 'any', drained_within = '2h' }
    fault = [
        { kind = 'stripe-unavailable', from = '2m', for = '25m', rate = 1.0 },
        { kind = 'stripe-unavailable', from = '32m', for = '15m', rate = 1.0 },
    ]";

/// What was said: by the consumer, by the responder, and by the consumer to Stripe.
fn said() -> [String; 3] {
    let [by_consumer, by_responder, to_stripe] = [(); 3].map(|()| Recorder::default());
    let consumer = |provider: Provider| {
        let to_stripe = to_stripe.clone();
        let altered = move |ports: Ports| Ports { stripe: to_stripe.on_the_way(ports.stripe), ..ports };
        by_consumer.listening(Arc::new(ConsumerFunction::altered(provider, altered)))
    };
    let responder = |provider: Provider| by_responder.listening(Arc::new(ResponderFunction::new(provider)));
    for (text, seed) in [(EVERYTHING, 1), (EVERYTHING, 2), (A_MOVE_IN_VAIN, 1), (A_MOVE_IN_VAIN, 2)] {
        let experiment = Experiment::parse(Path::new("mine.toml"), text);
        let experiment = experiment.unwrap_or_else(|error| panic!("{error}"));
        let code = Code { consumer: &consumer, responder: &responder, ..Code::DEPLOYED };
        world::run(experiment, seed, code).unwrap_or_else(|error| panic!("{error}"));
    }
    [by_consumer, by_responder, to_stripe].map(|recorder| recorder.told())
}

#[test]
fn every_call_has_the_shape_it_had() {
    let [by_consumer, by_responder, to_stripe] = said();
    insta::assert_snapshot!("of_the_consumer", by_consumer);
    insta::assert_snapshot!("of_the_responder", by_responder);
    insta::assert_snapshot!("to_stripe", to_stripe);
}
