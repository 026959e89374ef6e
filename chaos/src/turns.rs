//! Turns: two invocations side by side, whose effects take place in a chosen order.
//!
//! A call has its effect between two hops. An invocation that has a seat waits in front of each of its calls until the
//! other one waits in front of its own, or is over; then the order says who goes on. Whoever comes later than the two
//! has no seat and waits for nobody.
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

/// A turn that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// By whom.
    pub seat: Seat,
    /// Whether the other waited for its turn as well.
    pub choice: Choice,
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
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    standing: [Standing; 2],
    taken: Vec<Turn>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Expected,
    Moving,
    Waiting,
    Over,
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
    /// A table whose turns go in this order; after it the first goes on as long as it can.
    #[must_use]
    pub fn new(order: Vec<Seat>) -> Self {
        Self(Arc::new(Shared { order, state: Mutex::default(), changed: Notify::new() }))
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

    /// Takes a turn, if it is this one's.
    fn try_take(&self, seat: Seat) -> bool {
        let mut state = self.lock();
        let choice = match state.standing[seat.other().index()] {
            Standing::Expected | Standing::Moving => return false,
            Standing::Waiting => Choice::Free,
            Standing::Over => Choice::None,
        };
        let named = self.0.order.get(state.taken.len()).copied().unwrap_or(Seat::First);
        if choice == Choice::Free && named != seat {
            return false;
        }
        state.standing[seat.index()] = Standing::Moving;
        state.taken.push(Turn { seat, choice });
        true
    }
}

impl Place {
    /// Waits for the next turn.
    pub async fn turn(&self) {
        self.turns.set(self.seat, Standing::Waiting);
        loop {
            let changed = self.turns.0.changed.notified();
            if self.turns.try_take(self.seat) {
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

    /// The order in which two invocations of so many effects have them.
    async fn effects(order: &[Seat], first: usize, second: usize) -> Vec<Seat> {
        let turns = Turns::new(order.to_vec());
        let work = |count: usize| {
            let place = turns.place().expect("there are two");
            async move {
                for _ in 0..count {
                    place.turn().await;
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
        assert_eq!(effects(&[], 2, 2).await, [First, First, Second, Second]);
        assert_eq!(effects(&[Second, First, Second], 2, 2).await, [Second, First, Second, First]);
        assert_eq!(effects(&[Second, Second, Second], 2, 1).await, [Second, First, First]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_moves_while_the_other_does() {
        let turns = Turns::new(vec![]);
        let (first, second) = (turns.place().expect("one"), turns.place().expect("two"));
        tokio::select! {
            biased;
            () = first.turn() => panic!("the second has not come to a call yet"),
            () = std::future::ready(()) => {}
        }
        second.leave();
        first.turn().await;
        assert_eq!(turns.taken(), [Turn { seat: Seat::First, choice: Choice::None }]);
    }
}
