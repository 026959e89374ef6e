//! Searching intents: an index that learns late, and the pages of what it finds.
//!
//! Data is searchable in under a minute, so a search must not follow a write. What it finds is what was indexed; what it
//! shows is the intent as it is. Source: <https://docs.stripe.com/search#data-freshness>.
//! Invariant: the index learns the states of an intent in their order, each once.

use super::errors::ApiError;
use super::intent::Intent;
use super::limits::SEARCHABLE_MS_MAX;
use super::listing::read_limit;
use super::params::Form;
use super::query::Query;
use super::register::{Page, Register};
use crate::random::Stream;
use payments::UnixMs;
use std::collections::BTreeMap;

/// Parameters of a search.
#[derive(Clone, Debug)]
pub(super) struct Search {
    query: Query,
    /// The last intent of the page before.
    page: Option<String>,
    limit: usize,
}

impl Search {
    pub(super) fn read(form: &mut Form) -> Result<Self, ApiError> {
        Ok(Self {
            query: Query::parse(&form.take_required("query")?)?,
            page: form.take_text("page")?,
            limit: read_limit(form)?,
        })
    }
}

/// What is known of every intent, and from when.
#[derive(Debug)]
pub(super) struct Index {
    /// States by intent, oldest first, each with the instant from which it can be found.
    known: BTreeMap<String, Vec<(UnixMs, &'static str)>>,
    lag: Stream,
}

impl Index {
    pub(super) fn new(seed: u64) -> Self {
        Self { known: BTreeMap::new(), lag: Stream::new(seed, "stripe/search") }
    }

    /// Hears of an intent that may have changed.
    pub(super) fn hear(&mut self, intent: &Intent, now: UnixMs) {
        let states = self.known.entry(intent.id.clone()).or_default();
        let last = states.last().copied();
        if last.is_none_or(|(_, status)| status != intent.status()) {
            let lag_ms = i64::try_from(self.lag.between(1, SEARCHABLE_MS_MAX)).unwrap_or(i64::MAX);
            let from = last.map_or(now, |(from, _)| from).max(now.plus_ms(lag_ms));
            states.push((from, intent.status()));
        }
    }

    /// The page that a search asks for.
    ///
    /// # Errors
    /// When it goes on from a page that no search ended with.
    pub(super) fn page<'a>(
        &self,
        register: &'a Register,
        search: &Search,
        now: UnixMs,
    ) -> Result<Page<'a>, ApiError> {
        if search.page.as_ref().is_some_and(|last| register.get(last).is_none()) {
            return Err(ApiError::invalid_parameter("page", "This is no next_page of an earlier search."));
        }
        let is_later = |intent: &&Intent| search.page.as_ref().is_some_and(|last| *last != intent.id);
        let mut found = register
            .newest_first()
            .skip_while(is_later)
            .skip(usize::from(search.page.is_some()))
            .filter(|intent| self.finds(intent, &search.query, now));
        let shown = found.by_ref().take(search.limit).collect();
        Ok(Page { shown, has_more: found.next().is_some() })
    }

    /// How many a search finds on all of its pages.
    pub(super) fn total(&self, register: &Register, search: &Search, now: UnixMs) -> usize {
        register.newest_first().filter(|intent| self.finds(intent, &search.query, now)).count()
    }

    fn finds(&self, intent: &Intent, query: &Query, now: UnixMs) -> bool {
        let states = self.known.get(&intent.id).map_or(&[][..], Vec::as_slice);
        let known = states.iter().rev().find(|(from, _)| *from <= now);
        known.is_some_and(|(_, status)| query.matches(intent, status))
    }
}
