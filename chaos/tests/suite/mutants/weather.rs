//! The experiments that mutants are tried in: small, short, and each bad in one way.
//!
//! Invariant: the functions as they are deployed pass every one of them, with every seed.

use chaos::experiment::Experiment;
use chaos::world::Deployed;
use std::path::Path;

/// Seeds that most are tried with.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
const SEEDS_OF_LONG_ONES: [u64; 1] = [1];

/// One experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weather {
    /// Nothing goes wrong.
    Calm,
    /// The same, and more payments than one page of a list holds.
    Crowd,
    /// Answers of Stripe get lost after it did what was asked, and invocations die.
    Rough,
    /// Stripe often does not answer, and then has done nothing.
    Silent,
    /// Many payments at once, of which a few fail.
    Busy,
    /// Every payment is sent twice at once, and again seconds later; and answers get lost.
    Twins,
    /// The same id is used for two amounts.
    Conflicts,
    /// The same id is used for one amount with two names for what it says of itself.
    Labels,
    /// The bus of outcomes takes nothing for a while.
    Deaf,
    /// Many cards are declined, and invocations die.
    Declines,
    /// Some payments kill whoever works on them.
    Poison,
    /// Messages that are no payment.
    Garbage,
    /// Payments that Stripe refuses for good, between others.
    Refused,
    /// One payment kills whoever works on it, once it is charged, until it is taken for poison.
    Deadly,
    /// Stripe answers with a 500 that it stores.
    Stored,
    /// Every payment is sent three times, and issuers decline, most of them for the moment.
    Fickle,
    /// Banks take their time and may say no, and what Stripe says of it is cut short.
    Murky,
    /// The key is refused for a while.
    LockedOut,
    /// Every confirm is refused for a while, in a few words.
    Misled,
    /// The account may not charge for a while.
    Barred,
    /// Every delivery dies for a while.
    Crashing,
    /// Limiters, and keys in use.
    Limited,
    /// DynamoDB throttles most writes.
    Throttled,
    /// The Stripe key is rotated.
    Rotated,
    /// Stripe is gone for half an hour, and SNS takes every second mail.
    Mute,
    /// Drills, between payments.
    Drills,
    /// Stripe is gone for twenty seconds.
    Blip,
    /// Stripe is gone for half an hour.
    Outage,
    /// The same, and every event arrives twice.
    Echo,
    /// The same, and move tasks leave messages behind.
    Leaky,
    /// Stripe is gone for half an hour, is back while what waits goes back, and is gone again.
    Relapse,
    /// Stripe is gone for nine minutes, five times in two hours.
    Flapping,
    /// Stripe is gone for half an hour, and again, for a while in which nobody pays, as soon as all is charged.
    Lull,
    /// Stripe is gone for half an hour, and then many confirms have to be repeated.
    Grind,
    /// Stripe is gone for half an hour, and again while dead letters go back one a second.
    Slow,
    /// More payments at once than go out in a quarter of an hour.
    Backlog,
    /// The consumer's event source mapping is disabled for two of the three hours that a message is kept.
    Disabled,
    /// A blip hands messages back, and three of them are purged.
    Purged,
    /// Stripe is gone for half an hour, and SNS takes no mail for an hour.
    Silence,
    /// Every delivery dies before it has written anything down, for hours.
    Headless,
    /// Most cards want their holder, who now and then comes, and late.
    Absent,
    /// Three issuers only hold the money, and every second time somebody captures it.
    Held,
    /// Every confirm of some payments is refused, and done all the same within a minute.
    Contrary,
    /// Confirms are not answered, some of them are not done either, and look-ups lag.
    Lagging,
    /// Stripe is gone for nine minutes, and customers reload at the edge; strangers come, and the key of links changes.
    Visited,
    /// Payments stay open, and nobody can look how they stand: first there is no answer, then no connection.
    Unseen,
    /// Stripe's events are listened to, many are forged, and no confirm is answered for a while.
    Gossip,
}

