//! What an event of the provider's leads to: a look at the payment, which may come at any time and die at any step.
//!
//! Invariant: what an event says is not part of the world, so nothing can depend on it.

use crate::digest::Shared;
use crate::world::{World, position};
use crate::{NOW, Rules};
use payments::cause::Cause;
use payments::ledger::{Change, Row};
use payments::provider::{Answer, IntentStatus, Replay};
use payments::witness::{self, Witness};

impl World {
    /// Moves of the one that is looked into, or of the next.
    pub(crate) fn by_events(&self, rules: Rules) -> Vec<Self> {
        let mut next = Vec::new();
        match (&self.look, &self.row) {
            (None, Some(row)) if self.events > 0 => {
                let (witness, step) = Witness::begin(Row::clone(row));
                next.push(Self { events: self.events - 1, ..self.clone() }.looking(witness, step));
            }
            (None, _) => {}
            (Some(look), _) => {
                let (witness, step) = &**look;
                match step {
                    witness::Step::Retrieve(intent) => {
                        self.look_up(witness, position(intent), rules, &mut next)
                    }
                    witness::Step::Cancel(intent) => self.fence(witness, position(intent), &mut next),
                    witness::Step::Settle(verdict) => self.settle(witness, verdict, &mut next),
                    witness::Step::Done(_) => unreachable!("it is over"),
                }
                // It dies.
                next.extend(self.faulty().map(|world| Self { look: None, ..world }));
            }
        }
        next
    }

    fn looking(self, witness: Witness, step: witness::Step) -> Self {
        let is_over = matches!(step, witness::Step::Done(_));
        Self { look: (!is_over).then(|| Shared::new((witness, step))), ..self }
    }

    fn hears(&self, witness: &Witness, event: witness::Event) -> Self {
        let mut witness = witness.clone();
        let step = witness.next(event);
        self.clone().looking(witness, step)
    }

    fn is_answered(&self, witness: &Witness, answer: Answer) -> Self {
        self.hears(witness, witness::Event::Answered(answer))
    }

    fn look_up(&self, witness: &Witness, at: usize, rules: Rules, next: &mut Vec<Self>) {
        let mut intent = self.book.intent(at);
        if rules == Rules::BelievesEvents {
            intent.status = IntentStatus::Succeeded;
        }
        next.push(self.is_answered(witness, Answer::Intent(intent)));
        let Some(faulty) = self.faulty() else { return };
        next.extend(self.book.lagging(at).map(|seen| faulty.is_answered(witness, Answer::Intent(seen))));
        next.push(faulty.is_answered(witness, Answer::NotDone { cause: Cause::RateLimited }));
        next.push(faulty.is_answered(witness, Answer::IntentMissing));
    }

    fn fence(&self, witness: &Witness, at: usize, next: &mut Vec<Self>) {
        let mut done = self.clone();
        let answer = done.book.cancel(at);
        next.push(done.is_answered(witness, answer));
        let Some(faulty) = self.faulty() else { return };
        let late = self.book.with(|book| book.cancel_later(at));
        let unknown = Answer::Unknown { cause: Cause::ProviderTimeout, replay: Replay::Open };
        for book in [&self.book, &done.book, &late] {
            let world = Self { book: book.clone(), ..faulty.clone() };
            next.push(world.is_answered(witness, unknown.clone()));
        }
    }

    fn settle(&self, witness: &Witness, verdict: &witness::Verdict, next: &mut Vec<Self>) {
        let Some(row) = &self.row else { return };
        let (read, change) = (witness.row(), Change::from(verdict.clone()));
        let faulty = self.faulty();
        next.extend(faulty.as_ref().map(|faulty| faulty.hears(witness, witness::Event::LedgerFailed)));
        match row.apply(&change, read.version, NOW) {
            None => next.push(self.hears(witness, witness::Event::LostRace(Some(Row::clone(row))))),
            Some(written) => {
                let row = Some(Shared::new(written.clone()));
                let done = Self { row: row.clone(), ..self.clone() };
                next.push(done.hears(witness, witness::Event::Written(written)));
                let unheard = faulty.map(|faulty| Self { row, ..faulty });
                next.extend(unheard.map(|world| world.hears(witness, witness::Event::LedgerFailed)));
            }
        }
    }
}
