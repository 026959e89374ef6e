//! The environment, read once.
//!
//! Invariant: what is missing or not acceptable is refused with its name and what it accepts, never with its value:
//! some are secrets.

use std::ops::RangeInclusive;
use std::str::FromStr;

/// Environment variables, read through a function.
#[derive(Clone, Copy, Debug)]
pub struct Environment<F>(F);

/// A variable that is missing or not of its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} {problem}; accepted: {accepted}")]
pub struct ConfigError {
    name: &'static str,
    problem: &'static str,
    accepted: &'static str,
}

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    /// The environment that `get` knows.
    pub const fn new(get: F) -> Self {
        Self(get)
    }

    /// The value of `name`; one that is empty is missing.
    ///
    /// # Errors
    /// When it is missing; the error says that `accepted` would do.
    pub fn text(&self, name: &'static str, accepted: &'static str) -> Result<String, ConfigError> {
        self.given(name).ok_or(ConfigError { name, problem: "is missing", accepted })
    }

    /// What `parse` makes of the value of `name`.
    ///
    /// # Errors
    /// When it is missing, or `parse` makes nothing of it; the error says that `accepted` would do.
    pub fn parsed<T>(
        &self,
        name: &'static str,
        accepted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let text = self.text(name, accepted)?;
        parse(&text).ok_or(ConfigError { name, problem: "is not acceptable", accepted })
    }

    /// The whole number `name` holds.
    ///
    /// # Errors
    /// When it is missing, no whole number, or not in `range`; the error says that `accepted` would do.
    pub fn number<T: FromStr + PartialOrd>(
        &self,
        name: &'static str,
        accepted: &'static str,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError> {
        self.parsed(name, accepted, |text| text.parse().ok().filter(|number| range.contains(number)))
    }

    /// The value of `name`, if there is one; one that is empty is none.
    pub fn given(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_missing_empty_or_wrong_is_named_with_what_it_accepts() {
        let environment = Environment::new(|name: &str| match name {
            "EMPTY" => Some(String::new()),
            "RATE" => Some("0".to_owned()),
            _ => None,
        });
        let missing = |name| environment.text(name, "a name").expect_err("missing").to_string();
        assert_eq!(missing("TABLE"), "environment variable TABLE is missing; accepted: a name");
        assert_eq!(missing("EMPTY"), "environment variable EMPTY is missing; accepted: a name");
        let wrong = environment.number("RATE", "a whole number from 1", 1..=u32::MAX).expect_err("wrong");
        assert_eq!(
            wrong.to_string(),
            "environment variable RATE is not acceptable; accepted: a whole number from 1"
        );
    }
}
