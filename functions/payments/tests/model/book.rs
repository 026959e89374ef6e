//! The provider's book: intents, stored answers, and what has been asked for but happens only later.
//!
//! As unkind as Stripe: a call whose answer is lost, or is a 500, may have had its effect, have it at any later time, or
//! never; a look-up may be answered by a replica that lags; a customer and a bank act when they please.
//! Invariant: whatever happens late happens by the rules of the call that asked for it; canceled and succeeded are final.

use crate::Card;
use payments::cause::Cause;
use payments::charge::Method;
use payments::provider::{Answer, ChargeId, Decline, DeclinedCharge, Intent, IntentId, IntentStatus, Replay};
use std::collections::{BTreeMap, BTreeSet};

/// What the provider holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Book {
    pub(crate) entries: Vec<Entry>,
    /// Stored answers of create keys: the intent, or a failure.
    keys: BTreeMap<Generation, Option<usize>>,
    /// Creates that have not happened yet.
    late: BTreeSet<Generation>,
}

/// What tells one create key from another: a payment's differ in it alone.
type Generation = u32;

/// One intent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Entry {
    now: Stand,
    /// As a replica that lags still shows it.
    before: Option<Stand>,
    attempts: u8,
    pub(crate) charges: u8,
    /// A confirm that has not happened yet.
    late_confirm: Option<Method>,
    /// A cancel that has not happened yet.
    late_cancel: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Stand {
    status: IntentStatus,
    last_decline: Option<No>,
}

/// The issuer's no, and to which attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct No {
    is_soft: bool,
    attempt: u8,
}

/// What the issuer says to a confirmation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    Yes,
    NotNow,
    No,
    /// The network takes its time.
    Later,
    /// The customer has to act.
    Ask,
    /// Yes, but the money is to be fetched.
    Hold,
}

impl Card {
    /// Everything that the issuer may say to a confirmation. What it says in a run without faults comes first.
    const fn issuer(self) -> &'static [Says] {
        match self {
            Self::Good => &[Says::Yes],
            Self::Declined => &[Says::No],
            Self::Soft => &[Says::NotNow, Says::No, Says::Yes],
            Self::Slow => &[Says::Later],
            Self::WantsCustomer => &[Says::Ask],
            Self::Holds => &[Says::Hold],
        }
    }
}

impl Entry {
    const fn new() -> Self {
        Self {
            now: Stand { status: IntentStatus::RequiresConfirmation, last_decline: None },
            before: None,
            attempts: 0,
            charges: 0,
            late_confirm: None,
            late_cancel: false,
        }
    }

    pub(crate) const fn is_canceled(&self) -> bool {
        matches!(self.now.status, IntentStatus::Canceled)
    }

    pub(crate) const fn has_succeeded(&self) -> bool {
        matches!(self.now.status, IntentStatus::Succeeded)
    }

    /// Nobody ever asked for its money.
    pub(crate) const fn is_untouched(&self) -> bool {
        let is_fresh = matches!(self.now.status, IntentStatus::RequiresConfirmation);
        is_fresh && self.attempts == 0 && self.late_confirm.is_none()
    }

    /// Attempts at which the issuer was heard.
    pub(crate) const fn attempts(&self) -> u8 {
        self.attempts
    }

    fn becomes(&mut self, status: IntentStatus) {
        let last_decline = self.now.last_decline;
        self.before = Some(std::mem::replace(&mut self.now, Stand { status, last_decline }));
    }

    fn charge(&mut self) {
        self.becomes(IntentStatus::Succeeded);
        self.charges += 1;
    }

    /// Its last attempt is declined.
    fn decline(&mut self, is_soft: bool) -> No {
        let no = No { is_soft, attempt: self.attempts };
        self.becomes(IntentStatus::RequiresPaymentMethod);
        self.now.last_decline = Some(no);
        no
    }

    const fn may_be_confirmed(&self, method: Method) -> bool {
        matches!(
            (&self.now.status, method),
            (IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction, _)
                | (IntentStatus::RequiresPaymentMethod, Method::OfTheRequest)
        )
    }

    const fn may_be_canceled(&self) -> bool {
        matches!(
            self.now.status,
            IntentStatus::RequiresConfirmation
                | IntentStatus::RequiresPaymentMethod
                | IntentStatus::RequiresAction
                | IntentStatus::RequiresCapture
        )
    }

    /// What can never happen any more is not waited for, so that states which differ in nothing else are one.
    fn forget(&mut self, lag: Lag) {
        let is_final = matches!(self.now.status, IntentStatus::Succeeded | IntentStatus::Canceled);
        let has_lost_its_method = matches!(self.now.status, IntentStatus::RequiresPaymentMethod);
        if is_final || (has_lost_its_method && self.late_confirm == Some(Method::OfTheIntent)) {
            self.late_confirm = None;
        }
        self.late_cancel &= !is_final;
        if lag == Lag::IsOver {
            self.before = None;
        }
    }
}

/// Whether a replica may still lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    MayBe,
    IsOver,
}

/// Calls.
impl Book {
    pub(crate) fn create(&mut self, key: Generation) -> Answer {
        match self.keys.get(&key) {
            Some(None) => Answer::Unknown { cause: Cause::ProviderError, replay: Replay::Stored },
            Some(Some(at)) => {
                // The stored answer tells what the intent was like when it was made.
                Answer::Intent(shown(*at, &Entry::new().now))
            }
            None => {
                self.entries.push(Entry::new());
                self.keys.insert(key, Some(self.entries.len() - 1));
                self.late.remove(&key);
                Answer::Intent(self.intent(self.entries.len() - 1))
            }
        }
    }

    /// From now on the key answers with a failure.
    pub(crate) fn store_failure(&mut self, key: Generation) {
        self.keys.insert(key, None);
    }

