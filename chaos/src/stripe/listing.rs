//! What a list asks for: which intents, and which page of them.
//!
//! Source: <https://docs.stripe.com/api/payment_intents/list>, <https://docs.stripe.com/api/pagination>.
//! Invariant: a page has 1 to [`PAGE_INTENTS_MAX`] intents, unless there are none.

use super::errors::ApiError;
use super::limits::{PAGE_INTENTS_DEFAULT, PAGE_INTENTS_MAX};
use super::params::Form;
use std::ops::Range;

/// Parameters of a list.
#[derive(Clone, Debug)]
pub(super) struct List {
    /// `created`, seconds.
    pub(super) created_s: Range<i64>,
    pub(super) customer: Option<String>,
    pub(super) cursor: Cursor,
    pub(super) limit: usize,
}

/// Where a page lies. Lists run from the newest intent to the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    /// At the newest.
    Start,
    /// `starting_after`: what is older than this intent.
    After(String),
    /// `ending_before`: what is newer than it, and next to it.
    Before(String),
}

impl List {
    pub(super) fn read(form: &mut Form) -> Result<Self, ApiError> {
        Ok(Self {
            created_s: read_created(form)?,
            customer: form.take_text("customer")?,
            cursor: Cursor::read(form)?,
            limit: read_limit(form)?,
        })
    }
}

impl Cursor {
    fn read(form: &mut Form) -> Result<Self, ApiError> {
        match (form.take_text("starting_after")?, form.take_text("ending_before")?) {
            (None, None) => Ok(Self::Start),
            (Some(id), None) => Ok(Self::After(id)),
            (None, Some(id)) => Ok(Self::Before(id)),
            (Some(_), Some(_)) => Err(ApiError::exclusive_parameters("starting_after", "ending_before")),
        }
    }
}

/// `limit` of a list or a search.
pub(super) fn read_limit(form: &mut Form) -> Result<usize, ApiError> {
    let Some(limit) = form.take_integer("limit")? else { return Ok(PAGE_INTENTS_DEFAULT) };
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=PAGE_INTENTS_MAX).contains(limit));
    limit.ok_or_else(|| ApiError::not_an_integer("limit", &format!("from 1 to {PAGE_INTENTS_MAX}")))
}

/// The seconds that a bound leaves.
type Bound = fn(i64) -> Range<i64>;

/// `created=…` and `created[gt|gte|lt|lte]=…`; all of them hold.
fn read_created(form: &mut Form) -> Result<Range<i64>, ApiError> {
    let mut wanted = i64::MIN..i64::MAX;
    let bounds: [(&str, Bound); 5] = [
        ("created", |at| at..at.saturating_add(1)),
        ("created[gt]", |at| at.saturating_add(1)..i64::MAX),
        ("created[gte]", |at| at..i64::MAX),
        ("created[lt]", |at| i64::MIN..at),
        ("created[lte]", |at| i64::MIN..at.saturating_add(1)),
    ];
    for (name, bound) in bounds {
        if let Some(at) = form.take_integer(name)? {
            let bound = bound(at);
            wanted = wanted.start.max(bound.start)..wanted.end.min(bound.end);
        }
    }
    Ok(wanted)
}
