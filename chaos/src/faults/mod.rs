//! Faults: what an experiment makes go wrong, when, how often, and what came of it.
//!
//! Whoever can suffer a fault asks `Faults` at the moment it could happen. Each kind draws from its own stream and
//! only while one of its windows is open, so moving one window never shifts another fault's draws. When several
//! configured faults of one kind are open they are asked in the order configured and the first that fires counts.
//! When several kinds could hit one call they are asked in the order of [`Kind::ALL`], and the first that prevents
//! the call ends the asking: a Stripe that is unavailable can lose no answer.
//! Invariant: every fault that took effect is in the journal once, and in its tally once.

mod families;
mod fault;
mod firing;
mod kinds;
mod live;
pub mod malformed;
pub mod oversized;
mod refusal;
mod table;

pub use families::{Family, Placement};
pub use fault::{Fault, Rate, Scope, Subject, When, Window};
pub use firing::Firing;
pub use kinds::{Description, Kind, UnknownKind};
pub use refusal::Refusal;

use crate::journal::{FaultFired, Journal};
use crate::random::Stream;
use firing::Asks;
use payments::UnixMs;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Highest hop a crash is drawn at unless the experiment says otherwise: two hops for each call of a batch of ten
/// payments, three calls each. A hop the invocation never reaches kills nothing.
pub const CRASH_HOPS_DEFAULT: u64 = 60;

/// Hops of the first call of an invocation: it is in there that memory runs out.
const FIRST_CALL_HOPS: u64 = 2;

/// What came of one configured fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The fault as configured.
    pub fault: Fault,
    /// How often it could have happened: to its scope, while its window was open.
    pub asked: u64,
    /// How often it did.
    pub fired: u64,
    /// When it first did.
    pub first: Option<UnixMs>,
    /// When it last did.
    pub last: Option<UnixMs>,
    /// Which asks fired, in order; each payment that is poison once.
    pub firings: Vec<Firing>,
}

impl Tally {
    /// Nothing has come of it yet.
    const fn of(fault: Fault) -> Self {
        Self { fault, asked: 0, fired: 0, first: None, last: None, firings: Vec::new() }
    }
}

/// A fault that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where in the call it takes effect; `None` for a kind without placements.
    pub placement: Option<Placement>,
    /// What Stripe refuses with, for a kind that refuses.
    pub refusal: Option<Refusal>,
    /// How many times as long as usual it makes an answer take, if it says so.
    pub times: Option<u64>,
}

impl Hit {
    /// Whether the call is to have its effect first.
    #[must_use]
    pub fn is_after(self) -> bool {
        self.placement == Some(Placement::After)
    }
}

/// The faults of one run. Cheap to clone; all clones share streams and tallies.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    start: UnixMs,
    crash_hops: u64,
    journal: Journal,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tallies: Vec<Tally>,
    /// What each fault was asked, in the same order.
    asks: Vec<Asks>,
    /// Whether something happens.
    streams: BTreeMap<Kind, Stream>,
    /// How slow, how long, which: apart from the others, so that a fault that counts measures as one that draws.
    measures: BTreeMap<Kind, Stream>,
    /// Payments that were asked about, and which poison each is, if it is one.
    poisons: BTreeMap<String, Option<usize>>,
    /// What each fault refuses with that was not told what to say.
    refusals: BTreeMap<usize, Refusal>,
    /// Ends that were drawn, by invocation, and the fault each belongs to.
    ends: BTreeMap<String, (usize, Firing)>,
}

impl Faults {
    /// The faults of a run that starts at `start`, in the order they are asked. Crashes without a hop of their own
    /// are drawn at hops 1 to `crash_hops`.
    #[must_use]
    pub fn new(faults: &[Fault], seed: u64, start: UnixMs, crash_hops: u64, journal: Journal) -> Self {
        let stream = |kind: Kind| (kind, Stream::new(seed, &format!("fault/{kind}")));
        let measure = |kind: Kind| (kind, Stream::new(seed, &format!("fault/{kind}/measure")));
        let state = State {
            tallies: faults.iter().cloned().map(Tally::of).collect(),
            asks: vec![Asks::default(); faults.len()],
            streams: Kind::ALL.into_iter().map(stream).collect(),
            measures: Kind::ALL.into_iter().map(measure).collect(),
            poisons: BTreeMap::new(),
            refusals: BTreeMap::new(),
            ends: BTreeMap::new(),
        };
        Self(Arc::new(Shared { start, crash_hops, journal, state: Mutex::new(state) }))
    }

