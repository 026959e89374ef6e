//! The customers of a payment: one who paid, and those whom the link was passed on to.
//!
//! Invariant: whoever knows how it ended does not come again.

use super::{Inner, Link, What};
use payments::PaymentId;
use std::sync::Arc;

/// From the shop's answer to the first look, drawn evenly: ms.
const FIRST_MS: (u64, u64) = (100, 3_000);
/// When whoever got a link from somebody else looks at it, ms.
const PASSED_ON_MS: (u64, u64) = (1_000, 3_600_000);
/// One customer in so many is given a link by the shop that is good for a minute.
const ONE_IN: u64 = 20;
/// How long that is good for, s; and when its owner tries it, ms: before, and twice after.
const SHORT_LIFE_S: i64 = 60;
const TRIED_MS: [u64; 3] = [20_000, 61_000, 118_000];
/// One look in so many is a program's.
const DATA_ONE_IN: u64 = 5;

/// Those who look at one payment.
pub(super) struct Customers {
    inner: Arc<Inner>,
    payment: Arc<str>,
    path: String,
    link: Link,
}

impl Customers {
    pub(super) fn of(inner: &Arc<Inner>, payment: &str, path: String) -> Self {
        let link = Link::Good { until_s: expiry_s(&path) };
        Self { inner: Arc::clone(inner), payment: payment.into(), path, link }
    }

    /// Lets all of them come.
    pub(super) fn come(self, is_shared: bool) {
        let Self { inner, payment, .. } = &self;
        let (is_impatient, has_short_link) = {
            let mut draws = inner.draws();
            (draws.happens(inner.visits.impatient), draws.below(ONE_IN) == 0)
        };
        if is_shared {
            for _ in 0..inner.visits.shared_with {
                let (edge, what) = (inner.any_edge(), self.what());
                let after_ms = inner.draws().between(PASSED_ON_MS.0, PASSED_ON_MS.1);
                let looker = Arc::clone(inner);
                inner.crew.start(async move {
                    looker.sleep_ms(after_ms).await;
                    looker.look(edge, what).await;
                });
            }
        }
        if let Some(payment) = PaymentId::new(payment).filter(|_| has_short_link) {
            self.try_short_link(&payment);
        }
        let (edge, what) = (inner.any_edge(), self.what());
        let first_ms = inner.draws().between(FIRST_MS.0, FIRST_MS.1);
        let looker = Arc::clone(inner);
        inner.crew.start(async move {
            looker.sleep_ms(first_ms).await;
            if is_impatient {
                reload(&looker, edge, what).await;
            } else {
                looker.look(edge, what).await;
            }
        });
    }

    fn what(&self) -> What {
        let is_page = self.inner.draws().below(DATA_ONE_IN) != 0;
        What { path: self.path.clone(), payment: Arc::clone(&self.payment), link: self.link, is_page }
    }

    fn try_short_link(&self, payment: &PaymentId) {
        let path = self.inner.signed(payment, self.inner.clock.now(), SHORT_LIFE_S);
        let (edge, link) = (self.inner.any_edge(), Link::Good { until_s: expiry_s(&path) });
        let what = What { path, link, ..self.what() };
        let looker = Arc::clone(&self.inner);
        self.inner.crew.start(async move {
            let began = looker.clock.now();
            for after_ms in TRIED_MS {
                looker.clock.sleep_until(began.plus_ms(i64::try_from(after_ms).unwrap_or(i64::MAX))).await;
                looker.look(edge, what.clone()).await;
            }
        });
    }
}

/// Reloads ten times a second for a while, whether or not an answer has come; and comes again, until it is known how it
/// ended.
async fn reload(inner: &Arc<Inner>, edge: usize, what: What) {
    let every_ms = 1_000 / u64::from(inner.visits.reloads_per_s);
    loop {
        for _ in 0..inner.visits.reloading_ms / every_ms {
            let (looker, what) = (Arc::clone(inner), what.clone());
            inner.crew.start(async move {
                looker.look(edge, what).await;
            });
            inner.sleep_ms(every_ms).await;
        }
        let (_, said) = inner.look(edge, what.clone()).await;
        if matches!(said.state.as_str(), "paid" | "declined") {
            return;
        }
        inner.sleep_ms(inner.visits.again_ms).await;
    }
}

/// When a link expires, by its own words.
fn expiry_s(path: &str) -> i64 {
    path.rsplit('.').nth(1).and_then(|expiry| expiry.parse().ok()).unwrap_or(0)
}
