//! What is in quarantine: how many for which reason, how much money, how old.
//!
//! Details name positions, ids and amounts, so that two messages of one cause seldom have the same text: a cause is told
//! apart by what is left when every word with a digit is taken for the same.
//! Invariant: what was not read is not guessed at: a count that may be too small says so, and so does a sum.

use super::recovery::cut;
use super::survey::{Quarantined, Reach, samples};
use crate::legible::{Form, Legible};
use crate::limits::{CONTENTS_REASONS_MAX, HOUR_MS};
use crate::money::Currency;
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A message in quarantine, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// What is listed of it.
    pub what: Quarantined,
    /// What its body asks for.
    pub money: BTreeMap<Currency, i64>,
    /// How much of its body can be read.
    pub form: Form,
    /// When it was sent to quarantine.
    pub sent_at: Option<UnixMs>,
}

/// What was read of the quarantine, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contents {
    /// Messages that were read.
    pub read: u64,
    /// Whether those are all.
    pub reach: Reach,
    /// How many are there for which reason, the most frequent first.
    pub groups: Vec<Group>,
    /// How many more are there for reasons that are not listed.
    pub others: u64,
    /// How much of each currency their bodies ask for, minor units.
    pub money: BTreeMap<Currency, i64>,
    /// Messages in which no money could be read.
    pub moneyless: u64,
    /// Orders inside something else, such as the envelope of a topic.
    pub wrapped: u64,
    /// Messages that came within the last hour.
    pub last_hour: u64,
    /// When the oldest of them was sent here.
    pub oldest_sent_at: Option<UnixMs>,
    /// Some of them.
    pub samples: Vec<Quarantined>,
}

/// Messages of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Why they are there, for example `refused`.
    pub reason: String,
    /// What else is known of one of them.
    pub detail: Option<String>,
    /// How many there are.
    pub messages: u64,
}

impl Copied {
    /// A message with this body and these attributes of ours.
    #[must_use]
    pub fn read(body: &str, reason: Option<&str>, detail: Option<&str>, sent_at: Option<UnixMs>) -> Self {
        let Legible { payment_id, money, form } = Legible::of(body);
        let reason = cut(reason.unwrap_or("no reason given"));
        Self { what: Quarantined { payment_id, reason, detail: detail.map(cut) }, money, form, sent_at }
    }
}

impl Contents {
    /// Adds up what was read.
    #[must_use]
    pub fn of(copies: Vec<Copied>, reach: Reach, now: UnixMs) -> Self {
        let mut contents = Self { read: copies.len() as u64, reach, ..Self::default() };
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for copied in &copies {
            contents.add(copied, now);
            groups.entry(copied.what.cause()).or_insert_with(|| Group::of(&copied.what)).add(&copied.what);
        }
        contents.groups = groups.into_values().collect();
        contents.groups.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.name().cmp(&b.name())));
        let unlisted = contents.groups.split_off(contents.groups.len().min(CONTENTS_REASONS_MAX));
        contents.others = unlisted.iter().map(|group| group.messages).sum();
        contents.samples = samples(copies.into_iter().map(|copied| copied.what).collect());
        contents
    }

    fn add(&mut self, copied: &Copied, now: UnixMs) {
        for (currency, minor) in &copied.money {
            let sum = self.money.entry(*currency).or_default();
            *sum = sum.saturating_add(*minor);
        }
        self.moneyless += u64::from(copied.money.is_empty());
        self.wrapped += u64::from(copied.form == Form::Wrapped);
        self.last_hour += u64::from(copied.sent_at.is_some_and(|at| now.since_ms(at) < HOUR_MS));
        self.oldest_sent_at = [self.oldest_sent_at, copied.sent_at].into_iter().flatten().min();
    }

    /// Whether the money may be less than what all messages ask for.
    #[must_use]
    pub const fn money_reach(&self) -> Reach {
        if self.moneyless > 0 { Reach::Part } else { self.reach }
    }
}

impl Group {
    fn of(what: &Quarantined) -> Self {
        Self { reason: what.reason.clone(), detail: what.detail.clone(), messages: 0 }
    }

    /// Counts one more. Of their details the first of the alphabet is shown, so that it does not depend on SQS.
    fn add(&mut self, what: &Quarantined) {
        self.messages += 1;
        if what.detail < self.detail {
            self.detail.clone_from(&what.detail);
        }
    }

    /// Reason and detail, as people read them.
    #[must_use]
    pub fn name(&self) -> String {
        named(&self.reason, self.detail.as_deref())
    }

