//! What an edge does.
//!
//! Requests are too many to be told one by one: they are counted by the minute. What goes on to an origin is told each.
//! Invariant: no token is in here.

use payments::UnixMs;
use serde::Serialize;
use std::collections::BTreeMap;

/// What can happen at an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum EdgeEvent {
    /// An origin was asked, and this is how it ended.
    OriginAsked {
        /// `Id` of the origin.
        origin: String,
        /// The path it was asked for.
        path: String,
        /// Status code, CloudFront's own if there was no answer.
        status: u16,
        /// How long it took.
        ms: i64,
    },
    /// Viewers were answered.
    #[serde(rename = "edge-served")]
    Served(Served),
}

/// Answers of a minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Served {
    /// The instant at which it began.
    pub from: UnixMs,
    /// All of them.
    pub requests: u64,
    /// By who gave them.
    pub by: BTreeMap<Source, u64>,
    /// Given although they had to be asked for anew.
    pub stale: u64,
    /// With a status from 500 on.
    pub failed: u64,
}

impl EdgeEvent {
    /// When the status function was asked, and for which path: what would be a look at the ledger. `at` is when it ended.
    #[must_use]
    pub fn asked_how_a_payment_stands(&self, at: UnixMs) -> Option<(UnixMs, &str, u16)> {
        match self {
            Self::OriginAsked { path, status, ms, .. }
                if path.starts_with("/json/") || path.starts_with("/page/") =>
            {
                Some((at.plus_ms(-*ms), path, *status))
            }
            Self::OriginAsked { .. } | Self::Served(_) => None,
        }
    }
}

impl Served {
    /// Counts an answer; the counts of the minute before, if this is the first of another.
    pub fn count(&mut self, now: UnixMs, (from, is_stale, status): (Source, bool, u16)) -> Option<Self> {
        let minute = UnixMs(now.0.div_euclid(60_000) * 60_000);
        let closed = (minute != self.from && self.requests > 0).then(|| std::mem::take(self));
        self.from = minute;
        self.requests += 1;
        *self.by.entry(from).or_default() += 1;
        self.stale += u64::from(is_stale);
        self.failed += u64::from(status >= 500);
        closed
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The function at the edge, or CloudFront itself: nothing else was asked.
    Function,
    /// The edge's cache.
    Edge,
    /// A regional cache.
    Regional,
    /// The origin shield.
    Shield,
    /// The origin.
    Origin,
    /// The page that stands in for an error.
    ErrorPage,
}

impl Source {
    /// All of them, from near to far.
    pub const ALL: [Self; 6] =
        [Self::Function, Self::Edge, Self::Regional, Self::Shield, Self::Origin, Self::ErrorPage];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Edge => "edge",
            Self::Regional => "regional",
            Self::Shield => "shield",
            Self::Origin => "origin",
            Self::ErrorPage => "error-page",
        }
    }
}
