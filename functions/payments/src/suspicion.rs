//! Ours or theirs: who else met this?
//!
//! A payment that cannot be charged is its own fault only if others can: when many meet the same answer and nobody comes
//! through, the common factor is us: a wrong parameter, a restricted key, an API version, a deployment that crashes, a
//! parser that refuses every body. So nothing is held against a payment at first sight. It goes back, and is judged when
//! it meets the same again, by what others met in between *at the same operation*: an accepted create says nothing of
//! confirms.
//!
//! Containers share no memory and die. What one remembers ([`Suspicions`]) is only ever a part, and a part suffices: one
//! that saw nobody come through holds a payment back for longer, no more. And before it blames one, it asks the ledger,
//! whose rows carry what each unsettled payment met ([`Refused`]), for company: that is every container's memory. Of
//! deliveries that die, the [`pulse`](crate::pulse) tells.
//!
//! Invariant: nothing but a success of the same operation, or a human's word, ends a suspicion against ourselves.

use crate::cause::Cause;
use crate::incident::Unsettled;
use crate::ledger::Row;
use crate::limits::{
    ALIKE_MIN, CHANCE_MIN_ALONE, CHANCE_MIN_IN_COMPANY, SUSPICION_PROBE_MS, UNREADABLE_HELD_MS, WITNESSES_MAX,
};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What is done to a payment, and may be refused. A success at one says nothing of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Its message is read.
    Read,
    /// An intent is made.
    Create,
    /// The intent is confirmed.
    Confirm,
    /// The intent is looked up.
    Retrieve,
    /// The intent is canceled.
    Cancel,
}

impl Operation {
    /// The word under which it is stored and told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Confirm => "confirm",
            Self::Retrieve => "retrieve",
            Self::Cancel => "cancel",
        }
    }
}

/// What a payment met that would be held against it, and how often. Kept on its row until it meets something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Refused {
    /// The operation and what was said of it, for example `create: amount_too_small (amount)`. Two payments that have the
    /// same here met the same.
    pub what: String,
    /// When it was met first.
    pub since: UnixMs,
    /// How often. 0 when the call was spared, because others had met it.
    pub times: u32,
}

impl Refused {
    /// It is met now, after what the row remembers.
    #[must_use]
    pub fn again(before: Option<&Self>, what: String, now: UnixMs) -> Self {
        match before {
            Some(before) if before.what == what => {
                Self { times: before.times.saturating_add(1), ..before.clone() }
            }
            Some(_) | None => Self { what, since: now, times: 1 },
        }
    }

    /// The call is spared for what others met. What the payment met itself stays.
    #[must_use]
    pub fn spared(before: Option<&Self>, what: String, now: UnixMs) -> Self {
        before.cloned().unwrap_or(Self { what, since: now, times: 0 })
    }
}

/// Who a refusal is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suspect {
    /// The payment: others come through.
    Payment,
    /// Us: many meet the same.
    Us,
    /// Too few came by to say.
    Nobody,
}

impl Suspect {
    /// Why a payment goes back that is not blamed.
    #[must_use]
    pub const fn cause(self) -> Cause {
        match self {
            Self::Us => Cause::RefusedInARow,
            Self::Payment | Self::Nobody => Cause::Refused,
        }
    }
}

/// Whether a call may be made while a suspicion stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It may.
    Granted,
    /// It may not: many have met this, and nobody has come through since.
    Spared(Met),
}

/// What was met, and what it is a cause of when it is not the payment's fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Met {
    /// As in [`Refused`].
    pub what: String,
    /// Why payments go back for it.
    pub cause: Cause,
}

/// What one container has seen others meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suspicions {
    witnesses: BTreeMap<Operation, Witnesses>,
    reading: Reading,
}

/// The last to try an operation, oldest first, each with what it met last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Witnesses {
    met: VecDeque<Witness>,
    probed_at: Option<UnixMs>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Witness {
    /// A payment's id, or a message's.
    who: String,
    at: UnixMs,
    /// What it met, or nothing where it came through.
    met: Option<Met>,
}

impl Suspicions {
    /// Takes note that `who` came through.
    pub fn accepted(&mut self, operation: Operation, who: &str, at: UnixMs) {
        self.of(operation).add(Witness { who: who.to_owned(), at, met: None });
    }

    /// Takes note that a payment was read.
    pub fn has_read(&mut self) {
        self.reading = Reading::Works;
    }

