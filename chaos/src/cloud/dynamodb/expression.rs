//! Expressions of DynamoDB, as far as the functions use them: what an update sets, what a condition asks.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html>
//! Invariant: what is not understood is no expression, and what cannot be told for certain is not told: whoever asks goes
//! to the oracle, never to a guess.

use super::Row;
use super::tokens::Tokens;
use dynoxide::AttributeValue;
use std::collections::{BTreeMap, BTreeSet};

/// What must hold of a row. Names and values are placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Exists(String),
    Missing(String),
    Contains(String, String),
    Equal(String, String),
    AtMost(String, String),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// One thing that an update does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Sets an attribute to the sum of these, or to the only one.
    Set(String, Vec<Operand>),
    Remove(String),
    /// Adds members to a set.
    Add(String, String),
    /// Takes members out of a set.
    Delete(String, String),
}

/// What an attribute is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Value(String),
    /// What the attribute holds, or the value where it holds nothing.
    IfMissing(String, String),
}

/// What the placeholders of a call stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placeholders<'a> {
    pub(super) names: &'a BTreeMap<String, String>,
    pub(super) values: &'a Row,
}

impl Condition {
    /// Reads a condition, or the condition on a key.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut tokens = Tokens::of(text)?;
        let condition = Self::any(&mut tokens)?;
        tokens.is_empty().then_some(condition)
    }

    fn any(tokens: &mut Tokens<'_>) -> Option<Self> {
        let mut parts = vec![Self::all(tokens)?];
        while tokens.take_word("OR") {
            parts.push(Self::all(tokens)?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Self::Any(parts) })
    }

    fn all(tokens: &mut Tokens<'_>) -> Option<Self> {
        let mut parts = vec![Self::one(tokens)?];
        while tokens.take_word("AND") {
            parts.push(Self::one(tokens)?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Self::All(parts) })
    }

    fn one(tokens: &mut Tokens<'_>) -> Option<Self> {
        if tokens.take_word("NOT") {
            return Some(Self::Not(Box::new(Self::one(tokens)?)));
        }
        if tokens.take("(") {
            let condition = Self::any(tokens)?;
            return tokens.take(")").then_some(condition);
        }
        if let Some(name) = tokens.name() {
            return if tokens.take("=") {
                Some(Self::Equal(name, tokens.value()?))
            } else if tokens.take("<=") {
                Some(Self::AtMost(name, tokens.value()?))
            } else {
                None
            };
        }
        let function = tokens.word()?;
        let name = tokens.take("(").then(|| tokens.name()).flatten()?;
        let condition = match function {
            "attribute_exists" => Self::Exists(name),
            "attribute_not_exists" => Self::Missing(name),
            "contains" => {
                let value = tokens.take(",").then(|| tokens.value()).flatten()?;
                Self::Contains(name, value)
            }
            _ => return None,
        };
        tokens.take(")").then_some(condition)
    }

    /// Whether it holds of a row, or of none; `None` where that takes more than is known here.
    pub(super) fn holds(&self, row: Option<&Row>, with: Placeholders<'_>) -> Option<bool> {
        let attribute = |name: &str| Some(row.and_then(|row| row.get(with.names.get(name)?)));
        match self {
            Self::Exists(name) => Some(attribute(name)?.is_some()),
            Self::Missing(name) => Some(attribute(name)?.is_none()),
            Self::Contains(name, value) => match (attribute(name)?, with.values.get(value)?) {
                (None, _) => Some(false),
                (Some(AttributeValue::SS(members)), AttributeValue::S(member)) => {
                    Some(members.contains(member))
                }
                (Some(_), _) => None,
            },
            Self::Equal(name, value) => {
                attribute(name)?.map_or(Some(false), |held| is_equal(held, with.values.get(value)?))
            }
            Self::AtMost(..) => None,
            Self::Not(condition) => Some(!condition.holds(row, with)?),
            Self::All(conditions) => {
                conditions.iter().try_fold(true, |all, it| Some(it.holds(row, with)? && all))
            }
            Self::Any(conditions) => {
                conditions.iter().try_fold(false, |any, it| Some(it.holds(row, with)? || any))
            }
        }
    }
}

