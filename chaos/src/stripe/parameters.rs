//! Which parameters each call takes, under which version, and what becomes of them.
//!
//! Source: the parameter types of PyPI's `stripe` 15.6.2 (`stripe/params/_payment_intent_*_params.py`), which pins the
//! version that our client names. Where one begins is read from the first release of that package that has it.
//! Invariant: a parameter that is not in the table is refused, and what is taken without effect is marked as such.

use super::codes::Code;
use super::errors::ApiError;
use super::limits::NESTING_MAX;
use super::params::Form;
use super::versions::Version;

/// One parameter, of one call or several.
#[derive(Clone, Copy, Debug)]
struct Parameter {
    name: &'static str,
    calls: &'static [&'static str],
    shape: Shape,
    role: Role,
    since: Version,
    /// The first version without it, and the code that says so.
    until: Option<(Version, Code)>,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `name=…`.
    Plain,
    /// The same with one of a few words.
    Word(&'static [&'static str]),
    /// `name[…]=…`, or empty to unset it.
    Nested,
    /// Either.
    Any,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The fake acts on it.
    Read,
    /// The intent shows it as it was sent.
    Shown,
    /// It is taken, and changes nothing that the fake knows of.
    Idle,
}

const CREATE: &[&str] = &["create"];
const CONFIRM: &[&str] = &["confirm"];
const BOTH: &[&str] = &["create", "confirm"];
const EVERY: &[&str] = &["create", "confirm", "retrieve", "cancel", "list", "search", "probe"];

const fn plain(name: &'static str, calls: &'static [&'static str], role: Role) -> Parameter {
    Parameter { name, calls, shape: Shape::Plain, role, since: Version::OLDEST, until: None }
}

const fn nested(name: &'static str, calls: &'static [&'static str], role: Role) -> Parameter {
    Parameter { shape: Shape::Nested, ..plain(name, calls, role) }
}

const fn word(
    name: &'static str,
    calls: &'static [&'static str],
    role: Role,
    words: &'static [&'static str],
) -> Parameter {
    Parameter { shape: Shape::Word(words), ..plain(name, calls, role) }
}

impl Parameter {
    const fn since(self, version: &'static str) -> Self {
        Self { since: Version::listed(version), ..self }
    }

    const fn until(self, version: Version, code: Code) -> Self {
        Self { until: Some((version, code)), ..self }
    }
}

const PARAMETERS: [Parameter; 50] = [
    nested("allowed_payment_method_types", BOTH, Role::Read).since(Version::ALLOWED_METHODS.name()),
    plain("amount", CREATE, Role::Read),
    nested("amount_details", BOTH, Role::Idle).since("2025-10-29.clover"),
    plain("amount_to_confirm", CONFIRM, Role::Idle).since("2026-04-22.dahlia"),
    plain("application_fee_amount", CREATE, Role::Shown),
    nested("automatic_payment_methods", CREATE, Role::Read),
    plain("cancellation_reason", &["cancel"], Role::Read),
    plain("capture_method", BOTH, Role::Read),
    plain("client_secret", &["retrieve"], Role::Idle),
    plain("confirm", CREATE, Role::Read),
    word("confirmation_method", CREATE, Role::Shown, &["automatic", "manual"]),
    plain("confirmation_token", BOTH, Role::Idle).since("2024-04-10"),
    Parameter { shape: Shape::Any, ..plain("created", &["list"], Role::Read) },
    plain("currency", CREATE, Role::Read),
    plain("customer", &["create", "list"], Role::Read),
    plain("customer_account", &["create", "list"], Role::Idle).since("2025-12-15.clover"),
    plain("description", CREATE, Role::Read),
    plain("ending_before", &["list"], Role::Read),
    plain("error_on_requires_action", BOTH, Role::Read),
    nested("excluded_payment_method_types", CREATE, Role::Read).since("2025-08-27.basil"),
    nested("excluded_payment_method_types", CONFIRM, Role::Read).since("2025-09-30.clover"),
    nested("expand", EVERY, Role::Read),
    nested("hooks", BOTH, Role::Idle).since("2025-11-17.clover"),
    plain("limit", &["list", "search"], Role::Read),
    plain("mandate", BOTH, Role::Idle),
    nested("mandate_data", BOTH, Role::Idle),
    nested("metadata", CREATE, Role::Read),
    plain("off_session", BOTH, Role::Read),
    plain("on_behalf_of", CREATE, Role::Shown),
    plain("page", &["search"], Role::Read),
    nested("payment_details", BOTH, Role::Idle).since("2025-10-29.clover"),
    plain("payment_method", BOTH, Role::Read),
    plain("payment_method_configuration", CREATE, Role::Idle),
    nested("payment_method_data", BOTH, Role::Idle),
    nested("payment_method_options", BOTH, Role::Idle),
    nested("payment_method_types", CREATE, Role::Read)
        .until(Version::NO_LISTED_METHODS, Code::PAYMENT_METHOD_TYPES_NO_LONGER_SUPPORTED),
    nested("payment_method_types", CONFIRM, Role::Read)
        .since("2024-06-20")
        .until(Version::NO_LISTED_METHODS, Code::PAYMENT_METHOD_TYPES_NO_LONGER_SUPPORTED),
    plain("query", &["search"], Role::Read),
    nested("radar_options", BOTH, Role::Idle),
    plain("receipt_email", BOTH, Role::Shown),
    plain("return_url", BOTH, Role::Read),
    word("setup_future_usage", CREATE, Role::Shown, &["off_session", "on_session"]),
    word("setup_future_usage", CONFIRM, Role::Shown, &["", "off_session", "on_session"]),
    nested("shipping", BOTH, Role::Shown),
    plain("starting_after", &["list"], Role::Read),
    plain("statement_descriptor", CREATE, Role::Shown),
    plain("statement_descriptor_suffix", CREATE, Role::Shown),
    nested("transfer_data", CREATE, Role::Shown),
    plain("transfer_group", CREATE, Role::Shown),
    plain("use_stripe_sdk", BOTH, Role::Idle),
];

