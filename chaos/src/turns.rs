//! Turns: two invocations side by side, whose effects take place in a chosen order.
//!
//! A call has its effect between two hops. An invocation that has a seat waits in front of each of its calls until the
//! other one waits in front of its own, or is over; then the order says who goes on. Whoever comes later than the two
//! has no seat and waits for nobody.
//!
//! Two effects that touch nothing in common come to the same in either order, so of all orders that only swap such effects
//! one is enough: the one in which the first never waits for what it does not depend on. (They are the traces of
//! Mazurkiewicz, and a first that must not go yet is what Godefroid calls asleep.)
//! Invariant: of two invocations that are seated and not over, at most one moves, so the order decides everything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// One of two invocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seat {
    /// The one that began first.
    First,
    /// The other.
    Second,
}

/// What an effect touches: all that a service holds, by the service's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect(pub &'static str);

/// A turn that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// By whom.
    pub seat: Seat,
    /// Whether the other waited for its turn as well.
    pub choice: Choice,
    /// For what.
    pub effect: Effect,
}

/// Who goes on when the order has come to its end and both wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rest {
    /// The first.
    #[default]
    First,
    /// The first, unless it could have gone before what the second did: then the second, until it does something that the
    /// first depends on.
    FirstUnlessAsleep,
}

/// Whether there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Both waited.
    Free,
    /// The other was over.
    None,
}

/// A seat at a table of two, for one invocation.
#[derive(Clone, Debug)]
pub struct Place {
    turns: Turns,
    seat: Seat,
}

/// The table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    order: Vec<Seat>,
    rest: Rest,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    standing: [Standing; 2],
    /// Whether the first could have gone before what the second did last.
    first_sleeps: bool,
    taken: Vec<Turn>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Expected,
    Moving,
    Waiting(Effect),
    Over,
}

impl Effect {
    /// Whether it comes to the same if the two are swapped. A read may tell, and counts against limits, so it is no better
    /// than a write.
    #[must_use]
    pub fn commutes_with(self, other: Self) -> bool {
        self != other
    }
}

impl Seat {
    const fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }

    /// How an order is written and named: `1` or `2`.
    #[must_use]
    pub const fn digit(self) -> char {
        match self {
            Self::First => '1',
            Self::Second => '2',
        }
    }

    /// The one who sits opposite.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

impl Turns {
    /// A table whose turns go in this order, and then as `rest` says.
    #[must_use]
    pub fn new(order: Vec<Seat>, rest: Rest) -> Self {
        Self(Arc::new(Shared { order, rest, state: Mutex::default(), changed: Notify::new() }))
    }

    /// A place for an invocation that begins, while there is one.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let mut state = self.lock();
        let free = |seat: &Seat| state.standing[seat.index()] == Standing::Expected;
        let seat = [Seat::First, Seat::Second].into_iter().find(free)?;
        state.standing[seat.index()] = Standing::Moving;
        Some(Place { turns: self.clone(), seat })
    }

    /// The turns that were taken so far.
    #[must_use]
    pub fn taken(&self) -> Vec<Turn> {
        self.lock().taken.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, seat: Seat, standing: Standing) {
        self.lock().standing[seat.index()] = standing;
        self.0.changed.notify_waiters();
    }

    /// Takes a turn for this effect, if it is this one's.
    fn try_take(&self, seat: Seat, effect: Effect) -> bool {
        let mut state = self.lock();
        let (choice, commutes) = match state.standing[seat.other().index()] {
            Standing::Expected | Standing::Moving => return false,
            Standing::Waiting(other) => (Choice::Free, effect.commutes_with(other)),
            Standing::Over => (Choice::None, false),
        };
        if choice == Choice::Free && self.next(&state) != seat {
            return false;
        }
        state.standing[seat.index()] = Standing::Moving;
        state.first_sleeps = seat == Seat::Second && commutes;
        state.taken.push(Turn { seat, choice, effect });
        true
    }

    /// Whose turn it is while both wait.
    fn next(&self, state: &State) -> Seat {
        let rest = match self.0.rest {
            Rest::FirstUnlessAsleep if state.first_sleeps => Seat::Second,
            Rest::First | Rest::FirstUnlessAsleep => Seat::First,
        };
        self.0.order.get(state.taken.len()).copied().unwrap_or(rest)
    }
}

impl Place {
    /// Waits for the next turn, for an effect.
    pub async fn turn(&self, effect: Effect) {
        self.turns.set(self.seat, Standing::Waiting(effect));
        loop {
            let changed = self.turns.0.changed.notified();
            if self.turns.try_take(self.seat, effect) {
                return;
            }
            changed.await;
        }
    }

    /// Leaves: the invocation is over.
    pub fn leave(&self) {
        self.turns.set(self.seat, Standing::Over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Effect = Effect("a");
    const ELSEWHERE: Effect = Effect("b");

    /// The order in which two invocations have these effects.
    async fn effects(turns: Turns, first: &[Effect], second: &[Effect]) -> Vec<Seat> {
        let work = |effects: &[Effect]| {
            let (place, effects) = (turns.place().expect("there are two"), effects.to_vec());
            async move {
                for effect in effects {
                    place.turn(effect).await;
                }
                place.leave();
            }
        };
        let (first, second) = (work(first), work(second));
        assert!(turns.place().is_none(), "a third has no seat");
        tokio::join!(biased; first, second);
        turns.taken().iter().map(|turn| turn.seat).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn effects_take_place_in_the_order_that_was_chosen() {
        use Seat::{First, Second};
        let (one, two) = ([HERE; 1], [HERE; 2]);
        let ordered = |order: &[Seat]| Turns::new(order.to_vec(), Rest::First);
        assert_eq!(effects(ordered(&[]), &two, &two).await, [First, First, Second, Second]);
        assert_eq!(
            effects(ordered(&[Second, First, Second]), &two, &two).await,
            [Second, First, Second, First]
        );
        assert_eq!(effects(ordered(&[Second, Second, Second]), &two, &one).await, [Second, First, First]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_that_sleeps_goes_on_after_what_it_depends_on() {
        use Seat::{First, Second};
        let begun_by_second = |rest| Turns::new(vec![Second], rest);
        let second = [ELSEWHERE, ELSEWHERE, HERE, ELSEWHERE];
        let awake = effects(begun_by_second(Rest::First), &[HERE], &second).await;
        assert_eq!(awake, [Second, First, Second, Second, Second]);
        let asleep = effects(begun_by_second(Rest::FirstUnlessAsleep), &[HERE], &second).await;
        assert_eq!(asleep, [Second, Second, Second, First, Second]);
        let dependent = effects(begun_by_second(Rest::FirstUnlessAsleep), &[ELSEWHERE, HERE], &second).await;
        assert_eq!(dependent, [Second, First, First, Second, Second, Second]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_moves_while_the_other_does() {
        let turns = Turns::new(vec![], Rest::First);
        let (first, second) = (turns.place().expect("one"), turns.place().expect("two"));
        tokio::select! {
            biased;
            () = first.turn(HERE) => panic!("the second has not come to a call yet"),
            () = std::future::ready(()) => {}
        }
        second.leave();
        first.turn(HERE).await;
        assert_eq!(turns.taken(), [Turn { seat: Seat::First, choice: Choice::None, effect: HERE }]);
    }
}
