//! Every intent of an account, in the order in which they were created.
//!
//! A page is found by bisection and costs its own length, however many intents there are: an audit reads all of them.
//! Invariant: an intent keeps its place, and none is created before one that is there already.

use super::errors::ApiError;
use super::expand::Expand;
use super::intent::Intent;
use super::limits::STALE_MS_MAX;
use super::listing::{Cursor, List};
use payments::UnixMs;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// The intents, oldest first.
#[derive(Debug, Default)]
pub(super) struct Register {
    intents: Vec<Arc<Intent>>,
    places: BTreeMap<String, usize>,
    places_of_customers: BTreeMap<String, Vec<usize>>,
    past: Past,
}

/// How intents were before their status last changed, for as long as somebody may be told so.
#[derive(Debug, Default)]
struct Past {
    /// When it changed, and how it was before; nothing before it was made.
    before: BTreeMap<usize, (UnixMs, Option<Arc<Intent>>)>,
    /// The same changes and those before them, oldest first.
    order: VecDeque<(UnixMs, usize)>,
}

/// A part of a list, newest first.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) shown: Vec<&'a Intent>,
    /// Whether more lie beyond it, on the side that its cursor looks to.
    pub(super) has_more: bool,
}

impl Page<'_> {
    pub(super) fn to_json(&self, expand: &Expand) -> Vec<Value> {
        self.shown.iter().map(|intent| expand.show(intent)).collect()
    }
}

impl Register {
    pub(super) fn get(&self, id: &str) -> Option<&Arc<Intent>> {
        self.places.get(id).map(|place| &self.intents[*place])
    }

    /// Lets something happen to an intent, and keeps how it was before if its status is another now.
    pub(super) fn change<T>(
        &mut self,
        id: &str,
        now: UnixMs,
        happens: impl FnOnce(&mut Intent) -> T,
    ) -> Option<T> {
        let place = *self.places.get(id)?;
        let was = Arc::clone(&self.intents[place]);
        let intent = Arc::make_mut(&mut self.intents[place]);
        let happened = happens(intent);
        if was.status() != intent.status() {
            self.past.keep(place, Some(was), now);
        }
        Some(happened)
    }

    /// How an intent was before its last change, `None` in it if there was no such intent; `None` when that is long ago.
    pub(super) fn before(&self, id: &str, now: UnixMs) -> Option<Option<&Arc<Intent>>> {
        let (changed, before) = self.past.before.get(self.places.get(id)?)?;
        (now.since_ms(*changed) <= STALE_MS_MAX).then_some(before.as_ref())
    }

    pub(super) fn add(&mut self, intent: Arc<Intent>, now: UnixMs) {
        let place = self.intents.len();
        if let Some(customer) = &intent.request.customer {
            self.places_of_customers.entry(customer.clone()).or_default().push(place);
        }
        self.places.insert(intent.id.clone(), place);
        self.intents.push(intent);
        self.past.keep(place, None, now);
    }

    /// Every intent, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Intent> {
        self.intents.iter().rev().map(Arc::as_ref)
    }

    /// The page that a list asks for.
    ///
    /// # Errors
    /// `resource_missing` when its cursor names no intent.
    pub(super) fn page(&self, list: &List) -> Result<Page<'_>, ApiError> {
        let created = self.created(&list.created_s);
        Ok(match &list.cursor {
            Cursor::Start => self.newest(list, created),
            Cursor::After(id) => {
                let older = self.place(id, "starting_after")?;
                self.newest(list, created.start..created.end.min(older))
            }
            Cursor::Before(id) => {
                let newer = self.place(id, "ending_before")? + 1;
                self.oldest(list, created.start.max(newer)..created.end)
            }
        })
    }

    fn newest(&self, list: &List, within: Range<usize>) -> Page<'_> {
        let mut places = self.places(list.customer.as_deref(), within).rev();
        let shown = places.by_ref().take(list.limit).map(|place| &*self.intents[place]).collect();
        Page { shown, has_more: places.next().is_some() }
    }

    fn oldest(&self, list: &List, within: Range<usize>) -> Page<'_> {
        let mut places = self.places(list.customer.as_deref(), within);
        let mut shown: Vec<&Intent> =
            places.by_ref().take(list.limit).map(|place| &*self.intents[place]).collect();
        shown.reverse();
        Page { shown, has_more: places.next().is_some() }
    }

    /// Where the intents that were created in these seconds lie.
    fn created(&self, created_s: &Range<i64>) -> Range<usize> {
        let before = |second: i64| self.intents.partition_point(|intent| intent.created_s() < second);
        before(created_s.start)..before(created_s.end)
    }

    fn place(&self, id: &str, cursor: &str) -> Result<usize, ApiError> {
        self.places.get(id).copied().ok_or_else(|| ApiError::no_such("payment_intent", cursor, id))
    }

    /// Places within a range, of one customer's intents or of all, oldest first.
    fn places(
        &self,
        customer: Option<&str>,
        within: Range<usize>,
    ) -> Box<dyn DoubleEndedIterator<Item = usize> + '_> {
        let Some(customer) = customer else { return Box::new(within) };
        let theirs = self.places_of_customers.get(customer).map_or(&[][..], Vec::as_slice);
        let before = |place: usize| theirs.partition_point(|their| *their < place);
        let within = before(within.start)..before(within.end);
        Box::new(theirs.get(within).unwrap_or_default().iter().copied())
    }
}

impl Past {
    /// Keeps how an intent was until now, and forgets what everybody has heard of.
    fn keep(&mut self, place: usize, was: Option<Arc<Intent>>, now: UnixMs) {
        let is_old = |at: UnixMs| now.since_ms(at) > STALE_MS_MAX;
        while let Some((_, place)) = self.order.pop_front_if(|(at, _)| is_old(*at)) {
            if self.before.get(&place).is_some_and(|(at, _)| is_old(*at)) {
                self.before.remove(&place);
            }
        }
        self.order.push_back((now, place));
        self.before.insert(place, (now, was));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_has_heard_of_is_forgotten() {
        let mut past = Past::default();
        for (place, at_ms) in [(0, 0), (1, 0), (1, 1), (2, STALE_MS_MAX + 1)] {
            past.keep(place, None, UnixMs(at_ms));
        }
        assert_eq!(past.before.into_keys().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(past.order, [(UnixMs(1), 1), (UnixMs(STALE_MS_MAX + 1), 2)]);
    }
}