impl Weather {
    /// Every weather.
    pub(crate) const ALL: [Self; 47] = [
        Self::Calm,
        Self::Crowd,
        Self::Rough,
        Self::Silent,
        Self::Busy,
        Self::Twins,
        Self::Conflicts,
        Self::Labels,
        Self::Deaf,
        Self::Declines,
        Self::Poison,
        Self::Garbage,
        Self::Refused,
        Self::Deadly,
        Self::Stored,
        Self::Fickle,
        Self::Murky,
        Self::LockedOut,
        Self::Misled,
        Self::Barred,
        Self::Crashing,
        Self::Limited,
        Self::Throttled,
        Self::Rotated,
        Self::Mute,
        Self::Drills,
        Self::Blip,
        Self::Outage,
        Self::Echo,
        Self::Leaky,
        Self::Relapse,
        Self::Flapping,
        Self::Lull,
        Self::Grind,
        Self::Slow,
        Self::Backlog,
        Self::Disabled,
        Self::Purged,
        Self::Silence,
        Self::Headless,
        Self::Absent,
        Self::Held,
        Self::Contrary,
        Self::Lagging,
        Self::Visited,
        Self::Unseen,
        Self::Gossip,
    ];

    /// The experiment.
    pub(crate) fn experiment(self) -> Experiment {
        let text = format!(
            "title = '{self:?}'\ndrain = '{}'\nworkload = {{ {} }}\nfault = [{}]\norder = [{}]\n{}\n[expect]\n{}",
            if self == Self::Headless { "8h" } else { "2h" },
            self.workload(),
            self.faults(),
            self.orders(),
            self.parameters(),
            self.expected()
        );
        Experiment::parse(Path::new("weather.toml"), &text).expect("it is well formed")
    }