    /// A run in which nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::new(&[], 0, UnixMs(0), CRASH_HOPS_DEFAULT, Journal::default())
    }

    /// Whether a fault of this kind hits the subject now, and where. It has then taken effect: whoever asks must make
    /// it so.
    pub fn fires(&self, kind: Kind, now: UnixMs, subject: &Subject<'_>) -> Option<Hit> {
        self.fires_among(kind, now, subject, |_| true)
    }

    /// The same, but only of those faults of the kind that `could` hit the subject are any asked.
    pub fn fires_among(
        &self,
        kind: Kind,
        now: UnixMs,
        subject: &Subject<'_>,
        could: impl Fn(&Fault) -> bool,
    ) -> Option<Hit> {
        let mut state = self.lock();
        let (drawn, firing) = state.draw(kind, self.elapsed_ms(now), subject, could)?;
        let refusal = state.refusal(drawn);
        let tally = &mut state.tallies[drawn];
        tally.firings.push(firing);
        self.record(tally, now, subject.name());
        Some(Hit { placement: tally.fault.placement, refusal, times: tally.fault.times })
    }

    /// A number in `low..=high` from the kind's stream: how slow, how long, which.
    #[must_use]
    pub fn between(&self, kind: Kind, low: u64, high: u64) -> u64 {
        self.lock().measures.get_mut(&kind).map_or(low, |stream| stream.between(low, high))
    }

    /// Whether whoever calls Stripe for this payment dies of it. Drawn once a payment, and then so for ever, also after
    /// the window has closed: a payment is poison by what it is.
    pub fn poisons(&self, payment: &str, now: UnixMs) -> bool {
        let elapsed_ms = self.elapsed_ms(now);
        let mut state = self.lock();
        let known = state.poisons.get(payment).copied();
        let subject = Subject { payment: Some(payment), ..Subject::default() };
        let poison = known.unwrap_or_else(|| {
            let drawn = state.draw(Kind::Poison, elapsed_ms, &subject, |_| true);
            let drawn = drawn.map(|(drawn, firing)| {
                state.tallies[drawn].firings.push(firing);
                drawn
            });
            state.poisons.insert(payment.to_owned(), drawn);
            drawn
        });
        if let Some(fired) = poison {
            self.record(&mut state.tallies[fired], now, subject.name());
        }
        poison.is_some()
    }

    /// Whether any fault of this kind is configured at all.
    #[must_use]
    pub fn include(&self, kind: Kind) -> bool {
        self.lock().tallies.iter().any(|tally| tally.fault.kind == kind)
    }

    /// How an invocation that starts now is to end, if a fault is drawn for it: the fault, and the hop at which it
    /// strikes, 0 for a container that runs out of memory before. `function` is `consumer` or `responder`. It has not
    /// fired until `ended` says so: the invocation may be over before it gets there.
    #[must_use]
    pub fn end_of(&self, function: &str, invocation: &str, now: UnixMs) -> Option<(Kind, u64)> {
        let mut state = self.lock();
        let (elapsed_ms, highest) = (self.elapsed_ms(now), self.0.crash_hops.max(1));
        let subject = Subject { operation: function, payment: None, id: invocation };
        let ends = [
            (Kind::Crash, 1, highest),
            (Kind::FunctionTimeout, 1, highest),
            (Kind::OutOfMemory, 0, FIRST_CALL_HOPS),
        ];
        ends.into_iter().find_map(|(kind, low, high)| {
            let (drawn, firing) = state.draw(kind, elapsed_ms, &subject, |_| true)?;
            let hop = state.tallies[drawn].fault.hop;
            let hop = hop.or_else(|| Some(state.measures.get_mut(&kind)?.between(low, high)))?;
            state.ends.insert(invocation.to_owned(), (drawn, Firing { hop: Some(hop), ..firing }));
            Some((kind, hop))
        })
    }

    /// An invocation really was ended by what was drawn for it.
    pub fn ended(&self, function: &str, invocation: &str, hop: u64, now: UnixMs) {
        let mut state = self.lock();
        if let Some((drawn, firing)) = state.ends.remove(invocation) {
            state.tallies[drawn].firings.push(firing);
            self.record(&mut state.tallies[drawn], now, format!("{function} {invocation} at hop {hop}"));
        }
    }

    /// What came of each configured fault, in the order configured.
    #[must_use]
    pub fn tally(&self) -> Vec<Tally> {
        self.lock().tallies.clone()
    }

    fn record(&self, tally: &mut Tally, now: UnixMs, on: String) {
        tally.fired += 1;
        tally.first.get_or_insert(now);
        tally.last = Some(now);
        let Fault { kind: fault, placement, .. } = tally.fault;
        self.0.journal.record(now, FaultFired { fault, placement, on });
    }

    /// Ms from the start of the run, in which windows are measured.
    pub(crate) fn elapsed_ms(&self, now: UnixMs) -> u64 {
        u64::try_from(now.since_ms(self.0.start)).unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Asks the open faults of one kind in order; the index of the first that fires, and which ask that was.
    fn draw(
        &mut self,
        kind: Kind,
        elapsed_ms: u64,
        subject: &Subject<'_>,
        could: impl Fn(&Fault) -> bool,
    ) -> Option<(usize, Firing)> {
        let Self { tallies, asks, streams, .. } = self;
        let stream = streams.get_mut(&kind)?;
        let mut drawn = None;
        for (index, (tally, asks)) in tallies.iter_mut().zip(asks).enumerate() {
            let Fault { window, scope, when, .. } = &tally.fault;
            if tally.fault.kind != kind || !scope.holds(subject) || !could(&tally.fault) {
                continue;
            }
            let is_open = window.contains(elapsed_ms);
            let firing = asks.count(subject, is_open);
            tally.asked += u64::from(is_open);
            // Once one has fired the others are counted on, and not drawn.
            let fires = is_open
                && drawn.is_none()
                && match when {
                    When::Rate(rate) => stream.happens(rate.at(*window, elapsed_ms)),
                    When::Nth(counted) => counted.contains(&tally.asked),
                };
            if fires {
                drawn = Some((index, firing));
            }
        }
        drawn
    }

    /// What a fault that refuses says: what it was told to, or what was drawn for it when it first did.
    fn refusal(&mut self, index: usize) -> Option<Refusal> {
        let Fault { kind, refusal, .. } = self.tallies[index].fault;
        if kind != Kind::StripeRefusing || refusal.is_some() {
            return refusal;
        }
        let stream = self.measures.get_mut(&kind)?;
        Some(*self.refusals.entry(index).or_insert_with(|| Refusal::drawn(stream)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Event;
    use crate::random::Chance;

    const START: UnixMs = UnixMs(1_000_000);
    const CONFIRM: Subject<'_> = Subject { operation: "confirm", payment: Some("order-1"), id: "pi_1" };

    fn fault(kind: Kind, share: f64, from_ms: u64, until_ms: u64) -> Fault {
        Fault::steady(kind, Chance::from_share(share).unwrap(), Window { from_ms, until_ms })
    }

    fn faults(configured: &[Fault]) -> (Faults, Journal) {
        let journal = Journal::default();
        (Faults::new(configured, 7, START, CRASH_HOPS_DEFAULT, journal.clone()), journal)
    }

    fn fires(faults: &Faults, kind: Kind, at_ms: i64) -> bool {
        faults.fires(kind, START.plus_ms(at_ms), &CONFIRM).is_some()
    }

    /// The hop at which an invocation is to end, if this kind was drawn for it.
    fn end_of(faults: &Faults, kind: Kind, now: UnixMs) -> Option<u64> {
        faults.end_of("consumer", "r-1", now).filter(|(drawn, _)| *drawn == kind).map(|(_, hop)| hop)
    }

    #[test]
    fn a_fault_fires_inside_its_window_only() {
        let (faults, _) = faults(&[fault(Kind::StripeUnavailable, 1.0, 100, 200)]);
        let fired = [99, 100, 199, 200].map(|at_ms| fires(&faults, Kind::StripeUnavailable, at_ms));
        assert_eq!(fired, [false, true, true, false]);
        let tally = faults.tally()[0].clone();
        assert_eq!((tally.asked, tally.fired), (2, 2));
        assert_eq!((tally.first, tally.last), (Some(START.plus_ms(100)), Some(START.plus_ms(199))));
    }

    #[test]
    fn a_fault_that_was_never_asked_for_shows_in_its_tally() {
        let (faults, _) = faults(&[fault(Kind::Declined, 1.0, 0, 10), fault(Kind::Crash, 1.0, 0, 10)]);
        assert!(fires(&faults, Kind::Declined, 5));
        assert_eq!(faults.tally().iter().map(|tally| tally.fired).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn other_faults_and_closed_windows_never_shift_a_draw() {
        let alone = faults(&[fault(Kind::StripeTimeout, 0.5, 100, 200)]).0;
        let beside =
            faults(&[fault(Kind::StripeUnavailable, 0.5, 0, 300), fault(Kind::StripeTimeout, 0.5, 100, 200)])
                .0;
        let draws =
            |faults: &Faults| (100..200).map(|at| fires(faults, Kind::StripeTimeout, at)).collect::<Vec<_>>();
        for at_ms in 0..100 {
            fires(&beside, Kind::StripeUnavailable, at_ms);
            fires(&beside, Kind::StripeTimeout, at_ms);
        }
        let drawn = draws(&alone);
        assert_eq!(draws(&beside), drawn);
        assert!(drawn.contains(&true) && drawn.contains(&false));
    }

    #[test]
    fn of_two_open_faults_of_one_kind_the_first_that_fires_counts() {
        let (faults, _) = faults(&[
            fault(Kind::Declined, 0.0, 0, 10),
            fault(Kind::Declined, 1.0, 0, 10),
            fault(Kind::Declined, 1.0, 0, 10),
        ]);
        assert!(fires(&faults, Kind::Declined, 1));
        assert_eq!(faults.tally().iter().map(|tally| tally.fired).collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(faults.tally().iter().map(|tally| tally.asked).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn a_firing_is_journalled_with_its_name_placement_and_victim() {
        let (faults, journal) = faults(&[fault(Kind::StripeLostAnswer, 1.0, 0, 10)]);
        fires(&faults, Kind::StripeLostAnswer, 1);
        let fired = FaultFired {
            fault: Kind::StripeLostAnswer,
            placement: Some(Placement::After),
            on: "confirm order-1".to_owned(),
        };
        let events: Vec<Event> = journal.records().into_iter().map(|record| record.event).collect();
        assert_eq!(events, [Event::Fault(fired)]);
    }

    #[test]
    fn a_crash_is_drawn_at_a_hop_and_counts_only_once_it_killed() {
        let (faults, journal) = faults(&[fault(Kind::Crash, 1.0, 0, 10_000)]);
        let hops: Vec<u64> =
            (0..1_000).filter_map(|at_ms| end_of(&faults, Kind::Crash, START.plus_ms(at_ms))).collect();
        assert_eq!((hops.iter().min(), hops.iter().max()), (Some(&1), Some(&CRASH_HOPS_DEFAULT)));
        assert_eq!((faults.tally()[0].asked, faults.tally()[0].fired), (1_000, 0));
        faults.ended("consumer", "r-1", hops[0], START.plus_ms(20_000));
        assert_eq!(faults.tally()[0].fired, 1);
        assert_eq!(journal.records().len(), 1);
    }

    #[test]
    fn memory_runs_out_between_two_invocations_or_in_the_first_call_of_one() {
        let (faults, _) = faults(&[fault(Kind::OutOfMemory, 1.0, 0, 10_000)]);
        let hops: std::collections::BTreeSet<u64> =
            (0..100).filter_map(|at_ms| end_of(&faults, Kind::OutOfMemory, START.plus_ms(at_ms))).collect();
        assert_eq!(hops, [0, 1, 2].into());
    }

    #[test]
    fn an_invocation_that_crashes_draws_no_other_end() {
        let (faults, _) = faults(&[fault(Kind::FunctionTimeout, 1.0, 0, 10), fault(Kind::Crash, 1.0, 0, 10)]);
        assert_eq!(faults.end_of("consumer", "r-1", START).map(|(kind, _)| kind), Some(Kind::Crash));
        assert_eq!(faults.tally()[0].asked, 0);
    }

    #[test]
    fn a_payment_that_is_poison_stays_poison_and_another_stays_well() {
        let (faults, _) = faults(&[fault(Kind::Poison, 0.5, 0, 10)]);
        let payments: Vec<String> = (0..50).map(|number| format!("order-{number}")).collect();
        let drawn = |at_ms| -> Vec<bool> {
            payments.iter().map(|payment| faults.poisons(payment, START.plus_ms(at_ms))).collect()
        };
        let first = drawn(5);
        assert!(first.contains(&true) && first.contains(&false));
        assert_eq!(drawn(1_000), first);
        assert!(!faults.poisons("order-later", START.plus_ms(1_000)));
        let poisons = first.iter().filter(|poison| **poison).count() as u64;
        assert_eq!((faults.tally()[0].asked, faults.tally()[0].fired), (50, 2 * poisons));
    }

    #[test]
    fn without_a_crash_configured_nothing_is_killed() {
        assert_eq!(Faults::none().end_of("consumer", "r-1", START), None);
    }

    #[test]
    fn a_fault_that_counts_hits_exactly_its_turns_within_its_scope() {
        let mut counted = fault(Kind::StripeLostAnswer, 0.0, 100, 200);
        counted.when = When::Nth([2, 3].into());
        counted.scope.operations = ["confirm".to_owned()].into();
        let (faults, _) = faults(&[counted]);
        let create = Subject { operation: "create", ..CONFIRM };
        assert!(!fires(&faults, Kind::StripeLostAnswer, 99));
        let confirms: Vec<bool> = (100..104)
            .map(|at_ms| {
                assert_eq!(faults.fires(Kind::StripeLostAnswer, START.plus_ms(at_ms), &create), None);
                fires(&faults, Kind::StripeLostAnswer, at_ms)
            })
            .collect();
        assert_eq!(confirms, [false, true, true, false]);
        assert_eq!((faults.tally()[0].asked, faults.tally()[0].fired), (4, 2));
    }

    #[test]
    fn a_crash_with_a_hop_of_its_own_kills_there_and_counts_for_its_own_fault() {
        let mut first = fault(Kind::Crash, 0.0, 0, 1_000);
        (first.when, first.hop) = (When::Nth([2].into()), Some(7));
        first.scope.operations = ["responder".to_owned()].into();
        let mut second = first.clone();
        (second.when, second.hop) = (When::Nth([1].into()), Some(3));
        let (faults, _) = faults(&[first, second]);
        let drawn = ["r-1", "r-2"].map(|request| faults.end_of("responder", request, START));
        assert_eq!(drawn, [Some((Kind::Crash, 3)), Some((Kind::Crash, 7))]);
        assert_eq!(faults.end_of("consumer", "r-3", START), None);
        faults.ended("responder", "r-2", 7, START);
        assert_eq!(faults.tally().iter().map(|tally| tally.fired).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn a_hit_says_where_the_fault_takes_effect() {
        let mut after = fault(Kind::StripeTimeout, 1.0, 0, 10);
        after.placement = Some(Placement::After);
        let (faults, _) = faults(&[after, fault(Kind::Declined, 1.0, 0, 10)]);
        assert!(faults.fires(Kind::StripeTimeout, START, &CONFIRM).is_some_and(Hit::is_after));
        assert_eq!(
            faults.fires(Kind::Declined, START, &CONFIRM),
            Some(Hit { placement: None, refusal: None, times: None })
        );
    }
}
