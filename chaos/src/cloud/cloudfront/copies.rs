//! What one cache keeps, and for how long: freshness, staleness, errors.
//!
//! Invariant: a copy is never fresh for longer than its origin and the cache policy allow together, counted from when the
//! origin gave it, however many caches it passed through.

use super::config::{CachePolicyConfig, ERROR_TTL_S, ErrorConfig};
use super::message::{Directives, Response};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Errors that are always kept for a while.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html>
const KEPT: [u16; 7] = [404, 414, 500, 501, 502, 503, 504];
/// Errors that are kept where the origin names a time for them, or the distribution does. No other is: not 429.
const KEPT_ON_DEMAND: [u16; 5] = [400, 403, 405, 412, 415];
/// Errors that an origin may forbid to keep. Of any other it is not heard.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html>
const MAY_FORBID: [u16; 4] = [404, 410, 414, 501];

/// A response, and when its origin gave it.
#[derive(Clone, Debug)]
pub(super) struct Dated {
    pub(super) response: Arc<Response>,
    pub(super) given_at: UnixMs,
}

/// What a cache has for a path.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// This may be given.
    Fresh(Dated),
    /// This may be given, and has to be asked for anew.
    Stale(Dated),
    /// This may be given, although it is too old for it: in the place of an error that is kept.
    Instead(Dated),
    /// Nothing that may be given.
    Nothing,
}

/// How long things are kept on one way through a distribution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    pub(super) policy: CachePolicyConfig,
    pub(super) errors: &'a BTreeMap<u16, ErrorConfig>,
}

/// The copies of one cache.
#[derive(Debug, Default)]
pub(super) struct Copies(BTreeMap<String, Kept>);

/// What is kept for a path.
#[derive(Debug, Default)]
struct Kept {
    copy: Option<Copy>,
    /// An error that was met since, and until when nobody is asked again.
    error: Option<(Dated, UnixMs)>,
}

#[derive(Clone, Debug)]
struct Copy {
    dated: Dated,
    fresh_until: UnixMs,
    while_revalidated_until: UnixMs,
    if_error_until: UnixMs,
}

impl Copies {
    /// What there is for `path`.
    pub(super) fn find(&self, path: &str, now: UnixMs) -> Found {
        let Some(kept) = self.0.get(path) else { return Found::Nothing };
        let copy = kept.copy.as_ref();
        if let Some((error, _)) = kept.error.as_ref().filter(|(_, until)| now < *until) {
            let instead = copy.filter(|copy| error.response.is_failure() && now < copy.if_error_until);
            return match instead {
                Some(copy) if copy.fresh_until <= now => Found::Instead(copy.dated.clone()),
                Some(copy) => Found::Fresh(copy.dated.clone()),
                None => Found::Fresh(error.clone()),
            };
        }
        match copy {
            Some(copy) if now < copy.fresh_until => Found::Fresh(copy.dated.clone()),
            Some(copy) if now < copy.while_revalidated_until => Found::Stale(copy.dated.clone()),
            Some(_) | None => Found::Nothing,
        }
    }

    /// The tag of the copy for `path`, whatever its age.
    pub(super) fn tag(&self, path: &str) -> Option<String> {
        self.0.get(path)?.copy.as_ref()?.tag()
    }

    /// Keeps what was answered for `path`, as far as it may be kept, and says what is to be given for it.
    pub(super) fn keep(&mut self, path: &str, answer: Dated, terms: Terms<'_>, now: UnixMs) -> Dated {
        let kept = self.0.entry(path.to_owned()).or_default();
        let given = match answer.response.status {
            304 => kept.renew(&answer, terms),
            400.. => kept.fail(answer, terms, now),
            _ => kept.replace(answer, terms),
        };
        if kept.copy.is_none() && kept.error.is_none() {
            self.0.remove(path);
        }
        given
    }

    /// Makes room: nothing is left of `path`.
    pub(super) fn evict(&mut self, path: &str) {
        self.0.remove(path);
    }
}

impl Kept {
    fn replace(&mut self, answer: Dated, terms: Terms<'_>) -> Dated {
        self.error = None;
        self.copy = Copy::of(answer.clone(), answer.response.directives(), terms.policy);
        answer
    }

    /// What there is goes on to be true. With nothing there, the answer is one that nobody can use.
    fn renew(&mut self, answer: &Dated, terms: Terms<'_>) -> Dated {
        self.error = None;
        let Some(copy) = self.copy.take() else { return answer.clone() };
        let mut response = Arc::unwrap_or_clone(copy.dated.response);
        for (name, value) in &answer.response.headers {
            response.headers.insert(name.clone(), value.clone());
        }
        self.replace(Dated { response: Arc::new(response), given_at: answer.given_at }, terms)
    }

    fn fail(&mut self, answer: Dated, terms: Terms<'_>, now: UnixMs) -> Dated {
        if let Some(ttl_s) = error_ttl_s(&answer.response, terms) {
            self.error = Some((answer.clone(), after_s(now, ttl_s)));
            if !answer.response.is_failure() {
                self.copy = None;
            }
        }
        let instead = self.copy.as_ref();
        let instead = instead.filter(|copy| answer.response.is_failure() && now < copy.if_error_until);
        instead.map_or(answer, |copy| copy.dated.clone())
    }
}

impl Copy {
    /// Nothing of what is not to be kept.
    fn of(dated: Dated, said: Directives, policy: CachePolicyConfig) -> Option<Self> {
        if policy.ttl_s_max == 0 || (said.is_private && policy.ttl_s_min == 0) {
            return None;
        }
        let asked_s = if said.is_private { 0 } else { said.max_age_s.unwrap_or(policy.ttl_s_default) };
        let fresh_until = after_s(dated.given_at, asked_s.clamp(policy.ttl_s_min, policy.ttl_s_max));
        // The longest time of the policy bounds this, too.
        // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
        let bounded = |seconds: u64| after_s(fresh_until, seconds.min(policy.ttl_s_max));
        Some(Self {
            while_revalidated_until: bounded(said.while_revalidate_s),
            // Unless the origin says how long, it is given for as long as it is there.
            if_error_until: said.if_error_s.map_or(UnixMs(i64::MAX), bounded),
            fresh_until,
            dated,
        })
    }

    fn tag(&self) -> Option<String> {
        self.dated.response.headers.get("etag").cloned()
    }
}

/// How long an error is kept, s; nothing for one that is not.
fn error_ttl_s(response: &Response, terms: Terms<'_>) -> Option<u64> {
    let (status, said) = (response.status, response.directives());
    let configured = terms.errors.get(&status).map(|error| error.ttl_s_min);
    let is_kept = KEPT.contains(&status)
        || (KEPT_ON_DEMAND.contains(&status) && (configured.is_some() || said.max_age_s.is_some()));
    let is_forbidden = said.is_private && MAY_FORBID.contains(&status);
    let named_s = said.max_age_s.unwrap_or(0).min(terms.policy.ttl_s_max);
    (is_kept && !is_forbidden).then(|| named_s.max(configured.unwrap_or(ERROR_TTL_S)))
}

fn after_s(instant: UnixMs, seconds: u64) -> UnixMs {
    instant.plus_ms(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX))
}