    /// What tells its cause from others.
    #[must_use]
    pub fn cause(&self) -> String {
        without_particulars(&self.name())
    }
}

impl Quarantined {
    /// Reason and detail, as people read them.
    #[must_use]
    pub fn name(&self) -> String {
        named(&self.reason, self.detail.as_deref())
    }

    pub(super) fn cause(&self) -> String {
        without_particulars(&self.name())
    }
}

fn named(reason: &str, detail: Option<&str>) -> String {
    detail.map_or_else(|| reason.to_owned(), |detail| format!("{reason}, {detail}"))
}

/// The text with `#` for every word that holds a digit.
fn without_particulars(text: &str) -> String {
    let is_of_word = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-');
    let mut plain = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(|char| !is_of_word(char)).unwrap_or(rest.len()));
        plain.push_str(if word.contains(|char: char| char.is_ascii_digit()) { "#" } else { word });
        let (gap, after) = after.split_at(after.find(is_of_word).unwrap_or(after.len()));
        plain.push_str(gap);
        rest = after;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_767_609_720_000);

    fn copied(body: &str, reason: &str, detail: &str) -> Copied {
        let detail = Some(detail).filter(|detail| !detail.is_empty());
        Copied::read(body, Some(reason), detail, Some(NOW.plus_ms(-60_000)))
    }

    fn groups(contents: &Contents) -> Vec<(String, u64)> {
        contents.groups.iter().map(|group| (group.name(), group.messages)).collect()
    }

    #[test]
    fn messages_of_one_cause_count_together_whatever_position_or_id_they_name() {
        let copies = vec![
            copied("{", "malformed", "body is not JSON (line 1, column 9)"),
            copied("{", "malformed", "body is not JSON (line 1, column 37)"),
            copied("{", "refused", "resource_missing: no such pm_1Ab3 (payment_method)"),
            copied("{", "refused", "resource_missing: no such pm_9Zz9 (payment_method)"),
            copied("{", "refused", "amount_too_small (amount)"),
            copied("{", "poison", ""),
            copied("{", "malformed", "body is not JSON (line 2, column 1)"),
        ];
        let contents = Contents::of(copies, Reach::All, NOW);
        let expected = [
            ("malformed, body is not JSON (line 1, column 37)", 3),
            ("refused, resource_missing: no such pm_1Ab3 (payment_method)", 2),
            ("poison", 1),
            ("refused, amount_too_small (amount)", 1),
        ];
        assert_eq!(groups(&contents), expected.map(|(name, count)| (name.to_owned(), count)));
        assert_eq!(contents.groups[0].cause(), "malformed, body is not JSON (line #, column #)");
    }

    #[test]
    fn money_is_at_least_that_where_a_body_shows_none_or_not_all_were_read() {
        let order = r#"{"payment_id":"order-1","amount":"5","currency":"eur"}"#;
        let reach = |copies, reach| Contents::of(copies, reach, NOW).money_reach();
        assert_eq!(reach(vec![copied(order, "malformed", "")], Reach::All), Reach::All);
        assert_eq!(reach(vec![copied(order, "malformed", "")], Reach::Part), Reach::Part);
        let both = vec![copied(order, "malformed", ""), copied("?", "malformed", "")];
        assert_eq!(reach(both, Reach::All), Reach::Part);
    }

    #[test]
    fn the_oldest_and_those_of_the_last_hour_go_by_when_they_were_sent_here() {
        let sent = |ms| Copied { sent_at: Some(NOW.plus_ms(ms)), ..copied("{", "malformed", "") };
        let unknown = Copied { sent_at: None, ..sent(0) };
        let copies = vec![sent(-1), sent(-HOUR_MS + 1), sent(-HOUR_MS), sent(-3 * HOUR_MS), unknown];
        let contents = Contents::of(copies, Reach::All, NOW);
        assert_eq!((contents.last_hour, contents.oldest_sent_at), (2, Some(NOW.plus_ms(-3 * HOUR_MS))));
    }

    #[test]
    fn reasons_beyond_the_bound_are_counted_and_texts_beyond_it_are_cut() {
        let odd = |n: usize| copied("{", &"x".repeat(n + 1), &"y".repeat(10_000));
        let contents = Contents::of((0..CONTENTS_REASONS_MAX + 3).map(odd).collect(), Reach::All, NOW);
        assert_eq!((contents.groups.len(), contents.others), (CONTENTS_REASONS_MAX, 3));
        assert!(contents.groups.iter().all(|group| group.name().len() < 450));
    }
}
