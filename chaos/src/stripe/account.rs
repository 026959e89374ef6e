//! One Stripe account: its objects, and the execution of a call on them.
//!
//! What this file answers, success or refusal, comes after an endpoint has started and so is stored under the
//! request's key. A decline both changes the intent and answers an error: state is never rolled back with an answer.
//! Invariant: money moves in one place, `conclude`, and every movement is in the book.

use super::answer::Answer;
use super::book::{Book, Movement, Stage};
use super::calls::{Ask, Call, Confirm, Create, IfAction};
use super::cards::{Bank, Method};
use super::errors::ApiError;
use super::events::{self, Events};
use super::expand::Expand;
use super::ids::Ids;
use super::intent::{Confirmed, Intent};
use super::issuer::{self, Verdict};
use super::later::{Due, Later};
use super::limits::PROCESSING_MS_MAX;
use super::mode::Mode;
use super::register::Register;
use super::search::{Index, Search};
use super::test_methods::{TestMethod, is_taken_for_a_good_card};
use crate::faults::{Faults, Kind, Subject};
use payments::UnixMs;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The objects of one account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) ids: Ids,
    pub(super) book: Book,
    pub(super) later: Later,
    /// None where nobody listens.
    pub(super) events: Option<Events>,
    mode: Mode,
    intents: Register,
    index: Index,
    methods: BTreeMap<String, Arc<Method>>,
    /// Ids of methods that belong to nobody and have reached their issuer.
    spent: BTreeSet<String>,
    faults: Faults,
}

impl Account {
    pub(super) fn new(seed: u64, mode: Mode, faults: Faults) -> Self {
        Self {
            ids: Ids::new(seed),
            book: Book::default(),
            later: Later::new(seed),
            events: None,
            mode,
            intents: Register::default(),
            index: Index::new(seed),
            methods: BTreeMap::new(),
            spent: BTreeSet::new(),
            faults,
        }
    }

    pub(super) fn intent(&self, id: &str) -> Option<&Intent> {
        self.intents.get(id).map(Arc::as_ref)
    }

    /// What a look-up says that has not heard of the intent's last change; `None` when everybody has.
    pub(super) fn past(&self, id: &str, now: UnixMs) -> Option<Answer> {
        let before = self.intents.before(id, now)?;
        Some(before.map_or_else(|| ApiError::no_such_intent(id).into(), Answer::intent))
    }

    /// Executes one call at `now`.
    pub(super) fn execute(&mut self, call: Call, now: UnixMs) -> Answer {
        let Call { ask, expand } = call;
        let answer = match ask {
            Ask::Create(create) => self.create(create, now),
            Ask::Confirm(id, confirm) => self.confirm(&id, confirm, now),
            Ask::Retrieve(id) => self.find(&id).map(Answer::intent),
            Ask::Cancel(id, reason) => self.cancel(&id, reason, now),
            Ask::List(list) => self.intents.page(&list).map(|page| Answer::list(&page, &expand)),
            Ask::Search(search) => self.search(&search, &expand, now),
            Ask::Probe => Ok(balance(self.mode)),
        };
        self.finish(answer.unwrap_or_else(Answer::from), &expand, now)
    }

    fn search(&self, search: &Search, expand: &Expand, now: UnixMs) -> Result<Answer, ApiError> {
        let page = self.index.page(&self.intents, search, now)?;
        let total = expand.counts.then(|| self.index.total(&self.intents, search, now));
        Ok(Answer::search(&page, expand, total))
    }

    /// Shows of the intent that an answer is about what the request wants to see, and lets the index hear of it.
    fn finish(&mut self, answer: Answer, expand: &Expand, now: UnixMs) -> Answer {
        match answer.facts.intent.as_deref().and_then(|id| self.intents.get(id)) {
            Some(intent) => {
                self.index.hear(intent, now);
                answer.expanded(intent, expand)
            }
            None => answer,
        }
    }

    /// From now on what is created belongs to this mode.
    pub(super) const fn enter(&mut self, mode: Mode) {
        self.mode = mode;
    }

