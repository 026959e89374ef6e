//! Stripe's search query language: `status:'succeeded' AND metadata['payment_id']:'order-1'`.
//!
//! Source: <https://docs.stripe.com/search#search-query-language>, with the fields of payment intents. `AND` and `OR` do
//! not mix, there are no parentheses, and a clause without a word before it is joined by `AND`.
//! Invariant: a query means what all of its text says; what is not understood is refused.

use super::errors::ApiError;
use super::intent::Intent;
use super::limits::QUERY_CLAUSES_MAX;

/// A query that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    clauses: Vec<Clause>,
    joint: Joint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    And,
    Or,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause {
    sign: Sign,
    test: Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Is,
    /// `-` before the field.
    IsNot,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// A token, compared whole and whatever its case; `None` is `null`: the field is absent.
    Token(Token, Option<String>),
    Number(Number, Comparison, i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Currency,
    Customer,
    Status,
    Metadata(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Amount,
    Created,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// The longer ones first: `>=` begins with `>`.
const COMPARISONS: [(&str, Comparison); 5] = [
    (">=", Comparison::GreaterOrEqual),
    ("<=", Comparison::LessOrEqual),
    (":", Comparison::Equal),
    (">", Comparison::Greater),
    ("<", Comparison::Less),
];

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut reader = Reader(text.trim());
        let mut clauses = vec![reader.clause()?];
        let mut joint = None;
        while !reader.is_done() {
            let next = reader.joint();
            if *joint.get_or_insert(next) != next {
                return Err(refusal("AND and OR cannot be combined in one query"));
            }
            clauses.push(reader.clause()?);
        }
        if clauses.len() > QUERY_CLAUSES_MAX {
            return Err(refusal(&format!("a query has at most {QUERY_CLAUSES_MAX} clauses")));
        }
        Ok(Self { clauses, joint: joint.unwrap_or(Joint::And) })
    }

    /// Whether an intent is found that was indexed with this status; nothing else of an intent ever changes.
    pub(super) fn matches(&self, intent: &Intent, status: &str) -> bool {
        let mut clauses = self.clauses.iter().map(|clause| clause.matches(intent, status));
        match self.joint {
            Joint::And => clauses.all(|is| is),
            Joint::Or => clauses.any(|is| is),
        }
    }
}

impl Clause {
    fn matches(&self, intent: &Intent, status: &str) -> bool {
        let is = match &self.test {
            Test::Token(token, wanted) => match (token.of(intent, status), wanted) {
                (Some(value), Some(wanted)) => value.to_lowercase() == wanted.to_lowercase(),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            },
            Test::Number(number, comparison, wanted) => comparison.holds(number.of(intent), *wanted),
        };
        match self.sign {
            Sign::Is => is,
            Sign::IsNot => !is,
        }
    }
}

impl Token {
    fn of<'a>(&self, intent: &'a Intent, status: &'a str) -> Option<&'a str> {
        match self {
            Self::Currency => Some(intent.request.currency),
            Self::Customer => intent.request.customer.as_deref(),
            Self::Status => Some(status),
            Self::Metadata(key) => intent.request.metadata.get(key),
        }
    }
}

impl Number {
    const fn of(self, intent: &Intent) -> i64 {
        match self {
            Self::Amount => intent.request.amount,
            Self::Created => intent.created_s(),
        }
    }
}

impl Comparison {
    const fn holds(self, value: i64, wanted: i64) -> bool {
        match self {
            Self::Equal => value == wanted,
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
        }
    }
}

/// What is left to read, without white space before it.
struct Reader<'a>(&'a str);

/// What stands right of an operator.
enum Value {
    Quoted(String),
    Bare(String),
}

impl Reader<'_> {
    const fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// The word between two clauses, if there is one.
    fn joint(&mut self) -> Joint {
        for (word, joint) in [("and", Joint::And), ("or", Joint::Or)] {
            let (first, rest) = self.0.split_once(char::is_whitespace).unwrap_or((self.0, ""));
            if first.eq_ignore_ascii_case(word) {
                self.0 = rest.trim_start();
                return joint;
            }
        }
        Joint::And
    }

    fn clause(&mut self) -> Result<Clause, ApiError> {
        let sign = if self.skip("-") { Sign::IsNot } else { Sign::Is };
        let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
        let test = match self.take_while(letters).as_str() {
            "amount" => self.number(Number::Amount)?,
            "created" => self.number(Number::Created)?,
            "currency" => self.token(Token::Currency)?,
            "customer" => self.token(Token::Customer)?,
            "status" => self.token(Token::Status)?,
            "metadata" => {
                let key = self.metadata_key()?;
                self.token(Token::Metadata(key))?
            }
            other => return Err(refusal(&format!("payment intents have no search field '{other}'"))),
        };
        self.0 = self.0.trim_start();
        Ok(Clause { sign, test })
    }

    fn number(&mut self, number: Number) -> Result<Test, ApiError> {
        let comparison = COMPARISONS.into_iter().find(|(sign, _)| self.skip(sign));
        let (_, comparison) =
            comparison.ok_or_else(|| refusal("a number is compared by :, >, >=, < or <="))?;
        let (Value::Quoted(digits) | Value::Bare(digits)) = self.value()?;
        let wanted = digits.parse().map_err(|_| refusal(&format!("'{digits}' is no whole number")))?;
        Ok(Test::Number(number, comparison, wanted))
    }

    fn token(&mut self, token: Token) -> Result<Test, ApiError> {
        if !self.skip(":") {
            return Err(refusal("a token is compared by : alone"));
        }
        match self.value()? {
            Value::Quoted(text) => Ok(Test::Token(token, Some(text))),
            Value::Bare(word) if word.eq_ignore_ascii_case("null") => Ok(Test::Token(token, None)),
            Value::Bare(word) => Err(refusal(&format!("the text {word} needs quotes"))),
        }
    }

    fn metadata_key(&mut self) -> Result<String, ApiError> {
        let missing = || refusal("a metadata field is written metadata['key']");
        if !self.skip("[") {
            return Err(missing());
        }
        match (self.value()?, self.skip("]")) {
            (Value::Quoted(key), true) => Ok(key),
            (Value::Quoted(_) | Value::Bare(_), _) => Err(missing()),
        }
    }

    fn value(&mut self) -> Result<Value, ApiError> {
        match self.0.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Value::Quoted),
            Some(_) => Ok(Value::Bare(self.take_while(|letter| !letter.is_whitespace() && letter != ']'))),
            None => Err(refusal("the last clause has no value")),
        }
    }

    /// Text in quotes; a backslash takes the next character as it is.
    fn quoted(&mut self, quote: char) -> Result<String, ApiError> {
        let (mut text, mut is_escaped) = (String::new(), false);
        for (at, letter) in self.0.char_indices().skip(1) {
            if is_escaped || (letter != '\\' && letter != quote) {
                text.push(letter);
                is_escaped = false;
            } else if letter == '\\' {
                is_escaped = true;
            } else {
                self.0 = &self.0[at + quote.len_utf8()..];
                return Ok(text);
            }
        }
        Err(refusal("a quotation mark is never closed"))
    }

    fn skip(&mut self, sign: &str) -> bool {
        let rest = self.0.strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let end = self.0.find(|letter| !wanted(letter)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word.to_owned()
    }
}

fn refusal(why: &str) -> ApiError {
    ApiError::invalid_parameter("query", format!("The search query cannot be read: {why}."))
}