    /// Seeds that it is tried with: where a run takes long and is decided by times and sizes, one says as much as five.
    pub(crate) const fn seeds(self) -> &'static [u64] {
        match self {
            Self::Flapping
            | Self::Lull
            | Self::Grind
            | Self::Slow
            | Self::Backlog
            | Self::Disabled
            | Self::Purged
            | Self::Silence
            | Self::Headless
            | Self::Visited
            | Self::Unseen => &SEEDS_OF_LONG_ONES,
            Self::Calm
            | Self::Crowd
            | Self::Rough
            | Self::Silent
            | Self::Busy
            | Self::Twins
            | Self::Conflicts
            | Self::Labels
            | Self::Deaf
            | Self::Declines
            | Self::Poison
            | Self::Garbage
            | Self::Refused
            | Self::Deadly
            | Self::Stored
            | Self::Fickle
            | Self::Murky
            | Self::LockedOut
            | Self::Misled
            | Self::Barred
            | Self::Crashing
            | Self::Limited
            | Self::Throttled
            | Self::Rotated
            | Self::Mute
            | Self::Drills
            | Self::Blip
            | Self::Outage
            | Self::Echo
            | Self::Leaky
            | Self::Relapse
            | Self::Absent
            | Self::Held
            | Self::Contrary
            | Self::Lagging
            | Self::Gossip => &SEEDS,
        }
    }

    /// Makes another stack of that of the template, where a day of it would be too long or too dear.
    pub(crate) fn alter(self, deployed: &mut Deployed) {
        if self == Self::Disabled {
            deployed.stack.queues.get_mut("Payments").expect("it is there").retention_s = 3 * 3_600;
        } else if self == Self::Backlog {
            let responder = deployed.responder.as_mut().expect("it is there");
            for environment in [&mut deployed.consumer.environment, &mut responder.environment] {
                environment.insert("STRIPE_RATE_PER_SECOND".to_owned(), "2".to_owned());
            }
            deployed.stack.parameters.insert("StripeRatePerSecond".to_owned(), "2".to_owned());
        }
    }

    fn orders(self) -> &'static str {
        let is_purged = self == Self::Purged;
        if is_purged { "{ at = '35m', command = 'release', with = { stranded = true } }" } else { "" }
    }

    fn parameters(self) -> &'static str {
        let special = [
            (Self::Slow, "parameters = { RedriveRateMax = 1 }"),
            (Self::Gossip, "parameters = { StripeEventBus = 'aws.partner/stripe.com/ed_test_1' }"),
            (Self::Visited, VISITED),
            (Self::Unseen, UNSEEN),
        ];
        special.into_iter().find(|(weather, _)| *weather == self).map_or("", |(_, text)| text)
    }

    fn workload(self) -> String {
        let payments = |count, over| format!("payments = {count}, over = '{over}'");
        match self {
            Self::Calm => payments(30, "2m"),
            Self::Crowd => payments(120, "3m"),
            Self::Rough | Self::Silent => payments(60, "12m"),
            Self::Declines | Self::Deaf | Self::Absent | Self::Held | Self::Lagging => payments(60, "10m"),
            Self::Contrary => payments(60, "15m"),
            Self::Visited | Self::Unseen => payments(40, "20m"),
            Self::Gossip => payments(60, "10m"),
            Self::Busy => payments(60, "10s"),
            Self::Blip => payments(60, "3m"),
            Self::LockedOut | Self::Rotated => payments(40, "10m"),
            Self::Poison => payments(160, "45m"),
            Self::Stored | Self::Murky | Self::Limited | Self::Throttled => payments(40, "8m"),
            Self::Misled | Self::Barred | Self::Crashing => payments(60, "15m"),
            Self::Garbage => payments(40, "5m"),
            Self::Deadly => payments(120, "45m"),
            Self::Outage | Self::Mute | Self::Echo | Self::Leaky => payments(80, "40m"),
            Self::Relapse => payments(160, "80m"),
            Self::Flapping => payments(110, "110m"),
            Self::Lull => payments(40, "34m"),
            Self::Grind => payments(240, "75m"),
            Self::Slow => payments(260, "25m"),
            Self::Backlog => payments(1_400, "1m"),
            Self::Disabled => payments(30, "20m"),
            Self::Purged => payments(120, "60m"),
            Self::Silence => payments(80, "40m"),
            Self::Headless => payments(20, "10m"),
            Self::Twins => bodies("3s", (0..36).map(|n| payment(if n < 24 { n / 2 } else { n - 24 }, PRICE))),
            Self::Fickle => bodies("3s", (0..48).map(|n| payment(n % 16, PRICE))),
            Self::Conflicts => {
                bodies("20s", (0..12).flat_map(|n| [payment(n, PRICE), payment(n, 2 * PRICE)]))
            }
            Self::Labels => {
                bodies("20s", (0..12).flat_map(|n| ["invoice", "order"].map(|name| labelled(n, name))))
            }
            Self::Refused => {
                bodies("5m", (0..30).map(|n| payment(n, if n % 10 == 2 { TOO_SMALL } else { PRICE })))
            }
            Self::Drills => bodies("2m", (0..10).flat_map(|n| [payment(n, PRICE), DRILLS[n % 2].to_owned()])),
        }
    }

    fn faults(self) -> &'static str {
        match self {
            Self::Absent => "{ kind = 'authentication-required', rate = 0.8, for = '10m' }",
            Self::Held => "{ kind = 'held', nth = [5, 20, 35], for = '10m' }",
            Self::Contrary => CONTRARY,
            Self::Lagging => LAGGING,
            Self::Gossip => GOSSIP,
            Self::Calm | Self::Crowd | Self::Conflicts | Self::Labels | Self::Refused | Self::Drills => "",
            Self::Rough => {
                "{ kind = 'stripe-lost-answer', rate = 0.3, for = '15m' },
                 { kind = 'crash', rate = 0.2, for = '15m' }"
            }
            Self::Silent => "{ kind = 'stripe-timeout', rate = 0.2 }",
            Self::Busy => "{ kind = 'stripe-unavailable', rate = 0.2 }",
            Self::Twins => "{ kind = 'stripe-lost-answer', rate = 0.2 }",
            Self::Deaf => "{ kind = 'bus-failing', placement = 'before', from = '2m', for = '5m', rate = 1.0 }",
            Self::Declines => "{ kind = 'declined', rate = 0.5 }, { kind = 'crash', rate = 0.3 }",
            Self::Poison => "{ kind = 'poison', rate = 0.1, for = '10m' }",
            Self::Garbage => "{ kind = 'malformed', rate = 0.3, for = '5m' }",
            Self::Deadly => {
                "{ kind = 'panic', placement = 'after', operations = ['confirm'], payments = ['order-000003'], rate = 1.0 },
                 { kind = 'panic', placement = 'before', operations = ['retrieve'], payments = ['order-000003'], rate = 1.0 }"
            }
            Self::Visited => RELOADED,
            Self::Unseen => BLIND,
            Self::Stored => "{ kind = 'stripe-500', placement = 'stored', rate = 0.2, for = '8m' }",
            Self::Fickle => "{ kind = 'declined', rate = 0.3 }, { kind = 'declined-softly', rate = 0.6 }",
            Self::Murky => {
                "{ kind = 'processing', rate = 0.4, for = '8m' },
                 { kind = 'stripe-garbage', placement = 'after', operations = ['confirm'], rate = 0.4, for = '8m' }"
            }
            Self::LockedOut => "{ kind = 'stripe-unauthorized', rate = 1.0, from = '2m', for = '5m' }",
            Self::Misled => {
                "{ kind = 'stripe-refusing', operations = ['confirm'], status = 400, from = '2m', for = '20m', rate = 1.0 }"
            }
            Self::Barred => {
                "{ kind = 'stripe-refusing', operations = ['confirm'], status = 402, code = 'testmode_charges_only',
                   from = '2m', for = '20m', rate = 1.0 }"
            }
            Self::Crashing => {
                "{ kind = 'panic', operations = ['create'], from = '2m', for = '20m', rate = 1.0 }"
            }
            Self::Limited => {
                "{ kind = 'stripe-throttled', rate = 0.2, for = '8m' },
                 { kind = 'stripe-conflict', rate = 0.2, for = '8m' }"
            }
            Self::Throttled => {
                "{ kind = 'ledger-throttled', rate = 0.7, operations = ['UpdateItem'], for = '8m' }"
            }
            Self::Rotated => "{ kind = 'secret-rotated', nth = [3] }",
            Self::Blip => "{ kind = 'stripe-unavailable', from = '1m', for = '20s' }",
            Self::Outage => "{ kind = 'stripe-unavailable', from = '5m', for = '30m' }",
            Self::Mute => {
                "{ kind = 'stripe-unavailable', from = '5m', for = '30m' },
                 { kind = 'sns-failing', placement = 'before', rate = 0.5, for = '2h' }"
            }
            Self::Leaky => {
                "{ kind = 'stripe-unavailable', from = '5m', for = '30m' },
                 { kind = 'move-task-misses', rate = 1.0, for = '42m' }"
            }
            Self::Relapse => {
                "{ kind = 'stripe-unavailable', from = '5m', for = '30m' },
                 { kind = 'stripe-unavailable', from = '39m', for = '1h' }"
            }
            Self::Echo => {
                "{ kind = 'stripe-unavailable', from = '5m', for = '30m' }, { kind = 'event-twice', rate = 1.0 }"
            }
            Self::Flapping => {
                "{ kind = 'stripe-unavailable', from = '5m', for = '9m' },
                 { kind = 'stripe-unavailable', from = '30m', for = '9m' },
                 { kind = 'stripe-unavailable', from = '55m', for = '9m' },
                 { kind = 'stripe-unavailable', from = '80m', for = '9m' },
                 { kind = 'stripe-unavailable', from = '105m', for = '9m' }"
            }
            Self::Lull => {
                "{ kind = 'stripe-unavailable', from = '5m', for = '30m' },
                 { kind = 'stripe-unavailable', from = '39m', for = '20m' }"
            }
            Self::Grind => {
                "{ kind = 'stripe-unavailable', from = '5m', for = '30m' },
                 { kind = 'stripe-lock-timeout', operations = ['confirm'], from = '38m 30s', for = '30m', rate = 0.45 }"
            }
            Self::Slow => {
                "{ kind = 'stripe-unavailable', from = '1m', for = '30m' },
                 { kind = 'stripe-unavailable', from = '34m', for = '20m' }"
            }
            Self::Backlog => "",
            Self::Disabled => "{ kind = 'mapping-disabled', from = '5m', for = '2h 10m', rate = 1.0 }",
            Self::Purged => {
                "{ kind = 'stripe-unavailable', from = '10m', for = '3m' },
                 { kind = 'message-purged', nth = [2, 3, 4], from = '10m', for = '3m' }"
            }
            Self::Silence => {
                "{ kind = 'stripe-unavailable', from = '5m', for = '30m' },
                 { kind = 'sns-failing', placement = 'before', rate = 1.0, for = '1h' }"
            }
            Self::Headless => {
                "{ kind = 'crash', operations = ['consumer'], hop = 1, from = '2m', for = '4h', rate = 1.0 }"
            }
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Calm
            | Self::Crowd
            | Self::Conflicts
            | Self::Labels
            | Self::Declines
            | Self::Deaf
            | Self::Rotated => "dead_letters = 'none'",
            Self::Outage => "alarms = ['DeadLettersWaiting', 'PaymentsDelayed', 'ProviderFailing']",
            Self::Backlog | Self::Disabled => "dead_letters = 'none'",
            Self::Absent
            | Self::Held
            | Self::Contrary
            | Self::Lagging
            | Self::Visited
            | Self::Unseen
            | Self::Gossip => "dead_letters = 'any'",
            Self::Purged => "dead_letters = 'any'\ndrained_within = '30m'",
            Self::Headless => "drained_within = '8h'",
            // Nobody can be told.
            Self::Silence => "excused = ['told-in-time']",
            Self::Blip => "dead_letters = 'none'\ndrained_within = '3m'",
            Self::Busy | Self::Refused | Self::LockedOut | Self::Misled | Self::Barred | Self::Crashing => {
                "dead_letters = 'any'"
            }
            Self::Rough
            | Self::Silent
            | Self::Twins
            | Self::Poison
            | Self::Garbage
            | Self::Deadly
            | Self::Stored
            | Self::Fickle
            | Self::Murky
            | Self::Limited
            | Self::Throttled
            | Self::Drills
            | Self::Mute
            | Self::Echo
            | Self::Leaky
            | Self::Relapse
            | Self::Flapping
            | Self::Lull
            | Self::Grind
            | Self::Slow => "",
        }
    }
}

