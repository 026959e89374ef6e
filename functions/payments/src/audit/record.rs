//! The audit's record: what is being audited, how far that is, and what the last one came to.
//!
//! Its JSON is kept in a table and outlives deployments: fields are added with a default, never renamed.
//! Invariant: a page is in the record whole or not at all, with the place where the next one begins.

use super::compare::{Difference, Entry, Listed, Verdict};
use super::window::{Span, Window};
use crate::cause::Cause;
use crate::incident::{Letter, Outbox, Phase as IncidentPhase, kept_text};
use crate::limits::{
    AUDIT_DIFFERENCES_MAX, AUDIT_EVERY_MS, AUDIT_OVERDUE_MS, AUDIT_PAGE_INTENTS, AUDIT_SPAN_S,
};
use crate::payment::PaymentId;
use crate::provider::IntentId;
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Audit {
    /// Counts saves; kept beside the JSON, not in it.
    #[serde(skip)]
    pub version: u64,
    /// Whether one is under way.
    pub phase: Phase,
    /// When the last daily one began; one that was ordered may have looked less far back.
    pub daily_at: Option<UnixMs>,
    /// What the last one that was finished came to.
    pub last: Option<Report>,
    /// Mails on their way.
    pub outbox: Outbox,
}

/// Whether an audit is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Phase {
    /// None is.
    #[default]
    Idle,
    /// One is.
    Running(Box<Round>),
}

impl Phase {
    /// Its name, as stored and shown.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running(_) => "running",
        }
    }
}

/// One audit, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// When it began.
    pub began_at: UnixMs,
    /// Why.
    pub asked: Asked,
    /// What it looks at.
    pub window: Window,
    /// The last intent of the last page; none before the first.
    pub after: Option<IntentId>,
    /// Intents on the next page at most.
    pub page_intents: u32,
    /// What was counted.
    pub counts: Counts,
    /// The first differences; all of them are counted.
    pub differences: Vec<Difference>,
    /// What kept the last page from being read, if something did.
    pub hindered_by: Option<Cause>,
    /// When people were told that it does not come to an end.
    pub told_overdue_at: Option<UnixMs>,
}

/// Why an audit is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// It is made every day.
    Daily,
    /// This person wanted it.
    By(String),
}

/// What an audit counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Intents that were listed.
    pub intents: u64,
    /// Those that carry no `payment_id` of ours.
    pub not_ours: u64,
    /// Those of ours that were charged.
    pub charged: u64,
    /// Those whose row may still be on its way to what the provider says.
    pub in_flight: u64,
    /// Those that charged nobody and that no row names: harmless.
    pub left_over: u64,
    /// Those that differ from their rows.
    pub differences: u64,
}

/// What a finished audit came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it ended.
    pub ended_at: UnixMs,
    /// All of it.
    pub round: Round,
}

/// What a mail about an audit tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The books and the ledger differ.
    Differences,
    /// It does not come to an end.
    Overdue,
}

/// What a mail about an audit says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// When this was so.
    pub at: UnixMs,
    /// The audit, as far as it had come.
    pub round: Round,
}

/// Another audit must end first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing was started: an audit is under way, see it with the command status; try again when it is over"
)]
pub struct UnderWay;

/// A page, judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its last intent; none on an empty page.
    pub last: Option<IntentId>,
    /// Whether older ones follow.
    pub has_more: bool,
    /// What was counted on it.
    pub counts: Counts,
    /// What differs.
    pub differences: Vec<Difference>,
}

