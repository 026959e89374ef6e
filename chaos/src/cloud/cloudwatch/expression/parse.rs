//! Reading metric math.
//!
//! Invariant: every character was understood, or the text is refused.

use super::{Aggregate, ExpressionError, Filling, Operator, Term};
use crate::cloud::config::Finite;

/// Operators from loosest to tightest; within a row the longer text first, so that `<=` is not read as `<`.
const PRECEDENCE: &[&[(&str, Operator)]] = &[
    &[("||", Operator::Or), ("OR", Operator::Or)],
    &[("&&", Operator::And), ("AND", Operator::And)],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];

/// What is left to read.
pub(super) struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// The term that the text is, from its first character to its last.
    pub(super) fn whole(mut self) -> Result<Term, ExpressionError> {
        let term = self.binary(0)?;
        self.skip_space();
        if self.rest.is_empty() { Ok(term) } else { Err(self.not_understood("an operator")) }
    }

    fn binary(&mut self, level: usize) -> Result<Term, ExpressionError> {
        let Some(operators) = PRECEDENCE.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.binary(level + 1)?;
            left = Term::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let (text, operator) = operators.iter().find(|(text, _)| self.next_is(text))?;
        self.rest = &self.rest[text.len()..];
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Term, ExpressionError> {
        if self.takes("-") {
            return Ok(Term::Negative(Box::new(self.unary()?)));
        }
        if self.takes("(") {
            let term = self.binary(0)?;
            self.expect(")")?;
            return Ok(term);
        }
        self.skip_space();
        match self.rest.chars().next() {
            Some(first) if first.is_ascii_digit() || first == '.' => self.number().map(Term::Number),
            Some(first) if first.is_ascii_lowercase() => Ok(Term::Id(self.word().to_owned())),
            Some(first) if first.is_ascii_uppercase() => {
                let name = self.word();
                self.call(name)
            }
            Some(_) | None => Err(self.not_understood("a number, an id or a function")),
        }
    }

    fn call(&mut self, name: &str) -> Result<Term, ExpressionError> {
        let aggregate = match name {
            "FILL" => return self.fill(),
            "IF" => return self.condition(),
            "MAX" => Aggregate::Max,
            "MIN" => Aggregate::Min,
            "SUM" => Aggregate::Sum,
            "AVG" => Aggregate::Avg,
            other => return Err(ExpressionError::Unsupported(format!("the function {other}"))),
        };
        self.expect("(")?;
        if !self.takes("[") {
            // Over one series CloudWatch's answer is a scalar that changes with the range it looks at.
            return Err(ExpressionError::Unsupported(format!("{name} of anything but a list [a, b]")));
        }
        let mut terms = vec![self.binary(0)?];
        while self.takes(",") {
            terms.push(self.binary(0)?);
        }
        self.expect("]")?;
        self.expect(")")?;
        Ok(Term::Over(aggregate, terms))
    }

    fn fill(&mut self) -> Result<Term, ExpressionError> {
        self.expect("(")?;
        let term = self.binary(0)?;
        self.expect(",")?;
        let filling = if self.takes("REPEAT") {
            Filling::Repeat
        } else if self.takes("LINEAR") {
            return Err(ExpressionError::Unsupported("FILL with LINEAR".to_owned()));
        } else {
            let negative = self.takes("-");
            let number = self.number()?;
            Filling::With(if negative { Finite::new(-number.get()).unwrap_or(number) } else { number })
        };
        self.expect(")")?;
        Ok(Term::Fill(Box::new(term), filling))
    }

    fn condition(&mut self) -> Result<Term, ExpressionError> {
        self.expect("(")?;
        let condition = self.binary(0)?;
        self.expect(",")?;
        let yes = self.binary(0)?;
        // CloudWatch takes an IF without this; then there is no point where the condition does not hold.
        self.expect(",")?;
        let no = self.binary(0)?;
        self.expect(")")?;
        Ok(Term::If(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    fn number(&mut self) -> Result<Finite, ExpressionError> {
        self.skip_space();
        let text = self.take_while(|c| c.is_ascii_digit() || c == '.');
        let number = text.parse().ok().and_then(Finite::new);
        number.ok_or_else(|| self.not_understood("a number"))
    }

    fn word(&mut self) -> &'t str {
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Whether `text` comes next; a word only when it ends there.
    fn next_is(&mut self, text: &str) -> bool {
        self.skip_space();
        let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic());
        self.rest.strip_prefix(text).is_some_and(|rest| {
            !is_word || !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
    }

    fn takes(&mut self, text: &str) -> bool {
        let found = self.next_is(text);
        if found {
            self.rest = &self.rest[text.len()..];
        }
        found
    }

    fn expect(&mut self, text: &'static str) -> Result<(), ExpressionError> {
        if self.takes(text) { Ok(()) } else { Err(self.not_understood(text)) }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn not_understood(&self, expected: &'static str) -> ExpressionError {
        let found = if self.rest.is_empty() { "the end".to_owned() } else { format!("{:?}", self.rest) };
        ExpressionError::Malformed { expected, found }
    }
}
