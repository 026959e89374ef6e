//! What a request asks for: its route, and its parameters read into one typed call.
//!
//! Everything here is the validation that comes before the endpoint starts, so no refusal of this file is stored.
//! Invariant: a `Call` is well formed; only what depends on the account's objects can still be refused.

use super::currencies::Currency;
use super::errors::ApiError;
use super::limits::AMOUNT_MINOR_MAX;
use super::listing::List;
use super::params::Form;
use super::search::Search;
use http::Method;
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

    /// The operation's name in the journal.
    pub(super) const fn operation(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Confirm(_) => "confirm",
            Self::Retrieve(_) => "retrieve",
            Self::Cancel(_) => "cancel",
            Self::List => "list",
            Self::Search => "search",
            Self::Probe => "probe",
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
pub(super) enum Call {
    Create(Create),
    Confirm(String, Confirm),
    Retrieve(String),
    Cancel(String, Option<&'static str>),
    List(List),
    Search(Search),
    Probe,
}

impl Call {
    /// The operation's name in the journal.
    pub(super) const fn operation(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Confirm(..) => "confirm",
            Self::Retrieve(_) => "retrieve",
            Self::Cancel(..) => "cancel",
            Self::List(_) => "list",
            Self::Search(_) => "search",
            Self::Probe => "probe",
        }
    }
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
    pub(super) receipt_email: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    /// Present with `confirm=true`.
    pub(super) confirm: Option<Confirm>,
}

/// Parameters of a confirm.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirm {
    pub(super) payment_method: Option<String>,
    pub(super) return_url: Option<String>,
    pub(super) if_action: IfAction,
}

/// What becomes of a confirm whose card must be authenticated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum IfAction {
    /// The intent waits for the cardholder in `requires_action`.
    #[default]
    Ask,
    /// The attempt fails: `off_session` or `error_on_requires_action` was sent.
    Fail,
}

/// `capture_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    Automatic,
    Manual,
}

/// Which payment methods an intent takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Methods {
    /// `payment_method_types[]`.
    Listed(Vec<&'static str>),
    /// Whatever the account's dashboard enables, which may send the customer to another page.
    Automatic,
    /// The same without those that redirect.
    AutomaticWithoutRedirects,
}

impl Call {
    pub(super) fn read(route: Route, mut form: Form) -> Result<Self, ApiError> {
        let call = match route {
            Route::Create => Self::Create(Create::read(&mut form)?),
            Route::Confirm(id) => Self::Confirm(id, Confirm::read(&mut form)?),
            Route::Retrieve(id) => Self::Retrieve(id),
            Route::Cancel(id) => {
                Self::Cancel(id, form.take_word("cancellation_reason", &CANCELLATION_REASONS)?)
            }
            Route::List => Self::List(List::read(&mut form)?),
            Route::Search => Self::Search(Search::read(&mut form)?),
            Route::Probe => Self::Probe,
        };
        form.finish()?;
        Ok(call)
    }
}

/// Reasons a client may give.
const CANCELLATION_REASONS: [&str; 4] = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];

/// Payment method types the fake knows, and whether confirming one may redirect the customer.
const TYPES: [(&str, Redirects); 10] = [
    ("card", Redirects::Never),
    ("link", Redirects::Never),
    ("us_bank_account", Redirects::Never),
    ("sepa_debit", Redirects::Never),
    ("klarna", Redirects::Maybe),
    ("paypal", Redirects::Maybe),
    ("ideal", Redirects::Maybe),
    ("bancontact", Redirects::Maybe),
    ("eps", Redirects::Maybe),
    ("p24", Redirects::Maybe),
];