impl Audit {
    /// Whether none is under way and no mail is on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.phase == Phase::Idle && self.outbox.is_empty()
    }

    /// When the next daily audit is due. The first is at once: what a fresh deployment may not do shows today.
    #[must_use]
    pub fn due_at(&self) -> UnixMs {
        self.daily_at.map_or(UnixMs(0), |at| at.plus_ms(AUDIT_EVERY_MS))
    }

    /// The record with a new audit in it.
    ///
    /// # Errors
    /// [`UnderWay`] when one is.
    pub fn begun(&self, asked: Asked, span: Span, now: UnixMs) -> Result<Self, UnderWay> {
        match &self.phase {
            Phase::Running(_) => Err(UnderWay),
            Phase::Idle => {
                let daily_at = if asked == Asked::Daily { Some(now) } else { self.daily_at };
                let round = Box::new(Round::new(asked, Window::before(now, span), now));
                Ok(Self { phase: Phase::Running(round), daily_at, ..self.clone() })
            }
        }
    }

    /// What a turn begins with: the daily audit, if it is due and no incident is open; a mail about one that does not
    /// come to an end; and mails that nobody is sending.
    #[must_use]
    pub fn turned(&self, now: UnixMs, incident: &IncidentPhase) -> Self {
        let is_due = now >= self.due_at() && !incident.is_open();
        let mut next = match self.begun(Asked::Daily, Span::DAILY, now) {
            Ok(begun) if is_due => begun,
            Ok(_) | Err(UnderWay) => self.clone(),
        };
        if let Phase::Running(round) = &mut next.phase
            && round.told_overdue_at.is_none()
            && now.since_ms(round.began_at) >= AUDIT_OVERDUE_MS
        {
            round.told_overdue_at = Some(now);
            let story = Story { at: now, round: Round::clone(round) };
            next.outbox.write(Letter::Audit(Kind::Overdue, Box::new(story)), now);
        }
        next.outbox.claim_overdue(now);
        next
    }

    /// The audit that a turn may carry on: one that was ordered whatever happens, a daily one while no incident is open.
    #[must_use]
    pub fn may_go_on(&self, incident: &IncidentPhase) -> Option<&Round> {
        match &self.phase {
            Phase::Running(round) if matches!(round.asked, Asked::By(_)) || !incident.is_open() => {
                Some(round)
            }
            Phase::Running(_) | Phase::Idle => None,
        }
    }

    /// The record with one more page in it; with the last page the audit ends.
    #[must_use]
    pub fn read(&self, page: Page, now: UnixMs) -> Self {
        let Phase::Running(round) = &self.phase else { return self.clone() };
        let has_more = page.has_more && page.last.is_some();
        let round = round.with(page);
        if has_more {
            return Self { phase: Phase::Running(Box::new(round)), ..self.clone() };
        }
        let mut outbox = self.outbox.clone();
        if round.counts.differences > 0 {
            let story = Story { at: now, round: round.clone() };
            outbox.write(Letter::Audit(Kind::Differences, Box::new(story)), now);
        }
        Self { phase: Phase::Idle, last: Some(Report { ended_at: now, round }), outbox, ..self.clone() }
    }

    /// The record after a page that could not be read.
    #[must_use]
    pub fn hindered(&self, cause: Cause) -> Self {
        self.changed(|round| round.hindered_by = Some(cause))
    }

    /// The record after a page that was larger than what is read of one answer: the next is a tenth of it. Nothing when
    /// it was a single intent.
    #[must_use]
    pub fn shortened(&self) -> Option<Self> {
        let Phase::Running(round) = &self.phase else { return None };
        (round.page_intents > 1)
            .then(|| self.changed(|round| round.page_intents = (round.page_intents / 10).max(1)))
    }

    fn changed(&self, change: impl FnOnce(&mut Round)) -> Self {
        let mut next = self.clone();
        if let Phase::Running(round) = &mut next.phase {
            change(round);
        }
        next
    }
}

impl Span {
    /// How far back a daily audit looks.
    pub const DAILY: Self = match Self::of_seconds(AUDIT_SPAN_S) {
        Some(span) => span,
        None => panic!("the daily span is one"),
    };
}

impl Asked {
    /// By this person, in as many characters as are kept.
    #[must_use]
    pub fn by(who: &str) -> Self {
        Self::By(kept_text(who))
    }
}

impl Round {
    const fn new(asked: Asked, window: Window, now: UnixMs) -> Self {
        Self {
            began_at: now,
            asked,
            window,
            after: None,
            page_intents: AUDIT_PAGE_INTENTS,
            counts: Counts {
                intents: 0,
                not_ours: 0,
                charged: 0,
                in_flight: 0,
                left_over: 0,
                differences: 0,
            },
            differences: Vec::new(),
            hindered_by: None,
            told_overdue_at: None,
        }
    }

    fn with(&self, page: Page) -> Self {
        let mut next = self.clone();
        let room = AUDIT_DIFFERENCES_MAX.saturating_sub(next.differences.len());
        next.differences.extend(page.differences.into_iter().take(room));
        next.counts.add(&page.counts);
        next.after = page.last.or(next.after);
        next.page_intents = AUDIT_PAGE_INTENTS;
        next.hindered_by = None;
        next
    }
}

impl Page {
    /// Judges a page that was listed at `listed_at`, by the rows that were read afterwards.
    #[must_use]
    pub fn judged(
        listed: &[Listed],
        has_more: bool,
        entries: &BTreeMap<PaymentId, Entry>,
        listed_at: UnixMs,
        compare: impl Fn(&Listed, Option<&Entry>, UnixMs) -> Verdict,
    ) -> Self {
        let mut page =
            Self { last: listed.last().map(|listed| listed.intent.id.clone()), has_more, ..Self::default() };
        for listed in listed {
            let payment_id = listed.payment_id();
            let entry = payment_id.as_ref().and_then(|id| entries.get(id));
            page.counts.charged += u64::from(payment_id.is_some() && listed.is_charged());
            page.note(compare(listed, entry, listed_at));
        }
        page
    }

    fn note(&mut self, verdict: Verdict) {
        self.counts.intents += 1;
        match verdict {
            Verdict::NotOurs => self.counts.not_ours += 1,
            Verdict::Agrees => {}
            Verdict::InFlight => self.counts.in_flight += 1,
            Verdict::LeftOver => self.counts.left_over += 1,
            Verdict::Differs(difference) => {
                self.counts.differences += 1;
                self.differences.push(*difference);
            }
        }
    }
}

impl Counts {
    const fn add(&mut self, page: &Self) {
        self.intents += page.intents;
        self.not_ours += page.not_ours;
        self.charged += page.charged;
        self.in_flight += page.in_flight;
        self.left_over += page.left_over;
        self.differences += page.differences;
    }
}
