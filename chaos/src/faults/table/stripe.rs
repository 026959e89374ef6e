//! What Stripe, the way to it and the issuers behind it do wrong.
//!
//! Invariant: one row a kind, and nothing about a kind is said elsewhere.

use super::super::families::{Family, Placement};
use super::super::kinds::Description;

/// Every call that the fake Stripe answers.
const CALLS: &[&str] = &["create", "confirm", "retrieve", "cancel", "probe", "list", "search"];

pub(in super::super) const STRIPE_UNAVAILABLE: Description = Description {
    name: "stripe-unavailable",
    family: Family::Stripe,
    default_share: 1.0,
    placements: &[Placement::Before],
    operations: CALLS,
    prevents_calls: true,
    does: "answers 503 api_error at Stripe's edge; nothing happens, nothing is stored",
    cause: "a provider outage, as on 2019-07-10 when the database behind the API had no primary",
    heals: "the outage ends; every call can be repeated as it is",
};

pub(in super::super) const STRIPE_TIMEOUT: Description = Description {
    name: "stripe-timeout",
    family: Family::Stripe,
    default_share: 0.3,
    placements: &[Placement::Before, Placement::After],
    operations: CALLS,
    prevents_calls: true,
    does: "never answers and resets the connection after 80 s; before: nothing happens, after: it happens meanwhile",
    cause: "starved workers, as on 2015-10-08, or a network that drops packets",
    heals: "the client gives up and looks the intent up",
};

pub(in super::super) const STRIPE_RESET: Description = Description {
    name: "stripe-reset",
    family: Family::Stripe,
    default_share: 0.1,
    placements: &[Placement::Before],
    operations: CALLS,
    prevents_calls: true,
    does: "resets the connection before the request is read; nothing happens",
    cause: "a kept connection that the other end had closed, a load balancer that restarts",
    heals: "the next call opens a new connection",
};

pub(in super::super) const STRIPE_THROTTLED: Description = Description {
    name: "stripe-throttled",
    family: Family::Stripe,
    default_share: 0.3,
    placements: &[Placement::Before],
    operations: CALLS,
    prevents_calls: true,
    does: "answers 429 rate_limit with Stripe-Rate-Limited-Reason, now and then with Retry-After; nothing is stored",
    cause: "a neighbour on the same account, a bulk job, a limit that was lowered",
    heals: "waiting, as long as Stripe says",
};

pub(in super::super) const STRIPE_UNAUTHORIZED: Description = Description {
    name: "stripe-unauthorized",
    family: Family::Stripe,
    default_share: 1.0,
    placements: &[Placement::Before],
    operations: CALLS,
    prevents_calls: true,
    does: "answers 401, as if the key had been revoked",
    cause: "somebody rolled the key in the dashboard and forgot the secret",
    heals: "a valid key in the secret; this outage is ours",
};

pub(in super::super) const STRIPE_REFUSING: Description = Description {
    name: "stripe-refusing",
    family: Family::Stripe,
    default_share: 1.0,
    placements: &[Placement::Before, Placement::Stored, Placement::After],
    operations: CALLS,
    prevents_calls: true,
    does: "answers everybody with one 400, 402, 403 or 404 about the account, with or without a code; before: nothing is stored, stored: a create answers it for a day, after: the same, and it is done up to a minute later all the same",
    cause: "an account that is not active yet, a capability that was taken away, a rule for charges abroad",
    heals: "somebody mends the account; this outage is ours",
};

pub(in super::super) const STRIPE_OTHER_ACCOUNT: Description = Description {
    name: "stripe-other-account",
    family: Family::Stripe,
    default_share: 1.0,
    placements: &[Placement::Before],
    operations: &["confirm", "retrieve", "cancel"],
    prevents_calls: true,
    does: "answers 404 resource_missing for every intent made before it began, and takes new ones",
    cause: "somebody deployed the key of another account",
    heals: "the right key in the secret; this outage is ours",
};

pub(in super::super) const STRIPE_LOCK_TIMEOUT: Description = Description {
    name: "stripe-lock-timeout",
    family: Family::Stripe,
    default_share: 0.1,
    placements: &[Placement::Before],
    operations: &["confirm", "retrieve", "cancel"],
    prevents_calls: true,
    does: "answers 429 lock_timeout: another request holds the intent; nothing happens",
    cause: "two deliveries, or a person in the dashboard, at work on one intent",
    heals: "the other request ends",
};

pub(in super::super) const STRIPE_CONFLICT: Description = Description {
    name: "stripe-conflict",
    family: Family::Stripe,
    default_share: 0.1,
    placements: &[Placement::Before],
    operations: &["create"],
    prevents_calls: true,
    does: "answers 409 idempotency_key_in_use; nothing happens, nothing is stored",
    cause: "the first request under this key is still being worked on",
    heals: "the first request ends, and its answer is replayed",
};