/// What the account's dashboard has switched on: as in a new account, one of them redirects.
const DASHBOARD: [&str; 3] = ["card", "link", "klarna"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Redirects {
    Never,
    Maybe,
}

impl Methods {
    /// The intent's `payment_method_types`.
    pub(super) fn types(&self) -> Vec<&'static str> {
        match self {
            Self::Listed(types) => types.clone(),
            Self::Automatic => DASHBOARD.to_vec(),
            Self::AutomaticWithoutRedirects => {
                DASHBOARD.into_iter().filter(|kind| !may_redirect(kind)).collect()
            }
        }
    }

    /// Whether a confirm needs a `return_url`.
    pub(super) fn may_redirect(&self) -> bool {
        self.types().iter().any(|kind| may_redirect(kind))
    }

    fn read(form: &mut Form) -> Result<Self, ApiError> {
        let listed = form.take_list("payment_method_types");
        let automatic = form.take_flag("automatic_payment_methods[enabled]")?;
        let redirects = form.take_word("automatic_payment_methods[allow_redirects]", &["always", "never"])?;
        match (listed.is_empty(), automatic, redirects) {
            (false, true, _) => {
                let message = "Send payment_method_types or automatic_payment_methods, not both.";
                Err(ApiError::invalid_parameter("payment_method_types", message))
            }
            (_, false, Some(_)) => Err(ApiError::missing_parameter("automatic_payment_methods[enabled]")),
            (false, false, None) => {
                listed.iter().map(|kind| known_type(kind)).collect::<Result<_, _>>().map(Self::Listed)
            }
            (true, _, Some("never")) => Ok(Self::AutomaticWithoutRedirects),
            (true, _, _) => Ok(Self::Automatic),
        }
    }
}

fn known_type(kind: &str) -> Result<&'static str, ApiError> {
    let known = TYPES.iter().find(|(known, _)| *known == kind);
    let refusal = || {
        ApiError::invalid_parameter("payment_method_types", format!("Unknown payment method type: {kind}"))
    };
    known.map(|(known, _)| *known).ok_or_else(refusal)
}

fn may_redirect(kind: &str) -> bool {
    TYPES.iter().any(|(known, redirects)| *known == kind && *redirects == Redirects::Maybe)
}

impl Create {
    fn read(form: &mut Form) -> Result<Self, ApiError> {
        let (amount, currency) = read_money(form)?;
        let confirming = form.take_flag("confirm")?;
        if !confirming {
            // These speak of a confirmation, so Stripe takes them only with one.
            let early = ["off_session", "error_on_requires_action", "return_url"];
            if let Some(param) = early.into_iter().find(|param| form.peek(param).is_some()) {
                return Err(ApiError::invalid_parameter(param, format!("{param} needs confirm=true.")));
            }
        }
        let payment_method = form.take_text("payment_method")?;
        Ok(Self {
            amount,
            currency,
            capture: match form.take_word("capture_method", &["automatic", "automatic_async", "manual"])? {
                Some("manual") => Capture::Manual,
                _ => Capture::Automatic,
            },
            methods: Methods::read(form)?,
            payment_method,
            customer: form.take_text("customer")?,
            description: form.take("description").filter(|text| !text.is_empty()),
            receipt_email: form.take("receipt_email").filter(|text| !text.is_empty()),
            metadata: form.take_metadata()?,
            confirm: if confirming { Some(Confirm::read(form)?) } else { None },
        })
    }
}

impl Confirm {
    fn read(form: &mut Form) -> Result<Self, ApiError> {
        let off_session = form.take_flag("off_session")?;
        let fails = form.take_flag("error_on_requires_action")?;
        Ok(Self {
            payment_method: form.take_text("payment_method")?,
            return_url: form.take_text("return_url")?,
            if_action: if off_session || fails { IfAction::Fail } else { IfAction::Ask },
        })
    }
}

/// `amount` and `currency`, which are only judged together: the least amount depends on the currency.
fn read_money(form: &mut Form) -> Result<(i64, &'static str), ApiError> {
    let amount = form.take_required("amount")?;
    let amount = amount.parse::<i64>().ok().filter(|amount| *amount >= 1);
    let amount = amount.ok_or_else(|| ApiError::not_an_integer("amount", "from 1 on"))?;
    let currency = form.take_required("currency")?;
    let unknown =
        || ApiError::invalid_parameter("currency", format!("Stripe does not take the currency {currency}."));
    let currency = Currency::parse(&currency).ok_or_else(unknown)?;
    if amount < currency.minimum {
        return Err(ApiError::amount_too_small(currency.minimum, currency.code));
    }
    if amount > AMOUNT_MINOR_MAX {
        return Err(ApiError::amount_too_large(AMOUNT_MINOR_MAX));
    }
    Ok((amount, currency.code))
}
