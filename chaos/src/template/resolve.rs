//! Intrinsic functions: from nodes to values.
//!
//! Invariant: a value is resolved only from what CloudFormation would know at that point: parameters, other
//! resources' references and attributes, mappings, pseudo parameters.

use super::conditions::Open;
use super::document::Document;
use super::error::{Place, Problem, TemplateError};
use super::value::{Data, Value};
use super::yaml::{Form, Function, Node, Scalar};
use super::{Deployment, Reader, Stack};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Everything a value can be resolved from.
pub(super) struct Scope<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) document: &'a Document,
    pub(super) parameters: BTreeMap<String, Value>,
    /// Nested applications assembled so far, by logical id.
    pub(super) nested: BTreeMap<String, Stack>,
    /// Files from the outermost template to this one.
    pub(super) files: &'a [PathBuf],
    pub(super) read: Reader<'a>,
    /// Names being resolved right now; meeting one again is a circle.
    pub(super) open: Open,
    /// Resources referred to since this was last taken.
    pub(super) uses: BTreeSet<String>,
}

/// Where a value is wanted.
#[derive(Clone, Copy)]
pub(super) struct At<'n> {
    pub(super) path: &'n str,
    pub(super) place: &'n Place,
}

impl At<'_> {
    pub(super) fn value(&self, data: Data) -> Value {
        Value { path: self.path.to_owned(), place: self.place.clone(), data }
    }

    pub(super) fn text(&self, text: String) -> Value {
        self.value(Data::Scalar(Scalar::Text(text)))
    }

    pub(super) fn problem(&self, problem: Problem) -> TemplateError {
        TemplateError { place: self.place.clone(), problem }
    }

    /// There is no `what` here.
    pub(super) fn unknown(&self, what: String, accepted: String) -> TemplateError {
        self.problem(Problem::Unknown { path: self.path.to_owned(), what, accepted })
    }

    /// The function was not given what it takes.
    pub(super) fn misused(&self, function: Function, accepted: &str) -> TemplateError {
        self.problem(Problem::Value {
            path: self.path.to_owned(),
            found: format!("a malformed {}", function.name()),
            accepted: accepted.to_owned(),
        })
    }
}

impl Scope<'_> {
    /// Resolves a node to text.
    pub(super) fn text(&mut self, node: &Node, path: &str) -> Result<String, TemplateError> {
        self.value(node, path)?.text()
    }

    /// Resolves a node.
    pub(super) fn value(&mut self, node: &Node, path: &str) -> Result<Value, TemplateError> {
        let node = self.chosen(node, path)?.unwrap_or(node);
        let at = At { path, place: &node.place };
        let data = match &node.form {
            Form::Scalar(scalar) => Data::Scalar(scalar.clone()),
            Form::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    if let Some(chosen) = self.chosen(item, &path)? {
                        list.push(self.value(chosen, &path)?);
                    }
                }
                Data::List(list)
            }
            Form::Map(entries) => {
                let mut map = BTreeMap::new();
                for (key, node) in entries {
                    let path = format!("{path}.{key}");
                    if let Some(chosen) = self.chosen(node, &path)? {
                        map.insert(key.clone(), self.value(chosen, &path)?);
                    }
                }
                Data::Map(map)
            }
            Form::Call(function, argument) => return self.call(*function, argument, at),
        };
        Ok(at.value(data))
    }

    fn call(&mut self, function: Function, argument: &Node, at: At<'_>) -> Result<Value, TemplateError> {
        match function {
            Function::Ref => self.reference(&argument.literal(at.path)?.text()?, at),
            Function::GetAtt => match argument.literal(at.path)?.text()?.split_once('.') {
                Some((resource, attribute)) => self.attribute(resource, attribute, at),
                None => Err(at.misused(function, "Resource.Attribute")),
            },
            Function::Sub => self.substitute(argument, at),
            Function::Select => self.select(argument, at),
            Function::Split => self.split(argument, at),
            Function::If => Err(at.misused(function, "a choice that leaves a value here")),
            Function::Equals | Function::Not => {
                Err(at.misused(function, "a value; conditions stand in the section Conditions"))
            }
        }
    }

    /// `[index, list]`.
    fn select(&mut self, argument: &Node, at: At<'_>) -> Result<Value, TemplateError> {
        let [index, list] = argument.items().unwrap_or_default() else {
            return Err(at.misused(Function::Select, "[index, list]"));
        };
        let list = self.value(list, at.path)?;
        let last = u32::try_from(list.list()?.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let index = self.value(index, at.path)?.number(0..=last)?;
        list.list()?.get(index as usize).cloned().ok_or_else(|| at.misused(Function::Select, "[index, list]"))
    }

    /// `[separator, text]`.
    fn split(&mut self, argument: &Node, at: At<'_>) -> Result<Value, TemplateError> {
        let [separator, text] = argument.items().unwrap_or_default() else {
            return Err(at.misused(Function::Split, "[separator, text]"));
        };
        let (separator, text) = (separator.literal(at.path)?.text()?, self.text(text, at.path)?);
        Ok(at.value(Data::List(text.split(&separator).map(|part| at.text(part.to_owned())).collect())))
    }

    /// `${A}` and `${A.B}`, and of `[text, names]` the names that are its own.
    fn substitute(&mut self, argument: &Node, at: At<'_>) -> Result<Value, TemplateError> {
        let (pattern, own) = match argument.items() {
            None => (argument, BTreeMap::new()),
            Some([pattern, own]) => (pattern, self.value(own, at.path)?.map()?.clone()),
            Some(_) => return Err(at.misused(Function::Sub, "text, or [text, names]")),
        };
        let pattern = pattern.literal(at.path)?.text()?;
        let mut text = String::new();
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                return Err(at.misused(Function::Sub, "a } after every ${"));
            };
            text.push_str(before);
            match own.get(name.trim()) {
                Some(value) => text.push_str(&value.text()?),
                None => text.push_str(&self.substituted(name.trim(), at)?),
            }
            rest = after;
        }
        text.push_str(rest);
        Ok(at.text(text))
    }

    fn substituted(&mut self, name: &str, at: At<'_>) -> Result<String, TemplateError> {
        let value = match name.split_once('.') {
            Some((resource, attribute)) => self.attribute(resource, attribute, at),
            None => self.reference(name, at),
        };
        value?.text()
    }
}

impl Node {
    /// The items, if this is a list.
    pub(super) fn items(&self) -> Option<&[Self]> {
        match &self.form {
            Form::List(items) => Some(items),
            Form::Scalar(_) | Form::Map(_) | Form::Call(..) => None,
        }
    }

    /// This node as it stands, where CloudFormation allows no function.
    pub(super) fn literal(&self, path: &str) -> Result<Value, TemplateError> {
        let at = At { path, place: &self.place };
        let data = match &self.form {
            Form::Scalar(scalar) => Data::Scalar(scalar.clone()),
            Form::List(items) => {
                Data::List(items.iter().map(|item| item.literal(path)).collect::<Result<_, _>>()?)
            }
            Form::Map(entries) => Data::Map(
                entries
                    .iter()
                    .map(|(key, node)| Ok((key.clone(), node.literal(&format!("{path}.{key}"))?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
            Form::Call(function, _) => {
                return Err(self.problem(Problem::Value {
                    path: path.to_owned(),
                    found: format!("the function {}", function.name()),
                    accepted: "plain text; CloudFormation allows no function here".to_owned(),
                }));
            }
        };
        Ok(at.value(data))
    }
}