/// Every confirm of eight payments.
const CONTRARY: &str =
    "{ kind = 'stripe-refusing', placement = 'after', operations = ['confirm'], status = 400, rate = 1.0,
      payments = ['order-000004', 'order-000011', 'order-000018', 'order-000025', 'order-000032',
                  'order-000039', 'order-000046', 'order-000053'] }";
const LAGGING: &str =
    "{ kind = 'stripe-timeout', operations = ['confirm'], placement = 'before', rate = 0.3, for = '10m' },
    { kind = 'stripe-stale', rate = 1.0, for = '15m' }";
const GOSSIP: &str =
    "{ kind = 'stripe-unavailable', operations = ['confirm'], rate = 1.0, from = '2m', for = '4m' },
    { kind = 'stripe-lost-answer', operations = ['confirm'], rate = 0.3, from = '6m', for = '4m' },
    { kind = 'events-forged', rate = 1.0, for = '10m' }";

const VISITED: &str = "[edge]\nimpatient = 0.4\nreloads_per_second = 5\nreloading = '10s'\nagain = '1m'\nshared = 2\nshared_with = 100
    forged_per_second = 2.0\nkeys_change = '5m'";
const RELOADED: &str =
    "{ from = '5s', for = '9m', rate = 1.0 }, { kind = 'prefetched', rate = 0.3, for = '20m' }";
