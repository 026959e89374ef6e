//! What a request asks for: its route, and its parameters read into one typed call.
//!
//! Everything here is the validation that comes before the endpoint starts, so no refusal of this file is stored.
//! Invariant: a `Call` is well formed; only what depends on the account's objects can still be refused.

use super::currencies::Currency;
use super::errors::ApiError;
use super::expand::{Expand, Shows};
use super::listing::List;
use super::metadata::Metadata;
use super::methods::Methods;
use super::parameters;
use super::params::Form;
use super::search::Search;
use super::versions::Version;
use crate::journal::Operation;
use http::Method;
use serde_json::Value;
use std::collections::BTreeMap;

/// An endpoint the fake has, with the id in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Create,
    Confirm(String),
    Retrieve(String),
    Cancel(String),
    List,
    Search,
    Probe,
}

impl Route {
    pub(super) fn of(method: &Method, path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix("/v1/")?.split('/').collect();
        match (method, parts.as_slice()) {
            (&Method::POST, ["payment_intents"]) => Some(Self::Create),
            (&Method::POST, ["payment_intents", id, "confirm"]) => Some(Self::Confirm((*id).to_owned())),
            (&Method::POST, ["payment_intents", id, "cancel"]) => Some(Self::Cancel((*id).to_owned())),
            (&Method::GET, ["payment_intents"]) => Some(Self::List),
            (&Method::GET, ["payment_intents", "search"]) => Some(Self::Search),
            (&Method::GET, ["payment_intents", id]) => Some(Self::Retrieve((*id).to_owned())),
            (&Method::GET, ["balance"]) => Some(Self::Probe),
            _ => None,
        }
    }

    /// Which operation it is.
    pub(super) const fn operation(&self) -> Operation {
        match self {
            Self::Create => Operation::Create,
            Self::Confirm(_) => Operation::Confirm,
            Self::Retrieve(_) => Operation::Retrieve,
            Self::Cancel(_) => Operation::Cancel,
            Self::List => Operation::List,
            Self::Search => Operation::Search,
            Self::Probe => Operation::Probe,
        }
    }

    /// What its answer is made of.
    const fn shows(&self) -> Shows {
        match self {
            Self::Create | Self::Confirm(_) | Self::Retrieve(_) | Self::Cancel(_) => Shows::Intent,
            Self::List => Shows::List,
            Self::Search => Shows::Search,
            Self::Probe => Shows::Nothing,
        }
    }

    /// The intent id in the path.
    pub(super) fn intent(&self) -> Option<&str> {
        match self {
            Self::Confirm(id) | Self::Retrieve(id) | Self::Cancel(id) => Some(id),
            Self::Create | Self::List | Self::Search | Self::Probe => None,
        }
    }
}

/// A well-formed request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) ask: Ask,
    /// What its answer shows in place of ids.
    pub(super) expand: Expand,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Create(Create),
    Confirm(String, Confirm),
    Retrieve(String),
    Cancel(String, Option<&'static str>),
    List(List),
    Search(Search),
    Probe,
}

/// Parameters of a create.
#[derive(Clone, Debug)]
pub(super) struct Create {
    pub(super) amount: i64,
    pub(super) currency: &'static str,
    pub(super) capture: Capture,
    pub(super) methods: Methods,
    pub(super) payment_method: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) description: Option<String>,
    pub(super) metadata: Metadata,
    /// What the intent shows as it was sent.
    pub(super) shown: BTreeMap<&'static str, Value>,
    /// Present with `confirm=true`.
    pub(super) confirm: Option<Box<Confirm>>,
}

/// Parameters of a confirm.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirm {
    pub(super) payment_method: Option<String>,
    pub(super) return_url: Option<String>,
    pub(super) if_action: IfAction,
    /// `error_on_requires_action`, which goes with listed methods alone.
    pub(super) on_action: OnAction,
    /// In place of the intent's own.
    pub(super) methods: Option<Methods>,
    /// In place of the intent's own.
    pub(super) capture: Option<Capture>,
    /// What the intent shows from now on.
    pub(super) shown: BTreeMap<&'static str, Value>,
}

/// What becomes of a confirm whose card must be authenticated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum IfAction {
    /// The intent waits for the cardholder in `requires_action`.
    #[default]
    Ask,
    /// The attempt fails: `error_on_requires_action` was sent.
    Fail,
    /// The same, because `off_session` was: nobody is there.
    OffSession,
}

/// `error_on_requires_action`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OnAction {
    #[default]
    Wait,
    Error,
}

/// `capture_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    Automatic,
    AutomaticAsync,
    Manual,
}