/// Whether two values are equal, where that is plain.
fn is_equal(one: &AttributeValue, other: &AttributeValue) -> Option<bool> {
    match (one, other) {
        (AttributeValue::S(one), AttributeValue::S(other)) => Some(one == other),
        (AttributeValue::N(_), AttributeValue::N(_)) => Some(whole(one)? == whole(other)?),
        _ => None,
    }
}

/// A whole number as DynamoDB writes it.
pub(super) fn whole(value: &AttributeValue) -> Option<i64> {
    let AttributeValue::N(digits) = value else { return None };
    digits.parse().ok().filter(|number: &i64| number.to_string() == *digits)
}

/// Whether nothing of a value can be wrong for what it is: no empty text or set, no number that is not whole, no map of
/// maps.
pub(super) fn is_plain(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::S(text) => !text.is_empty(),
        AttributeValue::N(_) => whole(value).is_some(),
        AttributeValue::SS(members) => !members.is_empty() && members.iter().all(|member| !member.is_empty()),
        AttributeValue::M(map) => {
            map.values().all(|value| matches!(value, AttributeValue::S(_)) || whole(value).is_some())
        }
        AttributeValue::B(_)
        | AttributeValue::BOOL(_)
        | AttributeValue::NULL(_)
        | AttributeValue::NS(_)
        | AttributeValue::BS(_)
        | AttributeValue::L(_) => false,
    }
}

impl Action {
    /// Reads what an update does.
    pub(super) fn parse_all(text: &str) -> Option<Vec<Self>> {
        let mut tokens = Tokens::of(text)?;
        let mut actions = Vec::new();
        while let Some(clause) = tokens.word() {
            loop {
                actions.push(Self::parse(clause, &mut tokens)?);
                if !tokens.take(",") {
                    break;
                }
            }
        }
        tokens.is_empty().then_some(actions)
    }

    fn parse(clause: &str, tokens: &mut Tokens<'_>) -> Option<Self> {
        let name = tokens.name()?;
        match clause {
            "SET" if tokens.take("=") => {
                let mut sum = vec![Operand::parse(tokens)?];
                if tokens.take("+") {
                    sum.push(Operand::parse(tokens)?);
                }
                Some(Self::Set(name, sum))
            }
            "REMOVE" => Some(Self::Remove(name)),
            "ADD" => Some(Self::Add(name, tokens.value()?)),
            "DELETE" => Some(Self::Delete(name, tokens.value()?)),
            _ => None,
        }
    }

    /// Does it to `after`, which came from `before`: every operand is what it was before the whole update.
    pub(super) fn apply(&self, before: &Row, after: &mut Row, with: Placeholders<'_>) -> Option<()> {
        match self {
            Self::Set(name, operands) => {
                let values: Option<Vec<_>> = operands.iter().map(|it| it.value(before, with)).collect();
                let value = match values?.as_slice() {
                    [value] => (*value).clone(),
                    [one, other] => AttributeValue::N(whole(one)?.checked_add(whole(other)?)?.to_string()),
                    _ => return None,
                };
                after.insert(with.names.get(name)?.clone(), value);
            }
            Self::Remove(name) => {
                after.remove(with.names.get(name)?);
            }
            Self::Add(name, value) => {
                let (name, members) = (with.names.get(name)?, members(with.values.get(value))?);
                let held =
                    before.get(name).map_or(Some(BTreeSet::new()), |held| self::members(Some(held)))?;
                after.insert(name.clone(), set(held.union(&members)));
            }
            Self::Delete(name, value) => {
                let (name, members) = (with.names.get(name)?, members(with.values.get(value))?);
                let Some(held) = before.get(name) else { return Some(()) };
                let held = self::members(Some(held))?;
                // DynamoDB keeps no empty set.
                match held.is_subset(&members) {
                    true => after.remove(name),
                    false => after.insert(name.clone(), set(held.difference(&members))),
                };
            }
        }
        Some(())
    }
}

