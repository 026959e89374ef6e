//! What an issuer says to a confirmation: by its card's nature, or because a fault makes it.
//!
//! Invariant: a fault only ever spoils a good card; a card that declines by nature never counts for one.

use super::calls::IfAction;
use super::cards::{Bank, Behaviour, Decline, Method};
use crate::faults::{Faults, Kind, Subject};
use payments::UnixMs;

/// What the issuer, asked by a confirm, decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    Declined(Decline),
    /// The cardholder has to act, and is asked to; whether he does, shows later.
    ActionNeeded(Bank),
    /// The bank decides later.
    Pending(Bank),
    /// The money is only held; whether somebody captures it, shows later.
    Held(Bank),
}

impl Verdict {
    /// Whether the issuer was asked for money: whoever has to act first was not.
    pub(super) const fn is_attempt(self) -> bool {
        match self {
            Self::Approved | Self::Declined(_) | Self::Pending(_) | Self::Held(_) => true,
            Self::ActionNeeded(_) => false,
        }
    }

    /// What comes of it later, though nobody calls.
    pub(super) const fn later(self) -> Bank {
        match self {
            Self::Approved | Self::Declined(_) => Bank::Silent,
            Self::ActionNeeded(bank) | Self::Pending(bank) | Self::Held(bank) => bank,
        }
    }

    /// What this method's issuer says to a confirm, without any fault.
    const fn of(method: &Method, if_action: IfAction) -> Self {
        match (method.is.behaviour, if_action) {
            (Behaviour::Approves, _) => Self::Approved,
            (Behaviour::Declines(decline), _) => Self::Declined(decline),
            (Behaviour::AuthenticatesOnSession, IfAction::OffSession) => Self::Approved,
            (Behaviour::Authenticates, IfAction::OffSession)
            | (Behaviour::Authenticates | Behaviour::AuthenticatesOnSession, IfAction::Fail) => {
                Self::Declined(Decline::AUTHENTICATION_REQUIRED)
            }
            (Behaviour::Authenticates | Behaviour::AuthenticatesOnSession, IfAction::Ask) => {
                Self::ActionNeeded(Bank::Silent)
            }
            (Behaviour::Pends(bank), _) => Self::Pending(bank),
        }
    }
}

/// Asks the issuer of `method`; its verdict, and the fault that made it.
pub(super) fn ask(
    faults: &Faults,
    method: &Method,
    if_action: IfAction,
    subject: &Subject<'_>,
    now: UnixMs,
) -> (Verdict, Option<Kind>) {
    let verdict = Verdict::of(method, if_action);
    if verdict != Verdict::Approved {
        return (verdict, None);
    }
    let spoilt = SPOILERS.iter().find(|(kind, _)| faults.fires(*kind, now, subject).is_some());
    spoilt.map_or((verdict, None), |(kind, spoil)| (spoil(faults), Some(*kind)))
}

type Spoil = fn(&Faults) -> Verdict;

/// The faults that spoil a good card, in the order in which they are asked.
const SPOILERS: [(Kind, Spoil); 5] = [
    (Kind::Declined, |_| Verdict::Declined(Decline::GENERIC)),
    (Kind::DeclinedSoftly, softly),
    (Kind::AuthenticationRequired, authentication_required),
    (Kind::Processing, processing),
    (Kind::Held, held),
];

fn softly(faults: &Faults) -> Verdict {
    let which = faults.between(Kind::DeclinedSoftly, 0, Decline::SOFT.len() as u64 - 1);
    Verdict::Declined(Decline::SOFT[which as usize])
}

/// Sources differ on what becomes of an intent nobody can authenticate for: most show a decline, some an intent that
/// waits in `requires_action` whatever the confirm asked for. Both happen; and of those who are waited for every second
/// one sees the bank's message and does authenticate.
fn authentication_required(faults: &Faults) -> Verdict {
    match faults.between(Kind::AuthenticationRequired, 0, 7) {
        0 => Verdict::ActionNeeded(Bank::Silent),
        1 => Verdict::ActionNeeded(Bank::Approves),
        _ => Verdict::Declined(Decline::AUTHENTICATION_REQUIRED),
    }
}

/// Somebody captures what is held, a setting or a colleague, or it lapses.
fn held(faults: &Faults) -> Verdict {
    match faults.between(Kind::Held, 0, 1) {
        0 => Verdict::Held(Bank::Silent),
        _ => Verdict::Held(Bank::Approves),
    }
}

fn processing(faults: &Faults) -> Verdict {
    match faults.between(Kind::Processing, 0, 3) {
        0 => Verdict::Pending(Bank::Declines(Decline::GENERIC)),
        _ => Verdict::Pending(Bank::Approves),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{CRASH_HOPS_DEFAULT, Fault, Window};
    use crate::journal::Journal;
    use crate::random::Chance;
    use crate::stripe::codes::Code;
    use crate::stripe::mode::Mode;
    use crate::stripe::test_methods::TestMethod;

    const CONFIRM: Subject<'_> = Subject { operation: "confirm", payment: Some("order-1"), id: "pi_1" };

    /// Every verdict that a fault of this kind makes, over many confirms.
    fn verdicts(kind: Kind, name: &str) -> Vec<Verdict> {
        let fault = Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS);
        let faults = Faults::new(&[fault], 1, UnixMs(0), CRASH_HOPS_DEFAULT, Journal::default());
        let is = TestMethod::named(name).unwrap();
        let method = Method { id: "pm_1".to_owned(), is, mode: Mode::Test, created_s: 0 };
        let ask = |at| ask(&faults, &method, IfAction::Fail, &CONFIRM, UnixMs(at)).0;
        let mut seen = Vec::new();
        for verdict in (0..100).map(ask) {
            if !seen.contains(&verdict) {
                seen.push(verdict);
            }
        }
        seen
    }

    #[test]
    fn a_fault_spoils_a_good_card_in_every_way_it_can() {
        assert_eq!(verdicts(Kind::Declined, "pm_card_visa"), [Verdict::Declined(Decline::GENERIC)]);
        let soft = verdicts(Kind::DeclinedSoftly, "pm_card_visa");
        assert!(Decline::SOFT.iter().all(|decline| soft.contains(&Verdict::Declined(*decline))));
        let asked = verdicts(Kind::AuthenticationRequired, "pm_card_visa");
        let acts = [Bank::Silent, Bank::Approves].map(Verdict::ActionNeeded);
        assert!(acts.iter().all(|act| asked.contains(act)) && asked.len() == 3, "{asked:?}");
        let pending = verdicts(Kind::Processing, "pm_card_visa");
        assert!(pending.contains(&Verdict::Pending(Bank::Approves)) && pending.len() == 2, "{pending:?}");
        let held = verdicts(Kind::Held, "pm_card_visa");
        let ends = [Bank::Silent, Bank::Approves].map(Verdict::Held);
        assert!(ends.iter().all(|end| held.contains(end)) && held.len() == 2, "{held:?}");
    }

    #[test]
    fn a_card_that_declines_by_nature_is_left_alone() {
        for (kind, _) in SPOILERS {
            let own = verdicts(kind, "pm_card_chargeDeclinedExpiredCard");
            assert!(
                matches!(own[..], [Verdict::Declined(Decline { code: Code::EXPIRED_CARD, .. })]),
                "{kind}"
            );
        }
    }
}