impl Call {
    pub(super) fn read(route: Route, mut form: Form, version: Version) -> Result<Self, ApiError> {
        let operation = route.operation().name();
        parameters::check(&form, operation, version)?;
        let expand = Expand::read(&mut form, route.shows())?;
        let ask = match route {
            Route::Create => Ask::Create(Create::read(&mut form, version)?),
            Route::Confirm(id) => Ask::Confirm(id, Confirm::read(&mut form, operation)?),
            Route::Retrieve(id) => Ask::Retrieve(id),
            Route::Cancel(id) => {
                Ask::Cancel(id, form.take_word("cancellation_reason", &CANCELLATION_REASONS)?)
            }
            Route::List => Ask::List(List::read(&mut form)?),
            Route::Search => Ask::Search(Search::read(&mut form)?),
            Route::Probe => Ask::Probe,
        };
        form.finish(|written, value| parameters::is_idle(written, value, operation))?;
        Ok(Self { ask, expand })
    }

    /// Which operation it is.
    pub(super) const fn operation(&self) -> Operation {
        match self.ask {
            Ask::Create(_) => Operation::Create,
            Ask::Confirm(..) => Operation::Confirm,
            Ask::Retrieve(_) => Operation::Retrieve,
            Ask::Cancel(..) => Operation::Cancel,
            Ask::List(_) => Operation::List,
            Ask::Search(_) => Operation::Search,
            Ask::Probe => Operation::Probe,
        }
    }
}

/// Reasons a client may give.
const CANCELLATION_REASONS: [&str; 4] = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];

impl Capture {
    /// What `capture_method` says.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::AutomaticAsync => "automatic_async",
            Self::Manual => "manual",
        }
    }

    fn read(form: &mut Form) -> Result<Option<Self>, ApiError> {
        let known = [Self::Automatic, Self::AutomaticAsync, Self::Manual];
        let word = form.take_word("capture_method", &known.map(Self::name))?;
        Ok(known.into_iter().find(|capture| Some(capture.name()) == word))
    }

    fn default_of(version: Version) -> Self {
        if version < Version::ASYNC_CAPTURE { Self::Automatic } else { Self::AutomaticAsync }
    }
}

impl Create {
    fn read(form: &mut Form, version: Version) -> Result<Self, ApiError> {
        let methods = Methods::read(form)?.unwrap_or_else(|| Methods::default_of(version));
        let (amount, currency) = read_money(form, &methods)?;
        let confirming = form.take_flag("confirm")?;
        if !confirming {
            // These speak of a confirmation, so Stripe takes them only with one.
            let early = ["off_session", "error_on_requires_action", "return_url", "mandate"];
            if let Some(param) = early.into_iter().find(|param| form.peek(param).is_some()) {
                return Err(ApiError::invalid_parameter(param, format!("{param} needs confirm=true.")));
            }
        }
        Ok(Self {
            amount,
            currency,
            capture: Capture::read(form)?.unwrap_or_else(|| Capture::default_of(version)),
            methods,
            payment_method: form.take_text("payment_method")?,
            customer: form.take_text("customer")?,
            description: form.take("description").filter(|text| !text.is_empty()),
            metadata: form.take_metadata()?.into(),
            shown: read_shown(form, "create")?,
            confirm: if confirming { Some(Box::new(Confirm::read(form, "create")?)) } else { None },
        })
    }
}

impl Confirm {
    /// Reads what a confirm takes, on its own or as part of a create, which has taken its share.
    fn read(form: &mut Form, operation: &str) -> Result<Self, ApiError> {
        let is_off_session = read_off_session(form)?;
        let fails = form.take_flag("error_on_requires_action")?;
        Ok(Self {
            payment_method: form.take_text("payment_method")?,
            return_url: form.take_text("return_url")?,
            if_action: match (is_off_session, fails) {
                (true, _) => IfAction::OffSession,
                (false, true) => IfAction::Fail,
                (false, false) => IfAction::Ask,
            },
            on_action: if fails { OnAction::Error } else { OnAction::Wait },
            methods: Methods::read(form)?,
            capture: Capture::read(form)?,
            shown: read_shown(form, operation)?,
        })
    }
}

/// `true`, or why nobody is there.
fn read_off_session(form: &mut Form) -> Result<bool, ApiError> {
    let word = form.take_word("off_session", &["true", "false", "one_off", "recurring"])?;
    Ok(matches!(word, Some("true" | "one_off" | "recurring")))
}

fn read_shown(form: &mut Form, operation: &str) -> Result<BTreeMap<&'static str, Value>, ApiError> {
    let mut shown = BTreeMap::new();
    for name in parameters::shown(operation) {
        if let Some(value) = form.take_tree(name)? {
            shown.insert(name, value);
        }
    }
    Ok(shown)
}

/// `amount` and `currency`, which are only judged together: what is possible depends on the currency.
fn read_money(form: &mut Form, methods: &Methods) -> Result<(i64, &'static str), ApiError> {
    let amount = form.take_required("amount")?;
    let amount = amount.parse::<i64>().ok().filter(|amount| *amount >= 1);
    let amount = amount.ok_or_else(|| ApiError::not_an_integer("amount", "from 1 on"))?;
    let currency = form.take_required("currency")?;
    let unknown =
        || ApiError::invalid_parameter("currency", format!("Stripe does not take the currency {currency}."));
    let currency = Currency::parse(&currency).ok_or_else(unknown)?;
    currency.judge(amount, methods)?;
    Ok((amount, currency.code))
}