fn members(value: Option<&AttributeValue>) -> Option<BTreeSet<&str>> {
    let Some(AttributeValue::SS(members)) = value else { return None };
    let set: BTreeSet<&str> = members.iter().map(String::as_str).collect();
    // Neither an empty set nor one with a member twice is any.
    (!set.is_empty() && set.len() == members.len()).then_some(set)
}

fn set<'a>(members: impl Iterator<Item = &'a &'a str>) -> AttributeValue {
    AttributeValue::SS(members.map(|member| (*member).to_owned()).collect())
}

impl Operand {
    fn parse(tokens: &mut Tokens<'_>) -> Option<Self> {
        if let Some(value) = tokens.value() {
            return Some(Self::Value(value));
        }
        if tokens.word()? != "if_not_exists" || !tokens.take("(") {
            return None;
        }
        let name = tokens.name()?;
        let value = tokens.take(",").then(|| tokens.value()).flatten()?;
        tokens.take(")").then_some(Self::IfMissing(name, value))
    }

    fn value<'a>(&self, before: &'a Row, with: Placeholders<'a>) -> Option<&'a AttributeValue> {
        match self {
            Self::Value(value) => with.values.get(value),
            Self::IfMissing(name, value) => {
                before.get(with.names.get(name)?).or_else(|| with.values.get(value))
            }
        }
    }
}

/// The part of an index that a condition on its key asks for: names and values are placeholders.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyRange<'a> {
    pub(super) hash: &'a str,
    pub(super) equal: &'a str,
    pub(super) range: &'a str,
    pub(super) at_most: &'a str,
}

impl<'a> KeyRange<'a> {
    /// A hash key that equals one value, and a range key that is at most another.
    pub(super) fn of(condition: &'a Condition) -> Option<Self> {
        let Condition::All(parts) = condition else { return None };
        let [Condition::Equal(hash, equal), Condition::AtMost(range, at_most)] = parts.as_slice() else {
            return None;
        };
        Some(Self { hash, equal, range, at_most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str, row: Option<&Row>) -> Option<bool> {
        let names = BTreeMap::from([("#a".to_owned(), "a".to_owned()), ("#b".to_owned(), "b".to_owned())]);
        let values = Row::from([(":v".to_owned(), AttributeValue::N("5".to_owned()))]);
        Condition::parse(condition)?.holds(row, Placeholders { names: &names, values: &values })
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closer_than_both() {
        let a = Row::from([("a".to_owned(), AttributeValue::N("5".to_owned()))]);
        let exists =
            |text: &str| text.replace('x', "attribute_exists(#a)").replace('y', "attribute_exists(#b)");
        for (text, expected) in [
            ("x OR y AND y", true),
            ("(x OR y) AND y", false),
            ("NOT y AND x", true),
            ("NOT (y OR x)", false),
            ("NOT x OR x", true),
        ] {
            assert_eq!(holds(&exists(text), Some(&a)), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_no_expression() {
        for text in
            ["size(#a) > :v", "#a.#b = :v", "a = :v", "#a = :v AND", "#a = :v)", "begins_with(#a, :v)"]
        {
            assert_eq!(Condition::parse(text), None, "{text}");
        }
        for text in
            ["SET #a = :v - :v", "SET #a[1] = :v", "SET a = :v", "FLING #a", "SET #a = list_append(#a, :v)"]
        {
            assert_eq!(Action::parse_all(text), None, "{text}");
        }
    }

    #[test]
    fn of_types_that_do_not_match_nothing_is_told() {
        let text = Row::from([("a".to_owned(), AttributeValue::S("5".to_owned()))]);
        assert_eq!(holds("#a = :v", Some(&text)), None);
        assert_eq!(holds("contains(#a, :v)", Some(&text)), None);
        let padded = Row::from([("a".to_owned(), AttributeValue::N("5.0".to_owned()))]);
        assert_eq!(holds("#a = :v", Some(&padded)), None);
        assert_eq!(holds("#a = :v", None), Some(false));
    }
}