    fn create(&mut self, mut create: Create, now: UnixMs) -> Result<Answer, ApiError> {
        if let Some(customer) = create.customer.as_deref().filter(|id| !id.starts_with("cus_")) {
            return Err(ApiError::no_such("customer", "customer", customer));
        }
        let method = create.payment_method.as_deref().map(|name| self.method(name, now)).transpose()?;
        let confirm = create.confirm.take();
        let id = self.ids.intent();
        let secret = self.ids.secret(&id);
        let intent = Arc::new(Intent::new(id.clone(), secret, self.mode, create, method.clone(), now));
        method.iter().try_for_each(|method| intent.takes(method).and_then(|()| self.can_pay(method)))?;
        if let Some(confirm) = &confirm {
            // One request: what could not be confirmed is not created either.
            intent.to_confirm(confirm, None)?;
        }
        let answer = Answer::intent(&intent);
        self.book.stand(stage(&intent, now));
        self.intents.add(intent, now);
        self.tell(events::CREATED, &id, now);
        match confirm {
            Some(confirm) => self.confirm(&id, *confirm, now),
            None => Ok(answer),
        }
    }

    fn confirm(&mut self, id: &str, confirm: Confirm, now: UnixMs) -> Result<Answer, ApiError> {
        let sent = match &confirm.payment_method {
            Some(name) => Some(self.method(name, now)?),
            None => None,
        };
        let intent = self.find(id)?;
        let method = match intent.to_confirm(&confirm, sent) {
            Ok(method) => method,
            Err(error) => return Ok(Answer::refusal_of(intent, error)),
        };
        let belongs_to_nobody = intent.request.customer.is_none();
        self.can_pay(&method)?;
        let (verdict, fault) = self.ask_issuer(&method, confirm.if_action, id, now);
        if belongs_to_nobody && verdict.is_attempt() {
            self.spent.insert(method.id.clone());
        }
        let charge = self.ids.charge();
        let confirmed =
            self.change(id, now, |intent| intent.confirm(confirm, method, verdict, charge, now))?;
        if let bank @ (Bank::Approves | Bank::Declines(_)) = verdict.later() {
            let at = self.later.some_time_after(now, PROCESSING_MS_MAX);
            self.later.promise(at, Due::Verdict { intent: id.to_owned(), bank });
        }
        let mut answer = self.conclude(id, confirmed, now)?;
        answer.facts.fault = fault;
        Ok(answer)
    }

    /// The bank of a processing intent, its customer, or whoever captures it, decides at `now`.
    pub(super) fn settle(&mut self, id: &str, bank: Bank, now: UnixMs) -> Answer {
        let charge = self.ids.charge();
        let settled = self.change(id, now, |intent| {
            let confirmed = intent.settle(bank, charge, now);
            let spent = intent.attempt().filter(|_| intent.request.customer.is_none());
            (confirmed, spent.map(|attempt| attempt.method.id.clone()))
        });
        let answer = settled.and_then(|(confirmed, spent)| {
            self.spent.extend(spent);
            self.conclude(id, confirmed, now)
        });
        self.finish(answer.unwrap_or_else(Answer::from), &Expand::default(), now)
    }

    /// What came of a confirmation, told and booked.
    fn conclude(&mut self, id: &str, confirmed: Confirmed, now: UnixMs) -> Result<Answer, ApiError> {
        match confirmed {
            Confirmed::Declined(_) => self.tell(events::PAYMENT_FAILED, id, now),
            Confirmed::Charged => self.tell(events::SUCCEEDED, id, now),
            Confirmed::Waiting => {}
        }
        let intent = self.find(id)?;
        let stands = stage(intent, now);
        let (answer, movement) = match confirmed {
            Confirmed::Declined(error) => (Answer::refusal_of(intent, error), None),
            Confirmed::Waiting => (Answer::intent(intent), None),
            Confirmed::Charged => (Answer::intent(intent), Some(movement(intent, now))),
        };
        self.book.stand(stands);
        movement.into_iter().for_each(|movement| self.book.record(movement));
        Ok(answer)
    }

