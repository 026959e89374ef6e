//! The environment, parsed once.
//!
//! Invariant: a function that runs has a complete configuration; a wrong one is refused at start with the name of the
//! variable and what it accepts.

use host::{ConfigError, Environment};

/// What the template tells the function.
#[derive(Clone, Debug)]
pub struct Config {
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
}

impl Config {
    /// Reads the configuration through `get`.
    ///
    /// # Errors
    /// The first variable that is missing or not of its form.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let environment = Environment::new(get);
        Ok(Self { ledger_table: environment.text("LEDGER_TABLE", "a DynamoDB table name")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_not_named_is_asked_for() {
        let error = Config::from_environment(|_| None).expect_err("incomplete").to_string();
        assert_eq!(error, "environment variable LEDGER_TABLE is missing; accepted: a DynamoDB table name");
        let named = |name: &str| (name == "LEDGER_TABLE").then(|| "ledger".to_owned());
        assert_eq!(Config::from_environment(named).expect("complete").ledger_table, "ledger");
    }
}
