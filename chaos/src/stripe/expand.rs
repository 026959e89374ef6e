//! `expand[]`: an id that an object shows, replaced by the object it names.
//!
//! Source: <https://docs.stripe.com/api/expanding_objects>; what can be expanded is what PyPI's `stripe` 15.6.2 types as
//! an `ExpandableField`. Where the fake has nothing to show, the field stays what it is.
//! Invariant: a path that was read can be followed from its object to its end.

use super::charge;
use super::customer;
use super::errors::ApiError;
use super::intent::Intent;
use super::limits::EXPAND_DEPTH_MAX;
use super::params::Form;
use serde_json::Value;

/// Paths of one request, all of them from the same kind of object.
#[derive(Clone, Debug, Default)]
pub(super) struct Expand {
    paths: Vec<Vec<String>>,
    /// `total_count` of a search.
    pub(super) counts: bool,
}

/// What an answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// One intent.
    Intent,
    /// A page of them.
    List,
    /// A page that can be counted.
    Search,
    /// Nothing that could be expanded.
    Nothing,
}

/// A kind of object on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Intent,
    Charge,
    Method,
    Customer,
    /// Stripe has it, the fake does not.
    Unknown,
}

impl Kind {
    /// What a field of such an object can be expanded to.
    fn behind(self, field: &str) -> Option<Self> {
        match (self, field) {
            (Self::Intent | Self::Charge | Self::Method, "customer") => Some(Self::Customer),
            (Self::Intent, "latest_charge") => Some(Self::Charge),
            (Self::Intent, "payment_method") => Some(Self::Method),
            (Self::Charge, "payment_intent") => Some(Self::Intent),
            (Self::Intent | Self::Charge, "application" | "on_behalf_of" | "review")
            | (
                Self::Charge,
                "application_fee"
                | "balance_transaction"
                | "failure_balance_transaction"
                | "source_transfer"
                | "transfer",
            ) => Some(Self::Unknown),
            (Self::Intent | Self::Charge | Self::Method | Self::Customer | Self::Unknown, _) => None,
        }
    }

    fn object(self, intent: &Intent) -> Value {
        match self {
            Self::Intent => intent.to_json(),
            Self::Charge => charge::to_json(intent),
            Self::Method => intent.method().map_or(Value::Null, |method| method.to_json()),
            Self::Customer => customer::to_json(intent),
            Self::Unknown => Value::Null,
        }
    }
}

impl Expand {
    pub(super) fn read(form: &mut Form, shows: Shows) -> Result<Self, ApiError> {
        let mut expand = Self::default();
        for path in form.take_list("expand") {
            let on_intent = match shows {
                Shows::Intent => Some(path.as_str()),
                Shows::List | Shows::Search => path.strip_prefix("data."),
                Shows::Nothing => None,
            };
            if shows == Shows::Search && path == "total_count" {
                expand.counts = true;
            } else {
                let steps = on_intent.and_then(steps);
                expand.paths.push(steps.ok_or_else(|| ApiError::not_expandable(&path))?);
            }
        }
        Ok(expand)
    }

    /// Whether an answer is shown as it is.
    pub(super) const fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// The intent with everything that its paths name.
    pub(super) fn show(&self, intent: &Intent) -> Value {
        let paths: Vec<&[String]> = self.paths.iter().map(Vec::as_slice).collect();
        show(Kind::Intent, intent, &paths)
    }
}

/// The fields of a path that leads somewhere.
fn steps(path: &str) -> Option<Vec<String>> {
    let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
    let end = steps.iter().try_fold(Kind::Intent, |kind, field| kind.behind(field));
    (steps.len() <= EXPAND_DEPTH_MAX && end.is_some()).then_some(steps)
}

fn show(kind: Kind, intent: &Intent, paths: &[&[String]]) -> Value {
    let mut object = kind.object(intent);
    for (field, behind) in paths.iter().filter_map(|path| Some((path.first()?, kind.behind(path.first()?)?)))
    {
        let beyond: Vec<&[String]> =
            paths.iter().filter(|path| path.first() == Some(field)).map(|path| &path[1..]).collect();
        // An id is there to be replaced; null stays null, and what is expanded already is not expanded again.
        if object[field].is_string() && behind != Kind::Unknown {
            object[field] = show(behind, intent, &beyond);
        }
    }
    object
}