    /// Takes note that `who` met what nobody is ever blamed for.
    pub fn met(&mut self, operation: Operation, who: &str, cause: Cause, at: UnixMs) {
        let met = Met { what: format!("{}: {cause}", operation.name()), cause };
        self.of(operation).add(Witness { who: who.to_owned(), at, met: Some(met) });
    }

    /// Takes note that `who` met `refused`, and says whom to suspect. `company` is how many others the ledger knows to
    /// have met the same.
    pub fn judge(
        &mut self,
        operation: Operation,
        who: &str,
        refused: &Refused,
        company: usize,
        at: UnixMs,
    ) -> Suspect {
        let witnesses = self.of(operation);
        let met = Met { what: refused.what.clone(), cause: Cause::RefusedInARow };
        witnesses.add(Witness { who: who.to_owned(), at, met: Some(met) });
        let (accepted, alike) = witnesses.beside(who, refused);
        match operation {
            Operation::Read => self.reading.verdict(alike, refused.times, at),
            Operation::Create | Operation::Confirm | Operation::Retrieve | Operation::Cancel => {
                verdict(accepted, alike.max(company), refused.times)
            }
        }
    }

    /// Asks to try an operation: while a suspicion stands, one probe a minute is enough.
    pub fn leave(&mut self, operation: Operation, now: UnixMs) -> Leave {
        let witnesses = self.of(operation);
        match witnesses.suspicion() {
            Some(met) if witnesses.probed_at.is_some_and(|at| now.since_ms(at) < SUSPICION_PROBE_MS) => {
                Leave::Spared(met)
            }
            Some(_) => {
                witnesses.probed_at = Some(now);
                Leave::Granted
            }
            None => Leave::Granted,
        }
    }

    /// What so many met at an operation that only a probe may try it.
    #[must_use]
    pub fn standing(&self, operation: Operation) -> Option<Met> {
        self.witnesses.get(&operation)?.suspicion()
    }

    fn of(&mut self, operation: Operation) -> &mut Witnesses {
        self.witnesses.entry(operation).or_default()
    }
}

impl Witnesses {
    fn add(&mut self, witness: Witness) {
        self.met.retain(|other| other.who != witness.who);
        self.met.push_back(witness);
        if self.met.len() > WITNESSES_MAX {
            self.met.pop_front();
        }
    }

    /// Of the others, how many came through since `refused` was met first, and how many met the same.
    fn beside(&self, who: &str, refused: &Refused) -> (usize, usize) {
        let others = || self.met.iter().filter(|other| other.who != who);
        let accepted = others().filter(|other| other.met.is_none() && other.at > refused.since).count();
        let is_alike = |other: &&Witness| other.met.as_ref().is_some_and(|met| met.what == refused.what);
        (accepted, others().filter(is_alike).count())
    }

    /// What so many have met since the last came through that it is held against us.
    fn suspicion(&self) -> Option<Met> {
        let mut alike: BTreeMap<&Met, usize> = BTreeMap::new();
        for met in self.met.iter().rev().map_while(|witness| witness.met.as_ref()) {
            let count = alike.entry(met).or_default();
            *count += 1;
            if *count >= ALIKE_MIN {
                return Some(met.clone());
            }
        }
        None
    }
}

/// Whom to suspect, when `accepted` others came through since, `alike` met the same, and the payment itself `times`.
///
/// A payment with nothing wrong meets by chance what a share of all meets: then so often in a row as this share's power
/// says. It is blamed where that is too unlikely to believe: sooner where few others met the same.
fn verdict(accepted: usize, alike: usize, times: u32) -> Suspect {
    let share = |count: usize| u128::try_from(count).unwrap_or(u128::MAX);
    let (of_one, of_all) = (share(alike + 1), share(alike + accepted + 2));
    let chance_min = if alike < ALIKE_MIN { CHANCE_MIN_ALONE } else { CHANCE_MIN_IN_COMPANY };
    let is_too_unlikely =
        of_one.saturating_pow(times).saturating_mul(chance_min) <= of_all.saturating_pow(times);
    if times > 0 && is_too_unlikely {
        Suspect::Payment
    } else if alike >= ALIKE_MIN {
        Suspect::Us
    } else {
        Suspect::Nobody
    }
}

/// How many of `others` met what `row` met.
#[must_use]
pub fn company(row: &Row, what: &str, others: &[Unsettled]) -> usize {
    let is_other = |other: &&Unsettled| other.payment_id != row.payment().payment_id;
    others.iter().filter(is_other).filter(|other| other.met() == Some(what)).count()
}

