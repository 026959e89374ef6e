//! What the producer sends: which messages, and when.
//!
//! Bodies from a file or an experiment are sent byte for byte as they were written: judging them is the consumer's
//! business. Invariant: same workload and seed, same arrivals.

pub(crate) mod generate;
mod ndjson;
mod schedule;
mod visits;

pub use ndjson::NdjsonError;
pub use visits::Visits;

use crate::random::Stream;
use std::path::PathBuf;

/// Messages and the pace at which they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Which messages.
    pub payments: Payments,
    /// How fast.
    pub pace: Pace,
}

/// Where the messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payments {
    /// This many made-up payments, all of them good.
    Generated(u32),
    /// The lines of a file, a JSON object each.
    File(PathBuf),
    /// These bodies, whatever they are.
    Bodies(Vec<String>),
}

/// How arrivals spread over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    /// All of them within this many ms.
    Over {
        /// Length of the stretch in ms.
        span_ms: u64,
    },
    /// So many a second on average.
    Rate {
        /// Millionths of a message per second, above 0.
        per_second_micros: u64,
    },
    /// Each at its own instant, in ms since the start of the run, ascending; whoever is left over comes with the last.
    At(Vec<u64>),
}

/// One message on its way to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Ms since the start of the run.
    pub at_ms: u64,
    /// The message, as it is sent.
    pub body: String,
}

impl Workload {
    /// Every arrival, earliest first; messages keep the order in which they were given.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it is no JSON object that SQS would take.
    pub fn arrivals(&self, seed: u64) -> Result<Vec<Arrival>, NdjsonError> {
        let bodies = match &self.payments {
            Payments::Generated(count) => {
                generate::bodies(1..=*count, &mut Stream::new(seed, "workload/payments"))
            }
            Payments::File(path) => ndjson::read(path)?,
            Payments::Bodies(bodies) => bodies.clone(),
        };
        let times = match &self.pace {
            Pace::At(times) => {
                let last = times.last().copied().unwrap_or(0);
                times.iter().copied().chain(std::iter::repeat(last)).take(bodies.len()).collect()
            }
            Pace::Over { .. } | Pace::Rate { .. } => {
                let span_ms = self.pace.span_ms(bodies.len() as u64);
                schedule::times(bodies.len(), span_ms, &mut Stream::new(seed, "workload/arrivals"))
            }
        };
        Ok(times.into_iter().zip(bodies).map(|(at_ms, body)| Arrival { at_ms, body }).collect())
    }
}

impl Payments {
    /// How many there are, when that is known without reading a file.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Generated(count) => Some(u64::from(*count)),
            Self::File(_) => None,
            Self::Bodies(bodies) => Some(bodies.len() as u64),
        }
    }
}

impl Pace {
    /// Ms within which `count` messages are sent.
    #[must_use]
    pub fn span_ms(&self, count: u64) -> u64 {
        match self {
            Self::Over { span_ms } => *span_ms,
            Self::Rate { per_second_micros } => {
                count.saturating_mul(1_000_000_000) / (*per_second_micros).max(1)
            }
            Self::At(times) => times.last().copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(count: u32, pace: Pace) -> Workload {
        Workload { payments: Payments::Generated(count), pace }
    }

    const HOUR: Pace = Pace::Over { span_ms: 3_600_000 };

    #[test]
    fn the_same_seed_gives_the_same_arrivals_and_another_seed_others() {
        let workload = generated(100, HOUR);
        let arrivals = |seed| workload.arrivals(seed).expect("no file is read");
        assert_eq!(arrivals(7), arrivals(7));
        assert_ne!(arrivals(7), arrivals(8));
    }

    #[test]
    fn arrivals_are_drawn_alike_on_every_platform() {
        let arrivals = generated(3, HOUR).arrivals(42).expect("no file is read");
        let lines: Vec<_> = arrivals.iter().map(|it| format!("{} {}", it.at_ms, it.body)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        653578 {"payment_id":"order-000001","amount":10697,"currency":"usd","payment_method":"pm_card_visa","description":"Order 1, items: 3"}
        2400693 {"payment_id":"order-000002","amount":6897,"currency":"eur","payment_method":"pm_card_amex","description":"Order 2, items: 3"}
        3208069 {"payment_id":"order-000003","amount":5199,"currency":"usd","payment_method":"pm_card_visa","description":"Order 3, items: 1"}
        "#);
    }

    #[test]
    fn bodies_of_an_experiment_are_sent_as_they_are() {
        let bodies = ["PYMT_FAILED", " {} "].map(str::to_owned).to_vec();
        let workload = Workload { payments: Payments::Bodies(bodies.clone()), pace: HOUR };
        let sent = workload.arrivals(1).expect("no file is read").into_iter().map(|it| it.body);
        assert_eq!(sent.collect::<Vec<_>>(), bodies);
    }

    #[test]
    fn messages_can_be_given_an_instant_each() {
        let workload = generated(3, Pace::At(vec![5, 7]));
        let arrivals = workload.arrivals(1).expect("no file is read");
        assert_eq!(arrivals.iter().map(|arrival| arrival.at_ms).collect::<Vec<_>>(), [5, 7, 7]);
    }

    #[test]
    fn a_rate_decides_how_long_the_arrivals_take() {
        let half_a_second = Pace::Rate { per_second_micros: 2_000_000 };
        assert_eq!(half_a_second.span_ms(7_200), 3_600_000);
        let arrivals = generated(7_200, half_a_second).arrivals(1).expect("no file is read");
        assert!(arrivals.iter().all(|arrival| arrival.at_ms < 3_600_000));
        assert!(arrivals.last().is_some_and(|last| last.at_ms > 3_500_000));
    }

    #[test]
    fn the_shipped_purchases_are_all_sent_zero_priced_ones_too() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/cdnow-payments.ndjson");
        let workload = Workload { payments: Payments::File(file.into()), pace: HOUR };
        let arrivals = workload.arrivals(1).expect("the shipped file is good");
        assert_eq!(arrivals.len(), 6_919);
        let free = arrivals.iter().filter(|arrival| arrival.body.contains(r#""amount":0,"#));
        assert_eq!(free.count(), 8);
    }
}