pub(in super::super) const STRIPE_SERVER_ERROR: Description = Description {
    name: "stripe-500",
    family: Family::Stripe,
    default_share: 0.1,
    placements: &[Placement::Stored, Placement::After],
    operations: &["create", "confirm", "cancel"],
    prevents_calls: false,
    does: "answers 500 and stores that under the key; stored: what was begun is rolled back, after: it is rolled forward up to a minute later",
    cause: "a failure inside Stripe in the middle of an operation, reconciled afterwards",
    heals: "a look-up tells what became of it; a create goes on under a new key",
};

pub(in super::super) const STRIPE_GARBAGE: Description = Description {
    name: "stripe-garbage",
    family: Family::Stripe,
    default_share: 0.1,
    placements: &[Placement::Before, Placement::After],
    operations: CALLS,
    prevents_calls: true,
    does: "before: an HTML page with status 502 and no effect; after: 200 with the body cut short, and the effect",
    cause: "a proxy that speaks for a dead backend, a connection cut in the middle of a body",
    heals: "a look-up tells what happened",
};

pub(in super::super) const STRIPE_LOST_ANSWER: Description = Description {
    name: "stripe-lost-answer",
    family: Family::Stripe,
    default_share: 0.1,
    placements: &[Placement::After],
    operations: CALLS,
    prevents_calls: false,
    does: "does what was asked and resets the connection instead of answering",
    cause: "a load balancer or a reused connection that dies between effect and answer",
    heals: "the intent is looked up, or the same create is sent under the same key",
};

pub(in super::super) const STRIPE_SLOW: Description = Description {
    name: "stripe-slow",
    family: Family::Stripe,
    default_share: 0.2,
    placements: &[],
    operations: CALLS,
    prevents_calls: false,
    does: "takes 5 to 40 s, or so many `times` as long as usual, for an answer; whatever was asked happens",
    cause: "overload, as in the slow half hour that begins most outages",
    heals: "the client gives up after 10 s, looks the intent up, and finds it done",
};

pub(in super::super) const DECLINED: Description = Description {
    name: "declined",
    family: Family::Stripe,
    default_share: 0.05,
    placements: &[],
    operations: &["confirm"],
    prevents_calls: false,
    does: "has the issuer decline a good card when its intent is confirmed: 402 generic_decline",
    cause: "the card, not the system: limits, fraud rules, a closed account",
    heals: "nothing: a decline is an outcome",
};

pub(in super::super) const DECLINED_SOFTLY: Description = Description {
    name: "declined-softly",
    family: Family::Stripe,
    default_share: 0.1,
    placements: &[],
    operations: &["confirm"],
    prevents_calls: false,
    does: "has the issuer decline a good card for now: 402 try_again_later, processing_error or issuer_not_available",
    cause: "an issuer in trouble",
    heals: "trying again within the delivery, three times in all",
};

pub(in super::super) const AUTHENTICATION_REQUIRED: Description = Description {
    name: "authentication-required",
    family: Family::Stripe,
    default_share: 0.05,
    placements: &[],
    operations: &["confirm"],
    prevents_calls: false,
    does: "has the issuer ask for the cardholder, who is not there: 402 authentication_required, or now and then an intent left in requires_action, for which every second one authenticates within ten minutes",
    cause: "strong customer authentication, a bank that changed its rules",
    heals: "nothing: a decline is an outcome",
};

pub(in super::super) const PROCESSING: Description = Description {
    name: "processing",
    family: Family::Stripe,
    default_share: 0.1,
    placements: &[],
    operations: &["confirm"],
    prevents_calls: false,
    does: "leaves a confirmed intent in processing for up to ten minutes before it succeeds or is declined",
    cause: "payment methods and issuers that answer later",
    heals: "time; the intent is looked up by the next delivery",
};

pub(in super::super) const STRIPE_STALE: Description = Description {
    name: "stripe-stale",
    family: Family::Stripe,
    default_share: 0.2,
    placements: &[],
    operations: &["retrieve"],
    prevents_calls: false,
    does: "answers a look-up as before the intent's last change, for a minute after it: its status before, or 404 where there was none",
    cause: "a replica that lags, as during a failover",
    heals: "time; what a look-up says is acted upon only by calls that Stripe refuses where it has changed",
};

pub(in super::super) const HELD: Description = Description {
    name: "held",
    family: Family::Stripe,
    default_share: 0.05,
    placements: &[],
    operations: &["confirm"],
    prevents_calls: false,
    does: "has the issuer only hold the money: the intent is left in requires_capture, and every second one is captured within ten minutes",
    cause: "capture that somebody set to manual, in a setting or on the intent",
    heals: "the intent is canceled and a human asked, unless it was captured first",
};

pub(in super::super) const POISON: Description = Description {
    name: "poison",
    family: Family::Stripe,
    default_share: 0.01,
    placements: &[],
    operations: &[],
    prevents_calls: false,
    does: "picks payments at Stripe's first answer; that answer, and each after it, kills whoever reads it",
    cause: "an answer or a payment that the code cannot digest, and dies of: out of memory, an endless loop",
    heals: "nothing: the payment is quarantined, and goes on when a human released it to mended code",
};
