//! How the consumer's breakers stand, as its log tells it: a breaker lives in the memory of a container, which nobody sees.
//!
//! Invariant: each line is read once, and what no line says is not guessed: a breaker counts as open while it spares calls,
//! until a call of its container is answered or its time is up.

use crate::up::logs::Logs;
use payments::UnixMs;
use payments::limits::BREAKER_OPEN_MS_MAX;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What has been read so far.
#[derive(Debug, Default)]
pub(in crate::up) struct Breakers {
    read: u64,
    calls: u64,
    failed: u64,
    spared: u64,
    /// When each container spared a call, if it has had no answer since.
    open: BTreeMap<String, UnixMs>,
}

/// The consumer's line about one delivery.
#[derive(Deserialize)]
struct Record {
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    stripe_calls: u64,
    stripe_failures: u64,
    stripe_spared: u64,
}

impl Breakers {
    /// Reads what was written since, and says how they stand.
    pub(super) fn state(&mut self, logs: &Logs, group: &str, now: UnixMs) -> Value {
        logs.of(group, |group| {
            for line in group.after(self.read) {
                self.read = line.number;
                self.hear(&line.stream, line.at, &line.text);
            }
        });
        self.open.retain(|_, spared_at| now.since_ms(*spared_at) < BREAKER_OPEN_MS_MAX);
        json!({ "open": self.open.len(), "calls": self.calls, "failed": self.failed, "spared": self.spared })
    }

    fn hear(&mut self, container: &str, at: UnixMs, line: &str) {
        let Ok(Record { fields }) = serde_json::from_str(line) else { return };
        self.calls += fields.stripe_calls;
        self.failed += fields.stripe_failures;
        self.spared += fields.stripe_spared;
        if fields.stripe_spared > 0 {
            self.open.insert(container.to_owned(), at);
        } else if fields.stripe_calls > fields.stripe_failures {
            self.open.remove(container);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/aws/lambda/payments-consumer";

    fn line(calls: u64, failures: u64, spared: u64) -> String {
        json!({ "fields": { "stripe_calls": calls, "stripe_failures": failures, "stripe_spared": spared } })
            .to_string()
    }

    #[test]
    fn a_breaker_is_open_from_the_first_call_it_spares_until_an_answer_or_until_its_time_is_up() {
        let (logs, mut breakers) = (Logs::new([GROUP.to_owned()]), Breakers::default());
        let write = |stream: &str, at: i64, text: String| logs.write(GROUP, stream, UnixMs(at), text);
        let mut open = |logs: &Logs, now: i64| breakers.state(logs, GROUP, UnixMs(now));
        write("a", 0, line(2, 2, 0));
        write("a", 0, "no record".to_owned());
        assert_eq!(open(&logs, 0), json!({ "open": 0, "calls": 2, "failed": 2, "spared": 0 }));
        write("a", 1, line(0, 0, 1));
        write("b", 1, line(1, 1, 1));
        assert_eq!(open(&logs, 1), json!({ "open": 2, "calls": 3, "failed": 3, "spared": 2 }));
        assert_eq!(open(&logs, 1)["spared"], 2, "each line once");
        write("a", 2, line(2, 0, 0));
        assert_eq!(open(&logs, 2)["open"], 1, "b's");
        assert_eq!(open(&logs, BREAKER_OPEN_MS_MAX)["open"], 1);
        assert_eq!(open(&logs, 1 + BREAKER_OPEN_MS_MAX)["open"], 0);
    }
}