    fn cancel(&mut self, id: &str, reason: Option<&'static str>, now: UnixMs) -> Result<Answer, ApiError> {
        let canceled = self.change(id, now, |intent| intent.cancel(reason, now))?;
        let intent = self.find(id)?;
        let answer = match &canceled {
            Ok(()) => Answer::intent(intent),
            Err(error) => Answer::refusal_of(intent, error.clone()),
        };
        let stands = stage(intent, now);
        self.book.stand(stands);
        if canceled.is_ok() {
            self.tell(events::CANCELED, id, now);
        }
        Ok(answer)
    }

    /// Tells whoever listens how an intent stands.
    fn tell(&mut self, what: &'static str, id: &str, now: UnixMs) {
        if let (Some(events), Some(intent)) = (&mut self.events, self.intents.get(id)) {
            events.tell(what, intent, now);
        }
    }

    fn ask_issuer(
        &self,
        method: &Method,
        if_action: IfAction,
        id: &str,
        now: UnixMs,
    ) -> (Verdict, Option<Kind>) {
        let payment = self.intent(id).and_then(Intent::payment);
        issuer::ask(&self.faults, method, if_action, &Subject { operation: "confirm", payment, id }, now)
    }

    fn find(&self, id: &str) -> Result<&Arc<Intent>, ApiError> {
        self.intents.get(id).ok_or_else(|| ApiError::no_such_intent(id))
    }

    fn change<T>(
        &mut self,
        id: &str,
        now: UnixMs,
        happens: impl FnOnce(&mut Intent) -> T,
    ) -> Result<T, ApiError> {
        self.intents.change(id, now, happens).ok_or_else(|| ApiError::no_such_intent(id))
    }

    /// What was spent while it belonged to nobody stays spent, whoever it is said to belong to now. Whether a method
    /// belongs to the customer who pays, the fake takes for granted.
    fn can_pay(&self, method: &Method) -> Result<(), ApiError> {
        if self.spent.contains(&method.id) { Err(ApiError::spent_method()) } else { Ok(()) }
    }

    /// A test method becomes a new method of the account, under an id of its own; later calls may use that id. Whatever
    /// else is an id names a good card.
    fn method(&mut self, name: &str, now: UnixMs) -> Result<Arc<Method>, ApiError> {
        if let Some(known) = self.methods.get(name) {
            return Ok(Arc::clone(known));
        }
        let (id, is) = match TestMethod::named(name) {
            Some(is) => (self.ids.method(), is),
            None if is_taken_for_a_good_card(name) => (name.to_owned(), TestMethod::GOOD),
            None => return Err(ApiError::no_such("PaymentMethod", "payment_method", name)),
        };
        let method = Arc::new(Method { id, is, mode: self.mode, created_s: now.0.div_euclid(1_000) });
        self.methods.insert(method.id.clone(), Arc::clone(&method));
        Ok(method)
    }
}

fn movement(intent: &Intent, now: UnixMs) -> Movement {
    Movement {
        at: now,
        intent: intent.id.clone(),
        charge: intent.latest_charge().unwrap_or_default().to_owned(),
        payment: intent.payment().map(str::to_owned),
        amount_minor: intent.request.amount,
        currency: intent.request.currency.to_owned(),
    }
}

fn stage(intent: &Intent, now: UnixMs) -> Stage {
    let (id, payment) = (intent.id.clone(), intent.payment().map(str::to_owned));
    Stage { at: now, intent: id, payment, status: intent.status() }
}

/// `GET /v1/balance`: cheap, needs the key, changes nothing. The book, not the balance, knows the money.
fn balance(mode: Mode) -> Answer {
    let nothing = json!([{ "amount": 0, "currency": "usd", "source_types": { "card": 0 } }]);
    Answer::ok(
        &json!({ "object": "balance", "available": nothing, "livemode": mode.is_live(), "pending": nothing }),
    )
}