const BLIND: &str = "{ kind = 'processing', rate = 1.0, for = '20m' },
                 { kind = 'status-hanging', from = '6m', for = '4m', rate = 1.0 },
                 { kind = 'status-hanging', placement = 'before', from = '10m', for = '2m', rate = 1.0 },
                 { kind = 'status-unavailable', from = '14m', for = '4m', rate = 1.0 }";
const UNSEEN: &str = "[edge]\nimpatient = 0.5\nreloads_per_second = 2\nreloading = '10s'\nagain = '30s'";

const PRICE: i64 = 1_999;
/// Less than Stripe charges, in any currency.
const TOO_SMALL: i64 = 1;
const DRILLS: [&str; 2] = ["PYMT_FAILED", "PYMT_SUCCEED"];

fn payment(number: usize, amount: i64) -> String {
    format!(
        r#"{{"payment_id":"order-{number}","amount":{amount},"currency":"eur","payment_method":"pm_card_visa"}}"#
    )
}

/// The payment, with its number under this name.
fn labelled(number: usize, name: &str) -> String {
    let payment = payment(number, PRICE);
    let bare = payment.strip_suffix('}').unwrap_or_default();
    format!(r#"{bare},"metadata":{{"{name}":"{number}"}}}}"#)
}

fn bodies(over: &str, bodies: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = bodies.map(|body| format!("'{body}'")).collect();
    format!("bodies = [{}], over = '{over}'", quoted.join(", "))
}