/// A call that takes a parameter, and the versions under which it does.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The operation's name.
    pub operation: &'static str,
    /// The parameter's, without brackets.
    pub parameter: &'static str,
    /// The first version with it, as far as the fake goes back.
    pub since: &'static str,
    /// The first version without it.
    pub until: Option<&'static str>,
}

/// The whole table: for whoever holds it to another.
pub fn taken() -> impl Iterator<Item = Taken> {
    PARAMETERS.iter().flat_map(|parameter| {
        parameter.calls.iter().map(|operation| Taken {
            operation,
            parameter: parameter.name,
            since: parameter.since.name(),
            until: parameter.until.map(|(until, _)| until.name()),
        })
    })
}

/// Refuses the first parameter that this call does not take under this version.
pub(super) fn check(form: &Form, call: &str, version: Version) -> Result<(), ApiError> {
    form.fields().try_for_each(|(written, value)| {
        let parameter = find(written, value, call).ok_or_else(|| ApiError::unknown_parameter(written))?;
        if version < parameter.since {
            return Err(ApiError::unknown_parameter(written));
        }
        match parameter.until {
            Some((until, code)) if version >= until => {
                return Err(ApiError::removed_parameter(code, parameter.name, until.name()));
            }
            Some(_) | None => {}
        }
        match parameter.shape {
            Shape::Word(words) if !words.contains(&value) => {
                Err(ApiError::unknown_word(parameter.name, words))
            }
            Shape::Plain | Shape::Word(_) | Shape::Nested | Shape::Any => Ok(()),
        }
    })
}

/// Whether a parameter that `check` let pass has no effect.
pub(super) fn is_idle(written: &str, value: &str, call: &str) -> bool {
    find(written, value, call).is_some_and(|parameter| parameter.role == Role::Idle)
}

/// Names of what an intent shows as this call sent it.
pub(super) fn shown(call: &str) -> impl Iterator<Item = &'static str> {
    let is_shown =
        move |parameter: &&Parameter| parameter.role == Role::Shown && parameter.calls.contains(&call);
    PARAMETERS.iter().filter(is_shown).map(|parameter| parameter.name)
}

fn find(written: &str, value: &str, call: &str) -> Option<&'static Parameter> {
    let name = written.split('[').next()?;
    let brackets = written.matches('[').count();
    PARAMETERS.iter().find(|parameter| {
        let fits = match parameter.shape {
            Shape::Plain | Shape::Word(_) => brackets == 0,
            Shape::Nested => (1..=NESTING_MAX).contains(&brackets) || (brackets == 0 && value.is_empty()),
            Shape::Any => brackets <= 1,
        };
        fits && parameter.name == name && parameter.calls.contains(&call)
    })
}