/// What a container knows of its own reading. A parser is the same for all that it reads, so chance has no part in it: who
/// has read one payment can read, and what it cannot read is no payment. Only one that never has may be the one at fault,
/// and only for so long: by then a human was told, and in quarantine nothing is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Reading {
    /// It has read a payment.
    Works,
    /// It has read none, and others than this cannot be read since then.
    #[default]
    Untried,
    Fails {
        since: UnixMs,
    },
}

impl Reading {
    fn verdict(&mut self, alike: usize, times: u32, now: UnixMs) -> Suspect {
        match self {
            Self::Works => return Suspect::Payment,
            Self::Untried if alike >= ALIKE_MIN => *self = Self::Fails { since: now },
            Self::Untried => {}
            Self::Fails { since } if now.since_ms(*since) >= UNREADABLE_HELD_MS => return Suspect::Payment,
            Self::Fails { .. } => {}
        }
        // Of a few nobody can say that they are many.
        verdict(0, if alike < ALIKE_MIN { 0 } else { alike }, times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMs = UnixMs(1_767_603_600_000);
    const WHAT: &str = "confirm: parameter_unknown";

    fn at_s(seconds: i64) -> UnixMs {
        START.plus_ms(seconds * 1_000)
    }

    fn met(times: u32) -> Refused {
        Refused { what: WHAT.to_owned(), since: START, times }
    }

    /// Whom a payment that met [`WHAT`] first at the start is blamed on, every half a minute, `before` each of which
    /// something happens to others.
    fn judged(mut before: impl FnMut(&mut Suspicions, u32)) -> Vec<Suspect> {
        let mut suspicions = Suspicions::default();
        let judge = |times| {
            before(&mut suspicions, times);
            let now = at_s(30 * i64::from(times - 1));
            suspicions.judge(Operation::Confirm, "it", &met(times), 0, now)
        };
        (1..=8).map(judge).collect()
    }

    #[test]
    fn nobody_is_blamed_at_first_sight_and_one_alone_at_the_fourth() {
        let suspects = judged(|_, _| {});
        assert_eq!(suspects[..3], [Suspect::Nobody; 3]);
        assert_eq!(suspects[3..], [Suspect::Payment; 5]);
    }

    #[test]
    fn one_that_is_refused_while_others_come_through_is_blamed_at_its_second_delivery() {
        let suspects = judged(|suspicions, times| {
            for n in 0..10 {
                suspicions.accepted(
                    Operation::Confirm,
                    &format!("{times}-{n}"),
                    at_s(30 * i64::from(times) - 45),
                );
            }
        });
        assert_eq!(suspects[..2], [Suspect::Nobody, Suspect::Payment]);
    }

    #[test]
    fn a_success_before_or_at_another_operation_clears_nobody_of_anything() {
        let suspects = judged(|suspicions, times| {
            suspicions.accepted(Operation::Create, "another", at_s(30 * i64::from(times)));
            suspicions.accepted(Operation::Confirm, "earlier", START);
        });
        assert_eq!(suspects[..3], [Suspect::Nobody; 3]);
    }

    #[test]
    fn where_all_meet_the_same_we_are_suspected_however_often_it_is_met() {
        let suspects = judged(|suspicions, times| {
            let who = format!("other-{times}");
            suspicions.judge(Operation::Confirm, &who, &met(1), 0, at_s(30 * i64::from(times)));
        });
        assert_eq!(suspects[2..], [Suspect::Us; 6]);
        assert!(!suspects.contains(&Suspect::Payment));
    }

    #[test]
    fn others_with_another_reason_or_the_same_payment_again_are_no_company() {
        let suspects = judged(|suspicions, times| {
            let other = Refused { what: format!("confirm: reason {times}"), ..met(1) };
            suspicions.judge(Operation::Confirm, &format!("other-{times}"), &other, 0, START);
        });
        assert_eq!(suspects[3], Suspect::Payment);
    }

    #[test]
    fn the_ledgers_company_counts_as_ones_own_eyes_do() {
        let mut suspicions = Suspicions::default();
        let mut judge =
            |times, company| suspicions.judge(Operation::Create, "it", &met(times), company, START);
        assert_eq!(judge(4, 0), Suspect::Payment);
        assert_eq!((judge(4, 1), judge(4, 3)), (Suspect::Nobody, Suspect::Us));
    }

    #[test]
    fn half_of_all_refused_at_random_is_no_evidence_against_any_of_them() {
        // Eight refusals in a row happen to one in 256 of them.
        let suspects = judged(|suspicions, times| {
            for n in 0..5 {
                let now = at_s(30 * i64::from(times));
                suspicions.accepted(Operation::Confirm, &format!("{times}-{n}"), now);
                suspicions.judge(Operation::Confirm, &format!("{times}+{n}"), &met(1), 0, now);
            }
        });
        assert!(!suspects.contains(&Suspect::Payment), "{suspects:?}");
    }

    #[test]
    fn who_has_read_one_payment_can_read_and_the_rest_is_none_however_much() {
        let mut suspicions = Suspicions::default();
        suspicions.has_read();
        for n in 0..20 {
            let suspect = suspicions.judge(Operation::Read, &n.to_string(), &met(1), 0, START);
            assert_eq!(suspect, Suspect::Payment);
        }
    }

    #[test]
    fn who_has_read_nothing_yet_suspects_itself_until_a_human_had_the_time_to_mend_it() {
        let mut suspicions = Suspicions::default();
        let mut judge = |n: i64, times| {
            let at = at_s(60 * n);
            suspicions.judge(Operation::Read, &n.to_string(), &Refused { since: at, ..met(times) }, 0, at)
        };
        assert_eq!([judge(0, 1), judge(1, 1), judge(2, 1)], [Suspect::Nobody; 3]);
        assert_eq!([judge(3, 1), judge(60, 5), judge(122, 5)], [Suspect::Us; 3]);
        assert_eq!(judge(123, 1), Suspect::Payment);
    }

    #[test]
    fn one_message_alone_that_nobody_can_read_is_blamed_at_its_fourth_delivery() {
        let mut suspicions = Suspicions::default();
        let mut judge = |times| suspicions.judge(Operation::Read, "it", &met(times), 0, START);
        assert_eq!([1, 3, 4].map(&mut judge), [Suspect::Nobody, Suspect::Nobody, Suspect::Payment]);
    }

    #[test]
    fn while_a_suspicion_stands_one_call_a_minute_is_made_until_one_comes_through() {
        let mut suspicions = Suspicions::default();
        for n in 0..3 {
            assert_eq!(suspicions.leave(Operation::Confirm, START), Leave::Granted);
            suspicions.judge(Operation::Confirm, &n.to_string(), &met(1), 0, START);
        }
        let mut granted = |seconds| suspicions.leave(Operation::Confirm, at_s(seconds)) == Leave::Granted;
        let minutes: Vec<i64> = (1..600).filter(|seconds| granted(*seconds)).collect();
        assert_eq!(minutes, (0..10).map(|n| 60 * n + 1).collect::<Vec<_>>());
        assert_eq!(suspicions.leave(Operation::Create, at_s(600)), Leave::Granted);
        suspicions.accepted(Operation::Confirm, "one", at_s(600));
        assert_eq!(
            [601, 602].map(|s| suspicions.leave(Operation::Confirm, at_s(s))),
            [Leave::Granted, Leave::Granted]
        );
    }

    #[test]
    fn whoever_only_asks_what_stands_takes_no_probe() {
        let mut suspicions = Suspicions::default();
        assert_eq!(suspicions.standing(Operation::Retrieve), None);
        for n in 0..3 {
            suspicions.judge(Operation::Retrieve, &n.to_string(), &met(1), 0, START);
        }
        let standing = suspicions.standing(Operation::Retrieve).map(|met| met.cause);
        assert_eq!((standing, suspicions.standing(Operation::Confirm)), (Some(Cause::RefusedInARow), None));
        assert_eq!(suspicions.leave(Operation::Retrieve, START), Leave::Granted, "the probe is still there");
    }

    #[test]
    fn what_is_met_again_is_counted_and_what_is_new_begins_anew() {
        let first = Refused::again(None, "a".to_owned(), START);
        let second = Refused::again(Some(&first), "a".to_owned(), at_s(30));
        assert_eq!((second.times, second.since), (2, START));
        let other = Refused::again(Some(&second), "b".to_owned(), at_s(60));
        assert_eq!((other.times, other.since), (1, at_s(60)));
        assert_eq!(Refused::spared(Some(&second), "b".to_owned(), at_s(60)), second);
        assert_eq!(Refused::spared(None, "b".to_owned(), START).times, 0);
    }
}
