//! The experiments that mutants are tried in: small, short, and each bad in one way.
//!
//! Invariant: the functions as they are deployed pass every one of them, with every seed.

use chaos::experiment::Experiment;
use std::path::Path;

/// One experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weather {
    /// Nothing goes wrong.
    Calm,
    /// Answers of Stripe get lost after it did what was asked, and invocations die.
    Rough,
    /// Stripe often does not answer, and then has done nothing.
    Silent,
    /// Many payments at once, of which a few fail.
    Busy,
    /// Every payment is sent twice within seconds, and answers get lost.
    Twins,
    /// The same id is used for two amounts.
    Conflicts,
    /// Many cards are declined, and invocations die.
    Declines,
    /// Some payments kill whoever works on them.
    Poison,
    /// Messages that are no payment.
    Garbage,
    /// Payments that Stripe refuses for good, between others.
    Refused,
    /// Invocations die once they have charged, and then go on dying, until the payments look like poison.
    Deadly,
    /// Drills, between payments.
    Drills,
    /// Stripe is gone for twenty seconds.
    Blip,
    /// Stripe is gone for half an hour.
    Outage,
    /// The same, and every event arrives twice.
    Echo,
}

impl Weather {
    /// Every weather.
    pub(crate) const ALL: [Self; 15] = [
        Self::Calm,
        Self::Rough,
        Self::Silent,
        Self::Busy,
        Self::Twins,
        Self::Conflicts,
        Self::Declines,
        Self::Poison,
        Self::Garbage,
        Self::Refused,
        Self::Deadly,
        Self::Drills,
        Self::Blip,
        Self::Outage,
        Self::Echo,
    ];

    /// The experiment.
    pub(crate) fn experiment(self) -> Experiment {
        let text = format!("title = '{self:?}'\ndrain = '45m'\n{}", self.text());
        Experiment::parse(Path::new("weather.toml"), &text).expect("it is well formed")
    }

    fn text(self) -> String {
        match self {
            Self::Calm => "
                workload = { payments = 30, over = '2m' }
                expect = { dead_letters = 'none' }"
                .to_owned(),
            Self::Rough => "
                workload = { payments = 60, over = '12m' }
                fault = [
                    { kind = 'stripe-lost-answer', rate = 0.3, for = '15m' },
                    { kind = 'crash', rate = 0.2, for = '15m' },
                ]"
            .to_owned(),
            Self::Silent => "
                workload = { payments = 60, over = '12m' }
                fault = [{ kind = 'stripe-timeout', rate = 0.2 }]"
                .to_owned(),
            Self::Busy => "
                workload = { payments = 60, over = '10s' }
                fault = [{ kind = 'stripe-unavailable', rate = 0.2 }]
                expect = { dead_letters = 'any' }"
                .to_owned(),
            Self::Twins => format!(
                "workload = {{ bodies = {}, over = '3s' }}
                fault = [{{ kind = 'stripe-lost-answer', rate = 0.2 }}]",
                bodies((0..48).map(|n| payment(n % 24, 1999, VISA)))
            ),
            Self::Conflicts => format!(
                "workload = {{ bodies = {}, over = '20s' }}
                expect = {{ dead_letters = 'none' }}",
                bodies((0..12).flat_map(|n| [payment(n, 1999, VISA), payment(n, 2999, VISA)]))
            ),
            Self::Declines => "
                workload = { payments = 60, over = '10m' }
                fault = [
                    { kind = 'declined', rate = 0.5 },
                    { kind = 'crash', rate = 0.3 },
                ]
                expect = { dead_letters = 'none' }"
                .to_owned(),
            Self::Poison => "
                workload = { payments = 40, over = '10m' }
                fault = [{ kind = 'poison', rate = 0.2, for = '15m' }]"
                .to_owned(),
            Self::Garbage => "
                workload = { payments = 40, over = '5m' }
                fault = [{ kind = 'malformed', rate = 0.3, for = '5m' }]"
                .to_owned(),
            Self::Refused => format!(
                "workload = {{ bodies = {}, over = '5m' }}
                expect = {{ dead_letters = 'none' }}",
                bodies((0..30).map(|n| payment(n, if n % 5 == 2 { TOO_SMALL } else { 1999 }, VISA)))
            ),
            // At hop 8 the confirm has had its effect; at hop 4 the look-up has.
            Self::Deadly => "
                workload = { payments = 20, over = '2m' }
                fault = [
                    { kind = 'crash', hop = 8, rate = 1.0, for = '3m' },
                    { kind = 'crash', hop = 4, rate = 0.9, from = '3m', for = '18m' },
                ]"
            .to_owned(),
            Self::Drills => format!(
                "workload = {{ bodies = {}, over = '2m' }}",
                bodies((0..10).flat_map(|n| [payment(n, 1999, VISA), DRILLS[n % 2].to_owned()]))
            ),
            Self::Blip => "
                workload = { payments = 60, over = '3m' }
                fault = [{ kind = 'stripe-unavailable', from = '1m', for = '20s' }]
                expect = { dead_letters = 'none', drained_within = '3m' }"
                .to_owned(),
            Self::Outage => OUTAGE.to_owned(),
            Self::Echo => OUTAGE.replace("fault = [", "fault = [{ kind = 'event-twice', rate = 1.0 }, "),
        }
    }
}

const VISA: &str = "pm_card_visa";
/// Less than Stripe charges, in any currency.
const TOO_SMALL: i64 = 1;
const DRILLS: [&str; 2] = ["PYMT_FAILED", "PYMT_SUCCEED"];

const OUTAGE: &str = "
    workload = { payments = 80, over = '40m' }
    fault = [{ kind = 'stripe-unavailable', from = '5m', for = '30m' }]";

fn payment(number: usize, amount: i64, method: &str) -> String {
    format!(
        r#"{{"payment_id":"order-{number}","amount":{amount},"currency":"eur","payment_method":"{method}"}}"#
    )
}

fn bodies(bodies: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = bodies.map(|body| format!("'{body}'")).collect();
    format!("[{}]", quoted.join(", "))
}
