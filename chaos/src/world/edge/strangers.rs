//! Strangers who try tokens that nobody gave out.
//!
//! Invariant: none of their tokens is signed with a key of the shop for that payment and that time.

use super::{Inner, Link, What};
use payments::PaymentId;
use payments::link::{Key, token};
use std::sync::Arc;

/// How a token is made up.
const WAYS: u64 = 6;
/// Payments that a stranger guesses at: those that are there, and some that are not.
const GUESSED: (u64, u64) = (1, 3_000);
const DAY_S: i64 = 86_400;
/// Characters of a signature.
const SIGNATURE: u64 = 64;

impl Inner {
    /// Lets strangers come for as long as the run lasts.
    pub(super) fn strangers_come(self: &Arc<Self>) {
        let Some(every_ms) = 1_000_000_000_u64.checked_div(self.visits.forged_per_s_micros) else { return };
        let inner = Arc::clone(self);
        self.crew.start(async move {
            loop {
                inner.sleep_ms(every_ms.max(1)).await;
                inner.try_a_token();
            }
        });
    }

    fn try_a_token(self: &Arc<Self>) {
        let (way, number) = {
            let mut draws = self.draws();
            (draws.below(WAYS), draws.between(GUESSED.0, GUESSED.1))
        };
        let payment = format!("order-{number:06}");
        let Some(path) = self.made_up(way, &payment) else { return };
        let what = What { path, payment: payment.into(), link: Link::Forged, is_page: way % 2 == 0 };
        let (inner, edge) = (Arc::clone(self), self.any_edge());
        self.crew.start(async move {
            inner.look(edge, what).await;
        });
    }

    /// A token: without a signature; signed with a key of the stranger's; another payment's signature; a later expiry than
    /// was signed; a signature that is too short; one that differs in one character.
    fn made_up(&self, way: u64, payment: &str) -> Option<String> {
        let (id, now) = (PaymentId::new(payment)?, self.clock.now());
        let later_s = now.0.div_euclid(1_000) + DAY_S;
        let good = |id: &PaymentId, life_s| token(&self.keys().current, id, now, life_s);
        let path = match way {
            0 => format!("/p/{payment}"),
            1 => {
                let key = Key::new(&format!("{:064x}", self.draws().seed()))?;
                format!("/p/{}", token(&key, &id, now, DAY_S))
            }
            2 => {
                let other = PaymentId::new(&format!("{payment}x"))?;
                let signature = good(&other, DAY_S).rsplit('.').next()?.to_owned();
                format!("/p/{payment}.{later_s}.{signature}")
            }
            3 => {
                let signature = good(&id, DAY_S / 2).rsplit('.').next()?.to_owned();
                format!("/p/{payment}.{later_s}.{signature}")
            }
            4 => {
                let mut token = good(&id, DAY_S);
                token.pop();
                format!("/p/{token}")
            }
            _ => {
                let token = good(&id, DAY_S);
                let place = token.len() - 1 - usize::try_from(self.draws().below(SIGNATURE)).ok()?;
                let other = if token.get(place..=place)? == "0" { "1" } else { "0" };
                format!("/p/{}{other}{}", token.get(..place)?, token.get(place + 1..)?)
            }
        };
        Some(path)
    }
}