    /// The answer of a confirm for everything that the issuer may say.
    pub(crate) fn confirm(&self, at: usize, method: Method, card: Card) -> Vec<(Self, Answer)> {
        if !self.entries[at].may_be_confirmed(method) {
            return vec![(self.clone(), Answer::UnexpectedState(self.intent(at)))];
        }
        let said = |says: &Says| {
            let mut book = self.clone();
            let answer = book.hear(at, *says);
            (book, answer)
        };
        card.issuer().iter().map(said).collect()
    }

    fn hear(&mut self, at: usize, says: Says) -> Answer {
        let entry = &mut self.entries[at];
        entry.attempts += 1;
        match says {
            Says::Yes => entry.charge(),
            Says::NotNow => return Answer::Declined(entry.decline(true).of(at)),
            Says::No => return Answer::Declined(entry.decline(false).of(at)),
            Says::Later => entry.becomes(IntentStatus::Processing),
            Says::Ask => entry.becomes(IntentStatus::RequiresAction),
            Says::Hold => entry.becomes(IntentStatus::RequiresCapture),
        }
        Answer::Intent(self.intent(at))
    }

    pub(crate) fn cancel(&mut self, at: usize) -> Answer {
        if self.entries[at].may_be_canceled() {
            self.entries[at].becomes(IntentStatus::Canceled);
            Answer::Intent(self.intent(at))
        } else {
            Answer::UnexpectedState(self.intent(at))
        }
    }

    /// A cancel that says it is done, and is not.
    pub(crate) fn pretend_to_cancel(&self, at: usize) -> Answer {
        Answer::Intent(Intent { status: IntentStatus::Canceled, ..self.intent(at) })
    }

    pub(crate) fn intent(&self, at: usize) -> Intent {
        shown(at, &self.entries[at].now)
    }

    /// As a replica that lags shows it.
    pub(crate) fn lagging(&self, at: usize) -> Option<Intent> {
        self.entries[at].before.as_ref().map(|before| shown(at, before))
    }

    pub(crate) fn create_later(&mut self, key: Generation) {
        if !self.keys.contains_key(&key) {
            self.late.insert(key);
        }
    }

    pub(crate) fn confirm_later(&mut self, at: usize, method: Method) {
        self.entries[at].late_confirm = Some(method);
    }

    pub(crate) fn cancel_later(&mut self, at: usize) {
        self.entries[at].late_cancel = true;
    }
}

/// What happens without a call.
impl Book {
    /// Everything that may happen next by itself, and what of it the row's counts could not know of.
    pub(crate) fn by_itself(&self, card: Card) -> Vec<Self> {
        let mut next: Vec<Self> = self.late.iter().map(|key| self.with(|book| book.happens(*key))).collect();
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(method) = entry.late_confirm.filter(|method| entry.may_be_confirmed(*method)) {
                let confirmed = self.with(|book| book.entries[at].late_confirm = None);
                next.extend(confirmed.confirm(at, method, card).into_iter().map(|(book, _)| book));
            }
            if entry.late_cancel && entry.may_be_canceled() {
                next.push(self.with(|book| _ = book.cancel(at)));
            }
            // The bank decides, or the customer comes and authenticates, or cannot.
            if matches!(entry.now.status, IntentStatus::Processing | IntentStatus::RequiresAction) {
                next.push(self.with(|book| book.entries[at].charge()));
                next.push(self.with(|book| _ = book.entries[at].decline(false)));
            }
            // Somebody fetches the money that is held.
            if entry.now.status == IntentStatus::RequiresCapture {
                next.push(self.with(|book| book.entries[at].charge()));
            }
        }
        next
    }

    /// What others may do to it: an intent is canceled, a key pruned.
    pub(crate) fn by_others(&self) -> Vec<Self> {
        let mut next = Vec::new();
        for (at, _) in self.entries.iter().enumerate().filter(|(_, entry)| entry.may_be_canceled()) {
            next.push(self.with(|book| _ = book.cancel(at)));
        }
        for key in self.keys.keys() {
            next.push(self.with(|book| _ = book.keys.remove(key)));
        }
        next
    }

    /// The banks decide.
    pub(crate) fn decide(&mut self) {
        for entry in &mut self.entries {
            if entry.now.status == IntentStatus::Processing {
                entry.charge();
            }
        }
    }

    pub(crate) fn forget(&mut self, lag: Lag) {
        for entry in &mut self.entries {
            entry.forget(lag);
        }
    }

    fn happens(&mut self, key: Generation) {
        self.late.remove(&key);
        self.create(key);
    }

    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut book = self.clone();
        change(&mut book);
        book
    }
}

fn shown(at: usize, stand: &Stand) -> Intent {
    Intent {
        id: IntentId(at.to_string()),
        status: stand.status.clone(),
        amount: 1999,
        currency: "eur".to_owned(),
        payment_id: Some("order-1".to_owned()),
        last_decline: stand.last_decline.map(|no| no.of(at)),
    }
}

impl No {
    /// As intent `at` shows it.
    fn of(self, at: usize) -> DeclinedCharge {
        let decline = if self.is_soft { soft_decline() } else { hard_decline() };
        DeclinedCharge { decline, charge: Some(ChargeId(format!("{at}.{}", self.attempt))) }
    }
}

pub(crate) fn hard_decline() -> Decline {
    Decline {
        code: "card_declined".to_owned(),
        decline_code: Some("generic_decline".to_owned()),
        advice_code: None,
    }
}

fn soft_decline() -> Decline {
    Decline {
        code: "card_declined".to_owned(),
        decline_code: Some("try_again_later".to_owned()),
        advice_code: None,
    }
}
