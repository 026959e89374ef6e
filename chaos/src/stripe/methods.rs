//! Which kinds of payment method an intent takes.
//!
//! Source: <https://docs.stripe.com/payments/payment-methods/dynamic-payment-methods> and the changelog's pages named in
//! `versions`.
//! Invariant: an intent's kinds are listed by the client or decided by the account, never both.

use super::errors::ApiError;
use super::params::Form;
use super::versions::Version;

/// The kinds that an intent takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Methods {
    /// `payment_method_types[]`.
    Listed(Vec<&'static str>),
    /// Whatever the account's dashboard enables.
    Automatic(Filter),
}

/// What narrows down what the account enables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    redirects: Redirects,
    /// `allowed_payment_method_types[]`; what the account does not enable is left out in silence.
    pub(super) allowed: Option<Vec<&'static str>>,
    /// `excluded_payment_method_types[]`.
    pub(super) excluded: Vec<&'static str>,
}

/// Whether confirming may send the customer to another page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Redirects {
    Never,
    Maybe,
}

/// Payment method types the fake knows.
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

impl Methods {
    /// What an intent takes whose client says nothing.
    pub(super) fn default_of(version: Version) -> Self {
        if version < Version::AUTOMATIC_METHODS { Self::Listed(vec!["card"]) } else { Self::automatic() }
    }

    /// What the parameters of a create or a confirm say, if they say anything.
    pub(super) fn read(form: &mut Form) -> Result<Option<Self>, ApiError> {
        let listed = read_types(form, "payment_method_types")?;
        let allowed = read_types(form, "allowed_payment_method_types")?;
        let excluded = read_types(form, "excluded_payment_method_types")?;
        let redirects = read_automatic(form)?;
        let sent = [
            ("payment_method_types", listed.is_some()),
            ("allowed_payment_method_types", allowed.is_some()),
            ("automatic_payment_methods", redirects.is_some()),
            ("excluded_payment_method_types", excluded.is_some()),
        ];
        refuse_contradictions(&sent)?;
        let redirects = redirects.unwrap_or(Redirects::Maybe);
        Ok(match (listed, sent.iter().any(|(_, is_sent)| *is_sent)) {
            (Some(types), _) => Some(Self::Listed(types)),
            (None, true) => {
                Some(Self::Automatic(Filter { redirects, allowed, excluded: excluded.unwrap_or_default() }))
            }
            (None, false) => None,
        })
    }

    /// The intent's `payment_method_types`.
    pub(super) fn types(&self) -> Vec<&'static str> {
        match self {
            Self::Listed(types) => types.clone(),
            Self::Automatic(filter) => DASHBOARD.into_iter().filter(|kind| filter.lets_pass(kind)).collect(),
        }
    }

    /// Whether a confirm by somebody who is present needs a `return_url`.
    pub(super) fn may_redirect(&self) -> bool {
        match self {
            // Only the method that pays decides, and none of the fake's redirects.
            Self::Listed(_) => false,
            Self::Automatic(_) => self.types().iter().any(|kind| redirects(kind) == Redirects::Maybe),
        }
    }

    /// What narrows the account's methods down, unless they are listed.
    pub(super) const fn filter(&self) -> Option<&Filter> {
        match self {
            Self::Listed(_) => None,
            Self::Automatic(filter) => Some(filter),
        }
    }

    const fn automatic() -> Self {
        Self::Automatic(Filter { redirects: Redirects::Maybe, allowed: None, excluded: Vec::new() })
    }
}

impl Filter {
    /// `allow_redirects`.
    pub(super) const fn allow_redirects(&self) -> &'static str {
        match self.redirects {
            Redirects::Maybe => "always",
            Redirects::Never => "never",
        }
    }

    fn lets_pass(&self, kind: &'static str) -> bool {
        let is_allowed = self.allowed.as_ref().is_none_or(|allowed| allowed.contains(&kind));
        let fits = self.redirects == Redirects::Maybe || redirects(kind) == Redirects::Never;
        is_allowed && fits && !self.excluded.contains(&kind)
    }
}

/// `allowed_payment_method_types` goes with none of the others, `payment_method_types` with none but an exclusion that
/// then has nothing to exclude from.
fn refuse_contradictions(sent: &[(&str, bool); 4]) -> Result<(), ApiError> {
    let [(listed, is_listed), allowed, automatic, excluded] = *sent;
    let both = |(one, is_one): (&str, bool), (other, is_other): (&str, bool)| {
        if is_one && is_other { Err(ApiError::exclusive_parameters(one, other)) } else { Ok(()) }
    };
    let listed = (listed, is_listed);
    both(listed, automatic)?;
    both(allowed, listed)?;
    both(allowed, automatic)?;
    both(allowed, excluded)?;
    both(listed, excluded)
}

/// `automatic_payment_methods[…]`: absent or switched off is `None`.
fn read_automatic(form: &mut Form) -> Result<Option<Redirects>, ApiError> {
    let is_enabled = form.take_flag("automatic_payment_methods[enabled]")?;
    let allow = form.take_word("automatic_payment_methods[allow_redirects]", &["always", "never"])?;
    match (is_enabled, allow) {
        (true, Some("never")) => Ok(Some(Redirects::Never)),
        (true, _) => Ok(Some(Redirects::Maybe)),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(ApiError::missing_parameter("automatic_payment_methods[enabled]")),
    }
}

fn read_types(form: &mut Form, name: &str) -> Result<Option<Vec<&'static str>>, ApiError> {
    let sent = form.take_list(name);
    let types = sent.iter().map(|kind| known(name, kind)).collect::<Result<Vec<_>, _>>()?;
    Ok(if types.is_empty() { None } else { Some(types) })
}

/// Link can be allowed and not excluded: PyPI's `stripe` 15.6.2 lists it for the one parameter, not for the other.
const NEVER_EXCLUDED: (&str, &str) = ("excluded_payment_method_types", "link");

fn known(param: &str, kind: &str) -> Result<&'static str, ApiError> {
    let known = TYPES.iter().find(|(known, _)| *known == kind && (param, kind) != NEVER_EXCLUDED);
    let refusal = || ApiError::invalid_parameter(param, format!("Unknown payment method type: {kind}"));
    known.map(|(known, _)| *known).ok_or_else(refusal)
}

fn redirects(kind: &str) -> Redirects {
    TYPES.iter().find(|(known, _)| *known == kind).map_or(Redirects::Never, |(_, redirects)| *redirects)
}
